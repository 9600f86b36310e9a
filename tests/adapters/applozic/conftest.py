"""A house that speaks this dialect, with users who are logged in, and the application's bot."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from adapters import applozic
from adapters.applozic.auth import basic
from tests.harness import House, open_house
from tests.servers import Engine

USERS = ("alice", "bob", "carol")
WS = "/rest/ws/"

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


@pytest.fixture
async def house(embedded_engine: Engine) -> AsyncIterator[House]:
    async with open_house(embedded_engine.url, [applozic.create({})]) as house:
        await settle(house)
        yield house


async def settle(house: House) -> None:
    """Names for the rows: the application key `app`, the bot's secret `secret` and header `bot`, and of each user the Basic
    credentials (`alice`), the device key (`alice_device`), the JWT (`alice_jwt`) and the user key (`alice_key`)."""
    application = house.application("applozic")
    secret = application.credentials[0].secret
    house.names |= {"app": application.name, "secret": secret, "bot": basic("bot", secret)}
    for user in USERS:
        answer = await log_in(house, user)
        house.names |= {
            user: basic(user, answer["deviceKey"]),
            f"{user}_device": answer["deviceKey"],
            f"{user}_jwt": answer["authToken"],
            f"{user}_key": answer["userKey"],
        }


async def log_in(house: House, user: str, **fields: Any) -> dict[str, Any]:
    """What `register/client` answers."""
    body = {"userId": user, "applicationId": house.names["app"], "deviceType": "1", **fields}
    response = await house.client.post(WS + "register/client", json=body)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def as_user(name: str) -> dict[str, str]:
    """A user's headers for a row."""
    return {"Application-Key": "{app}", "Authorization": "{" + name + "}"}


def as_bot(user: str = "") -> dict[str, str]:
    """The bot's headers for a row, on behalf of a user if one is named."""
    return {"Application-Key": "{app}", "Authorization": "{bot}"} | ({"Of-User-Id": user} if user else {})


async def ask(house: House, user: str, method: str, path: str, **more: Any) -> Any:
    """The answer to a user's request, which must be HTTP 200: a value for JSON, else its text."""
    headers = {name: value.format_map(house.names) for name, value in as_user(user).items()}
    return await _ask(house, headers, method, path, more)


async def ask_as_bot(house: House, user: str, method: str, path: str, **more: Any) -> Any:
    """The same for the bot, on behalf of a user; of nobody when the name is empty."""
    headers = {name: value.format_map(house.names) for name, value in as_bot(user).items()}
    return await _ask(house, headers, method, path, more)


async def _ask(house: House, headers: Mapping[str, str], method: str, path: str, more: dict[str, Any]) -> Any:
    response = await house.client.request(method, WS + path, headers=headers, **more)
    assert response.status_code == 200, response.text
    return response.json() if response.headers["content-type"] == "application/json" else response.text


def envelope(response: Any = "success") -> dict[str, Any]:
    """The envelope of a success, to match with."""
    return {"status": "success", "generatedAt": int, "response": response}


def failed(code: str, description: Any = str) -> dict[str, Any]:
    """The envelope of a failure, to match with."""
    error = {"errorCode": code, "description": description, "displayMessage": "Unable to process"}
    return {"status": "error", "generatedAt": int, "errorResponse": [error]}
