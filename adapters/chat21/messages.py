"""Sending a message, and reading a timeline."""

from collections.abc import Awaitable, Callable

from adapters.chat21.auth import acting_user
from adapters.chat21.content import GROUP, from_fields
from adapters.chat21.errors import foreign_timeline, mandatory
from adapters.chat21.ids import group_number, identifier, likelier_first, names_group, own_number
from adapters.chat21.options import NAME
from adapters.chat21.rows import timeline
from adapters.chat21.wire import json_reply, read_body, truthy, written_page
from adapters.contract import Call, Reply
from core.messages import Page, Query
from core.model import Stored
from core.names import is_legal

PAGE = 200
"""Rows that the vendor answers at most; it has no paging."""
_TURNS = 10
"""A page may come short when much of what it passed is not shown: how often it is gone on from."""
_MANDATORY = (
    ("sender_fullname", "Sender Fullname is mandatory"),
    ("recipient_id", "Recipient id is mandatory"),
    ("recipient_fullname", "Recipient Fullname is mandatory"),
)


async def send(call: Call) -> Reply:
    """POST /api/{app}/messages"""
    body = await read_body(call)
    for field, text in _MANDATORY:
        if not truthy(body.get(field)):
            raise mandatory(text, field)
    recipient = identifier(body["recipient_id"], "recipient_id", "Recipient id is mandatory")
    sender = acting_user(call, body.get("sender_id"), "sender_id")
    core, tenant = call.core, call.tenant
    if body.get("channel_type") == GROUP or names_group(recipient):
        number = own_number(core.ids(tenant), recipient)
        message = from_fields(body, sender, recipient, group=True, chosen=number is None)
        if number is None:
            number = await core.groups.place(tenant, NAME, recipient)
        key = await core.users.key(tenant, sender)
        receipts = await core.messages.send_group(tenant, key, [number], message, call.reference)
    else:
        message = from_fields(body, sender, recipient, group=False, chosen=False)
        key, other = await core.users.keys(tenant, (sender, recipient))
        receipts = await core.messages.send_direct(tenant, key, [other], message, call.reference)
    # The vendor answers `success` alone; clients read no more, so the id is an extra that harms nobody.
    return json_reply(200, {"success": True, "message_id": core.ids(tenant).uuid(receipts[0].id)})


async def history(call: Call) -> Reply:
    """GET /api/{app}/{user}/conversations/{with}/messages: newest first. The one route that refuses administrators, too."""
    user, other = call.parameters["user"], call.parameters["with"]
    if user != call.authenticated.user:
        raise foreign_timeline()
    found: list[Stored] = []
    in_group = False
    if is_legal(other):
        for in_group in likelier_first(other):
            found = await _group_messages(call, other) if in_group else await _direct_messages(call, other)
            if found:
                break
    losses: dict[str, None] = {}
    ids, app = call.core.ids(call.tenant), call.parameters["app"]
    result, check = timeline(found, ids, losses, app=app, owner=user, other=other, group=in_group)
    call.losses.extend(losses)
    return written_page(call.request, b'{"success":true,"result":' + result + b"}", check)


async def _direct_messages(call: Call, other: str) -> list[Stored]:
    core, tenant, user = call.core, call.tenant, call.parameters["user"]
    viewer = await core.users.known_key(tenant, user)
    if viewer is None:
        return []
    return await _newest(lambda query: core.messages.direct_page(tenant, user, other, query, viewer))


async def _group_messages(call: Call, other: str) -> list[Stored]:
    core, tenant = call.core, call.tenant
    number = await group_number(core, tenant, other)
    viewer = await core.users.known_key(tenant, call.parameters["user"])
    if number is None or viewer is None:
        return []
    return await _newest(lambda query: core.messages.group_page(tenant, viewer, number, query))


async def _newest(turn: Callable[[Query], Awaitable[Page]]) -> list[Stored]:
    """The newest messages, at most as many as the vendor answers."""
    found: list[Stored] = []
    cursor = 0
    for _ in range(_TURNS):
        page = await turn(Query(limit=PAGE - len(found), cursor=cursor))
        found += page.messages
        cursor = page.cursor
        if not cursor or len(found) >= PAGE:
            break
    return found
