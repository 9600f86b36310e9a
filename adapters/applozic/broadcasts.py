"""What is sent at the newer endpoints: one message, or the same one to many, each in a conversation of its own."""

import asyncio
from collections.abc import Sequence
from typing import Any

from adapters.applozic import sending, wire
from adapters.applozic.errors import bad_request, no_group
from adapters.applozic.group_objects import OPEN, group_type
from adapters.applozic.group_target import numbers_of, require
from adapters.applozic.ids import group_number
from adapters.applozic.options import Options
from adapters.applozic.wire import Fields
from adapters.contract import Call, Reply
from core.errors import Failure
from core.membership import Check
from core.model import Group, UserKey
from core.names import check_name

MAXIMUM = 50
"""Of users, and of groups."""


async def send(options: Options, call: Call) -> Reply:
    """POST message/v2/send, of one message: documents show the answer bare, clients read the envelope. A browser client
    broadcasts here, too."""
    fields = await wire.read(call)
    if isinstance(fields.body.get("messageObject"), dict):
        return await broadcast(options, call)
    try:
        return wire.both(call, await sending.send_one(options, call, fields))
    except Failure as failure:
        # The word alone would not be JSON.
        raise (bad_request(sending.CLOSED) if failure.text == sending.CLOSED else failure) from None


async def broadcast(options: Options, call: Call) -> Reply:
    """POST message/v2/sendall"""
    await _send(options, call)
    return wire.success(call)


async def broadcast_in_words(options: Options, call: Call) -> Reply:
    """POST message/sendall: the older one, of which clients read no more than that it worked."""
    await _send(options, call)
    return wire.text_reply("success")


async def _send(options: Options, call: Call) -> None:
    """All checks come before the first message is sent, but for whom a recipient or a group blocks."""
    fields = await wire.read(call)
    core, tenant = call.core, call.tenant
    body = _message(fields)
    users = list(dict.fromkeys(fields.texts("userNames")))
    chosen, numbers = fields.texts("clientGroupIds"), [group_number(text) for text in fields.texts("groupIds")]
    if not users and not chosen and not numbers:
        raise bad_request("userNames or clientGroupIds is needed")
    if len(users) > MAXIMUM or len(chosen) + len(numbers) > MAXIMUM:
        raise bad_request(f"at most {MAXIMUM} users and {MAXIMUM} groups are allowed")
    for user in users:
        check_name(user, "userNames")
    await sending.require_known(options, call, users)
    groups = await _groups(call, [*await numbers_of(call, chosen), *numbers])
    key, *recipients = await core.users.keys(tenant, (sending.sender_of(call, fields), *users))
    message, audience = sending.message_of(call, body, key, None)
    reference, check = sending.reference_of(call, Fields((), body)), sending.check_of(call)
    if check is not Check.NONE:
        await _require_member(call, key, groups)
    if recipients:
        one = check and Check.EITHER
        await core.messages.send_direct(tenant, key, recipients, message, reference, audience, check=one)
    if groups:
        reached = [group.number for group in groups]
        await sending.to_groups(call, key, reached, message, audience, reference, check)


def _message(fields: Fields) -> dict[str, Any]:
    body = fields.body.get("messageObject")
    if not isinstance(body, dict):
        raise bad_request("messageObject is needed")
    return body


async def _groups(call: Call, numbers: Sequence[int | None]) -> list[Group]:
    """The groups, all of which have to exist."""
    known = [number for number in dict.fromkeys(numbers) if number is not None]
    groups = [view.group for view in await call.core.groups.views(call.tenant, known) if view is not None]
    if None in numbers or len(groups) < len(known):
        raise no_group()
    return groups


async def _require_member(call: Call, sender: UserKey, groups: Sequence[Group]) -> None:
    """Whoever is no member sends to open groups alone."""
    closed = [group.number for group in groups if group_type(group) != OPEN]
    members, tenant = call.core.members, call.tenant
    standings = await asyncio.gather(*(members.standing(tenant, number, sender) for number in closed))
    require(all(standing.member is not None for standing in standings))
