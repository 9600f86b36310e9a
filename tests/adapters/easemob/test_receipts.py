"""Who of a group has read a message."""

import re
from typing import Any

import pytest

from tests.adapters.easemob.sending import key, new_group, send, send_group
from tests.adapters.easemob.shapes import AUTHORIZED, GROUPS, error, illegal, success
from tests.harness import House, Row

UUID = re.compile("[0-9a-f-]{36}")
UNKNOWN = "4611686018427387999"


def acks(
    label: str, status: int, body: Any = ..., message: str = "{message}", group: str = "{group}", **query: str
) -> Row:
    path = f"{{base}}/chatgroups/{group}/acks/{message}"
    return Row(label, "GET", path, status, body, query=query, headers=AUTHORIZED)


def answer(rows: list[dict[str, Any]], total: int, key: Any = "", *, is_last: bool = True) -> dict[str, Any]:
    data = {
        "ackmid": "{message}", "userlist": rows, "total": total, "next_key": key, "is_last": is_last, "timestamp": int,
    }  # fmt: skip
    return success("group_read_ack", "/chatgroups/{group}/acks/{message}", entities=[], data=data)


def reader(name: str, time: Any = int) -> dict[str, Any]:
    return {"username": name, "meta_id": UUID, "timestamp": time}


@pytest.fixture
async def group(house: House) -> int:
    house.names["group"], number = await new_group(house, "ann", "bob", "Cy")
    house.names["message"] = await send_group(house, "ann", house.names["group"], need_group_ack=True)
    return number


async def test_who_has_read_a_group_message(house: House, group: int) -> None:
    await acks("nobody", 200, answer([], 0)).check(house)
    house.manual_clock.move(10)
    await house.core.conversations.read(house.tenant, await key(house, "Cy"), group)
    cy_at = house.clock.now()
    await acks("one", 200, answer([reader("cy", cy_at)], 1)).check(house)
    house.manual_clock.move(10)
    await house.core.conversations.read(house.tenant, await key(house, "bob"), group)
    await acks("two", 200, answer([reader("bob", cy_at + 10), reader("cy", cy_at)], 2)).check(house)
    later = await send_group(house, "ann", house.names["group"])
    house.names["message"] = later
    await acks("a later one", 200, answer([], 0)).check(house)


async def test_pages(house: House, group: int) -> None:
    for name in ("bob", "Cy"):
        await house.core.conversations.read(house.tenant, await key(house, name), group)
    first = await acks("first", 200, answer([reader("bob")], 2, UUID, is_last=False), limit="1").check(house)
    at = first.json()["data"]["next_key"]
    await acks("second", 200, answer([reader("cy")], 2), limit="1", key=at).check(house)


NO_GROUP = error("resource_not_found", GROUPS + "ResourceNotFoundException", "grpID nowhere does not exist!")
GONE = error("service_resource_not_found", "ServiceResourceNotFoundException", "Service resource not found")
REFUSALS = [
    acks("an unknown message", 404, GONE, UNKNOWN),
    acks("no message", 404, GONE, "x1"),
    acks("an unknown group", 404, NO_GROUP, group="nowhere"),
    acks("a limit that is none", 400, illegal("limit must be a number of at least 1"), limit="many"),
    acks("a key that is none", 400, illegal("key is not legal"), key="x"),
    Row("no token", "GET", "{base}/chatgroups/{group}/acks/{message}", 401, error("group_authorization", GROUPS + "GroupAuthorizationException", "token is blank!")),
]  # fmt: skip


@pytest.mark.parametrize("row", REFUSALS, ids=str)
async def test_what_has_no_receipts(row: Row, house: House, group: int) -> None:
    await row.check(house)


async def test_messages_of_elsewhere(house: House, group: int) -> None:
    other, _ = await new_group(house, "ann", "bob")
    await acks("another group", 404, GONE, group=other).check(house)
    await acks("a direct message", 404, GONE, await send(house, "ann", "bob")).check(house)
