"""What became of messages: delivered, read, and by whom. Calls name the receiver's `pairedMessageKey`, some its own key."""

from typing import Any

from adapters.applozic import lookup, wire
from adapters.applozic.errors import bad_request, not_allowed
from adapters.applozic.rows import DELIVERED, READ
from adapters.contract import Call, Reply
from core.model import UserReceipt

_AT_ONCE = 1_000
_MAXIMUM_TURNS = 1_000


async def info(call: Call) -> Reply:
    """GET message/info: who was delivered the message, and when each read it."""
    found = await lookup.message(call, await wire.read(call))
    if found is None:
        raise not_allowed()
    rows: list[dict[str, Any]] = []
    after = 0
    for _ in range(_MAXIMUM_TURNS):
        some = await call.core.receipts.of(call.tenant, found.stored.id, after=after, limit=_AT_ONCE)
        rows += [_row(one) for one in some if one.delivered is not None]
        if len(some) < _AT_ONCE:
            break
        after = some[-1].user.number
    return wire.success(call, rows)


async def delivered(call: Call) -> Reply:
    """GET message/delivered: this message and all before it have reached the caller."""
    return await _move(call, read=False)


async def read(call: Call) -> Reply:
    """GET message/read: the caller has read this message and all before it."""
    return await _move(call, read=True)


async def read_conversation(call: Call) -> Reply:
    """GET message/read/conversation: the caller has read everything in it, and others are told."""
    fields = await wire.read(call)
    target = await lookup.conversation(call, fields)
    if target is None:
        raise bad_request("userId or groupId is needed")
    user = await lookup.caller(call, fields)
    await call.core.conversations.read(call.tenant, user, target)
    return wire.text_reply("success")


async def _move(call: Call, *, read: bool) -> Reply:
    found = await lookup.message(call, await wire.read(call))
    if found is None:
        raise bad_request("message not found")
    # What was imported counts as read anyway, and nobody reports on what he sent himself.
    if found.stored.message.sender != found.user.id and found.stored.sequence > 0:
        conversations = call.core.conversations
        move = conversations.read if read else conversations.delivered
        await move(call.tenant, found.user, found.target, found.stored.sequence)
    return wire.text_reply("success")


def _row(one: UserReceipt) -> dict[str, Any]:
    # The documents have 1 for what was read, not the 5 of the sender's own row.
    row: dict[str, Any] = {"userId": one.user.id, "deliveredAtTime": one.delivered}
    if one.read is not None:
        row["readAtTime"] = one.read
    return row | {"status": READ if one.read is not None else DELIVERED}
