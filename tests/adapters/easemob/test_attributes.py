"""User attributes."""

from typing import Any

import pytest

from adapters.easemob.attributes import MAXIMUM_BYTES
from tests.adapters.easemob.shapes import AUTHORIZED, SECURITY, error, illegal
from tests.adapters.easemob.test_users import NOT_ALLOWED, NOT_FOUND
from tests.harness import House, Row

AS_ANN = {"Authorization": "Bearer {ann_token}"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
UNAUTHORIZED = {"timestamp": int, "desc": "unauthorized", "duration": int}
UNSUPPORTED = error("web_application", "javax.ws.rs.WebApplicationException", "Unsupported Media Type")
TOO_MUCH = illegal(f"user attributes exceed the limit of {MAXIMUM_BYTES} bytes")


def reply(data: Any) -> dict[str, Any]:
    return {"timestamp": int, "data": data, "duration": int}


def put(label: str, content: str, status: int, body: Any, user: str = "ann", **headers: str) -> Row:
    path = "{base}/metadata/user/" + user
    return Row(label, "PUT", path, status, body, content=content.encode(), headers=AUTHORIZED | FORM | headers)


def get(label: str, user: str, data: Any, headers: dict[str, str] = AUTHORIZED) -> Row:
    return Row(label, "GET", "{base}/metadata/user/" + user, 200, reply(data), headers=headers)


async def test_attributes_are_set_changed_and_deleted(house: House) -> None:
    given = {"nickname": "Ann & Co", "avatarurl": "http://x/y?z=1", "ext": "朵"}
    content = "nickname=Ann+%26+Co&avatarurl=http%3A%2F%2Fx%2Fy%3Fz%3D1&ext=%E6%9C%B5"
    await get("none", "ann", {}).check(house)
    await put("set", content, 200, reply(given), "Ann").check(house)
    await get("all", "ANN", given).check(house)
    await put("change", "nickname=A&ext=&mail=", 200, reply({"nickname": "A", "ext": "", "mail": ""})).check(house)
    await get("changed", "ann", {"nickname": "A", "avatarurl": "http://x/y?z=1"}).check(house)
    for label in ("delete", "delete twice"):
        await Row(label, "DELETE", "{base}/metadata/user/ann", 200, reply(True), headers=AS_ANN).check(house)
    await get("none again", "ann", {}).check(house)
    user = await house.core.users.find(house.tenant, "ann")
    assert user is not None
    assert user.attributes is None


ROWS = [
    put("own", "a=1", 200, reply({"a": "1"}), Authorization="Bearer {ann_token}"),
    put("a name twice", "a=1&a=2", 200, reply({"a": "2"})),
    put("with a charset", "a=1", 200, reply({"a": "1"}), **{"Content-Type": "Application/X-WWW-form-urlencoded; charset=UTF-8"}),
    put("another's", "a=1", 401, NOT_ALLOWED, "bob", Authorization="Bearer {ann_token}"),
    put("nobody's", "a=1", 404, NOT_FOUND, "nobody"),
    put("as JSON", '{"a": 1}', 415, UNSUPPORTED, **{"Content-Type": "application/json"}),
    put("as nothing", "a=1", 415, UNSUPPORTED, **{"Content-Type": ""}),
    put("nothing", "", 400, illegal("this is an invalid request.")),
    put("no name", "=1", 400, illegal("this is an invalid request.")),
    put("no UTF-8", "a=%ff", 400, illegal("this is an invalid request.")),
    put("too many", "&".join(f"a{n}=" for n in range(1001)), 400, illegal("this is an invalid request.")),
    put("the most", "a=" + "x" * (MAXIMUM_BYTES - 1), 200, ...),
    put("too much", "a=" + "x" * MAXIMUM_BYTES, 400, TOO_MUCH),
    put("too much in bytes", "a=" + "%E6%9C%B5" * (MAXIMUM_BYTES // 3 + 1), 400, TOO_MUCH),
    Row("without a token", "PUT", "{base}/metadata/user/ann", 401, UNAUTHORIZED, content=b"a=1", headers=FORM),
    Row("read without a token", "GET", "{base}/metadata/user/ann", 401, UNAUTHORIZED),
    Row("size without a token", "GET", "{base}/metadata/user/capacity", 401, UNAUTHORIZED),
    Row("garbage", "GET", "{base}/metadata/user/ann", 401, error("auth_bad_access_token", SECURITY, "Unable to authenticate due to corrupt access token"), headers={"Authorization": "Bearer x"}),
    get("nobody has none", "nobody", {}),
    get("no name has none", "a%20b", {}),
    get("another's are read", "bob", {}, AS_ANN),
    Row("delete nobody's", "DELETE", "{base}/metadata/user/nobody", 200, reply(True), headers=AUTHORIZED),
    Row("delete another's", "DELETE", "{base}/metadata/user/bob", 401, NOT_ALLOWED, headers=AS_ANN),
    Row("size as a user", "GET", "{base}/metadata/user/capacity", 401, NOT_ALLOWED, headers=AS_ANN),
    Row("no size", "GET", "{base}/metadata/user/capacity", 200, reply(0), headers=AUTHORIZED),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_attributes(row: Row, house: House) -> None:
    await row.check(house)


def get_many(label: str, json: Any, status: int, body: Any, headers: dict[str, str] = AUTHORIZED) -> Row:
    return Row(label, "POST", "{base}/metadata/user/get", status, body, json, headers=headers)


MANY = [
    get_many(
        "those that are asked for",
        {"targets": ["Ann", "bob", "nobody", "a b"], "properties": ["a", "c", "x"]},
        200,
        reply({"Ann": {"a": "1", "c": "3"}, "bob": {"a": "4"}, "nobody": {}, "a b": {}}),
    ),
    get_many("all", {"targets": ["ann"]}, 200, reply({"ann": {"a": "1", "b": "2", "c": "3"}}), AS_ANN),
    get_many("nobody's", {"targets": [], "properties": ["a"]}, 400, illegal("targets must be provided")),
    get_many("too many", {"targets": ["ann"] * 101}, 400, illegal("targets size exceeds max limit : 100")),
    get_many("no list", {"targets": ["ann"], "properties": "a"}, 400, illegal("properties must be an array")),
    get_many("without a token", {"targets": ["ann"]}, 401, UNAUTHORIZED, {}),
]


@pytest.mark.parametrize("row", MANY, ids=str)
async def test_attributes_of_many(row: Row, house: House) -> None:
    await put("ann's", "a=1&b=2&c=3", 200, ...).check(house)
    await put("bob's", "a=4", 200, ..., "bob").check(house)
    await row.check(house)


async def test_attributes_of_many_want_a_content_type(house: House) -> None:
    headers = {"Authorization": f"Bearer {house.names['token']}"}
    url = house.names["base"] + "/metadata/user/get"
    response = await house.client.post(url, content=b'{"targets": ["ann"]}', headers=headers)
    assert (response.status_code, response.json()["error"]) == (415, "web_application")


async def test_the_size_of_all(house: House) -> None:
    await put("ann's", "a=1&b=%E6%9C%B5", 200, ...).check(house)
    await put("bob's", "abc=de", 200, ..., "bob").check(house)
    row = Row("size", "GET", "{base}/metadata/user/capacity", 200, reply(2 + 4 + 5), headers=AUTHORIZED)
    await row.check(house)


async def test_what_another_dialect_keeps_is_text_here(house: House) -> None:
    attributes = {"plain": "x", "number": 1.5, "map": {"a": [True, None]}, "empty": ""}
    await house.core.users.register(house.tenant, "dora", attributes=attributes)
    shown = {"plain": "x", "number": "1.5", "map": '{"a":[true,null]}', "empty": ""}
    await get("all", "dora", shown).check(house)


async def test_what_is_too_much_already_may_shrink(house: House) -> None:
    await house.core.users.register(house.tenant, "dora", attributes={"a": "x" * 5000, "b": "1"})
    await put("more", "c=1", 400, TOO_MUCH, "dora").check(house)
    await put("less", "a=" + "x" * 4000, 200, ..., "dora").check(house)
    await put("little", "a=", 200, ..., "dora").check(house)
    await get("left", "dora", {"b": "1"}).check(house)
