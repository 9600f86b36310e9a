"""Editing messages."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from adapters.easemob import create
from adapters.easemob.content import write
from core.model import Custom, Event, Html, Image, Message, Text
from tests.adapters.easemob.conftest import settle
from tests.adapters.easemob.sending import key, send, stored
from tests.adapters.easemob.shapes import AUTHORIZED, each, error, illegal, success
from tests.harness import House, Row, open_house
from tests.servers import Engine

UNKNOWN = "4611686018427387999"
NEW = {"user": "ann", "new_msg": {"type": "txt", "msg": "new"}}
DONE = success("put", "/messages/rewrite/{message}", path="/messages/rewrite/{message}", data="success")
GIFT = {"type": "custom", "customEvent": "gift", "customExts": {"size": 16}}


def rewrite(label: str, status: int, body: Any, json: Any, message: str = "{message}", **more: Any) -> Row:
    return Row(label, "PUT", f"{{base}}/messages/rewrite/{message}", status, body, json, headers=AUTHORIZED, **more)


def refused(text: str) -> dict[str, Any]:
    return error("message_rewrite_error", "MessageRewriteException", text)


async def old(house: House, msg: dict[str, Any] | str = "old", **fields: Any) -> str:
    text = house.names["message"] = await send(house, "ann", "bob", msg, **fields)
    return text


async def now(house: House) -> Message:
    message = await stored(house, house.names["message"])
    assert message is not None
    return message


async def test_a_text_says_something_else(house: House) -> None:
    await old(house, ext={"a": 1}, sync_device=True)
    house.manual_clock.move(10)
    await rewrite("text", 200, DONE, NEW).check(house)
    message = await now(house)
    assert (message.content, message.extension, message.sender) == (Text("new"), {"a": 1}, "ann")
    assert message.edited == house.clock.now()
    assert message.leftovers == {"sync_device": True, "edits": 1}


@pytest.mark.parametrize(
    ("more", "extension"),
    [
        ({"new_ext": {"b": 3}}, {"a": 1, "b": 3}),
        ({"new_ext": {"b": 3}, "is_combine_ext": True}, {"a": 1, "b": 3}),
        ({"new_ext": {"b": 3}, "is_combine_ext": "false"}, {"b": 3}),
        ({"is_combine_ext": False}, {"a": 1, "b": 2}),
    ],
)
async def test_the_extension(more: dict[str, Any], extension: dict[str, Any], house: House) -> None:
    await old(house, ext={"a": 1, "b": 2})
    await rewrite("extension", 200, DONE, {**NEW, **more}).check(house)
    assert (await now(house)).extension == extension


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        ({"customEvent": "other"}, {"type": "custom", "customEvent": "other", "customExts": {"size": 16}}),
        ({"customExts": {"a": "1"}}, {"type": "custom", "customEvent": "gift", "customExts": {"a": "1"}}),
        ({"customExts": [{"a": "1"}]}, {"type": "custom", "customEvent": "gift", "customExts": [{"a": "1"}]}),
    ],
)
async def test_parts_of_a_custom_message(new: dict[str, Any], expected: dict[str, Any], house: House) -> None:
    await old(house, GIFT)
    await rewrite("custom", 200, DONE, {"new_msg": {"type": "custom", **new}}).check(house)
    assert write(await now(house), []) == expected


@pytest.mark.parametrize("kind", ["img", "image"])
async def test_of_a_picture_the_extension_alone(kind: str, house: House) -> None:
    picture = {"type": "img", "url": "u", "size": {"width": 480.0}}
    await old(house, picture)
    await rewrite("picture", 200, DONE, {"new_msg": {"type": kind, "url": "other"}, "new_ext": {"a": 1}}).check(house)
    message = await now(house)
    assert (write(message, []), message.extension) == (picture, {"a": 1})


@pytest.mark.parametrize(
    ("content", "new", "expected"),
    [
        (Html("<b>x</b>"), {"type": "txt", "msg": "new"}, Text("new")),
        (Custom("e", {"a": "1"}, "shown"), {"type": "custom", "customEvent": "f"}, Custom("f", {"a": "1"})),
        (Image("u", media_type="image/png"), {"type": "img"}, Image("u", media_type="image/png")),
    ],
)
async def test_a_message_of_another_dialect_becomes_one_of_this(
    content: Any, new: dict[str, Any], expected: Any, house: House
) -> None:
    ann, bob = await key(house, "ann"), await key(house, "bob")
    message = Message("ann", content, "another", leftovers={"text": "theirs"})
    (receipt,) = await house.core.messages.send_direct(house.tenant, ann, [bob], message, "client:1")
    house.names["message"] = str(receipt.id)
    await rewrite("foreign", 200, DONE, {"new_msg": new}).check(house)
    changed = await now(house)
    assert (changed.content, changed.dialect, changed.leftovers) == (expected, "easemob", {"edits": 1})


UNSUPPORTED = refused("The message is of a type that is currently not supported for modification.")
GONE = refused("The message is unavailable or has expired.")
NO_ID = error(
    "InvalidMessageIdException", "InvalidMessageIdException", "The provided message ID is not a valid number."
)
UNREADABLE = error("invalid_request_body", str, "Request body is invalid. Please check body is correct.")
REFUSALS = [
    *(rewrite(f"new_msg {value!r}", 400, illegal("new_msg is required"), {"new_msg": value}) for value in each(None, {})),
    rewrite("new_msg of a wrong type", 400, UNREADABLE, {"new_msg": "new"}),
    rewrite("new_ext of a wrong type", 400, UNREADABLE, {**NEW, "new_ext": []}),
    rewrite("is_combine_ext of a wrong type", 400, UNREADABLE, {**NEW, "is_combine_ext": "maybe"}),
    rewrite("no JSON", 400, UNREADABLE, None, content=b"{"),
    *(rewrite(f"type {value!r}", 400, UNSUPPORTED, {"new_msg": {"type": value, "msg": "x"}}) for value in each(None, "custom", "img", "cmd", "loc", 1)),
    rewrite("no text", 400, illegal("msg.msg must be provided and be a string"), {"new_msg": {"type": "txt", "msg": None}}),
    rewrite("an unknown message", 404, GONE, NEW, UNKNOWN),
    rewrite("an id of another kind", 404, GONE, NEW, "123"),
    rewrite("no id", 400, NO_ID, NEW, "5I02W-XX"),
    rewrite("digits of another script", 400, NO_ID, NEW, "٣"),
    rewrite("too large", 400, ..., {"new_msg": {"type": "txt", "msg": "x" * 6000}}),
    Row("a user's token", "PUT", "{base}/messages/rewrite/{message}", 401, json=NEW, headers={"Authorization": "Bearer {ann_token}"}),
]  # fmt: skip


@pytest.mark.parametrize("row", REFUSALS, ids=str)
async def test_what_cannot_be_edited(row: Row, house: House) -> None:
    await old(house)
    await row.check(house)
    message = await now(house)
    assert (message.content, message.edited) == (Text("old"), None)


async def test_signals_notices_and_what_is_gone(house: House) -> None:
    await old(house, {"type": "cmd", "action": "a"})
    await rewrite("signal", 400, UNSUPPORTED, {"new_msg": {"type": "cmd", "action": "b"}}).check(house)
    ann, bob = await key(house, "ann"), await key(house, "bob")
    notice = Message("ann", Event("joined"), "another")
    (receipt,) = await house.core.messages.send_direct(house.tenant, ann, [bob], notice, "client:1")
    await rewrite("notice", 400, UNSUPPORTED, NEW, str(receipt.id)).check(house)
    message = await old(house)
    await house.core.messages.recall(house.tenant, int(message))
    await rewrite("recalled", 404, GONE, NEW).check(house)


async def test_ten_edits_and_no_more(house: House) -> None:
    await old(house)
    for number in range(10):
        body = {"new_msg": {"type": "txt", "msg": f"edit {number}"}}
        await rewrite(str(number), 200, DONE, body).check(house)
    text = "The message has reached its edit limit and cannot be modified further."
    await rewrite("once more", 403, refused(text), NEW).check(house)
    assert (await now(house)).content == Text("edit 9")


class TestOptions:
    @pytest.fixture
    async def house(self, embedded_engine: Engine) -> AsyncIterator[House]:
        async with open_house(embedded_engine.url, [create({"rewrite": False})]) as house:
            await settle(house)
            yield house

    async def test_the_service_is_not_open(self, house: House) -> None:
        await old(house)
        await rewrite("off", 403, refused("The rewrite message feature is not open."), NEW).check(house)
        assert (await now(house)).content == Text("old")
