"""Sending, one row a rule: to users, to groups, in topics, to many, with a time of long ago."""

import re
from typing import Any

import httpx
import pytest

from adapters import applozic
from core.messages import Query
from core.model import EVERY_KIND, Message, MessageKind, Text
from tests.adapters.applozic.conftest import UUID, as_bot, as_user, ask, ask_as_bot, envelope, failed, settle
from tests.harness import NOON, House, Row, match, open_house
from tests.servers import Engine

ALICE, BOB, BOT = as_user("alice"), as_user("bob"), as_bot("alice")
NOBODY = {"Apz-AppId": "{app}", "Apz-Token": "{bot}"}
SEND, OLD = "/rest/ws/message/v2/send", "/rest/ws/message/send"
SENDALL, DISPATCH = "/rest/ws/message/v2/sendall", "/rest/ws/message/dispatch"
KEY = re.compile(rf"5-{UUID}-\d{{19}}")
BARE = {"messageKey": KEY, "createdAt": int}
BOTH = {**envelope(BARE), **BARE}
BAD = failed("AL-M-01")
LOCAL_KEY = "8fa5d6b1-2f0a-4a6e-9d4c-0d8c1c1b7a11"


async def received(house: House, user: str = "bob", peer: str = "alice") -> list[dict[str, Any]]:
    """What a user reads of a conversation, newest first."""
    answer = await ask(house, user, "GET", f"message/list?userId={peer}&skipRead=true")
    rows: list[dict[str, Any]] = answer["message"]
    return rows


async def got_one(house: House, _: httpx.Response) -> None:
    assert len(await received(house)) == 1


async def got_nothing(house: House, _: httpx.Response) -> None:
    assert await received(house) == []


def reads(**fields: Any) -> Any:
    async def look(house: House, response: httpx.Response) -> None:
        (row,) = await received(house)
        match({**row, **fields}, row)
        assert row["pairedMessageKey"] == response.json()["messageKey"]

    return look


def row(label: str, body: Any, effect: Any = got_one, *, answer: Any = BOTH, path: str = SEND, **more: Any) -> Row:
    return Row(label, "POST", path, 200, answer, json=body, headers=more.pop("headers", ALICE), effect=effect, **more)


HI = {"to": "bob", "message": "hi"}

ROWS = [
    row("a text", HI, reads(message="hi", contentType=0, to="alice", metadata={}, source=1)),
    row("the older endpoint", HI, answer=BARE, path=OLD),
    row("html", {**HI, "message": "<b>a</b>", "contentType": 3}, reads(message="<b>a</b>", contentType=3)),
    row("html, as a text", {**HI, "contentType": "3"}, reads(contentType=3)),
    row("an unknown type", {**HI, "contentType": 4711}, reads(message="hi", contentType=4711)),
    row("metadata", {**HI, "metadata": {"a": "b", "n": 1, "t": True, "m": {"x": 1}}}, reads(metadata={
        "a": "b", "n": "1", "t": "true", "m": '{"x":1}',
    })),
    row("a place", {**HI, "message": '{"lat": 1.5,"lon":2}', "contentType": 2}, reads(message='{"lat": 1.5,"lon":2}')),
    row(
        "an attachment",
        {"to": "bob", "contentType": 1, "fileMeta": {"url": "http://x.test/a.png", "name": "a.png", "size": "9"}},
        reads(message="", contentType=1, fileMeta={"url": "http://x.test/a.png", "name": "a.png", "size": "9"}),
    ),
    row("a whole local object", {
        **HI, "key": "x1", "type": 5, "groupId": None, "clientGroupId": "", "conversationId": 0, "createdAtTime": 5,
        "sentMessageTimeAtServer": 0, "fileMeta": None, "metadata": None, "deviceKey": "{alice_device}", "contactIds": None,
        "status": 3, "unknown": {"a": [1]}, "timeToLive": 60, "senderName": "A",
    }, reads(senderName="A", timeToLive=60, status=0)),
    row("the source of an app", {**HI, "source": 2}, reads(source=2)),
    row("by a bot for a user", HI, reads(source=3), headers=BOT),
    row("by a bot for who the body names", {**HI, "ofUserId": "alice"}, headers=as_bot()),
    row("by a server", {**HI, "fromUserName": "alice"}, headers=as_bot()),
    row("by a bot for itself", HI, lambda house, _: wrote(house, "bot", "hi"), headers=as_bot()),
    row("by an administrator for nobody", HI, got_nothing, answer=failed("AL-UN-01"), headers=NOBODY),
    row("by an administrator for nobody, in words", HI, got_nothing, answer="error", path=OLD, headers=NOBODY),
    row("to many by an administrator for nobody", {"userNames": ["bob"], "messageObject": {"message": "x"}}, got_nothing,
        answer=failed("AL-UN-01"), path=SENDALL, headers=NOBODY),
    row("a user can't name another", {**HI, "fromUserName": "carol", "ofUserId": "carol"}),
    row("a name with signs", {"to": "b+o@b.#;=?|-", "message": "hi"}, None),
    row("to oneself", {"to": "alice", "message": "hi"}, None),
    row("to nobody", {"message": "hi"}, got_nothing, answer=BAD),
    row("to nobody, in words", {"message": "hi"}, got_nothing, answer="error", path=OLD),
    row("to a list", {"to": ["bob"], "message": "hi"}, got_nothing, answer=BAD),
    row("to an unknown group", {"groupId": 77, "to": "bob", "message": "hi"}, got_nothing, answer=failed("AL-G-01")),
    row("to an unknown group by a bot", {"clientGroupId": "g"}, got_nothing, answer=failed("AL-G-01"), headers=BOT),
    row("to an unknown group, in words", {"clientGroupId": "g"}, got_nothing, answer="error", path=OLD),
    row("in an unknown topic", {**HI, "conversationId": 77}, got_nothing, answer=BAD),
    row("in a topic that is no number", {**HI, "conversationId": -1}, got_nothing, answer=BAD),
    row("a name that can't be", {"to": "a\u0000b", "message": "hi"}, got_nothing, answer=BAD),
    row("a number too long to store", {**HI, "fileMeta": {"url": "u", "n": 1 << 63}}, None),
    row("to many", {"userNames": ["bob", "carol", "bob"], "messageObject": {"message": "x", "contentType": 3}},
        lambda house, _: seen_by(house, "x", "bob", "carol"), answer=envelope(), path=SENDALL),
    row("to many, where one is sent", {"userNames": ["bob"], "messageObject": {"message": "x"}}, answer=envelope()),
    row("to many, the older way", {"userNames": ["bob"], "messageObject": {"message": "x"}}, answer="success",
        path="/rest/ws/message/sendall"),
    row("to fifty", {"userNames": ["bob", *(f"u{n}" for n in range(49))], "messageObject": {"message": "x"}},
        answer=envelope(), path=SENDALL),
    row("to fifty-one", {"userNames": ["bob", *(f"u{n}" for n in range(50))], "messageObject": {"message": "x"}},
        got_nothing, answer=BAD, path=SENDALL),
    row("to fifty-one groups", {"userNames": ["bob"], "clientGroupIds": ["g"] * 51, "messageObject": {"message": "x"}},
        got_nothing, answer=BAD, path=SENDALL),
    row("to none", {"userNames": [], "messageObject": {"message": "x"}}, got_nothing, answer=BAD, path=SENDALL),
    row("to many, without words", {"userNames": ["bob"]}, got_nothing, answer=BAD, path=SENDALL),
    row("to many and an unknown group", {"userNames": ["bob"], "clientGroupIds": ["g"], "messageObject": {}},
        got_nothing, answer=failed("AL-G-01"), path=SENDALL),
    row("to many and an impossible name", {"userNames": ["bob", "\n"], "messageObject": {"message": "x"}},
        got_nothing, answer=BAD, path=SENDALL),
    row("to many by a bot", {"userNames": ["bob"], "messageObject": {"message": "x"}}, answer=envelope(), headers=BOT,
        path=SENDALL),
    row("dispatched", {"senderName": "alice", **HI}, reads(createdAtTime=NOON), answer=BARE, headers=as_bot(),
        path=DISPATCH),
    row("dispatched long ago", {"senderName": "alice", **HI, "oldTimestamp": NOON - 5000, "metadata": {"a": "b"}},
        reads(createdAtTime=NOON - 5000, status=1, read=True, metadata={"a": "b"}), answer=BARE, headers=as_bot(),
        path=DISPATCH),
    row("dispatched from the future", {"senderName": "alice", **HI, "oldTimestamp": str(NOON + 5000)},
        reads(createdAtTime=NOON), answer=BARE, headers=as_bot(), path=DISPATCH),
    row("dispatched by a user", {"senderName": "alice", **HI}, got_nothing, answer="error", path=DISPATCH),
    row("dispatched by nobody", HI, got_nothing, answer="error", headers=as_bot(), path=DISPATCH),
    row("dispatched to no group", {"senderName": "alice", "groupId": 5, "message": "m", "oldTimestamp": 5},
        got_nothing, answer="error", headers=as_bot(), path=DISPATCH),
]  # fmt: skip


async def wrote(house: House, sender: str, text: str) -> None:
    assert [(one["message"], one["to"]) for one in await received(house, "bob", sender)] == [(text, sender)]


async def seen_by(house: House, text: str, *users: str) -> None:
    for user in users:
        assert [(one["message"], one["to"]) for one in await received(house, user)] == [(text, "alice")]


@pytest.mark.parametrize("case", ROWS, ids=str)
async def test_sends(house: House, case: Row) -> None:
    await case.check(house)


async def test_a_repeat_with_the_clients_own_key_is_one_message(house: House) -> None:
    body = {**HI, "key": LOCAL_KEY}
    first = await ask(house, "alice", "POST", "message/v2/send", json=body)
    again = await ask(house, "alice", "POST", "message/v2/send", json={**body, "key": LOCAL_KEY.upper()})
    assert again["messageKey"] == first["messageKey"]
    assert len(await received(house)) == 1
    # A word tells nothing apart.
    for _ in range(2):
        await ask(house, "alice", "POST", "message/v2/send", json={**HI, "key": "local"})
    assert len(await received(house)) == 3
    # Of another sender, or in another conversation, it is another message.
    await ask(house, "bob", "POST", "message/v2/send", json={"to": "alice", "message": "m", "key": LOCAL_KEY})
    await ask(house, "alice", "POST", "message/v2/send", json={"to": "carol", "message": "m", "key": LOCAL_KEY})
    assert len(await received(house)) == 4
    assert len(await received(house, "carol")) == 1


async def test_nobody_learns_a_senders_device_key(house: House) -> None:
    """Clients post theirs with each message, and it opens everything that is theirs."""
    device = house.names["alice_device"]
    sent = await ask(house, "alice", "POST", "message/v2/send", json={**HI, "deviceKey": device})
    for path in ("list?userId=alice", "v2/list", "sync?lastSyncTime=0", f"detail?keys={sent['messageKey']}"):
        headers = {name: value.format_map(house.names) for name, value in BOB.items()}
        response = await house.client.get(f"/rest/ws/message/{path}", headers=headers)
        assert '"message":"hi"' in response.text
        assert device not in response.text
    bob = await house.core.users.key(house.tenant, "bob")
    (stored,) = (await house.core.messages.direct_page(house.tenant, "alice", "bob", Query(5), bob)).messages
    assert device not in repr(stored)


async def test_a_repeat_with_the_header_is_one_message(house: House) -> None:
    headers = {name: value.format_map(house.names) for name, value in ALICE.items()} | {"Idempotency-Key": "k1"}
    keys = {(await house.client.post(SEND, json=HI, headers=headers)).json()["messageKey"] for _ in range(2)}
    assert len(keys) == 1


@pytest.mark.parametrize(
    ("metadata", "content_type", "kind", "unread", "listed"),
    [
        ({"category": "HIDDEN"}, 0, MessageKind.HIDDEN, 0, 0),
        ({"category": "PUSHNOTIFICATION"}, 0, MessageKind.HIDDEN, 0, 0),
        ({"category": "ARCHIVE"}, 0, MessageKind.ASIDE, 0, 0),
        ({}, 11, MessageKind.HIDDEN, 0, 0),
        ({"action": "3"}, 10, MessageKind.EVENT, 0, 1),
        ({"category": "other"}, 0, MessageKind.MESSAGE, 1, 1),
    ],
    ids=str,
)
async def test_what_the_metadata_makes_of_a_message(
    house: House, metadata: dict[str, str], content_type: int, kind: MessageKind, unread: int, listed: int
) -> None:
    body = {**HI, "metadata": metadata, "contentType": content_type}
    await ask(house, "alice", "POST", "message/v2/send", json=body)
    (row,) = await received(house)
    assert (row["metadata"], row["contentType"]) == (metadata, content_type)
    bob = await house.core.users.key(house.tenant, "bob")
    page = await house.core.messages.direct_page(house.tenant, "alice", "bob", Query(5, kinds=EVERY_KIND), bob)
    assert [stored.kind for stored in page.messages] == [kind]
    assert await house.core.conversations.unread(house.tenant, bob) == unread
    assert len(await house.core.conversations.list(house.tenant, bob, 5)) == listed


async def test_what_is_dispatched_is_imported_once_and_unread_for_nobody(house: House) -> None:
    await ask(house, "alice", "POST", "message/v2/send", json={"to": "bob", "message": "new"})
    old = {"senderName": "bob", "to": "alice", "message": "old", "oldTimestamp": NOON - 60_000}
    hidden = {**old, "message": "hidden", "metadata": {"category": "HIDDEN"}, "oldTimestamp": NOON - 50_000}
    answers = [await ask_as_bot(house, "", "POST", "message/dispatch", json=body) for body in (old, old, hidden)]
    assert answers[0] == answers[1]
    assert answers[0]["createdAt"] == NOON - 60_000
    rows = await received(house, "alice", "bob")
    assert [(row["message"], row["type"], row["status"]) for row in rows] == [
        ("new", 5, 3),
        ("hidden", 4, 1),
        ("old", 4, 1),
    ]
    alice = await house.core.users.key(house.tenant, "alice")
    assert await house.core.conversations.unread(house.tenant, alice) == 0


async def test_a_dispatched_message_makes_its_topic(house: House) -> None:
    pxy = {"topicId": "p1", "topicDetail": '{"title":"T"}'}
    body = {"senderName": "alice", **HI, "conversationPxy": pxy}
    first = await ask_as_bot(house, "", "POST", "message/dispatch", json=body)
    again = await ask_as_bot(house, "", "POST", "message/dispatch", json={**body, "oldTimestamp": NOON - 5})
    assert first["conversationId"] == again["conversationId"]
    listed = await ask(house, "bob", "GET", "message/list?userId=alice")
    assert [row["conversationId"] for row in listed["message"]] == [first["conversationId"]] * 2
    assert [topic["topicDetail"] for topic in listed["conversationPxys"]] == ['{"title":"T"}']


async def test_a_blocked_user_is_refused_and_a_server_is_not(house: House) -> None:
    await ask(house, "bob", "GET", "user/block?userId=alice")
    # Nor does who blocks write to whom he has blocked.
    for sender, peer in (("alice", "bob"), ("bob", "alice")):
        body = {"to": peer, "message": "hi"}
        assert await ask(house, sender, "POST", "message/send", json=body) == "error"
        match(failed("AL-UN-01"), await ask(house, sender, "POST", "message/v2/send", json=body))
        many = {"userNames": [peer], "messageObject": body}
        match(failed("AL-UN-01"), await ask(house, sender, "POST", "message/v2/sendall", json=many))
        assert await received(house, peer, sender) == []
    match(BOTH, await ask_as_bot(house, "alice", "POST", "message/v2/send", json=HI))


async def group(house: House, **fields: Any) -> int:
    body = {"groupName": "Tea", "groupMemberList": ["bob"], **fields}
    number: int = (await ask(house, "alice", "POST", "group/v2/create", json=body))["response"]["id"]
    return number


async def test_group_messages_have_one_key_and_name_their_sender(house: House) -> None:
    number = await group(house, clientGroupId="tea")
    sent = await ask(house, "alice", "POST", "message/v2/send", json={"clientGroupId": "tea", "message": "yo"})
    match(re.compile(rf"5-{number}-\d{{19}}"), sent["messageKey"])
    for body in ({"groupId": number}, {"groupId": str(number)}, {"groupId": number, "clientGroupId": "x", "to": "bob"}):
        await ask(house, "bob", "POST", "message/v2/send", json={**body, "message": "again"})
    for user, kinds in (("alice", [4, 4, 4, 5]), ("bob", [5, 5, 5, 4])):
        rows = (await ask(house, user, "GET", "message/v2/list?clientGroupId=tea"))["message"]
        rows = [row for row in rows if row["contentType"] != 10]
        assert [row["type"] for row in rows] == kinds
        first = rows[-1]
        assert (first["key"], first["to"], first["contactIds"]) == (sent["messageKey"], "alice", "alice")
        assert (first["groupId"], first["clientGroupId"]) == (number, "tea")
        assert "pairedMessageKey" not in first
    await ask(house, "alice", "POST", "message/v2/sendall", json={
        "userNames": ["carol"], "clientGroupIds": ["tea"], "messageObject": {"message": "all"},
    })  # fmt: skip
    rows = (await ask(house, "bob", "GET", f"message/v2/list?groupId={number}"))["message"]
    assert rows[0]["message"] == "all"
    assert [row["message"] for row in await received(house, "carol")] == ["all"]


@pytest.mark.parametrize("named", ["groupId", "clientGroupId"])
async def test_what_is_dispatched_to_a_group(house: House, named: str) -> None:
    number = await group(house, clientGroupId="tea")
    where = {named: number if named == "groupId" else "tea"}
    for fields in ({"message": "new"}, {"message": "old", "oldTimestamp": NOON - 5_000}):
        body = {"senderName": "alice", **where, **fields}
        sent = await ask_as_bot(house, "", "POST", "message/dispatch", json=body)
        match({"messageKey": re.compile(rf"5-{number}-\d{{19}}"), "createdAt": int}, sent)
    answer = await ask(house, "bob", "GET", "message/v2/list?clientGroupId=tea&skipRead=true")
    shown = [(row["message"], row["to"], row["status"]) for row in answer["message"] if row["contentType"] != 10]
    assert shown == [("new", "alice", 0), ("old", "alice", 1)]
    assert [feed["unreadCount"] for feed in answer["groupFeeds"]] == [1]


async def test_strangers_send_to_open_groups_alone(house: House) -> None:
    closed, opened = await group(house, type=1), await group(house, type=6)
    match(failed("AL-UN-01"), await ask(house, "carol", "POST", "message/v2/send", json={"groupId": closed}))
    sent = await ask(house, "carol", "POST", "message/v2/send", json={"groupId": opened, "message": "hello"})
    assert sent["status"] == "success"
    many = {"userNames": ["bob"], "clientGroupIds": [str(opened), str(closed)], "messageObject": {"message": "x"}}
    match(failed("AL-UN-01"), await ask(house, "carol", "POST", "message/v2/sendall", json=many))
    # Nobody has got it then.
    assert await received(house, "bob", "carol") == []
    rows = (await ask(house, "bob", "GET", f"message/v2/list?groupId={opened}"))["message"]
    assert rows[0]["message"] == "hello"
    many["clientGroupIds"] = [str(opened)]
    match(envelope(), await ask(house, "carol", "POST", "message/v2/sendall", json=many))
    assert len(await received(house, "bob", "carol")) == 1
    assert (await ask_as_bot(house, "carol", "POST", "message/v2/send", json={"groupId": closed}))[
        "status"
    ] == "success"


async def test_the_older_broadcast_names_groups_by_their_numbers(house: House) -> None:
    first = await group(house)
    other = await group(house, clientGroupId=str(first + 2))
    number = await group(house)
    assert number == first + 2
    body = {"groupIds": [number], "messageObject": {"message": "x"}}
    assert await ask(house, "alice", "POST", "message/sendall", json=body) == "success"
    for one, text in ((number, "x"), (other, "alice created group Tea")):
        rows = (await ask(house, "bob", "GET", f"message/v2/list?groupId={one}"))["message"]
        assert rows[0]["message"] == text
    body = {"groupIds": [number, "x"], "messageObject": {"message": "y"}}
    assert await ask(house, "alice", "POST", "message/sendall", json=body) == "error"


async def test_topics_say_where_a_message_goes(house: House) -> None:
    wanted = {"topicId": "p1", "userId": "bob"}
    made = (await ask(house, "alice", "POST", "conversation/v2/id", json=wanted))["response"]
    topic = made["conversationPxy"]["id"]
    for body in ({"conversationId": topic}, {"conversationId": str(topic), "to": "bob"}, {"groupId": made["id"]}):
        sent = await ask(house, "alice", "POST", "message/send", json={"message": "m", **body})
        match({**BARE, "conversationId": topic}, sent)
    assert [row["conversationId"] for row in await received(house)] == [topic] * 3
    assert await ask(house, "carol", "POST", "message/send", json={"conversationId": topic}) == "error"
    assert await ask(house, "alice", "POST", "message/send", json={"conversationId": topic, "to": "carol"}) == "error"
    await group(house, clientGroupId="tea")
    in_group = (await ask(house, "bob", "POST", "conversation/v2/id", json={"topicId": "p", "clientGroupId": "tea"}))[
        "response"
    ]["conversationPxy"]["id"]
    sent = await ask(house, "bob", "POST", "message/send", json={"conversationId": in_group, "message": "m"})
    assert (sent["conversationId"], KEY.fullmatch(sent["messageKey"])) == (in_group, None)


async def test_unknown_users_can_be_refused(embedded_engine: Engine) -> None:
    async with open_house(embedded_engine.url, [applozic.create({"unknown_users": False})]) as house:
        await settle(house)
        stranger = {"to": "stranger", "message": "hi"}
        match(failed("AL-U-01"), await ask(house, "alice", "POST", "message/v2/send", json=stranger))
        match(BOTH, await ask(house, "alice", "POST", "message/v2/send", json=HI))
        many = {"userNames": ["bob", "stranger"], "messageObject": {"message": "x"}}
        match(failed("AL-U-01"), await ask(house, "alice", "POST", "message/v2/sendall", json=many))
        assert len(await received(house)) == 1


async def test_losses_are_said(house: House) -> None:
    headers = {name: value.format_map(house.names) for name, value in ALICE.items()}
    body = {**HI, "contentType": 1, "fileMeta": {"url": "u"}}
    response = await house.client.post(SEND, json=body, headers=headers)
    assert "message: the text beside a file" in response.headers["x-gateway-loss"]
    alice, bob = await house.core.users.keys(house.tenant, ["alice", "bob"])
    other = Message("bob", Text("hi"), "elsewhere", {"n": 1})
    await house.core.messages.send_direct(house.tenant, bob, [alice], other, "client:1")
    response = await house.client.get("/rest/ws/message/list?userId=bob", headers=headers)
    assert response.json()["message"][0]["metadata"] == {"n": "1"}
    assert response.headers["x-gateway-loss"] == "metadata.n: became text"
