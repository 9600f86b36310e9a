"""A house that speaks this dialect, with an HTTP API user."""

import secrets
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest

from adapters import ozeki
from core.model import Credential, Message, Receipt, Text
from tests.harness import House, open_house
from tests.servers import Engine

WRONG_LOGIN = {
    "response": {"action": "commandresult", "data": {"errorcode": 1157, "errormessage": "Invalid username or password"}}
}


@pytest.fixture
async def house(embedded_engine: Engine) -> AsyncIterator[House]:
    async with open_house(embedded_engine.url, [ozeki.create({})]) as house:
        await settle(house)
        yield house


async def settle(house: House) -> None:
    """Names for the rows, and a second HTTP API user, `alerts`."""
    application = house.application("ozeki")
    own = Credential("http_user", "alerts", secrets.token_hex(16), sends=True)
    house.tenant = await house.core.tenants.add_credential(house.tenant.name, "ozeki", application.name, own)
    password = application.credentials[0].secret
    house.names |= {
        "domain": application.name,
        "password": password,
        "basic": basic("http_user", password),
        "alerts": basic("alerts", own.secret),
    }


def basic(user: str, password: str, encoding: str = "utf-8") -> str:
    """The header's value for a login."""
    return "Basic " + b64encode(f"{user}:{password}".encode(encoding)).decode()


AS_HTTP_USER = {"Authorization": "{basic}"}
AS_ALERTS = {"Authorization": "{alerts}"}


async def ask(
    house: House, action: str, body: Any = None, *, user: str = "basic", method: str = "POST", **query: str
) -> Any:
    """What the JSON style answers; its `data` where that went well."""
    response = await house.client.request(
        method,
        "/api",
        params={"action": action, **query},
        json=body,
        headers={"Authorization": house.names[user]},
    )
    assert response.status_code == 200, response.text
    answer = response.json()
    return answer["data"] if answer.get("response_code") == "SUCCESS" else answer


async def sent(house: House, to: str, text: str, *, user: str = "basic", **fields: Any) -> dict[str, Any]:
    """Send one message; its row in the answer."""
    data = await ask(house, "sendmsg", {"messages": [{"to_address": to, "text": text, **fields}]}, user=user)
    row: dict[str, Any] = data["messages"][0]
    return row


async def folder(house: House, name: str = "inbox", *, user: str = "basic", **query: str) -> list[dict[str, Any]]:
    """The rows of a folder."""
    data = await ask(house, "receivemsg", user=user, method="GET", folder=name, **query)
    assert data["folder"] == name
    rows: list[dict[str, Any]] = data["data"]
    return rows


async def texts(house: House, name: str = "inbox", *, user: str = "basic") -> list[str]:
    """The texts of a folder."""
    return [row["text"] for row in await folder(house, name, user=user)]


async def says(house: House, sender: str, recipient: str, text: str, **more: Any) -> Receipt:
    """A message of another dialect."""
    keys = await house.core.users.keys(house.tenant, [sender, recipient])
    message = Message(sender, Text(text), "another", **more)
    (receipt,) = await house.core.messages.send_direct(house.tenant, keys[0], [keys[1]], message, f"client:{text}")
    return receipt


def xml(response: httpx.Response) -> ET.Element:
    """An XML answer, read."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/xml; charset=utf-8"
    return ET.fromstring(response.content)  # noqa: S314  # of our own making
