"""Deleting messages and conversations: mostly from the caller's own view, while everybody else keeps them."""

import asyncio
from collections.abc import Sequence

from adapters.applozic import lookup, wire
from adapters.applozic.errors import bad_request, not_allowed
from adapters.contract import Call, Reply
from core.conversations import Target, parties_with
from core.messages import Query
from core.model import EVERY_KIND, UserKey

DAY_MS = 86_400_000
_MESSAGES_AT_ONCE = 200
_CONVERSATIONS_AT_ONCE = 50
_MAXIMUM_TURNS = 100_000
_MAXIMUM_DAYS = 100_000
_SUCCESS = "success"


async def delete(call: Call) -> Reply:
    """GET message/delete: for the caller alone."""
    await _hide(call)
    return wire.text_reply(_SUCCESS)


async def delete_for_all(call: Call) -> Reply:
    """GET message/v2/delete: for the caller alone, or with `deleteForAll` for everybody: what the caller sent, or anything in a
    group that the caller administers."""
    fields = await wire.read(call)
    if not fields.flag("deleteForAll"):
        await _hide(call)
        return wire.success(call)
    found = await lookup.message(call, fields)
    if found is None:
        raise bad_request("message not found")
    if found.stored.message.sender != found.user.id and not await _administers(call, found):
        raise not_allowed()
    await call.core.messages.recall(call.tenant, found.stored.id)
    return wire.success(call)


async def delete_conversation(call: Call) -> Reply:
    """GET message/delete/conversation: everything that is in it now, or in one of its topics, for the caller alone; what comes
    later brings it back."""
    fields = await wire.read(call)
    target = await lookup.conversation(call, fields)
    if target is None:
        raise bad_request("userId or groupId is needed")
    user, topic = await lookup.caller(call, fields), fields.integer("conversationId") or 0
    if topic > 0:
        await _hide_topic(call, user, target, topic)
    else:
        await call.core.conversations.clear(call.tenant, user, target)
    return wire.text_reply(_SUCCESS)


async def delete_all(call: Call) -> Reply:
    """GET message/delete/all: all of the caller's conversations."""
    user = await lookup.caller(call, await wire.read(call))
    await _clear(call, user, [lookup.target_of_row(row) async for row in lookup.conversations(call, user)], None)
    return wire.text_reply(_SUCCESS)


async def delete_older(call: Call) -> Reply:
    """POST user/messages/delete, also message/delete: the caller's messages that are older than `days`."""
    fields = await wire.read(call)
    days = fields.integer("days")
    if days is None or not 0 <= days <= _MAXIMUM_DAYS:
        raise bad_request("days is needed")
    user = await lookup.caller(call, fields)
    found = [lookup.target_of_row(row) async for row in lookup.conversations(call, user)]
    # Older than no day is everything, what came in this very millisecond too.
    await _clear(call, user, found, max(call.now - days * DAY_MS, 1) if days else None)
    return wire.success(call)


async def _clear(call: Call, user: UserKey, targets: Sequence[Target], before: int | None) -> None:
    conversations, tenant = call.core.conversations, call.tenant
    for start in range(0, len(targets), _CONVERSATIONS_AT_ONCE):
        some = targets[start : start + _CONVERSATIONS_AT_ONCE]
        if before is None:
            await asyncio.gather(*(conversations.clear(tenant, user, target) for target in some))
        else:
            await asyncio.gather(*(conversations.clear_before(tenant, user, target, before) for target in some))


async def _hide(call: Call) -> None:
    found = await lookup.message(call, await wire.read(call))
    if found is None or not (await call.core.messages.hide(call.tenant, found.user, [found.stored.id]))[0]:
        raise bad_request("message not found")


async def _hide_topic(call: Call, user: UserKey, target: Target, topic: int) -> None:
    messages, tenant = call.core.messages, call.tenant
    cursor = 0
    for _ in range(_MAXIMUM_TURNS):
        query = Query(_MESSAGES_AT_ONCE, cursor=cursor, kinds=EVERY_KIND, topic=topic)
        page = await messages.page(tenant, parties_with(user, target), query, user)
        await messages.hide(tenant, user, [stored.id for stored in page.messages])
        cursor = page.cursor
        if not cursor:
            return


async def _administers(call: Call, found: lookup.Found) -> bool:
    if call.authenticated.administrator:
        return True
    if not isinstance(found.target, int):
        return False
    member = (await call.core.members.standing(call.tenant, found.target, found.user)).member
    return member is not None and member.role != "member"
