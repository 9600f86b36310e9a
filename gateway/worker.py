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
import uvloop
from uvicorn import Config

from core.core import Core
from core.errors import Failure
from core.store.store import Store
from gateway import adapters_list, logs
from gateway.app import create_app
from gateway.asgi import AsgiApplication, Receive, Scope, Send
from gateway.orders import READY, STOP, TASK_BYTES, Task
from gateway.protocol import GatewayProtocol
from gateway.server import Server, public_config
from gateway.sockets import all_accepted, refuse_new_connections, remove_private

ACCEPT_SECONDS = 1.0
IDLE_SECONDS = 0.3
ROUND_TRIP_SECONDS = 1.0
_POLL_SECONDS = 0.02


class WorkerServer(Server):
    """The public listener's server: it cuts nobody off when it stops."""

    def __init__(self, config: Config, drain_seconds: float) -> None:
        super().__init__(config)
        self._drain_seconds = drain_seconds

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept who is in the queue, answer every request that was begun, and close each connection after its answer.

        An idle connection is not closed at once, since a request may be on its way to it: it has a moment in which a
        request is still answered. What is not done after the drain time is cut off.
        """
        # A connection whose answers say `close` is closed by uvicorn. The list is read when a request begins.
        self.server_state.default_headers = [*self.server_state.default_headers, (b"connection", b"close")]
        for listener in sockets or []:
            refuse_new_connections(listener)
            await all_accepted(listener, ACCEPT_SECONDS)
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for connection in self._connections():
            # Of pipelined requests the last one: closing after an earlier one would cut the others off.
            last = connection.pipeline[0][0] if connection.pipeline else connection.cycle
            if last is not None:
                last.keep_alive = False
        loop = asyncio.get_running_loop()
        begun = loop.time()
        while self.server_state.connections and (passed := loop.time() - begun) < self._drain_seconds:
            if passed > IDLE_SECONDS:
                for connection in self._connections():
                    if not connection.busy:
                        connection.transport.close()
            await asyncio.sleep(_POLL_SECONDS)
        for connection in self._connections():
            connection.transport.abort()
        for task in list(self.server_state.tasks):
            task.cancel()
        await asyncio.gather(*self.server_state.tasks, return_exceptions=True)

    def _connections(self) -> list[GatewayProtocol]:
        """Those open now; closing one changes the set."""
        return [connection for connection in self.server_state.connections if isinstance(connection, GatewayProtocol)]


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
    store = await Store.open(task.store_url, wait=False)
    core = Core(store)
    app = create_app(core, adapters_list.load_adapters(settings.dialects), settings.limits)
    server = WorkerServer(public_config(answering_probes(app, core), settings.limits), settings.drain_seconds)
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
    order = asyncio.create_task(_order(reader), name="order")
    await asyncio.wait({serving, order}, return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    await serving
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
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    control = socket.socket(fileno=os.dup(sys.stdin.fileno()))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(control))


if __name__ == "__main__":
    main()
