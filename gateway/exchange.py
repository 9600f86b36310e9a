"""The way of one request: dialect, tenant, credential, handler, reply, and the record of it all."""

import itertools
import secrets
import time
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import structlog

from adapters.bodies import json_reply
from adapters.contract import Call, Reply, Request
from core.core import Core
from core.errors import Failure, Kind, StaleTenant, store_unavailable
from core.ids import CLIENT_REFERENCE
from core.model import Tenant
from core.objects import Content
from gateway.address import Addresses
from gateway.asgi import WHOLE, Receive, Scope, Send
from gateway.body import Body, Disconnected
from gateway.dispatch import Dialect, Dispatcher, Way
from gateway.form import FormReader
from gateway.headers import Headers
from gateway.limits import Limits
from gateway.logs import REQUEST, exception_text, log_request
from gateway.redaction import redact, secrets_of

_ATTEMPTS = 5
"""How often a request is done when its tenant changes meanwhile."""
_MAXIMUM_ID = 64
_MAXIMUM_KEY = 128
_MAXIMUM_LOSSES = 1024
_MAXIMUM_LOGGED_PATH = 512
_LOGGED_LOSSES = 20
_MAXIMUM_LOGGED_LOSS = 256
_VISIBLE = bytes(range(0x21, 0x7F))
_ID_CHARACTERS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~"
_WITHOUT_BODY = frozenset({204, 304})
_GATEWAY_AT_FAULT = frozenset({Kind.INTERNAL, Kind.STORE_UNAVAILABLE, Kind.UPSTREAM_FAILED})


class Exchange(msgspec.Struct, eq=False):
    """One request with everything that happened to it: what logs and metrics read."""

    request: Request
    method: str
    """As sent, HEAD included."""
    body: Body
    now: int
    """When the request arrived, epoch milliseconds."""
    started: float
    dialect: str = ""
    operation: str = ""
    tenants: tuple[Tenant, ...] = ()
    call: Call | None = None
    failure: Failure | None = None
    status: int = 0
    """0 when nobody was there any more to be answered."""
    duration_ms: float = 0.0
    bytes_out: int = 0

    @property
    def tenant(self) -> str:
        """The tenant's name: of the verified credential, else of the application when only one tenant owns it."""
        if self.call is not None and self.call.principal is not None:
            return self.call.principal.tenant.name
        return self.tenants[0].name if len(self.tenants) == 1 else ""

    def fields(self) -> dict[str, Any]:
        """The record as the fields of a log line. What was not found out is empty; without failure or losses their fields are
        left out."""
        fields: dict[str, Any] = {
            "event": REQUEST,
            "level": "warning" if self.failure is not None and self.failure.kind in _GATEWAY_AT_FAULT else "info",
            "request": self.request.id,
            "dialect": self.dialect,
            "tenant": self.tenant,
            "operation": self.operation,
            "method": self.method,
            "path": _shown_path(self.request.path),
            "status": self.status,
            "duration_ms": self.duration_ms,
            "bytes_in": self.body.received_bytes,
            "bytes_out": self.bytes_out,
            "client": self.request.client,
        }
        if self.failure is not None:
            fields["failure"] = self.failure.kind
            if self.failure.reason:
                fields["reason"] = self.failure.reason
        if self.call is not None and self.call.losses:
            # Fields of a custom message are named by whoever sent it: there may be thousands, of any length.
            fields["losses"] = [loss[:_MAXIMUM_LOGGED_LOSS] for loss in self.call.losses[:_LOGGED_LOSSES]]
        return fields


class Exchanges:
    """Answers HTTP requests: an ASGI application for the scope `http`."""

    __slots__ = ("_addresses", "_core", "_dispatcher", "_limits", "_numbers", "_prefix")

    def __init__(self, core: Core, dispatcher: Dispatcher, limits: Limits) -> None:
        self._core = core
        self._dispatcher = dispatcher
        self._limits = limits
        self._addresses = Addresses(limits.trusted_proxies)
        # Ids are cheap to make: random once a process, counted from there.
        self._prefix = secrets.token_hex(8) + "-"
        self._numbers = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        headers = Headers(scope["headers"])
        made_id = f"{self._prefix}{next(self._numbers):x}"
        way = self._dispatcher.way(scope["raw_path"])
        scheme, host, client = self._addresses.read(scope, headers)
        method = scope["method"]
        request = Request(
            id=_given_id(headers) or made_id,
            method="GET" if method == "HEAD" else method,
            path=way.path,
            segments=way.segments,
            query_string=scope["query_string"].decode(errors="replace"),
            headers=headers,
            scheme=scheme,
            host=host,
            client=client,
        )
        body = Body(receive, headers, self._limits)
        form = FormReader(body, headers, self._core.files)
        exchange = Exchange(request, method, body, self._core.clock.now(), started)
        dialect = self._dispatcher.dialect(way, request)
        if dialect is None:
            reply = json_reply(404, {"error": "not_found", "message": "No dialect is spoken at this path"})
        else:
            exchange.dialect = dialect.name
            try:
                if not way.legible:
                    raise Failure(Kind.BAD_REQUEST, "The path is not legible", reason="path")
                if not host:
                    raise Failure(Kind.BAD_REQUEST, "The Host header names no host", reason="host")
                if method == "OPTIONS":
                    reply = _options(dialect, request)
                else:
                    reply = await self._answer(exchange, dialect, way, headers, made_id, form)
                    if reply.stream is not None:
                        reply.stream.pieces = await _begun(reply.stream.pieces)
            except Disconnected:
                self._record(exchange)
                return
            except Failure as failure:
                reply = self._failed(exchange, dialect, failure)
            except Exception as problem:  # noqa: BLE001 whatever it is, the caller gets the vendor's own reply
                self._unexpected(exchange, dialect, problem)
                reply = self._failed(exchange, dialect, Failure(Kind.INTERNAL, "An internal error happened"))
            finally:
                form.close()
        await self._send(exchange, reply, send, whole=WHOLE in scope.get("extensions", ()))
        self._record(exchange)

    async def _answer(
        self, exchange: Exchange, dialect: Dialect, way: Way, headers: Headers, made_id: str, form: FormReader
    ) -> Reply:
        request = exchange.request
        parsed = None
        if dialect.asked is None:
            row, parameters = way.row(dialect, request.method)
        else:
            called, parsed = await dialect.asked(request, exchange.body.read)
            row, parameters = dialect.called(request.method, called), {}
        exchange.operation = row.route.operation
        key = headers.raw.get(b"idempotency-key")
        reference = f"request:{made_id}" if key is None else _client_reference(key)
        adapter = dialect.adapter
        for _ in range(_ATTEMPTS):
            try:
                tenants: tuple[Tenant, ...] = ()
                names = adapter.applications(request)
                for name in (None,) if names is None else names:
                    tenants += await self._core.tenants.owners(dialect.name, name)
                exchange.tenants = tenants
                call = exchange.call = Call(
                    request=request,
                    route=row.route,
                    parameters=parameters,
                    tenants=tenants,
                    core=self._core,
                    now=exchange.now,
                    started=exchange.started,
                    reference=reference,
                    read=exchange.body.read,
                    receive=form.read,
                    parsed=parsed,
                )
                if dialect.before_authentication is not None:
                    await dialect.before_authentication(call)
                if row.route.authentication:
                    call.principal = await adapter.authenticate(call)
                return await row.route.handler(call)
            except StaleTenant as stale:
                await self._core.tenants.reload(stale.tenant)
        raise store_unavailable("The tenant is being changed")

    def _failed(self, exchange: Exchange, dialect: Dialect, failure: Failure) -> Reply:
        exchange.failure = failure
        duration_ms = int((time.perf_counter() - exchange.started) * 1000)
        try:
            reply = dialect.adapter.render_failure(exchange.request, failure, duration_ms, exchange.now)
        except Exception as problem:  # noqa: BLE001 adapters must not raise here; should one, the caller is still answered
            self._unexpected(exchange, dialect, problem)
            return json_reply(500, {"error": failure.kind, "message": failure.text})
        if failure.reason == "method" and reply.status == 405:
            allowed = dialect.allowed(exchange.request.segments)
            return Reply(reply.status, reply.body, [*reply.headers, (b"allow", allowed.encode())])
        return reply

    async def _send(self, exchange: Exchange, reply: Reply, send: Send, *, whole: bool) -> None:
        headers = [*reply.headers, (b"x-request-id", exchange.request.id.encode())]
        if reply.status not in _WITHOUT_BODY:
            length = len(reply.body) if reply.stream is None else reply.stream.size_bytes
            headers.append((b"content-length", b"%d" % length))
        if exchange.call is not None and exchange.call.losses and self._limits.loss_header:
            headers.append((b"x-gateway-loss", _loss_header(exchange.call.losses)))
        content = b"" if exchange.method == "HEAD" else reply.body
        exchange.status = reply.status
        exchange.bytes_out = len(content)
        if reply.stream is not None and exchange.method != "HEAD":
            await self._send_stream(exchange, reply.stream, send, headers)
            return
        if exchange.body.refused is None and whole:
            await send({"type": WHOLE, "status": reply.status, "headers": headers, "body": content})
            return
        if exchange.body.refused is None:
            await send({"type": "http.response.start", "status": reply.status, "headers": headers})
            await send({"type": "http.response.body", "body": content})
            return
        headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": content, "more_body": True})
        await exchange.body.drain()
        await send({"type": "http.response.body", "body": b""})

    async def _send_stream(
        self, exchange: Exchange, stream: Content, send: Send, headers: list[tuple[bytes, bytes]]
    ) -> None:
        await send({"type": "http.response.start", "status": exchange.status, "headers": headers})
        try:
            async for piece in stream.pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                exchange.bytes_out += len(piece)
        except Failure as failure:
            exchange.failure = failure
            return  # what is missing tells the client: the server closes a connection on which less came than was promised
        await send({"type": "http.response.body", "body": b""})

    def _unexpected(self, exchange: Exchange, dialect: Dialect, problem: Exception) -> None:
        request = exchange.request
        known = secrets_of(request, dialect.adapter.secrets(request), exchange.body.content)
        structlog.get_logger().error(
            "unexpected",
            request=request.id,
            dialect=exchange.dialect,
            operation=exchange.operation,
            exception=exception_text(problem, known),
        )

    def _record(self, exchange: Exchange) -> None:
        exchange.duration_ms = int((time.perf_counter() - exchange.started) * 100_000) / 100
        log_request(exchange.fields())


def _options(dialect: Dialect, request: Request) -> Reply:
    if dialect.preflight is not None:
        return dialect.preflight(request)
    allowed = dialect.allowed(request.segments)
    if not allowed:
        raise Failure(Kind.NOT_FOUND, "There is nothing at this path", reason="route")
    return Reply(204, b"", [(b"allow", allowed.encode())])


async def _begun(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same pieces, the first of them read: while nothing was sent yet, a failure is answered like any other."""
    first = await anext(pieces, b"")

    async def all_of_them() -> AsyncIterator[bytes]:
        yield first
        async for piece in pieces:
            yield piece

    return all_of_them()


def _given_id(headers: Headers) -> str:
    """The caller's own request id, if it can stand in a log and a header as it is."""
    given = headers.raw.get(b"x-request-id")
    if not given or len(given) > _MAXIMUM_ID or given.translate(None, _ID_CHARACTERS):
        return ""
    return given.decode("ascii")


def _client_reference(key: bytes) -> str:
    if not 0 < len(key) <= _MAXIMUM_KEY or key.translate(None, _VISIBLE):
        raise Failure(
            Kind.BAD_REQUEST,
            f"Idempotency-Key must have 1 to {_MAXIMUM_KEY} visible ASCII characters",
            reason="idempotency_key",
            field="Idempotency-Key",
        )
    return CLIENT_REFERENCE + key.decode("ascii")


def _loss_header(losses: list[str]) -> bytes:
    """The losses in what a header may hold; the end is cut off when there are too many."""
    text = "; ".join(losses)
    return "".join(c if " " <= c <= "~" else "?" for c in text[:_MAXIMUM_LOSSES]).encode("ascii")


def _shown_path(path: str) -> str:
    shown = path[:_MAXIMUM_LOGGED_PATH]
    if "=" in shown or "%3" in shown:  # a query that a client escaped into the path
        shown = redact(shown)
    return shown
