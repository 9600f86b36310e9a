"""Conversation lists and their rows."""

from typing import Any
from urllib.parse import quote

from core.model import Message, Text
from tests.adapters.chat21.conftest import Token, as_user, conversations, send
from tests.adapters.chat21.test_messages import OBJECT_ID, UUID
from tests.harness import NOON, House, Row

LIST = "/api/{app}/user1/conversations"


async def test_a_row_is_the_last_message_with_more(house: House) -> None:
    await send(house, "user2", "user1", text="first", attributes={"old": 1})
    house.manual_clock.move(10)
    await send(house, "user1", "user2", text="hi", type="text", sender_fullname="A One", recipient_fullname="B Two")
    row = {
        "_id": OBJECT_ID,
        "message_id": UUID,
        "text": "hi",
        "last_message_text": "hi",
        "type": "text",
        "sender": "user1",
        "sender_fullname": "A One",
        "recipient": "user2",
        "recipient_fullname": "B Two",
        "channel_type": "direct",
        "app_id": "{app}",
        "timestamp": NOON + 10,
        "status": 100,
        "timelineOf": "user1",
        "conversWith": "user2",
        "key": "user2",
        "is_new": True,
        "archived": False,
    }
    answer = {"success": True, "result": [row]}
    await Row("list", "GET", LIST, 200, answer, headers=as_user("user1")).check(house)
    await Row("detail", "GET", LIST + "/user2", 200, answer, headers=as_user("user1")).check(house)
    row |= {"status": 150, "timelineOf": "user2", "conversWith": "user1", "key": "user1"}
    await Row("other", "GET", "/api/{app}/user2/conversations", 200, answer, headers=as_user("user2")).check(house)


async def test_newest_first_and_one_row_each(house: House) -> None:
    for peer in ("user2", "user3", "user4", "user2"):
        house.manual_clock.move(1)
        await send(house, "user1", peer, text=f"to {peer}")
    assert [row["conversWith"] for row in await conversations(house, "user1")] == ["user2", "user4", "user3"]
    assert len({row["_id"] for row in await conversations(house, "user1")}) == 3


async def test_at_most_200_rows(house: House) -> None:
    tenant, core = house.tenant, house.core
    me, *peers = await core.users.keys(tenant, ["user1", *(f"peer{number}" for number in range(205))])
    message = Message("user1", Text("hi"), "elsewhere")
    await core.messages.send_direct(tenant, me, peers, message, "r")
    assert len(await conversations(house, "user1")) == 200


async def test_the_unknown_is_empty_not_missing(house: House) -> None:
    empty = {"success": True, "result": []}
    for other in ("nobody", "group-nothing", "a%00b", "a" * 300):
        status, body = (400, ...) if "%00" in other else (200, empty)
        await Row(other, "GET", f"{LIST}/{other}", status, body, headers=as_user("user1")).check(house)
    await Row("list", "GET", LIST, 200, empty, headers=as_user("user1")).check(house)
    await Row("unknown user", "GET", "/api/{app}/nobody/conversations", 200, empty, headers=as_user("admin")).check(
        house
    )
    long = "/api/{app}/" + "a" * 300 + "/conversations"
    await Row("no name", "GET", long, 200, empty, headers=as_user("admin")).check(house)


async def test_lists_are_the_users_own_or_an_administrators_to_see(house: House) -> None:
    await send(house, "user1", "user2", text="hi")
    for path in (LIST, LIST + "/user2"):
        for name in ("user2", "user3"):
            await Row(name, "GET", path, 401, "", headers=as_user(name)).check(house)
        response = await Row("admin", "GET", path, 200, headers=as_user("admin")).check(house)
        assert [row["timelineOf"] for row in response.json()["result"]] == ["user1"]


async def test_a_text_that_is_absent_is_null_in_the_row(house: House) -> None:
    await send(house, "user1", "user2")
    (row,) = await conversations(house, "user1")
    assert row["last_message_text"] is None
    assert "text" not in row


async def test_groups_are_rows_with_their_own_id(house: House) -> None:
    body = {"group_name": "G1", "group_members": {"user2": 1}}
    for chosen in ({}, {"group_id": "team"}, {"group_id": "support-group-7"}):
        house.manual_clock.move(1)
        created = await Row(
            "", "POST", "/api/{app}/groups", 201, ..., {**body, **chosen}, headers=as_user("user1")
        ).check(house)
        group = created.json()["group"]["uid"]
        await send(house, "user1", group, text="hi all", channel_type="group", recipient_fullname="G1")
        row = (await conversations(house, "user2"))[0]
        shown: dict[str, Any] = {
            name: row[name] for name in ("conversWith", "key", "recipient", "status", "channel_type")
        }
        assert shown == {"conversWith": group, "key": group, "recipient": group, "status": 150, "channel_type": "group"}
        detail = Row("", "GET", "/api/{app}/user2/conversations/" + group, 200, headers=as_user("user2"))
        assert (await detail.check(house)).json()["result"] == [row]
    assert len(await conversations(house, "user2")) == 3


async def test_a_group_of_another_dialect_is_named(house: House) -> None:
    tenant, core = house.tenant, house.core
    owner, member = await core.users.keys(tenant, ["user1", "user2"])
    group = await core.groups.create(
        tenant, name="Elsewhere's", owner=owner, members=[owner, member], dialect="elsewhere"
    )
    await core.messages.send_group(tenant, owner, [group.number], Message("user1", Text("hi"), "elsewhere"), "a")
    (row,) = await conversations(house, "user2")
    assert row["recipient_fullname"] == "Elsewhere's"
    assert row["conversWith"].startswith("group-")
    assert row["status"] == 150


async def test_ids_in_paths_are_decoded(house: House, token: Token) -> None:
    name = "a/b.c+d#e"
    house.names["odd"] = token(name)
    await send(house, "user1", name, text="hi")
    part = quote(name, safe="")
    path = f"/api/{{app}}/{part}/conversations/user1"
    response = await Row("", "GET", path, 200, headers=as_user("odd")).check(house)
    assert [row["timelineOf"] for row in response.json()["result"]] == [name]
    response = await Row("", "GET", f"{LIST}/{part}", 200, headers=as_user("user1")).check(house)
    assert [row["conversWith"] for row in response.json()["result"]] == [name]
