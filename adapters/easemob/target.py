"""The group or room that a path names, who may do something with it, and the people whom a request names.

Rooms are groups with other words: the path says which of both is meant, and a group is not found among the rooms.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from enum import IntEnum
from typing import Any, NamedTuple, TypeVar

from adapters.contract import Call
from adapters.easemob.errors import forbidden_operation, invalid_parameter, no_group, no_such_member_name
from adapters.easemob.ids import group_id, unescape, user_name
from adapters.easemob.options import NAME
from adapters.easemob.parties import known_group, known_user
from adapters.easemob.users import find_users, key_of
from adapters.easemob.wire import text_of
from core.errors import Failure, Kind
from core.model import Group, UserKey, leftovers_of

MAXIMUM_PEOPLE = 60
"""How many users one request may name."""

Result = TypeVar("Result")


class Needs(IntEnum):
    """What a user has to be in a group to do something with it. Applications may do everything."""

    MEMBER = 0
    ADMIN = 1
    OWNER = 2


class Target(NamedTuple):
    """A group or room, and the id by which apps of this dialect know it."""

    text: str
    group: Group

    @property
    def number(self) -> int:
        return self.group.number

    @property
    def own_id(self) -> dict[str, str]:
        """The id as replies show it."""
        return {"id" if self.group.room else "groupid": self.text}

    @property
    def listed_id(self) -> dict[str, str]:
        """The id as replies about lists show it: for rooms the vendor's documents and its service disagree."""
        return {"chatroomid": self.text, "id": self.text} if self.group.room else {"groupid": self.text}

    @property
    def own_leftovers(self) -> dict[str, Any]:
        return leftovers_of(self.group, NAME)

    def lacks(self, name: str) -> str:
        """That somebody is no member, in the wording of single users."""
        return f"user: {name} doesn't exist in {'chatroom' if self.group.room else 'group'}: {self.text}"


class Person(NamedTuple):
    """A user whom a request names, as this dialect calls that user; nobody behind a name that was never used."""

    name: str
    key: UserKey | None


def of_rooms(call: Call) -> bool:
    """Whether the request is about rooms."""
    return "chatrooms" in call.route.path or "/chatroom/" in call.route.path


async def find_target(call: Call, text: str) -> Target | None:
    """The group, or room, of this id."""
    number = await known_group(call, text)
    group = await call.core.groups.find(call.tenant, number) if number is not None else None
    if group is None or group.room != of_rooms(call):
        return None
    return Target(group_id(call.tenant, group), group)


async def target_of(call: Call, needs: Needs, *, reading: bool = False) -> Target:
    """The group, or room, of the path. Raises *not found* in one of two wordings, and what the vendor answers to a user who
    may not do this."""
    text = call.parameters["group"]
    target = await find_target(call, text)
    if target is None:
        raise no_group(text, reading)
    principal = call.authenticated
    if not principal.administrator:
        name = principal.user or ""
        key = await call.core.users.known_key(call.tenant, name)
        member = (await call.core.members.standing(call.tenant, target.number, key)).member if key else None
        if member is None or ("member", "admin", "owner").index(member.role) < needs:
            raise no_permission()
    return target


def no_permission() -> Failure:
    """A user who may not do this in a group."""
    text = "you have no permission to do this, group admin permission is required"
    return Failure(Kind.UNAUTHENTICATED, text, reason="group")


async def people(call: Call, names: Sequence[str]) -> list[Person]:
    """The people behind names, in their order; each once."""
    names = list(dict.fromkeys(names))
    keys = await asyncio.gather(*(known_user(call, name) for name in names))
    found = [Person(_shown(name, key), key) for name, key in zip(names, keys, strict=True)]
    return list({person.key.number if person.key else person.name: person for person in found}.values())


async def registered_people(call: Call, names: Sequence[str]) -> list[Person]:
    """The same of names that have to be registered. Raises *not found* for the first that is not."""
    found: dict[int, Person] = {}
    for name, user in zip(names, await find_users(call, names), strict=True):
        if user is None:
            raise no_such_member_name(name)
        found.setdefault(user.number, Person(_shown(name, key_of(user)), key_of(user)))
    return list(found.values())


def keys_of(persons: Sequence[Person]) -> list[UserKey]:
    """The places of those who have one."""
    return [person.key for person in persons if person.key is not None]


async def strangers(call: Call, target: Target, persons: Sequence[Person]) -> list[str]:
    """The names of those who are no members."""
    found = await call.core.members.standings(call.tenant, target.number, keys_of(persons))
    present = {standing.member.number for standing in found if standing.member is not None}
    return [person.name for person in persons if person.key is None or person.key.number not in present]


def not_members(names: Sequence[str]) -> str:
    """That some are no members, in the wording of several users."""
    return f"users [{', '.join(names)}] are not members of this group!"


def path_names(call: Call, field: str = "users") -> list[str]:
    """The names of a list in the path. Raises *bad request* for too many, or an empty one."""
    names = [name.strip() for name in call.parameters["users"].split(",")]
    check_names(names, field)
    return names


def body_names(request: dict[str, Any], field: str = "usernames", maximum: int = MAXIMUM_PEOPLE) -> list[str]:
    """The names of a list in a body. Raises *bad request* unless there are 1 to `maximum`."""
    values = request.get(field)
    if values is None:
        raise invalid_parameter(f"{field} must be provided", field)
    if not isinstance(values, list):
        raise invalid_parameter(f"{field} must be an array", field)
    names = [name for name in map(text_of, values) if name is not None]
    if len(names) != len(values):
        raise invalid_parameter(f"{field} must be an array of usernames", field)
    check_names(names, field, maximum)
    return names


def check_names(names: Sequence[str], field: str, maximum: int = MAXIMUM_PEOPLE) -> None:
    """Raises *bad request* for no names, an empty one, or too many."""
    if not names or not all(names):
        raise invalid_parameter(f"{field} must be provided", field)
    if len(names) > maximum:
        raise invalid_parameter(f"{field} number more than maxSize : {maximum}", field)


def body_name(request: dict[str, Any], field: str) -> str:
    """A name in a body."""
    name = text_of(request.get(field))
    if not name:
        raise invalid_parameter(f"{field} must be provided", field)
    return name


async def sparing_owner(change: Awaitable[Result]) -> Result:
    """The result of a change that the owner is spared. Raises what the vendor answers when the owner is meant."""
    try:
        return await change
    except Failure as failure:
        if failure.reason != "owner":
            raise
        raise forbidden_operation("forbidden operation on group owner!") from None


def _shown(name: str, key: UserKey | None) -> str:
    return name if key is None else user_name(key.id, unescape(name) is None)
