"""What every route must refuse."""

from collections.abc import AsyncIterator

import httpx
import pytest

from adapters.easemob import create
from tests.adapters.easemob.conftest import settle
from tests.adapters.easemob.shapes import AUTHORIZED
from tests.harness import House, Row, open_house
from tests.refusals import LIMITS, Manners, Refusal, refusals
from tests.servers import Engine


def is_refusal(response: httpx.Response) -> bool:
    body = response.json()
    if "desc" in body:  # the service of user attributes, where there is no token
        return "/metadata/" in response.request.url.path and body.keys() == {"timestamp", "desc", "duration"}
    names = {"error", "exception", "timestamp", "duration", "error_description"}
    return body.keys() - {"error_code"} == names and all(body[name] for name in names - {"duration"})


OPTIONS = {"broadcast": True}
"""So that the routes of services that an application has to be given look at their bodies."""
MANNERS = Manners(
    adapter=create(OPTIONS),
    unknown_application={"app": "nobody"},
    good=AUTHORIZED,
    bad=[
        {},
        {"Authorization": "Bearer x"},
        {"Authorization": "Bearer {expired}"},
        {"Authorization": "Bearer {foreign}"},
    ],
    is_refusal=is_refusal,
    ignores_body=frozenset(
        {
            "tokens.revoke",
            "users.activate",
            "users.deactivate",
            "contacts.add",
            "contacts.accept",
            "contacts.decline",
            "conversations.clear",
            "groups.disable",
            "groups.enable",
            "groups.shield",
            "rooms.shield",
            *(f"{each}.{what}" for each in ("groups", "rooms") for what in ("members.add", "block", "allow", "mute")),
        }
    ),
)


@pytest.fixture(scope="module")
async def house(embedded_engine: Engine) -> AsyncIterator[House]:
    """One for all rows: what is refused changes nothing."""
    async with open_house(embedded_engine.url, [create(OPTIONS)], limits=LIMITS) as house:
        await settle(house)
        yield house


@pytest.mark.parametrize("refusal", refusals(MANNERS), ids=str)
async def test_every_route_refuses(refusal: Refusal, house: House) -> None:
    await refusal.check(house)


STRAY = [
    Row("no such path", "GET", "{base}/nothing", 404, headers=AUTHORIZED),
    Row("only an application", "GET", "{base}", 404, headers=AUTHORIZED),
    Row("a kind of conversation that there is not", "POST", "{base}/messages/topics", 404, json={}, headers=AUTHORIZED),
    Row("another method", "PUT", "{base}/messages", 405, headers=AUTHORIZED),
]


@pytest.mark.parametrize("row", STRAY, ids=str)
async def test_what_is_not_there(row: Row, house: House) -> None:
    response = await row.check(house)
    assert is_refusal(response)
    expected = "Service resource not found" if row.status == 404 else "Service operation not supported"
    assert response.json()["error_description"] == expected
