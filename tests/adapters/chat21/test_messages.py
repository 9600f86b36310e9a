"""Sending, and reading a timeline: through the application, on a real store."""

import asyncio
import re
from typing import Any
from urllib.parse import quote

import pytest
from msgspec import structs

from adapters.chat21.ids import number_id
from core.files import file_reference
from core.ids import Ids, new_file_id
from core.messages import Query
from core.model import Event, Image, Message, Signal, Text
from tests.adapters.chat21.conftest import (
    Token,
    as_user,
    conversations,
    history,
    said,
    send,
    signed,
    stock_claims,
)
from tests.harness import NOON, House, Row

POST = "/api/{app}/messages"
UUID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
OBJECT_ID = re.compile("[0-9a-f]{24}")
DONE = {"success": True, "message_id": UUID}
MANDATORY = {"sender_fullname": "A One", "recipient_id": "user2", "recipient_fullname": "B Two"}
NAME_TEXT = "must have 1 to 255 bytes and no control characters"


def bad(label: str, status: int, text: Any, **row: Any) -> Row:
    return Row(label, "POST", POST, status, text, headers=as_user("user1"), **row)


def typed(content: bytes, media_type: str) -> dict[str, Any]:
    return {"content": content, "headers": {**as_user("user1"), "Content-Type": media_type}}


SENDER, RECIPIENT = "Sender Fullname is mandatory", "Recipient id is mandatory"
RECIPIENT_NAME = "Recipient Fullname is mandatory"
REFUSED = [
    bad("nothing", 405, SENDER, json={}),
    bad("no body", 405, SENDER),
    bad("name before id", 405, SENDER, json={"recipient_fullname": "B"}),
    bad("id before the recipient's name", 405, RECIPIENT, json={"sender_fullname": "A"}),
    bad("the recipient's name last", 405, RECIPIENT_NAME, json={"sender_fullname": "A", "recipient_id": "user2"}),
    bad("an array", 405, SENDER, json=[MANDATORY]),
    *(bad(f"a name of {value!r}", 405, SENDER, json={**MANDATORY, "sender_fullname": value}) for value in ("", None, 0, False)),
    *(bad(f"an id of {value!r}", 405, RECIPIENT, json={**MANDATORY, "recipient_id": value}) for value in ("", None, 0, 0.0)),
    *(
        bad(f"an id that is {value!r}", 405, RECIPIENT, json={**MANDATORY, "recipient_id": value})
        for value in (True, {}, [], ["user2"], {"id": "user2"}, 1.5)
    ),
    *(
        bad(f"an id that can't be held: {value[:9]!r}", 405, f"recipient_id {NAME_TEXT}", json={**MANDATORY, "recipient_id": value})
        for value in ("a" * 256, "é" * 128, "a\u0000b", "a\nb", " user2", "group-\u0007", "\u200b")
    ),
    bad(
        "a group's id that can't be held",
        405,
        f"recipient_id {NAME_TEXT}",
        json={**MANDATORY, "recipient_id": "a\t", "channel_type": "group"},
    ),
]  # fmt: skip
UNREADABLE = [
    (typed(b'{"sender_fullname":', "application/json"), 400, "SyntaxError: "),
    (typed(b"", "application/json; charset=latin1"), 415, "UnsupportedMediaTypeError: unsupported charset"),
    (typed(b'"text"', "application/json"), 400, "SyntaxError: "),
    (typed(b"null", "application/json"), 400, "SyntaxError: "),
    (typed(b"  ", "application/json"), 400, "SyntaxError: "),
    (typed(b'{"text":"\\ud800"}', "application/json"), 400, "SyntaxError: "),
    (typed(b'{"text":"\xff"}', "application/json"), 400, "SyntaxError: "),
    (typed(b'{"text":"a\nb"}', "application/json"), 400, "SyntaxError: "),
    (typed(b'{"n":1e999}', "application/json"), 400, "SyntaxError: "),
    (typed(b'{"a":' * 100 + b"1" + b"}" * 100, "application/json"), 400, "SyntaxError: "),
    (typed(b"[" * 50_000, "application/json"), 400, "SyntaxError: "),
    (typed(b'{"text":"' + b"a" * 102_400 + b'"}', "application/json"), 413, "PayloadTooLargeError: request entity too large"),
]  # fmt: skip


@pytest.mark.parametrize("row", REFUSED, ids=str)
async def test_what_can_not_be_sent(house: House, row: Row) -> None:
    response = await row.check(house)
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert await conversations(house, "user1") == []


@pytest.mark.parametrize(("request_parts", "status", "text"), UNREADABLE)
async def test_what_can_not_be_read(house: House, request_parts: dict[str, Any], status: int, text: str) -> None:
    for headers in (request_parts["headers"], {"Content-Type": request_parts["headers"]["Content-Type"]}):
        row = Row("", "POST", POST, status, content=request_parts["content"], headers=headers)
        response = await row.check(house)
        assert "<!DOCTYPE html>" in response.text
        assert text in response.text
        assert response.headers["access-control-allow-origin"] == "*"
    assert await conversations(house, "user1") == []


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""])
async def test_other_media_types_are_an_empty_body(house: House, media_type: str) -> None:
    parts = typed(b'{"sender_fullname":"A","recipient_id":"user2","recipient_fullname":"B"}', media_type)
    await Row("", "POST", POST, 405, SENDER, **parts).check(house)
    await Row("", "POST", POST, 405, SENDER, **typed(b"{not json" + b" " * 200_000, media_type)).check(house)


@pytest.mark.parametrize(
    "media_type", ["application/json", "APPLICATION/JSON ; Charset=UTF-8", 'application/json;charset="utf-8"']
)
async def test_json_is_read_whatever_its_parameters(house: House, media_type: str) -> None:
    content = b'\xef\xbb\xbf {"sender_fullname":"A","recipient_id":"user2","recipient_fullname":"B"}'
    await Row("", "POST", POST, 200, DONE, **typed(content, media_type)).check(house)


async def test_a_message_is_in_both_timelines_whole(house: House) -> None:
    attributes = {"x": 1, "deep": {"list": [None, True, 1.5, "ü\u2028\U0001f600"]}}
    body = {**MANDATORY, "text": "hi", "type": "text", "channel_type": "direct", "attributes": attributes}
    response = await Row("", "POST", POST, 200, DONE, body, headers=as_user("user1")).check(house)
    message = {
        "_id": OBJECT_ID,
        "message_id": response.json()["message_id"],
        "text": "hi",
        "type": "text",
        "sender": "user1",
        "sender_fullname": "A One",
        "recipient": "user2",
        "recipient_fullname": "B Two",
        "channel_type": "direct",
        "app_id": "{app}",
        "timestamp": NOON,
        "status": 100,
        "timelineOf": "user1",
        "conversWith": "user2",
        "attributes": attributes,
    }
    path = "/api/{app}/user1/conversations/user2/messages"
    await Row("", "GET", path, 200, {"success": True, "result": [message]}, headers=as_user("user1")).check(house)
    message |= {"status": 150, "timelineOf": "user2", "conversWith": "user1"}
    path = "/api/{app}/user2/conversations/user1/messages"
    await Row("", "GET", path, 200, {"success": True, "result": [message]}, headers=as_user("user2")).check(house)
    assert await history(house, "user3", "user1") == []
    assert house.log.requests[-1]["operation"] == "messages.list"


SYNC = POST + "/sync"


async def test_the_synchronous_send_shows_the_senders_copy(house: House) -> None:
    body = {**MANDATORY, "text": "hi", "attributes": {"x": 1}}
    query = {"mqtt_endpoint": "ws://127.0.0.1:1/ws", "chatapi_endpoint": "http://127.0.0.1:1/api"}
    message = {
        "message_id": UUID,
        "text": "hi",
        "sender": "user1",
        "sender_fullname": "A One",
        "recipient": "user2",
        "recipient_fullname": "B Two",
        "channel_type": "direct",
        "app_id": "{app}",
        "timestamp": NOON,
        "status": 100,
        "attributes": {"x": 1},
    }
    answer = {"success": True, "message": message}
    headers = {**as_user("user1"), "Idempotency-Key": "once"}
    first = await Row("", "POST", SYNC, 200, answer, body, headers=headers, query=query).check(house)
    again = await Row("", "POST", SYNC, 200, answer, {**body, "text": "other"}, headers=headers).check(house)
    assert again.json() == first.json()
    (row,) = await history(house, "user2", "user1")
    assert row["message_id"] == first.json()["message"]["message_id"]
    for refused in REFUSED:
        sync = Row(refused.label, "POST", SYNC, 405, refused.body, refused.json, headers=refused.headers)
        await sync.check(house)


async def test_the_synchronous_send_to_a_group(house: House) -> None:
    body = {
        **MANDATORY,
        "recipient_id": "team",
        "recipient_fullname": "Team",
        "channel_type": "group",
        "timestamp": 1234,
    }
    response = await Row("", "POST", SYNC, 200, ..., body, headers=as_user("user1")).check(house)
    message = response.json()["message"]
    shown = (message["recipient"], message["recipient_fullname"], message["status"], message["timestamp"])
    assert shown == ("team", "Team", 150, 1234)
    assert message.keys().isdisjoint({"_id", "timelineOf", "conversWith", "absent"})


async def test_what_is_sent_aside_moves_no_list(house: House) -> None:
    await send(house, "user1", "user2", text="said")
    before = [await conversations(house, user) for user in ("user1", "user2")]
    house.manual_clock.move(5)
    for number, value in enumerate((False, True, 0, None)):
        await send(house, "user1", "user3", text="aside", attributes={"updateconversation": value})
        assert len(await conversations(house, "user3")) == min(number, 1)
    await send(house, "user1", "user2", text="aside", attributes={"updateconversation": False})
    assert [row["text"] for row in await history(house, "user2", "user1")] == ["aside", "said"]
    assert [await conversations(house, user) for user in ("user2",)] == before[1:]
    assert (await conversations(house, "user1", "conversations/user2")) == before[0]


@pytest.mark.parametrize("hidden", ["user2", "user9", "user1", "", 5, ["user2"], {}, "a\0b"])
async def test_a_groups_message_may_pass_a_member(house: House, hidden: Any) -> None:
    body = {"group_name": "G1", "group_members": {"user2": 1, "user3": 1}, "group_id": "group-own"}
    await Row("", "POST", "/api/{app}/groups", 201, ..., body, headers=as_user("user1")).check(house)
    house.manual_clock.move(10)
    await send(house, "user1", "group-own", text="hi", attributes={"hiddenFor": hidden})
    for user in ("user1", "user2", "user3"):
        passed = user == hidden != "user1"
        assert await said(house, user, "group-own") == ([] if passed else ["hi"])
        (row,) = await conversations(house, user)
        assert (row["last_message_text"] == "hi") is not passed
    # In a direct conversation it says nothing.
    await send(house, "user1", "user2", text="hi", attributes={"hiddenFor": "user2"})
    assert await said(house, "user2", "user1") == ["hi"]


async def test_what_is_absent_stays_absent_and_null_stays_null(house: House) -> None:
    await send(house, "user1", "user2")
    (row,) = await history(house, "user1", "user2")
    assert row.keys().isdisjoint({"text", "type", "attributes", "metadata", "absent", "recipient_id"})
    assert row["channel_type"] == "direct"
    await send(house, "user1", "user2", text=None, type=None, attributes=None, metadata="", timestamp=0)
    row = (await history(house, "user1", "user2"))[0]
    assert (row["text"], row["type"]) == (None, None)
    assert row.keys().isdisjoint({"attributes", "metadata"})


async def test_the_clients_timestamp_is_shown_and_does_not_order(house: House) -> None:
    await send(house, "user1", "user2", text="first", timestamp=1234)
    house.manual_clock.move(5)
    await send(house, "user1", "user2", text="second", timestamp=99)
    rows = await history(house, "user2", "user1")
    assert [(row["text"], row["timestamp"]) for row in rows] == [("second", 99), ("first", 1234)]


async def test_what_the_server_assigns_can_not_be_sent(house: House) -> None:
    assigned: dict[str, Any] = {
        "timelineOf": "user3",
        "conversWith": "user3",
        "sender_id": "user3",
        "__history": "true",
    }
    assigned |= {"message_id": "x", "sender": "user3", "recipient": "user3", "app_id": "x", "status": 300, "_id": "x"}
    response = await Row("", "POST", POST, 200, DONE, {**MANDATORY, **assigned}, headers=as_user("user1")).check(house)
    message = response.json()["message_id"]
    (row,) = await history(house, "user1", "user2")
    shown = (row["message_id"], row["sender"], row["recipient"], row["app_id"], row["status"], row["timelineOf"])
    assert shown == (message, "user1", "user2", house.names["app"], 100, "user1")
    assert await history(house, "user3", "user2") == []


async def test_an_administrator_speaks_for_others(house: House, token: Token) -> None:
    await send(house, "admin", "user2", text="as user1", sender_id="user1")
    await send(house, "admin", "user2", text="as a notice", sender_id="system")
    await send(house, "admin", "user2", text="as itself")
    assert [row["sender"] for row in await history(house, "user1", "user2")] == ["user1"]
    assert [row["text"] for row in await history(house, "user2", "system")] == ["as a notice"]
    assert [row["text"] for row in await history(house, "user2", "100-APIADMIN")] == ["as itself"]
    for value, text in (
        ({}, "sender_id is not valid"),
        ("a" * 256, f"sender_id {NAME_TEXT}"),
        ([], "sender_id is not valid"),
    ):
        row = Row("", "POST", POST, 405, text, {**MANDATORY, "sender_id": value}, headers=as_user("admin"))
        await row.check(house)
    nobody = {"Authorization": token(sub=None, tiledesk_api_roles="admin")}
    await Row("", "POST", POST, 405, "sender_id is mandatory", MANDATORY, headers=nobody).check(house)
    await Row("", "POST", POST, 200, DONE, {**MANDATORY, "sender_id": 5}, headers=nobody).check(house)


async def test_history_is_the_users_own_even_for_administrators(house: House) -> None:
    await send(house, "user1", "user2")
    path = "/api/{app}/user1/conversations/user2/messages"
    for name in ("user2", "user3", "admin"):
        response = await Row(name, "GET", path, 401, "", headers=as_user(name)).check(house)
        assert "content-type" not in response.headers
    await Row("none", "GET", path, 403, headers={}).check(house)


IDS = ["a.b", "a/b", "a+b", "a#b", "a b", "a%2Fb", "ünïcode", "*", ".a.", "a\\b", "<b>", "'\"", "1" * 255]


@pytest.mark.parametrize("name", IDS)
async def test_any_legal_id_works(house: House, token: Token, name: str) -> None:
    """The vendor loses messages for ids with topic characters; they come percent-encoded in paths."""
    house.names[name] = token(name)
    message = await send(house, "user1", name, text="there")
    await send(house, name, "user1", text="back")
    rows = await history(house, "user1", quote(name, safe=""))
    assert [(row["text"], row["sender"], row["conversWith"]) for row in rows] == [
        ("back", name, name),
        ("there", "user1", name),
    ]
    path = f"/api/{house.names['app']}/{quote(name, safe='')}/conversations/user1/messages"
    response = await house.client.get(path, headers={"Authorization": house.names[name]})
    assert response.json()["result"][1]["message_id"] == message
    assert [row["conversWith"] for row in await conversations(house, "user1")] == [name]


async def test_what_other_dialects_forbid_a_user(house: House) -> None:
    tenant, core = house.tenant, house.core
    one, two, three = await core.users.keys(tenant, ["user1", "user2", "user3"])
    await core.relations.block(tenant, two, [one])
    group = await core.groups.create(tenant, name="g", owner=two, members=[one, two, three], dialect="elsewhere")
    await core.members.mute(tenant, group.number, [one], house.clock.now() + 1000)
    uid = number_id(core.ids(tenant), group.number)
    texts = {"user2": "The recipient has blocked the sender", uid: "The sender is muted in the group"}
    for recipient, text in texts.items():
        refused = {"success": False, "err": text}
        body = {**MANDATORY, "recipient_id": recipient}
        for path in (POST, SYNC):
            await Row(text, "POST", path, 403, refused, body, headers=as_user("user1")).check(house)
        await send(house, "admin", recipient, text="said", sender_id="user1")
        assert await said(house, "user2", "user1" if recipient == "user2" else uid) == ["said"]
    await send(house, "user2", "user1", text="back")
    await core.groups.update(tenant, group.number, disabled=True)
    refused = {"success": False, "err": "The group is disabled"}
    body = {**MANDATORY, "recipient_id": uid}
    await Row("disabled", "POST", POST, 403, refused, body, headers=as_user("user3")).check(house)
    await core.groups.delete(tenant, group.number)
    refused = {"success": False, "err": "The group was deleted"}
    await Row("deleted", "POST", POST, 404, refused, body, headers=as_user("user3")).check(house)


async def test_numbers_are_ids(house: House) -> None:
    await send(house, "user1", "42", text="as a text")
    await Row("", "POST", POST, 200, DONE, {**MANDATORY, "recipient_id": 42}, headers=as_user("user1")).check(house)
    assert len(await history(house, "user1", "42")) == 2


async def test_a_page_that_was_read_before_is_read_anew_when_anything_of_it_changed(house: House) -> None:
    core, tenant = house.core, house.tenant
    senders = ("user1", "user2") * 2
    sent = [await send(house, *pair, text=pair[0]) for pair in zip(senders, ("user2", "user1") * 2, strict=True)]

    async def seen(user: str, other: str, app: str = "app") -> list[tuple[Any, ...]]:
        secret = house.names["secret" if app == "app" else "second_secret"]
        headers = {"Authorization": signed(secret, stock_claims(user, house.names[app]))}
        path = f"/api/{house.names[app]}/{user}/conversations/{other}/messages"
        first, again = [await house.client.get(path, headers=headers) for _ in range(2)]
        assert (first.content, first.headers["etag"]) == (again.content, again.headers["etag"])
        tags.append(first.headers["etag"])
        rows = first.json()["result"]
        assert {(row["app_id"], row["timelineOf"], row["conversWith"]) for row in rows} <= {
            (house.names[app], user, other)
        }
        return [(row["text"], row["status"]) for row in rows]

    tags: list[str] = []
    mine, theirs = ("user1", 100), ("user2", 150)
    for _ in range(3):
        assert await seen("user1", "user2") == [theirs, mine] * 2
        assert await seen("user2", "user1") == [("user2", 100), ("user1", 150)] * 2
        assert await seen("user1", "user2", "second") == [theirs, mine] * 2
        assert await seen("user3", "user1") == []
    assert len(set(tags)) == 4
    ids = [core.ids(tenant).from_uuid(message) or 0 for message in sent]
    await core.messages.edit(tenant, ids[0], lambda old: structs.replace(old, content=Text("edited")))
    assert await seen("user1", "user2") == [theirs, mine, theirs, ("edited", 100)]
    assert await seen("user2", "user1") == [("user2", 100), ("user1", 150), ("user2", 100), ("edited", 150)]
    await core.messages.hide(tenant, await core.users.key(tenant, "user2"), [ids[1]])
    assert await seen("user1", "user2") == [theirs, mine, theirs, ("edited", 100)]
    assert await seen("user2", "user1") == [("user2", 100), ("user1", 150), ("edited", 150)]
    await core.messages.recall(tenant, ids[3])
    assert await seen("user1", "user2") == [mine, theirs, ("edited", 100)]
    assert await seen("user2", "user1") == [("user1", 150), ("edited", 150)]
    await send(house, "user2", "user1", text="new")
    assert await seen("user1", "user2") == [("new", 150), mine, theirs, ("edited", 100)]


async def test_files_are_where_each_reader_called(house: House) -> None:
    sender, recipient = await house.core.users.keys(house.tenant, ("user1", "user2"))
    message = Message("user1", Image(file_reference(new_file_id(house.tenant.number))), "elsewhere")
    for reference in ("one", "two"):
        await house.core.messages.send_direct(house.tenant, sender, [recipient], message, reference)
    path = f"/api/{house.names['app']}/user2/conversations/user1/messages"
    for host in ("one.test", "two.test:81") * 3:
        answer = await house.client.get(path, headers={"Authorization": house.names["user2"], "Host": host})
        for row in answer.json()["result"]:
            assert row["metadata"]["src"].startswith(f"http://{host}/api/")


async def test_at_most_the_newest_200_are_read_newest_first(house: House) -> None:
    for number in range(203):
        house.manual_clock.move(1)
        await send(house, "user1", "user2", text=str(number))
    rows = await history(house, "user2", "user1")
    assert [row["text"] for row in rows] == [str(number) for number in range(202, 2, -1)]


async def test_a_page_is_filled_over_many_messages_that_are_not_shown(house: House) -> None:
    tenant, core = house.tenant, house.core
    one, two = await core.users.keys(tenant, ["user1", "user2"])
    signal = Message("user1", Signal("typing"), "elsewhere")
    await core.messages.send_direct(tenant, one, [two], Message("user1", Text("old"), "elsewhere"), "a")
    for number in range(1100):
        if not number % 500:
            house.manual_clock.move(1000)
        await core.messages.send_direct(tenant, one, [two], signal, f"s{number}")
    house.manual_clock.move(2000)
    await core.messages.send_direct(tenant, one, [two], Message("user1", Text("new"), "elsewhere"), "b")
    assert [row["text"] for row in await history(house, "user2", "user1")] == ["new", "old"]


async def test_a_repeated_send_is_one_message(house: House) -> None:
    row = Row("", "POST", POST, 200, DONE, MANDATORY, headers={**as_user("user1"), "Idempotency-Key": "k1"})
    answers = await asyncio.gather(*(row.check(house) for _ in range(10)))
    assert len({answer.text for answer in answers}) == 1
    assert len(await history(house, "user1", "user2")) == 1
    await Row("", "POST", POST, 405, headers={**as_user("user1"), "Idempotency-Key": "k" * 200}).check(house)


async def test_without_a_key_the_same_text_is_sent_twice(house: House) -> None:
    assert await send(house, "user1", "user2", text="a") != await send(house, "user1", "user2", text="a")
    assert len(await history(house, "user1", "user2")) == 2


async def test_what_other_dialects_sent_reads_in_full(house: House) -> None:
    tenant, core = house.tenant, house.core
    one, two = await core.users.keys(tenant, ["user1", "user2"])
    for reference, message in (
        ("a", Message("user1", Text("testmessage"), "elsewhere", {"attr1": "v1"}, leftovers={"type": "cmd"})),
        (
            "b",
            Message(
                "user1", Image("https://x/y.jpg", "y.jpg", "secret", None, 480, 720), "elsewhere", sender_name="One"
            ),
        ),
        ("c", Message("system", Event("renamed", {"name": "x"}, "renamed to x"), "elsewhere")),
    ):
        house.manual_clock.move(1)
        await core.messages.send_direct(tenant, one, [two], message, reference)
    path = "/api/{app}/user2/conversations/user1/messages"
    response = await Row("", "GET", path, 200, headers=as_user("user2")).check(house)
    notice, image, text = response.json()["result"]
    assert (text["text"], text["type"], text["attributes"]) == ("testmessage", "text", {"attr1": "v1"})
    assert (text["sender_fullname"], text["recipient_fullname"], text["timestamp"]) == ("user1", "user2", NOON + 1)
    assert image["metadata"] == {"src": "https://x/y.jpg", "width": 480, "height": 720, "name": "y.jpg"}
    assert (image["type"], image["text"], image["sender_fullname"]) == ("image", "y.jpg", "One")
    assert notice["attributes"]["messagelabel"] == {"key": "RENAMED", "parameters": {"name": "x"}}
    assert response.headers["x-gateway-loss"].startswith("secret: ")
    assert house.log.requests[-1]["losses"] == [response.headers["x-gateway-loss"]]


async def test_other_dialects_can_read_what_was_sent(house: House) -> None:
    metadata = {"src": "https://www.tiledesk.com/logo.png", "width": 200, "height": 200}
    await send(house, "user1", "user2", text="", type="image", metadata=metadata, attributes={"k": "v"})
    page = await house.core.messages.direct_page(house.tenant, "user2", "user1", Query(limit=5))
    message = page.messages[0].message
    assert message.content == Image("https://www.tiledesk.com/logo.png", width=200, height=200)
    assert (message.sender, message.sender_name, message.extension) == ("user1", "user1", {"k": "v"})


async def test_message_ids_are_the_neutral_ones(house: House) -> None:
    message = await send(house, "user1", "user2", text="a")
    number = Ids.from_uuid(house.core.ids(house.tenant), message)
    assert number is not None
    stored = await house.core.messages.get(house.tenant, number)
    assert stored is not None
    assert stored.message.content == Text("a")


async def test_names_of_users_and_groups_may_look_like_each_other(house: House) -> None:
    tenant, core = house.tenant, house.core
    one, odd = await core.users.keys(tenant, ["user1", "group-of-one"])
    await core.messages.send_direct(tenant, odd, [one], Message("group-of-one", Text("hi"), "elsewhere"), "a")
    assert [row["text"] for row in await history(house, "user1", "group-of-one")] == ["hi"]
    assert await history(house, "user1", "group-unknown") == []
    assert await history(house, "user1", "a" * 300) == []
