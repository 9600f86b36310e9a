"""A worker as the supervisor keeps it: one process after the other, so that one always serves."""

import asyncio
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from core.store.data_folder import EmbeddedServerError
from gateway.health import NoAnswer, ask
from gateway.settings import Settings
from gateway.sockets import readable
from gateway.worker_process import WorkerEndedError, WorkerProcess, Workplace

FIRST_DELAY_SECONDS = 0.1
LONGEST_DELAY_SECONDS = 5.0
STEADY_SECONDS = 60.0
PROBE_EVERY_SECONDS = 1.0
HANGING_PROBES = 5
"""So many probes in a row without any answer mean that a process hangs. They are counted, not timed: who was stopped
together with the supervisor must not be killed when both go on."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _Ended:
    """A process has ended, or one in its place did not start."""

    process: WorkerProcess
    exit_code: int | None


@dataclass(frozen=True)
class _Replacement:
    """A wish for a process with these settings; `done` when it serves."""

    settings: Settings
    done: asyncio.Future[None]


class Worker:
    """One worker from `keep` to its cancellation. Only `keep` starts processes, so two starts never meet."""

    def __init__(self, name: str, settings: Settings, place: Workplace) -> None:
        self.name = name
        self._settings = settings
        self._place = place
        self._process: WorkerProcess | None = None
        self._processes: set[WorkerProcess] = set()
        """All that live, those that start or leave too."""
        self._began = 0.0
        self._begun = asyncio.Event()
        self._delay = 0.0
        self._events: asyncio.Queue[_Ended | _Replacement] = asyncio.Queue()
        self._leaving: asyncio.Task[None] | None = None

    @property
    def private_path(self) -> Path:
        """The Unix socket on which the process that serves answers probes."""
        return self._process.private_path if self._process else Path()

    @property
    def ready(self) -> bool:
        """Whether a process runs and accepts requests."""
        return self._process is not None and self._process.serves

    async def wait_begun(self) -> None:
        """Until the first process accepts requests."""
        await self._begun.wait()

    def hurry(self) -> None:
        """End all processes at once."""
        for process in self._processes:
            process.kill()

    async def keep(self) -> None:
        """Run the worker until cancelled: then what was sent to it is answered first. A process that ends is followed by
        another, at once when it was steady, else with growing delays. Raises `WorkerEndedError` when the first process ends
        before it served."""
        try:
            await self._begin(self._settings)
            self._begun.set()
            while True:
                event = await self._events.get()
                if isinstance(event, _Replacement):
                    await self._replace(event)
                elif event.process is self._process:
                    await self._begin_again(event)
        finally:
            await self._end()

    async def watch(self) -> None:
        """Kill a process that hangs; `keep` then starts another. One that answers lives on, be it that the store is away:
        a new one would not reach it either."""
        while True:
            await asyncio.sleep(PROBE_EVERY_SECONDS)
            process = self._process
            if process is not None and await self._hangs(process):
                log.error("worker_hangs", worker=self.name, pid=process.pid)
                process.kill()

    async def replace(self, settings: Settings) -> None:
        """Put a new process with these settings in the place of the one that serves. Returns when the new one serves; the
        former one leaves, and the next replacement waits for that, so a worker has two processes at most. Raises
        `WorkerEndedError` when the new one ends before it serves, or does not reach the store: then the former one stays."""
        if self._leaving is not None and not self._leaving.done():
            log.info("restart_waits", worker=self.name, for_the_end_of="the process that still leaves")
            await asyncio.wait({self._leaving})
        wish = _Replacement(settings, asyncio.get_running_loop().create_future())
        self._events.put_nowait(wish)
        await wish.done

    async def _begin(self, settings: Settings, *, needs_store: bool = False) -> None:
        """Start a process; the one that serves once it does."""
        try:
            process = WorkerProcess(self.name, settings, self._place, needs_store=needs_store)
            self._processes.add(process)
            try:
                await process.start()
            except (WorkerEndedError, OSError):
                self._processes.discard(process)
                raise
        except (OSError, EmbeddedServerError) as problem:
            raise WorkerEndedError(f"{self.name} cannot be started: {problem}") from problem
        self._process, self._began = process, time.monotonic()
        process.when_ended(self._gone)

    def _gone(self, process: WorkerProcess, exit_code: int) -> None:
        self._processes.discard(process)
        if process is self._process and time.monotonic() - self._began > STEADY_SECONDS:
            self._delay = 0.0
        self._events.put_nowait(_Ended(process, exit_code))

    async def _begin_again(self, ended: _Ended) -> None:
        """Once: what was asked for meanwhile comes before the next time."""
        log.error("worker_ended", worker=self.name, exit_code=ended.exit_code, restart_in_seconds=self._delay)
        await asyncio.sleep(self._delay)
        self._delay = min(max(self._delay * 2, FIRST_DELAY_SECONDS), LONGEST_DELAY_SECONDS)
        try:
            await self._begin(self._settings)
        except WorkerEndedError as problem:
            self._events.put_nowait(_Ended(ended.process, problem.exit_code))

    async def _replace(self, wish: _Replacement) -> None:
        former = self._process
        try:
            await self._begin(wish.settings, needs_store=True)
        except WorkerEndedError as problem:
            if not wish.done.cancelled():
                wish.done.set_exception(problem)
            return
        self._settings, self._delay = wish.settings, 0.0
        if not wish.done.cancelled():
            wish.done.set_result(None)
        if former is not None:
            self._leaving = asyncio.create_task(former.leave(), name=f"{self.name} leaves")

    async def _hangs(self, process: WorkerProcess) -> bool:
        for _ in range(HANGING_PROBES):
            if not process.serves or process is not self._process:
                return False
            try:
                await ask(process.private_path)
                return False
            except NoAnswer:
                await asyncio.sleep(PROBE_EVERY_SECONDS)
        return process is self._process

    async def _end(self) -> None:
        if self._leaving is not None:
            self._leaving.cancel()
        if self._begun.is_set() and not self._processes and readable(map(socket.socket.fileno, self._place.listeners)):
            # The worker was being started again, and whoever waits for it is still to be answered.
            with suppress(WorkerEndedError):
                await self._begin(self._settings)
        await asyncio.gather(*(process.stop() for process in self._processes))
