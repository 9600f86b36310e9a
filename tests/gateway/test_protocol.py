import asyncio
import shutil
from collections.abc import MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from gateway.limits import Limits
from gateway.protocol import GatewayProtocol, Shared, protocol_class
from tests.harness import captured_log, serve

PROBE = Path(__file__).parent / "clients" / "Probe.java"
WAIT = 10.0


@dataclass
class Heard:
    """A request as the application got it."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class Recorder:
    """An application that keeps what it hears, and answers with the length of the body."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.answered = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = b""
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message["body"]
            more = message["more_body"]
        target = (scope["raw_path"] + b"?" + scope["query_string"]).decode()
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.heard.append(Heard(scope["method"], target, headers, body))
        await self.gate.wait()
        text = str(len(body)).encode()
        headers_out = [(b"content-length", str(len(text)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers_out})
        await send({"type": "http.response.body", "body": text})
        self.answered.set()


class Wire(asyncio.Transport):
    """The transport's end of a connection, in memory: what is written is kept, closing is told."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = asyncio.Event()
        self.dropped = asyncio.Event()
        self.unsent = 0
        self.taken_at_a_look = 0
        self.taken = asyncio.Event()
        self.reads = True

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("127.0.0.1", 1) if name in ("peername", "sockname") else default

    def write(self, data: Any) -> None:
        assert not self.closed.is_set()
        self.written += bytes(data)

    def close(self) -> None:
        self.closed.set()

    def abort(self) -> None:
        self.dropped.set()
        self.closed.set()

    @property
    def aborted(self) -> bool:
        return self.dropped.is_set()

    def is_closing(self) -> bool:
        return self.closed.is_set()

    def get_write_buffer_size(self) -> int:
        self.unsent = max(0, self.unsent - self.taken_at_a_look)
        if not self.unsent:
            self.taken.set()
        return self.unsent

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        self.reads = True


class Draining(Wire):
    """One on which a client takes 10,000 bytes a second, from the first look on."""

    begun: float | None = None

    def get_write_buffer_size(self) -> int:
        now = asyncio.get_running_loop().time()
        self.begun = self.begun or now
        left = max(0, self.unsent - int((now - self.begun) * 10_000))
        if not left:
            self.taken.set()
        return left


class Connection:
    """One connection to the recorder, fed by hand."""

    def __init__(self, limits: Limits | None = None, state: Shared | None = None, wire: Wire | None = None) -> None:
        self.app = Recorder()
        self.wire = wire or Wire()
        self.state = state or Shared()
        config = uvicorn.Config(self.app, log_config=None, access_log=False, ws="none", lifespan="off")
        config.load()
        kind = protocol_class(limits or Limits())
        self.protocol: GatewayProtocol = kind(config=config, server_state=self.state, app_state={})
        self.protocol.connection_made(self.wire)

    async def feed(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.protocol.data_received(piece)
        while self.state.tasks and self.app.gate.is_set():
            await asyncio.wait(self.state.tasks, timeout=WAIT)

    def lose(self) -> None:
        self.protocol.connection_lost(None)


BODY = b"Upgrade: h2c\r\nConnection: Upgrade\r\n\r\nGET / HTTP/1.1\r\n\r\n"
OFFER = (
    b"POST /org/app/messages?a=1 HTTP/1.1\r\n"
    b"Connection: Upgrade, HTTP2-Settings\r\n"
    b"Content-Length: %d\r\n"
    b"Host: gateway.test\r\n"
    b"HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n"
    b"Upgrade: h2c\r\n"
    b"User-Agent: Java-http-client/17\r\n"
    b"Content-Type: application/json\r\n"
    b"\r\n"
    b"%s" % (len(BODY), BODY)
)
PLAIN = b"GET /x HTTP/1.1\r\nHost: gateway.test\r\n\r\n"


def check_offer(heard: Heard) -> None:
    assert (heard.method, heard.target, heard.body) == ("POST", "/org/app/messages?a=1", BODY)
    assert heard.headers["content-type"] == "application/json"
    assert heard.headers["host"] == "gateway.test"
    assert "upgrade" not in heard.headers
    assert "http2-settings" not in heard.headers
    assert "upgrade" not in heard.headers["connection"].lower()


async def test_an_offer_of_http2_is_declined_and_its_body_kept_wherever_it_is_cut() -> None:
    for cut in range(len(OFFER) + 1):
        connection = Connection()
        await connection.feed(OFFER[:cut], OFFER[cut:])
        (heard,) = connection.app.heard
        check_offer(heard)
        assert connection.wire.written.startswith(b"HTTP/1.1 200 OK\r\n")
        assert not connection.wire.is_closing()
        connection.lose()


async def test_an_offer_that_comes_byte_by_byte() -> None:
    connection = Connection()
    await connection.feed(*(OFFER[index : index + 1] for index in range(len(OFFER))))
    (heard,) = connection.app.heard
    check_offer(heard)
    connection.lose()


async def test_offers_one_behind_the_other_in_one_packet() -> None:
    connection = Connection()
    await connection.feed(OFFER + PLAIN + OFFER * 20 + PLAIN)
    heard = connection.app.heard
    assert [each.method for each in heard] == ["POST", "GET", *["POST"] * 20, "GET"]
    for each in heard:
        if each.method == "POST":
            check_offer(each)
    connection.lose()


CHUNKED = (
    b"POST / HTTP/1.1\r\nConnection: Upgrade\r\nConnection: HTTP2-Settings, keep-alive\r\nUpgrade: h2c\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\nX-Trailer: x\r\nAuthorization: late\r\n\r\n"
)


@pytest.mark.parametrize(
    ("raw", "body"),
    [
        (CHUNKED, b"hello!"),
        (b"POST / HTTP/1.1\r\nconnection:upgrade\r\nUPGRADE: H2C\r\ncontent-length:2\r\n\r\nhi", b"hi"),
        (b"POST / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: something/9\r\nContent-Length: 2\r\n\r\nhi", b"hi"),
        (b"POST / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nhi", b"hi"),
        (b"POST / HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nhi", b"hi"),
        (b"POST / HTTP/1.1\r\nConnection: close, Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nhi", b"hi"),
        (b"POST / HTTP/1.1\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nhi", b"hi"),
        (b"GET / HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n", b""),
    ],
)
async def test_other_offers_are_declined_too(raw: bytes, body: bytes) -> None:
    for cut in (len(raw), *range(1, len(raw), 7)):
        connection = Connection()
        await connection.feed(raw[:cut], raw[cut:])
        (heard,) = connection.app.heard
        assert heard.body == body
        assert "authorization" not in heard.headers
        assert connection.wire.written.startswith(b"HTTP/1.1 200 OK\r\n")
        connection.lose()


async def test_an_offer_with_expect_is_told_to_go_on() -> None:
    connection = Connection()
    head = OFFER.replace(b"Host:", b"Expect: 100-continue\r\nHost:")
    end = head.index(b"\r\n\r\n") + 4
    connection.protocol.data_received(head[:end])
    for _ in range(10):
        await asyncio.sleep(0)
    assert connection.wire.written == b"HTTP/1.1 100 Continue\r\n\r\n"
    await connection.feed(head[end:])
    check_offer(connection.app.heard[0])
    connection.lose()


async def test_a_stock_java_client(tmp_path: Path) -> None:
    java = shutil.which("java")
    if java is None:
        pytest.skip("java is not installed: the offer of HTTP/2 was tested with raw bytes only")
    app = Recorder()
    async with serve(app) as url:
        # One thread and the quick compiler: this is a short program.
        options = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Dfile.encoding=UTF-8", str(PROBE))
        process = await asyncio.create_subprocess_exec(java, *options, url + "/probe", stdout=asyncio.subprocess.PIPE)
        try:
            printed, _ = await asyncio.wait_for(process.communicate(), 60)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    assert printed.decode().split("\n") == ["200 HTTP_1_1 5", "200 HTTP_1_1 100000", ""]
    assert [heard.body for heard in app.heard] == [b"first", "é".encode() * 50_000]
    assert all("upgrade" not in heard.headers for heard in app.heard)


async def test_what_is_no_http_is_answered_and_ended() -> None:
    for raw in (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n",
        b"CONNECT example.com:443 HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nbad header\r\n\r\n",
    ):
        connection = Connection()
        await connection.feed(raw)
        assert connection.wire.written.startswith(b"HTTP/1.1 400 Bad Request\r\n"), raw
        assert connection.wire.is_closing()
        assert connection.app.heard == []
        connection.lose()


@pytest.mark.parametrize("start", [b"", b"GET / HTTP/1.1\r\nX-Slow: ", PLAIN[:-2]])
async def test_slow_headers_end_the_connection(start: bytes) -> None:
    connection = Connection(Limits(header_seconds=0.05))
    await connection.feed(start)
    await asyncio.wait_for(connection.wire.closed.wait(), WAIT)
    assert connection.wire.written.startswith(b"HTTP/1.1 408 ") is bool(start)
    assert connection.app.heard == []
    connection.lose()


async def test_trickled_headers_do_not_move_the_time_limit() -> None:
    connection = Connection(Limits(header_seconds=0.05))
    await connection.feed(b"GET / HTTP/1.1\r\nX: ")
    for _ in range(10_000):
        connection.protocol.data_received(b"x")
        with suppress(TimeoutError):
            await asyncio.wait_for(connection.wire.closed.wait(), 0.001)
            break
    assert connection.wire.written.startswith(b"HTTP/1.1 408 ")
    connection.lose()


async def test_slow_headers_of_a_later_request_end_the_connection() -> None:
    connection = Connection(Limits(header_seconds=0.05))
    await connection.feed(PLAIN, PLAIN[:10])
    await asyncio.wait_for(connection.wire.closed.wait(), WAIT)
    assert b" 408 " in connection.wire.written
    assert len(connection.app.heard) == 1
    connection.lose()


async def test_empty_lines_do_not_keep_a_connection() -> None:
    connection = Connection(Limits(header_seconds=0.05))
    await connection.feed(PLAIN)
    await connection.feed(b"\r\n")
    await asyncio.wait_for(connection.wire.closed.wait(), WAIT)
    assert b" 408 " not in connection.wire.written
    connection.lose()


async def test_an_idle_connection_ends() -> None:
    connection = Connection(Limits(keep_alive_seconds=0.05))
    await connection.feed(PLAIN)
    await asyncio.wait_for(connection.wire.closed.wait(), WAIT)
    assert not connection.wire.aborted
    connection.lose()


async def test_a_reply_that_nobody_takes_is_dropped_in_the_end() -> None:
    connection = Connection(Limits(keep_alive_seconds=0.05))
    connection.wire.unsent = 1_000
    await connection.feed(PLAIN)
    await asyncio.wait_for(connection.wire.closed.wait(), WAIT)
    assert connection.wire.aborted
    connection.lose()


@pytest.mark.parametrize("head", [PLAIN, PLAIN.replace(b"1.1", b"1.0"), PLAIN[:-2] + b"Connection: close\r\n\r\n"])
async def test_a_reply_that_nobody_takes_keeps_no_closing_connection(head: bytes) -> None:
    connection = Connection(Limits(keep_alive_seconds=0.05))
    connection.wire.unsent = 1_000
    await connection.feed(head)
    await asyncio.wait_for(connection.wire.dropped.wait(), WAIT)
    assert connection.wire.aborted
    connection.lose()


async def test_replies_that_nobody_takes_keep_no_connection_with_more_requests() -> None:
    connection = Connection(Limits(keep_alive_seconds=0.05))
    connection.app.gate.clear()
    await connection.feed(PLAIN * 3)
    connection.wire.unsent = 100_000
    connection.protocol.pause_writing()
    await asyncio.wait_for(connection.wire.dropped.wait(), WAIT)
    assert connection.wire.aborted
    connection.lose()
    connection.app.gate.set()
    await connection.feed()


async def test_a_refusal_that_nobody_takes_keeps_no_connection() -> None:
    connection = Connection(Limits(keep_alive_seconds=0.05))
    connection.wire.unsent = 1_000
    await connection.feed(b"\x00")
    await asyncio.wait_for(connection.wire.dropped.wait(), WAIT)
    assert connection.wire.aborted
    connection.lose()


async def test_a_reply_that_is_taken_slowly_goes_on() -> None:
    connection = Connection(Limits(keep_alive_seconds=0.01))
    connection.wire.unsent, connection.wire.taken_at_a_look = 1_000, 100
    await connection.feed(PLAIN[:-2] + b"Connection: close\r\n\r\n")
    await asyncio.wait_for(connection.wire.taken.wait(), WAIT)
    assert not connection.wire.aborted
    connection.lose()


async def test_a_reply_that_is_taken_slowly_goes_on_where_the_next_one_waited_for_it() -> None:
    connection = Connection(Limits(keep_alive_seconds=0.01), wire=Draining())
    connection.wire.unsent = 1_000
    connection.protocol.pause_writing()
    connection.protocol.resume_writing()
    await connection.feed(PLAIN)
    await asyncio.wait_for(connection.wire.taken.wait(), WAIT)
    await asyncio.wait_for(connection.wire.closed.wait(), WAIT)
    assert not connection.wire.aborted
    connection.lose()


async def test_nothing_more_is_read_while_requests_wait() -> None:
    connection = Connection()
    read: list[bool] = []

    async def noting(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        read.append(connection.wire.reads)
        await connection.app(scope, receive, send)
        read.append(connection.wire.reads)

    connection.protocol.app = noting
    await connection.feed(PLAIN * 3)
    assert read == [False, False, False, False, False, True]
    assert connection.wire.written.count(b"HTTP/1.1 200 OK") == 3
    connection.lose()


async def test_a_head_of_which_nothing_more_is_read_is_not_waited_for() -> None:
    connection = Connection(Limits(header_seconds=0.02))
    connection.app.gate.clear()
    await connection.feed(PLAIN * 2 + PLAIN[:10])
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(connection.wire.closed.wait(), 0.1)
    connection.app.gate.set()
    await connection.feed()
    assert connection.wire.written.count(b"HTTP/1.1 200 OK") == 2
    await asyncio.wait_for(connection.wire.closed.wait(), WAIT)
    assert b" 408 " in connection.wire.written
    connection.lose()


async def test_a_request_in_work_has_no_time_limit_here() -> None:
    connection = Connection(Limits(header_seconds=0.01, keep_alive_seconds=0.01))
    connection.app.gate.clear()
    await connection.feed(PLAIN)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(connection.wire.closed.wait(), 0.05)
    connection.app.gate.set()
    await asyncio.wait_for(connection.app.answered.wait(), WAIT)
    await asyncio.wait_for(connection.wire.closed.wait(), WAIT)
    connection.lose()


async def test_large_headers_are_refused() -> None:
    connection = Connection(Limits(header_bytes=1_000))
    await connection.feed(b"GET / HTTP/1.1\r\nX: " + b"x" * 500)
    assert not connection.wire.is_closing()
    await connection.feed(b"x" * 600)
    assert connection.wire.written.startswith(b"HTTP/1.1 431 ")
    assert connection.wire.is_closing()
    connection.lose()


async def test_many_requests_on_one_connection_are_not_large_headers() -> None:
    connection = Connection(Limits(header_bytes=200))
    for _ in range(50):
        await connection.feed(PLAIN[:20], PLAIN[20:])
    assert len(connection.app.heard) == 50
    connection.lose()


async def test_requests_one_behind_the_other_in_large_pieces_are_not_large_headers() -> None:
    connection = Connection(Limits(header_bytes=200))
    await connection.feed(PLAIN * 50 + PLAIN[:20], PLAIN[20:] + PLAIN * 50)
    assert len(connection.app.heard) == 101
    await connection.feed(PLAIN[:20], b"X: " + b"x" * 200)
    assert connection.wire.is_closing()
    connection.lose()


@pytest.mark.parametrize("behind", [b"", PLAIN])
@pytest.mark.parametrize("piece", [b"zz\r\n", b"1\r\nxx", b"0\r\nContent-Length: 5\r\n\r\n", b"fffffffffffffffff\r\n"])
async def test_a_body_that_cannot_be_read_is_answered(piece: bytes, behind: bytes) -> None:
    connection = Connection()
    head = b"POST /x HTTP/1.1\r\nHost: gateway.test\r\nTransfer-Encoding: chunked\r\n\r\n"
    await connection.feed(head + b"1\r\na\r\n" + piece + behind)
    assert connection.wire.written.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert connection.wire.written.count(b"HTTP/1.1 ") == 1
    assert connection.wire.is_closing()
    assert not connection.app.heard
    connection.lose()


async def test_what_follows_bad_bytes_behind_a_request_in_work_is_no_false_reply() -> None:
    connection = Connection()
    connection.app.gate.clear()
    await connection.feed(PLAIN + b"\x00\x00\x00")
    assert connection.wire.written == b""
    assert connection.wire.is_closing()
    connection.app.gate.set()
    connection.lose()


async def test_one_connection_too_many_is_told_so() -> None:
    state = Shared()
    limits = Limits(connections=2)
    first, second, third = (Connection(limits, state) for _ in range(3))
    assert third.wire.written.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert b"retry-after: 1\r\n" in third.wire.written
    assert third.wire.is_closing()
    third.lose()
    first.lose()
    fourth = Connection(limits, state)
    await fourth.feed(PLAIN)
    assert fourth.wire.written.startswith(b"HTTP/1.1 200 OK\r\n")
    second.lose()
    fourth.lose()
    assert state.connections == set()


def closings(wire: Wire) -> list[bool]:
    """Of each reply, whether it says that it is the last."""
    return [b"connection: close\r\n" in reply.lower() for reply in wire.written.split(b"HTTP/1.1 ")[1:]]


async def test_when_the_server_ends_the_reply_to_the_newest_request_is_the_last() -> None:
    state = Shared()
    connection, idle = Connection(state=state), Connection(state=state)
    await idle.feed(PLAIN)
    connection.app.gate.clear()
    await connection.feed(PLAIN)
    state.end()
    await connection.feed(PLAIN, PLAIN)
    assert not connection.wire.is_closing()
    connection.app.gate.set()
    await connection.feed()
    assert closings(connection.wire) == [False, False, True]
    assert connection.wire.is_closing()
    # Nothing was said to this one yet, so it goes on until it was.
    assert not idle.wire.is_closing()
    await idle.feed(PLAIN)
    assert closings(idle.wire) == [False, True]
    assert idle.wire.is_closing()
    idle.lose()
    connection.lose()


async def test_a_reply_that_has_begun_when_the_server_ends_is_not_the_last() -> None:
    state = Shared()
    connection = Connection(state=state)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def in_pieces(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        begun.set()
        await go_on.wait()
        await send({"type": "http.response.body", "body": b"b"})

    connection.protocol.app = in_pieces
    connection.protocol.data_received(PLAIN)
    await asyncio.wait_for(begun.wait(), WAIT)
    state.end()
    go_on.set()
    await connection.feed()
    assert not connection.wire.is_closing()
    await connection.feed(PLAIN)
    assert closings(connection.wire) == [False, True]
    assert connection.wire.is_closing()
    connection.lose()


async def test_a_client_that_goes_in_mid_body_leaves_nothing_behind() -> None:
    connection = Connection()
    with captured_log() as log:
        connection.protocol.data_received(b"POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\nhalf")
        await asyncio.sleep(0)
        connection.lose()
        await connection.feed()
    assert connection.app.heard == []
    assert connection.wire.written == b""
    assert log.text == ""


async def test_raw_bytes_over_a_real_socket() -> None:
    app = Recorder()
    async with serve(app) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        writer.write(OFFER + PLAIN)
        for length in (b"%d" % len(BODY), b"0"):
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), WAIT)
            assert head.startswith(b"HTTP/1.1 200 OK\r\n")
            assert await asyncio.wait_for(reader.readexactly(len(length)), WAIT) == length
        writer.close()
        await writer.wait_closed()
    check_offer(app.heard[0])
