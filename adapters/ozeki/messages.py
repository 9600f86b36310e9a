"""Sending, in all styles: at once, or at the time that a message names."""

import asyncio
import zlib
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from adapters.contract import Call
from adapters.ozeki import content
from adapters.ozeki.auth import domain_of
from adapters.ozeki.content import CREATED, SEND_AT, given_fields
from adapters.ozeki.ids import EVERY_STATION, Address, address_of, own_number
from adapters.ozeki.options import NAME
from core.errors import Failure, Kind
from core.ids import CLIENT_REFERENCE, Ids
from core.membership import Check
from core.model import EVERYBODY, Audience, Message, UserKey
from core.names import is_legal

MAXIMUM_MESSAGES = 1_000
"""Of one request; the vendor names no limit."""
_MAXIMUM_ID = 255
_AT_ONCE = 50
_UNPLACED = 0
"""No group's number."""
_AS_CREATED_MS = 1_000
"""The two may be read from the clock at both sides of a second's end."""
# What befalls the gateway, not one message: the whole request is answered with it, and can be repeated.
_OF_ALL = frozenset({Kind.STORE_UNAVAILABLE, Kind.INTERNAL})


class Sent(msgspec.Struct):
    """What became of one message."""

    fields: dict[str, Any]
    """What was given."""
    time: int
    """When it was, or will be, sent; of a failed one when it was received."""
    message: Message
    message_id: str = ""
    """The caller's, else ours."""
    problem: str = ""
    """Why it was not sent; empty when it was."""


async def send(call: Call, entries: Sequence[Mapping[str, Any]], zone: ZoneInfo) -> list[Sent]:
    """Send messages of the wire, one after the other as far as they are of one conversation; what became of each. One that
    fails does not keep the others. With the same id and text as before, a message is the one before.

    Raises *bad request* for too many, and what befalls all of them."""
    if len(entries) > MAXIMUM_MESSAGES:
        raise too_many()
    losses: list[str] = []
    core, tenant, sender = call.core, call.tenant, sender_of(call)
    domain, ids = domain_of(tenant), core.ids(tenant)
    found: list[Sent] = []
    rows: list[_Sending] = []
    users: list[_Sending] = []
    names: list[str] = []
    for number, entry in enumerate(entries):
        fields = given_fields(entry, zone, losses)
        sent = Sent(fields, call.now, content.read(fields, sender), fields.get("message_id", ""))
        losses += content.staying(sent.message)
        found.append(sent)
        address = _recipient(sent, domain)
        if address is not None:
            group = own_number(ids, address.user)
            row = _Sending(sent, address, group or _UNPLACED, f"{call.reference}:{number}")
            rows.append(row)
            if group is None:
                users.append(row)
                names.append(address.user)
    if losses:
        call.losses.extend(dict.fromkeys(losses))
    own = await core.users.key(tenant, sender)
    if users:
        for row, key in zip(users, await core.users.keys(tenant, names, folded=True), strict=True):
            row.target = key
    if len(rows) == 1:
        await _send(call, ids, own, rows[0])
        return found
    for start in range(0, len(rows), _AT_ONCE):
        await asyncio.gather(*(_send(call, ids, own, row) for row in rows[start : start + _AT_ONCE]))
    return found


class _Sending(msgspec.Struct):
    sent: Sent
    address: Address
    target: UserKey | int
    """The group, if it is one's address; else the user, as soon as the place is known."""
    reference: str
    """What makes a repeat of the request no second message."""


def _recipient(sent: Sent, domain: str) -> Address | None:
    """Whom a message is for: `to_address`, where that is missing `to_connection`."""
    fields = sent.fields
    text = fields.get("to_address") or fields.get("to_connection")
    if text is None:
        sent.problem = "No recipient: to_address is missing"
        return None
    address = address_of(text, domain)
    station = fields.get("to_station", EVERY_STATION)
    if address.station is None and station != EVERY_STATION:
        address = msgspec.structs.replace(address, station=station)
    if not is_legal(address.user):
        sent.problem = "The recipient's address is not valid"
    elif len(sent.message_id) > _MAXIMUM_ID:
        sent.problem = f"message_id has more than {_MAXIMUM_ID} characters"
    return None if sent.problem else address


async def _send(call: Call, ids: Ids, sender: UserKey, row: _Sending) -> None:
    sent, target, station = row.sent, row.target, row.address.station
    if sent.message_id and not call.reference.startswith(CLIENT_REFERENCE):
        # Some callers give all their messages one id: only what says the same is the same.
        said = zlib.crc32(sent.fields.get("text", "").encode(errors="replace"))
        row.reference = f"{CLIENT_REFERENCE}{sent.message_id}:{said:08x}"
    try:
        audience = EVERYBODY
        if station is not None:
            if isinstance(target, int) or not await _has_station(call, target, station):
                raise Failure(Kind.NOT_FOUND, f"There is no station {station} of this user")
            audience = Audience(station=station)
        if _is_for_later(sent.fields, call.now):
            await _schedule(call, sender, row, audience)
            return
        core, tenant, message, reference = call.core, call.tenant, sent.message, row.reference
        if isinstance(target, int):
            receipts = await core.messages.send_group(
                tenant, sender, [target], message, reference, audience, check=Check.MEMBER
            )
        else:
            receipts = await core.messages.send_direct(
                tenant, sender, [target], message, reference, audience, check=Check.USER
            )
        sent.time = receipts[0].time
        if not sent.message_id:
            sent.message_id = ids.uuid(receipts[0].id)
    except Failure as failure:
        if failure.kind in _OF_ALL:
            raise
        sent.problem = failure.text


def _is_for_later(fields: Mapping[str, Any], now: int) -> bool:
    """Whether a message is to wait for its time. The vendor's clients give every message the time at which they make it, by their
    own clock and in their own zone, as creation and as time to send: no such message waits, wherever its sender is."""
    at = fields.get(SEND_AT, 0)
    return bool(at > now and not 0 <= at - fields.get(CREATED, 0) <= _AS_CREATED_MS)


async def _has_station(call: Call, user: UserKey, station: str) -> bool:
    """Whether this is one of the user's devices."""
    try:
        found = await call.core.stations.find(NAME, station, (call.tenant,))
    except Failure as failure:
        if failure.kind is Kind.UNAUTHENTICATED:
            return False
        raise
    return found.user == user


async def _schedule(call: Call, sender: UserKey, row: _Sending, audience: Audience) -> None:
    due, tenant, sent, target = call.core.due, call.tenant, row.sent, row.target
    sent.time = sent.fields[SEND_AT]
    if not sent.message_id:
        # The same for a repeat of the request, as what it is kept under.
        sent.message_id = str(UUID(bytes=blake2b(row.reference.encode(), digest_size=16).digest(), version=4))
        sent.message = msgspec.structs.replace(sent.message, reference=sent.message_id)
    message, reference = sent.message, row.reference
    if isinstance(target, int):
        await due.send_group(tenant, sender, [target], message, reference, sent.time, audience, check=Check.MEMBER)
    else:
        await due.send_direct(tenant, sender, [target], message, reference, sent.time, audience, check=Check.USER)


def too_many() -> Failure:
    """More messages than one request may have."""
    return Failure(Kind.BAD_REQUEST, f"A request has up to {MAXIMUM_MESSAGES} messages", field="messages")


def sender_of(call: Call) -> str:
    """The HTTP API user's name."""
    return call.authenticated.user or ""
