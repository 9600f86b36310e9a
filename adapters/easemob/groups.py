"""Chat groups: creation, and the numbers behind the ids that messages are sent to."""

import asyncio
from collections.abc import Sequence
from typing import Any

from adapters.contract import Call, Reply
from adapters.easemob.auth import require_administrator
from adapters.easemob.errors import illegal, invalid_parameter
from adapters.easemob.ids import CHOSEN_GROUP_ID, group_id, own_number
from adapters.easemob.options import NAME
from adapters.easemob.users import find_users
from adapters.easemob.wire import BODY_LIMIT_BYTES, boolean_of, integer_of, parse_object, success, text_of
from core.errors import Failure, Kind
from core.model import UserKey
from core.names import is_legal

_MAXIMUM_MEMBERS = 100
_DEFAULT_MAXIMUM_USERS = 200
_HIGHEST_MAXIMUM_USERS = (1 << 31) - 1
_SPELLINGS = {
    "description": "desc",
    "membersonly": "members_only",
    "groupname": "name",
    "allowinvites": "allow_user_invites",
}
"""The same field under another name: the vendor's documents, clients and live service disagree."""
_TEXT_LIMITS = {"groupname": 128, "description": 512, "custom": 1024, "avatar": 1024}
_SWITCHES = ("membersonly", "allowinvites", "invite_need_confirm", "need_verify")


async def create(call: Call) -> Reply:
    """`POST /chatgroups`. Owner and members must be registered; the owner is a member."""
    require_administrator(call)
    request = parse_object(await call.body(BODY_LIMIT_BYTES))
    fields = {name: value for name, value in request.items() if value is not None}
    for name, other in _SPELLINGS.items():
        if name not in fields and other in fields:
            fields[name] = fields[other]
    public = boolean_of(fields.get("public"))
    if "public" not in fields:
        raise invalid_parameter("group must contain public field!", "public")
    if public is None:
        raise invalid_parameter("public must be boolean", "public")
    names = _members(fields)
    texts = {name: _text(fields, name) for name in _TEXT_LIMITS}
    switches = {name: _switch(fields, name) for name in _SWITCHES if name in fields}
    maximum = _maximum(fields.get("maxusers", _DEFAULT_MAXIMUM_USERS))
    alias = _chosen_id(call, fields.get("groupid"))
    keys = await _registered(call, names)
    if len(keys) > maximum:
        raise _too_many_members()
    if public and switches.get("allowinvites"):
        switches["allowinvites"] = False  # as the vendor does for public groups
    leftovers: dict[str, Any] = {**switches, **_present(texts, "custom", "avatar")}
    if isinstance(fields.get("scale"), str):
        leftovers["scale"] = fields["scale"]
    group = await call.core.groups.create(
        call.tenant,
        name=texts["groupname"] or "",
        owner=keys[0],
        members=keys,
        dialect=NAME,
        alias=alias,
        description=texts["description"],
        public=public,
        maximum_members=maximum,
        leftovers=leftovers or None,
        reference=call.reference,
    )
    return success(call, "post", call.now, {"entities": [], "data": {"groupid": group_id(call.tenant, group)}})


def check_group_id(text: str) -> None:
    """Raises *bad request* for a text that can't be a group's id."""
    if not is_legal(text):
        raise illegal(f"group ID {text} is not legal", "target")


async def place_groups(call: Call, ids: Sequence[str]) -> list[int]:
    """The numbers behind group ids, in their order. An id that nobody knows gets a number too: the vendor does not check
    receivers, and a group that is created with that id later finds its messages."""

    async def place(text: str) -> int:
        number = own_number(call.tenant, text)
        return number if number is not None else await call.core.groups.place(call.tenant, NAME, text)

    if len(ids) == 1:
        return [await place(ids[0])]
    return list(await asyncio.gather(*map(place, ids)))


def _members(fields: dict[str, Any]) -> list[str]:
    """The names of the owner and, behind it, the members."""
    owner = text_of(fields.get("owner"))
    if not owner:
        raise invalid_parameter("owner must be provided", "owner")
    members = fields.get("members", [])
    if not isinstance(members, list):
        raise invalid_parameter("members must be an array", "members")
    names = [text_of(member) for member in members]
    if len(names) > _MAXIMUM_MEMBERS:
        raise _too_many_members()
    found = [name for name in names if name is not None]
    if len(found) != len(names):
        raise invalid_parameter("members must be an array of usernames", "members")
    return [owner, *found]


async def _registered(call: Call, names: Sequence[str]) -> list[UserKey]:
    """The distinct users behind names. Raises what the vendor answers for the first who is not registered."""
    users: dict[int, UserKey] = {}
    for name, user in zip(names, await find_users(call, names), strict=True):
        if user is None:
            raise Failure(Kind.NOT_FOUND, "No such user", reason="members", subject=name)
        users.setdefault(user.number, UserKey(user.id, user.number))
    return list(users.values())


def _text(fields: dict[str, Any], name: str) -> str | None:
    if name not in fields:
        return None
    text = text_of(fields[name])
    if text is None:
        raise invalid_parameter(f"{name} must be a string", name)
    if len(text) > _TEXT_LIMITS[name]:
        raise invalid_parameter(f"{name} length is too big", name)
    return text


def _switch(fields: dict[str, Any], name: str) -> bool:
    value = boolean_of(fields[name])
    if value is None:
        raise invalid_parameter(f"{name} must be boolean", name)
    return value


def _maximum(value: object) -> int:
    maximum = integer_of(value)
    if maximum is None or not 0 < maximum <= _HIGHEST_MAXIMUM_USERS:
        raise invalid_parameter("maxusers must be a number", "maxusers")
    return maximum


def _chosen_id(call: Call, value: object) -> str | None:
    """The id that the app chooses for its group. One that reads as an id of ours is taken."""
    if value is None:
        return None
    chosen = text_of(value)
    if chosen is None or CHOSEN_GROUP_ID.fullmatch(chosen) is None:
        raise invalid_parameter("groupid must have 1 to 64 characters of a-z and 0-9", "groupid")
    if own_number(call.tenant, chosen) is not None:
        raise Failure(Kind.CONFLICT, "The group id is taken", reason="group", subject=chosen)
    return chosen


def _too_many_members() -> Failure:
    return Failure(Kind.FORBIDDEN, "members size is greater than max user size !", reason="members", field="members")


def _present(texts: dict[str, str | None], *names: str) -> dict[str, str]:
    return {name: text for name in names if (text := texts[name]) is not None}
