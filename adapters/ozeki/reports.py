"""Reports: that a message was delivered, or viewed. A user's read position moves with them, in every dialect.

In the core a report is about everything up to a message. A client names messages one by one, so each gets a report; what
another dialect's user has read at once has one, on the last message.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import orjson

from adapters.contract import Call, Reply
from adapters.ozeki import files
from adapters.ozeki.adding import message_in
from adapters.ozeki.callers import Caller, caller_of, veiled
from adapters.ozeki.codec import written
from adapters.ozeki.dates import read_date, written_date
from adapters.ozeki.options import Options
from adapters.ozeki.replies import answer
from adapters.ozeki.wholes import is_stale, target_in, whole
from core.errors import Failure, Kind
from core.ids import Ids
from core.model import Outline, Report, Stored

REPORT = 1 << 59
"""What is added to a report's place in its UUID form, so that it is no message's, group's or user's."""
_NUMBER_BITS = 27
_MAXIMUM_IDS = 200
_TYPES = {"read": "viewed", "delivered": "delivered"}
_ROWS = 1_000
_PAGES = 10
_LOOKED_THROUGH = 200
_MESSAGES_AT_ONCE = 50
"""Of those that reports are on: each may be large."""
_SECOND_MS = 1_000


class Cursor(msgspec.Struct, frozen=True):
    """Where reports begin, or end: at a number, else at a time (ms)."""

    number: int | None = None
    time: int | None = None


EVERYTHING = Cursor()


async def report(options: Options, call: Call) -> Reply:
    """`viewed`, `delivered`: of the others' messages among those named, the newest 200. Those of an instance of before do
    nothing. Raises *not found* with reason `message` when none of those named is one of the conversation's."""
    caller = caller_of(call)
    target = await target_in(call)
    names = caller.body.get("messageids")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise Failure(Kind.BAD_REQUEST, "messageids must be a list of ids", reason="body", field="messageids")
    found = await whole(call, target)
    if names and not is_stale(call, found):
        wanted = list(dict.fromkeys(names))[-_MAXIMUM_IDS:]
        stored = await asyncio.gather(*(message_in(call, found, name) for name in wanted))
        known = sorted((one for one in stored if one is not None), key=lambda one: one.sequence)
        if not known:
            raise Failure(Kind.NOT_FOUND, "The conversation has no such message", reason="message")
        conversations = call.core.conversations
        move = conversations.delivered if caller.body.get("action") == "delivered" else conversations.read
        theirs = [one for one in known if one.sequence > 0 and one.message.sender != caller.user.id]
        station = caller.station.name if options.show_stations else caller.veil
        # Sent in this order over one connection, so each is a step of its own.
        await asyncio.gather(
            *(move(caller.tenant, caller.user, target, one.sequence, station=station) for one in theirs)
        )
    return answer({})


def report_cursor(call: Call, found: Outline, end: str) -> Cursor:
    """The cursor in the body: `firstreportid` and `firstreportdate`, or the last ones."""
    caller = caller_of(call)
    name = caller.body.get(f"{end}reportid")
    number = report_number(call.core.ids(caller.tenant), found.conversation, name) if isinstance(name, str) else None
    if number is not None and 0 < number <= found.reports:
        return Cursor(number)
    return Cursor(None, read_date(caller.body.get(f"{end}reportdate")))


async def reports_since(call: Call, found: Outline, cursor: Cursor) -> list[Report]:
    """The reports from a cursor on, in order."""
    reports: list[Report] = []
    last = cursor.number - 1 if cursor.number is not None else 0
    for _ in range(_PAGES if found.reports and found.peer is not None else 0):
        rows, _, newest = await _page(call, found, last, _ROWS, newest_first=False)
        reports += [row for row in rows if cursor.time is None or row.time >= cursor.time]
        if not rows or rows[-1].number >= newest:
            break
        last = rows[-1].number
    return reports


async def reports_before(
    call: Call, found: Outline, cursor: Cursor, limit: int, messages: Sequence[Stored]
) -> list[Report]:
    """The newest reports up to a cursor, at most `limit`; and those on some messages, as far as they are among the newest 200.
    In order."""
    if not found.reports or found.peer is None:
        return []
    latest, _, _ = await _page(call, found, 0, max(limit, _LOOKED_THROUGH), newest_first=True)
    wanted = {stored.id for stored in messages}
    chosen = {row.number: row for row in latest if row.message in wanted}
    window = latest
    if cursor.number is not None:
        window, _, _ = await _page(call, found, cursor.number + 1, limit, newest_first=True)
    elif cursor.time is not None:
        end = cursor.time + _SECOND_MS
        window = [row for row in await reports_since(call, found, EVERYTHING) if row.time < end][::-1]
    chosen |= {row.number: row for row in window[:limit]}
    return [chosen[number] for number in sorted(chosen)]


async def written_reports(
    options: Options, call: Call, found: Outline, messages: Sequence[Stored], reports: Sequence[Report]
) -> list[bytes]:
    """Reports as JSON. Those of erased users, and on messages that the caller is not shown, are left out."""
    if not reports:
        return []
    caller, core = caller_of(call), call.core
    ids, addresses = core.ids(caller.tenant), files.addresses(call)
    heads = {stored.id: written(stored, ids, caller.domain, addresses).head for stored in messages}
    missing = list(dict.fromkeys(row.message for row in reports if row.message not in heads))
    for start in range(0, len(missing), _MESSAGES_AT_ONCE):
        some = missing[start : start + _MESSAGES_AT_ONCE]
        others = await asyncio.gather(
            *(core.messages.get(caller.tenant, message, caller.user, caller.station.name) for message in some)
        )
        heads |= {
            stored.id: written(stored, ids, caller.domain, addresses).head for stored in others if stored is not None
        }
    return [
        orjson.dumps(_row(options, caller, ids, found, row, row.user, heads[row.message]))
        for row in reports
        if row.user is not None and row.message in heads
    ]


def _row(
    options: Options, caller: Caller, ids: Ids, found: Outline, row: Report, user: str, head: dict[str, str]
) -> dict[str, Any]:
    return {
        "ID": report_id(ids, found.conversation, row.number),
        "Type": _TYPES[row.what],
        "Created": written_date(row.time),
        "ValidUntil": head["ValidUntil"],
        "User": caller.id_of(user),
        "Station": _station(options, caller, row.station, user),
        "MessageID": head["ID"],
    }


def _station(options: Options, caller: Caller, station: str, user: str) -> str:
    """The caller's own as it is, others' as the options say; something in place of one that another dialect does not name."""
    if station in (caller.veil, caller.station.name):
        return caller.station.name
    if station.startswith("~"):
        return station[1:]
    return station if station and options.show_stations else veiled(caller.tenant, station or f"\0{user}")


def report_id(ids: Ids, conversation: int, number: int) -> str:
    """The id of a report: a UUID in which its place is hidden."""
    return ids.uuid(REPORT | conversation << _NUMBER_BITS | number & (1 << _NUMBER_BITS) - 1)


def report_number(ids: Ids, conversation: int, text: str) -> int | None:
    """The number in an id that `report_id` made for this conversation; none for any other text."""
    value = ids.from_uuid(text)
    if value is None or value >> _NUMBER_BITS != (REPORT >> _NUMBER_BITS) | conversation:
        return None
    return value & (1 << _NUMBER_BITS) - 1


async def _page(
    call: Call, found: Outline, cursor: int, limit: int, *, newest_first: bool
) -> tuple[list[Report], int, int]:
    caller = caller_of(call)
    return await call.core.receipts.reports(
        caller.tenant, caller.user.id, found.peer or "", cursor=cursor, limit=limit, newest_first=newest_first
    )
