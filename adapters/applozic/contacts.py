"""What users are to each other: blocks, who is muted, who of those one talks with is online."""

import asyncio
from typing import Any

from adapters.applozic import auth
from adapters.applozic.errors import NO_USER, bad_request, coded
from adapters.applozic.profiles import user_objects
from adapters.applozic.wire import json_reply, read, success, sync_point
from adapters.contract import Call, Reply
from core.model import Box, Overview, Presence, Related, Relation, RelationState, UserKey
from core.names import is_legal

_PARTNERS = 1_000
_ROWS = 500
_AT_ONCE = 50
_MAXIMUM_PAGES = 20
_BLOCK_STATES = (RelationState.PRESENT, RelationState.ENDED)


async def block(call: Call) -> Reply:
    """`user/block`; with `block=false`, as the web client has it, the opposite."""
    if (await read(call)).flag("block") is False:
        return await unblock(call)
    user, other = await _pair(call)
    await call.core.relations.block(call.tenant, user, [other])
    return success(call, True)


async def unblock(call: Call) -> Reply:
    """`user/unblock`"""
    user, other = await _pair(call)
    await call.core.relations.unblock(call.tenant, user, [other])
    return success(call, True)


async def blocked(call: Call) -> Reply:
    """`GET user/blocked/sync`: whose blocks changed since, in both directions; ended ones say so."""
    user, since = await _caller(call), (await read(call)).integer("lastSyncTime") or 0
    to, by = await asyncio.gather(
        _related(call, user, Relation.BLOCK, since), _related(call, user, Relation.BLOCKED_BY, since)
    )
    response = {
        "blockedByUserList": [_block(row, "blockedBy") for row in by],
        "blockedToUserList": [_block(row, "blockedTo") for row in to],
    }
    return success(call, response, generated=max(sync_point(call.now), since))


async def block_lists(call: Call, user: UserKey) -> dict[str, list[dict[str, Any]]]:
    """The blocks that hold, as message lists show them beside the messages."""
    lists = []
    for relation, name in ((Relation.BLOCK, "blockedTo"), (Relation.BLOCKED_BY, "blockedBy")):
        rows = await _related(call, user, relation, 0, (RelationState.PRESENT,))
        lists.append([_block(row, name) for row in rows])
    return {"blockedToUserList": lists[0], "blockedByUserList": lists[1]}


async def mute(call: Call) -> Reply:
    """`POST user/chat/mute`: no notifications of what a user writes, until a time."""
    fields = await read(call)
    user, other = await _pair(call)
    until = fields.integer("notificationAfterTime")
    if until is None:
        raise bad_request("notificationAfterTime is missing")
    if not await call.core.conversations.mark(call.tenant, user, other.id, muted_until=until):
        raise coded(NO_USER, "there is no conversation with this user")
    return success(call)


async def muted(call: Call) -> Reply:
    """`GET user/chat/mute/list`: those who are muted still."""
    user = await _caller(call)
    boxes = await asyncio.gather(*(_partners(call, user, box) for box in Box))
    until = {
        row.peer: row.marks.muted_until
        for rows in boxes
        for row in rows
        if row.peer is not None and (row.marks.muted_until > call.now or row.marks.muted_until < 0)
    }
    shown = await user_objects(call, list(until), user)
    return json_reply([{**one, "notificationAfterTime": until[one["userId"]]} for one in shown])


async def online(call: Call) -> Reply:
    """`GET user/ol/list`: who of those one talks with is online, in words."""
    fields, user = await read(call), await _caller(call)
    first, size = max(fields.integer("startIndex") or 0, 0), max(fields.integer("pageSize") or _PARTNERS, 0)
    presences = await _presences(call, user)
    shown = list(presences.items())[first : first + size]
    return json_reply({name: "true" if presence.online else "false" for name, presence in shown})


async def chat_status(call: Call) -> Reply:
    """`GET user/chat/status`: those one talks with, and whether they are online."""
    user = await _caller(call)
    rows = await _partners(call, user)
    return json_reply({"users": await user_objects(call, [row.peer for row in rows if row.peer is not None], user)})


async def status(call: Call) -> Reply:
    """`GET user/status`: those one talks with who were seen since a time."""
    user, since = await _caller(call), (await read(call)).integer("lastSeenAt") or 0
    presences = await _presences(call, user)
    seen = [name for name, presence in presences.items() if (presence.last_seen or 0) > since]
    return success(call, await user_objects(call, seen, user), generated=max(sync_point(call.now), since))


async def read_all(call: Call) -> Reply:
    """`GET user/read`: everything that the user has is read."""
    user = await _caller(call)
    boxes = await asyncio.gather(*(call.core.conversations.list(call.tenant, user, _PARTNERS, box=box) for box in Box))
    targets = [row.peer if row.peer is not None else row.group_number for rows in boxes for row in rows if row.unread]
    for start in range(0, len(targets), _AT_ONCE):
        some = [target for target in targets[start : start + _AT_ONCE] if target is not None]
        await asyncio.gather(*(call.core.conversations.read(call.tenant, user, target) for target in some))
    return success(call)


async def _caller(call: Call) -> UserKey:
    return await call.core.users.key(call.tenant, auth.acting_user(call))


async def _pair(call: Call) -> tuple[UserKey, UserKey]:
    """The caller and the user whom the request names."""
    fields = await read(call)
    name = fields.text("userId")
    if name is None or not is_legal(name):
        raise bad_request("userId is missing")
    user = auth.acting_user(call, fields)
    if name == user:
        raise bad_request("userId is the caller's own")
    found = await call.core.users.keys(call.tenant, (user, name))
    return found[0], found[1]


async def _related(
    call: Call, user: UserKey, relation: Relation, since: int, states: tuple[RelationState, ...] = _BLOCK_STATES
) -> list[Related]:
    found: list[Related] = []
    after = max(since, 0)
    for _ in range(_MAXIMUM_PAGES):
        rows, after = await call.core.relations.page(call.tenant, user, relation, _ROWS, after, states=states)
        found += rows
        if not after:
            break
    return found


def _block(row: Related, name: str) -> dict[str, Any]:
    return {
        name: row.user.id,
        "userBlocked": row.state is RelationState.PRESENT,
        "createdAtTime": row.since,
        "updatedAtTime": row.changed,
    }


async def _partners(call: Call, user: UserKey, box: Box = Box.ACTIVE) -> list[Overview]:
    """The direct conversations in one of the user's lists, latest first."""
    rows = await call.core.conversations.list(call.tenant, user, _PARTNERS, box=box)
    return [row for row in rows if row.peer is not None]


async def _presences(call: Call, user: UserKey) -> dict[str, Presence]:
    """Where those are with whom the user talks, latest conversation first."""
    rows = await _partners(call, user)
    keys = await call.core.users.keys(call.tenant, [row.peer for row in rows if row.peer is not None])
    found = await call.core.presence.read(call.tenant, keys) if keys else []
    return {key.id: presence for key, presence in zip(keys, found, strict=True)}
