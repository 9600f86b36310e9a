"""Whether users are online and where, and what waits for them."""

from typing import Any

import pytest

from core.model import Message, Text, UserKey
from tests.adapters.easemob.shapes import AUTHORIZED, SECURITY, error, illegal, success
from tests.adapters.easemob.test_users import NOT_ALLOWED, NOT_FOUND
from tests.harness import House, Row

AS_ANN = {"Authorization": "Bearer {ann_token}"}
TOO_MANY = "request body exceeds maximum limit, maximum limit is 100"
NOT_THERE = error("service_resource_not_found", "ServiceResourceNotFoundException", "Service resource not found")


async def key_of(house: House, name: str) -> UserKey:
    key = await house.core.users.known_key(house.tenant, name)
    assert key is not None
    return key


@pytest.fixture(autouse=True)
async def online(house: House) -> None:
    """bob is online at two devices, Cy at one."""
    for name, station in (("bob", "ios_a1"), ("bob", "web"), ("Cy", "android_x")):
        await house.core.presence.set(house.tenant, await key_of(house, name), station, 60_000)


def get(label: str, path: str, status: int, body: Any, headers: dict[str, str] = AUTHORIZED) -> Row:
    return Row(label, "GET", "{base}/users/" + path, status, body, headers=headers)


def data(path: str, data: Any, action: str = "get", /, **fields: Any) -> dict[str, Any]:
    return success(action, f"/users/{path}", entities=[], data=data, **fields)


def batch(label: str, status: int, body: Any, json: Any, headers: dict[str, str] = AUTHORIZED) -> Row:
    return Row(label, "POST", "{base}/users/batch/status", status, body, json, headers=headers)


def statuses(*found: dict[str, str]) -> dict[str, Any]:
    return success("get batch user status", "/users/batch/status", data=list(found))


def device(name: str, uuid: str) -> dict[str, str]:
    return {"res": name, "device_uuid": uuid, "device_name": name}


ROWS = [
    get("online", "Bob/status", 200, data("Bob/status", {"bob": "online"}, count=0)),
    get("offline", "ann/status", 200, data("ann/status", {"ann": "offline"}, count=0)),
    get("of another dialect", "cy/status", 200, data("cy/status", {"cy": "online"}, count=0)),
    get("nobody's", "nobody/status", 404, NOT_FOUND),
    get("its own", "ann/status", 200, ..., AS_ANN),
    get("another's", "bob/status", 401, NOT_ALLOWED, AS_ANN),
    batch(
        "several",
        200,
        statuses({"nobody": "offline"}, {"Bob": "online"}, {"ann": "offline"}, {"bob": "online"}, {"a b": "offline"}),
        {"usernames": ["nobody", "Bob", "ann", "bob", "a b"]},
    ),
    batch("a hundred", 200, statuses(*[{f"u{n}": "offline"} for n in range(100)]), {"usernames": [f"u{n}" for n in range(100)]}),
    batch("more", 400, illegal(TOO_MANY), {"usernames": ["ann"] * 101}),
    batch("none", 400, illegal("usernames must be provided"), {"usernames": []}),
    batch("nothing", 400, illegal("usernames must be provided"), {}),
    batch("no list", 400, illegal("usernames must be provided"), {"usernames": "ann"}),
    batch("no names", 400, illegal("usernames must be an array of strings"), {"usernames": ["ann", None]}),
    batch("by a user", 401, error("unauthorized", SECURITY, "No organization access authorized"), {"usernames": ["ann"]}, AS_ANN),
    get("devices", "bob/resources", 200, data("bob/resources", [device("ios_a1", "a1"), device("web", "web")], path="/users/bob/resources")),
    get("no devices", "ann/resources", 200, data("ann/resources", [], path="/users/ann/resources")),
    get("nobody's devices", "nobody/resources", 404, NOT_FOUND),
    get("who is not there is disconnected", "ann/disconnect", 200, data("ann/disconnect", {"result": True}, "Disconnect user")),
    get("nobody is not", "nobody/disconnect", 404, NOT_FOUND),
    get("not by a user", "ann/disconnect", 401, NOT_ALLOWED, AS_ANN),
    get("nothing waits", "ann/offline_msg_count", 200, data("ann/offline_msg_count", {"ann": 0}, count=0)),
    get("nobody's messages", "nobody/offline_msg_count", 404, NOT_FOUND),
    *(
        get(f"no message {number}", f"ann/offline_msg_status/{text}", 404, NOT_THERE)
        for number, text in enumerate(("1", "0", "x", "9" * 19, "9" * 400, "%E0%A5%A7", str((1 << 62) + 5)))
    ),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_presence(row: Row, house: House) -> None:
    await row.check(house)


async def test_who_says_nothing_more_is_offline(house: House) -> None:
    house.manual_clock.move(58_000)
    await get("still", "bob/status", 200, data("bob/status", {"bob": "online"}, count=0)).check(house)
    await house.core.tenants.rotate_signing_key(house.tenant.name)
    house.manual_clock.move(2_000)
    token = await house.adapters["easemob"].mint(
        house.core, house.tenant, house.application("easemob").name, None, True, 60
    )
    row = get("over", "bob/status", 200, data("bob/status", {"bob": "offline"}, count=0), {"Authorization": f"Bearer {token}"})  # fmt: skip
    await row.check(house)


async def test_disconnecting(house: House) -> None:
    path = "bob/disconnect/web"
    await get("one", path, 200, data(path, {"result": True}, "Disconnect user")).check(house)
    left = data("bob/resources", [device("ios_a1", "a1")], path="/users/bob/resources")
    await get("the other", "bob/resources", 200, left).check(house)
    await get("all", "bob/disconnect", 200, data("bob/disconnect", {"result": True}, "Disconnect user")).check(house)
    await get("none", "bob/status", 200, data("bob/status", {"bob": "offline"}, count=0)).check(house)


async def test_what_waits_for_a_user(house: House) -> None:
    ann, bob, cy = [await key_of(house, name) for name in ("ann", "bob", "Cy")]
    (receipt,) = await house.core.messages.send_direct(
        house.tenant, ann, [bob], Message("ann", Text("hi"), "easemob"), "request:1"
    )
    await house.core.messages.send_direct(house.tenant, cy, [bob], Message("Cy", Text("hi"), "easemob"), "request:2")

    def status(user: str, word: str) -> Row:
        path = f"{user}/offline_msg_status/{receipt.id}"
        return get(word, path, 200, data(path, {str(receipt.id): word}, count=0))

    count = "bob/offline_msg_count"
    await get("two", count, 200, data(count, {"bob": 2}, count=0)).check(house)
    await status("bob", "undelivered").check(house)
    await house.core.conversations.delivered(house.tenant, bob, "ann")
    await status("bob", "delivered").check(house)
    await house.core.conversations.read(house.tenant, bob, "ann")
    await get("one", count, 200, data(count, {"bob": 1}, count=0)).check(house)
    for user in ("ann", "cy"):  # who sent it, and who has nothing to do with it
        await get(user, f"{user}/offline_msg_status/{receipt.id}", 404, NOT_THERE).check(house)
