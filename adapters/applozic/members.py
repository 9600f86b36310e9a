"""Who is in a group: coming, going, muting, counting."""

from collections.abc import Sequence

from adapters.applozic import announcements
from adapters.applozic.errors import NO_USER, bad_request, coded, no_group, no_user
from adapters.applozic.group_objects import ADMIN, MODERATOR, PRIVATE, is_public, may_look
from adapters.applozic.group_target import (
    Target,
    aim,
    caller_key,
    number_of,
    numbers_of,
    require,
    target_of,
    targets_of,
    user_key_of,
)
from adapters.applozic.groups import give_role, make
from adapters.applozic.ids import client_group_id
from adapters.applozic.wire import Fields, read, success
from adapters.contract import Call, Reply
from core.errors import Failure, Kind
from core.model import UserKey
from core.names import is_legal

_AT_ONCE = 1_000
_MAXIMUM_TURNS = 100
_MAXIMUM_GROUPS = 100


async def add(call: Call) -> Reply:
    """POST and GET group/add/member. Of a public or open group everybody may become a member alone."""
    fields = await read(call)
    target = await target_of(call, fields)
    user = await _named(call, fields)
    role = fields.integer("role")
    require(target.owns or role not in (ADMIN, MODERATOR))
    if not await _add(call, target, [user]):
        raise Failure(Kind.CONFLICT, "user already exist", reason="member", subject=user.id)
    if role in (ADMIN, MODERATOR):
        await give_role(call, target, user, role)
    return success(call)


async def remove(call: Call) -> Reply:
    """POST and GET group/remove/member."""
    fields = await read(call)
    target = await target_of(call, fields)
    if not await _remove(call, target, [await _named(call, fields)]):
        raise no_user()
    return success(call)


async def leave(call: Call) -> Reply:
    """POST and GET group/left: also the last admin."""
    fields = await read(call)
    user = await user_key_of(call, fields)
    target = await target_of(call, fields)
    if not await _remove(call, target, [user]):
        raise no_user()
    return success(call)


async def add_to_groups(call: Call) -> Reply:
    """GET group/add/user: one user, several groups; where he is a member already he stays one."""
    fields = await read(call)
    targets = await _targets(call, fields)
    user = await _named(call, fields)
    for target in targets:
        await _add(call, target, [user])
    return success(call)


async def remove_from_groups(call: Call) -> Reply:
    """GET group/remove/user."""
    fields = await read(call)
    targets = await _targets(call, fields)
    user = await _named(call, fields)
    for target in targets:
        await _remove(call, target, [user])
    return success(call)


async def add_many(call: Call) -> Reply:
    """POST group/add/users: several users, who have to be registered, to several groups, which have to exist unless
    `createNew` is said."""
    fields = await read(call)
    names = fields.texts("userIds", commas=True)
    if not names:
        raise bad_request("userIds is missing")
    if None in await call.core.users.find_many(call.tenant, names):
        raise no_user()
    if fields.flag("createNew"):
        await _create_missing(call, fields)
    targets = await _targets(call, fields)
    users = await call.core.users.keys(call.tenant, names)
    for target in targets:
        await _add(call, target, users)
    return success(call)


async def remove_many(call: Call) -> Reply:
    """POST group/remove/users."""
    fields = await read(call)
    names = fields.texts("userIds", commas=True)
    if not names:
        raise bad_request("userIds is missing")
    targets = await _targets(call, fields)
    users = await _known(call, names)
    for target in targets:
        await _remove(call, target, users)
    return success(call)


async def leave_all(call: Call) -> Reply:
    """GET user/remove/group/all: a user leaves every group; others' by an administrator."""
    fields = await read(call)
    caller = await caller_key(call, fields)
    name = fields.text("userId") or (caller.id if caller is not None else None)
    if name is None:
        raise bad_request("userId is missing")
    require(call.authenticated.administrator or (caller is not None and caller.id == name))
    for user in await _known(call, [name]):
        for rooms in (False, True):
            await _leave_all(call, user, rooms)
    return success(call)


async def mute(call: Call) -> Reply:
    """POST group/user/update: until when (epoch ms) the caller is not notified of a group, or of another user's messages."""
    fields = await read(call)
    until = fields.integer("notificationAfterTime")
    if until is None:
        raise bad_request("notificationAfterTime is missing")
    user = await user_key_of(call, fields)
    other = fields.text("userId")
    number = await number_of(call, fields)
    if number is None and other is not None:
        if not await call.core.conversations.mark(call.tenant, user, other, muted_until=until):
            raise coded(NO_USER, "there is no conversation with this user")
        return success(call)
    group = await call.core.groups.find(call.tenant, number) if number is not None else None
    if group is None:
        raise no_group()
    require((await aim(call, group, user)).member is not None)
    await call.core.conversations.mark(call.tenant, user, group.number, muted_until=until)
    return success(call)


async def is_member(call: Call) -> Reply:
    """GET group/check/user. Of a group that is not everybody's to look at, strangers learn of themselves alone."""
    fields = await read(call)
    target = await target_of(call, fields)
    own = target.user.id if target.user is not None else ""
    name = fields.text("userId") or own
    require(name == own or target.administrator or target.member is not None or is_public(target.group))
    (user,) = await _known(call, [name]) or (None,)
    if user is None:
        return success(call, False)
    standing = await call.core.members.standing(call.tenant, target.number, user)
    return success(call, standing.member is not None)


async def counts(call: Call) -> Reply:
    """GET group/user/count: how many members groups have; unknown ones, and those that the caller may not look at, are left
    out."""
    fields = await read(call)
    numbers = [number for number in await numbers_of(call, _chosen(fields)) if number is not None]
    views = await call.core.groups.views(call.tenant, numbers, await caller_key(call, fields))
    rows = [
        {"id": view.group.number, "clientGroupId": client_group_id(view.group), "userCount": view.total}
        for view in views
        if view is not None and may_look(call, view)
    ]
    return success(call, rows)


async def _add(call: Call, target: Target, users: Sequence[UserKey]) -> bool:
    """Make users members, as far as they are none; whether there was one."""
    alone = target.user is not None and [user.id for user in users] == [target.user.id]
    require(target.takes_part or (target.is_open and alone))
    done = await call.core.groups.add(
        call.tenant,
        target.number,
        users,
        sees=target.sees,
        reference=call.reference,
        announce=await announcements.of_coming(call, target, [user.id for user in users]),
    )
    return any(done)


async def _remove(call: Call, target: Target, users: Sequence[UserKey]) -> bool:
    """End memberships, as far as there are any; whether there was one. Everybody may leave; only the owner removes the owner."""
    alone = target.user is not None and [user.id for user in users] == [target.user.id]
    require(target.takes_part or alone)
    done = await call.core.groups.remove(
        call.tenant,
        target.number,
        users,
        spare_owner=not (alone or target.administrator),
        reference=call.reference,
        announce=await announcements.of_going(call, target.group, target.user.id if target.user is not None else None),
    )
    return any(done)


async def _leave_all(call: Call, user: UserKey, rooms: bool) -> None:
    cursor = ""
    for _ in range(_MAXIMUM_TURNS):
        page = await call.core.groups.joined(call.tenant, user, rooms=rooms, limit=_AT_ONCE, cursor=cursor)
        for row in page.groups:
            announce = await announcements.of_going(call, row.group, user.id)
            await call.core.groups.remove(
                call.tenant, row.group.number, [user], reference=call.reference, announce=announce
            )
        cursor = page.cursor
        if not cursor:
            return


async def _create_missing(call: Call, fields: Fields) -> None:
    chosen = _chosen(fields)
    owner = await user_key_of(call, fields)
    for alias, number in zip(chosen, await numbers_of(call, chosen), strict=True):
        if number is None or await call.core.groups.find(call.tenant, number) is None:
            reference = f"{call.reference}:{alias}"
            await make(call, reference, name=alias, owner=owner.id, members=(), kind=PRIVATE, alias=alias)


async def _targets(call: Call, fields: Fields) -> list[Target]:
    """The groups of a request, all of which the caller may change the members of."""
    targets = await targets_of(call, _chosen(fields), await caller_key(call, fields))
    for target in targets:
        require(target.takes_part or target.is_open)
    return targets


def _chosen(fields: Fields) -> list[str]:
    chosen = list(dict.fromkeys(fields.texts("clientGroupIds", "clientGroupId", commas=True)))
    if not chosen or len(chosen) > _MAXIMUM_GROUPS:
        raise bad_request(f"clientGroupIds must name up to {_MAXIMUM_GROUPS} groups")
    return chosen


async def _named(call: Call, fields: Fields) -> UserKey:
    """The user whom a request is about; it need not be registered."""
    name = fields.text("userId")
    if name is None:
        raise bad_request("userId is missing")
    if not is_legal(name):
        raise no_user()
    return await call.core.users.key(call.tenant, name)


async def _known(call: Call, names: Sequence[str]) -> list[UserKey]:
    """Those of the names that anybody ever used."""
    keys = [await call.core.users.known_key(call.tenant, name) for name in names if is_legal(name)]
    return [key for key in keys if key is not None]
