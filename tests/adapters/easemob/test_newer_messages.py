"""`POST /messages/users`, `/messages/chatgroups`, `/messages/chatrooms`, directed and broadcast."""

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from adapters.easemob import create
from adapters.easemob.ids import number_id
from core.messages import Query
from core.model import Image, Message, Text, UserKey
from tests.adapters.easemob.conftest import settle
from tests.adapters.easemob.shapes import AUTHORIZED, EASEMOB_SECURITY, GROUPS, each, error, illegal, success
from tests.harness import Effect, House, Row, open_house
from tests.servers import Engine

ID = re.compile(r"[4-9][0-9]{18}")
TO_BOB = {"from": "ann", "to": ["bob"], "type": "txt", "body": {"msg": "hi"}}
KINDS = ("users", "chatgroups", "chatrooms", "chatgroups/users", "chatrooms/users")


def send(label: str, status: int, body: Any, json: Any, kind: str = "users", **more: Any) -> Row:
    return Row(label, "POST", f"{{base}}/messages/{kind}", status, body, json, headers=AUTHORIZED, **more)


def sent(data: dict[str, Any], kind: str = "users") -> dict[str, Any]:
    return success("post", f"/messages/{kind}", path=f"/messages/{kind}", data=data)


def send_error(text: str) -> dict[str, Any]:
    return error("message_send_error", "MessageSendException", text)


async def last(house: House, sender: str, receiver: str) -> Message:
    page = await house.core.messages.direct_page(house.tenant, sender, receiver, Query(1))
    return page.messages[0].message


def stores(content: Any, extension: Any = None, leftovers: Any = None, sender: str = "ann") -> Effect:
    """That this is what bob gets."""

    async def effect(house: House, response: httpx.Response) -> None:
        message = await last(house, sender, "bob")
        assert (message.content, message.extension, message.leftovers) == (content, extension, leftovers)
        for text in response.json()["data"].values():
            assert await house.core.messages.get(house.tenant, int(text)) is not None

    return effect


SENDS = [
    send("a text", 200, sent({"bob": ID}), TO_BOB, effect=stores(Text("hi"))),
    send("from the administrator", 200, sent({"bob": ID}), {**TO_BOB, "from": None}, effect=stores(Text("hi"), sender="admin")),
    send("to several", 200, sent({"bob": ID, "cy": ID, "BOB": ID, "17": ID}), {**TO_BOB, "to": ["bob", "cy", "BOB", 17]}, effect=stores(Text("hi"))),
    send("a picture", 200, sent({"bob": ID}), {**TO_BOB, "type": "img", "body": {"url": "u", "size": {"width": 480.0, "height": 720}}}, effect=stores(Image("u", width=480.0, height=720.0), leftovers={"msg": {"size": {"width": 480.0, "height": 720}}})),
    send("a type within the body counts for nothing", 200, sent({"bob": ID}), {**TO_BOB, "body": {"msg": "hi", "type": "img"}}, effect=stores(Text("hi"))),
    send("with push fields", 200, sent({"bob": ID}), {**TO_BOB, "ext": {"em_ignore_notification": True, "a": 1}}, effect=stores(Text("hi"), {"em_ignore_notification": True, "a": 1})),
    send("as the Go client sends it", 200, sent({"bob": ID}), {**TO_BOB, "ext": None, "routetype": "", "sync_device": True}, query={"useMsgId": "true"}, effect=stores(Text("hi"), leftovers={"routetype": "", "sync_device": True})),
    send("with options", 200, sent({"bob": ID}), {**TO_BOB, "msg_timestamp": 5, "env": "dev", "roam_ignore_users": []}, effect=stores(Text("hi"), leftovers={"msg_timestamp": 5, "env": "dev", "roam_ignore_users": []})),
    send("a custom message without an event", 200, sent({"bob": ID}), {**TO_BOB, "type": "custom", "body": {"customExts": {"a": 1}}}),
    send("to six hundred", 200, ..., {**TO_BOB, "to": [str(n) for n in range(600)]}),
]  # fmt: skip


@pytest.mark.parametrize("row", SENDS, ids=str)
async def test_sending_to_users(row: Row, house: House) -> None:
    await row.check(house)


UNREADABLE = error("invalid_request_body", str, "Request body is invalid. Please check body is correct.")
TOO_LARGE = {**send_error("message is too large"), "error_code": 14007}
REFUSALS = [
    *(
        send(f"{field} {value!r}", 400, send_error(f"param {field} can't be empty"), {**TO_BOB, field: value})
        for field, value in (("from", ""), ("to", None), ("to", []), ("type", None), ("type", ""), ("body", None), ("body", {}))
    ),
    *(
        send(f"{field} {value!r} of a wrong type", 400, UNREADABLE, {**TO_BOB, field: value})
        for field, value in each(("from", []), ("to", "bob"), ("to", [["bob"]]), ("to", [None]), ("type", 1), ("body", "hi"), ("body", []))
    ),
    send("a list", 400, UNREADABLE, [TO_BOB]),
    send("no JSON", 400, UNREADABLE, None, content=b"{"),
    send("a raw line break", 400, UNREADABLE, None, content=b'{"to":["bob"],"type":"txt","body":{"msg":"a\nb"}}'),
    *(send(f"ext {value!r}", 400, send_error("param ext must be JSONObject"), {**TO_BOB, "ext": value}) for value in each([], "x", 0)),
    send("too many", 400, send_error("params to's size can't exceed limit 600"), {**TO_BOB, "to": ["bob"] * 601}),
    send("too many groups", 400, send_error("params to's size can't exceed limit 3"), {**TO_BOB, "to": ["1"] * 4}, "chatgroups"),
    send("too many rooms", 400, send_error("params to's size can't exceed limit 10"), {**TO_BOB, "to": ["1"] * 11}, "chatrooms"),
    send("two groups for a directed message", 400, send_error("params to's size can't exceed limit 1"), {**TO_BOB, "to": ["1", "2"]}, "chatgroups/users"),
    send("a directed message to nobody", 400, send_error("param users can't be empty"), {**TO_BOB, "to": ["1"]}, "chatgroups/users"),
    send("a directed message to an empty list", 400, send_error("param users can't be empty"), {**TO_BOB, "to": ["1"], "users": []}, "chatrooms/users"),
    send("a directed message to many", 400, send_error("params users's size can't exceed limit 20"), {**TO_BOB, "to": ["1"], "users": ["u"] * 21}, "chatrooms/users"),
    send("a missing field", 400, send_error("msg.msg must be provided and be a string"), {**TO_BOB, "body": {"text": "hi"}}),
    send("an unknown type", 400, send_error("msg.type [sticker] is not supported"), {**TO_BOB, "type": "sticker"}),
    send("a custom event", 400, send_error("customEvent is not legal"), {**TO_BOB, "type": "custom", "body": {"customEvent": "a:b"}}),
    send("a blank receiver", 400, illegal("username [ ] is not legal"), {**TO_BOB, "to": ["bob", " "]}),
    send("too large", 400, TOO_LARGE, {**TO_BOB, "body": {"msg": "x" * 5200}}),
    Row("another method", "GET", "{base}/messages/users", 405, headers=AUTHORIZED),
    Row("a user's token", "POST", "{base}/messages/users", 401, json=TO_BOB, headers={"Authorization": "Bearer {ann_token}"}),
]  # fmt: skip


@pytest.mark.parametrize("row", REFUSALS, ids=str)
async def test_what_cannot_be_sent(row: Row, house: House) -> None:
    await row.check(house)
    for sender in ("ann", "admin"):
        page = await house.core.messages.direct_page(house.tenant, sender, "bob", Query(10))
        assert page.messages == []


@pytest.mark.parametrize("kind", KINDS)
async def test_every_endpoint_takes_every_type(kind: str, house: House) -> None:
    bodies: dict[str, dict[str, Any]] = {
        "txt": {"msg": "hi"},
        "img": {"url": "u"},
        "audio": {"url": "u", "length": 1},
        "video": {"url": "u", "length": 1},
        "file": {"url": "u"},
        "loc": {"lat": 1.5, "lng": "2.5", "addr": "a"},
        "cmd": {"action": "a", "param": {"b": 1}},
        "custom": {"customEvent": "e", "customExts": {"a": 1}},
    }
    more = {"users": ["bob"]} if kind.endswith("/users") else {}
    for name, body in bodies.items():
        row = send(name, 200, sent({"bob": ID}, kind), {"to": ["bob"], "type": name, "body": body, **more}, kind)
        await row.check(house)


async def group_of(house: House, *, room: bool, members: int = 3) -> tuple[str, int, list[UserKey]]:
    """A group or room with its id, its number and its members."""
    users = await house.core.users.keys(house.tenant, ["ann", "bob", "Cy"][:members])
    group = await house.core.groups.create(
        house.tenant,
        name="g",
        owner=users[0] if users else UserKey("ann", 1),
        members=users,
        dialect="easemob",
        room=room,
    )
    return number_id(house.tenant, group.number), group.number, users


async def seen(house: House, group: int, viewer: UserKey) -> int:
    return len((await house.core.messages.group_page(house.tenant, viewer, group, Query(10))).messages)


@pytest.mark.parametrize("kind", ["chatgroups", "chatrooms"])
async def test_groups_and_rooms(kind: str, house: House) -> None:
    target, number, users = await group_of(house, room=kind == "chatrooms")
    body = {**TO_BOB, "to": [target, "unknown"], "roam_ignore_users": ["cy"], "chatroom_msg_level": "low"}
    await send("to all", 200, sent({target: ID, "unknown": ID}, kind), body, kind).check(house)
    assert [await seen(house, number, user) for user in users] == [1, 1, 0]


@pytest.mark.parametrize("kind", ["chatgroups", "chatrooms"])
async def test_directed_messages_are_seen_by_who_is_named(kind: str, house: House) -> None:
    target, number, users = await group_of(house, room=kind == "chatrooms")
    body = {**TO_BOB, "to": [target], "users": ["cy"]}
    await send("to one", 200, sent({target: ID}, kind + "/users"), body, kind + "/users").check(house)
    assert [await seen(house, number, user) for user in users] == [1, 0, 1], "the sender sees it, too"
    assert (await house.core.messages.group_page(house.tenant, None, number, Query(10))).messages


async def test_a_deleted_group_takes_no_messages(house: House) -> None:
    target, number, _ = await group_of(house, room=False)
    await house.core.groups.delete(house.tenant, number)
    gone = error("resource_not_found", GROUPS + "ResourceNotFoundException", f"grpID {target} does not exist!")
    await send("deleted", 404, gone, {**TO_BOB, "to": [target]}, "chatgroups").check(house)


async def test_losses_are_said(house: House) -> None:
    response = await send("options", 200, ..., {**TO_BOB, "roam_ignore_users": ["bob"]}).check(house)
    assert response.headers["x-gateway-loss"].startswith("roam_ignore_users: ")


async def test_a_directed_message_for_who_is_online(house: House) -> None:
    target, number, users = await group_of(house, room=False)
    body = {**TO_BOB, "to": [target], "users": ["bob"], "routetype": "ROUTE_ONLINE"}
    await send("online", 200, ..., body, "chatgroups/users").check(house)
    assert [await seen(house, number, user) for user in users[1:]] == [0, 0]


async def test_the_same_key_gives_the_same_reply(house: House) -> None:
    headers = {**AUTHORIZED, "Idempotency-Key": "k1"}
    row = Row("keyed", "POST", "{base}/messages/users", 200, json=TO_BOB, headers=headers)
    first = (await row.check(house)).json()
    house.manual_clock.move(5000)
    second = (await row.check(house)).json()
    first.pop("duration"), second.pop("duration")
    assert first == second


MSG = {"msg": {"type": "txt", "msg": "to all"}, "from": "ann", "chatroom_msg_level": "low"}
BROADCAST = "chatrooms/broadcast"


async def test_broadcasts_have_to_be_switched_on(house: House) -> None:
    text = "message broadcast service is unopened"
    body = error("forbidden_op", "EasemobForbiddenOpException", text)
    await send("off", 403, body, MSG, BROADCAST).check(house)


class TestBroadcast:
    @pytest.fixture
    async def house(self, embedded_engine: Engine) -> AsyncIterator[House]:
        async with open_house(embedded_engine.url, [create({"broadcast": True})]) as house:
            await settle(house)
            yield house

    async def test_it_reaches_every_room_with_members(self, house: House) -> None:
        rooms = [await group_of(house, room=True) for _ in range(3)]
        group = await group_of(house, room=False)
        ended = await group_of(house, room=True)
        await house.core.groups.delete(house.tenant, ended[1])
        response = await send("all", 200, sent({"id": int}, BROADCAST), MSG, BROADCAST).check(house)
        assert 10**18 <= response.json()["data"]["id"] < 10**19
        for _, number, users in rooms:
            assert await seen(house, number, users[1]) == 1
        assert await seen(house, group[1], group[2][1]) == 0

    async def test_no_room_is_no_failure(self, house: House) -> None:
        await send("none", 200, sent({"id": int}, BROADCAST), MSG, BROADCAST).check(house)

    ROWS = (
        send("an empty sender", 400, illegal("from can't be empty"), {**MSG, "from": ""}, BROADCAST),
        send("no message", 400, illegal("msg must be provided"), {"from": "ann"}, BROADCAST),
        *(
            send(f"ext {value!r}", 400, illegal("ext must be JSONObject"), {**MSG, "ext": value}, BROADCAST)
            for value in each(None, [], "x")
        ),
        send("no JSON", 400, UNREADABLE, None, BROADCAST, content=b"{"),
        send("too large", 400, TOO_LARGE, {**MSG, "ext": {"a": "x" * 5200}}, BROADCAST),
        Row("no token", "POST", "{base}/messages/chatrooms/broadcast", 401, json=MSG),
    )

    @pytest.mark.parametrize("row", ROWS, ids=str)
    async def test_refusals(self, row: Row, house: House) -> None:
        await row.check(house)


async def test_a_missing_token_is_said_as_at_the_classic_endpoint(house: House) -> None:
    body = error("unauthorized", "ChatSecurityException", "Unable to authenticate (OAuth)")
    await Row("none", "POST", "{base}/messages/users", 401, body, TO_BOB).check(house)
    body = error("unauthorized", EASEMOB_SECURITY, "Unable to authenticate (OAuth)")
    await Row("none", "GET", "{base}/chatmessages/2025061512", 401, body).check(house)
