"""The parent of everything that serves: it owns the listening sockets, the embedded server, the workers and health.

It touches no request itself. A worker or an embedded server that ends is started again. When a stop is asked for,
nobody who was accepted is cut off within the drain time, and nothing acknowledged is lost.
"""

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path
from socket import socket
from typing import Any

import msgspec
import structlog

from adapters.contract import Adapter
from core.core import Core
from core.store.data_folder import MEMORY, opened_data
from core.store.embedded import EmbeddedServer
from core.store.store import Store
from gateway.development import ensure_demo, examples, known_to_everybody
from gateway.health import Health, create_admin_app
from gateway.server import Server, admin_config
from gateway.settings import Settings, hide_password
from gateway.sockets import is_loopback, listen, url_of
from gateway.store_check import StoreUnreachableError, examine
from gateway.worker_process import WorkerProcess

NO_TENANT = "There is no tenant yet, so every request is refused. Make the first: chatgateway tenant add NAME"
KNOWN_TO_EVERYBODY = "Unsafe: everybody knows the credentials of tenant {0}. End it: chatgateway tenant remove {0}"

log = structlog.get_logger(__name__)


class ReadyFileError(Exception):
    """The ready file can't be written; the text says why."""


class Ready(msgspec.Struct, frozen=True):
    """What the ready file says: where to reach the dialects, and health."""

    url: str
    admin_url: str


class Supervisor:
    """One gateway from start to stop. `say` shows the operator a line; `development` adds the tenant `demo`."""

    def __init__(
        self, settings: Settings, adapters: list[Adapter], say: Callable[[str], None], *, development: bool = False
    ) -> None:
        self._settings = settings
        self._adapters = adapters
        self._say = say
        self._development = development
        self._health = Health()
        self._stop = asyncio.Event()
        self._workers: list[WorkerProcess] = []
        self._background: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Serve until a signal asks to stop. Raises `ListenError`, `EmbeddedServerError`, `StoreUnreachableError`,
        `StoreRefusedError`, `WorkerEndedError`, `ReadyFileError` or `Failure`, each with a text to show, when it can't begin."""
        with self._signals():
            async with AsyncExitStack() as stack:
                serving = asyncio.create_task(self._serve(stack), name="serving")
                stopping = asyncio.create_task(self._stop.wait(), name="stopping")
                await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
                stopping.cancel()
                serving.cancel()
                with suppress(asyncio.CancelledError):
                    await serving

    async def _serve(self, stack: AsyncExitStack) -> None:
        """Start everything and stay until a part of it fails. What is put on the stack is the way to stop, last first."""
        settings = self._settings
        stack.push_async_callback(self._finish_background)
        public = stack.enter_context(listen(settings.host, settings.port, "--port"))
        admin = stack.enter_context(listen(settings.host, settings.admin_port, "--admin-port"))
        ready_file = Path(settings.ready_file) if settings.ready_file else None
        if ready_file:
            with suppress(OSError):  # one that can't be removed can't be written either: said then
                ready_file.unlink()
        admin_server = AdminServer(self._health)
        answering = self._run(admin_server.serve([admin]), "admin listener")
        stack.push_async_callback(admin_server.stop, answering)
        store_url, where = await self._open_store(stack)
        lines = await self._look_around(store_url, url_of(public))
        if self._development and not is_loopback(public):
            lines.append("Unsafe: with --dev, whoever reaches this port knows the credentials")
        stack.callback(public.close)  # right after the worker: whoever comes now is refused, not left waiting
        await self._start_workers(stack, store_url, public)
        self._health.phase = ""
        ready = Ready(url_of(public), url_of(admin))
        for line in (f"Serving at {ready.url} (health: {ready.admin_url}/readyz)", where, *lines):
            self._say(line)
        if ready_file:
            stack.callback(ready_file.unlink, missing_ok=True)
            _write_whole(ready_file, msgspec.json.encode(ready))
        stack.callback(self._leave)
        await self._watch_background()

    async def _open_store(self, stack: AsyncExitStack) -> tuple[str, str]:
        """The store's URL, and a line that says where messages are kept."""
        settings = self._settings
        if settings.store_url is not None:
            return settings.store_url, f"Messages are kept at {hide_password(settings.store_url)}"
        data = stack.enter_context(opened_data(settings.data))
        server = EmbeddedServer(data, durable=settings.durable)
        stack.push_async_callback(server.stop)
        url = await server.start()
        self._run(server.supervise(), "embedded server")
        if settings.data == MEMORY:
            return url, "Messages are kept for this run only: they are gone when the gateway stops"
        return url, f"Messages are kept in {data.absolute()}"

    async def _look_around(self, store_url: str, origin: str) -> list[str]:
        """What the operator should know before the first request; in development mode, examples."""
        try:
            findings = await examine(store_url)
        except StoreUnreachableError as problem:
            if self._development:
                raise
            return [f"{problem}. Requests are answered as soon as it is there"]
        lines = [f"Unsafe {finding.topic}: {finding.text}" for finding in findings if finding.unsafe]
        store = await Store.open(store_url)
        try:
            core = Core(store)
            if self._development:
                tenant = await ensure_demo(core, self._adapters)
                lines += examples(core, self._adapters, tenant, origin)
            else:
                tenants = await core.tenants.list()
                lines += [KNOWN_TO_EVERYBODY.format(name) for name in known_to_everybody(self._adapters, tenants)]
                if not tenants:
                    lines.append(NO_TENANT)
        finally:
            await store.close()
        return lines

    async def _start_workers(self, stack: AsyncExitStack, store_url: str, public: socket) -> None:
        """Start all workers at once; they accept from the same socket. Returns when each of them serves."""
        self._workers = [
            WorkerProcess(f"worker {number}", self._settings, store_url, [public], readable_logs=self._development)
            for number in range(1, self._settings.workers + 1)
        ]
        self._health.workers = self._workers
        keeping = [self._run(worker.keep(), worker.name) for worker in self._workers]
        stack.push_async_callback(self._stop_workers, keeping)
        waiting = asyncio.gather(*(worker.wait_ready() for worker in self._workers))
        first: set[asyncio.Future[Any]] = {*keeping, waiting}
        await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        for task in keeping:
            if task.done():
                task.result()

    async def _stop_workers(self, keeping: list[asyncio.Task[None]]) -> None:
        for worker in self._workers:
            worker.stop()
        await asyncio.wait(keeping)

    def _leave(self) -> None:
        self._health.phase = "stopping"
        log.info("stopping")

    def _run(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        self._background.add(task)
        return task

    async def _watch_background(self) -> None:
        """Until something that should go on for ever ends; raises what it ended with."""
        done, _ = await asyncio.wait(self._background, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
            raise RuntimeError(f"the {task.get_name()} ended")

    async def _finish_background(self) -> None:
        await asyncio.gather(*self._background, return_exceptions=True)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """The first signal asks to stop, the second hurries."""
        loop = asyncio.get_running_loop()
        numbers = [signal.SIGTERM, signal.SIGINT]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup
            numbers.append(signal.SIGHUP)
        for number in numbers:
            loop.add_signal_handler(number, self._signalled)
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)

    def _signalled(self) -> None:
        if self._stop.is_set():
            for worker in self._workers:
                worker.hurry()
        self._stop.set()


class AdminServer(Server):
    """The admin listener's server."""

    def __init__(self, health: Health) -> None:
        super().__init__(admin_config(create_admin_app(health)))

    async def stop(self, serving: asyncio.Task[None]) -> None:
        """End the task that runs `serve`."""
        self.should_exit = True
        await asyncio.wait({serving})


def _write_whole(path: Path, content: bytes) -> None:
    """A reader sees the whole file or none."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    except OSError as problem:
        draft.unlink(missing_ok=True)
        raise ReadyFileError(f"The ready file {path} cannot be written: {problem.strerror}") from problem
