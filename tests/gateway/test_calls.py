"""Dialects whose requests name what they ask for in query or body, and no application."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from adapters.bodies import json_reply, parse_json
from adapters.contract import Call, Claim, ClaimKind, Evidence, Reply, Request, Route
from core.errors import Failure, Kind, StaleTenant
from core.model import Credential
from gateway.dispatch import AmbiguousRoutes, BoundDispatcher, Dispatcher
from tests.gateway.vendor import Vendor, row
from tests.harness import NOON, House, Row, new_tenant, open_house
from tests.servers import Engine

CLAIM = Claim(ClaimKind.QUERY, names=("srv",))


async def said(call: Call) -> Reply:
    return json_reply(200, {"call": call.route.call, "said": call.parsed, "tenant": call.tenant.name})


class Stale:
    """Finds its tenant changed, the first time."""

    def __init__(self) -> None:
        self.tried = 0

    async def __call__(self, call: Call) -> Reply:
        self.tried += 1
        if self.tried == 1:
            raise StaleTenant(call.tenant.number)
        return json_reply(200, [self.tried, call.parsed])


def named(call: str, method: str = "POST", handler: Any = said) -> Route:
    return Route(method, "/", handler, call, Evidence.GUESS, call=call)


class CallingVendor(Vendor):
    """Names its calls in the body, and never an application."""

    def __init__(self, name: str = "caller", routes: list[Route] | None = None) -> None:
        super().__init__(name, routes or [named("talk"), named("listen"), named("listen", "GET")], [CLAIM])

    def applications(self, request: Request) -> None:  # type: ignore[override]
        return

    async def asked(self, request: Request, read: Callable[[int], Awaitable[bytes]]) -> tuple[str, Any]:
        if request.query.get("call"):
            return request.query["call"], None
        body = parse_json(await read(1_000))
        if not isinstance(body, dict):
            raise Failure(Kind.BAD_REQUEST, "Not a map", reason="body")
        return str(body.get("call", "")), body


@pytest.fixture
def stale() -> Stale:
    return Stale()


@pytest.fixture
async def house(embedded_engine: Engine, stale: Stale) -> AsyncIterator[House]:
    caller = CallingVendor(
        routes=[named("talk"), named("listen"), named("listen", "GET"), named("stale", handler=stale)]
    )
    async with open_house(embedded_engine.url, [Vendor(), caller]) as house:
        house.names |= {"key": house.application("caller").credentials[0].secret, "tenant": house.tenant.name}
        yield house


KEY = {"Authorization": "Key {key}"}
SRV = {"srv": "1"}
TALK = {"call": "talk", "n": 1}


def failed(kind: str, why: str) -> dict[str, Any]:
    return {"acme": kind, "why": why, "now": NOON}


def calling(label: str, status: int, body: Any, *, method: str = "POST", path: str = "/", **more: Any) -> Row:
    more = {"headers": KEY, "query": SRV, **more}
    return Row(label, method, path, status, body, **more)


ROWS = [
    calling("by the body", 200, {"call": "talk", "said": TALK, "tenant": "{tenant}"}, json=TALK),
    calling("on any path", 200, {"call": "talk", "said": TALK, "tenant": "{tenant}"}, json=TALK, path="/acme/x/echo"),
    calling(
        "by the query",
        200,
        {"call": "listen", "said": None, "tenant": "{tenant}"},
        query={**SRV, "call": "listen"},
        method="GET",
    ),
    calling("an unknown call", 404, failed("not_found", "route"), json={"call": "dance"}),
    calling("no call", 404, failed("not_found", "route"), json={}),
    calling("a wrong method", 405, failed("unsupported", "method"), query={**SRV, "call": "talk"}, method="GET"),
    calling("a body that can't be read", 400, failed("bad_request", "body"), content=b"{"),
    calling("a body that is too large", 413, ..., content=b" " * 2_000),
    calling("nobody's key", 401, failed("unauthenticated", "unknown"), json=TALK, headers={"Authorization": "Key x"}),
    calling("after a change of the tenant", 200, [2, {"call": "stale"}], json={"call": "stale"}),
]


@pytest.mark.parametrize("case", ROWS, ids=str)
async def test_requests(house: House, case: Row) -> None:
    await case.check(house)


async def test_the_line_names_what_was_called(house: House) -> None:
    await ROWS[0].check(house)
    line = house.log.requests[-1]
    assert (line["dialect"], line["operation"], line["tenant"]) == ("caller", "talk", house.tenant.name)


async def test_all_methods_of_the_dialect_are_allowed_on_a_path(house: House) -> None:
    response = await house.client.options("/x/y", params=SRV)
    assert (response.status_code, response.headers["allow"]) == (204, "GET, HEAD, OPTIONS, POST")


async def test_the_first_tenant_whose_credential_verifies_is_meant(house: House) -> None:
    second = await new_tenant(house.core, list(house.adapters.values()))
    for tenant in (house.tenant, second):
        application = next(each for each in tenant.applications if each.dialect == "caller")
        shared = Credential("key", "shared", "one for two")
        await house.core.tenants.add_credential(tenant.name, "caller", application.name, shared)
    own = next(each for each in second.applications if each.dialect == "caller").credentials[0].secret
    for key, expected in (("one for two", house.tenant.name), (own, second.name)):
        house.names["key"] = key
        response = await ROWS[0].send(house)
        assert response.json()["tenant"] == expected


def test_a_listener_of_its_own_needs_no_claim() -> None:
    dispatcher = BoundDispatcher(CallingVendor())
    way = dispatcher.way(b"/any/path")
    assert way.dialect is not None
    assert way.dialect.called("GET", "listen").route.call == "listen"


@pytest.mark.parametrize(
    "vendor",
    [
        CallingVendor(routes=[named("talk"), named("talk")]),
        CallingVendor(routes=[row("GET", "/")]),
        Vendor("acme", [named("talk")]),
        CallingVendor(routes=[named("talk", "HEAD")]),
    ],
    ids=["a call twice", "a row without call", "a call that nobody names", "a method of the gateway's"],
)
def test_a_faulty_table_of_calls_is_refused_at_start(vendor: Vendor) -> None:
    with pytest.raises(AmbiguousRoutes):
        Dispatcher([vendor])
