"""The supervisor's side of a worker: start it, start it again when it ends, stop it without cutting anybody off."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
import structlog

from gateway.orders import READY, STOP, Task
from gateway.settings import Settings
from gateway.sockets import PrivateListener

FIRST_DELAY_SECONDS = 0.1
LONGEST_DELAY_SECONDS = 5.0
STEADY_SECONDS = 60.0
STOP_MARGIN_SECONDS = 5.0
"""How long after the drain time a worker may take to end before it is killed."""
_PACKAGES = Path(__file__).parent.parent

log = structlog.get_logger(__name__)


class WorkerEndedError(Exception):
    """A worker ended before it ever served."""


class WorkerProcess:
    """One worker process after the other, from `keep` to `stop`. `listeners` are the public sockets it accepts on."""

    def __init__(
        self, name: str, settings: Settings, store_url: str, listeners: Sequence[socket.socket], *, readable_logs: bool
    ) -> None:
        self.name = name
        self._settings = settings
        self._store_url = store_url
        self._listeners = listeners
        self._readable_logs = readable_logs
        self._private = PrivateListener()
        self._ready = asyncio.Event()
        self._stopping = asyncio.Event()
        self._hurry = asyncio.Event()
        self._ever_ready = False

    @property
    def private_path(self) -> Path:
        """The Unix socket on which this worker answers probes."""
        return self._private.path

    @property
    def ready(self) -> bool:
        """Whether a process runs and accepts requests."""
        return self._ready.is_set()

    async def wait_ready(self) -> None:
        """Until a process accepts requests."""
        await self._ready.wait()

    def stop(self) -> None:
        """Let the process answer what it accepted, then end it; `keep` returns when that is done."""
        self._stopping.set()

    def hurry(self) -> None:
        """End the process that is being stopped at once."""
        self._hurry.set()

    async def keep(self) -> None:
        """Run the worker until `stop`, again and again, with growing delays. Raises `WorkerEndedError` when its first
        process ends before it served."""
        delay = FIRST_DELAY_SECONDS
        try:
            while not self._stopping.is_set():
                began = time.monotonic()
                exit_code = await self._run()
                if self._stopping.is_set():
                    return
                if not self._ever_ready:
                    raise WorkerEndedError(f"{self.name} ended while starting, with code {exit_code}")
                if time.monotonic() - began > STEADY_SECONDS:
                    delay = FIRST_DELAY_SECONDS
                log.error("worker_ended", worker=self.name, exit_code=exit_code, restart_in_seconds=delay)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), delay)
                delay = min(delay * 2, LONGEST_DELAY_SECONDS)
        finally:
            self._private.close()

    async def _run(self) -> int:
        ours, theirs = socket.socketpair()
        numbers = [listener.fileno() for listener in self._listeners]
        task = Task(
            store_url=self._store_url,
            settings=self._settings,
            listeners=tuple(numbers),
            private_listener=self._private.socket.fileno(),
            private_path=str(self._private.path),
            readable_logs=self._readable_logs,
        )
        with theirs:
            process = await asyncio.create_subprocess_exec(
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
        reader, writer = await asyncio.open_unix_connection(sock=ours)
        exited = asyncio.create_task(process.wait())
        others = [asyncio.create_task(each) for each in (self._await_ready(reader), self._stopping.wait())]
        try:
            writer.write(msgspec.json.encode(task) + b"\n")
            await asyncio.wait({exited, others[1]}, return_when=asyncio.FIRST_COMPLETED)
            if not exited.done():
                writer.write(STOP)
                hurry = asyncio.create_task(self._hurry.wait())
                others.append(hurry)
                longest = self._settings.drain_seconds + STOP_MARGIN_SECONDS
                await asyncio.wait({exited, hurry}, timeout=longest, return_when=asyncio.FIRST_COMPLETED)
            if not exited.done():
                log.warning("worker_killed", worker=self.name, hurried=self._hurry.is_set())
                process.kill()
            return await exited
        finally:
            self._ready.clear()
            for other in others:
                other.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _await_ready(self, reader: asyncio.StreamReader) -> None:
        with suppress(ConnectionError):
            if await reader.readline() == READY:
                self._ever_ready = True
                self._ready.set()
                log.info("worker_ready", worker=self.name)


def _import_path() -> list[str]:
    """Where the worker finds this very package, and what the operator added."""
    return [str(_PACKAGES), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
