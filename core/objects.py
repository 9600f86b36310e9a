"""Where the bytes of files lie: a folder, or a bucket of a server that speaks S3."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

import msgspec
import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, MemoryStore, S3Store

from core.errors import files_unavailable
from core.spool import Spool

BUCKET_SCHEME = "s3://"
_PIECE_BYTES = 256 * 1024
_PART_BYTES = 1 << 20
"""What is read at a time of a file that goes into a folder."""
_BUCKET_PART_BYTES = 5 << 20
"""The smallest that S3 takes as a part of a longer upload."""
_PARTS_AT_ONCE = 2
_WRITE_SECONDS = 120
_ANSWER_SECONDS = 3
_DELETIONS_AT_ONCE = 10
_UNFINISHED = "#1"
"""What a name in a folder ends in while its content is being written; left behind by a process that was killed."""

_log = logging.getLogger(__name__)


class Content(msgspec.Struct):
    """Bytes to be read once, piece by piece."""

    size_bytes: int
    pieces: AsyncIterator[bytes]


class Objects:
    """Bytes by name. A name has bytes when all of them are there, and never other ones.

    Everything raises *store unavailable* with reason `files` when the place does not answer in time or refuses.
    """

    def __init__(self, place: str | None = None) -> None:
        """`place` is a folder's path or `s3://bucket/prefix`; without one everything is kept in memory, for commands and
        tests. A bucket's server, region and credentials come from the usual `AWS_…` environment variables. Raises
        `ValueError` for a bucket that can't be used."""
        self._folder: Path | None = None
        self._store: LocalStore | MemoryStore | S3Store | None = None
        if place is None:
            self._store = MemoryStore()
        elif place.startswith(BUCKET_SCHEME):
            self._store = _bucket(place)
        else:
            self._folder = Path(place)

    def spool(self, limit: int) -> Spool:
        """A place for bytes on their way here, up to `limit`. Close it when done."""
        return Spool(limit, self._folder)

    async def write(self, name: str, content: BinaryIO) -> None:
        """Keep all of a file; on the disk for good when it is a local one."""
        with _failures("written"):
            async with asyncio.timeout(_WRITE_SECONDS):
                await obstore.put_async(
                    self._opened(),
                    name,
                    content,
                    chunk_size=_PART_BYTES if self._folder is not None else _BUCKET_PART_BYTES,
                    max_concurrency=_PARTS_AT_ONCE,
                )
            if self._folder is not None:
                await asyncio.to_thread(_sync, self._folder, name)

    async def read(self, name: str) -> Content | None:
        """What a name has; none when it has nothing."""
        with _failures("read"):
            try:
                async with asyncio.timeout(_ANSWER_SECONDS):
                    found = await obstore.get_async(self._opened(), name)
            except FileNotFoundError:
                return None
            return Content(found.meta["size"], _pieces(found))

    async def delete(self, names: list[str]) -> None:
        """Delete what names have, and what is left of attempts to give them something."""
        with _failures("deleted"):
            for start in range(0, len(names), _DELETIONS_AT_ONCE):
                some = names[start : start + _DELETIONS_AT_ONCE]
                async with asyncio.timeout(_ANSWER_SECONDS):
                    await asyncio.gather(*map(self._delete, some))

    async def _delete(self, name: str) -> None:
        if self._folder is not None:
            await asyncio.to_thread((self._folder / f"{name}{_UNFINISHED}").unlink, missing_ok=True)
        with suppress(FileNotFoundError):
            await obstore.delete_async(self._opened(), name)

    def _opened(self) -> "LocalStore | MemoryStore | S3Store":
        """The store; a folder is made when it is first asked for, so that who keeps no files needs none."""
        if self._store is None:
            assert self._folder is not None  # noqa: S101
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._store = LocalStore(self._folder, automatic_cleanup=True)
        return self._store


def _bucket(place: str) -> S3Store:
    try:
        return S3Store.from_url(
            place,
            config={"disable_bulk_delete": True},  # not every server knows how
            # A reply goes out as fast as its client takes it; what stalls is given up sooner.
            client_options={
                "allow_http": True,  # where the server's address says so
                "connect_timeout": timedelta(seconds=2),
                "read_timeout": timedelta(seconds=10),
                "timeout": timedelta(hours=1),
            },
            retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=10)},
        )
    except (BaseError, ValueError):
        raise ValueError("a bucket is s3://name or s3://name/prefix") from None


async def _pieces(found: "obstore.GetResult") -> AsyncIterator[bytes]:
    with _failures("read"):
        async for piece in found.stream(min_chunk_size=_PIECE_BYTES):
            yield bytes(piece)


@contextmanager
def _failures(what: str) -> Iterator[None]:
    """What goes wrong is logged, since only the operator may know where files lie."""
    try:
        yield
    except (BaseError, OSError, TimeoutError) as problem:
        _log.error("a file can't be %s: %s", what, str(problem).partition("\n")[0] or "no answer in time")
        raise files_unavailable() from None


def _sync(folder: Path, name: str) -> None:
    """Have the disk hold a file and the way to it."""
    path = folder / name
    while path != folder.parent:
        opened = os.open(path, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
        path = path.parent
