"""Who may be and speak in a group or room: blocks, the white list, mutes of members and of the whole group."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from adapters.contract import Call, Reply
from adapters.easemob.errors import forbidden_operation, invalid_parameter
from adapters.easemob.notices import of_going
from adapters.easemob.target import (
    Needs,
    Person,
    Target,
    body_names,
    keys_of,
    not_members,
    path_names,
    people,
    sparing_owner,
    strangers,
    target_of,
)
from adapters.easemob.users import names_of
from adapters.easemob.wire import BODY_LIMIT_BYTES, integer_of, parse_object, success
from core.errors import Failure
from core.membership import Listed
from core.model import UserKey

_FOR_EVER = -1
_LONGEST_MUTE_MS = 1 << 45

Change = Callable[[Target, Sequence[UserKey]], Awaitable[list[bool]]]


async def blocks(call: Call) -> Reply:
    """`GET …/blocks/users`."""
    target = await target_of(call, Needs.ADMIN)
    return await _names(call, await call.core.members.blocked(call.tenant, target.number))


async def block(call: Call) -> Reply:
    """`POST …/blocks/users/{user}`: a member, who is removed by it."""
    return await _put_one(call, "add_blocks", _block(call))


async def block_many(call: Call) -> Reply:
    """`POST …/blocks/users`: with an answer for each; of one alone no list."""
    names = body_names(parse_object(await call.body(BODY_LIMIT_BYTES)))
    return await _put(call, names, "add_blocks", _block(call), as_list=len(names) > 1)


async def unblock(call: Call) -> Reply:
    """`DELETE …/blocks/users/{users}`: they may join again."""

    async def change(target: Target, keys: Sequence[UserKey]) -> list[bool]:
        return await call.core.members.unblock(call.tenant, target.number, keys, reference=call.reference)

    return await _take(call, "remove_blocks", change)


async def white_list(call: Call) -> Reply:
    """`GET …/white/users`: who may speak while the group is muted."""
    target = await target_of(call, Needs.ADMIN)
    return await _names(call, await call.core.members.allowed(call.tenant, target.number))


async def allow(call: Call) -> Reply:
    """`POST …/white/users/{user}`: a member."""
    return await _put_one(call, "add_user_whitelist", _allow(call))


async def allow_many(call: Call) -> Reply:
    """`POST …/white/users`: with an answer for each."""
    names = body_names(parse_object(await call.body(BODY_LIMIT_BYTES)))
    return await _put(call, names, "add_user_whitelist", _allow(call), as_list=True)


async def disallow(call: Call) -> Reply:
    """`DELETE …/white/users/{users}`."""

    async def change(target: Target, keys: Sequence[UserKey]) -> list[bool]:
        return await call.core.members.disallow(call.tenant, target.number, keys, reference=call.reference)

    return await _take(call, "remove_user_whitelist", change)


async def mutes(call: Call) -> Reply:
    """`GET …/mute`: who is muted, and until when (epoch milliseconds, -1 for ever)."""
    target = await target_of(call, Needs.ADMIN)
    rows = await call.core.members.muted(call.tenant, target.number)
    names = await names_of(call, [row.user.id for row in rows])
    data = [{"expire": row.time, "user": name} for row, name in zip(rows, names, strict=True)]
    return success(call, "get", call.now, {"entities": [], "data": data, "count": len(data)})


async def mute(call: Call) -> Reply:
    """`POST …/mute`: members, for `mute_duration` milliseconds, or -1 for ever. Nobody is muted when one is no member."""
    request = parse_object(await call.body(BODY_LIMIT_BYTES))
    names = body_names(request)
    until = _until(call, request)
    target = await target_of(call, Needs.ADMIN)
    persons = await people(call, names)
    # As with removal, admins don't reach the owner.
    if not call.authenticated.administrator and target.group.owner in [
        person.key.id for person in persons if person.key
    ]:
        raise forbidden_operation("forbidden operation on group owner!")
    absent = await strangers(call, target, persons)
    if not absent:
        try:
            await call.core.members.mute(call.tenant, target.number, keys_of(persons), until, reference=call.reference)
        except Failure as failure:
            if failure.reason != "member":
                raise
            absent = await strangers(call, target, persons)  # somebody has just left
    if absent:
        raise invalid_parameter(not_members(absent), "usernames")
    data = [{"result": True, "expire": until, "user": person.name} for person in persons]
    return success(call, "post", call.now, {"entities": [], "data": data})


async def unmute(call: Call) -> Reply:
    """`DELETE …/mute/{users}`, whoever they are."""
    names = path_names(call)
    target = await target_of(call, Needs.ADMIN)
    persons = await people(call, names)
    await call.core.members.unmute(call.tenant, target.number, keys_of(persons), reference=call.reference)
    data = [{"result": True, "user": person.name} for person in persons]
    return success(call, "delete", call.now, {"entities": [], "data": data})


async def ban(call: Call) -> Reply:
    """`POST …/ban`, also as PUT: only the owner, admins and the white list speak."""
    return await _set_muted(call, True)


async def unban(call: Call) -> Reply:
    """`DELETE …/ban`."""
    return await _set_muted(call, False)


async def _set_muted(call: Call, muted: bool) -> Reply:
    target = await target_of(call, Needs.ADMIN)
    await call.core.groups.update(call.tenant, target.number, muted=muted, reference=call.reference)
    return success(call, call.request.method.lower(), call.now, {"entities": [], "data": {"mute": muted}})


def _block(call: Call) -> Change:
    async def change(target: Target, keys: Sequence[UserKey]) -> list[bool]:
        members = call.core.members
        announce = await of_going(call, target)
        done = await sparing_owner(members.block(call.tenant, target.number, keys, reference=call.reference))
        gone = [key for key, was in zip(keys, done, strict=True) if was]
        if gone:
            await call.core.groups.say(call.tenant, target.number, announce, gone, call.reference)
        return done

    return change


def _allow(call: Call) -> Change:
    async def change(target: Target, keys: Sequence[UserKey]) -> list[bool]:
        return await call.core.members.allow(call.tenant, target.number, keys, reference=call.reference)

    return change


async def _put_one(call: Call, action: str, change: Change) -> Reply:
    """Put the user of the path on a list. Raises what the vendor answers for no member."""
    target = await target_of(call, Needs.ADMIN)
    (person,) = await people(call, [call.parameters["users"]])
    if not all(await _done(target, [person], change)):
        raise forbidden_operation(not_members([person.name]))
    return success(call, "post", call.now, {"entities": [], "data": _row(target, action, person, True)})


async def _put(call: Call, names: Sequence[str], action: str, change: Change, *, as_list: bool) -> Reply:
    target = await target_of(call, Needs.ADMIN)
    persons = await people(call, names)
    done = await _done(target, persons, change)
    rows = [_row(target, action, person, was) for person, was in zip(persons, done, strict=True)]
    return success(call, "post", call.now, {"entities": [], "data": rows if as_list else rows[0]})


async def _take(call: Call, action: str, change: Change) -> Reply:
    """Take the users of the path off a list; who is not there is none of it already."""
    names = path_names(call)
    target = await target_of(call, Needs.ADMIN)
    persons = await people(call, names)
    await _done(target, persons, change)
    rows = [_row(target, action, person, True) for person in persons]
    return success(call, "delete", call.now, {"entities": [], "data": rows if len(names) > 1 else rows[0]})


async def _done(target: Target, persons: Sequence[Person], change: Change) -> list[bool]:
    """Whether it was done for each."""
    keys = keys_of(persons)
    done = dict(zip(keys, await change(target, keys), strict=True))
    return [person.key is not None and done[person.key] for person in persons]


def _row(target: Target, action: str, person: Person, was: bool) -> dict[str, Any]:
    reason = {} if was else {"reason": target.lacks(person.name)}
    return {"result": was, "action": action, **reason, "user": person.name, **target.listed_id}


async def _names(call: Call, rows: Sequence[Listed]) -> Reply:
    names = await names_of(call, [row.user.id for row in rows])
    return success(call, "get", call.now, {"entities": [], "data": names, "count": len(names)})


def _until(call: Call, request: dict[str, Any]) -> int:
    """When a mute ends, epoch milliseconds; -1 for never."""
    value = request.get("mute_duration")
    if value is None:
        raise invalid_parameter("mute_duration must be provided", "mute_duration")
    duration = _FOR_EVER if str(value) == "-1" else integer_of(value)
    if duration is None or not (duration == _FOR_EVER or 0 < duration <= _LONGEST_MUTE_MS):
        raise invalid_parameter("mute_duration must be a number", "mute_duration")
    return _FOR_EVER if duration == _FOR_EVER else call.now + duration
