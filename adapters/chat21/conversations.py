"""Conversation lists and their rows.

The vendor merges every message into the conversation's row, so that `attributes`, `type` and `metadata` of an older
message survive a newer one that lacks them [observed]. Here the last message stands for the row: those of older messages
are not shown. `is_new` is true for the sender too, until somebody reads the conversation through another dialect.
`attributes.updateconversation` does not keep a message out of the list.
"""

from typing import Any

from adapters.chat21.errors import foreign_timeline
from adapters.chat21.ids import group_id, group_number, likelier_first, number_id, object_id, suffix
from adapters.chat21.messages import PAGE
from adapters.chat21.options import NAME
from adapters.chat21.rows import row
from adapters.chat21.wire import json_page
from adapters.contract import Call, Reply
from core.model import Overview, UserKey
from core.names import is_legal


async def list_all(call: Call) -> Reply:
    """GET /api/{app}/{user}/conversations: the active ones, newest first."""
    owner = await _owner(call)
    found = await call.core.conversations.list(call.tenant, owner, PAGE) if owner else []
    return _reply(call, found[:PAGE])


async def detail(call: Call) -> Reply:
    """GET /api/{app}/{user}/conversations/{with}: a list of one, or of none for an unknown one."""
    owner, other = await _owner(call), call.parameters["with"]
    found = None
    if owner and is_legal(other):
        for of_group in likelier_first(other):
            found = await (_of_group if of_group else _of_peer)(call, owner, other)
            if found is not None and found.last is not None:
                break
    return _reply(call, [found] if found is not None else [])


async def _of_peer(call: Call, owner: UserKey, other: str) -> Overview | None:
    return await call.core.conversations.direct(call.tenant, owner, other)


async def _of_group(call: Call, owner: UserKey, other: str) -> Overview | None:
    number = await group_number(call.core, call.tenant, other)
    return await call.core.conversations.group(call.tenant, owner, number) if number is not None else None


async def _owner(call: Call) -> UserKey | None:
    """The user whose list it is. The vendor shows any user's list to any user of the app; here it is the user's own, or an
    administrator's to see."""
    user, principal = call.parameters["user"], call.authenticated
    if user != principal.user and not principal.administrator:
        raise foreign_timeline()
    return await call.core.users.known_key(call.tenant, user) if is_legal(user) else None


def _reply(call: Call, found: list[Overview]) -> Reply:
    losses: dict[str, None] = {}
    result = [row for overview in found if (row := _row(call, overview, losses)) is not None]
    call.losses.extend(losses)
    return json_page(call.request, {"success": True, "result": result})


def _row(call: Call, overview: Overview, losses: dict[str, None]) -> dict[str, Any] | None:
    """A conversation in the vendor's form; none for one without a message, which the vendor does not know."""
    last, group = overview.last, overview.group
    if last is None:
        return None
    ids, owner = call.core.ids(call.tenant), call.parameters["user"]
    if overview.peer is not None:
        other = overview.peer
    elif group is not None:
        other = group_id(ids, group)
    else:
        # Nobody created the group: what its only reader, the sender, calls it stands in the message.
        chosen = (last.message.leftovers or {}).get("recipient") if last.message.dialect == NAME else None
        other = chosen or number_id(ids, overview.group_number or 0)
    name = (group.name if group else "") if overview.peer is None else None
    fields = row(last, ids, losses, app=call.parameters["app"], owner=owner, other=other, group=name)
    return fields | {
        "_id": object_id(overview.conversation, suffix(owner)),
        "key": other,
        "is_new": overview.is_new,
        "archived": False,
        "last_message_text": fields.get("text"),
    }
