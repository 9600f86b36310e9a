"""What every route must refuse."""

from collections.abc import AsyncIterator

import httpx
import pytest

from adapters import applozic
from adapters.applozic.auth import basic
from adapters.applozic.errors import UNAUTHORIZED
from tests.adapters.applozic.conftest import as_bot, settle
from tests.harness import House, new_tenant, open_house
from tests.refusals import LIMITS, Manners, Refusal, refusals
from tests.servers import Engine

LOGIN_FAILURES = {"INVALID_PARAMETER", "INVALID_APPLICATIONID", "PASSWORD_INVALID", "PASSWORD_REQUIRED"}


def is_refusal(response: httpx.Response) -> bool:
    """One of the vendor's forms: a plain word, an envelope, what a login says."""
    if response.headers.get("access-control-allow-origin") != "*":
        return False
    if response.headers["content-type"] == "text/plain":
        return response.text == (UNAUTHORIZED if response.status_code == 401 else "error")
    body = response.json()
    if isinstance(body, str):
        return body in ("error", "INVALID_APPID")
    if "message" in body:
        return body["message"] in LOGIN_FAILURES
    return bool(body["status"] == "error" and body["errorResponse"][0]["errorCode"])


MANNERS = Manners(
    adapter=applozic.create({}),
    unknown_application={"app": "nobody"},
    good=as_bot("alice"),
    bad=[
        {"Application-Key": "{app}"},
        {"Application-Key": "{app}", "Authorization": "x"},
        {"Application-Key": "{app}", "Authorization": "{other_device}"},
        {"Application-Key": "{app}", "X-Authorization": "{foreign}"},
        {"Application-Key": "{app}", "X-Authorization": "{expired}"},
        {"Application-Key": "", "Authorization": ""},
    ],
    is_refusal=is_refusal,
    ignores_body=frozenset({"sessions.end", "sessions.push", "files.upload_to_address"}),
    accepts=frozenset(
        {
            ("users.get", "empty"),
            ("users.delete", "empty"),
            ("users.update", "empty"),
            ("sessions.update", "empty"),
        }
    ),
    fails_with_200=True,
)


@pytest.fixture(scope="module")
async def house(embedded_engine: Engine) -> AsyncIterator[House]:
    """One for all rows: what is refused changes nothing."""
    async with open_house(embedded_engine.url, [MANNERS.adapter], limits=LIMITS) as house:
        await settle(house)
        stranger = await new_tenant(house.core, [MANNERS.adapter])
        foreign = stranger.applications[0].name
        mint, core = MANNERS.adapter.mint, house.core
        house.names["foreign"] = await mint(core, stranger, foreign, "alice", False, 600)
        house.names["expired"] = await mint(core, house.tenant, house.names["app"], "alice", False, 1)
        house.names["other_device"] = basic("alice", house.names["bob_device"])
        house.manual_clock.move(1_000)
        yield house


@pytest.mark.parametrize("refusal", refusals(MANNERS), ids=str)
async def test_every_route_refuses(refusal: Refusal, house: House) -> None:
    await refusal.check(house)
