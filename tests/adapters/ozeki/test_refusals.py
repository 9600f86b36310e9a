"""What every call of HTTP API users must refuse."""

from collections.abc import AsyncIterator, Mapping
from urllib.parse import parse_qsl

import httpx
import pytest

from adapters import ozeki
from adapters.contract import Route
from tests.adapters.ozeki.conftest import AS_HTTP_USER, basic, settle
from tests.harness import House, new_tenant, open_house
from tests.refusals import LIMITS, Manners, Refusal, refusals
from tests.servers import Engine

_DOCUMENT = b"<Response><SendMsg ToConnection='ann'>Hi</SendMsg></Response>"


def is_refusal(response: httpx.Response) -> bool:
    """One of the forms: a wrong login, an error in JSON or in XML; of a file's address any error."""
    if response.status_code != 200:
        return bool(response.status_code == response.json()["http_code"])
    if response.headers["content-type"].startswith("application/xml"):
        return response.text.startswith("<response><action>commandresult</action><data><errorcode>")
    body = response.json()
    wrong_login = body.get("response", {}).get("data", {}).get("errorcode") == 1157
    return wrong_login or bool(body.get("response_code") == "ERROR" and 400 <= body["http_code"] < 500)


def naming(route: Route) -> tuple[Mapping[str, str], bytes]:
    if route.call == "ozml=sendmsg":
        return {}, _DOCUMENT
    return dict(parse_qsl(route.call)), b""


MANNERS = Manners(
    adapter=ozeki.create({}),
    unknown_application={},
    good=AS_HTTP_USER,
    bad=[
        {},
        {"Authorization": "x"},
        {"Authorization": "Basic x"},
        {"Authorization": "Basic Og=="},
        {"Authorization": "{wrong}"},
        {"Authorization": "{elsewhere}"},
        {"Authorization": "{apikey}"},
    ],
    is_refusal=is_refusal,
    ignores_body=frozenset(
        {
            *(f"{name}={what}message" for name in ("action", "command") for what in ("send", "receive")),
            "action=getfile",
        }
    ),
    # Unset is empty, and nothing is deleted or marked with success.
    accepts=frozenset((f"folders.{what}", body) for what in ("delete", "mark") for body in ("empty", "lone surrogate")),
    fails_with_200=True,
    naming=naming,
)


@pytest.fixture(scope="module")
async def house(embedded_engine: Engine) -> AsyncIterator[House]:
    """One for all rows: what is refused changes nothing."""
    async with open_house(embedded_engine.url, [MANNERS.adapter], limits=LIMITS) as house:
        await settle(house)
        stranger = await new_tenant(house.core, [MANNERS.adapter])
        user, key = stranger.applications[0].credentials
        own = house.names["domain"]
        house.names["wrong"] = basic("http_user", "no")
        house.names["elsewhere"] = basic(f"http_user@{own}", user.secret)
        house.names["apikey"] = basic("default", key.secret)
        yield house


ROWS = [row for row in refusals(MANNERS) if "srv=" not in row.label]


@pytest.mark.parametrize("refusal", ROWS, ids=str)
async def test_every_call_refuses(refusal: Refusal, house: House) -> None:
    await refusal.check(house)
