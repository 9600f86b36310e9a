"""What the embedded server keeps in the data folder besides its data: two locks and a record.

`lock` is held by the gateway that uses the folder. `server.json` names the server's socket and process, and is itself
locked by the *server*, which inherits the open file: as long as any server lives on the folder, that lock says so, even
when the gateway that started it was killed the moment after. Two servers on one folder would give out the same
sequences twice, so nothing less certain than a lock decides.
"""

import os
import shutil
import signal
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

import msgspec

if sys.platform != "win32":
    import fcntl

MEMORY = ":memory:"
TEMPORARY_PREFIX = "chatgateway-memory-"
SOCKET_PATH_LIMIT = 100  # bytes; the kernel's limit is 107 on Linux and 103 on macOS
TAKE_SECONDS = 1.0


class EmbeddedServerError(Exception):
    """The embedded server cannot be used; the text says what to do."""


class ServerRecord(msgspec.Struct, frozen=True):
    """Where the folder's server listens, and its process (0 while it is being started)."""

    socket: str
    pid: int = 0


@contextmanager
def opened_data(name: str) -> Iterator[Path]:
    """The data folder of this name; for `:memory:` a temporary one that is removed at the end."""
    if name != MEMORY:
        yield Path(name)
        return
    _sweep_temporary_folders()
    folder = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def running_url(data: Path) -> str | None:
    """The URL of the server that lives on this folder, or None. For commands that talk to a running gateway's store."""
    folder = DataFolder(data)
    return f"unix://{record.socket}" if folder.server_lives() and (record := folder.read_record()) else None


class DataFolder:
    """The files, locks and socket of one data folder. All calls are short and do not wait, except `take`."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.log = self.path / "valkey.log"
        self._lock_path = self.path / "lock"
        self._record_path = self.path / "server.json"
        self._lock: int | None = None

    @property
    def taken(self) -> bool:
        """Whether the folder is ours, between `take` and `release`."""
        return self._lock is not None

    def take(self, wait_seconds: float = TAKE_SECONDS) -> None:
        """Make the folder ours alone. Waits a moment for a gateway that is just leaving.

        Raises EmbeddedServerError when another gateway has it, or when it cannot be made or written.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.chmod(0o700)  # messages are in it
            deadline = time.monotonic() + wait_seconds
            while (lock := _locked(self._lock_path)) is None and time.monotonic() < deadline:
                time.sleep(0.05)
            if lock is None:
                holder = self._lock_path.read_text().strip() or "unknown"
                raise EmbeddedServerError(
                    f"{self.path} is in use by another gateway (process {holder}): "
                    "stop that one, or give this one a data folder of its own with --data"
                )
            _overwrite(lock, str(os.getpid()).encode())
        except OSError as problem:
            raise EmbeddedServerError(f"The data folder {self.path} cannot be used: {problem.strerror}") from problem
        self._lock = lock

    def release(self) -> None:
        """Let the next gateway in. The lock's file stays: removing it would let two in at once."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def server_lives(self) -> bool:
        """Whether any process of a server still holds the folder."""
        try:
            file = os.open(self._record_path, os.O_RDWR)
        except OSError:
            return False
        try:
            return not _lock(file)
        finally:
            os.close(file)

    def read_record(self) -> ServerRecord | None:
        try:
            return msgspec.json.decode(self._record_path.read_bytes(), type=ServerRecord)
        except (OSError, msgspec.MsgspecError):
            return None

    def lock_record(self) -> "LockedRecord | None":
        """The record, locked for the server about to be started; None while another server holds it."""
        file = _locked(self._record_path)
        return None if file is None else LockedRecord(file)

    def forget_server(self) -> None:
        """Remove the record and what is left of the socket it names. Only while no server lives."""
        if record := self.read_record():
            socket = Path(record.socket)
            with suppress(OSError):
                socket.unlink(missing_ok=True)
                socket.parent.rmdir()
        self._record_path.unlink(missing_ok=True)


class LockedRecord:
    """The record while a server is being started. Leaving closes only our copy of the open file: a server that has
    inherited `file` keeps the lock."""

    def __init__(self, file: int) -> None:
        self.file = file

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.file)

    def write(self, record: ServerRecord) -> None:
        _overwrite(self.file, msgspec.json.encode(record))


def _sweep_temporary_folders() -> None:
    """End the servers and remove the folders that killed gateways left: nobody comes back to a temporary folder."""
    for path in Path(tempfile.gettempdir()).glob(TEMPORARY_PREFIX + "*"):
        folder = DataFolder(path)
        record = folder.read_record()  # written only under the lock: a folder that is just being made has none
        if record is None:
            continue
        with suppress(EmbeddedServerError, OSError):
            folder.take(wait_seconds=0)
            # While the server's lock is held, its process number cannot be anybody else's.
            deadline = time.monotonic() + TAKE_SECONDS
            while record.pid and folder.server_lives() and time.monotonic() < deadline:
                with suppress(ProcessLookupError):
                    os.kill(record.pid, signal.SIGKILL)
                time.sleep(0.01)
            folder.forget_server()
            shutil.rmtree(path, ignore_errors=True)
        folder.release()


def new_socket_path() -> Path:
    """A path for a socket, short enough for the kernel, in a new folder that only we can enter."""
    folders = [tempfile.gettempdir(), "/tmp"]  # noqa: S108 - for when TMPDIR is too long; mkdtemp makes it safe
    for parent in folders:
        if len(os.fsencode(parent)) + len("/chatgateway-12345678/s") <= SOCKET_PATH_LIMIT:
            return Path(tempfile.mkdtemp(prefix="chatgateway-", dir=parent)) / "s"
    raise EmbeddedServerError("No temporary folder has a path short enough for a socket: set TMPDIR to a shorter one")


def keep_socket_folder(socket: Path) -> None:
    """Make the socket's folder again if a cleaner took it; refuse one that others may enter."""
    with suppress(FileExistsError):
        socket.parent.mkdir(mode=0o700)
    found = socket.parent.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise EmbeddedServerError(f"{socket.parent} is not a folder of ours alone")


def _locked(path: Path) -> int | None:
    """An open file with its exclusive lock, or None when another process has it."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    if _lock(file):
        return file
    os.close(file)
    return None


def _lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _overwrite(file: int, content: bytes) -> None:
    os.ftruncate(file, 0)
    os.pwrite(file, content, 0)
