"""What tests of groups and topics share: shapes of objects, and short ways to make them."""

from collections.abc import Mapping
from typing import Any

from core.messages import Query
from core.model import Event
from tests.adapters.applozic.conftest import ask, ask_as_bot
from tests.harness import NOON, House

ADMIN, MODERATOR, MEMBER = 1, 2, 3


def group_shape(*members: str, roles: Mapping[str, int] | None = None, **changes: Any) -> dict[str, Any]:
    """A group object to match with: a public group of these members, the first of whom made it at noon."""
    given = {members[0]: ADMIN, **(roles or {})} if members else {}
    shape: dict[str, Any] = {
        "id": int,
        "clientGroupId": str,
        "name": "G",
        "adminName": members[0] if members else str,
        "adminId": members[0] if members else str,
        "memberUserKeys": [
            "{" + member + "_key}" if member in ("alice", "bob", "carol") else str for member in members
        ],
        "membersName": list(members),
        "membersId": list(members),
        "removedMembersId": [],
        "unreadCount": 0,
        "type": 2,
        "createdAtTime": NOON,
        "updatedAtTime": int,
        "userCount": len(members),
        "groupUsers": [{"userId": member, "role": given.get(member, MEMBER), "deleted": False} for member in members],
        "childKeys": [],
        "childClientGroupIds": [],
        "metadata": {},
    }
    return shape | changes


def has_users(*members: str) -> Any:
    """The `users` of a group object, to match with: their ids, and a key each."""
    return lambda users: (
        [user["userId"] for user in users] == list(members) and all(len(user["id"]) == 36 for user in users)
    )


async def create(house: House, owner: str = "alice", *members: str, **fields: Any) -> int:
    """Create a group through the wire; gives its number."""
    body = {"groupName": "G", "groupMemberList": list(members), **fields}
    answer = await ask(house, owner, "POST", "group/v2/create", json=body)
    assert answer["status"] == "success", answer
    number: int = answer["response"]["id"]
    return number


async def info(house: House, number: int, user: str = "") -> dict[str, Any]:
    """A group as a user sees it, else as the bot does."""
    path = f"group/v2/info?groupId={number}"
    answer = await (ask(house, user, "GET", path) if user else ask_as_bot(house, "", "GET", path))
    assert answer["status"] == "success", answer
    found: dict[str, Any] = answer["response"]
    return found


async def members(house: House, number: int) -> list[str]:
    """The ids of a group's members."""
    found = await house.core.groups.detail(house.tenant, number)
    return [member.id for member in found[1]] if found is not None else []


async def roles(house: House, number: int) -> dict[str, int]:
    """What everybody is in a group, in the vendor's numbers."""
    return {row["userId"]: row["role"] for row in (await info(house, number))["groupUsers"]}


async def said(house: House, number: int) -> list[tuple[str, str, dict[str, Any]]]:
    """The notices in a group, oldest first: the neutral name, the text, and the app's own map."""

    page = await house.core.messages.group_page(house.tenant, None, number, Query(100, newest_first=False))
    return [
        (one.message.content.name, one.message.content.text or "", one.message.extension or {})
        for one in page.messages
        if isinstance(one.message.content, Event)
    ]
