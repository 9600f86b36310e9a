"""`POST /messages`: what is sent, to whom, and every way to get it wrong."""

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from adapters.easemob import create
from adapters.easemob.ids import number_id, own_number
from core.messages import Query
from core.model import Image, MessageKind, Stored, Text
from tests.adapters.easemob.conftest import settle
from tests.adapters.easemob.shapes import AUTHORIZED, GROUPS, each, error, illegal, success
from tests.harness import Effect, House, Row, open_house
from tests.servers import Engine

HI = {"type": "txt", "msg": "hi"}
TO_BOB = {"target_type": "users", "target": ["bob"], "msg": HI}
SENT = Query(10, kinds=1 << MessageKind.MESSAGE)
"""What was sent, without what is said of changes in a group."""
ID = re.compile(r"[4-9][0-9]{18}")


def sent(data: dict[str, Any]) -> dict[str, Any]:
    return success("post", "/messages", path="/messages", entities=[], data=data)


def send(label: str, status: int, body: Any, json: Any, **more: Any) -> Row:
    return Row(label, "POST", "{base}/messages", status, body, json, headers=AUTHORIZED, **more)


async def direct(house: House, one: str, other: str) -> list[Stored]:
    return (await house.core.messages.direct_page(house.tenant, one, other, Query(10))).messages


def stores(sender: str, receiver: str, texts: list[str]) -> Effect:
    """That the conversation of the two holds these texts of the sender, newest first."""

    async def effect(house: House, _: httpx.Response) -> None:
        found = await direct(house, sender, receiver)
        assert [row.message.content for row in found] == [Text(text) for text in texts]
        assert {row.message.sender for row in found} == {sender}

    return effect


async def stores_nothing(house: House, _: httpx.Response) -> None:
    for sender in ("admin", "user1"):
        for receiver in ("bob", "ann", "admin"):
            assert await direct(house, sender, receiver) == []


async def ids_are_those_stored(house: House, response: httpx.Response) -> None:
    for receiver, text in response.json()["data"].items():
        stored = await house.core.messages.get(house.tenant, int(text))
        assert stored is not None
        assert [row.id for row in await direct(house, "admin", receiver)] == [stored.id]


SENDS = [
    send("to one", 200, sent({"bob": "success"}), TO_BOB, effect=stores("admin", "bob", ["hi"])),
    send("to several", 200, sent({"bob": "success", "ann": "success"}), {**TO_BOB, "target": ["bob", "ann"]}, effect=stores("admin", "ann", ["hi"])),
    send("to somebody unknown", 200, sent({"who": "success"}), {**TO_BOB, "target": ["who"]}, effect=stores("admin", "who", ["hi"])),
    send("to a name in another case", 200, sent({"BoB": "success"}), {**TO_BOB, "target": ["BoB"]}, effect=stores("admin", "bob", ["hi"])),
    send("to the same twice", 200, sent({"bob": "success"}), {**TO_BOB, "target": ["bob", "bob"]}, effect=stores("admin", "bob", ["hi"])),
    send("to the same in two cases", 200, sent({"bob": "success", "BOB": "success"}), {**TO_BOB, "target": ["bob", "BOB"]}, effect=stores("admin", "bob", ["hi"])),
    send("to a user of another dialect", 200, sent({"cy": "success"}), {**TO_BOB, "target": ["cy"]}, effect=stores("admin", "Cy", ["hi"])),
    send("to an escaped name", 200, sent({"_-_43y": "success"}), {**TO_BOB, "target": ["_-_43y"]}, effect=stores("admin", "Cy", ["hi"])),
    send("to a name and its escape", 200, sent({"cy": "success", "_-_43y": "success", "bob": "success"}), {**TO_BOB, "target": ["cy", "_-_43y", "bob"]}, effect=stores("admin", "Cy", ["hi"])),
    send("to what only looks escaped", 200, sent({"_-_zz": "success"}), {**TO_BOB, "target": ["_-_zz"]}, effect=stores("admin", "_-_zz", ["hi"])),
    send("to a name that could not be registered", 200, sent({"a b@c": "success"}), {**TO_BOB, "target": ["a b@c"]}, effect=stores("admin", "a b@c", ["hi"])),
    send("to a number", 200, sent({"17": "success"}), {**TO_BOB, "target": [17]}, effect=stores("admin", "17", ["hi"])),
    send("to oneself", 200, sent({"ann": "success"}), {**TO_BOB, "target": ["ann"], "from": "ann"}, effect=stores("ann", "ann", ["hi"])),
    send("from somebody unknown", 200, sent({"bob": "success"}), {**TO_BOB, "from": "User1"}, effect=stores("user1", "bob", ["hi"])),
    send("from a user of another dialect", 200, sent({"bob": "success"}), {**TO_BOB, "from": "CY"}, effect=stores("Cy", "bob", ["hi"])),
    send("from a number", 200, sent({"bob": "success"}), {**TO_BOB, "from": 17}, effect=stores("17", "bob", ["hi"])),
    send("from nobody", 200, sent({"bob": "success"}), {**TO_BOB, "from": None}, effect=stores("admin", "bob", ["hi"])),
    send("with the alias text", 200, sent({"bob": "success"}), {**TO_BOB, "msg": {"type": "text", "msg": "hi"}}, effect=stores("admin", "bob", ["hi"])),
    send("with an empty extension", 200, sent({"bob": "success"}), {**TO_BOB, "ext": {}}, effect=stores("admin", "bob", ["hi"])),
    send("with nested extension", 200, sent({"bob": "success"}), {**TO_BOB, "ext": {"a": {"b": [1, None, 2.5]}, "em_ignore_notification": True}}, effect=stores("admin", "bob", ["hi"])),
    send("with what clients add", 200, sent({"bob": "success"}), {**TO_BOB, "routetype": "", "sync_device": True, "x": {"y": []}}, effect=stores("admin", "bob", ["hi"])),
    send("an empty text", 200, sent({"bob": "success"}), {**TO_BOB, "msg": {"type": "txt", "msg": ""}}, effect=stores("admin", "bob", [""])),
    send("any text", 200, sent({"bob": "success"}), {**TO_BOB, "msg": {"type": "txt", "msg": "\u0000\u202e\U0001f600\n"}}, effect=stores("admin", "bob", ["\u0000\u202e\U0001f600\n"])),
    send("with ids", 200, sent({"bob": ID, "ann": ID}), {**TO_BOB, "target": ["bob", "ann"]}, query={"useMsgId": "true"}, effect=ids_are_those_stored),
    send("with ids for one receiver in two cases", 200, sent({"bob": ID, "BOB": ID}), {**TO_BOB, "target": ["bob", "BOB"]}, query={"useMsgId": "true"}),
    send("ids that nobody wants", 200, sent({"bob": "success"}), TO_BOB, query={"useMsgId": "false"}),
    send("another query", 200, sent({"bob": "success"}), TO_BOB, query={"useMsgIds": "true"}),
    send("to six hundred", 200, ..., {**TO_BOB, "target": [str(n) for n in range(600)]}, effect=stores("admin", "599", ["hi"])),
]  # fmt: skip


@pytest.mark.parametrize("row", SENDS, ids=str)
async def test_sending_to_users(row: Row, house: House) -> None:
    await row.check(house)


def refused(label: str, body: Any, json: Any, status: int = 400, **more: Any) -> Row:
    return send(label, status, body, json, effect=stores_nothing, **more)


NO_TARGET = illegal("target must be provided")
NO_MSG = illegal("msg must be provided")
TYPES = illegal("target_type can only be 'users' or 'chatgroups' or 'chatrooms'")
REFUSALS = [
    refused("nothing", illegal("target_type must be provided"), {}),
    refused("no target type", illegal("target_type must be provided"), {**TO_BOB, "target_type": None}),
    *(refused(f"target type {value!r}", TYPES, {**TO_BOB, "target_type": value}) for value in each("user", "", "Users", 1, [], {})),
    refused("an empty sender", illegal("from can't be empty"), {**TO_BOB, "from": ""}),
    refused("an empty sender goes before no target", illegal("from can't be empty"), {"target_type": "users", "from": ""}),
    *(refused(f"sender {value!r}", illegal("from must be a string"), {**TO_BOB, "from": value}) for value in each(True, [], {}, 1.5)),
    refused("a blank sender", illegal("username [ ] is not legal"), {**TO_BOB, "from": " "}),
    refused("a sender with a control character", illegal("username [a\u0007] is not legal"), {**TO_BOB, "from": "a\u0007"}),
    refused("too long a sender", illegal(f"username [{'s' * 256}] is not legal"), {**TO_BOB, "from": "s" * 256}),
    *(refused(f"target {value!r}", NO_TARGET, {**TO_BOB, "target": value}) for value in each(None, [], "bob", {}, 1)),
    *(refused(f"one target {value!r}", illegal("target must be an array of strings"), {**TO_BOB, "target": ["bob", value]}) for value in each(None, [], {}, 1.5, True)),
    refused("one empty target", illegal("username [] is not legal"), {**TO_BOB, "target": ["bob", ""]}),
    refused("one target with a control character", illegal("username [a\u0000] is not legal"), {**TO_BOB, "target": ["bob", "a\u0000"]}),
    refused("one target too long", illegal(f"username [{'t' * 256}] is not legal"), {**TO_BOB, "target": ["bob", "t" * 256]}),
    refused("one escaped target and one too long", illegal(f"username [{'t' * 256}] is not legal"), {**TO_BOB, "target": ["_-_43y", "t" * 256]}),
    refused("too many targets", illegal("params to's size can't exceed limit 600"), {**TO_BOB, "target": ["bob"] * 601}),
    *(refused(f"msg {value!r}", NO_MSG, {**TO_BOB, "msg": value}) for value in each(None, [], "hi", 1)),
    *(refused(f"ext {value!r}", illegal("param ext must be JSONObject"), {**TO_BOB, "ext": value}) for value in each(None, [], "x", 1, True)),
    refused("no type", illegal("msg.type must be provided"), {**TO_BOB, "msg": {"msg": "hi"}}),
    *(
        refused(f"type {value}", illegal(f"msg.type [{value}] is not supported"), {**TO_BOB, "msg": {"type": value, "msg": "hi", "url": "u"}})
        for value in each("sticker", "image", "TXT", "")
    ),
    refused("a type of a wrong type", illegal("msg.type must be a string"), {**TO_BOB, "msg": {"type": ["txt"]}}),
    refused("no text", illegal("msg.msg must be provided and be a string"), {**TO_BOB, "msg": {"type": "txt"}}),
    refused("a text of a wrong type", illegal("msg.msg must be provided and be a string"), {**TO_BOB, "msg": {"type": "txt", "msg": 1}}),
    refused("a picture without URL", illegal("msg.url must be provided"), {**TO_BOB, "msg": {"type": "img"}}),
    refused("a custom message without an event", illegal("customEvent is not legal"), {**TO_BOB, "msg": {"type": "custom"}}),
    refused("a custom event with a colon", illegal("customEvent is not legal"), {**TO_BOB, "msg": {"type": "custom", "customEvent": "a:b"}}),
    refused("a custom event of 33 characters", illegal("customEvent is not legal"), {**TO_BOB, "msg": {"type": "custom", "customEvent": "e" * 33}}),
    refused("17 custom values", illegal("customExts size can't exceed 16"), {**TO_BOB, "msg": {"type": "custom", "customEvent": "e", "customExts": {str(n): "" for n in range(17)}}}),
    refused("a list", illegal("this is an invalid request."), [TO_BOB]),
]  # fmt: skip


@pytest.mark.parametrize("row", REFUSALS, ids=str)
async def test_what_cannot_be_sent(row: Row, house: House) -> None:
    await row.check(house)


LARGE = error("Request Entity Too Large", ..., "Request Entity Too Large")


def padded(length: int) -> bytes:
    """A whole body of this many bytes; the blanks count."""
    body = b'{"target_type":"users","target":["bob"],"msg":{"type":"txt","msg":"hi"}}'
    return body + b" " * (length - len(body))


SIZES = [
    send("a body of 5120 bytes", 200, ..., None, content=padded(5120)),
    refused("a body of 5121 bytes", LARGE, None, 413, content=padded(5121)),
    refused("a body too large goes before one that is wrong", LARGE, None, 413, content=b"{" * 6000),
    refused("too large text and extension", illegal("message is too large"), None, content=b'{"target_type":"users","target":["bob"],"msg":{"type":"txt","msg":"' + b"x" * 4000 + b'"},"ext":{"a":"' + b"x" * 89 + b'"}}'),
    refused("too large a place and extension", illegal("message is too large"), None, content=b'{"target_type":"users","target":["bob"],"msg":{"type":"loc","lat":1,"lng":1,"addr":"' + b"x" * 4000 + b'"},"ext":{"a":"' + b"x" * 89 + b'"}}'),
    send("a large command", 200, ..., None, content=b'{"target_type":"users","target":["bob"],"msg":{"type":"cmd","action":"' + b"x" * 4500 + b'"}}'),
    send("just not too large", 200, ..., None, content=b'{"target_type":"users","target":["bob"],"msg":{"type":"txt","msg":"' + b"x" * 4000 + b'"},"ext":{"a":"' + b"x" * 88 + b'"}}'),
]  # fmt: skip


@pytest.mark.parametrize("row", SIZES, ids=str)
async def test_sizes(row: Row, house: House) -> None:
    await row.check(house)


async def test_bytes_are_counted_not_characters(house: House) -> None:
    body = '{"target_type":"users","target":["bob"],"msg":{"type":"txt","msg":"' + "é" * 2049 + '"}}'
    too_large = illegal("message is too large")
    await refused("4098 bytes", too_large, None, content=body.encode()).check(house)


async def test_a_picture_has_no_limit_but_the_body(house: House) -> None:
    msg = {"type": "img", "url": "u" * 4200}
    await send("picture", 200, ..., {**TO_BOB, "msg": msg}).check(house)


async def test_a_size_beside_the_picture_is_its_size(house: House) -> None:
    body = {**TO_BOB, "msg": {"type": "img", "url": "u"}, "size": {"width": 480, "height": 720}}
    await send("picture", 200, ..., body).check(house)
    (stored,) = await direct(house, "admin", "bob")
    assert stored.message.content == Image(url="u", width=480.0, height=720.0)


async def test_losses_are_said(house: House) -> None:
    options = {"roam_ignore_users": ["ann"], "need_group_ack": True, "sync_device": True}
    response = await send("options", 200, ..., {**TO_BOB, **options}).check(house)
    assert response.headers["x-gateway-loss"].startswith("roam_ignore_users: ")
    (stored,) = await direct(house, "admin", "bob")
    assert stored.message.leftovers == options


@pytest.mark.parametrize("target_type", ["users", "chatgroups"])
async def test_who_is_offline_gets_nothing_of_what_is_for_who_is_online(target_type: str, house: House) -> None:
    target, number = "bob", 0
    if target_type == "chatgroups":
        target = await create_group(house, members=["bob"])
        number = own_number(house.tenant, target) or 0
    body = {"target_type": target_type, "target": [target], "msg": HI, "from": "ann", "roam_ignore_users": []}
    for route in ("ROUTE_ONLINE", "", "ROUTE_OFFLINE"):
        await send(route, 200, ..., {**body, "routetype": route}).check(house)
    bob = await house.core.users.key(house.tenant, "bob")
    if number:
        page = await house.core.messages.group_page(house.tenant, bob, number, SENT)
    else:
        page = await house.core.messages.direct_page(house.tenant, "ann", "bob", SENT, bob)
    assert [(row.message.leftovers or {})["routetype"] for row in page.messages] == ["ROUTE_OFFLINE", ""]


async def test_an_ordinary_send_loses_nothing(house: House) -> None:
    response = await send("plain", 200, ..., {**TO_BOB, "routetype": "", "need_group_ack": False}).check(house)
    assert "x-gateway-loss" not in response.headers


async def test_the_same_key_gives_the_same_reply(house: House) -> None:
    row = Row(
        "keyed",
        "POST",
        "{base}/messages",
        200,
        json=TO_BOB,
        query={"useMsgId": "true"},
        headers={**AUTHORIZED, "Idempotency-Key": "k1"},
    )
    first = (await row.check(house)).json()
    house.manual_clock.move(5000)
    second = (await row.check(house)).json()
    first.pop("duration"), second.pop("duration")
    assert first == second
    assert len(await direct(house, "admin", "bob")) == 1


async def test_the_uri_is_the_callers_own(house: House) -> None:
    path = house.names["base"] + "//messages/"
    headers = {"Authorization": f"Bearer {house.names['token']}"}
    response = await house.client.post(f"http://chat.example:81{path}?useMsgId=true", json=TO_BOB, headers=headers)
    assert response.json()["uri"] == f"http://chat.example:81{path}"


async def create_group(house: House, **fields: Any) -> str:
    body = {"groupname": "g", "public": True, "owner": "ann", **fields}
    response = await Row("group", "POST", "{base}/chatgroups", 200, json=body, headers=AUTHORIZED).check(house)
    return str(response.json()["data"]["groupid"])


async def test_who_is_to_be_left_out_of_a_group_message_is(house: House) -> None:
    await house.core.users.register(house.tenant, "eve")
    group = await create_group(house, members=["bob", "eve"])
    many = [f"user{number}" for number in range(21)]
    for ignored, lost in ((["eve"], None), ([], None), ("eve", "roam"), ([7, "eve"], "roam"), (many, "roam")):
        body = {**to_group(group), "roam_ignore_users": ignored}
        response = await send("left out", 200, ..., body).check(house)
        assert response.headers.get("x-gateway-loss", "").startswith(lost or "")
    bob, eve = await house.core.users.keys(house.tenant, ["bob", "eve"])
    number = own_number(house.tenant, group)
    assert number is not None
    for viewer, count in ((bob, 5), (eve, 3)):
        page = await house.core.messages.group_page(house.tenant, viewer, number, SENT)
        assert len(page.messages) == count
    row = await house.core.conversations.group(house.tenant, eve, number)
    assert row is not None
    assert row.unread == 3


async def in_group(house: House, number: int) -> list[tuple[str, Text]]:
    page = await house.core.messages.group_page(house.tenant, None, number, Query(10))
    return [(row.message.sender, row.message.content) for row in page.messages if isinstance(row.message.content, Text)]


def to_group(*targets: Any) -> dict[str, Any]:
    return {"target_type": "chatgroups", "target": list(targets), "msg": HI, "from": "bob"}


async def test_sending_to_a_group(house: House) -> None:
    group = await create_group(house)
    await send("group", 200, sent({group: "success"}), to_group(group)).check(house)
    number = own_number(house.tenant, group)
    assert number is not None
    assert await in_group(house, number) == [("bob", Text("hi"))]


async def test_sending_to_a_group_by_its_chosen_id_and_as_a_number(house: House) -> None:
    await create_group(house, groupid="12345")
    await send("group", 200, sent({"12345": "success"}), to_group(12345, "12345")).check(house)
    number = await house.core.groups.alias(house.tenant, "easemob", "12345")
    assert number is not None
    assert await in_group(house, number) == [("bob", Text("hi"))]


async def test_what_is_sent_to_an_unknown_group_waits_for_it(house: House) -> None:
    row = send("unknown", 200, sent({"soon": ID}), to_group("soon"), query={"useMsgId": "true"})
    await row.check(house)
    await create_group(house, groupid="soon")
    await row.check(house)
    number = await house.core.groups.alias(house.tenant, "easemob", "soon")
    assert number is not None
    assert await in_group(house, number) == [("bob", Text("hi"))] * 2


async def test_another_tenants_group_is_not_reached(house: House) -> None:
    number = own_number(house.tenant, await create_group(house))
    assert number is not None
    stranger = await house.core.tenants.add(house.tenant.name + "-other")
    foreign = number_id(stranger, number)
    await send("foreign", 200, sent({foreign: "success"}), to_group(foreign)).check(house)
    assert await in_group(house, number) == []


@pytest.mark.parametrize("target", ["", " g", "g\u0000", "g" * 256])
async def test_what_cannot_be_a_group(target: str, house: House) -> None:
    group = await create_group(house)
    body = illegal(f"group ID {target} is not legal")
    await send("illegal", 400, body, to_group(group, target)).check(house)
    number = own_number(house.tenant, group)
    assert number is not None
    assert await in_group(house, number) == []


async def test_a_deleted_group_takes_no_messages(house: House) -> None:
    group = await create_group(house)
    number = own_number(house.tenant, group)
    assert number is not None
    await house.core.groups.delete(house.tenant, number)
    gone = error("resource_not_found", GROUPS + "ResourceNotFoundException", f"grpID {group} does not exist!")
    await send("deleted", 404, gone, to_group("other", group)).check(house)


async def test_a_disabled_group_takes_no_messages(house: House) -> None:
    group = await create_group(house)
    number = own_number(house.tenant, group)
    assert number is not None
    await house.core.groups.update(house.tenant, number, disabled=True)
    body = error("forbidden_op", GROUPS + "ForbiddenOpException", "The group is disabled")
    await send("disabled", 403, body, to_group(group)).check(house)
    await house.core.groups.update(house.tenant, number, disabled=False, muted=True)
    await send("muted", 200, ..., to_group(group)).check(house)


async def test_sending_to_a_room(house: House) -> None:
    ann, bob = await house.core.users.keys(house.tenant, ["ann", "bob"])
    room = await house.core.groups.create(
        house.tenant, name="r", owner=ann, members=[ann, bob], dialect="easemob", room=True
    )
    target = number_id(house.tenant, room.number)
    body = {**to_group(target), "target_type": "chatrooms", "chatroom_msg_level": "HIGH"}
    await send("room", 200, sent({target: "success"}), body).check(house)
    await send("unknown room", 200, sent({"1": "success"}), {**body, "target": ["1"]}).check(house)
    page = await house.core.messages.group_page(house.tenant, ann, room.number, Query(10))
    assert [(row.message.content, row.message.leftovers) for row in page.messages] == [
        (Text("hi"), {"chatroom_msg_level": "HIGH"})
    ]


class TestOptions:
    @pytest.fixture
    async def house(self, embedded_engine: Engine) -> AsyncIterator[House]:
        options = {"strict": False, "message_body_limit_bytes": 200, "message_content_limit_bytes": 20}
        async with open_house(embedded_engine.url, [create(options)]) as house:
            await settle(house)
            yield house

    ROWS = (
        send("ext null", 200, sent({"bob": "success"}), {**TO_BOB, "ext": None}),
        send("an unknown type", 200, sent({"bob": "success"}), {**TO_BOB, "msg": {"type": "sticker", "id": 7}}),
        send("a custom message without an event", 200, sent({"bob": "success"}), {**TO_BOB, "msg": {"type": "custom"}}),
        send(
            "any custom event",
            200,
            sent({"bob": "success"}),
            {**TO_BOB, "msg": {"type": "custom", "customEvent": "a:b"}},
        ),
        refused("a smaller body", LARGE, None, 413, content=padded(201)),
        refused("a smaller text", illegal("message is too large"), {**TO_BOB, "msg": {"type": "txt", "msg": "x" * 21}}),
        send("still small enough", 200, ..., {**TO_BOB, "msg": {"type": "txt", "msg": "x" * 20}}),
    )

    @pytest.mark.parametrize("row", ROWS, ids=str)
    async def test_options(self, row: Row, house: House) -> None:
        await row.check(house)
