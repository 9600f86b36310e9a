"""A house that speaks this dialect, with users and their tokens."""

import secrets
import warnings
from collections.abc import AsyncIterator, Callable
from typing import Any

import jwt
import pytest

from adapters import chat21
from core.model import Credential
from tests.harness import NOON, House, open_house
from tests.servers import Engine

SECONDS = NOON // 1000
USERS = ("user1", "user2", "user3", "user4")

Token = Callable[..., str]


def signed(secret: str, claims: dict[str, Any], algorithm: str = "HS256") -> str:
    """A token made by the library alone, not by the adapter."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", jwt.InsecureKeyLengthWarning)
        return jwt.encode(claims, secret, algorithm)


def stock_claims(user: str, application: str, role: str = "user") -> dict[str, Any]:
    """The claims of the vendor's own tokens that a server looks at, and some that it does not."""
    return {
        "sub": user,
        "app_id": application,
        "tiledesk_api_roles": role,
        "aud": ["rabbitmq", user],
        "scope": ["rabbitmq.configure:*/*/*"],
        "kid": "tiledesk-key",
        "iat": SECONDS - 10,
        "exp": SECONDS + 3600,
    }


@pytest.fixture
async def house(embedded_engine: Engine) -> AsyncIterator[House]:
    async with open_house(embedded_engine.url, [chat21.create({})]) as house:
        await settle(house)
        yield house


async def settle(house: House) -> None:
    """Names for the rows, and a second app."""
    application = house.application("chat21")
    secret = application.credentials[0].secret
    second = "tilechat" + secrets.token_hex(6)
    own = Credential("jwt", "default", secrets.token_hex(32))
    house.tenant = await house.core.tenants.add_credential(house.tenant.name, "chat21", second, own)
    house.names |= {"app": application.name, "second": second, "secret": secret, "second_secret": own.secret}
    for user in USERS:
        house.names[user] = signed(secret, stock_claims(user, application.name))
    house.names["admin"] = signed(secret, stock_claims("100-APIADMIN", application.name, "admin"))


@pytest.fixture
def token(house: House) -> Token:
    """Makes a token: claims that are given replace the stock ones, `None` removes them."""

    def make(user: str = "user1", algorithm: str = "HS256", secret: str | None = None, **changes: Any) -> str:
        claims = {**stock_claims(user, house.names["app"]), **changes}
        kept = {name: value for name, value in claims.items() if value is not None}
        return signed(secret or house.names["secret"], kept, algorithm)

    return make


def as_user(name: str) -> dict[str, str]:
    """The header with a user's token, for a row."""
    return {"Authorization": "{" + name + "}"}


async def history(house: House, user: str, other: str) -> list[dict[str, Any]]:
    """What a user reads of a conversation, newest first."""
    path = f"/api/{house.names['app']}/{user}/conversations/{other}/messages"
    response = await house.client.get(path, headers={"Authorization": house.names[user]})
    assert response.status_code == 200, response.text
    answer = response.json()
    assert answer["success"] is True
    result: list[dict[str, Any]] = answer["result"]
    return result


async def said(house: House, user: str, other: str) -> list[str]:
    """The texts that a user reads of a conversation, newest first, without what the system says."""
    return [row["text"] for row in await history(house, user, other) if row["sender"] != "system"]


async def conversations(house: House, user: str, path: str = "conversations") -> list[dict[str, Any]]:
    """A user's list of conversations."""
    response = await house.client.get(
        f"/api/{house.names['app']}/{user}/{path}", headers={"Authorization": house.names[user]}
    )
    assert response.status_code == 200, response.text
    result: list[dict[str, Any]] = response.json()["result"]
    return result


async def send(house: House, sender: str, recipient: str, **fields: Any) -> str:
    """Send a message; gives its id."""
    body = {"sender_fullname": sender, "recipient_id": recipient, "recipient_fullname": recipient, **fields}
    response = await house.client.post(
        f"/api/{house.names['app']}/messages", json=body, headers={"Authorization": house.names[sender]}
    )
    assert response.status_code == 200, response.text
    message: str = response.json()["message_id"]
    return message
