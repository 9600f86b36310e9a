"""Registration and profiles."""

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from adapters.easemob import create
from core.ids import USER
from core.model import Credential, UserKey
from tests.adapters.easemob.conftest import settle
from tests.adapters.easemob.shapes import AUTHORIZED, EASEMOB_SECURITY, error, illegal, success
from tests.harness import NOON, House, Row, open_house
from tests.servers import Engine

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
NO_NAME = "Entity user requires a property named username"
NO_PASSWORD = "password or pin must provided"
TOO_MANY = "Request body array size[61] had almost reached or been greater than the upper range value[60]"


def entity(name: str, **fields: Any) -> dict[str, Any]:
    now = NOON + 2000
    return {
        "uuid": UUID,
        "type": "user",
        "created": now,
        "modified": now,
        "username": name,
        "activated": True,
        **fields,
    }


def one(name: str, **fields: Any) -> dict[str, Any]:
    return success("post", "/users", path="/users", entities=[entity(name, **fields)])


def many(names: list[str], taken: list[str]) -> dict[str, Any]:
    failures = [{"username": name, "registerUserFailReason": f"the {name} already exists"} for name in taken]
    return success("post", "/users", path="/users", entities=[entity(name) for name in names], data=failures)


def taken(name: str) -> dict[str, Any]:
    text = f"Application null Entity user requires that property named username be unique, value of {name} exists"
    return error("duplicate_unique_property_exists", "DuplicateUniquePropertyExistsException", text)


def register(label: str, status: int, body: Any, json: Any, **more: Any) -> Row:
    return Row(label, "POST", "{base}/users", status, body, json, headers=AUTHORIZED, **more)


async def nobody_new(house: House, _: httpx.Response) -> None:
    assert [user.id for user in await house.core.users.page(house.tenant, 0, 100)] == ["ann", "bob", "Cy"]


def refused(label: str, text: str, json: Any) -> Row:
    return register(label, 400, illegal(text), json, effect=nobody_new)


async def dora_logs_in(house: House, _: httpx.Response) -> None:
    user = await house.core.users.check_password(house.tenant, "DORA", "p4ss", folded=True)
    assert user is not None
    assert (user.id, user.name) == ("dora", None)


REGISTRATIONS = [
    register("a user", 200, one("dora"), {"username": "dora", "password": "p4ss"}, effect=dora_logs_in),
    register("in lower case", 200, one("dora"), {"username": "DoRa", "password": "p4ss"}, effect=dora_logs_in),
    register("without password", 200, one("dora"), {"username": "dora"}),
    register("with nickname", 200, one("dora", nickname="Dora D."), {"username": "dora", "nickname": "Dora D."}),
    register("without nickname", 200, one("dora"), {"username": "dora", "nickname": None}),
    register("a name of digits", 200, one("17"), {"username": 17, "password": 123456}),
    register("unknown fields", 200, one("dora"), {"username": "dora", "age": {"a": 1}}),
    register("the longest of everything", 200, one("d" * 64, nickname="n" * 100), {"username": "d" * 64, "password": "p" * 64, "nickname": "n" * 100}),
    register("all letters", 200, one("a.b-c_9"), {"username": "a.b-c_9"}),
    register("a list of one", 200, many(["dora"], []), [{"username": "dora"}]),
    register("a list", 200, many(["dora", "emil"], []), [{"username": "dora"}, {"username": "emil"}]),
    register("some are taken", 200, many(["dora"], ["ann", "cy"]), [{"username": "Ann"}, {"username": "dora"}, {"username": "cy"}]),
    register("one twice", 200, many(["dora"], []), [{"username": "dora"}, {"username": "Dora"}]),
    register("sixty", 200, many([f"u{n}" for n in range(60)], []), [{"username": f"u{n}"} for n in range(60)]),
    register("taken", 400, taken("ann"), {"username": "ann", "password": "x"}, effect=nobody_new),
    register("taken in another case", 400, taken("cy"), {"username": "CY"}, effect=nobody_new),
    register("all taken", 400, taken("ann"), [{"username": "ann"}, {"username": "bob"}], effect=nobody_new),
    refused("sixty-one", TOO_MANY, [{"username": f"u{n}"} for n in range(61)]),
    refused("nobody", NO_NAME, {}),
    refused("an empty list", NO_NAME, []),
    refused("no name", NO_NAME, {"username": None}),
    refused("a name of a wrong type", NO_NAME, {"username": ["dora"]}),
    refused("a name that is a switch", NO_NAME, {"username": True}),
    refused("an empty name", "username [] is not legal", {"username": ""}),
    refused("a blank", "username [d ora] is not legal", {"username": "d ora"}),
    refused("beyond ASCII", "username [朵拉] is not legal", {"username": "朵拉"}),
    refused("a control character", "username [a\u0000b] is not legal", {"username": "a\u0000b"}),
    refused("a line end", "username [dora\n] is not legal", {"username": "dora\n"}),
    refused("a letter that folds into ASCII", "username [\u212aim] is not legal", {"username": "\u212aim"}),
    refused("a reserved name", "username [Admin] is not legal", {"username": "Admin"}),
    refused("an escaped name", "username [_-dora] is not legal", {"username": "_-dora"}),
    refused("braces", "username [{subject}] is not legal", {"username": "{subject}"}),
    refused("too long a name", "USERNAME_TOO_LONG", {"username": "d" * 65}),
    refused("an empty password", NO_PASSWORD, {"username": "dora", "password": ""}),
    refused("a password of a wrong type", NO_PASSWORD, {"username": "dora", "password": {"a": 1}}),
    refused("too long a password", "PASSWORD_TOO_LONG", {"username": "dora", "password": "p" * 65}),
    refused("too long a nickname", "NICKNAME_TOO_LONG", {"username": "dora", "nickname": "n" * 101}),
    refused("a nickname of a wrong type", "nickname must be a string", {"username": "dora", "nickname": [1]}),
    refused("one illegal name in a list", "username [a b] is not legal", [{"username": "dora"}, {"username": "a b"}]),
    refused("one empty password in a list", NO_PASSWORD, [{"username": "dora"}, {"username": "emil", "password": ""}]),
    refused("one entry of a wrong type", "this is an invalid request.", [{"username": "dora"}, "emil"]),
    refused("a list in a list", "this is an invalid request.", [[{"username": "dora"}]]),
    refused(
        "one name with two passwords",
        "the same user dora has a different password",
        [{"username": "dora", "password": "one"}, {"username": "DORA", "password": "two"}],
    ),
]  # fmt: skip


@pytest.mark.parametrize("row", REGISTRATIONS, ids=str)
async def test_registration(row: Row, house: House) -> None:
    await row.check(house)


async def test_without_a_content_type(house: House) -> None:
    headers = {"Authorization": f"Bearer {house.names['token']}"}
    content = b'{"username": "dora"}'
    response = await house.client.post(house.names["base"] + "/users", content=content, headers=headers)
    assert response.status_code == 200


async def test_the_body_of_a_closed_registration_is_not_looked_at(house: House) -> None:
    response = await house.client.post(house.names["base"] + "/users", content=b"{")
    assert response.json()["error_description"] == "Open registration doesn't allow, so register user need token,"


def get(label: str, path: str, status: int, body: Any, caller: str = "token") -> Row:
    return Row(label, "GET", "{base}" + path, status, body, headers={"Authorization": f"Bearer {{{caller}}}"})


def profile(path: str, name: str, **fields: Any) -> dict[str, Any]:
    return success("get", path, path="/users", entities=[entity(name, **fields)], count=1)


NOT_FOUND = error("service_resource_not_found", "UserNotFoundException", "Service resource not found")
NOT_ALLOWED = error("auth_bad_access_token", ..., "Unable to authenticate")
PROFILES = [
    get("a user", "/users/ann", 200, profile("/users/ann", "ann")),
    get("in another case", "/users/ANN", 200, profile("/users/ANN", "ann")),
    get("of another dialect", "/users/cy", 200, profile("/users/cy", "cy", nickname="Cyan")),
    get("by an escaped name", "/users/_-_43y", 200, profile("/users/_-_43y", "_-_43y", nickname="Cyan")),
    get("with a query", "/users/ann?x=1", 200, profile("/users/ann", "ann")),
    get("nobody", "/users/nobody", 404, NOT_FOUND),
    get("nobody by an escaped name", "/users/_-_41nn", 404, NOT_FOUND),
    get("the sender of the gateway", "/users/admin", 404, NOT_FOUND),
    get("no legal name", "/users/a%20b", 404, NOT_FOUND),
    get("beyond ASCII", "/users/%E6%9C%B5", 404, NOT_FOUND),
    get("too long", "/users/" + "x" * 2000, 404, NOT_FOUND),
    get("only blanks", "/users/%20", 404, NOT_FOUND),
    get("a control character", "/users/a%00b", 400, illegal("The path is not legible")),
    get("a broken byte", "/users/%ff", 400, illegal("The path is not legible")),
    get("itself", "/users/ann", 200, profile("/users/ann", "ann"), "ann_token"),
    get("itself in another case", "/users/Ann", 200, profile("/users/Ann", "ann"), "ann_token"),
    get("another as a user", "/users/bob", 401, NOT_ALLOWED, "ann_token"),
    get("nobody as a user", "/users/nobody", 401, NOT_ALLOWED, "ann_token"),
]


@pytest.mark.parametrize("row", PROFILES, ids=str)
async def test_profiles(row: Row, house: House) -> None:
    await row.check(house)


async def test_two_users_that_differ_in_case_have_a_name_each(house: House) -> None:
    later = await house.core.users.register(house.tenant, "ANN", display_name="the other")
    assert later.id == "ANN"
    first = await get("first", "/users/ann", 200, profile("/users/ann", "ann")).check(house)
    path = "/users/_-_41_4e_4e"
    second = await get("second", path, 200, profile(path, "_-_41_4e_4e", nickname="the other")).check(house)
    assert first.json()["entities"][0]["uuid"] != second.json()["entities"][0]["uuid"]


async def test_a_name_that_was_addressed_is_registered_with_its_messages(house: House) -> None:
    await house.core.users.key(house.tenant, "DORA")
    key = await house.core.users.key(house.tenant, "Dora", folded=True)
    assert key == UserKey("dora", key.number)
    reply = await register("Dora", 200, one("dora"), {"username": "dora"}).check(house)
    assert reply.json()["entities"][0]["uuid"] == house.core.ids(house.tenant).uuid(USER | key.number)


class TestOpenRegistration:
    @pytest.fixture
    async def house(self, embedded_engine: Engine) -> AsyncIterator[House]:
        async with open_house(embedded_engine.url, [create({"open_registration": True})]) as house:
            await settle(house)
            yield house

    @pytest.mark.parametrize(
        "headers", [{}, {"Authorization": "Bearer x"}, {"Authorization": "Bearer {expired}"}], ids=str
    )
    async def test_nobody_looks_at_the_token(self, headers: dict[str, str], house: House) -> None:
        path = "{base}/users"
        new = {"username": "dora", "password": "x"}
        await Row("new", "POST", path, 200, one("dora"), new, headers=headers).check(house)
        await Row("taken", "POST", path, 400, taken("dora"), new, headers=headers).check(house)
        bad = {"username": "a b", "password": "x"}
        await Row("illegal", "POST", path, 400, illegal("username [a b] is not legal"), bad, headers=headers).check(
            house
        )
        without = {"username": "emil"}
        await Row("no password", "POST", path, 400, illegal(NO_PASSWORD), without, headers=headers).check(house)

    async def test_an_application_may_leave_out_the_password(self, house: House) -> None:
        await register("emil", 200, one("emil"), {"username": "emil"}).check(house)

    async def test_other_endpoints_still_want_a_token(self, house: House) -> None:
        body = error("unauthorized", EASEMOB_SECURITY, "Unable to authenticate (OAuth)")
        await Row("get", "GET", "{base}/users/ann", 401, body).check(house)

    async def test_of_two_tenants_with_one_application_a_token_has_to_tell(self, house: House) -> None:
        other = await house.core.tenants.add(house.tenant.name + "-other")
        name = house.application("easemob").name
        await house.core.tenants.add_credential(other.name, "easemob", name, Credential("client", "theirs", "secret"))
        closed = error(
            "unauthorized", EASEMOB_SECURITY, "Open registration doesn't allow, so register user need token,"
        )
        new = {"username": "dora", "password": "x"}
        await Row("new", "POST", "{base}/users", 401, closed, new).check(house)
        await register("new", 200, one("dora"), new).check(house)
