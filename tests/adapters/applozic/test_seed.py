"""Every example of the document on messages, in its order and in its words, each a row with what must be there before it."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from adapters.applozic.auth import basic
from tests.adapters.applozic.conftest import UUID, as_bot, as_user, ask, envelope, failed, log_in
from tests.adapters.applozic.grouped import create, group_shape
from tests.harness import NOON, House, Row, match

ALICE, BOT = as_user("alice"), as_bot("alice")
ADMINISTRATOR = {"Apz-AppId": "{app}", "Apz-Token": "{bot}", "Of-User-Id": "alice"}
"""As the document calls it: with the header that it requires, on behalf of alice."""
WS = "/rest/ws/"
MESSAGE, CONVERSATION = WS + "message/", WS + "conversation/"
SEND, LIST, INFO, PLACE = MESSAGE + "v2/send", MESSAGE + "v2/list", MESSAGE + "info", CONVERSATION + "v2/id"
SENT = {"messageKey": re.compile(rf"5-{UUID}-\d{{19}}"), "createdAt": NOON}
SENT_TO_GROUP = {"messageKey": re.compile(r"5-\d+-\d{19}"), "createdAt": int}
GROUP = "group Unique Identifier"
RECEIVER = "unique id of the receiver user"
TOPIC, DETAIL = "Topic id of the conversation", "Topic detail of the conversation"
HTML = "<p>This is normal text - <b>and this is bold text</b>.</p>"
AIR_CONDITION = (
    '{"title":"Air Condition","subtitle":"PID : Smart Air Conditioner",'
    '"link":"http://www.freepngimg.com/download/air_conditioner/6-2-ac-picture.png",'
    '"key1":"Qty","value1":"10","key2":"Price","value2":"Rs.60"}'
)
FILE = {"name": "a.png", "url": "https://x.test/a.png", "size": 5, "contentType": "image/png", "blobKey": "b"}
HOW_ARE_YOU = {
    "key": "{key}",
    "userKey": "{alice_key}",
    "to": "michael",
    "contactIds": "michael",
    "message": "how are you",
    "sent": True,
    "delivered": False,
    "read": False,
    "createdAtTime": NOON,
    "type": 5,
    "source": 1,
    "status": 3,
    "pairedMessageKey": "{paired}",
    "contentType": 0,
    "metadata": {},
}
"""The message of the document's list, with the one field that it does not show."""

Prepare = Callable[[House], Awaitable[None]]


def both(fields: dict[str, Any]) -> dict[str, Any]:
    return {**envelope(fields), **fields}


async def nothing(_: House) -> None:
    """There is a user who reads."""


async def groups(house: House) -> None:
    for chosen in (GROUP, "1", "2", "3"):
        house.names[f"group_{chosen}"] = str(await create(house, "alice", "John", clientGroupId=chosen))


async def talked(house: House) -> None:
    body = {"to": "michael", "message": "how are you"}
    key: str = (await ask(house, "alice", "POST", "message/v2/send", json=body))["messageKey"]
    house.names |= {"key": key, "paired": "4" + key[1:]}


async def talked_in_group(house: House) -> None:
    await groups(house)
    house.manual_clock.move(1)
    await ask(house, "John", "POST", "message/v2/send", json={"clientGroupId": "1", "message": "ours"})


async def delivered(house: House) -> None:
    await join(house, "user2")
    body = {"to": "user2", "message": "hi"}
    house.names["key"] = (await ask(house, "alice", "POST", "message/v2/send", json=body))["messageKey"]
    await ask(house, "user2", "GET", "message/delivered?key=" + house.names["key"])


async def delivered_in_group(house: House) -> None:
    for user in ("user2", "user3", "user4"):
        await join(house, user)
    number = await create(house, "alice", "user2", "user3", "user4")
    body = {"groupId": number, "message": "hi"}
    key = house.names["key"] = (await ask(house, "alice", "POST", "message/v2/send", json=body))["messageKey"]
    for user in ("user2", "user3"):
        await ask(house, user, "GET", f"message/delivered?key={key}")
    house.manual_clock.move(5)
    await ask(house, "user3", "GET", f"message/read?key={key}")


def about(**where: Any) -> Prepare:
    """A topic that there is, `topic`, with what was said of it."""

    async def prepare(house: House) -> None:
        await groups(house)
        body = {"topicId": "topicId", "topicDetail": DETAIL, **where}
        answer = await ask(house, "alice", "POST", "conversation/v2/id", json=body)
        house.names["topic"] = str(answer["response"]["conversationPxy"]["id"])

    return prepare


async def closed(house: House) -> None:
    await about(userId="userId")(house)
    await ask(house, "alice", "GET", "conversation/close?id=" + house.names["topic"])


async def join(house: House, user: str) -> None:
    house.names[user] = basic(user, (await log_in(house, user))["deviceKey"])


def arrives(where: str = "userId=alice", user: str = "John", **fields: Any) -> Any:
    """What the receiver reads first."""

    async def look(house: House, _: Any) -> None:
        (row, *_others) = (await ask(house, user, "GET", f"message/v2/list?{where}"))["message"]
        match({**row, **fields}, row)

    return look


async def arrives_everywhere(house: House, _: Any) -> None:
    for user in ("UserName1", "UserName2", "UserName3"):
        await join(house, user)
        await arrives(user=user, message="Hi John", type=4, to="alice")(house, _)
    for chosen in ("1", "2", "3"):
        await arrives(f"clientGroupId={chosen}", message="Hi John", to="alice")(house, _)


def is_left(*texts: str) -> Any:
    """What alice reads of michael's conversation afterwards; michael keeps it all."""

    async def look(house: House, _: Any) -> None:
        await join(house, "michael")
        for user, peer, expected in (("alice", "michael", list(texts)), ("michael", "alice", ["how are you"])):
            rows = (await ask(house, user, "GET", f"message/v2/list?userId={peer}"))["message"]
            assert [row["message"] for row in rows] == expected

    return look


async def is_gone_for_alice(house: House, _: Any) -> None:
    await arrives("clientGroupId=1", message="ours")(house, _)
    assert (await ask(house, "alice", "GET", "message/v2/list?clientGroupId=1"))["message"] == []


def is_unread(count: int, **where: str) -> Any:
    """What alice has unread in the overview."""

    async def look(house: House, _: Any) -> None:
        answer = await ask(house, "alice", "GET", "message/v2/list")
        rows = [*answer["userDetails"], *answer["groupFeeds"]]
        assert [row["unreadCount"] for row in rows if where.items() <= row.items()] == [count]

    return look


def is_topic(same: bool) -> Any:
    """Whether the answer is about the topic that there was."""

    async def look(house: House, response: httpx.Response) -> None:
        number = response.json()["response"]["conversationPxy"]["id"]
        assert (str(number) == house.names["topic"]) is same

    return look


def has_topic(*, is_open: bool) -> Any:
    """Whether the topic is open afterwards."""

    async def look(house: House, _: Any) -> None:
        topic = await house.core.topics.find(house.tenant, int(house.names["topic"]))
        assert topic is not None
        assert topic.open is is_open

    return look


def lists(messages: Any) -> Any:
    """A list of messages, and what stands beside them."""
    beside = {"userDetails": list, "groupFeeds": list, "conversationPxys": list, "connectedUsers": list}
    return both({"message": messages, **beside, "blockedUserPxyList": dict})


def begins_with(text: str) -> Any:
    return lambda rows: rows[0]["message"] == text


def topic(created: bool = True, **changes: Any) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "id": int,
        "topicId": "topicId",
        "topicDetail": DETAIL,
        "userId": "userId",
        "created": created,
        "closed": False,
        "senderUserName": "alice",
        "status": "OPEN",
        "groupId": int,
    }
    return shape | changes


def around(shown: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The answer about a topic with another user: what stands for a group of the two."""
    other = shown["userId"]
    shape: dict[str, Any] = {
        "id": int,
        "clientGroupId": re.compile(r"\d+"),
        "name": str,
        "membersName": list,
        "membersId": lambda names: sorted(names) == sorted(["alice", other]),
        "removedMembersId": [],
        "unreadCount": 0,
        "type": 0,
        "conversationPxy": shown,
        "createdAtTime": NOON,
        "userCount": 2,
    }
    return envelope(shape | changes)


def send(label: str, json: Any, effect: Any, answer: Any = None, headers: Any = ALICE, path: str = SEND) -> Row:
    return Row(label, "POST", path, 200, answer or both(SENT), json, headers=headers, effect=effect)


def get(label: str, path: str, answer: Any, query: dict[str, str], headers: Any = ALICE, effect: Any = None) -> Row:
    return Row(label, "GET", path, 200, answer, query=query, headers=headers, effect=effect)


def place(label: str, answer: Any, headers: Any = ALICE, effect: Any = None, **body: Any) -> Row:
    return Row(label, "POST", PLACE, 200, answer, body, headers=headers, effect=effect)


def hi(**fields: Any) -> dict[str, Any]:
    return {"to": "John", "message": "Hi John", **fields}


EXAMPLES: list[tuple[Prepare, Row]] = [
    # Send Message
    (nothing, send("a message", hi(), arrives(message="Hi John", contentType=0))),
    (nothing, send("a message by an administrator", hi(), arrives(message="Hi John", to="alice"), headers=ADMINISTRATOR)),
    (nothing, send("a message by a bot", hi(), arrives(message="Hi John", to="alice"), headers=BOT)),
    (groups, send("to a group", {"clientGroupId": GROUP, "message": "Hi John"},
        arrives(f"clientGroupId={GROUP}", message="Hi John", to="alice"), both(SENT_TO_GROUP))),
    (groups, send("to a group by an administrator", {"clientGroupId": GROUP, "message": "Hi John"},
        arrives(f"clientGroupId={GROUP}", message="Hi John", to="alice"), both(SENT_TO_GROUP), ADMINISTRATOR)),
    (nothing, send("html", {"to": "John", "message": HTML, "contentType": 3}, arrives(message=HTML, contentType=3))),
    (nothing, send("with an attachment", {"to": "John", "message": "", "contentType": 1, "fileMeta": FILE},
        arrives(message="", contentType=1, fileMeta=FILE))),
    # Broadcast Message
    (groups, send("a broadcast", {
        "userNames": ["UserName1", "UserName2", "UserName3"], "clientGroupIds": ["1", "2", "3"],
        "messageObject": {"message": "Hi John"},
    }, arrives_everywhere, envelope(), path=MESSAGE + "v2/sendall")),
    (groups, send("a broadcast by an administrator", {"userNames": ["John"], "messageObject": {"message": "Hi John"}},
        arrives(message="Hi John", to="alice"), envelope(), ADMINISTRATOR, MESSAGE + "v2/sendall")),
    (groups, send("a broadcast to groups", {"clientGroupIds": ["1"], "messageObject": {"message": "Hi John"}},
        arrives("clientGroupId=1", message="Hi John"), envelope(), path=MESSAGE + "v2/sendall")),
    # Message Metadata
    (nothing, send("metadata", hi(metadata={"key1": "value1", "key2": "value2"}),
        arrives(metadata={"key1": "value1", "key2": "value2"}))),
    *(
        (nothing, send(category, {"to": "John", "message": "Hidden Message", "metadata": {"category": category}},
            arrives(message="Hidden Message", metadata={"category": category})))
        for category in ("HIDDEN", "PUSHNOTIFICATION", "ARCHIVE")
    ),
    # Message List
    (talked, get("the latest of everybody", LIST, lists([HOW_ARE_YOU]), {
        "startIndex": "0", "mainPageSize": "60", "pageSize": "50"})),
    (talked, get("the messages with a user", LIST, lists([HOW_ARE_YOU]), {
        "userId": "michael", "startIndex": "0", "mainPageSize": "1", "pageSize": "50"})),
    (talked_in_group, get("the messages of a group", LIST, lists(begins_with("ours")), {
        "groupId": "{group_1}", "startIndex": "0", "pageSize": "50"}, effect=is_unread(0, clientGroupId="1"))),
    (talked_in_group, get("the overview leaves what is unread", LIST, lists(begins_with("ours")), {"startIndex": "0"},
        effect=is_unread(1, clientGroupId="1"))),
    (talked, get("the messages before a time", LIST, lists([]), {"userId": "michael", "endTime": str(NOON)})),
    (talked, get("a list for an administrator", LIST, lists([HOW_ARE_YOU]), {"userId": "michael"}, ADMINISTRATOR)),
    (nothing, get("a list that fails", LIST, "error", {"clientGroupId": "unknown"})),
    # Message Info
    (delivered, get("who has a message", INFO, envelope([{"userId": "user2", "deliveredAtTime": NOON, "status": 4}]), {
        "key": "{key}"})),
    (delivered_in_group, get("who has a group's message", INFO, envelope([
        {"userId": "user2", "deliveredAtTime": int, "status": 4},
        {"userId": "user3", "deliveredAtTime": int, "readAtTime": int, "status": 1},
    ]), {"key": "{key}"})),
    (nothing, get("who has the document's message", INFO, failed("AL-UN-01"), {"key": "5-226299-1490015022917"})),
    # Delete Message
    (talked, get("delete a message", MESSAGE + "delete", "success", {"key": "{key}"}, effect=is_left())),
    (talked, get("delete a message for a user", MESSAGE + "delete", "success", {"key": "{key}"}, ADMINISTRATOR, is_left())),
    (talked, get("delete what there is not", MESSAGE + "delete", "error", {"key": "5-226299-1490015022917"},
        effect=is_left("how are you"))),
    # Delete Conversation
    (talked, get("delete a conversation with a user", MESSAGE + "delete/conversation", "success", {"userId": "michael"},
        effect=is_left())),
    (talked, get("delete it for a user", MESSAGE + "delete/conversation", "success", {"userId": "michael"}, ADMINISTRATOR,
        is_left())),
    (talked_in_group, get("delete a group's conversation", MESSAGE + "delete/conversation", "success", {"groupId": "{group_1}"},
        effect=is_gone_for_alice)),
    (talked, get("delete a conversation, with nothing named", MESSAGE + "delete/conversation", "error", {},
        effect=is_left("how are you"))),
    # Delete User Messages Older Than X days
    (talked, Row("delete what is older", "POST", WS + "user/messages/delete", 200, envelope(), query={"days": "5"},
        headers=ALICE, effect=is_left("how are you"))),
    (talked, Row("delete what is older for a user", "POST", WS + "user/messages/delete", 200, envelope(),
        query={"days": "0"}, headers=ADMINISTRATOR, effect=is_left())),
    # Delete All Chats
    (talked, get("delete all", MESSAGE + "delete/all", "success", {}, effect=is_left())),
    (talked, get("delete all for a user", MESSAGE + "delete/all", "success", {}, ADMINISTRATOR, is_left())),
    # Topic based chat
    (nothing, place("the conversation about a topic", around(topic(topicId=TOPIC, userId=RECEIVER)),
        topicId=TOPIC, topicDetail=DETAIL, userId=RECEIVER, status="Status flag of the conversation")),
    (nothing, place("the sample", around(topic(topicDetail=AIR_CONDITION)),
        topicId="topicId", topicDetail=AIR_CONDITION, userId="userId", status="new")),
    (nothing, place("the sample for a user", around(topic(topicDetail=AIR_CONDITION)), ADMINISTRATOR,
        topicId="topicId", topicDetail=AIR_CONDITION, userId="userId", status="new")),
    (about(userId="userId"), place("new: it ends, and another begins", around(topic()), effect=is_topic(False),
        topicId="topicId", topicDetail=DETAIL, userId="userId", status="NEW")),
    (closed, place("open: it is opened again", around(topic(False)), effect=is_topic(True),
        topicId="topicId", userId="userId", status="OPEN")),
    (closed, place("default: as it is", around(topic(False, closed=True, status="CLOSED")),
        effect=is_topic(True), topicId="topicId", userId="userId", status="DEFAULT")),
    (groups, place("in a group", envelope(group_shape("alice", "John", clientGroupId="3",
        conversationPxy=topic(userId="alice"))), topicId="topicId", topicDetail=DETAIL, groupId="{group_3}", status="NEW")),
    # Topic based Send Message
    (about(userId=RECEIVER), send("in a topic", {"to": RECEIVER, "message": "Message text", "conversationId": "{topic}"},
        arrives(f"userId={RECEIVER}", "alice", message="Message text", conversationId=int),
        {**SENT, "conversationId": int}, path=MESSAGE + "send")),
    (about(clientGroupId="3"), send("in a topic of a group",
        {"groupId": "{group_3}", "message": "Message text", "conversationId": "{topic}"},
        arrives("clientGroupId=3", message="Message text", conversationId=int),
        {**SENT_TO_GROUP, "conversationId": int}, path=MESSAGE + "send")),
    (closed, send("in a topic that is closed", {"to": "userId", "message": "Message text", "conversationId": "{topic}"},
        has_topic(is_open=False), "CONVERSATION_CLOSED", path=MESSAGE + "send")),
    # Close Conversation
    (about(userId="userId"), get("close", CONVERSATION + "close", envelope(), {"id": "{topic}"},
        effect=has_topic(is_open=False))),
    (about(userId="userId"), get("close all about a topic", CONVERSATION + "closeall", envelope(),
        {"topicId": "topicId", "withUserId": "userId"}, effect=has_topic(is_open=False))),
]  # fmt: skip


@pytest.mark.parametrize(("prepare", "row"), EXAMPLES, ids=[str(row) for _, row in EXAMPLES])
async def test_examples(house: House, prepare: Prepare, row: Row) -> None:
    await join(house, "John")
    await prepare(house)
    response: httpx.Response = await row.check(house)
    answered = "text/plain" if isinstance(row.body, str) else "application/json"
    assert response.headers["content-type"] == answered
