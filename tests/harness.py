"""What adapter tests and end-to-end tests stand on.

A `House` is a core on a real engine, a tenant of its own with an application in each dialect, and the application that
serves them; `serve` puts it behind real HTTP. What goes in is written as rows (`Row`), and `refusals` makes the rows that
every route must pass.
"""

import asyncio
import json
import logging
import re
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import structlog

from adapters.contract import Adapter
from core.clock import Clock, ManualClock
from core.core import Core
from core.model import Application, Credential, Tenant
from core.objects import Objects
from core.store.store import Store
from gateway import logs
from gateway.app import create_app
from gateway.asgi import AsgiApplication
from gateway.limits import Limits
from gateway.server import Server, public_config

NOON = 1_750_000_000_000
"""Where the clock of a test stands at first, epoch milliseconds."""
WAIT_SECONDS = 10.0
CANARY = "canary-7f3a9c5e1b"


class Log:
    """The log lines of this process, read back."""

    def __init__(self) -> None:
        self._text = ""

    def write(self, lines: bytes, /) -> None:
        self._text += lines.decode()

    def clear(self) -> None:
        """Forget what was logged so far."""
        logs.flush()
        self._text = ""

    @property
    def text(self) -> str:
        logs.flush()
        return self._text

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]

    @property
    def requests(self) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == logs.REQUEST]


@contextmanager
def captured_log() -> Iterator[Log]:
    """Everything that is logged inside, through structlog or the standard library."""
    before, level = list(logging.root.handlers), logging.root.level
    log = Log()
    logs.configure(sink=log)
    try:
        yield log
    finally:
        structlog.reset_defaults()
        logging.root.handlers, logging.root.level = before, level


@dataclass
class House:
    """A gateway in this process, with one tenant."""

    core: Core
    clock: Clock
    adapters: Mapping[str, Adapter]
    tenant: Tenant
    app: AsgiApplication
    client: httpx.AsyncClient
    """Speaks to the application without a network."""
    log: Log
    names: dict[str, str] = field(default_factory=dict)
    """What `{…}` in a row's path, query and headers stands for; tests add their own (tokens, users)."""

    def application(self, dialect: str) -> Application:
        """The tenant's application in a dialect, with its credentials."""
        return next(application for application in self.tenant.applications if application.dialect == dialect)

    @property
    def manual_clock(self) -> ManualClock:
        assert isinstance(self.clock, ManualClock)
        return self.clock


async def new_tenant(core: Core, adapters: Sequence[Adapter]) -> Tenant:
    """A tenant that shares nothing with others: each dialect's demo application under a name and with secrets of its
    own."""
    name = f"test-{secrets.token_hex(6)}"
    tenant = await core.tenants.add(name)
    for adapter in adapters:
        demo = adapter.demo[0]
        application = demo.name + secrets.token_hex(6)
        for credential in demo.credentials:
            own = Credential(credential.kind, credential.name, secrets.token_hex(16), credential.sends)
            tenant = await core.tenants.add_credential(name, adapter.name, application, own)
    return tenant


@asynccontextmanager
async def open_house(
    engine_url: str,
    adapters: Sequence[Adapter],
    *,
    clock: Clock | None = None,
    limits: Limits | None = None,
    objects: Objects | None = None,
    strict: bool = False,
) -> AsyncIterator[House]:
    """A house on an engine; by default its clock stands still at `NOON`, and files are kept in memory. `strict`: it refuses
    what others of its dialects would lose something of."""
    clock = clock or ManualClock(NOON)
    store = await Store.open(engine_url)
    try:
        with captured_log() as log:
            loses = {adapter.name: adapter.losses for adapter in adapters} if strict else {}
            core = Core(store, clock, objects, loses)
            app = create_app(core, adapters, limits or Limits())
            transport = httpx.ASGITransport(app, client=("127.0.0.1", 40000))
            async with httpx.AsyncClient(transport=transport, base_url="http://gateway.test:8080") as client:
                tenant = await new_tenant(core, adapters)
                yield House(core, clock, {a.name: a for a in adapters}, tenant, app, client, log)
    finally:
        await store.close()


@asynccontextmanager
async def serve(app: AsgiApplication, limits: Limits | None = None) -> AsyncIterator[str]:
    """The application behind real HTTP in this event loop, on a free port of 127.0.0.1; gives its URL."""
    config = public_config(app, limits or Limits())
    config.timeout_graceful_shutdown = 2
    server = Server(config)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        serving = asyncio.create_task(server.serve([listener]), name="test server")
        try:
            await asyncio.wait_for(server.accepting.wait(), WAIT_SECONDS)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


Effect = Callable[[House, httpx.Response], Awaitable[None]]


@dataclass(frozen=True)
class Row:
    """One request and what must come of it.

    `{name}` in path, query and headers is filled from `House.names`; so are texts within `json`. `body` is compared by
    `match`; left out, it is not looked at.
    """

    label: str
    method: str
    path: str
    status: int
    body: Any = ...
    json: Any = None
    content: bytes | AsyncIterator[bytes] | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    effect: Effect | None = None
    """Looks at what the request did: reads the core, or asks again."""

    def __str__(self) -> str:
        return self.label

    async def send(self, house: House) -> httpx.Response:
        """Send the request, without looking at what comes of it."""
        headers = {name: _filled(value, house.names) for name, value in self.headers.items()}
        content = self.content
        if self.json is not None:
            content = json.dumps(_filled(self.json, house.names)).encode()
            headers.setdefault("Content-Type", "application/json")
        return await house.client.request(
            self.method,
            _filled(self.path, house.names),
            params=_filled(dict(self.query), house.names) or None,
            headers=headers,
            content=content,
        )

    async def check(self, house: House) -> httpx.Response:
        """Send the request; everything must come as the row says."""
        response = await self.send(house)
        assert response.status_code == self.status, f"{self.label}: {response.status_code} {response.text}"
        if self.body is not ...:
            expected = _filled(self.body, house.names)
            match(expected, response.json() if isinstance(expected, (dict, list)) else response.text)
        if self.effect is not None:
            await self.effect(house, response)
        return response


def match(expected: Any, actual: Any, where: str = "body") -> None:
    """Compare JSON. In `expected`, `...` stands for anything, a type for any value of it, a compiled pattern for a text that
    it matches whole, a function for whatever it says yes to; all else must be equal, names of maps included."""
    if expected is ...:
        return
    if isinstance(expected, type):
        assert type(actual) is expected, f"{where}: {actual!r} is no {expected.__name__}"
    elif isinstance(expected, re.Pattern):
        assert isinstance(actual, str), f"{where}: {actual!r} is no text"
        assert expected.fullmatch(actual), f"{where}: {actual!r} does not match {expected.pattern}"
    elif callable(expected):
        assert expected(actual), f"{where}: {actual!r} is refused"
    elif isinstance(expected, dict):
        assert isinstance(actual, dict), f"{where}: {actual!r} is no map"
        assert expected.keys() == actual.keys(), f"{where} has the names {sorted(actual)}, not {sorted(expected)}"
        for name, value in expected.items():
            match(value, actual[name], f"{where}.{name}")
    elif isinstance(expected, list):
        assert isinstance(actual, list), f"{where}: {actual!r} is no list"
        assert len(expected) == len(actual), f"{where} has {len(actual)} entries, not {len(expected)}: {actual!r}"
        for index, value in enumerate(expected):
            match(value, actual[index], f"{where}[{index}]")
    else:
        assert type(expected) is type(actual), f"{where}: {actual!r}, not {expected!r}"
        assert expected == actual, f"{where}: {actual!r}, not {expected!r}"


def _filled(value: Any, names: Mapping[str, str]) -> Any:
    """The value with the names it speaks of put in; braces that enclose no known name stay."""
    if isinstance(value, str):
        return re.sub(r"\{(\w+)\}", lambda found: names.get(found[1], found[0]), value)
    if isinstance(value, dict):
        return {_filled(name, names): _filled(part, names) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_filled(part, names) for part in value]
    return value
