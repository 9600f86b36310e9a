"""The supervisor's side of one worker process: start it, let it leave or stop without cutting anybody off."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec
import structlog

from gateway.orders import LEAVE, READY, STOP, Task
from gateway.settings import Settings
from gateway.sockets import PrivateListener

START_SECONDS = 60.0
END_MARGIN_SECONDS = 5.0
"""How long a process may take to end beyond the time that its connections have."""
_PACKAGES = Path(__file__).parent.parent

log = structlog.get_logger(__name__)


class WorkerEndedError(Exception):
    """A process ended before it ever served, or there is none at all; then without an exit code."""

    def __init__(self, text: str, exit_code: int | None = None) -> None:
        super().__init__(text)
        self.exit_code = exit_code


@dataclass(frozen=True)
class Workplace:
    """What all workers of a gateway share. `listeners` are the public sockets on which they accept: the main one, then those of
    the setting `listeners`."""

    store_url: str
    files: str
    listeners: Sequence[socket.socket]
    readable_logs: bool


class WorkerProcess:
    """One process. Start it once; after that it can be told to leave, to stop, or be killed. With `needs_store` it only
    starts when it reaches the store."""

    def __init__(self, name: str, settings: Settings, place: Workplace, *, needs_store: bool) -> None:
        self.name = name
        self.serves = False
        """Whether it accepts requests."""
        self._settings = settings
        self._place = place
        self._needs_store = needs_store
        self._private = PrivateListener()
        self._process: asyncio.subprocess.Process | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._ended: asyncio.Task[int] | None = None

    @property
    def private_path(self) -> Path:
        """The Unix socket on which it answers probes."""
        return self._private.path

    @property
    def pid(self) -> int:
        """Its number; 0 before there is a process."""
        return self._process.pid if self._process else 0

    async def start(self) -> None:
        """Returns when it accepts requests. Raises `WorkerEndedError` when it ends first; one that takes longer than
        `START_SECONDS` is killed."""
        try:
            reader = await self._spawn()
        finally:
            # When the process ends, whoever asks on its socket shall know at once.
            self._private.socket.close()
            if self._ended is None:
                self._private.close()
        said = b""
        with suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(START_SECONDS):
                said = await reader.readline()
        if said != READY:
            exit_code = await self._wait_at_most(END_MARGIN_SECONDS)
            raise WorkerEndedError(f"{self.name} ended while starting, with code {exit_code}", exit_code)
        self.serves = True
        log.info("worker_ready", worker=self.name, pid=self.pid)

    async def wait(self) -> int:
        """Its exit code, once it has ended."""
        assert self._ended is not None, "not started"  # noqa: S101
        return await asyncio.shield(self._ended)

    def when_ended(self, tell: Callable[["WorkerProcess", int], None]) -> None:
        """Have somebody told when it has ended, with its exit code."""
        assert self._ended is not None, "not started"  # noqa: S101
        self._ended.add_done_callback(lambda ended: tell(self, ended.result()))

    async def leave(self) -> None:
        """Let it accept nobody any more and end with its last connection, in each connection's own time; returns then."""
        self.serves = False
        limits = self._settings.limits
        began = time.monotonic()
        await self._end(LEAVE, limits.keep_alive_seconds + self._settings.drain_seconds)
        log.info("worker_left", worker=self.name, pid=self.pid, seconds=round(time.monotonic() - began, 1))

    async def stop(self) -> None:
        """Let it answer what was sent, and end; returns then."""
        self.serves = False
        await self._end(STOP, self._settings.drain_seconds)

    def kill(self) -> None:
        """End it at once, whatever it does."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    async def _end(self, order: bytes, seconds: float) -> None:
        if self._ended is None:
            return
        if self._writer is None:  # it does not know yet what to do
            self.kill()
        else:
            self._writer.write(order)
        await self._wait_at_most(seconds + END_MARGIN_SECONDS)

    async def _wait_at_most(self, seconds: float) -> int:
        """Its exit code; it is killed when it takes longer."""
        try:
            async with asyncio.timeout(seconds):
                return await self.wait()
        except TimeoutError:
            log.warning("worker_killed", worker=self.name, pid=self.pid)
            self.kill()
            return await self.wait()

    async def _spawn(self) -> asyncio.StreamReader:
        ours, theirs = socket.socketpair()
        numbers = [listener.fileno() for listener in self._place.listeners]
        task = Task(
            store_url=self._place.store_url,
            files=self._place.files,
            settings=self._settings,
            listeners=tuple(numbers),
            private_listener=self._private.socket.fileno(),
            private_path=str(self._private.path),
            readable_logs=self._place.readable_logs,
            needs_store=self._needs_store,
        )
        with theirs:
            try:
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-P",  # a folder `gateway` where the operator happens to be is not ours
                    "-m",
                    "gateway.worker",
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    pass_fds=(*numbers, task.private_listener),
                    env={**os.environ, "PYTHONPATH": os.pathsep.join(_import_path())},
                    start_new_session=True,  # Ctrl-C is for the supervisor alone
                )
            except BaseException:
                ours.close()
                raise
        self._ended = asyncio.create_task(self._wait_for(self._process))
        reader, self._writer = await asyncio.open_unix_connection(sock=ours)
        self._writer.write(msgspec.json.encode(task) + b"\n")
        return reader

    async def _wait_for(self, process: asyncio.subprocess.Process) -> int:
        exit_code = await process.wait()
        self.serves = False
        self._private.close()
        if self._writer is not None:
            self._writer.close()
        return exit_code


def _import_path() -> list[str]:
    """Where the worker finds this very package, and what the operator added."""
    return [str(_PACKAGES), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
