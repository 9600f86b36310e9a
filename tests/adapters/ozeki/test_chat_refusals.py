"""What every call of chat clients must refuse."""

from collections.abc import AsyncIterator, Mapping
from urllib.parse import parse_qsl

import httpx
import orjson
import pytest

from adapters import ozeki
from adapters.contract import Route
from tests.adapters.ozeki.chats import logged_in
from tests.harness import House, new_tenant, open_house
from tests.refusals import LIMITS, Manners, Refusal, refusals
from tests.servers import Engine


def is_refusal(response: httpx.Response) -> bool:
    body = response.json()
    return bool(response.status_code == 200 and body.keys() == {"status", "errormessage"} and body["status"] == "ERROR")


def naming(route: Route) -> tuple[Mapping[str, str], bytes]:
    named = dict(parse_qsl(route.call))
    return {name: named.get(name, "") for name in ("srv", "api")}, orjson.dumps({"action": named.get("action")})


MANNERS = Manners(
    adapter=ozeki.create({}),
    unknown_application={},
    good={"Ozeki-Station": "{station}", "Ozeki-User": "{user}"},
    bad=[
        {},
        {"Ozeki-User": "{user}"},
        {"Ozeki-Station": "{user}", "Ozeki-User": "{user}"},
        {"Ozeki-Station": "{station}", "Ozeki-User": "{other}"},
        {"Ozeki-Station": "{elsewhere}", "Ozeki-User": "{user}"},
        {"Ozeki-Station": "x", "Ozeki-User": "x", "Ozeki-Signature": "x"},
        {"Authorization": "Basic Og==", "Ozeki-User": "{user}", "Ozeki-Signature": "x"},
    ],
    is_refusal=is_refusal,
    fails_with_200=True,
    naming=naming,
)


@pytest.fixture(scope="module")
async def house(embedded_engine: Engine) -> AsyncIterator[House]:
    """One for all rows: what is refused changes nothing."""
    async with open_house(embedded_engine.url, [MANNERS.adapter], limits=LIMITS) as house:
        stranger = await new_tenant(house.core, [MANNERS.adapter])
        alice, bob = await logged_in(house, "alice", "bob")
        there = House(house.core, house.clock, house.adapters, stranger, house.app, house.client, house.log)
        (other,) = await logged_in(there, "alice")
        house.names |= {"station": alice.station, "user": alice.user, "other": bob.user, "elsewhere": other.station}
        yield house


ROWS = [row for row in refusals(MANNERS) if "srv=" in row.label]


@pytest.mark.parametrize("refusal", ROWS, ids=str)
async def test_every_call_refuses(refusal: Refusal, house: House) -> None:
    await refusal.check(house)
