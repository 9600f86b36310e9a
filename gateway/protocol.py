"""uvicorn's HTTP protocol, with what a public listener needs more: offers to change the protocol are declined, slow and
idle clients end, headers and connections have limits."""

import asyncio
from collections import deque
from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from gateway.asgi import WHOLE
from gateway.cycle import GatewayCycle
from gateway.limits import Limits

_ASGI = {"version": "3.0", "spec_version": "2.3"}
_EXTENSIONS: dict[str, dict[object, object]] = {WHOLE: {}}
_HOP_BY_HOP = (b"upgrade", b"http2-settings")


def protocol_class(limits: Limits) -> type["GatewayProtocol"]:
    """The class to give to uvicorn as `http`. What `Limits` says goes before uvicorn's own time-out settings."""
    return type("LimitedGatewayProtocol", (GatewayProtocol,), {"limits": limits})


class Shared(ServerState):
    """What the connections of one server share. Once it is `ending`, every reply is the last of its connection, and says so:
    a client that has read that sends nothing more there, so closing then cuts nobody off."""

    def __init__(self) -> None:
        super().__init__()
        self.ending = False

    @property
    def open_connections(self) -> list["GatewayProtocol"]:
        """Those open now; closing one changes the set."""
        return [connection for connection in self.connections if isinstance(connection, GatewayProtocol)]

    def end(self) -> None:
        """From now on it is ending. Nothing happens to idle connections."""
        self.ending = True
        for connection in self.open_connections:
            connection.end_with_reply()


class GatewayProtocol(HttpToolsProtocol):
    """One connection."""

    limits: Limits = Limits()
    server_state: Shared
    # uvicorn's own methods touch these, and only ours make them.
    cycle: GatewayCycle
    pipeline: deque[tuple[GatewayCycle, Any]]  # type: ignore[assignment]

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.timeout_keep_alive = self.limits.keep_alive_seconds  # type: ignore[assignment]  # seconds, whole or not
        self._in_head = True
        self._head_bytes = 0
        self._completed = False
        self._offered = False
        self._last: GatewayCycle | None = None
        self._head_timer: asyncio.TimerHandle | None = None
        self._reply_timer: asyncio.TimerHandle | None = None
        self._unsent = 0
        self._idle_since: float | None = None

    # Connections

    @property
    def busy(self) -> bool:
        """Whether a request is being received or answered: closing now would cut somebody off."""
        return self._head_bytes > 0 or (self.cycle is not None and not self.cycle.response_complete)

    def end_with_reply(self) -> None:
        """Let the reply to the newest request end the connection, if it has not begun: one that has can't say so any more."""
        last: GatewayCycle | None = self.cycle
        if last is not None and last.keep_alive and not last.response_started:
            last.keep_alive = False
            self._last = last

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections:
            self._refuse(b"503 Service Unavailable", b"Too many connections", b"retry-after: 1\r\n")
            return
        self._watch_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unwatch_head()
        self._unset_keepalive_if_required()
        if self._reply_timer is not None:
            self._reply_timer.cancel()
        super().connection_lost(exc)

    # Bytes in

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self._idle_since = None
        self._completed = False
        rest = memoryview(data)
        try:
            while rest:
                try:
                    self.parser.feed_data(rest)
                    break
                except httptools.HttpParserUpgrade as upgrade:
                    # llhttp stops behind the headers of a request that offers another protocol, and takes what follows
                    # for that protocol's. Stock Java clients offer HTTP/2 with every request, bodies and all.
                    head = self._head_without_offer()
                    # A new parser: the old one takes a message that ends its connection for the last one.
                    self.parser = httptools.HttpRequestParser(self)
                    self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
                    self.parser.feed_data(head)
                    rest = rest[upgrade.args[0] :]
        except httptools.HttpParserError:
            self._refuse(b"400 Bad Request", b"Not an HTTP request")
            return
        if self._in_head:
            # Where in these bytes a head began behind other requests is not known: then it counts from the next ones.
            self._head_bytes += 1 if self._completed else len(data)
            if self._head_bytes > self.limits.header_bytes:
                self._refuse(b"431 Request Header Fields Too Large", b"The headers are too large")
                return
        if self.pipeline:
            self._unwatch_head()  # nothing is read until those are answered
        elif self._in_head or self.cycle is None or self.cycle.response_complete:
            self._watch_head()
        else:
            self._unwatch_head()

    # What the parser found

    def on_message_begin(self) -> None:
        self._in_head = True
        self._offered = False
        self.url = b""
        self.expect_100_continue = False
        self.headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head:
            return  # a trailer: nothing here asks for one, and it must not look like a header that was checked
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade():
            if self.parser.get_method() == b"CONNECT":
                raise ValueError("CONNECT is for proxies")
            self._offered = True
            return
        self._in_head = False
        self._head_bytes = 0
        self._begin_cycle()
        if self.server_state.ending:
            if self._last is not None and not self._last.response_started:
                self._last.keep_alive = True  # more came behind it before it was answered
            self.end_with_reply()

    def _begin_cycle(self) -> None:
        """Begin to answer. uvicorn's own `on_headers_complete` does more, for servers that want it, at the cost of a handler; what
        it does in a new version has to be compared with this and with `on_response_complete`."""
        parser, before = self.parser, self.cycle
        version = parser.get_http_version()
        url = httptools.parse_url(self.url)
        path = url.path.decode("ascii")
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": _ASGI,
            "http_version": version,
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,
            "root_path": "",
            "method": parser.get_method().decode("ascii"),
            "path": unquote(path) if "%" in path else path,
            "raw_path": url.path,
            "query_string": url.query or b"",
            "headers": self.headers,
            "state": {},
            "extensions": _EXTENSIONS,
        }
        self.cycle = GatewayCycle(
            scope=scope,  # type: ignore[arg-type]  # uvicorn has a type of its own
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        if before is None or before.response_complete:
            self.cycle.start(self.app, self.tasks)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def on_message_complete(self) -> None:
        if not self._offered:
            self._completed = True
            super().on_message_complete()

    def _head_without_offer(self) -> bytes:
        """The request as it would have come without the offer."""
        version = self.parser.get_http_version().encode()
        lines = [b"%s %s HTTP/%s\r\n" % (self.parser.get_method(), self.url, version)]
        for name, value in self.headers:
            if name == b"connection":
                tokens = [token for token in value.split(b",") if token.strip().lower() not in _HOP_BY_HOP]
                lines += (b"connection: ", b",".join(tokens), b"\r\n")
            elif name not in _HOP_BY_HOP:
                lines += (name, b": ", value, b"\r\n")
        return b"".join((*lines, b"\r\n"))

    # Time

    def _watch_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(self.limits.header_seconds, self._head_timed_out)

    def _unwatch_head(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_timed_out(self) -> None:
        self._head_timer = None
        if self._head_bytes:
            self._refuse(b"408 Request Timeout", b"The headers did not arrive in time")
        else:
            self.transport.close()

    def _begin_idle(self) -> None:
        """One timer serves all the pauses of a connection: it looks how long the last one has been. It has uvicorn's name, whose
        `_unset_keepalive_if_required` ends it."""
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._look_after(self.timeout_keep_alive)

    def _look_after(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def timeout_keep_alive_handler(self) -> None:
        """Close the connection if it was idle for long. A reply that still goes out may go on; one that nobody takes any more ends
        by its own timer."""
        self.timeout_keep_alive_task = None
        if self._idle_since is None:
            return
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._look_after(left)
        elif self.transport.get_write_buffer_size() == 0:
            self.transport.close()
        else:
            self._watch_reply()
            self._look_after(self.timeout_keep_alive)

    def pause_writing(self) -> None:
        """The client takes a reply more slowly than it comes; further replies wait."""
        super().pause_writing()
        self._watch_reply()

    def on_response_complete(self) -> None:
        """A reply was written, perhaps not yet taken. A connection that closes after it stays until it is."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            self._watch_reply()
            return
        if self.pipeline:
            # Nothing more is read before: what a client sends ahead must not fill the memory.
            cycle, app = self.pipeline.pop()
            cycle.start(app, self.tasks)
            return
        self.flow.resume_reading()
        if self._head_bytes:
            self._watch_head()
        self._begin_idle()

    def _watch_reply(self) -> None:
        if self._reply_timer is None:
            self._unsent = self.transport.get_write_buffer_size()
            self._reply_timer = self.loop.call_later(self.timeout_keep_alive, self._reply_stalled)

    def _reply_stalled(self) -> None:
        self._reply_timer = None
        unsent = self.transport.get_write_buffer_size()
        if unsent == 0:
            return
        if unsent == self._unsent:
            self.transport.abort()
        else:
            self._watch_reply()

    def _refuse(self, status: bytes, text: bytes, headers: bytes = b"") -> None:
        """Answer what never became a whole request, and close. While an earlier request waits for its reply, this would be
        taken for it, so then the connection only ends."""
        self._unwatch_head()
        cycle = self.cycle
        answers = cycle is None or cycle.response_complete
        if not answers and cycle.more_body and not cycle.response_started and not self.pipeline:
            # The body that can't be read is this request's own: nobody waits for more of it, and this is its reply.
            answers = cycle.disconnected = True
            cycle.message_event.set()
        if answers:
            self.transport.write(
                b"HTTP/1.1 %s\r\ncontent-type: text/plain\r\ncontent-length: %d\r\n%sconnection: close\r\n\r\n%s"
                % (status, len(text), headers, text)
            )
        self.transport.close()
        self._watch_reply()
