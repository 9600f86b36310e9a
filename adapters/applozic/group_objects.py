"""Group objects and topic objects, as every list and answer shows them.

`feeds` is what lists of messages need beside their rows; `group_object` and `topic_object` are the two renderings themselves.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import orjson

from adapters.applozic.ids import client_group_id, user_key, virtual_group
from adapters.applozic.options import NAME
from adapters.applozic.profiles import user_objects
from adapters.applozic.wire import flat
from adapters.contract import Call
from core.clock import HIGHEST_TIME
from core.ids import Parties
from core.membership import GroupView
from core.model import Group, Member, Topic, UserKey, leftovers_of

MEMBERS_SHOWN = 100
"""Of a larger group lists show the first ones, and `userCount` how many there are: the vendor's groups have no more."""
_MOST_MEMBERS = 1_000
"""What is shown of a group that somebody looks at."""
VIRTUAL, PRIVATE, PUBLIC, OPEN, CONTACTS = 0, 1, 2, 6, 9
"""Types of groups."""
ADMIN, MODERATOR, MEMBER = 1, 2, 3
"""Roles in a group."""
MODERATORS, TYPE, DETAIL, PARENT = "moderators", "type", "detail", "parent"
"""What leftovers keep of groups and topics; of moderators the numbers, which are nobody's once a user is erased."""

GroupRow = dict[str, Any]
TopicRow = dict[str, Any]


async def feeds(
    call: Call, user: UserKey | None, groups: Iterable[int], topics: Iterable[tuple[Parties, int]] = ()
) -> tuple[list[GroupRow], list[TopicRow]]:
    """`groupFeeds` and `conversationPxys` for a list of messages: the objects of these groups, by neutral number, each with what
    `user` has unread in it, and of these topics, by the parties of their conversation and their own number (`Message.topic`).

    Each once, in the order given; what is not there (a group that nobody created, or that is deleted), and a group that is none of
    the caller's business, is left out. One turn of
    the store for all of it, none when nothing is asked for. `user` is whose view it is: none for an administrator's look.
    """
    numbers, labels = list(dict.fromkeys(groups)), list(dict.fromkeys(topics))
    views, found = await asyncio.gather(_views(call, numbers, user), _topics(call, labels))
    name = user.id if user is not None else None
    return (
        [group_object(call, view) for view in views if view is not None and may_look(call, view)],
        [topic_object(topic, name) for topic in found if topic is not None],
    )


def may_look(call: Call, view: GroupView) -> bool:
    """Whether the caller, whose view it is, may look at a group."""
    return call.authenticated.administrator or view.known or is_public(view.group)


def is_public(group: Group) -> bool:
    """Whether everybody may look at a group."""
    return group.public or group_type(group) in (PUBLIC, OPEN)


async def group_objects(call: Call, user: UserKey | None, numbers: Sequence[int]) -> list[GroupRow]:
    """The objects of groups by number, those that exist."""
    return [group_object(call, view) for view in await _views(call, numbers, user) if view is not None]


async def full_object(call: Call, user: UserKey | None, view: GroupView) -> GroupRow:
    """A group object with its members as user objects, and as many as a page of members has."""
    if view.total > len(view.members):
        page = await call.core.members.page(call.tenant, view.group.number, limit=_MOST_MEMBERS)
        view = msgspec.structs.replace(view, members=page.members)
    return (await full_objects(call, user, [view]))[0]


async def full_objects(call: Call, user: UserKey | None, views: Iterable[GroupView]) -> list[GroupRow]:
    """Group objects that have their members as user objects, too."""
    rows = [group_object(call, view) for view in views]
    names = list(dict.fromkeys(name for row in rows for name in row["membersId"]))
    people = dict(zip(names, await user_objects(call, names, user), strict=True))
    for row in rows:
        members = zip(row["memberUserKeys"], row["membersId"], strict=True)
        row["users"] = [{"id": key, **people[name]} for key, name in members]
    return rows


def group_object(call: Call, view: GroupView) -> GroupRow:
    """A group as its viewer has it. What of it can't be said here goes to the call's losses."""
    group, ids = view.group, call.core.ids(call.tenant)
    names = [member.id for member in view.members]
    _note_losses(call.losses, view)
    row: GroupRow = {
        "id": group.number,
        "clientGroupId": client_group_id(group),
        "name": group.name,
        "adminName": group.owner,
        "adminId": group.owner,
        "memberUserKeys": [user_key(ids, member.number) for member in view.members],
        "membersName": names,  # the vendor's clients take these for ids
        "membersId": names,
        "removedMembersId": view.left,
        "unreadCount": view.unread,
        "type": group_type(group),
        "createdAtTime": group.created,
        "updatedAtTime": view.changed,
        "userCount": view.total,
        "groupUsers": [
            {"userId": member.id, "role": role_of(group, member), "deleted": False} for member in view.members
        ],
        "childKeys": [],
        "childClientGroupIds": [],
        "metadata": flat(group.attributes or {}),
    }
    if group.image_url is not None:
        row["imageUrl"] = group.image_url
    parent = leftovers_of(group, NAME).get(PARENT)
    if parent is not None:
        row["parentKey"] = parent
    if view.marks.muted_until:
        row["notificationAfterTime"] = HIGHEST_TIME if view.marks.muted_until < 0 else view.marks.muted_until
    return row


def topic_object(topic: Topic, user: str | None, *, created: bool = False) -> TopicRow:
    """A topic as `user` has it, or, for whoever else looks, its creator: `userId` is the other one of a conversation of two, whom
    to send to. `created`: by this very request."""
    if isinstance(topic.parties, int):
        group, other = topic.parties, topic.creator
    else:
        viewer = user if user is not None and user in topic.parties else topic.creator
        group, other = virtual_group(topic.number), other_of(topic.parties, viewer)
    row: TopicRow = {
        "id": topic.number,
        "topicId": topic.alias if topic.alias is not None else str(topic.number),
        "userId": other,
        "created": created,
        "closed": not topic.open,
        "senderUserName": topic.creator,
        "status": "OPEN" if topic.open else "CLOSED",
        "groupId": group,
    }
    detail = _detail(topic)
    if detail is not None:
        row["topicDetail"] = detail
    return row


def virtual_object(topic: Topic, user: str | None, unread: int, *, created: bool = False) -> GroupRow:
    """The group object that stands around a topic of two users: there is no such group."""
    number = virtual_group(topic.number)
    users = list(dict.fromkeys(topic.parties)) if isinstance(topic.parties, tuple) else []
    return {
        "id": number,
        "clientGroupId": str(number),
        "name": topic.title or topic.alias or str(number),
        "membersName": users,
        "membersId": users,
        "removedMembersId": [],
        "unreadCount": unread,
        "type": VIRTUAL,
        "conversationPxy": topic_object(topic, user, created=created),
        "createdAtTime": topic.created,
        "userCount": 2,
    }


def other_of(pair: tuple[str, str], user: str) -> str:
    """The other one of two users."""
    first, second = pair
    return second if first == user else first


def group_type(group: Group) -> int:
    """The vendor's type; of a group that was made in another dialect the nearest one."""
    own = leftovers_of(group, NAME).get(TYPE)
    if isinstance(own, int):
        return own
    return OPEN if group.room else PUBLIC if group.public else PRIVATE


def role_of(group: Group, member: Member) -> int:
    """A member's role. Moderators are admins in every other dialect."""
    if member.role == "member":
        return MEMBER
    return (
        MODERATOR
        if member.role == "admin" and member.number in leftovers_of(group, NAME).get(MODERATORS, ())
        else ADMIN
    )


async def _views(call: Call, numbers: Sequence[int], user: UserKey | None) -> Sequence[GroupView | None]:
    return await call.core.groups.views(call.tenant, numbers, user, members=MEMBERS_SHOWN) if numbers else ()


async def _topics(call: Call, labels: Sequence[tuple[Parties, int]]) -> Sequence[Topic | None]:
    return await call.core.topics.several(call.tenant, labels) if labels else ()


def _detail(topic: Topic) -> str | None:
    """The text that the app gave, byte for byte; of another dialect's topic what it says, in the vendor's form."""
    detail = leftovers_of(topic, NAME).get(DETAIL)
    if isinstance(detail, str):
        return detail
    said = {**({"title": topic.title} if topic.title is not None else {}), **(topic.attributes or {})}
    return orjson.dumps(said).decode() if said else None


def _note_losses(losses: list[str], view: GroupView) -> None:
    group = view.group
    found = []
    if view.total > len(view.members) > 0:
        found.append(f"membersId: of a large group the first {len(view.members)}")
    if group.description:
        found.append("description: dropped")
    if group.announcement:
        found.append("announcement: dropped")
    if any(not isinstance(value, str) for value in (group.attributes or {}).values()):
        found.append("metadata: values that are no texts became JSON")
    losses.extend(loss for loss in found if loss not in losses)
