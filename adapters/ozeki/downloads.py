"""Reading a conversation: what came since, or the page before.

Order and cursors are by when a message arrived, since `Created` is its client's own word. A cursor is found by its id if the
conversation has it, else by its date. An instance of before the last clearing makes cursors void: the client has to begin anew.
"""

from collections.abc import Sequence

import msgspec

from adapters.contract import Call, Reply
from adapters.ozeki import files
from adapters.ozeki.adding import message_in
from adapters.ozeki.callers import caller_of, codec_of
from adapters.ozeki.codec import written_page
from adapters.ozeki.content import size_of
from adapters.ozeki.dates import read_date
from adapters.ozeki.options import Options
from adapters.ozeki.replies import written as reply
from adapters.ozeki.reports import (
    EVERYTHING,
    Cursor,
    report_cursor,
    reports_before,
    reports_since,
    written_reports,
)
from adapters.ozeki.wholes import is_stale, target_in, unknown_conversation, whole
from core.conversations import Target, parties_with
from core.messages import Page, Query
from core.model import Outline, Report, Window

_DEFAULT_LIMIT = 50
_MAXIMUM_LIMIT = 1_000
_PAGE = 500
_MAXIMUM_MESSAGES = 10_000
"""Of one download; the vendor names no limit. What is left is downloaded from the last one on."""
_MAXIMUM_BYTES = 16 << 20
"""After which a download reads no further page: anybody may send a thousand large messages."""
_TURNS = 100
_SECOND_MS = 1_000
_CURSORS = {
    end: tuple(end + what for what in ("messageid", "messagedate", "reportid", "reportdate"))
    for end in ("first", "last")
}


async def download(options: Options, call: Call) -> Reply:
    """`download`: everything from the first message and the first report on, both inclusive; all there is without them."""
    target = await target_in(call)
    if not _names_any(call, "first"):
        query, cursor = _query(call, _PAGE, newest_first=False), EVERYTHING
        found, messages = await _whole(call, target, query, _MAXIMUM_MESSAGES)
    else:
        found = await whole(call, target)
        time, cursor = await _cursors(call, found, "first")
        query = _query(call, _PAGE, newest_first=False, since=time or 0)
        messages = await _read(call, target, query, _MAXIMUM_MESSAGES)
    reports = await reports_since(call, found, cursor)
    return await _reply(options, call, found, messages, reports, newest_first=False)


async def download_partial(options: Options, call: Call) -> Reply:
    """`downloadpartial`: the newest messages up to the last one that the client names, itself included, at most `limit` of them,
    the oldest first; and the reports on them."""
    limit = caller_of(call).body.get("limit")
    limit = min(limit, _MAXIMUM_LIMIT) if type(limit) is int and limit > 0 else _DEFAULT_LIMIT
    target = await target_in(call)
    if not _names_any(call, "last"):
        found, messages = await _whole(call, target, _query(call, limit), limit)
        cursor = EVERYTHING
    else:
        found = await whole(call, target)
        time, cursor = await _cursors(call, found, "last")
        query = _query(call, limit, until=time + 1 if time is not None else 0)
        messages = await _read(call, target, query, limit)
    reports = await reports_before(call, found, cursor, limit, messages)
    return await _reply(options, call, found, messages, reports, newest_first=True)


def _names_any(call: Call, end: str) -> bool:
    body = caller_of(call).body
    return any(body.get(name) for name in _CURSORS[end] if name in body)


async def _cursors(call: Call, found: Outline, end: str) -> tuple[int | None, Cursor]:
    """The time of the message at one end of what is asked for (none: all there is), and where reports begin or end."""
    if is_stale(call, found):
        return None, EVERYTHING
    body = caller_of(call).body
    time: int | None = None
    message = body.get(f"{end}messageid")
    stored = await message_in(call, found, message) if isinstance(message, str) and message else None
    if stored is not None:
        time = stored.time
    else:
        date = read_date(body.get(f"{end}messagedate"))
        if date is not None:
            # The last one is the last of its second.
            time = date if end == "first" else date + _SECOND_MS - 1
    return time, report_cursor(call, found, end)


def _query(call: Call, limit: int, *, newest_first: bool = True, since: int = 0, until: int = 0) -> Query:
    station = caller_of(call).station.name
    return Query(min(limit, _PAGE), newest_first=newest_first, since=since, until=until, station=station)


async def _whole(call: Call, target: Target, query: Query, maximum: int) -> tuple[Outline, Window]:
    """The conversation as it is now, and its messages as `_read` gives them."""
    caller = caller_of(call)
    parties = parties_with(caller.user, target)
    found, page = await call.core.threads.outlined(caller.tenant, caller.user, parties, query)
    if found is None:
        raise unknown_conversation()
    return found, await _rest(call, target, query, maximum, page)


async def _read(call: Call, target: Target, query: Query, maximum: int) -> Window:
    """At most so many messages, in the order of the query; fewer when they are large."""
    return await _rest(call, target, query, maximum, await _page(call, target, query))


async def _rest(call: Call, target: Target, query: Query, maximum: int, page: Page) -> Window:
    """The same, whose first page is there."""
    found, size = page.messages, 0
    for _ in range(_TURNS):
        if not page.cursor or len(found) >= maximum:
            break
        size += sum(size_of(stored.message) for stored in page.messages)
        if size >= _MAXIMUM_BYTES:
            break
        query = msgspec.structs.replace(query, cursor=page.cursor, limit=min(_PAGE, maximum - len(found)))
        page = await _page(call, target, query)
        found = Window([*found, *page.messages])
    return found


async def _page(call: Call, target: Target, query: Query) -> Page:
    caller = caller_of(call)
    return await call.core.messages.page(caller.tenant, parties_with(caller.user, target), query, caller.user)


async def _reply(
    options: Options, call: Call, found: Outline, messages: Window, reports: Sequence[Report], *, newest_first: bool
) -> Reply:
    caller = caller_of(call)
    ids, addresses, codec = call.core.ids(caller.tenant), files.addresses(call), codec_of(options, caller.tenant)
    page = written_page(messages, ids, caller.domain, addresses, codec, newest_first=newest_first)
    call.losses.extend(page.losses)
    shown = await written_reports(options, call, found, messages, reports)
    return reply(b'"messages":[', page.rows, b'],"reports":[', b",".join(shown), b"]")
