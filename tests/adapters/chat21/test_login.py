"""The login that the vendor's apps call first."""

import base64
import secrets
from typing import Any

import pytest

from adapters import chat21
from core.model import Credential
from tests.adapters.chat21.conftest import as_user
from tests.harness import CANARY, House, Row, new_tenant

PATH = "/chat21/native/auth/createCustomToken"


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def login(label: str, status: int = 401, body: Any = "Unauthorized", **row: Any) -> Row:
    return Row(label, "POST", PATH, status, body, query={"app_id": "{app}"}, **row)


@pytest.fixture(autouse=True)
async def registered(house: House) -> None:
    await house.core.users.register(house.tenant, "user1", password="pass:word", display_name="Andrea Leo")
    await house.core.users.register(house.tenant, "user2")


WELCOME = {"userid": "user1", "fullname": "Andrea Leo", "firstname": "Andrea", "lastname": "Leo", "token": str}


@pytest.mark.parametrize(
    "row",
    [
        login("Basic", 200, WELCOME, headers=basic("user1", "pass:word")),
        login("the form", 200, WELCOME, json={"email": "user1", "password": "pass:word"}),
        login("header first", 200, WELCOME, json={"email": "x"}, headers=basic("user1", "pass:word")),
        login("wrong password", headers=basic("user1", "password")),
        login("wrong password in the form", json={"email": "user1", "password": ""}),
        login("no password", headers=basic("user2", "")),
        login("unknown", headers=basic("nobody", "pass:word")),
        login("illegal", headers=basic("a\0b", "x")),
        login("nothing"),
        login("no colon", headers={"Authorization": "Basic " + base64.b64encode(b"user1").decode()}),
        login("no base64", headers={"Authorization": "Basic {user1}"}),
        login("no text", headers={"Authorization": "Basic " + base64.b64encode(b"\xff:x").decode()}),
        login("a token", headers=as_user("user1")),
        login("odd fields", json={"email": ["user1"], "password": {"$ne": 1}}),
        login("a surrogate", 400, ..., content=b'{"email":"\\ud800","password":"x"}', headers={"Content-Type": "application/json"}),
        Row("unknown app", "POST", PATH, 401, "Unauthorized", query={"app_id": "nobody"}, headers=basic("user1", "pass:word")),
        *(
            Row(f"app {app!r}", "POST", PATH, 401, "Unauthorized", query={"app_id": app}, headers=basic("user1", "pass:word"))
            for app in ("a\0b", "x" * 5000, "\u202e", "%ff")
        ),
        Row("as GET", "GET", PATH, 404, ..., headers=basic("user1", "pass:word")),
    ],
    ids=str,
)  # fmt: skip
async def test_who_logs_in(house: House, row: Row) -> None:
    await row.check(house)
    assert "pass:word" not in house.log.text


async def test_the_token_opens_what_is_the_users(house: House) -> None:
    response = await login("", 200, WELCOME, headers=basic("user1", "pass:word")).check(house)
    house.names["made"] = response.json()["token"]
    await Row("own", "GET", "/api/{app}/user1/conversations", 200, headers=as_user("made")).check(house)
    await Row("another's", "GET", "/api/{app}/user2/conversations", 401, headers=as_user("made")).check(house)
    house.manual_clock.move(30 * 86_400_000)
    await Row("ended", "GET", "/api/{app}/user1/conversations", 403, headers=as_user("made")).check(house)


async def test_stock_apps_name_no_app(house: House) -> None:
    row = Row("", "POST", PATH, 401, "Unauthorized", headers=basic("user1", "pass:word"))
    await row.check(house)
    stranger = await new_tenant(house.core, [chat21.create({})])
    for name in (house.tenant.name, stranger.name):
        own = Credential("jwt", "default", secrets.token_hex(16))
        other = await house.core.tenants.add_credential(name, "chat21", "tilechat", own)
    await house.core.users.register(other, "user1", password="another one")
    for password, space in (("pass:word", house.tenant), ("another one", other)):
        row = Row("", "POST", PATH, 200, ..., headers=basic("user1", password))
        token = (await row.check(house)).json()["token"]
        response = await house.client.get("/api/tilechat/user1/conversations", headers={"Authorization": token})
        assert response.status_code == 200
        assert house.log.requests[-1]["tenant"] == space.name
    for name in (house.tenant.name, other.name):
        await house.core.tenants.remove(name)


async def test_guessing_is_slowed_down(house: House) -> None:
    for _ in range(10):
        await login("guess", headers=basic("user1", CANARY)).check(house)
    for password in (CANARY, "pass:word"):
        limited = {"success": False, "err": "Too many attempts to log in"}
        response = await login("limited", 429, limited, headers=basic("user1", password)).check(house)
        assert int(response.headers["retry-after"]) > 1
    assert CANARY not in house.log.text


async def test_a_deactivated_user_does_not_log_in(house: House) -> None:
    await house.core.users.deactivate(house.tenant, "user1")
    refused = {"success": False, "msg": "Unauthorized."}
    await login("", 403, refused, headers=basic("user1", "pass:word")).check(house)
    await login("", headers=basic("user1", "wrong")).check(house)
