"""What is sent at the newer endpoints: one message, or the same one to many, each in a conversation of its own."""

from typing import Any

from adapters.applozic import sending, wire
from adapters.applozic.errors import bad_request, no_group
from adapters.applozic.group_target import numbers_of
from adapters.applozic.options import Options
from adapters.applozic.wire import Fields
from adapters.contract import Call, Reply
from core.errors import Failure
from core.membership import Check
from core.names import check_name

MAXIMUM = 50
"""Of users, and of groups."""


async def send(options: Options, call: Call) -> Reply:
    """POST message/v2/send, of one message: documents show the answer bare, clients read the envelope. A browser client
    broadcasts here, too."""
    if isinstance((await wire.read(call)).body.get("messageObject"), dict):
        return await broadcast(options, call)
    try:
        return wire.both(call, await sending.send_one(options, call))
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
    """All checks come before the first message is sent, but for what a recipient says of the sender."""
    fields = await wire.read(call)
    core, tenant = call.core, call.tenant
    body = _message(fields)
    users = list(dict.fromkeys(fields.texts("userNames")))
    chosen = [*fields.texts("clientGroupIds"), *fields.texts("groupIds")]
    if not users and not chosen:
        raise bad_request("userNames or clientGroupIds is needed")
    if len(users) > MAXIMUM or len(chosen) > MAXIMUM:
        raise bad_request(f"at most {MAXIMUM} users and {MAXIMUM} groups are allowed")
    for user in users:
        check_name(user, "userNames")
    await sending.require_known(options, call, users)
    groups = await _groups(call, chosen)
    key, *recipients = await core.users.keys(tenant, (sending.sender_of(call, fields), *users))
    message, audience = sending.message_of(call, body, key, None)
    reference, check = sending.reference_of(call, Fields((), body)), sending.check_of(call)
    if recipients:
        one = check and Check.USER
        await core.messages.send_direct(tenant, key, recipients, message, reference, audience, check=one)
    if groups:
        await sending.to_groups(call, key, groups, message, audience, reference, check)


def _message(fields: Fields) -> dict[str, Any]:
    body = fields.body.get("messageObject")
    if not isinstance(body, dict):
        raise bad_request("messageObject is needed")
    return body


async def _groups(call: Call, chosen: list[str]) -> list[int]:
    """The numbers of the groups, all of which have to exist."""
    numbers = await numbers_of(call, chosen)
    known = [number for number in dict.fromkeys(numbers) if number is not None]
    if None in numbers or None in await call.core.groups.views(call.tenant, known):
        raise no_group()
    return known
