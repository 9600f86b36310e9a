"""Recalling messages, one by one and in a list."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from adapters.easemob import create
from core.model import Message, Text
from tests.adapters.easemob.conftest import settle
from tests.adapters.easemob.sending import key, new_group, send, send_group, stored
from tests.adapters.easemob.shapes import AUTHORIZED, each, error, success
from tests.harness import House, Row, open_house
from tests.servers import Engine

UNKNOWN = "4611686018427387999"
RECALL = {"msg_id": "{message}", "to": "bob", "chat_type": "chat", "force": False}


def recall(label: str, status: int, body: Any, json: Any, **more: Any) -> Row:
    return Row(label, "POST", "{base}/messages/msg_recall", status, body, json, headers=AUTHORIZED, **more)


def recall_list(label: str, status: int, body: Any, json: Any) -> Row:
    return Row(label, "POST", "{base}/messages/recall", status, body, json, headers=AUTHORIZED)


def recalled(to: str = "bob", chat_type: str = "chat", by: str = "admin", message: str = "{message}") -> dict[str, Any]:
    return {"recalled": "yes", "chattype": chat_type, "from": by, "to": to, "msg_id": message}


def done(**fields: Any) -> dict[str, Any]:
    return success("post", "/messages/msg_recall", path="/messages/msg_recall", data=recalled(**fields))


def recall_error(text: str) -> dict[str, Any]:
    return error("message_recall_error", "MessageRecallException", text)


@pytest.fixture
async def message(house: House) -> str:
    """A message of ann's to bob."""
    text = house.names["message"] = await send(house, "ann", "bob")
    return text


async def test_a_message_is_gone_for_everybody(house: House, message: str) -> None:
    await recall("once", 200, done(), RECALL).check(house)
    assert await stored(house, message) is None
    await recall("twice", 403, recall_error("not_found msg"), RECALL).check(house)


SENT = [
    recall("by its sender", 200, done(by="ann"), {**RECALL, "from": "ann"}),
    recall("in another case", 200, done(to="BOB"), {**RECALL, "to": "BOB"}),
    recall("by force", 200, done(), {**RECALL, "force": "true"}),
    recall("with an extension", 200, done(), {**RECALL, "recallMessageExtensionInfo": "{}", "sync_device": True}),
]


@pytest.mark.parametrize("row", SENT, ids=str)
async def test_recalling(row: Row, house: House, message: str) -> None:
    await row.check(house)
    assert await stored(house, message) is None


NOT_FOUND = recall_error("not_found msg")
ELSEWHERE = recall_error("can't find msg to")
UNREADABLE = error("invalid_request_body", str, "Request body is invalid. Please check body is correct.")
REFUSALS = [
    *(
        recall(f"{field} {value!r}", 400, recall_error(f"param {field} can't be empty"), {**RECALL, field: value})
        for field in ("msg_id", "to", "chat_type")
        for value in each(None, "", [])
    ),
    recall("no force", 400, recall_error("param force can't be empty"), {**RECALL, "force": None}),
    recall("force of a wrong type", 400, UNREADABLE, {**RECALL, "force": "maybe"}),
    recall("another chat type", 400, recall_error("param chat_type is not legal"), {**RECALL, "chat_type": "users"}),
    recall("an unknown message", 403, NOT_FOUND, {**RECALL, "msg_id": UNKNOWN}),
    recall("no message id", 403, NOT_FOUND, {**RECALL, "msg_id": "5I02W-XX-8278a"}),
    recall("somebody else", 400, ELSEWHERE, {**RECALL, "to": "cy"}),
    recall("somebody unknown", 400, ELSEWHERE, {**RECALL, "to": "nobody at all"}),
    recall("what can't be a name", 400, ELSEWHERE, {**RECALL, "to": " "}),
    recall("its sender", 400, ELSEWHERE, {**RECALL, "to": "ann"}),
    recall("a group", 400, ELSEWHERE, {**RECALL, "to": "bob", "chat_type": "groupchat"}),
    recall("no JSON", 400, UNREADABLE, None, content=b"{"),
    recall_list("a list that is none", 400, UNREADABLE, {"msgs": {}}),
    recall_list("rows that are none", 400, UNREADABLE, {"msgs": ["1"]}),
    recall_list("an empty list", 400, recall_error("param msgs can't be empty"), {"msgs": []}),
]


@pytest.mark.parametrize("row", REFUSALS, ids=str)
async def test_what_cannot_be_recalled(row: Row, house: House, message: str) -> None:
    await row.check(house)
    assert await stored(house, message) is not None


async def test_the_time_to_recall_is_limited_but_not_by_force(house: House, message: str) -> None:
    house.manual_clock.move(120_000)
    late = await send(house, "ann", "bob")
    house.manual_clock.move(1)
    await recall("late", 403, recall_error("exceed recall time limit"), RECALL).check(house)
    await recall("not late", 200, ..., {**RECALL, "msg_id": late}).check(house)
    await recall("late, by force", 200, done(), {**RECALL, "force": True}).check(house)
    assert await stored(house, message) is None


async def test_what_is_not_here_any_more_is_recalled_by_force(house: House) -> None:
    await recall("expired", 200, done(message=UNKNOWN), {**RECALL, "msg_id": UNKNOWN, "force": True}).check(house)


@pytest.mark.parametrize(("room", "chat_type"), [(False, "groupchat"), (True, "chatroom")])
async def test_messages_of_groups_and_rooms(room: bool, chat_type: str, house: House) -> None:
    target, _ = await new_group(house, "ann", "bob", room=room)
    other, _ = await new_group(house, "ann", "bob", room=room)
    house.names["message"] = await send_group(house, "ann", target)
    body = {**RECALL, "to": target, "chat_type": chat_type}
    await recall("elsewhere", 400, ELSEWHERE, {**body, "to": other}).check(house)
    await recall("there", 200, done(to=target, chat_type=chat_type), body).check(house)
    assert await stored(house, house.names["message"]) is None


async def test_messages_of_other_dialects_and_by_the_ids_that_they_had_elsewhere(house: House) -> None:
    ann, cy = await key(house, "ann"), await key(house, "Cy")
    message = Message("Cy", Text("hi"), "another")
    (receipt,) = await house.core.messages.send_direct(house.tenant, cy, [ann], message, "client:1")
    await house.core.foreign.link(house.tenant, "easemob", "5I02W-XX-8278a", receipt.id)
    house.names["message"] = "5I02W-XX-8278a"
    await recall("foreign", 200, done(to="ann"), {**RECALL, "to": "ann"}).check(house)
    assert await stored(house, str(receipt.id)) is None


async def test_another_tenants_message_is_not_found(house: House, message: str) -> None:
    stranger = await house.core.tenants.add(house.tenant.name + "-other")
    ann, bob = await house.core.users.keys(stranger, ["ann", "bob"])
    foreign = Message("ann", Text("theirs"), "easemob")
    (receipt,) = await house.core.messages.send_direct(stranger, ann, [bob], foreign, "client:1")
    await recall("foreign", 403, NOT_FOUND, {**RECALL, "msg_id": str(receipt.id)}).check(house)
    assert await house.core.messages.get(stranger, receipt.id) is not None


async def test_the_list_says_what_became_of_each(house: House, message: str) -> None:
    other = await send(house, "ann", "cy")
    rows = [
        {**RECALL, "from": "ann"},
        {**RECALL, "msg_id": UNKNOWN},
        {**RECALL, "msg_id": other},
        {"msg_id": other, "to": "cy", "chat_type": "chat"},
        {"to": "cy", "chat_type": "chat"},
    ]
    expected = [
        recalled(by="ann"),
        {"msg_id": UNKNOWN, "recalled": "not_found msg"},
        {"msg_id": other, "recalled": "can't find msg to"},
        recalled(to="cy", message=other),
        {"msg_id": None, "recalled": "param msg_id can't be empty"},
    ]
    body = success("post", "/messages/recall", path="/messages/recall", entities=[], data={"msgs": expected})
    await recall_list("five", 200, body, {"msgs": rows}).check(house)
    assert (await stored(house, message), await stored(house, other)) == (None, None)


async def test_many_in_one_list(house: House) -> None:
    ids = [await send(house, "ann", "bob", str(number)) for number in range(60)]
    rows = [{**RECALL, "msg_id": message} for message in ids]
    response = await recall_list("sixty", 200, ..., {"msgs": rows}).check(house)
    assert [row["msg_id"] for row in response.json()["data"]["msgs"]] == ids
    assert {row["recalled"] for row in response.json()["data"]["msgs"]} == {"yes"}


class TestOptions:
    @pytest.fixture
    async def house(self, embedded_engine: Engine) -> AsyncIterator[House]:
        async with open_house(embedded_engine.url, [create({"recall": False})]) as house:
            await settle(house)
            yield house

    async def test_the_service_is_not_open(self, house: House, message: str) -> None:
        body = error("forbidden_op", "EasemobForbiddenOpException", "message recall service is unopened")
        await recall("one", 403, body, RECALL).check(house)
        await recall_list("a list", 403, body, {"msgs": [RECALL]}).check(house)
        assert await stored(house, message) is not None
