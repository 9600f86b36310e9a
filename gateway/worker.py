"""A worker: the process that serves. It is started by the supervisor, never by hand.

It obeys the supervisor (`orders`) and no signal, and ends when the supervisor is gone.
"""

import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
import structlog
import uvloop
from uvicorn import Config

from adapters.contract import Adapter
from core.core import Core
from core.errors import Failure
from core.objects import Objects
from core.store.store import Store
from gateway import adapters_list, logs
from gateway.app import create_app, create_bound_app
from gateway.asgi import AsgiApplication, Receive, Scope, Send
from gateway.listeners import CertificateError, tls_context
from gateway.orders import LEAVE, READY, STOP, TASK_BYTES, Task
from gateway.server import Door, Server, public_config
from gateway.settings import Settings
from gateway.sockets import all_accepted, readable, refuse_new_connections, remove_private

ACCEPT_SECONDS = 1.0
IDLE_SECONDS = 0.3
ROUND_TRIP_SECONDS = 1.0
_POLL_SECONDS = 0.02

log = structlog.get_logger(__name__)


class WorkerServer(Server):
    """The server of the private listener and of the public ones, the doors: it cuts nobody off when it ends."""

    def __init__(self, config: Config, doors: Sequence[Door], settings: Settings) -> None:
        super().__init__(config, doors)
        self._keep_alive_seconds = settings.limits.keep_alive_seconds
        self._drain_seconds = settings.drain_seconds
        self._listeners: list[socket.socket] = []
        self._emptying: list[asyncio.Task[None]] = []
        """Each over when one of the listeners is closed and its last connection gone. One that begins TLS counts there, though
        nothing else knows of it yet."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._listeners = [*(sockets or ()), *(door.socket for door in self._doors)]
        self._emptying = [asyncio.create_task(server.wait_closed(), name="emptying") for server in self.servers]

    async def leave(self) -> None:
        """Stop accepting: others take who is in the queue. Returns when the last connection is gone.

        Each one ends with its next reply, which says so, or when it was idle for as long as any may be. Nothing ends sooner
        here: a server that closes an idle connection can't know whether a request is on its way to it.
        """
        self._stop_accepting()
        self.server_state.end()
        await asyncio.wait(self._emptying, timeout=self._keep_alive_seconds)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002
        """Accept who is in the queue, answer every request that was begun, and close each connection after its answer.

        Nobody serves after this, so an idle connection has only a moment in which a request that was on its way to it is
        answered. What is not done after the drain time is cut off.
        """
        listeners = [listener for listener in self._listeners if listener.fileno() >= 0]
        self.server_state.end()
        for listener in listeners:
            refuse_new_connections(listener)
        await all_accepted(listeners, ACCEPT_SECONDS)
        self._stop_accepting()
        loop = asyncio.get_running_loop()
        begun = loop.time()
        while not all(map(asyncio.Task.done, self._emptying)) and (passed := loop.time() - begun) < self._drain_seconds:
            if passed > IDLE_SECONDS:
                self.close_idle()
            await asyncio.wait(self._emptying, timeout=_POLL_SECONDS)
        for connection in self.server_state.open_connections:
            connection.transport.abort()
        for task in (*self.server_state.tasks, *self._emptying):
            task.cancel()
        await asyncio.gather(*self.server_state.tasks, *self._emptying, return_exceptions=True)

    def close_idle(self) -> None:
        """Close the connections on which no request was begun. Where bytes wait that were not read yet, one was: this process
        may itself have been the one that did nothing for a while."""
        idle = {
            connection.transport.get_extra_info("socket").fileno(): connection
            for connection in self.server_state.open_connections
            if not connection.busy and not connection.transport.is_closing()
        }
        for number in idle.keys() - readable(idle):
            idle[number].transport.close()

    def _stop_accepting(self) -> None:
        for server in self.servers:
            server.close()
        for listener in self._listeners:
            listener.close()


def answering_probes(core: Core) -> AsgiApplication:
    """What the private socket serves: the answer to the supervisor's question whether a request gets through to the store
    and back; it says how many tasks the worker has, for whoever looks for leaks."""

    async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
        status, text = 200, b"ready, %d tasks" % len(asyncio.all_tasks())
        try:
            async with asyncio.timeout(ROUND_TRIP_SECONDS):
                await core.store.ping()
        except (Failure, TimeoutError):
            status, text = 503, b"the message store does not answer"
        else:
            if not core.live.healthy:
                status, text = 503, b"live events are not heard"
        headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(text))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": text})

    return answer


def doors(core: Core, adapters: list[Adapter], settings: Settings, listeners: Sequence[int]) -> list[Door]:
    """The public listeners by their file numbers, each with what is served there. Raises `CertificateError`."""
    limits, by_name = settings.limits, {adapter.name: adapter for adapter in adapters}
    apps = [create_app(core, adapters, limits)]
    apps += [create_bound_app(core, by_name[each.dialect], limits) for each in settings.listeners]
    contexts = [tls_context(settings.tls_cert, settings.tls_key)]
    contexts += [tls_context(each.tls_cert, each.tls_key) for each in settings.listeners]
    return [
        Door(socket.socket(fileno=number), app, limits, context)
        for number, app, context in zip(listeners, apps, contexts, strict=True)
    ]


async def serve(control: socket.socket) -> None:
    """Serve from the task's arrival until `stop`, or until the supervisor is gone."""
    reader, writer = await asyncio.open_unix_connection(sock=control, limit=TASK_BYTES)
    line = await reader.readline()
    if not line.endswith(b"\n"):
        return
    task = msgspec.json.decode(line, type=Task)
    logs.configure(readable=task.readable_logs)
    settings = task.settings
    store = await Store.open(task.store_url, wait=task.needs_store)
    adapters = adapters_list.load_adapters(settings.dialects)
    loses = {adapter.name: adapter.losses for adapter in adapters} if settings.strict_translation else {}
    core = Core(store, objects=Objects(task.files), loses=loses)
    public = doors(core, adapters, settings, task.listeners)
    server = WorkerServer(public_config(answering_probes(core), settings.limits), public, settings)
    private = socket.socket(fileno=task.private_listener)
    serving = asyncio.create_task(server.serve([private]), name="serving")
    accepting = asyncio.create_task(server.accepting.wait(), name="accepting")
    await asyncio.wait({serving, accepting}, return_when=asyncio.FIRST_COMPLETED)
    # What lives now lives to the end: the collector need not walk it again and again. Requests free what they make without
    # it, so it need not look often for what they don't.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)
    with suppress(ConnectionError):
        writer.write(READY)
        await writer.drain()
    keeping = asyncio.create_task(core.housekeeping.run(), name="housekeeping")
    order = asyncio.create_task(_order(reader), name="order")
    await asyncio.wait({serving, order}, return_when=asyncio.FIRST_COMPLETED)
    if order.done() and order.result() == LEAVE:
        order = asyncio.create_task(_order(reader), name="order")
        leaving = asyncio.create_task(server.leave(), name="leaving")
        await asyncio.wait({serving, leaving, order}, return_when=asyncio.FIRST_COMPLETED)
        leaving.cancel()
    server.should_exit = True
    await core.close()  # who listens is told, and goes
    await serving
    keeping.cancel()
    with suppress(asyncio.CancelledError):
        await keeping
    if order.done() and order.result() != STOP:
        remove_private(Path(task.private_path))
    await store.close()
    writer.close()


async def _order(reader: asyncio.StreamReader) -> bytes:
    """The supervisor's next line; empty when it is gone."""
    with suppress(ConnectionError):
        return await reader.readline()
    return b""


def main() -> None:
    """The entry of a worker process."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)
    control = socket.socket(fileno=os.dup(sys.stdin.fileno()))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(serve(control))
        except Failure as failure:
            log.error("worker_without_store", problem=failure.text)
            sys.exit(1)
        except CertificateError as problem:
            log.error("worker_without_certificate", problem=str(problem))
            sys.exit(1)
        finally:
            logs.flush()


if __name__ == "__main__":
    main()
