"""Topics: the conversation about something, with another user or in a group."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from core.model import Message, Text
from tests.adapters.applozic.conftest import WS, as_bot, as_user, ask, ask_as_bot, envelope, failed
from tests.adapters.applozic.grouped import create, group_shape
from tests.harness import NOON, House, Row

UNAUTHORIZED = failed("AL-UN-01", "unauthorized user")
UNKNOWN = failed("AL-G-01", "group not found")
INCOMPLETE = failed("AL-M-01")
PLACE = WS + "conversation/v2/id"
# As the user's document has it.
DETAIL = (
    '{"title":"Air Condition","subtitle":"PID : Smart Air Conditioner",'
    '"link":"http://www.freepngimg.com/download/air_conditioner/6-2-ac-picture.png",'
    '"key1":"Qty","value1":"10","key2":"Price","value2":"Rs.60"}'
)


def topic_shape(**changes: Any) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "id": int,
        "topicId": "topicId",
        "topicDetail": DETAIL,
        "userId": "bob",
        "created": True,
        "closed": False,
        "senderUserName": "alice",
        "status": "OPEN",
        "groupId": int,
    }
    return shape | changes


def virtual_shape(topic: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "id": int,
        "clientGroupId": str,
        "name": "Air Condition",
        "membersName": ["alice", "bob"],
        "membersId": ["alice", "bob"],
        "removedMembersId": [],
        "unreadCount": 0,
        "type": 0,
        "conversationPxy": topic,
        "createdAtTime": NOON,
        "userCount": 2,
    }
    return shape | changes


async def place(house: House, user: str = "alice", **fields: Any) -> dict[str, Any]:
    """The conversation about `p1` with bob, unless something else is said; gives its object."""
    body = {"topicId": "p1", "userId": "bob", **fields}
    answer = await ask(house, user, "POST", "conversation/v2/id", json=body)
    found: dict[str, Any] = answer["response"]["conversationPxy"]
    return found


@pytest.mark.parametrize("path", ["conversation/v2/id", "conversation/id"])
async def test_the_documents_example(house: House, path: str) -> None:
    body = {"topicId": "topicId", "topicDetail": DETAIL, "userId": "bob", "status": "new"}
    shape = envelope(virtual_shape(topic_shape()))
    answer = (await Row("", "POST", WS + path, 200, shape, body, headers=as_user("alice")).check(house)).json()
    found = answer["response"]
    assert found["conversationPxy"]["groupId"] == found["id"] == int(found["clientGroupId"])
    topic = await house.core.topics.find(house.tenant, found["conversationPxy"]["id"])
    assert topic is not None
    assert (topic.parties, topic.creator, topic.alias, topic.title) == (
        ("alice", "bob"),
        "alice",
        "topicId",
        "Air Condition",
    )
    assert topic.attributes is not None
    assert topic.attributes["value2"] == "Rs.60"
    # The group that is none can be looked at by the two.
    for user, expected in (("bob", "success"), ("carol", "error")):
        assert (await ask(house, user, "GET", f"group/v2/info?groupId={found['id']}"))["status"] == expected


async def test_the_documents_example_in_a_group(house: House) -> None:
    number = await create(house, "alice", "bob", imageUrl="u")
    body = {"topicId": "topicId", "topicDetail": DETAIL, "groupId": number, "status": "NEW"}
    topic = topic_shape(groupId=number, userId="bob", senderUserName="bob")
    shape = envelope(group_shape("alice", "bob", conversationPxy=topic, imageUrl="u"))
    await Row("", "POST", PLACE, 200, shape, body, headers=as_user("bob")).check(house)


async def test_the_golden_scenario(house: House) -> None:
    first = await place(house, topicDetail='{"title":"T"}', status="new")
    assert (first["created"], first["closed"]) == (True, False)
    again = await place(house, status="DEFAULT")
    assert (again["created"], again["id"], again["topicDetail"]) == (False, first["id"], '{"title":"T"}')
    close = Row("", "GET", f"{WS}conversation/close?id={first['id']}", 200, envelope(), headers=as_user("alice"))
    await close.check(house)
    closed = await place(house)
    assert (closed["closed"], closed["id"], closed["status"]) == (True, first["id"], "CLOSED")
    opened = await place(house, status="open")
    assert (opened["closed"], opened["id"], opened["created"]) == (False, first["id"], False)
    other = await place(house, status="NEW")
    assert (other["created"], other["closed"], other["id"] != first["id"]) == (True, False, True)
    # The previous one has ended.
    old = await ask(house, "alice", "GET", f"conversation/topicId?id={first['id']}")
    assert old["response"]["closed"] is True


STATUSES: list[tuple[str, str, str | None, bool, bool]] = [
    # what is there, the status that is asked for, whether it is the old one, whether it is closed then
    ("open", "NEW", "another", True, False),
    ("closed", "NEW", "another", True, False),
    ("none", "NEW", None, True, False),
    ("open", "OPEN", "same", False, False),
    ("closed", "OPEN", "same", False, False),
    ("none", "OPEN", None, True, False),
    ("open", "DEFAULT", "same", False, False),
    ("closed", "DEFAULT", "same", False, True),
    ("none", "DEFAULT", None, True, False),
    ("closed", "", "same", False, True),
    ("closed", " default ", "same", False, True),
    ("closed", "Open", "same", False, False),
    ("open", "no such status", "same", False, False),
]


@pytest.mark.parametrize("in_group", [False, True], ids=["two users", "a group"])
@pytest.mark.parametrize(("there", "status", "which", "created", "closed"), STATUSES)
async def test_what_a_status_does(
    house: House, there: str, status: str, which: str | None, created: bool, closed: bool, in_group: bool
) -> None:
    where: dict[str, Any] = {"groupId": await create(house, "alice", "bob"), "userId": None} if in_group else {}
    old = await place(house, **where) if there != "none" else None
    if there == "closed":
        assert old is not None
        await ask(house, "alice", "GET", f"conversation/close?id={old['id']}")
    found = await place(house, **where, status=status)
    assert (found["created"], found["closed"]) == (created, closed)
    if old is not None:
        assert (found["id"] == old["id"]) == (which == "same")
        if which == "another":
            previous = await house.core.topics.find(house.tenant, old["id"])
            assert previous is not None
            assert not previous.open


async def test_both_sides_find_the_same(house: House) -> None:
    first = await place(house)
    mirrored = await place(house, "bob", userId="alice")
    assert (mirrored["id"], mirrored["userId"], mirrored["senderUserName"]) == (first["id"], "alice", "alice")
    assert (await place(house, "carol"))["id"] != first["id"]
    assert (await place(house, topicId="p2"))["id"] != first["id"]
    assert (await place(house, topicId=7))["topicId"] == "7"


@pytest.mark.parametrize(
    "detail",
    ['{ "title" : "é\\u00e9" }', "no JSON", "[1, 2]", "5", '"', "{}", '{"a":' + "[" * 1_020 + "]" * 1_020 + "}"],
)
async def test_the_detail_is_kept_byte_for_byte(house: House, detail: str) -> None:
    await place(house, topicDetail=detail)
    assert (await place(house))["topicDetail"] == detail
    assert (await place(house, topicDetail="another"))["topicDetail"] == detail


async def test_a_detail_that_is_no_text_becomes_one(house: House) -> None:
    assert (await place(house, topicDetail={"title": "T"}))["topicDetail"] == '{"title":"T"}'
    assert "topicDetail" not in await place(house, topicId="bare")


async def test_a_repeat_of_new_is_done_once(house: House) -> None:
    old = await place(house)
    headers = {**as_user("alice"), "Idempotency-Key": "k1"}
    row = Row("", "POST", PLACE, 200, ..., {"topicId": "p1", "userId": "bob", "status": "NEW"}, headers=headers)
    first, second = [(await row.check(house)).json()["response"]["conversationPxy"] for _ in range(2)]
    assert first == second
    assert (first["created"], first["closed"], first["id"] != old["id"]) == (True, False, True)


async def test_of_many_who_ask_one_makes_it(house: House) -> None:
    found = await asyncio.gather(
        *(place(house, user, userId=other) for user, other in [("alice", "bob"), ("bob", "alice")] * 4)
    )
    assert len({topic["id"] for topic in found}) == 1
    assert [topic["created"] for topic in found].count(True) == 1


async def test_what_is_unread_is_said(house: House) -> None:
    alice, bob = await house.core.users.keys(house.tenant, ["alice", "bob"])
    message = Message("alice", Text("hi"), "applozic")
    await house.core.messages.send_direct(house.tenant, alice, [bob], message, "request:1")
    body = {"topicId": "p", "userId": "alice"}
    for user, other, unread in (("bob", "alice", 1), ("alice", "bob", 0)):
        answer = await ask(house, user, "POST", "conversation/v2/id", json={**body, "userId": other})
        assert answer["response"]["unreadCount"] == unread


REFUSED: list[tuple[str, dict[str, str], dict[str, Any], dict[str, Any]]] = [
    ("no topic", as_user("alice"), {"userId": "bob"}, INCOMPLETE),
    ("an odd topic", as_user("alice"), {"topicId": {"a": 1}, "userId": "bob"}, INCOMPLETE),
    ("a long topic", as_user("alice"), {"topicId": "t" * 256, "userId": "bob"}, INCOMPLETE),
    ("nobody", as_user("alice"), {"topicId": "p"}, INCOMPLETE),
    ("no name", as_user("alice"), {"topicId": "p", "userId": "a\nb"}, failed("AL-U-01", "user not found")),
    ("an unknown group", as_user("alice"), {"topicId": "p", "groupId": 4711}, UNKNOWN),
    ("an id that nobody chose", as_user("alice"), {"topicId": "p", "clientGroupId": "nobody"}, UNKNOWN),
    ("another's group", as_user("carol"), {"topicId": "p", "clientGroupId": "own"}, UNAUTHORIZED),
    (
        "an administrator for nobody",
        {"Apz-AppId": "{app}", "Apz-Token": "{bot}"},
        {"topicId": "p", "userId": "bob"},
        UNAUTHORIZED,
    ),
]


@pytest.mark.parametrize(("label", "headers", "body", "answer"), REFUSED, ids=[row[0] for row in REFUSED])
async def test_what_is_refused(
    house: House, label: str, headers: dict[str, str], body: dict[str, Any], answer: dict[str, Any]
) -> None:
    number = await create(house, "alice", "bob", clientGroupId="own")
    await Row(label, "POST", PLACE, 200, answer, body, headers=headers).check(house)
    assert await house.core.topics.list(house.tenant, number) == []
    assert await house.core.topics.list(house.tenant, ("alice", "bob")) == []


CLOSED: list[tuple[str, str, dict[str, str], Any]] = [
    ("by who made it", "{topic}", as_user("alice"), envelope()),
    ("by the other one", "{topic}", as_user("bob"), envelope()),
    ("by the bot", "{topic}", as_bot(), envelope()),
    ("by a stranger", "{topic}", as_user("carol"), UNAUTHORIZED),
    ("an unknown one", "4711", as_user("alice"), INCOMPLETE),
    ("no number", "x", as_user("alice"), INCOMPLETE),
    ("a negative number", "-1", as_user("alice"), INCOMPLETE),
    ("nothing", "", as_user("alice"), INCOMPLETE),
]


@pytest.mark.parametrize(("label", "number", "headers", "answer"), CLOSED, ids=[row[0] for row in CLOSED])
async def test_who_closes_what(house: House, label: str, number: str, headers: dict[str, str], answer: Any) -> None:
    topic = await place(house)
    house.names["topic"] = str(topic["id"])
    path = WS + "conversation/close?id=" + number
    for _ in range(2):  # twice is once
        await Row(label, "GET", path, 200, answer, headers=headers).check(house)
    assert (await place(house))["closed"] is (answer == envelope())


async def test_only_members_close_a_groups(house: House) -> None:
    number = await create(house, "alice", "bob")
    topic = await place(house, userId=None, groupId=number)
    path = f"{WS}conversation/close?id={topic['id']}"
    await Row("a stranger", "GET", path, 200, UNAUTHORIZED, headers=as_user("carol")).check(house)
    await Row("a member", "GET", path, 200, envelope(), headers=as_user("bob")).check(house)
    assert (await place(house, userId=None, groupId=number))["closed"] is True


async def open_topics(house: House) -> list[tuple[str, str]]:
    found = []
    for pair in (("alice", "bob"), ("alice", "carol"), ("bob", "carol")):
        topics = await house.core.topics.list(house.tenant, pair)
        found += [("-".join(pair), topic.alias or "") for topic in topics if topic.open]
    return found


CLOSED_ALL: list[tuple[str, dict[str, str], str, Any, list[tuple[str, str]]]] = [
    ("one", as_user("alice"), "topicId=p1&withUserId=bob", envelope(), [("alice-bob", "p2"), ("alice-carol", "p1")]),
    ("by the other one", as_user("bob"), "topicId=p1&withUserId=alice", envelope(),
        [("alice-bob", "p2"), ("alice-carol", "p1")]),
    ("two", as_user("alice"), "topicId=p1&topicId=p2&withUserId=bob", envelope(), [("alice-carol", "p1")]),
    ("by the bot for a user", as_bot("alice"), "topicId=p1&withUserId=carol", envelope(),
        [("alice-bob", "p1"), ("alice-bob", "p2")]),
    ("by the bot of two", as_bot(), "topicId=p1&userId=alice&withUserId=carol", envelope(),
        [("alice-bob", "p1"), ("alice-bob", "p2")]),
    ("a user names no other", as_user("bob"), "topicId=p1&userId=alice&withUserId=carol", envelope(),
        [("alice-bob", "p1"), ("alice-bob", "p2"), ("alice-carol", "p1")]),
    ("an unknown topic", as_user("alice"), "topicId=px&withUserId=bob", envelope(),
        [("alice-bob", "p1"), ("alice-bob", "p2"), ("alice-carol", "p1")]),
    ("by the bot wherever they are", as_bot(), "topicId=p1&topicId=px", envelope(), [("alice-bob", "p2")]),
    ("no topic", as_user("alice"), "withUserId=bob", INCOMPLETE,
        [("alice-bob", "p1"), ("alice-bob", "p2"), ("alice-carol", "p1")]),
    ("nobody", as_user("alice"), "topicId=p1", INCOMPLETE,
        [("alice-bob", "p1"), ("alice-bob", "p2"), ("alice-carol", "p1")]),
]  # fmt: skip


@pytest.mark.parametrize("row", CLOSED_ALL, ids=[row[0] for row in CLOSED_ALL])
async def test_all_about_topics_are_closed(house: House, row: tuple[Any, ...]) -> None:
    label, headers, query, answer, left = row
    for alias, other in (("p1", "bob"), ("p2", "bob"), ("p1", "carol")):
        await place(house, topicId=alias, userId=other)
    await Row(label, "GET", f"{WS}conversation/closeall?{query}", 200, answer, headers=headers).check(house)
    assert await open_topics(house) == left


async def test_one_is_looked_at(house: House) -> None:
    topic = await place(house, topicDetail="d")
    for name in ("id", "conversationId"):
        path = f"{WS}conversation/topicId?{name}={topic['id']}"
        shape = topic_shape(topicId="p1", topicDetail="d", created=False, userId="alice")
        await Row("", "GET", path, 200, envelope(shape), headers=as_user("bob")).check(house)
        await Row("", "GET", path, 200, UNAUTHORIZED, headers=as_user("carol")).check(house)
    await Row("", "GET", WS + "conversation/topicId?id=4711", 200, INCOMPLETE, headers=as_user("bob")).check(house)
    assert (await ask_as_bot(house, "", "GET", f"conversation/topicId?id={topic['id']}"))["response"]["userId"] == "bob"


async def test_those_with_a_user_are_listed(house: House) -> None:
    numbers = [(await place(house, topicId=alias, status="NEW"))["id"] for alias in ("p1", "p2", "p1")]
    for query, expected in (
        ("userId=alice", [numbers[2], numbers[1], numbers[0]]),
        ("userId=alice&topic=p1", [numbers[2], numbers[0]]),
        ("userId=alice&pageSize=1", [numbers[2]]),
        ("userId=carol", []),
    ):
        answer = await ask(house, "bob", "GET", f"conversation/get?{query}")
        assert [topic["id"] for topic in answer["response"]] == expected
    await Row("", "GET", WS + "conversation/get", 200, INCOMPLETE, headers=as_user("bob")).check(house)


async def test_what_is_dispatched_makes_its_topic(house: House) -> None:
    topic = {"topicId": "p1", "topicDetail": '{"title":"T"}'}
    body = {"senderName": "alice", "to": "bob", "message": "hi", "conversationPxy": topic}
    sent = await ask_as_bot(house, "", "POST", "message/dispatch", json=body)
    found = await place(house)
    assert (found["id"], found["created"], found["topicDetail"]) == (sent["conversationId"], False, '{"title":"T"}')
    made = await house.core.topics.find(house.tenant, found["id"])
    assert made is not None
    assert (made.title, made.creator) == ("T", "alice")
