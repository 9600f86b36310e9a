"""What is said in a group of what happens to it: the vendor's exact texts and labels."""

from typing import Any

from tests.adapters.chat21.conftest import as_user, conversations, history, send
from tests.adapters.chat21.test_groups import DONE, GROUPS, create
from tests.adapters.chat21.test_messages import OBJECT_ID, UUID
from tests.harness import NOON, House, Row, match


def label(key: str, **parameters: Any) -> dict[str, Any]:
    messagelabel = {"key": key, "parameters": parameters}
    return {"subtype": "info", "updateconversation": True, "messagelabel": messagelabel}


def joined(user: str, fullname: str = "", firstname: str = "", lastname: str = "") -> dict[str, Any]:
    names = {"fullname": fullname or user, "firstname": firstname, "lastname": lastname}
    return label("MEMBER_JOINED_GROUP", member_id=user, **names)


async def notices(house: House, user: str, uid: str) -> list[tuple[str, dict[str, Any]]]:
    """Texts and attributes of what the system said, oldest first."""
    rows = [row for row in await history(house, user, uid) if row["sender"] == "system"]
    return [(row["text"], row["attributes"]) for row in reversed(rows)]


async def test_a_notice_is_whole(house: House) -> None:
    uid = await create(house, "user1", group_id="group-own")
    row, created = await history(house, "user1", uid)
    expected = {
        "_id": OBJECT_ID,
        "message_id": UUID,
        "text": "Group created",
        "type": "text",
        "sender": "system",
        "sender_fullname": "System",
        "recipient": uid,
        "recipient_fullname": "G1",
        "channel_type": "group",
        "app_id": house.names["app"],
        "timestamp": NOON,
        "status": 150,
        "timelineOf": "user1",
        "conversWith": uid,
        "attributes": label("GROUP_CREATED", creator="user1"),
    }
    match(expected, created)
    expected |= {"text": "user1 joined group on creation", "attributes": joined("user1"), "timestamp": NOON + 1}
    match(expected, row)
    (listed,) = await conversations(house, "user1")
    shown = (listed["last_message_text"], listed["recipient_fullname"], listed["is_new"])
    assert shown == ("user1 joined group on creation", "G1", True)
    # A notice is news, but nothing to be read.
    me = await house.core.users.key(house.tenant, "user1")
    (overview,) = await house.core.conversations.list(house.tenant, me, 1)
    assert (overview.unread, overview.is_new) == (0, True)


async def test_what_is_said_on_each_change(house: House) -> None:
    for user, name in (("user2", "Bea van Two"), ("user3", "Cher")):
        await house.core.users.register(house.tenant, user, display_name=name)
    uid = await create(house, "user1", "user2")
    path = f"{GROUPS}/{uid}/members"
    said = [
        ("Group created", label("GROUP_CREATED", creator="user1")),
        ("Bea van Two joined group on creation", joined("user2", "Bea van Two", "Bea", "van Two")),
        ("user1 joined group on creation", joined("user1")),
    ]
    assert await notices(house, "user2", uid) == said
    await Row("", "POST", path, 200, DONE, {"member_id": "user3"}, headers=as_user("user1")).check(house)
    said.append(("Cher added to group", joined("user3", "Cher", "Cher")))
    for user in ("user1", "user2", "user3"):  # the newcomer sees the history too
        assert await notices(house, user, uid) == said
    members = {"members": {"user1": 1, "user4": 1, "user2": 1}}
    await Row("", "PUT", path, 200, DONE, members, headers=as_user("user1")).check(house)
    assert await notices(house, "user3", uid) == said  # nothing is said of who is left out
    said.append(("user4 added to group", joined("user4")))
    assert await notices(house, "user1", uid) == said
    await Row("", "DELETE", path + "/user2", 200, DONE, headers=as_user("user4")).check(house)
    assert await notices(house, "user2", uid) == said
    said.append(("user2 removed from group", label("MEMBER_LEFT_GROUP", member_id="user2")))
    assert await notices(house, "user4", uid) == said


async def test_an_administrator_is_named_as_the_creator(house: House) -> None:
    uid = await create(house, "admin", "user2", group_owner="user1")
    creator = label("GROUP_CREATED", creator="user1")
    assert await notices(house, "user2", uid) == [
        ("Group created", creator),
        ("user2 joined group on creation", joined("user2")),
    ]


async def test_who_is_refused_says_nothing(house: House) -> None:
    uid = await create(house, "user1", "user2")
    before = await notices(house, "user1", uid)
    for method, where, body, caller in (
        ("POST", "", {"member_id": "user3"}, "user2"),
        ("POST", "", {"member_id": "user2"}, "user1"),
        ("PUT", "", {"members": {"user1": 1, "user2": 1}}, "user1"),
        ("DELETE", "/user9", None, "user1"),
        ("DELETE", "/user1", None, "user3"),
    ):
        row = Row("", method, f"{GROUPS}/{uid}/members{where}", 405, ..., body, headers=as_user(caller))
        await row.check(house)
    assert await notices(house, "user1", uid) == before


async def test_a_crowd_has_one_notice(house: House) -> None:
    uid = await create(house, "user1", *(f"member {number}" for number in range(40)))
    crowd = label("MEMBERS_JOINED_GROUP", members=41)
    expected = [
        ("Group created", label("GROUP_CREATED", creator="user1")),
        ("41 members joined group on creation", crowd),
    ]
    assert await notices(house, "user1", uid) == expected


async def test_a_repeated_creation_is_announced_once(house: House) -> None:
    body = {"group_name": "G1", "group_members": {"user2": 1}, "group_id": "group-once"}
    headers = {**as_user("user1"), "Idempotency-Key": "once"}
    for _ in range(2):
        await Row("", "POST", GROUPS, 201, ..., body, headers=headers).check(house)
    assert len(await notices(house, "user2", "group-once")) == 3


async def test_a_notice_brings_an_archived_group_back(house: House) -> None:
    uid = await create(house, "user1", "user2")
    path = f"/api/{{app}}/conversations/{uid}"
    await Row("", "DELETE", path, 201, DONE, headers=as_user("user2")).check(house)
    assert await conversations(house, "user2") == []
    await send(house, "user1", uid, text="aside", attributes={"updateconversation": False})
    assert await conversations(house, "user2") == []
    body = {"member_id": "user3"}
    await Row("", "POST", f"{GROUPS}/{uid}/members", 200, DONE, body, headers=as_user("user1")).check(house)
    assert [row["last_message_text"] for row in await conversations(house, "user2")] == ["user3 added to group"]
