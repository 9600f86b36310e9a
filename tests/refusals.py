"""What every route of every dialect must refuse, made from the wire table: nobody writes these rows by hand."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

import httpx

from adapters.contract import Adapter, Route
from gateway.limits import Limits
from tests.documents.parity import shown_path
from tests.harness import CANARY, House

LIMITS = Limits(body_bytes=256 * 1024, body_seconds=0.3, body_idle_seconds=0.1)
"""For the house in which refusals are checked: small, so that going over them is cheap."""

WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
MALFORMED = {
    "cut off": b'{"a": [1, ',
    "not JSON": b"<a/>",
    "empty": b"",
    "invalid UTF-8": b'{"a": "\xff\xfe"}',
    "lone surrogate": rb'{"a": "\ud800"}',
    "nested deeply": b"[" * 100_000 + b"]" * 100_000,
    "nested deeply in a field": b'{"a": ' + b'{"a": ' * 5_000 + b"1" + b"}" * 5_001,
    "a huge number": b'{"a": 1' + b"0" * 400 + b"}",
    "a list": b"[]",
    "null": b"null",
    "a number": b"1",
    "a text": b'"a"',
}


@dataclass(frozen=True)
class Manners:
    """How a dialect is spoken, as far as the rows need to know."""

    adapter: Adapter
    unknown_application: Mapping[str, str]
    """Names that replace those in `House.names` so that path or headers speak of an application that nobody owns. A route
    that has none of them speaks of no application, or learns it from the credential."""
    good: Mapping[str, str]
    """Headers with a credential that verifies; filled from `House.names`."""
    bad: Sequence[Mapping[str, str]]
    """Headers with credentials that don't verify, the first one with none at all."""
    is_refusal: Callable[[httpx.Response], bool]
    """Whether a reply has the vendor's own shape of a failure."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """What the path's named parts are filled with; a part that is not named gets `x1`."""
    ignores_body: frozenset[str] = frozenset()
    """Operations, or calls, with a method that usually has a body, whose body nobody reads."""
    accepts: frozenset[tuple[str, str]] = frozenset()
    """Operation and label of malformed bodies that the vendor takes all the same."""
    fails_with_200: bool = False
    """Whether the vendor's failures are HTTP 200, told by their shape alone."""
    naming: Callable[[Route], tuple[Mapping[str, str], bytes]] = lambda _: ({}, b"")
    """The query and the body that name a row's call, where a dialect names calls."""


@dataclass(frozen=True)
class Refusal:
    """One request that a route must refuse, in the vendor's shape and with an error of the caller's: 4xx, or 200 where that is
    the vendor's way."""

    label: str
    manners: Manners
    send: Callable[[House], Awaitable[httpx.Response]]
    closes: bool = False

    def __str__(self) -> str:
        return self.label

    async def check(self, house: House) -> None:
        house.log.clear()
        response = await self.send(house)
        is_error = 400 <= response.status_code < 500 or (self.manners.fails_with_200 and response.status_code == 200)
        assert is_error, f"{self.label}: {response.status_code} {response.text}"
        assert self.manners.is_refusal(response), f"{self.label}: a foreign shape: {response.text}"
        assert not self.closes or response.headers.get("connection") == "close", f"{self.label}: goes on"
        assert CANARY not in response.text, f"{self.label}: the reply shows a secret: {response.text}"
        assert CANARY not in house.log.text, f"{self.label}: the log shows a secret"
        assert house.log.requests[-1]["status"] == response.status_code


def refusals(manners: Manners) -> list[Refusal]:
    """The rows for all routes of a dialect, to parametrize a test with (`ids=str`)."""
    return [row for route in manners.adapter.routes for row in _of_route(manners, route)]


def _of_route(manners: Manners, route: Route) -> list[Refusal]:
    label = f"{route.method} {shown_path(route)}: "
    with_body = route.method in WITH_BODY and not manners.ignores_body & {route.operation, route.call}
    rows = []
    if any(
        f"{{{name}}}" in text for name in manners.unknown_application for text in (route.path, *manners.good.values())
    ):
        rows.append(Refusal(label + "unknown application", manners, _request(manners, route, unknown=True)))
    if route.authentication:
        for number, headers in enumerate(manners.bad):
            rows.append(Refusal(f"{label}bad credential {number}", manners, _request(manners, route, headers=headers)))
        canary = {"Authorization": f"Bearer {CANARY}", "Cookie": f"token={CANARY}"}
        query = {"token": CANARY, "jwt": CANARY, "password": CANARY}
        body = f'{{"password": "{CANARY}", "client_secret": "{CANARY}", "token": "{CANARY}"}}'.encode()
        send = _request(manners, route, headers=canary, query=query, content=body if with_body else None)
        rows.append(Refusal(label + "planted secrets", manners, send))

    wrong = next((method for method in METHODS if not _is_reachable(manners, route, method)), None)
    if wrong is not None:
        rows.append(Refusal(f"{label}as {wrong}", manners, _request(manners, route, method=wrong)))
    if with_body:
        for name, content in MALFORMED.items():
            if (route.operation, name) not in manners.accepts:
                rows.append(Refusal(f"{label}body {name}", manners, _request(manners, route, content=content)))
        large = b'{"a": "' + b"x" * LIMITS.body_bytes + b'"}'
        rows.append(Refusal(label + "oversize body", manners, _request(manners, route, content=large), closes=True))
        for name, source in (("oversize chunks", _flood), ("never-ending body", _stall)):
            rows.append(Refusal(label + name, manners, _request(manners, route, source=source), closes=True))
    return rows


def _request(
    manners: Manners,
    route: Route,
    *,
    method: str = "",
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    content: bytes | None = None,
    source: Callable[[], AsyncIterator[bytes]] | None = None,
    unknown: bool = False,
) -> Callable[[House], Awaitable[httpx.Response]]:
    async def send(house: House) -> httpx.Response:
        names = {**house.names, **(manners.unknown_application if unknown else {})}
        path = "/".join(_part(part, manners, names) for part in route.path.split("/"))
        given = manners.good if headers is None else headers
        filled = {name: value.format_map(names) for name, value in given.items()}
        naming, body = manners.naming(route)
        return await house.client.request(
            method or route.method,
            path,
            headers={"Content-Type": "application/json", **filled},
            params={**naming, **(query or {})} or None,
            content=source() if source else content or (body if content is None else None),
        )

    return send


def _part(part: str, manners: Manners, names: Mapping[str, str]) -> str:
    if not part.startswith("{"):
        return part
    return manners.parameters.get(part[1:-1], names.get(part[1:-1], "x1")).format_map(names)


def _shape(route: Route) -> list[str]:
    return ["{}" if part.startswith("{") else part for part in route.path.split("/")]


def _is_reachable(manners: Manners, route: Route, method: str) -> bool:
    """Whether some row takes this method at a path of the route, named parts standing for any text."""
    shape = _shape(route)
    return any(
        each.method == method
        and len(_shape(each)) == len(shape)
        and all("{}" in pair or pair[0] == pair[1] for pair in zip(_shape(each), shape, strict=True))
        and each.call == route.call
        for each in manners.adapter.routes
    )


async def _flood() -> AsyncIterator[bytes]:
    for _ in range(LIMITS.body_bytes // 1024 + 1024):
        yield b" " * 1024


async def _stall() -> AsyncIterator[bytes]:
    yield b'{"a": '
    await asyncio.Event().wait()
