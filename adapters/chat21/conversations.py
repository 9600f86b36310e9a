"""Conversation lists and their rows, and what takes conversations out of them.

The vendor merges every message into the conversation's row, so that `attributes`, `type` and `metadata` of an older
message survive a newer one that lacks them [observed]. Here the last message stands for the row: those of older messages
are not shown. `is_new` is true for the sender too, until somebody reads the conversation through another dialect.
"""

from typing import Any

from adapters.chat21.auth import acting_user
from adapters.chat21.errors import foreign_timeline
from adapters.chat21.files import addresses
from adapters.chat21.groups import may_change
from adapters.chat21.ids import group_id, group_number, likelier_first, number_id, object_id, suffix
from adapters.chat21.messages import PAGE
from adapters.chat21.options import NAME
from adapters.chat21.rows import row
from adapters.chat21.wire import body_of, json_page, json_reply
from adapters.contract import Call, Reply
from core.errors import Failure, Kind
from core.model import Box, Overview, UserKey
from core.names import is_legal

_DONE = {"success": True}
_ANYBODY = UserKey("", 0)
"""A group's conversation is the same one whoever asks."""


async def list_active(call: Call) -> Reply:
    """GET /api/{app}/{user}/conversations: the active ones, newest first."""
    return await _list(call, Box.ACTIVE)


async def list_archived(call: Call) -> Reply:
    """GET /api/{app}/{user}/conversations/archived, also …/archived_conversations: the archived ones."""
    return await _list(call, Box.ARCHIVED)


async def detail(call: Call) -> Reply:
    """GET /api/{app}/{user}/conversations/{with}: a list of one, or of none for an unknown or archived one."""
    return await _detail(call, Box.ACTIVE)


async def archived_detail(call: Call) -> Reply:
    """GET /api/{app}/{user}/archived_conversations/{with}: the same of the archived ones."""
    return await _detail(call, Box.ARCHIVED)


async def archive(call: Call) -> Reply:
    """DELETE /api/{app}/conversations/{recipient}: into the archive, until something new comes. With `?delete=true`, as the
    documents have it and the vendor's server does not, all that is in it now is deleted for this user alone. An unknown
    conversation is 201 too."""
    user = acting_user(call, body_of(call).get("user_id"), "user_id")
    conversations, tenant = call.core.conversations, call.tenant
    owner = await call.core.users.known_key(tenant, user)
    found = await _find(call, owner, call.parameters["recipient"])
    if owner is not None and found is not None:
        target = found.peer if found.peer is not None else found.group_number or 0
        if call.request.query.get("delete", "").lower() == "true":
            await conversations.clear(tenant, owner, target)
        else:
            await conversations.put(tenant, owner, target, Box.ARCHIVED)
    return json_reply(201, _DONE)


async def remove_rows(call: Call) -> Reply:
    """DELETE /api/{app}/{group}/conversations/timelines: takes the group's conversation out of everybody's lists, until
    something new comes. The vendor lets anybody do it; here it is for the group's owner and administrators."""
    number = await _removable(call)
    await call.core.conversations.put_for_all(call.tenant, _ANYBODY, number, Box.HIDDEN)
    return json_reply(200, _DONE)


async def remove_messages(call: Call) -> Reply:
    """DELETE /api/{app}/{group}/messages/timelines: deletes the group's messages for everybody, by the same right."""
    number = await _removable(call)
    await call.core.conversations.clear_for_all(call.tenant, _ANYBODY, number)
    return json_reply(200, _DONE)


async def _removable(call: Call) -> int:
    """The number of the path's group, which may be one that nobody created, for who may remove what is in it."""
    text = call.parameters["group"]
    number = await group_number(call.core, call.tenant, text) if is_legal(text) else None
    group = await call.core.groups.find(call.tenant, number) if number is not None else None
    if not (may_change(call, group) if group is not None else call.authenticated.administrator):
        raise foreign_timeline()
    if number is None:
        raise Failure(Kind.NOT_FOUND, "Group doesn't exist", reason="group", subject=text)
    return number


async def _list(call: Call, box: Box) -> Reply:
    owner = await _owner(call)
    found = await call.core.conversations.list(call.tenant, owner, PAGE, box=box) if owner else []
    return _reply(call, found[:PAGE], box)


async def _detail(call: Call, box: Box) -> Reply:
    found = await _find(call, await _owner(call), call.parameters["with"])
    return _reply(call, [found] if found is not None and found.box is box else [], box)


async def _find(call: Call, owner: UserKey | None, other: str) -> Overview | None:
    """The row of the conversation that a user has with somebody or a group, in whatever box."""
    if owner is None or not is_legal(other):
        return None
    for of_group in likelier_first(other):
        found = await (_of_group if of_group else _of_peer)(call, owner, other)
        if found is not None and found.last is not None:
            return found
    return None


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


def _reply(call: Call, found: list[Overview], box: Box) -> Reply:
    losses: dict[str, None] = {}
    archived = box is Box.ARCHIVED
    result = [row for overview in found if (row := _row(call, overview, archived, losses)) is not None]
    call.losses.extend(losses)
    return json_page(call.request, {"success": True, "result": result})


def _row(call: Call, overview: Overview, archived: bool, losses: dict[str, None]) -> dict[str, Any] | None:
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
    fields = row(last, ids, addresses(call), losses, app=call.parameters["app"], owner=owner, other=other, group=name)
    return fields | {
        "_id": object_id(overview.conversation, suffix(owner)),
        "key": other,
        "is_new": overview.is_new,
        "archived": archived,
        "last_message_text": fields.get("text"),
    }
