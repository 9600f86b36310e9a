"""Bytes on their way in."""

import asyncio
import io
import logging
import tempfile
from pathlib import Path
from typing import BinaryIO

from core.errors import Failure, Kind, files_unavailable

_MEMORY_BYTES = 1 << 20

_log = logging.getLogger(__name__)


class Spool:
    """The bytes of a file that is being received, up to a limit: the first megabyte in memory, all of a longer one in a file
    without a name, which is gone with the process whatever happens to it. Close it when done."""

    def __init__(self, limit: int, folder: Path | None = None) -> None:
        """`limit` is in bytes; `folder` is where longer ones lie, by default where the system has its temporary files."""
        self._limit = limit
        self._folder = folder
        self._buffer = bytearray()
        self._file: BinaryIO | None = None
        self.size_bytes = 0

    async def write(self, piece: bytes) -> None:
        """Add a piece. Raises *too large* with reason `file` as soon as the limit is passed, *store unavailable* with reason
        `files` when the disk takes no more."""
        self.size_bytes += len(piece)
        if self.size_bytes > self._limit:
            raise Failure(Kind.TOO_LARGE, f"The file has more than {self._limit} bytes", reason="file")
        self._buffer += piece
        if len(self._buffer) >= _MEMORY_BYTES:
            await asyncio.to_thread(self._flush)

    async def reader(self) -> BinaryIO:
        """All of it, from the start; one reader at a time. Raises *store unavailable* with reason `files`."""
        if self._file is None:
            return io.BytesIO(self._buffer)
        if self._buffer:
            await asyncio.to_thread(self._flush)
        self._file.seek(0)
        return self._file

    def close(self) -> None:
        """Let go of the bytes."""
        self._buffer.clear()
        if self._file is not None:
            self._file.close()

    def _flush(self) -> None:
        try:
            if self._file is None:
                if self._folder is not None:
                    self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115  # `close` closes it
            self._file.seek(0, io.SEEK_END)
            self._file.write(self._buffer)
            self._file.flush()
        except OSError as problem:
            _log.error("an upload can't be written: %s", problem)
            raise files_unavailable() from None
        self._buffer.clear()
