"""Sending a message as a chat client."""

from adapters.contract import Call, Reply
from adapters.ozeki import files
from adapters.ozeki.callers import Caller, caller_of, codec_of
from adapters.ozeki.codec import ClientMessage, given_message, own_message, to_message, written
from adapters.ozeki.ids import conversation_id, group_id
from adapters.ozeki.options import NAME, Options
from adapters.ozeki.replies import answer
from adapters.ozeki.wholes import target_in, whole
from core.conversations import Target
from core.errors import Failure, Kind
from core.ids import CLIENT_REFERENCE
from core.membership import Check
from core.model import Overview, Receipt, Stored


async def add(options: Options, call: Call) -> Reply:
    """`add`: whatever instance the client believes in, the message goes into the present one. An id that the conversation
    knows gives the message that has it, and stores nothing."""
    caller, core = caller_of(call), call.core
    target = await target_in(call)
    given = given_message(caller.body.get("message"), call.now)
    if core.ids(caller.tenant).from_uuid(given.id) is not None:
        return answer({"message": await _ours(call, target, given)})
    codec = codec_of(options, caller.tenant)
    message = to_message(given, caller.user.id, codec, caller.veil, files.addresses(call), call.losses)
    reference = f"{CLIENT_REFERENCE}{given.id}"
    if isinstance(target, int):
        await whole(call, target)  # others' groups are unknown conversations
        (receipt,) = await core.messages.send_group(
            caller.tenant, caller.user, [target], message, reference, check=Check.MEMBER
        )
    else:
        (peer,) = await core.users.keys(caller.tenant, [target])
        (receipt,) = await core.messages.send_direct(
            caller.tenant, caller.user, [peer], message, reference, check=Check.USER
        )
    first = await core.foreign.link(caller.tenant, NAME, foreign_id(call, caller, target, given.id), receipt.id)
    if first != receipt.id or receipt.repeated:
        given = await _known(call, caller, first, receipt, given)
    return answer({"message": given.head})


def foreign_id(call: Call, caller: Caller, target: Target, message: str) -> str:
    """Under which name a message's own id is looked up: clients make ids, so each conversation has its own."""
    if isinstance(target, int):
        return f"{group_id(call.core.ids(caller.tenant), target)}/{message}"
    return f"{conversation_id(caller.id, caller.id_of(target))}/{message}"


async def _known(call: Call, caller: Caller, first: int, receipt: Receipt, given: ClientMessage) -> ClientMessage:
    """The message that had the id before. What was stored beside it, since nobody remembered so long, goes again."""
    core, tenant = call.core, caller.tenant
    if first != receipt.id and not receipt.repeated:
        await core.messages.recall(tenant, receipt.id)
    stored = await core.messages.get(tenant, first, caller.user, caller.station.name)
    return (own_message(stored.message) if stored is not None else None) or given


async def _ours(call: Call, target: Target, given: ClientMessage) -> dict[str, str]:
    """A message that came another way has an id of ours: who adds it again gets it as it is. Nobody else makes such an id."""
    caller, core = caller_of(call), call.core
    ids = core.ids(caller.tenant)
    stored = await message_in(call, target, await whole(call, target), given.id)
    if stored is None:
        raise Failure(Kind.BAD_REQUEST, "message.ID is one of the server's own", reason="foreign", field="ID")
    return written(stored, ids, caller.domain, files.addresses(call)).head


async def message_in(call: Call, target: Target, found: Overview, message: str) -> Stored | None:
    """The message of an id in a conversation, as the caller sees it; none for that of another one."""
    caller, core = caller_of(call), call.core
    number = core.ids(caller.tenant).from_uuid(message)
    if number is None:
        number = await core.foreign.find(caller.tenant, NAME, foreign_id(call, caller, target, message))
    if number is None:
        return None
    place = core.ids(caller.tenant).place(number)
    if place is None or place.conversation != found.conversation:
        return None
    return await core.messages.get(caller.tenant, number, caller.user, caller.station.name)
