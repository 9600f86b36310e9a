"""What happens to a group is said in it, whatever dialect it happens in: Chat21 shows it, Easemob shows messages alone."""

import json
from typing import Any

import msgspec

from core.model import Event
from tests.test_across import Both, both

__all__ = ["both"]


async def new_group(both: Both, *members: str, **fields: Any) -> str:
    """A group of user1's, by its Easemob id."""
    body = {"groupname": "Team", "public": True, "owner": "user1", "members": list(members), **fields}
    group: str = (await both.easemob("/chatgroups", body))["data"]["groupid"]
    return group


async def chat21_id(both: Both, user: str) -> str:
    """The id of the user's only conversation."""
    (listed,) = (await both.chat21("GET", user, f"/{user}/conversations"))["result"]
    other: str = listed["conversWith"]
    return other


async def said(both: Both, user: str, group: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Text, key and parameters of what the system said, oldest first."""
    rows = [row for row in await both.history(user, group) if row["sender"] == "system"]
    labels = [row["attributes"]["messagelabel"] for row in rows]
    return [(row["text"], label["key"], label["parameters"]) for row, label in zip(rows, labels, strict=True)][::-1]


async def test_a_group_of_easemobs_is_announced_in_chat21(both: Both) -> None:
    core, tenant = both.house.core, both.house.tenant
    await core.users.update(tenant, "user2", lambda user: msgspec.structs.replace(user, name="Bea van Two"))
    group = await new_group(both, "user2")
    uid = await chat21_id(both, "user2")
    joined = {"fullname": "user1", "firstname": "", "lastname": ""}
    bea = {"fullname": "Bea van Two", "firstname": "Bea", "lastname": "van Two"}
    expected = [
        ("Group created", "GROUP_CREATED", {"creator": "user1"}),
        ("user1 joined group on creation", "MEMBER_JOINED_GROUP", {"member_id": "user1", **joined}),
        ("Bea van Two joined group on creation", "MEMBER_JOINED_GROUP", {"member_id": "user2", **bea}),
    ]
    assert await said(both, "user2", uid) == expected
    row = (await both.history("user2", uid))[0]
    assert (row["sender_fullname"], row["recipient_fullname"], row["status"]) == ("System", "Team", 150)
    assert row["attributes"]["subtype"] == "info"

    await both.easemob(f"/chatgroups/{group}/users/user3", None)
    third = {"member_id": "user3", "fullname": "user3", "firstname": "", "lastname": ""}
    expected.append(("user3 added to group", "MEMBER_JOINED_GROUP", third))
    assert await said(both, "user2", uid) == expected
    assert await said(both, "user3", uid) == expected[-1:]

    await both.easemob(f"/chatgroups/{group}", {"groupname": "Crew"}, method="PUT")
    expected.append(("The group is called Crew now", "DATA_UPDATED_GROUP", {"group_name": "Crew"}))
    await both.easemob(f"/chatgroups/{group}", {"groupname": "Crew", "description": "d"}, method="PUT")
    await both.easemob(f"/chatgroups/{group}/users/user3", None, method="DELETE")
    expected.append(("user3 removed from group", "MEMBER_LEFT_GROUP", {"member_id": "user3"}))
    await both.easemob(f"/chatgroups/{group}/blocks/users/user2", None)
    assert await said(both, "user2", uid) == expected
    expected.append(("user2 removed from group", "MEMBER_LEFT_GROUP", {"member_id": "user2"}))
    assert await said(both, "user1", uid) == expected


async def test_who_comes_and_goes_himself_is_announced(both: Both) -> None:
    group = await new_group(both, membersonly=True)
    uid = await chat21_id(both, "user1")

    async def as_user(user: str, method: str, path: str, body: Any = None) -> None:
        base = "/" + both.application("easemob").name.replace("#", "/")
        token = {"Authorization": f"Bearer {await both.token('easemob', user)}"}
        reply = await both.http.request(method, f"{base}/chatgroups/{group}{path}", json=body, headers=token)
        assert reply.status_code == 200, reply.text

    await as_user("user2", "POST", "/apply", {"message": "please"})
    assert len(await said(both, "user1", uid)) == 2
    await as_user("user1", "POST", "/apply_verify", {"applicant": "user2", "verifyResult": True})
    await as_user("user1", "POST", "/invite", {"usernames": ["user3"]})
    assert len(await said(both, "user1", uid)) == 3
    await as_user("user3", "POST", "/invite_verify", {"invitee": "user3", "verifyResult": True})
    await as_user("user2", "DELETE", "/quit")
    texts = [text for text, _, _ in await said(both, "user1", uid)]
    assert texts[2:] == ["user2 added to group", "user3 added to group", "user2 removed from group"]
    # The event itself knows who did it.
    core, tenant = both.house.core, both.house.tenant
    page = [row for row in await both.history("user1", uid) if row["sender"] == "system"][:3]
    found = []
    for row in page:
        id_ = core.ids(tenant).from_uuid(row["message_id"])
        stored = await core.messages.get(tenant, id_) if id_ is not None else None
        assert stored is not None
        assert isinstance(stored.message.content, Event)
        assert stored.message.dialect == "easemob"
        found.append((stored.message.content.parameters or {}).get("by"))
    assert found == ["user2", None, "user1"]


async def test_easemob_shows_messages_alone(both: Both) -> None:
    group = await new_group(both, "user2")
    channels = (await both.easemob("/users/user2/user_channels", None, method="GET"))["data"]["channel_infos"]
    assert channels == []
    query = "/chatmessages?ql=select%20*"
    assert (await both.easemob(query, None, method="GET"))["entities"] == []
    await both.send({"type": "txt", "msg": "hi"}, group, to="chatgroups")
    await both.easemob(f"/chatgroups/{group}/users/user3", None)
    (channel,) = (await both.easemob("/users/user2/user_channels", None, method="GET"))["data"]["channel_infos"]
    assert json.loads(channel["meta"]["payload"])["bodies"] == [{"type": "txt", "msg": "hi"}]
    assert channel["unread_num"] == 1
    assert "losses" not in both.house.log.requests[-1]
    (record,) = (await both.easemob(query, None, method="GET"))["entities"]
    assert record["payload"]["bodies"] == [{"type": "txt", "msg": "hi"}]
    count = await both.easemob("/users/user2/offline_msg_count", None, method="GET")
    assert count["data"] == {"user2": 1}


async def test_of_rooms_nothing_is_said(both: Both) -> None:
    body = {"name": "Lobby", "owner": "user1", "members": ["user2"]}
    room = (await both.easemob("/chatrooms", body))["data"]["id"]
    await both.easemob(f"/chatrooms/{room}/users/user3", None)
    await both.easemob(f"/chatrooms/{room}", {"name": "Hall"}, method="PUT")
    await both.easemob(f"/chatrooms/{room}/users/user3", None, method="DELETE")
    for user in ("user1", "user2", "user3"):
        assert (await both.chat21("GET", user, f"/{user}/conversations"))["result"] == []
