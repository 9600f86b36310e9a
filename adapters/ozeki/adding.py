"""Sending a message as a chat client."""

from adapters.contract import Call, Reply
from adapters.ozeki import files
from adapters.ozeki.callers import caller_of, codec_of
from adapters.ozeki.codec import ClientMessage, given_message, own_message, to_message, written
from adapters.ozeki.options import NAME, Options
from adapters.ozeki.replies import answer
from adapters.ozeki.wholes import target_in, whole
from core.conversations import Target
from core.errors import Failure, Kind
from core.membership import Check
from core.model import Outline, Stored


async def add(options: Options, call: Call) -> Reply:
    """`add`: whatever instance the client believes in, the message goes into the present one. An id that this instance knows gives
    the message that has it, and stores nothing."""
    caller, core = caller_of(call), call.core
    target = await target_in(call)
    given = given_message(caller.body.get("message"), call.now)
    if core.ids(caller.tenant).from_uuid(given.id) is not None:
        return answer({"message": await _ours(call, target, given)})
    codec = codec_of(options, caller.tenant)
    message = to_message(given, caller.user.id, codec, caller.veil, files.addresses(call), call.losses)
    name = _name(given.id)
    if isinstance(target, int):
        try:
            (receipt,) = await core.messages.send_group(
                caller.tenant, caller.user, [target], message, call.reference, check=Check.MEMBER, external_id=name
            )
        except Failure as failure:
            if failure.reason in ("group", "member"):
                await whole(call, target)  # others' groups are unknown conversations
            raise
    else:
        (peer,) = await core.users.keys(caller.tenant, [target])
        (receipt,) = await core.messages.send_direct(
            caller.tenant, caller.user, [peer], message, call.reference, check=Check.USER, external_id=name
        )
    if receipt.repeated:
        stored = await core.messages.get(caller.tenant, receipt.id, caller.user, caller.station.name)
        given = (own_message(stored.message) if stored is not None else None) or given
    return answer({"message": given.head})


def _name(message: str) -> str:
    """Under which name a conversation has the message of a client's id: other dialects' imports have names there, too."""
    return f"{NAME}:{message}"


async def _ours(call: Call, target: Target, given: ClientMessage) -> dict[str, str]:
    """A message that came another way has an id of ours: who adds it again gets it as it is. Nobody else makes such an id."""
    caller, core = caller_of(call), call.core
    ids = core.ids(caller.tenant)
    stored = await message_in(call, await whole(call, target), given.id)
    if stored is None:
        raise Failure(Kind.BAD_REQUEST, "message.ID is one of the server's own", reason="foreign", field="ID")
    return written(stored, ids, caller.domain, files.addresses(call)).head


async def message_in(call: Call, found: Outline, message: str) -> Stored | None:
    """The message of an id in a conversation, as the caller sees it; none for that of another one."""
    caller, core = caller_of(call), call.core
    number = core.ids(caller.tenant).from_uuid(message)
    if number is None:
        number = await core.messages.named(caller.tenant, found.conversation, _name(message))
    if number is None:
        return None
    place = core.ids(caller.tenant).place(number)
    if place is None or place.conversation != found.conversation:
        return None
    return await core.messages.get(caller.tenant, number, caller.user, caller.station.name)
