"""Attributes of members in a group, and of rooms."""

from typing import Any

import pytest

from tests.adapters.easemob.grouped import AS_ANN, AS_BOB, NO_GROUP, NO_PERMISSION, NOWHERE, settle, unknown
from tests.adapters.easemob.sending import key
from tests.adapters.easemob.shapes import AUTHORIZED, each, error, illegal, success
from tests.harness import House, Row

OWN = "{base}/metadata/chatgroup/{g}/user/"
ROOM = "{base}/metadata/chatroom/{g}"
NOT_IN_ROOM = error("unauthorized", "MetadataException", "user is not in chatroom")


def row(method: str, path: str, status: int = 200, body: Any = ..., json: Any = None, **more: Any) -> Row:
    label = f"{method} {path} {json or ''}"[:80]
    return Row(label, method, path, status, body, json, **{"headers": AUTHORIZED, **more})


def plain(data: Any) -> dict[str, Any]:
    return {"timestamp": int, "data": data, "duration": int}


@pytest.fixture
async def group(house: House) -> int:
    return await settle(house, "ann", "bob")


@pytest.fixture
async def room(house: House) -> int:
    return await settle(house, "ann", "bob", room=True)


async def test_of_members(house: House, group: int) -> None:
    given = {"nick": "B", "colour": "red"}
    await row("PUT", OWN + "bob", 200, plain(given), {"metaData": given}).check(house)
    await row("GET", OWN + "BOB", body=plain(given)).check(house)
    await row("PUT", OWN + "bob", 200, plain({"nick": ""}), {"metaData": {"nick": ""}}, headers=AS_BOB).check(house)
    await row("GET", OWN + "bob", body=plain({"colour": "red"}), headers=AS_ANN).check(house)
    for nothing in ("ann", "cy", "nobody"):
        await row("GET", OWN + nothing, body=plain({})).check(house)


async def test_of_several_members(house: House, group: int) -> None:
    await house.core.attributes.set_own(house.tenant, group, await key(house, "bob"), {"a": "1", "b": "2"})
    path = "{base}/metadata/chatgroup/{g}/get"
    some = {"targets": ["nobody", "bob", "ann"], "properties": ["b", "c"]}
    await row("POST", path, 200, plain({"nobody": {}, "bob": {"b": "2"}, "ann": {}}), some).check(house)
    await row("POST", path, 200, plain({"bob": {"a": "1", "b": "2"}}), {"targets": ["bob"]}).check(house)
    too_many = {"targets": ["bob"] * 11}
    await row("POST", path, 400, illegal("exceed allowed batch size 10"), too_many).check(house)
    await row("POST", path, 400, illegal("targets must be provided"), {}).check(house)


REFUSED_OWN = [
    row("PUT", OWN + "cy", 404, unknown("user: cy doesn't exist in group: {g}"), {"metaData": {"a": "1"}}),
    row("PUT", OWN + "nobody", 404, unknown("user: nobody doesn't exist in group: {g}"), {"metaData": {"a": "1"}}),
    row("PUT", OWN + "ann", 401, NO_PERMISSION, {"metaData": {"a": "1"}}, headers=AS_BOB),
    *(row("PUT", OWN + "bob", 400, ..., {"metaData": value}) for value in each(None, {}, [], "a", {"a": None}, {"": "x"})),
    row("PUT", OWN + "bob", 413, ..., {"metaData": {"a": "x" * 5000}}),
    row("PUT", (OWN + "bob").replace("{g}", NOWHERE), 404, NO_GROUP, {"metaData": {"a": "1"}}),
]  # fmt: skip


@pytest.mark.parametrize("refused", REFUSED_OWN, ids=str)
async def test_what_members_are_refused(refused: Row, house: House, group: int) -> None:
    await refused.check(house)
    assert await house.core.attributes.own(house.tenant, group, [await key(house, "bob")]) == [{}]


def changed(*done: str, **failed: str) -> dict[str, Any]:
    return enveloped({"successKeys": list(done), "errorKeys": failed})


def enveloped(data: Any) -> dict[str, Any]:
    return {**success("", "", data=data), "action": str, "uri": str}


async def test_of_rooms(house: House, room: int) -> None:
    given = {"metaData": {"a": "1", "b": "2"}}
    await row("PUT", ROOM + "/user/bob", 200, changed("a", "b"), given).check(house)
    denied = changed("c", a="permission denied")
    await row("PUT", ROOM + "/user/ann", 200, denied, {"metaData": {"a": "9", "c": "3"}}).check(house)
    await row("PUT", ROOM + "/user/ann/forced", 200, changed("a"), {"metaData": {"a": "9"}}).check(house)

    async def shows(expected: dict[str, str], json: dict[str, Any]) -> None:
        await row("POST", ROOM, 200, enveloped(expected), json).check(house)

    await shows({"a": "9", "b": "2", "c": "3"}, {})
    await shows({"a": "9"}, {"keys": ["a", "x"]})
    await row("DELETE", ROOM + "/user/bob", 200, changed("b", a="permission denied"), {"keys": ["a", "b"]}).check(house)
    await row("DELETE", ROOM + "/user/admin/forced", 200, changed("a"), {"keys": ["a"]}).check(house)
    await shows({"c": "3"}, {})


@pytest.mark.parametrize(
    ("option", "stays"), [({}, False), ({"autoDelete": "DELETE"}, False), ({"autoDelete": "NO_DELETE"}, True)]
)
async def test_they_go_with_who_set_them(option: dict[str, str], stays: bool, house: House, room: int) -> None:
    await row("PUT", ROOM + "/user/bob", 200, changed("a"), {"metaData": {"a": "1"}, **option}).check(house)
    await house.core.groups.remove(house.tenant, room, [await key(house, "bob")])
    expected = {"a": "1"} if stays else {}
    await row("POST", ROOM, 200, enveloped(expected), {"keys": ["a"]}).check(house)


ELEVEN = [str(index) for index in range(11)]
REFUSED = [
    row("PUT", ROOM + "/user/cy", 401, NOT_IN_ROOM, {"metaData": {"a": "1"}}),
    row("PUT", ROOM + "/user/nobody", 401, NOT_IN_ROOM, {"metaData": {"a": "1"}}),
    row("DELETE", ROOM + "/user/cy", 401, NOT_IN_ROOM, {"keys": ["a"]}),
    row("PUT", ROOM + "/user/bob", 400, illegal("exceed allowed batch size 10"), {"metaData": dict.fromkeys(ELEVEN, "1")}),
    row("DELETE", ROOM + "/user/bob", 400, illegal("exceed allowed batch size 10"), {"keys": ELEVEN}),
    row("POST", ROOM, 400, illegal("exceed allowed batch size 10"), {"keys": ELEVEN}),
    row("PUT", ROOM + "/user/bob", 400, illegal("autoDelete must be DELETE or NO_DELETE"), {"metaData": {"a": "1"}, "autoDelete": "x"}),
    row("PUT", ROOM + "/user/bob", 400, illegal("metaData must be provided"), {}),
    row("PUT", ROOM + "/user/ann", 401, NO_PERMISSION, {"metaData": {"a": "1"}}, headers=AS_BOB),
    row("PUT", ROOM + "/user/bob/forced", 401, ..., {"metaData": {"a": "1"}}, headers=AS_BOB),
    row("PUT", ROOM.replace("{g}", NOWHERE) + "/user/bob", 404, NO_GROUP, {"metaData": {"a": "1"}}),
]  # fmt: skip


@pytest.mark.parametrize("refused", REFUSED, ids=str)
async def test_what_rooms_refuse(refused: Row, house: House, room: int) -> None:
    await refused.check(house)
    assert await house.core.attributes.find(house.tenant, room) == {}
