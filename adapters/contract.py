"""What an adapter must provide, what it is given, and how it answers.

An adapter is pure translation: it keeps no state, opens no connection and reads no clock. The gateway calls it like this:

1. a `Claim` of the adapter matches the request, its wire table (`routes`) names the handler;
2. `applications` says which app ids the request speaks of; the gateway finds the tenants that own them;
3. `authenticate` verifies the credential against those tenants and names the principal;
4. the handler parses, asks the core and renders;
5. whatever fails goes through `render_failure`, so that a caller only ever sees the vendor's own shape.
"""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Any, Protocol, runtime_checkable
from urllib.parse import parse_qsl

import msgspec

from core.core import Core
from core.errors import Failure
from core.model import Application, Credential, Message, Principal, Tenant
from core.objects import Content
from core.spool import Spool

_MAXIMUM_REMEMBERED = 4096
_LONGEST_REMEMBERED = 512
"""Queries come again and again, and cost more to read than all the rest of a request's head."""


class Evidence(StrEnum):
    """How sure we are of a row of a wire table, best first."""

    SEED = "the user's own document"
    DOCUMENTATION = "the vendor's documentation"
    RECORDED = "recorded from the vendor"
    CLIENT = "the vendor's client"
    GUESS = "a guess"


class ClaimKind(StrEnum):
    """How a claim recognises a request. Dispatch tries the kinds in this order."""

    QUERY = "query"
    """The query has all of `names`."""
    FIXED = "fixed"
    """The path is exactly `path`."""
    SEGMENT = "segment"
    """The first path segment (lower case) is one of `names` and more segments follow."""
    FALLBACK = "fallback"
    """Any path of two segments or more."""


class Claim(msgspec.Struct, frozen=True):
    """Which requests belong to an adapter."""

    kind: ClaimKind
    names: tuple[str, ...] = ()
    path: str = ""


class Request(msgspec.Struct, kw_only=True, eq=False):
    """One HTTP request as the adapter sees it. The body is read through `Call.body`."""

    id: str
    method: str
    """Upper case; HEAD arrives as GET."""
    path: str
    """As sent, still percent-encoded, without the query."""
    segments: tuple[str, ...]
    """The path split at slashes (repeated ones collapsed), each part decoded afterwards."""
    query_string: str
    headers: Mapping[str, str]
    """Names in lower case; of repeated headers the first."""
    scheme: str
    host: str
    """Host and port as the caller addressed us: what rendered links start with."""
    client: str
    _query: Mapping[str, str] | None = None

    @property
    def query(self) -> Mapping[str, str]:
        """The query; of repeated names the first."""
        if self._query is None:
            read = _query_read_before if len(self.query_string) <= _LONGEST_REMEMBERED else read_query
            self._query = read(self.query_string)
        return self._query

    @property
    def origin(self) -> str:
        """Scheme and host for links in replies, as `https://host:port`."""
        return f"{self.scheme}://{self.host}"


def read_query(text: str) -> Mapping[str, str]:
    """What `Request.query` is for a query string."""
    found: dict[str, str] = {}
    for name, value in parse_qsl(text, keep_blank_values=True, errors="replace"):
        found.setdefault(name, value)
    return found


_query_read_before = lru_cache(_MAXIMUM_REMEMBERED)(read_query)


class Reply(msgspec.Struct, eq=False):
    """What goes back over the wire."""

    status: int
    body: bytes
    headers: Sequence[tuple[bytes, bytes]]
    """With Content-Type; Content-Length is added by the gateway."""
    stream: Content | None = None
    """What goes out piece by piece in place of `body`."""


class Upload(msgspec.Struct, eq=False):
    """A file of a form. Name and media type are as the client gave them, empty when it did not."""

    name: str
    media_type: str
    content: Spool


class Form(msgspec.Struct, eq=False):
    """A form that was received, by the names of its parts; of repeated names the first."""

    fields: dict[str, str]
    files: dict[str, Upload]


class Call(msgspec.Struct, kw_only=True, eq=False):
    """One request on its way through an adapter."""

    request: Request
    route: "Route"
    parameters: Mapping[str, str]
    """The named parts of the path, decoded."""
    tenants: tuple[Tenant, ...]
    """The tenants that own the application id; empty when nobody does."""
    core: Core
    now: int
    """When the request arrived, epoch milliseconds of the core's clock."""
    started: float
    """When the request arrived, seconds of `time.perf_counter`: for durations."""
    reference: str
    """What makes a repeated send one send: the caller's `Idempotency-Key` behind `core.ids.CLIENT_REFERENCE`, else one made for
    this request as `request:…`."""
    read: Callable[[int], Awaitable[bytes]]
    """What `body` reads with."""
    receive: Callable[[int], Awaitable[Form]]
    """What `form` reads with."""
    principal: Principal | None = None
    """Set once `authenticate` succeeded; use `authenticated` in handlers."""
    parsed: Any = None
    """What the adapter made of the body, where that is asked for more than once."""
    losses: list[str] = []
    """What the translation could not carry, one `field: what happened` each."""

    @property
    def authenticated(self) -> Principal:
        """The verified principal of a route that demands one."""
        return self.principal  # type: ignore[return-value]  # such a route's handler runs after `authenticate`

    @property
    def tenant(self) -> Tenant:
        """The tenant whose credential verified."""
        return self.principal.tenant  # type: ignore[union-attr]  # as above

    @property
    def duration_ms(self) -> int:
        """How long the request has taken so far."""
        return int((time.perf_counter() - self.started) * 1000)

    def body(self, limit: int) -> Awaitable[bytes]:
        """The request's body, read once and kept. A body over `limit` bytes raises a *too large* failure as soon as the
        limit is passed, a client that is too slow a *timed out* failure."""
        return self.read(limit)

    def form(self, file_bytes: int) -> Awaitable[Form]:
        """The request's body as a multipart form, received once and kept; the gateway closes its files. No file needs more than
        a megabyte of memory.

        Raises *too large* as soon as a file has more than `file_bytes` (reason `file`), or all else more than 64 KB, *bad
        request* with reason `form` when the body is no form or not all of one, *timed out*, *store unavailable* with reason
        `files`."""
        return self.receive(file_bytes)


Handler = Callable[[Call], Awaitable[Reply]]


class Route(msgspec.Struct, frozen=True):
    """One row of a wire table."""

    method: str
    path: str
    """With named parts in braces, as `/{org}/{app}/messages`. Literal parts are compared as they stand, or without regard
    to case where the adapter says so."""
    handler: Handler
    operation: str
    """The neutral name of what happens, as `messages.send`."""
    evidence: Evidence
    authentication: bool = True
    call: str = ""
    """What is asked for, where method and path don't tell (`NamesCalls`), in the form of a query: `action=sendmsg`."""


class Adapter(Protocol):
    """What every vendor's folder provides."""

    @property
    def name(self) -> str:
        """The dialect's name, lower case; stands in stored messages and settings."""
        ...

    @property
    def claims(self) -> Sequence[Claim]:
        """Which requests are this dialect's."""
        ...

    @property
    def routes(self) -> Sequence[Route]:
        """The wire table."""
        ...

    @property
    def folds_paths(self) -> bool:
        """Whether literal parts of paths match in any case."""
        ...

    @property
    def demo(self) -> Sequence[Application]:
        """The applications, with well-known credentials, that the development mode's tenant `demo` gets."""
        ...

    @property
    def credential_kinds(self) -> Sequence[str]:
        """The kinds of credentials that open an application of this dialect (`client`, `jwt`, …), the usual one first."""
        ...

    def credential(self, kind: str, name: str, secret: str) -> Credential:
        """A credential of one of these kinds, as it is kept. Raises *bad request* with reason `name` for a name that none of
        this kind can have."""
        ...

    def check_application(self, name: str, reserved: frozenset[str]) -> None:
        """Raises *bad request* with reason `name` unless `name` can be an application of this dialect; `reserved` are the
        first path segments that other dialects claim."""
        ...

    async def mint(
        self, core: Core, tenant: Tenant, application: str, user: str | None, administrator: bool, lifetime_seconds: int
    ) -> str:
        """A token for one of an application's users or (`administrator`, with or without a user, as the dialect has it) for
        whoever administers it, made without the vendor's login: for operators and examples. Lifetime 0 means that it never
        expires.

        Raises *bad request* when the dialect needs a user and none is named, or with reason `name` for a name that can't be
        held, *forbidden* with reason `reserved` for a reserved user, *not found* with reason `application` when the tenant
        has no credential to sign with, or with reason `user` where only registered users have tokens."""
        ...

    def applications(self, request: Request) -> Sequence[str] | None:
        """The application names that the request speaks of; usually one. None where a request of this dialect names no
        application and its credential alone tells: then all tenants that have one are tried."""
        ...

    def authenticate(self, call: Call) -> Awaitable[Principal]:
        """Who is calling. Raises an *unauthenticated* failure (or what the vendor does) when nobody verifies."""
        ...

    def render_failure(self, request: Request, failure: Failure, duration_ms: int, now: int) -> Reply:
        """The failure in the vendor's own status, code and body. Never raises."""
        ...

    def secrets(self, request: Request) -> Sequence[str]:
        """Values in this request that must never be shown: tokens, passwords in headers and query."""
        ...

    def losses(self, tenant: Tenant, message: Message) -> Sequence[str]:
        """What is lost of a message where this dialect is one of the two ends, one `field: what happened` each (`dropped…`,
        `defaulted to…`, anything else: how it was approximated).

        Of a message that another dialect sent: what this one's readers lose, in the very words that reading it puts into
        `Call.losses`. Of one that this dialect sent: what stays in it, since the neutral message has no word for it and its
        leftovers are read by nobody else; sending puts the same words into `Call.losses`. Another spelling of what the neutral
        message says is no loss, nor is a label that only shows (a name of the sender as the message gives it).

        Pure, and the one declaration for all: strict translation refuses sends by it, docs/losses.md is made from it. Files of
        the tenant's own stand in the message by reference; it counts what is lost at the address that a reader is shown."""
        ...

    def example(self, origin: str, core: Core, tenant: Tenant) -> str:
        """A curl command, ready to paste and with a fresh token in it, that sends or reads one message of the demo tenant;
        only ever shown in development mode."""
        ...


@runtime_checkable
class Preflight(Protocol):
    """Optional power: the adapter answers OPTIONS requests itself, before authentication."""

    def preflight(self, request: Request) -> Reply:
        """The reply to an OPTIONS request on any of the dialect's paths."""
        ...


@runtime_checkable
class ReadsBodyFirst(Protocol):
    """Optional power: the vendor parses bodies before it looks at credentials, so `before_authentication` runs first."""

    async def before_authentication(self, call: Call) -> None:
        """Reads and checks the body; raises what the vendor would answer to a bad one."""
        ...


@runtime_checkable
class NamesCalls(Protocol):
    """Optional power: what is asked for stands in the query or in the body, whatever the path. Every row of such a wire table
    has a `call`."""

    async def asked(self, request: Request, read: Callable[[int], Awaitable[bytes]]) -> tuple[str, Any]:
        """The `Route.call` of the row that answers (or what there is none of), and what `Call.parsed` begins with; `read` as
        `Call.body`. Raises what the vendor would answer to a request that can't be read."""
        ...
