"""What every route must refuse."""

from collections.abc import AsyncIterator

import httpx
import pytest

from adapters import chat21
from tests.adapters.chat21.conftest import as_user, settle, signed, stock_claims
from tests.harness import House, new_tenant, open_house
from tests.refusals import LIMITS, Manners, Refusal, refusals
from tests.servers import Engine


def is_refusal(response: httpx.Response) -> bool:
    """One of the vendor's forms: nothing, a page or text, JSON that says so."""
    if response.headers.get("x-powered-by") != "Express":
        return False
    if not response.content:
        return response.status_code == 401
    if response.headers["content-type"] == "application/json; charset=utf-8":
        body = response.json()
        return body.get("success") is False or "err" in body
    return response.headers["content-type"] == "text/html; charset=utf-8"


MANNERS = Manners(
    adapter=chat21.create({}),
    unknown_application={"app": "nobody"},
    good=as_user("user1"),
    bad=[{}, {"Authorization": "x"}, {"Authorization": "JWT x"}, as_user("expired"), as_user("foreign")],
    is_refusal=is_refusal,
    parameters={"user": "user1", "with": "user2"},
)


@pytest.fixture(scope="module")
async def house(embedded_engine: Engine) -> AsyncIterator[House]:
    """One for all rows: what is refused changes nothing."""
    async with open_house(embedded_engine.url, [MANNERS.adapter], limits=LIMITS) as house:
        await settle(house)
        application = house.names["app"]
        stranger = await new_tenant(house.core, [MANNERS.adapter])
        foreign = stranger.applications[0].credentials[0].secret
        house.names["foreign"] = signed(foreign, stock_claims("user1", application))
        house.names["expired"] = signed(house.names["secret"], {**stock_claims("user1", application), "exp": 1})
        yield house


@pytest.mark.parametrize("refusal", refusals(MANNERS), ids=str)
async def test_every_route_refuses(refusal: Refusal, house: House) -> None:
    await refusal.check(house)
