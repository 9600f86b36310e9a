"""A worker: the process that serves. It is started by the supervisor, never by hand.

It obeys the supervisor (`orders`) and no signal, and ends when the supervisor is gone.
"""

import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import Awaitable
from contextlib import suppress
from pathlib import Path

import msgspec
import structlog
import uvloop
from uvicorn import Config

from core.core import Core
from core.errors import Failure
from core.objects import Objects
from core.store.store import Store
from gateway import adapters_list, logs
from gateway.app import create_app
from gateway.asgi import AsgiApplication, Receive, Scope, Send
from gateway.orders import LEAVE, READY, STOP, TASK_BYTES, Task
from gateway.server import Server, public_config
from gateway.settings import Settings
from gateway.sockets import all_accepted, refuse_new_connections, remove_private

ACCEPT_SECONDS = 1.0
IDLE_SECONDS = 0.3
ROUND_TRIP_SECONDS = 1.0
_POLL_SECONDS = 0.02

log = structlog.get_logger(__name__)


class WorkerServer(Server):
    """The public listener's server: it cuts nobody off when it ends."""

    def __init__(self, config: Config, settings: Settings) -> None:
        super().__init__(config)
        self._keep_alive_seconds = settings.limits.keep_alive_seconds
        self._drain_seconds = settings.drain_seconds

    async def leave(self, listeners: list[socket.socket]) -> None:
        """Stop accepting: others take who is in the queue. Returns when the last connection is gone.

        Each one ends with its next reply, which says so, or when it was idle for as long as any may be. Nothing ends sooner
        here: a server that closes an idle connection can't know whether a request is on its way to it.
        """
        self._stop_accepting(listeners)
        self.server_state.end()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._keep_alive_seconds):
                await self._settle()
                while self.server_state.connections:  # noqa: ASYNC110 - uvicorn's own set tells nobody
                    await asyncio.sleep(_POLL_SECONDS)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept who is in the queue, answer every request that was begun, and close each connection after its answer.

        Nobody serves after this, so an idle connection has only a moment in which a request that was on its way to it is
        answered. What is not done after the drain time is cut off.
        """
        listeners = [listener for listener in sockets or [] if listener.fileno() >= 0]
        self.server_state.end()
        for listener in listeners:
            refuse_new_connections(listener)
            await all_accepted(listener, ACCEPT_SECONDS)
        self._stop_accepting(listeners)
        await self._settle()
        loop = asyncio.get_running_loop()
        begun = loop.time()
        while self.server_state.connections and (passed := loop.time() - begun) < self._drain_seconds:
            if passed > IDLE_SECONDS:
                for connection in self.server_state.open_connections:
                    if not connection.busy:
                        connection.transport.close()
            await asyncio.sleep(_POLL_SECONDS)
        for connection in self.server_state.open_connections:
            connection.transport.abort()
        for task in list(self.server_state.tasks):
            task.cancel()
        await asyncio.gather(*self.server_state.tasks, return_exceptions=True)

    def _stop_accepting(self, listeners: list[socket.socket]) -> None:
        for server in self.servers:
            server.close()
        for listener in listeners:
            listener.close()

    async def _settle(self) -> None:
        """A connection is counted a turn of the loop after it was accepted."""
        await asyncio.sleep(_POLL_SECONDS)


def answering_probes(app: AsgiApplication, core: Core) -> AsgiApplication:
    """The app, and on the private Unix socket (an address without a port) the answer to the supervisor's question whether
    a request gets through to the store and back; it says how many tasks the worker has, for whoever looks for leaks."""

    def entry(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        server = scope.get("server")
        # Not awaited here: every request would pay for one more coroutine.
        return answer(send) if server and server[1] is None else app(scope, receive, send)

    async def answer(send: Send) -> None:
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

    return entry


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
    core = Core(store, objects=Objects(task.files))
    app = create_app(core, adapters_list.load_adapters(settings.dialects), settings.limits)
    server = WorkerServer(public_config(answering_probes(app, core), settings.limits), settings)
    sockets = [socket.socket(fileno=number) for number in (*task.listeners, task.private_listener)]
    serving = asyncio.create_task(server.serve(sockets), name="serving")
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
        leaving = asyncio.create_task(server.leave(sockets), name="leaving")
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


if __name__ == "__main__":
    main()
