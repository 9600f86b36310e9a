"""How listeners and their connections end without cutting anybody off."""

import asyncio
import socket
import sys

import pytest
import uvloop

from gateway.asgi import Receive, Scope, Send
from gateway.limits import Limits
from gateway.server import public_config
from gateway.settings import Settings
from gateway.sockets import all_accepted, listen, readable, refuse_new_connections
from gateway.worker import WorkerServer

WAIT = 10.0


def connected(listener: socket.socket, timeout: float = WAIT) -> socket.socket:
    return socket.create_connection(listener.getsockname()[:2], timeout=timeout)


@pytest.mark.skipif(sys.platform != "linux", reason="a packet filter of Linux")
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_listener_that_refuses_keeps_who_is_in_the_queue_and_what_he_sends(host: str) -> None:
    with listen(host, 0, "--port") as listener, connected(listener) as early:
        refuse_new_connections(listener)
        with pytest.raises(TimeoutError):
            connected(listener, timeout=0.1)
        early.sendall(b"here")
        assert readable([listener.fileno()]) == {listener.fileno()}
        accepted, _ = listener.accept()
        with accepted:
            accepted.settimeout(WAIT)
            assert accepted.recv(4) == b"here"
        assert readable([listener.fileno()]) == set()


async def test_a_queue_is_waited_for_until_it_is_empty() -> None:
    with listen("127.0.0.1", 0, "--port") as listener, connected(listener):
        waiting = asyncio.create_task(all_accepted([listener], WAIT))
        assert await asyncio.wait({waiting}, timeout=0.05) == (set(), {waiting})
        accepted, _ = listener.accept()
        await asyncio.wait_for(waiting, WAIT)
        accepted.close()


async def hello(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"hello"})


def test_a_request_that_nobody_has_read_yet_keeps_its_connection_open() -> None:
    """A worker that got no time for a while may find its moment for idle connections over, and requests on them unread."""

    async def run() -> tuple[bytes, bytes]:
        listener = listen("127.0.0.1", 0, "--port")
        server = WorkerServer(public_config(hello, Limits()), [], Settings())
        serving = asyncio.create_task(server.serve([listener]))
        await asyncio.wait_for(server.accepting.wait(), WAIT)
        try:
            asking, idle = await asyncio.to_thread(lambda: (connected(listener), connected(listener)))
            with asking, idle:
                while len(server.server_state.open_connections) < 2:  # noqa: ASYNC110 - accepting is the event loop's own
                    await asyncio.sleep(0)
                asking.sendall(b"GET / HTTP/1.1\r\nHost: gateway\r\n\r\n")
                server.close_idle()
                return await asyncio.to_thread(lambda: (asking.recv(4096), idle.recv(4096)))
        finally:
            server.should_exit = True
            await asyncio.wait_for(serving, WAIT)

    answered, ended = uvloop.run(run())
    assert answered.startswith(b"HTTP/1.1 200 OK\r\n")
    assert ended == b""
