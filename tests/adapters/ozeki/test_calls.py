"""All calls of the chat client API with the vendor's samples, two stations of two users."""

import re
from collections.abc import AsyncIterator
from hashlib import md5
from typing import Any

import pytest

from adapters.ozeki.ids import conversation_id
from core.model import Box, Message, Presence, Text, UserKey
from tests.adapters.ozeki.chat_client import ChatClient, plain
from tests.adapters.ozeki.chats import chat_house, logged_in, talking
from tests.harness import NOON, House, match
from tests.servers import Engine

INSTANCE = re.compile("[A-Za-z0-9]{10}")
TOKEN = re.compile("[0-9a-f]{32}")


@pytest.fixture
async def house(embedded_engine: Engine) -> AsyncIterator[House]:
    async with chat_house(embedded_engine) as house:
        yield house


async def overview(house: House, name: str, other: str) -> Any:
    """A conversation as the core has it."""
    key = await house.core.users.key(house.tenant, name)
    (found,) = await house.core.conversations.whole(house.tenant, key, [other])
    return found


def expected(client: ChatClient, *others: str, **changes: Any) -> dict[str, Any]:
    """The vendor's object of a conversation with nothing in it."""
    ids = sorted([client.user, *others])
    properties = {
        "userid": client.user,
        "ismuted": False,
        "isfavorite": False,
        "hideid": "",
        "listitembackgroundcolor": "#ffffff",
    }
    properties |= {name: changes.pop(name) for name in list(changes) if name in properties}
    return {
        "id": md5(";".join(ids).encode(), usedforsecurity=False).hexdigest(),
        "isgroup": False,
        "participantids": ids,
        "participants": [{"userid": user, "username": str} for user in ids],
        "displayname": re.compile("[A-Za-z0-9+/]{342}=="),
        "lastmessageid": "",
        "lastreportid": "",
        "lastaccess": 0,
        "secret": re.compile("[A-Za-z0-9+/]{342}=="),
        "instance": INSTANCE,
        "mutedby": [],
        "favoriteby": [],
        "hiddenby": [],
        "properties": [properties],
        **changes,
    }


def test_ids_are_the_documented_ones() -> None:
    admin = md5(b"admin@ozeki.hu", usedforsecurity=False).hexdigest()
    assert admin == "d574638619cbff603bf857164c47e850"
    alice = "aa68d2204cb2bb85f2de3b9aad0d86d7"
    assert conversation_id(alice, admin) == conversation_id(admin, alice) == "8ca16186c36a4e0a1ef2096e6c60b613"


async def test_friends_have_a_conversation_before_the_first_message(house: House) -> None:
    alice, bob, conversation = await talking(house)
    match(expected(alice, bob.user), conversation)
    (theirs,) = await bob.conversations()
    match(expected(bob, alice.user), theirs)
    assert theirs["instance"] == conversation["instance"]
    assert theirs["secret"] != conversation["secret"]
    assert conversation["participants"] == sorted(
        [{"userid": alice.user, "username": "alice"}, {"userid": bob.user, "username": "bob"}],
        key=lambda each: each["userid"],
    )
    assert (await bob.download(theirs)) == {"messages": [], "reports": []}


async def test_a_message_moves_last_access_and_the_last_id(house: House) -> None:
    alice, bob, conversation = await talking(house)
    message = await alice.add(conversation, "uwR...A==")
    for client, other in ((alice, bob), (bob, alice)):
        (row,) = await client.conversations()
        match(expected(client, other.user, lastaccess=NOON // 1000, lastmessageid=message["ID"]), row)


async def test_a_colour_is_applied_at_once(house: House) -> None:
    alice, bob, conversation = await talking(house)
    answer = await alice.ask(
        "conversation", "setlistitembackgroundcolor", conversationid=conversation["id"], color="#bae1ff"
    )
    match({"conversation": expected(alice, bob.user, listitembackgroundcolor="#bae1ff")}, answer)
    assert (await overview(house, "alice", "bob")).marks.colour == "#bae1ff"
    match(expected(bob, alice.user), await bob.conversation(alice.user))
    answer = await alice.ask(
        "conversation", "setlistitembackgroundcolor", conversationid=conversation["id"], color="#ffffff"
    )
    match({"conversation": expected(alice, bob.user)}, answer)
    assert (await overview(house, "alice", "bob")).marks.colour is None


@pytest.mark.parametrize(
    ("there", "back", "flag", "by"),
    [("favorite", "unfavorite", "isfavorite", "favoriteby"), ("mute", "unmute", "ismuted", "mutedby")],
)
async def test_what_a_user_notes_is_the_users_own(house: House, there: str, back: str, flag: str, by: str) -> None:
    alice, bob, conversation = await talking(house)
    answer = await alice.ask("conversation", there, conversationid=conversation["id"])
    match({"conversation": expected(alice, bob.user, **{flag: True, by: [alice.user]})}, answer)
    marks = (await overview(house, "alice", "bob")).marks
    assert (marks.favourite, marks.muted_until) == (there == "favorite", -1 if there == "mute" else 0)
    match(expected(bob, alice.user), await bob.conversation(alice.user))
    match(answer["conversation"] | {"displayname": str}, await alice.conversation(bob.user))
    answer = await alice.ask("conversation", back, conversationid=conversation["id"])
    match({"conversation": expected(alice, bob.user)}, answer)


async def test_what_is_hidden_is_named_by_the_client_and_hidden_elsewhere(house: House) -> None:
    alice, bob, conversation = await talking(house)
    sent = await alice.add(conversation, "x")
    name = "7sSwU2VoFM;"
    answer = await alice.ask("conversation", "hide", conversationid=conversation["id"], hideid=name)
    there = {"lastaccess": NOON // 1000, "lastmessageid": sent["ID"]}
    match({"conversation": expected(alice, bob.user, hideid=name, **there)}, answer)
    assert (await overview(house, "alice", "bob")).box is Box.HIDDEN
    assert (await overview(house, "bob", "alice")).box is Box.ACTIVE
    await bob.add(conversation, "y")
    found = await overview(house, "alice", "bob")
    assert (found.box, found.marks.hidden_as) == (Box.ACTIVE, name)
    answer = await alice.ask("conversation", "unhide", conversationid=conversation["id"])
    assert answer["conversation"]["properties"][0]["hideid"] == ""
    assert (await overview(house, "alice", "bob")).marks.hidden_as is None


async def test_what_another_dialect_archived_is_hidden_here_until_it_is_unhidden(house: House) -> None:
    alice, _bob, conversation = await talking(house)
    sent = await alice.add(conversation, "x")
    key = await house.core.users.key(house.tenant, "alice")
    await house.core.conversations.put(house.tenant, key, "bob", Box.ARCHIVED)
    (row,) = await alice.conversations()
    assert row["properties"][0]["hideid"] == f"{conversation['instance']};{sent['ID']}"
    answer = await alice.ask("conversation", "unhide", conversationid=conversation["id"])
    assert answer["conversation"]["properties"][0]["hideid"] == ""
    assert (await overview(house, "alice", "bob")).box is Box.ACTIVE


async def test_clearing_removes_the_messages_of_all_and_keeps_the_secret(house: House) -> None:
    alice, bob, conversation = await talking(house)
    await alice.add(conversation, "x")
    house.manual_clock.move(60_000)
    here = {"conversationid": conversation["id"]}
    answer = await alice.ask("conversation", "clear", **here, instance=conversation["instance"])
    match({"conversation": expected(alice, bob.user, lastaccess=NOON // 1000)}, answer)
    cleared = answer["conversation"]
    assert cleared["instance"] != conversation["instance"]
    assert cleared["secret"] == conversation["secret"]
    theirs = await bob.conversation(alice.user)
    assert theirs["instance"] == cleared["instance"]
    assert await bob.download(theirs) == {"messages": [], "reports": []}
    again = await bob.add(theirs, "y")
    # Asked for again with the instance of before, as a client does that got no answer, it does nothing.
    answer = await alice.ask("conversation", "clear", **here, instance=conversation["instance"])
    assert (answer["conversation"]["instance"], answer["conversation"]["lastmessageid"]) == (
        cleared["instance"],
        again["ID"],
    )
    answer = await alice.ask("conversation", "clear", **here, instance="")
    assert answer["conversation"]["lastmessageid"] == ""


async def test_who_cleared_a_conversation_with_a_stranger_keeps_it(house: House) -> None:
    alice, bob = await logged_in(house, "alice", "bob")
    carol, key = await house.core.users.keys(house.tenant, ["carol", "alice"])
    await house.core.messages.send_direct(house.tenant, carol, [key], Message("carol", Text("hi"), "plain"), "client:1")
    (row,) = await alice.conversations()
    answer = await alice.ask("conversation", "clear", conversationid=row["id"], instance=row["instance"])
    (left,) = await alice.conversations()
    assert (left["id"], left["instance"]) == (row["id"], answer["conversation"]["instance"])
    assert await bob.conversations() == []


async def test_favourites_stand_first_then_the_latest(house: House) -> None:
    alice, bob, carol, dave = await logged_in(house, "alice", "bob", "carol", "dave")
    keys = await house.core.users.keys(house.tenant, ["alice", "bob", "carol", "dave"])
    await house.core.relations.add(house.tenant, keys[0], keys[1:])
    for other in (bob, carol, dave):
        house.manual_clock.move(1_000)
        await other.add(await other.conversation(alice.user), "x")
    row = await alice.conversation(bob.user)
    await alice.ask("conversation", "favorite", conversationid=row["id"])
    order = [next(user for user in row["participantids"] if user != alice.user) for row in await alice.conversations()]
    assert order == [bob.user, dave.user, carol.user]


async def test_friends_are_contacts_and_whom_one_talks_with(house: House) -> None:
    alice, bob, _carol = await logged_in(house, "alice", "bob", "carol")
    keys = await house.core.users.keys(house.tenant, ["alice", "bob", "dave"])
    await house.core.relations.add(house.tenant, keys[0], [keys[2]])
    assert await bob.ask("friends", "list") == {"friends": {}, "availabilities": []}
    await house.core.messages.send_direct(house.tenant, keys[1], [keys[0]], Message("bob", Text("hi"), "plain"), "r")
    await bob.ask("availability", "useravailable")
    answer = await alice.ask("friends", "list")
    dave = md5(f"dave@{house.application('ozeki').name}".encode(), usedforsecurity=False).hexdigest()
    assert answer["friends"] == {dave: "dave", bob.user: "bob"}
    rows = {row["friendid"]: row for row in answer["availabilities"]}
    assert list(rows) == [dave, bob.user]
    assert rows[dave] == {"friendid": dave, "friendname": "dave", "publickey": "", "availability": "unavailable"}
    assert (rows[bob.user]["friendname"], rows[bob.user]["availability"]) == ("bob", "available")
    assert len(rows[bob.user]["publickey"]) > 300


@pytest.mark.parametrize(
    ("action", "shown"),
    [
        ("useravailable", "available"),
        ("useraway", "away"),
        ("userbusy", "busy"),
        ("userunavailable", "unavailable"),
        ("useroffline", "unavailable"),
    ],
)
async def test_availability_is_seen_by_friends_and_in_the_core(house: House, action: str, shown: str) -> None:
    alice, bob, _ = await talking(house)
    await bob.ask("availability", "useravailable")
    assert await bob.ask("availability", action) == {}
    (row,) = (await alice.ask("friends", "list"))["availabilities"]
    assert row["availability"] == shown
    (presence,) = await house.core.presence.read(house.tenant, [await house.core.users.key(house.tenant, "bob")])
    assert isinstance(presence, Presence)
    assert len(presence.stations) == (0 if shown == "unavailable" else 1)
    # Other dialects show the names of stations to others.
    assert bob.station not in str(presence)


async def test_the_blocklist_has_whom_the_user_blocked_in_any_dialect(house: House) -> None:
    alice, bob, conversation = await talking(house)
    assert await alice.ask("blocklist", "blocklist") == {"blockedusers": [], "blockedconversations": []}
    keys = await house.core.users.keys(house.tenant, ["alice", "bob"])
    await house.core.relations.block(house.tenant, keys[0], [keys[1]])
    assert await alice.ask("blocklist", "blocklist") == {"blockedusers": [bob.user], "blockedconversations": []}
    message = {"ID": "1d1f2f6e-5a5c-4b1e-9a3e-000000000001", "Data": plain("hi")}
    answer = await bob.call("conversation", "add", conversationid=conversation["id"], message=message)
    assert answer == {"status": "ERROR", "errormessage": "The recipient has blocked the sender"}
    assert await alice.download(conversation) == {"messages": [], "reports": []}


async def test_a_group_is_a_conversation_of_many(house: House) -> None:
    alice, bob, carol = await logged_in(house, "alice", "bob", "carol")
    keys: list[UserKey] = await house.core.users.keys(house.tenant, ["alice", "bob", "carol"])
    group = await house.core.groups.create(house.tenant, name="all", owner=keys[0], members=keys[:2], dialect="ozeki")
    await house.core.messages.send_group(
        house.tenant, keys[0], [group.number], Message("alice", Text("hi"), "plain"), "r"
    )
    (row,) = await bob.conversations()
    assert (row["isgroup"], row["participantids"]) == (True, sorted([alice.user, bob.user]))
    message = await bob.add(row, plain("hello"))
    got = await alice.download(row)
    assert [each["ID"] for each in got["messages"]][1:] == [message["ID"]]
    # An id that the group has tells a stranger nothing.
    answer = await carol.call("conversation", "add", conversationid=row["id"], message=message)
    assert answer == {"status": "ERROR", "errormessage": "There is no such conversation"}
    assert (await bob.call("conversation", "clear", conversationid=row["id"]))["status"] == "ERROR"
    assert (await alice.ask("conversation", "clear", conversationid=row["id"]))["conversation"]["lastmessageid"] == ""
    for action in ("download", "clear", "mute", "favorite", "add"):
        answer = await carol.call("conversation", action, conversationid=row["id"], message=message)
        assert answer == {"status": "ERROR", "errormessage": "There is no such conversation"}
    intruding = {"ID": "1d1f2f6e-5a5c-4b1e-9a3e-000000000002", "Data": plain("hi")}
    answer = await carol.call("conversation", "add", conversationid=row["id"], message=intruding)
    assert answer["status"] == "ERROR"
    assert (await alice.download(row))["messages"] == []
    # Who left reads on, and is told why nothing is sent; of a deleted group nothing is left.
    await house.core.groups.remove(house.tenant, group.number, [keys[1]])
    answer = await bob.call("conversation", "add", conversationid=row["id"], message=intruding)
    assert answer == {"status": "ERROR", "errormessage": "The sender is no member of the group"}
    await house.core.groups.delete(house.tenant, group.number)
    answer = await alice.call("conversation", "add", conversationid=row["id"], message=intruding)
    assert answer == {"status": "ERROR", "errormessage": "There is no such conversation"}


async def test_a_long_list_is_as_complete_as_a_short_one(house: House) -> None:
    (alice,) = await logged_in(house, "alice")
    key, *others = await house.core.users.keys(house.tenant, ["alice", *(f"user {number}" for number in range(60))])
    await house.core.relations.add(house.tenant, key, others)
    rows = await alice.conversations()
    assert len({row["id"] for row in rows}) == len({row["secret"] for row in rows}) == 60
    for row in rows:
        (other,) = [each["userid"] for each in row["participants"] if each["userid"] != alice.user]
        match(expected(alice, other), row)
