"""Groups: creation, change and end."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec

from adapters.applozic import announcements
from adapters.applozic.auth import acting_user
from adapters.applozic.errors import GROUP_EXISTS, bad_request, coded, no_group, no_user, not_allowed
from adapters.applozic.group_objects import (
    ADMIN,
    CONTACTS,
    MEMBER,
    MEMBERS_SHOWN,
    MODERATOR,
    MODERATORS,
    OPEN,
    PARENT,
    PUBLIC,
    TYPE,
    GroupRow,
    full_object,
    role_of,
)
from adapters.applozic.group_target import (
    Target,
    caller_key,
    is_named,
    number_of,
    numbers_of,
    require,
    target_of,
    targets_of,
    user_key_of,
)
from adapters.applozic.ids import group_number
from adapters.applozic.options import NAME
from adapters.applozic.wire import Fields, read, read_list, success
from adapters.contract import Call, Reply
from core.errors import Failure
from core.model import Group, UserKey, leftovers_of, with_leftovers

_GROUP_OF_TWO = 7
_HIGHEST_TYPE = 1_000
_MAXIMUM_GROUPS = 100
_NAMELESS = (_GROUP_OF_TWO, CONTACTS)

Role = tuple[str, int]
"""A user's id, and the role in the group."""


async def create(call: Call) -> Reply:
    """POST group/v2/create, and the same of other versions. Whoever creates it is a member and its admin, unless `admin` names
    another; members need not be users yet."""
    return success(call, await _create(call, await read(call), call.reference))


async def create_many(call: Call) -> Reply:
    """POST group/v2/create/multiple: a list of groups."""
    bodies = await read_list(call)
    if not 0 < len(bodies) <= _MAXIMUM_GROUPS or not all(isinstance(body, dict) for body in bodies):
        raise bad_request(f"1 to {_MAXIMUM_GROUPS} groups are created at once")
    groups = [await _create(call, Fields((), body), f"{call.reference}:{index}") for index, body in enumerate(bodies)]
    return success(call, groups)


async def change(call: Call) -> Reply:
    """POST group/update, GET group/change/name: name, picture, metadata (merged), roles. Members of an open group may do it, but
    for the roles."""
    fields = await read(call)
    target = await target_of(call, fields)
    require(target.takes_part)
    roles = await _changed_roles(call, target, _roles(fields, "users", "role"))
    require(target.owns or not roles)
    metadata = fields.metadata("metadata")
    changes: dict[str, Any] = {}
    name, image = fields.text("newName", "groupName", "name"), fields.text("imageUrl")
    if name is not None and name != target.group.name:
        changes["name"] = name
    if image is not None and image != target.group.image_url:
        changes["image_url"] = image
    if metadata:
        changes["attributes"] = {**(target.group.attributes or {}), **metadata}
    # Nobody has an admin's rights before, or after, being noted as a moderator.
    await _set_roles(call, target, [(key, role) for key, role in roles if role == MEMBER])
    if changes or roles:
        after, by = msgspec.structs.replace(target.group, **changes), target.user
        announce = await announcements.of_change(call, after, changes, by.id if by is not None else None)
        changes.pop("attributes", None)

        def merged(group: Group) -> Group:
            attributes = {**(group.attributes or {}), **metadata} if metadata else group.attributes
            return _with_moderators(msgspec.structs.replace(group, attributes=attributes), roles)

        await call.core.groups.update(
            call.tenant,
            target.number,
            change=merged,
            reference=f"{call.reference}:fields",
            announce=announce,
            **changes,
        )
    await _set_roles(call, target, [(key, role) for key, role in roles if role != MEMBER])
    return success(call)


async def delete(call: Call) -> Reply:
    """GET group/delete: by an admin, for everybody. The vendor's newest clients end a conversation of two by it as well."""
    fields = await read(call)
    other = fields.text("userId")
    if other is not None and await number_of(call, fields) is None:
        await call.core.conversations.clear(call.tenant, await user_key_of(call, fields), other)
        return success(call, True)
    await _delete(call, [await target_of(call, fields)])
    return success(call, True)


async def delete_many(call: Call) -> Reply:
    """GET group/multiple/delete: all of them, or none when the caller may not delete one."""
    fields = await read(call)
    chosen = fields.texts("clientGroupIds", commas=True)
    if not chosen:
        raise bad_request("clientGroupIds is missing")
    await _delete(call, await targets_of(call, chosen, await caller_key(call, fields)))
    return success(call)


async def make(
    call: Call,
    reference: str,
    *,
    name: str,
    owner: str,
    members: Sequence[str],
    kind: int,
    alias: str | None = None,
    roles: Sequence[Role] = (),
    **profile: Any,
) -> Group:
    """Create a group of this dialect; the owner is a member. Raises the vendor's error for an `alias` that is taken."""
    if alias is not None:
        await _check_free(call, alias)
    keys = await call.core.users.keys(call.tenant, list(dict.fromkeys((owner, *members))))
    numbers = {key.id: key for key in keys}
    moderators = [numbers[user].number for user, role in roles if role == MODERATOR and user != owner]
    leftovers = {TYPE: kind, **({MODERATORS: moderators} if moderators else {}), **profile.pop("leftovers", {})}
    group = await call.core.groups.create(
        call.tenant,
        name=name,
        owner=keys[0],
        members=keys,
        dialect=NAME,
        alias=alias,
        public=kind in (PUBLIC, OPEN),
        leftovers=leftovers,
        reference=reference,
        announce=await announcements.of_creation(call, name, owner, profile.get("attributes") or {}),
        **profile,
    )
    for user, role in roles:
        if role in (ADMIN, MODERATOR) and user != owner:
            key = numbers[user]
            await call.core.members.make_admin(call.tenant, group.number, key, reference=f"{reference}:{key.number}")
    return group


async def give_role(call: Call, target: Target, user: UserKey, role: int) -> None:
    """Make a member an admin or a moderator, who is noted as one before having an admin's rights."""
    if role == MODERATOR or user.number in leftovers_of(target.group, NAME).get(MODERATORS, ()):
        reference = f"{call.reference}:role"
        noted = partial(_with_moderators, roles=[(user, role)])
        await call.core.groups.update(call.tenant, target.number, change=noted, reference=reference)
    await call.core.members.make_admin(call.tenant, target.number, user, reference=call.reference)


async def _create(call: Call, fields: Fields, reference: str) -> GroupRow:
    kind = fields.integer("type")
    kind = PUBLIC if kind is None else kind
    if not 0 < kind < _HIGHEST_TYPE:
        raise bad_request("type is unknown")
    alias = fields.text("clientGroupId")
    name = fields.text("groupName", "name")
    if name is None and kind not in _NAMELESS:
        raise bad_request("groupName is missing")
    roles = _roles(fields, "users", "groupRole")
    principal, admin = call.authenticated, fields.text("admin")
    creator = None if principal.administrator and admin is not None else acting_user(call, fields)
    owner = admin if admin is not None else acting_user(call, fields)
    members = [*([creator] if creator is not None else []), *fields.texts("groupMemberList")]
    group = await make(
        call,
        reference,
        name=name or alias or "",
        owner=owner,
        members=[*members, *(user for user, _ in roles)],
        kind=kind,
        alias=alias,
        roles=roles,
        attributes=fields.metadata("metadata") or None,
        image_url=fields.text("imageUrl"),
        leftovers=await _parent(call, fields),
    )
    viewer = await call.core.users.key(call.tenant, creator or owner)
    (view,) = await call.core.groups.views(call.tenant, [group.number], viewer, members=MEMBERS_SHOWN)
    if view is None:
        raise no_group()  # somebody was fast to delete it
    return await full_object(call, viewer, view)


async def _parent(call: Call, fields: Fields) -> dict[str, Any]:
    chosen = fields.text("parentClientGroupId")
    if chosen is None:
        return {}
    number = (await numbers_of(call, [chosen]))[0]
    if number is None:
        raise no_group()
    call.losses.append("parentClientGroupId: the parent does not name its children")
    return {PARENT: number}


async def _check_free(call: Call, alias: str) -> None:
    """Digits that are the `clientGroupId` of a group whose id no app chose are taken."""
    number = group_number(alias)
    group = await call.core.groups.find(call.tenant, number) if number is not None else None
    if group is not None and (group.aliases or {}).get(NAME) is None and is_named(group, alias):
        raise coded(GROUP_EXISTS, "group already exists")


async def _delete(call: Call, targets: Sequence[Target]) -> None:
    require(all(target.owns for target in targets))
    for target in targets:
        await call.core.groups.delete(call.tenant, target.number)


def _roles(fields: Fields, name: str, role: str) -> list[Role]:
    """The users that a request lists with the roles that they are to have; a plain member where none is said."""
    rows = fields.body.get(name) or []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise bad_request(f"{name} must be a list of users")
    found = []
    for row in rows:
        one = Fields((), row)
        user, given = one.text("userId"), one.integer(role, "role", "groupRole")
        if user is None:
            raise bad_request(f"{name} must name users")
        found.append((user, given if given in (ADMIN, MODERATOR) else MEMBER))
    return found


async def _changed_roles(call: Call, target: Target, roles: Sequence[Role]) -> list[tuple[UserKey, int]]:
    """Those roles that are new to their members. Raises the vendor's error for who is no member, and where the owner would be
    one no more."""
    if not roles:
        return []
    keys = await call.core.users.keys(call.tenant, [user for user, _ in roles])
    standings = await call.core.members.standings(call.tenant, target.number, keys)
    changed = []
    for key, (_, role), standing in zip(keys, roles, standings, strict=True):
        if standing.member is None:
            raise no_user()
        if role_of(target.group, standing.member) != role:
            if standing.member.role == "owner":
                raise not_allowed()
            changed.append((key, role))
    return changed


async def _set_roles(call: Call, target: Target, roles: Sequence[tuple[UserKey, int]]) -> None:
    members = call.core.members
    for key, role in roles:
        reference = f"{call.reference}:{key.number}"
        try:
            if role == MEMBER:
                await members.unmake_admin(call.tenant, target.number, key, reference=reference)
            else:
                await members.make_admin(call.tenant, target.number, key, reference=reference)
        except Failure as failure:
            if failure.reason != "admin":  # somebody else was faster
                raise
        announce = await announcements.of_role(call, target, key.id, "member" if role == MEMBER else "admin")
        await call.core.groups.say(call.tenant, target.number, announce, [key], reference)


def _with_moderators(group: Group, roles: Sequence[tuple[UserKey, int]]) -> Group:
    """The group, knowing who is a moderator when its members have these roles."""
    if not roles:
        return group
    own, changed = leftovers_of(group, NAME), {key.number for key, _ in roles}
    moderators = [user for user in own.get(MODERATORS, ()) if user not in changed]
    moderators += [key.number for key, role in roles if role == MODERATOR]
    return with_leftovers(group, NAME, own | {MODERATORS: moderators})
