"""What came since a client last asked, in all of its conversations."""

import asyncio
from collections.abc import Sequence

from adapters.applozic import lookup, threads, wire
from adapters.applozic.auth import acting_user
from adapters.applozic.threads import Row
from adapters.contract import Call, Reply
from core.conversations import Target
from core.messages import Page, Query
from core.model import EVERY_KIND, UserKey

_MAXIMUM_MESSAGES = 1_000
_FEWEST = 10
"""Messages of one conversation that are taken at least, however many conversations there are."""
_AT_ONCE = 50
_ALWAYS = 50
"""Of the latest conversations, those that are looked into anyhow: hidden messages move no list."""
_EDITED_CONVERSATIONS = 20
_EDITED_MESSAGES = 200

_Page = tuple[Target, Page]


async def sync(call: Call) -> Reply:
    """GET message/sync: the messages since `lastSyncTime`, sent and received, oldest first; and the time to ask with next time,
    which is never ahead of what was given. With `metadataUpdate` those whose metadata changed since then instead."""
    fields = await wire.read(call)
    since = max(fields.integer("lastSyncTime") or 0, 0)
    user = await call.core.users.known_key(call.tenant, acting_user(call, fields))
    now = wire.sync_point(call.now)
    rows = b"[]"
    if user is not None:
        if fields.flag("metadataUpdate"):
            found, pages = await _edited(call, user, since)
        else:
            found, pages, now = await _sent(call, user, since, now)
        progress = {target: page.progress for target, page in pages}
        rows = await threads.rows_of(call, user, found, progress)
    return wire.written_reply(
        b'{"lastSyncTime":%d,"currentSyncTime":%d,"messages":%b,"regIdInvalid":false,"deliveredMessageKeys":[]}'
        % (now, now, rows)
    )


async def _sent(call: Call, user: UserKey, since: int, now: int) -> tuple[list[Row], list[_Page], int]:
    """What was sent since, and up to what time it is all of it."""
    targets = await _targets(call, user, since)
    limit = max(_FEWEST, _MAXIMUM_MESSAGES // max(1, len(targets)))
    query = Query(limit, newest_first=False, since=since + 1, kinds=EVERY_KIND, progress=True)
    pages = await _pages(call, user, targets, query)
    found: list[Row] = []
    complete = now
    for target, page in pages:
        found += [(target, stored) for stored in page.messages]
        if page.cursor:
            complete = min(complete, page.messages[-1].time if page.messages else page.cursor)
    found.sort(key=lambda row: (row[1].time, row[1].id))
    if len(found) > _MAXIMUM_MESSAGES:
        last = found[_MAXIMUM_MESSAGES - 1][1].time
        found, complete = [row for row in found if row[1].time <= last], min(complete, last)
    return found, pages, complete


async def _edited(call: Call, user: UserKey, since: int) -> tuple[list[Row], list[_Page]]:
    """The messages that were edited since: among the latest ones of the latest conversations."""
    latest = await call.core.conversations.list(call.tenant, user, _EDITED_CONVERSATIONS)
    targets = [lookup.target_of_row(row) for row in latest[:_EDITED_CONVERSATIONS]]
    pages = await _pages(call, user, targets, Query(_EDITED_MESSAGES, kinds=EVERY_KIND, progress=True))
    found = [(target, stored) for target, page in pages for stored in page.messages]
    return [row for row in found if (row[1].message.edited or 0) > since], pages


async def _targets(call: Call, user: UserKey, since: int) -> list[Target]:
    rows = lookup.conversations(call, user, since=since + 1, latest=_ALWAYS)
    return list(dict.fromkeys([lookup.target_of_row(row) async for row in rows]))


async def _pages(call: Call, user: UserKey, targets: Sequence[Target], query: Query) -> list[_Page]:
    found: list[_Page] = []
    for start in range(0, len(targets), _AT_ONCE):
        some = targets[start : start + _AT_ONCE]
        pages = await asyncio.gather(*(threads.page(call, user, target, query) for target in some))
        found += zip(some, pages, strict=True)
    return found
