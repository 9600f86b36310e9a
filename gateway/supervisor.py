"""The parent of everything that serves: it owns the listening sockets, the embedded server, the workers and health.

It touches no request itself. A worker or an embedded server that ends is started again. When a stop is asked for,
nobody who was accepted is cut off within the drain time, and nothing acknowledged is lost. When a restart is asked for, the
workers are replaced one after the other, and nobody notices.
"""

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
import structlog

from adapters.contract import Adapter
from core.core import Core
from core.objects import BUCKET_SCHEME
from core.store.data_folder import MEMORY, opened_data
from core.store.embedded import EmbeddedServer
from core.store.store import Store
from gateway.development import ensure_demo, examples, known_to_everybody
from gateway.health import Health, create_admin_app
from gateway.server import Server, admin_config
from gateway.settings import Settings, SettingsError
from gateway.settings_shown import hide_password
from gateway.sockets import is_loopback, listen, url_of
from gateway.store_check import StoreUnreachableError, examine
from gateway.worker_process import WorkerEndedError, Workplace
from gateway.workers import Worker

NO_TENANT = "There is no tenant yet, so every request is refused. Make the first: chatgateway tenant add NAME"
FILES_FOLDER = "files"
KNOWN_TO_EVERYBODY = "Unsafe: everybody knows the credentials of tenant {0}. End it: chatgateway tenant remove {0}"
_OF_THE_SUPERVISOR = (
    "host", "port", "tls_cert", "tls_key", "listeners", "admin_port", "redis", "redis_password", "data", "files", "durable", "workers", "ready_file",
)  # fmt: skip
"""Settings that a restart of the workers doesn't change."""

log = structlog.get_logger(__name__)


class ReadyFileError(Exception):
    """The ready file can't be written; the text says why."""


class BoundUrl(msgspec.Struct, frozen=True):
    """Where to reach one dialect alone."""

    dialect: str
    url: str


class Ready(msgspec.Struct, frozen=True):
    """What the ready file says: where to reach the dialects, and health."""

    url: str
    admin_url: str
    listeners: list[BoundUrl]


class Supervisor:
    """One gateway from start to stop. `reread` gives the settings as they stand when the workers are restarted, or raises
    `SettingsError`; `say` shows the operator a line; `development` adds the tenant `demo`."""

    def __init__(
        self,
        settings: Settings,
        reread: Callable[[], Settings],
        adapters: list[Adapter],
        say: Callable[[str], None],
        *,
        development: bool = False,
    ) -> None:
        self._settings = settings
        self._reread = reread
        self._adapters = adapters
        self._say = say
        self._development = development
        self._health = Health()
        self._stop = asyncio.Event()
        self._restart = asyncio.Event()
        self._workers: list[Worker] = []
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
        public = [stack.enter_context(listen(settings.host, settings.port, "--port"))]
        public += [
            stack.enter_context(listen(each.host or settings.host, each.port, "--listen"))
            for each in settings.listeners
        ]
        admin = stack.enter_context(listen(settings.host, settings.admin_port, "--admin-port"))
        ready_file = Path(settings.ready_file) if settings.ready_file else None
        if ready_file:
            with suppress(OSError):  # one that can't be removed can't be written either: said then
                ready_file.unlink()
        admin_server = AdminServer(self._health)
        answering = self._run(admin_server.serve([admin]), "admin listener")
        stack.push_async_callback(admin_server.stop, answering)
        data = stack.enter_context(opened_data(settings.data)).absolute()
        store_url, where = await self._open_store(stack, data)
        certificates = [settings.tls_cert, *(each.tls_cert for each in settings.listeners)]
        url, *bound_urls = (
            url_of(listener, tls=certificate is not None)
            for listener, certificate in zip(public, certificates, strict=True)
        )
        lines = await self._look_around(store_url, url)
        if self._development and not all(map(is_loopback, public)):
            lines.append("Unsafe: with --dev, whoever reaches this port knows the credentials")
        for listener in public:
            stack.callback(listener.close)  # right after the worker: whoever comes now is refused, not left waiting
        files = self._files(data)
        if settings.store_url is not None or settings.files is not None:
            lines.insert(0, f"Files are kept in {files}")
        await self._start_workers(stack, Workplace(store_url, files, public, self._development))
        if self._stop.is_set():  # what was awaited since may have kept the cancellation to itself
            return
        self._health.phase = ""
        bound = [BoundUrl(each.dialect, own) for each, own in zip(settings.listeners, bound_urls, strict=True)]
        ready = Ready(url, url_of(admin), bound)
        lines = [*(f"Serving {each.dialect} alone at {each.url}" for each in bound), where, *lines]
        for line in (f"Serving at {ready.url} (health: {ready.admin_url}/readyz)", *lines):
            self._say(line)
        if ready_file:
            stack.callback(ready_file.unlink, missing_ok=True)
            _write_whole(ready_file, msgspec.json.encode(ready))
        stack.callback(self._leave)
        await self._watch_background()

    async def _open_store(self, stack: AsyncExitStack, data: Path) -> tuple[str, str]:
        """The store's URL, and a line that says where messages are kept."""
        settings = self._settings
        if settings.store_url is not None:
            return settings.store_url, f"Messages are kept at {hide_password(settings.store_url)}"
        server = EmbeddedServer(data, durable=settings.durable)
        stack.push_async_callback(server.stop)
        url = await server.start()
        self._run(server.supervise(), "embedded server")
        if settings.data == MEMORY:
            return url, "Messages are kept for this run only: they are gone when the gateway stops"
        return url, f"Messages are kept in {data}"

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

    def _files(self, data: Path) -> str:
        """Where files lie."""
        files = self._settings.files
        if files is None:
            return str(data / FILES_FOLDER)
        return files if files.startswith(BUCKET_SCHEME) else str(Path(files).absolute())

    async def _start_workers(self, stack: AsyncExitStack, place: Workplace) -> None:
        """Start all workers at once; they accept from the same socket. Returns when each of them serves."""
        numbers = range(1, self._settings.workers + 1)
        self._workers = [Worker(f"worker {number}", self._settings, place) for number in numbers]
        self._health.workers = self._workers
        keeping = [self._run(worker.keep(), worker.name) for worker in self._workers]
        watching = [self._run(worker.watch(), f"watch over {worker.name}") for worker in self._workers]
        restarting = self._run(self._restart_when_asked(), "restart of the workers")
        stack.push_async_callback(_cancel, [*watching, restarting, *keeping])
        waiting = asyncio.gather(*(worker.wait_begun() for worker in self._workers))
        first: set[asyncio.Future[Any]] = {*keeping, waiting}
        await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        for task in keeping:
            if task.done():
                task.result()

    async def _restart_when_asked(self) -> None:
        """Replace the workers one after the other as often as it is asked for. Who asks meanwhile is remembered: what was
        changed before the last time counts."""
        await asyncio.gather(*(worker.wait_begun() for worker in self._workers))
        while True:
            await self._restart.wait()
            self._restart.clear()
            try:
                settings = self._changed_settings()
                log.info("restart_begins")
                for worker in self._workers:
                    await worker.replace(settings)
            except SettingsError as error:
                log.error("restart_refused", problems=error.problems)
            except WorkerEndedError as problem:
                log.error("restart_failed", problem=str(problem))
            except Exception:
                # Adapters of other packages look at the settings too; whatever they do, what serves goes on.
                log.exception("restart_failed")
            else:
                log.info("restarted", workers=len(self._workers))

    def _changed_settings(self) -> Settings:
        """Those for new workers."""
        found = self._reread()
        kept = {name: getattr(self._settings, name) for name in _OF_THE_SUPERVISOR}
        changed = [name for name, value in kept.items() if getattr(found, name) != value]
        if changed:
            log.warning("settings_need_a_stop_and_a_start", settings=changed)
        return msgspec.structs.replace(found, **kept)

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
        """The first signal to stop asks for it, the second hurries. SIGUSR1 asks for new workers; SIGHUP can't, since a
        terminal that is closed sends it."""
        loop = asyncio.get_running_loop()
        numbers = [signal.SIGTERM, signal.SIGINT]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup
            numbers.append(signal.SIGHUP)
        for number in numbers:
            loop.add_signal_handler(number, self._signalled)
        loop.add_signal_handler(signal.SIGUSR1, self._restart.set)
        try:
            yield
        finally:
            for number in (*numbers, signal.SIGUSR1):
                loop.remove_signal_handler(number)

    def _signalled(self) -> None:
        if self._stop.is_set():
            for worker in self._workers:
                worker.hurry()
        self._stop.set()


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


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
