"""Importing messages of another system."""

import re
from typing import Any

import pytest

from core.messages import Query
from core.model import Custom, Image, Message, Text
from tests.adapters.easemob.sending import direct, in_group, key, new_group, send
from tests.adapters.easemob.shapes import AUTHORIZED, each, error, illegal, success
from tests.harness import NOON, House, Row

ID = re.compile(r"[4-9][0-9]{18}")
OLD = NOON - 86_400_000
ONE = {"from": "ann", "target": "bob", "type": "txt", "body": {"msg": "import message."}, "msg_timestamp": OLD}


def row(label: str, status: int, body: Any, json: Any, kind: str = "users", **more: Any) -> Row:
    headers = {**AUTHORIZED, **more.pop("headers", {})}
    return Row(label, "POST", f"{{base}}/messages/{kind}/import", status, body, json, headers=headers, **more)


def imported(kind: str = "users") -> dict[str, Any]:
    path = f"/messages/{kind}/import"
    return success("post", path, path=path, entities=[], data={"msg_id": ID})


async def test_a_message_stands_at_its_time(house: House) -> None:
    await send(house, "ann", "bob", "today")
    body = {**ONE, "ext": {"key1": "value1"}, "is_ack_read": True, "need_download": False}
    response = await row("text", 200, imported(), body).check(house)
    assert "x-gateway-loss" not in response.headers
    today, old = await direct(house, "ann", "bob", "bob")
    assert (old.time, old.message) == (
        OLD,
        Message("ann", Text("import message."), "easemob", {"key1": "value1"}),
    )
    assert today.message.content == Text("today")
    assert str(old.id) == response.json()["data"]["msg_id"]
    overview = await house.core.conversations.direct(house.tenant, await key(house, "bob"), "ann")
    assert overview is not None
    assert overview.unread == 1, "imports are not unread"


async def test_groups(house: House) -> None:
    group, number = await new_group(house, "ann", "bob")
    await row("known", 200, imported("chatgroups"), {**ONE, "target": group}, "chatgroups").check(house)
    await row("unknown", 200, imported("chatgroups"), {**ONE, "target": "g1"}, "chatgroups").check(house)
    await row("by number", 200, imported("chatgroups"), {**ONE, "target": int(group)}, "chatgroups").check(house)
    (found,) = await in_group(house, number)
    assert (found.time, found.message.sender) == (OLD, "ann")


@pytest.mark.parametrize(
    ("body", "content"),
    [
        ({"type": "img", "body": {"url": "u", "filename": "f"}}, Image("u", "f")),
        ({"msg": {"type": "custom", "customEvent": "e", "customExts": {"a": 1}}}, Custom("e", {"a": 1})),
    ],
)
async def test_any_type_in_both_forms(body: dict[str, Any], content: Any, house: House) -> None:
    given = {name: value for name, value in ONE.items() if name not in ("type", "body")}
    await row("form", 200, imported(), {**given, **body}).check(house)
    (found,) = await direct(house, "ann", "bob")
    assert found.message.content == content


async def test_an_import_that_is_repeated_is_one(house: House) -> None:
    """A migration that was broken off begins again."""
    first = (await row("first", 200, imported(), ONE).check(house)).json()["data"]
    house.manual_clock.move(60_000)
    assert (await row("again", 200, imported(), ONE).check(house)).json()["data"] == first
    assert len(await direct(house, "ann", "bob")) == 1
    others: list[dict[str, Any]] = [
        {"body": {"msg": "other"}},
        {"msg_timestamp": OLD + 1},
        {"from": "bob", "target": "ann"},
        {"ext": {}},
    ]
    for other in others:
        await row("another", 200, imported(), {**ONE, **other}).check(house)
    assert len(await direct(house, "ann", "bob")) == 5


async def test_without_a_time_it_is_now_and_every_import_is_one_of_its_own(house: House) -> None:
    body = {**ONE, "msg_timestamp": None}
    for _ in range(2):
        await row("now", 200, imported(), body).check(house)
    found = await direct(house, "ann", "bob")
    assert [one.time - house.clock.now() for one in found] == [1, 0]
    for _ in range(2):
        await row("keyed", 200, imported(), body, headers={"Idempotency-Key": "k"}).check(house)
    assert len(await direct(house, "ann", "bob")) == 3


@pytest.mark.parametrize(
    ("fields", "lost"),
    [
        ({"is_ack_read": False}, "is_ack_read"),
        ({"need_download": True}, "need_download"),
        ({"msg_timestamp": NOON * 2}, "msg_timestamp"),
    ],
)
async def test_losses_are_said(fields: dict[str, Any], lost: str, house: House) -> None:
    response = await row("loss", 200, imported(), {**ONE, **fields}).check(house)
    assert response.headers["x-gateway-loss"].startswith(lost + ": ")


UNREADABLE = error("invalid_request_body", str, "Request body is invalid. Please check body is correct.")
REFUSALS = [
    *(row(f"{field} {value!r}", 400, illegal(f"{field} not allow empty"), {**ONE, field: value}) for field in ("from", "target", "type") for value in each(None, "")),
    *(row(f"body {value!r}", 400, illegal("message body not allow empty"), {**ONE, "body": value}) for value in each(None, {})),
    *(row(f"{field} {value!r}", 400, UNREADABLE, {**ONE, field: value}) for field, value in (("from", []), ("target", ["bob"]), ("type", 1), ("body", "hi"))),
    row("no JSON", 400, UNREADABLE, None, content=b"{"),
    row("ext of a wrong type", 400, illegal("param ext must be JSONObject"), {**ONE, "ext": []}),
    row("an unknown type", 400, illegal("msg.type [sticker] is not supported"), {**ONE, "type": "sticker"}),
    *(row(f"time {value!r}", 400, illegal("msg_timestamp must be a number of milliseconds"), {**ONE, "msg_timestamp": value}) for value in each("soon", 0, -1, True, [])),
    row("a name that can't be one", 400, illegal("username [ ] is not legal"), {**ONE, "target": " "}),
    row("a group that can't be one", 400, illegal("group ID   is not legal"), {**ONE, "target": " "}, "chatgroups"),
    Row("a user's token", "POST", "{base}/messages/users/import", 401, json=ONE, headers={"Authorization": "Bearer {ann_token}"}),
]  # fmt: skip


@pytest.mark.parametrize("refused", REFUSALS, ids=str)
async def test_what_cannot_be_imported(refused: Row, house: House) -> None:
    await refused.check(house)
    assert (await house.core.messages.direct_page(house.tenant, "ann", "bob", Query(1))).messages == []
