"""Sending a message, and reading a timeline."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from adapters.chat21 import content
from adapters.chat21.auth import acting_user
from adapters.chat21.errors import foreign_timeline, mandatory
from adapters.chat21.files import addresses
from adapters.chat21.ids import group_number, identifier, likelier_first, names_group, own_number
from adapters.chat21.options import NAME
from adapters.chat21.rows import row, timeline
from adapters.chat21.wire import body_of, json_reply, truthy, written_page
from adapters.contract import Call, Reply
from core.membership import Check
from core.messages import Page, Query, kind_of
from core.model import EVERYBODY, Audience, Message, Receipt, Stored, UserKey, Window
from core.names import is_legal

PAGE = 200
"""Rows that the vendor answers at most; it has no paging."""
_NEWEST = Query(limit=PAGE)
_TURNS = 10
"""A page may come short when much of what it passed is not shown: how often it is gone on from."""
_MANDATORY = (
    ("sender_fullname", "Sender Fullname is mandatory"),
    ("recipient_id", "Recipient id is mandatory"),
    ("recipient_fullname", "Recipient Fullname is mandatory"),
)
_OF_A_TIMELINE = frozenset({"_id", "timelineOf", "conversWith"})
"""Fields of a stored copy that a message on its way has not."""


async def send(call: Call) -> Reply:
    """POST /api/{app}/messages"""
    sent = await _send(call)
    # The vendor answers `success` alone; clients read no more, so the id is an extra that harms nobody.
    return json_reply(200, {"success": True, "message_id": call.core.ids(call.tenant).uuid(sent.receipt.id)})


async def send_and_show(call: Call) -> Reply:
    """POST /api/{app}/messages/sync: with the sender's copy of the message. The vendor waits for it at a broker that the caller
    names in the query; nobody is called here."""
    sent = await _send(call)
    receipt, sender = sent.receipt, sent.sender
    # A repeat shows what was sent first.
    stored = await call.core.messages.get(call.tenant, receipt.id, sender) if receipt.repeated else None
    if stored is None:
        kind = kind_of(sent.message)
        stored = Stored(receipt.id, receipt.sequence, receipt.time, kind, sent.message)
    ids, losses = call.core.ids(call.tenant), dict[str, None]()
    name = sent.recipient if sent.in_group else None
    app, other = call.parameters["app"], sent.recipient
    fields = row(stored, ids, addresses(call), losses, app=app, owner=sender.id, other=other, group=name)
    shown = {name: value for name, value in fields.items() if name not in _OF_A_TIMELINE}
    return json_reply(200, {"success": True, "message": shown})


class _Sent(msgspec.Struct, frozen=True):
    message: Message
    receipt: Receipt
    sender: UserKey
    recipient: str
    in_group: bool


async def _send(call: Call) -> _Sent:
    body = body_of(call)
    for field, text in _MANDATORY:
        if not truthy(body.get(field)):
            raise mandatory(text, field)
    recipient = identifier(body["recipient_id"], "recipient_id", "Recipient id is mandatory")
    sender = acting_user(call, body.get("sender_id"), "sender_id")
    core, tenant, reference = call.core, call.tenant, call.reference
    # What other dialects forbid a user counts here too; an administrator is the app's own server.
    check = Check.NONE if call.authenticated.administrator else Check.USER
    in_group = body.get("channel_type") == content.GROUP or names_group(recipient)
    if in_group:
        number = own_number(core.ids(tenant), recipient)
        message = _read(call, body, sender, recipient, group=True, chosen=number is None)
        if number is None:
            number = await core.groups.place(tenant, NAME, recipient)
        key, *left_out = await core.users.keys(tenant, (sender, *_left_out(message)))
        audience = _audience(message, left_out)
        (receipt,) = await core.messages.send_group(tenant, key, [number], message, reference, audience, check=check)
    else:
        message = content.read_plain(body, sender, recipient) or _read(call, body, sender, recipient)
        key, other = await core.users.keys(tenant, (sender, recipient))
        audience = _audience(message, [])
        (receipt,) = await core.messages.send_direct(tenant, key, [other], message, reference, audience, check=check)
    return _Sent(message, receipt, key, recipient, in_group)


def _read(
    call: Call, body: dict[str, Any], sender: str, recipient: str, *, group: bool = False, chosen: bool = False
) -> Message:
    files = addresses(call)
    message = content.read(body, files, sender, recipient, group=group, chosen=chosen)
    call.losses += content.losses(message, files)
    return message


def _left_out(message: Message) -> list[str]:
    """Who of a group does not get the message. The vendor's loop ends at that member instead of passing on."""
    name = (message.extension or {}).get("hiddenFor")
    return [name] if isinstance(name, str) and is_legal(name) else []


def _audience(message: Message, left_out: Sequence[UserKey]) -> Audience:
    aside = (message.extension or {}).get("updateconversation") is False
    return Audience(without=tuple(left_out), aside=aside) if aside or left_out else EVERYBODY


async def history(call: Call) -> Reply:
    """GET /api/{app}/{user}/conversations/{with}/messages: newest first. The one route that refuses administrators, too."""
    user, other = call.parameters["user"], call.parameters["with"]
    if user != call.authenticated.user:
        raise foreign_timeline()
    found, in_group = Window(), False
    if is_legal(other):
        for in_group in likelier_first(other):
            found = await _group_messages(call, other) if in_group else await _direct_messages(call, other)
            if found:
                break
    ids, app = call.core.ids(call.tenant), call.parameters["app"]
    page = timeline(found, ids, addresses(call), app=app, owner=user, other=other, group=in_group)
    call.losses.extend(page.losses)
    return written_page(call.request, page.json, page.check)


async def _direct_messages(call: Call, other: str) -> Window:
    core, tenant, user = call.core, call.tenant, call.parameters["user"]
    viewer = await core.users.known_key(tenant, user)
    if viewer is None:
        return Window()
    return await _newest(lambda query: core.messages.direct_page(tenant, user, other, query, viewer))


async def _group_messages(call: Call, other: str) -> Window:
    core, tenant = call.core, call.tenant
    number = await group_number(core, tenant, other)
    viewer = await core.users.known_key(tenant, call.parameters["user"])
    if number is None or viewer is None:
        return Window()
    return await _newest(lambda query: core.messages.group_page(tenant, viewer, number, query))


async def _newest(turn: Callable[[Query], Awaitable[Page]]) -> Window:
    """The newest messages, at most as many as the vendor answers."""
    page = await turn(_NEWEST)
    found = page.messages
    for _ in range(_TURNS - 1):
        if not page.cursor or len(found) >= PAGE:
            break
        page = await turn(Query(limit=PAGE - len(found), cursor=page.cursor))
        found = Window([*found, *page.messages])
    return found
