"""Chat groups and chat rooms: creation, change and end, and the numbers behind the ids that messages are sent to."""

import asyncio
from collections.abc import Sequence
from typing import Any

from adapters.contract import Call, Reply
from adapters.easemob.auth import find_user
from adapters.easemob.errors import forbidden_operation, illegal, invalid_parameter
from adapters.easemob.group_fields import DEFAULT_MAXIMUM_USERS, check_known, leftovers, profile, read_fields
from adapters.easemob.ids import CHOSEN_GROUP_ID, group_id, own_number
from adapters.easemob.notices import of_renaming
from adapters.easemob.options import NAME
from adapters.easemob.super_admins import is_super_admin
from adapters.easemob.target import (
    Needs,
    Target,
    body_name,
    keys_of,
    no_permission,
    of_rooms,
    people,
    registered_people,
    target_of,
)
from adapters.easemob.wire import BODY_LIMIT_BYTES, parse_object, success, text_of
from core.errors import Failure, Kind
from core.model import Group, UserKey, leftovers_of, with_leftovers
from core.names import is_legal

_MAXIMUM_MEMBERS = 100
_MAXIMUM_ANNOUNCEMENT = 512
_ROOM_FIELDS = ("groupname", "description", "maxusers", "custom", "need_verify", "avatar", "scale")
_GROUP_FIELDS = (*_ROOM_FIELDS, "public", "membersonly", "allowinvites", "invite_need_confirm")


async def create(call: Call) -> Reply:
    """`POST /chatgroups`. Owner and members must be registered; the owner is a member."""
    request = parse_object(await call.body(BODY_LIMIT_BYTES))
    if request.get("public") is None:
        raise invalid_parameter("group must contain public field!", "public")
    fields = read_fields(request)
    names = _members(fields)
    alias = _chosen_id(call, fields.get("groupid"))
    if fields["public"] and fields.get("allowinvites"):
        fields["allowinvites"] = False  # as the vendor does for public groups
    group = await _create(call, fields, names, alias)
    return success(call, "post", call.now, {"entities": [], "data": {"groupid": group_id(call.tenant, group)}})


async def create_room(call: Call) -> Reply:
    """`POST /chatrooms`, like groups, but a room has a name. Of users only super admins create rooms."""
    principal = call.authenticated
    if not principal.administrator:
        user = await call.core.users.find(call.tenant, principal.user or "")
        if user is None or not is_super_admin(user):
            raise no_permission()
    fields = read_fields(parse_object(await call.body(BODY_LIMIT_BYTES)))
    fields.setdefault("groupname", text_of(fields.get("title")) or "")
    if not fields["groupname"]:
        raise invalid_parameter("chatroom must contain title/name field!", "name")
    group = await _create(call, fields, _members(fields), None)
    return success(call, "post", call.now, {"entities": [], "data": {"id": group_id(call.tenant, group)}})


async def change(call: Call) -> Reply:
    """`PUT /chatgroups/{group}` and the same of rooms: fields of the profile, or a new owner, who has to be a member."""
    request = parse_object(await call.body(BODY_LIMIT_BYTES))
    transfers = request.get("newowner") is not None
    fields = {name: value for name, value in read_fields(request).items() if name != "newowner"}
    target = await target_of(call, Needs.OWNER if transfers else Needs.ADMIN)
    check_known(fields, _ROOM_FIELDS if of_rooms(call) else _GROUP_FIELDS)
    if not fields and not transfers:
        raise illegal("this is an invalid request.")
    if transfers:
        await _transfer(call, target, body_name(request, "newowner"))
    if fields:
        await _change(call, target, fields)
    changed = dict.fromkeys(("newowner", *fields) if transfers else fields, True)
    return success(call, "put", call.now, {"entities": [], "data": changed})


async def delete(call: Call) -> Reply:
    """`DELETE /chatgroups/{group}` and the same of rooms, with all messages."""
    target = await target_of(call, Needs.OWNER)
    await call.core.groups.delete(call.tenant, target.number)
    return success(call, "delete", call.now, {"entities": [], "data": {"success": True, **target.own_id}})


async def disable(call: Call) -> Reply:
    """`POST /chatgroups/{group}/disable`: nobody sends to it any more."""
    return await _set_disabled(call, True)


async def enable(call: Call) -> Reply:
    """`POST /chatgroups/{group}/enable`."""
    return await _set_disabled(call, False)


async def announcement(call: Call) -> Reply:
    """`GET /chatgroups/{group}/announcement` and the same of rooms."""
    target = await target_of(call, Needs.MEMBER)
    data = {"announcement": target.group.announcement or ""}
    return success(call, "get", call.now, {"entities": [], "data": data, "count": 0})


async def announce(call: Call) -> Reply:
    """`POST /chatgroups/{group}/announcement` and the same of rooms."""
    request = parse_object(await call.body(BODY_LIMIT_BYTES))
    text = text_of(request.get("announcement"))
    if text is None:
        raise invalid_parameter("announcement must be provided", "announcement")
    target = await target_of(call, Needs.ADMIN)
    if len(text) > _MAXIMUM_ANNOUNCEMENT:
        raise forbidden_operation("announce info length exceeds limit!")
    await call.core.groups.update(call.tenant, target.number, announcement=text, reference=call.reference)
    return success(call, "post", call.now, {"entities": [], "data": {"id": target.text, "result": True}})


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


async def _create(call: Call, fields: dict[str, Any], names: Sequence[str], alias: str | None) -> Group:
    principal = call.authenticated
    if not principal.administrator:  # a user makes groups of its own
        owner = await find_user(call.core, call.tenant, names[0])
        if owner is None or owner.id != principal.user:
            raise no_permission()
    keys: list[UserKey] = keys_of(await registered_people(call, names))
    known = {"name": "", "maximum_members": DEFAULT_MAXIMUM_USERS, **profile(fields)}
    if len(keys) > known["maximum_members"]:
        raise _too_many_members()
    announce = None
    if not of_rooms(call):
        names = [key.id for key in keys]
        announce = await call.core.notices.created(call.tenant, NAME, known["name"], keys[0].id, names)
    return await call.core.groups.create(
        call.tenant,
        **known,
        owner=keys[0],
        members=keys,
        dialect=NAME,
        alias=alias,
        room=of_rooms(call),
        leftovers=leftovers(fields) or None,
        reference=call.reference,
        announce=announce,
    )


async def _change(call: Call, target: Target, fields: dict[str, Any]) -> None:
    changes = profile(fields)
    own = leftovers(fields)

    def kept(group: Group) -> Group:
        return with_leftovers(group, NAME, leftovers_of(group, NAME) | own)

    announce = await of_renaming(call, target, changes["name"]) if "name" in changes else None
    try:
        # A transfer of the same request has taken the reference itself.
        await call.core.groups.update(
            call.tenant, target.number, change=kept, reference=f"{call.reference}:fields", announce=announce, **changes
        )
    except Failure as failure:
        if failure.reason != "members":
            raise
        text = "current user count is larger than the maxUsers that you want to update !"
        raise forbidden_operation(text) from None


async def _transfer(call: Call, target: Target, name: str) -> None:
    (person,) = await people(call, [name])
    try:
        if person.key is None:
            raise forbidden_operation(target.lacks(person.name))
        await call.core.groups.transfer(call.tenant, target.number, person.key, reference=call.reference)
    except Failure as failure:
        if failure.reason == "member":
            raise forbidden_operation(target.lacks(person.name)) from None
        if failure.reason == "owner":
            raise forbidden_operation("new owner and old owner are the same") from None
        raise


async def _set_disabled(call: Call, disabled: bool) -> Reply:
    target = await target_of(call, Needs.OWNER)
    await call.core.groups.update(call.tenant, target.number, disabled=disabled, reference=call.reference)
    return success(call, "post", call.now, {"entities": [], "data": {"disabled": disabled}})


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
