"""Use cases of exports and sync by time: what was sent in an hour, and where."""

import asyncio
from collections.abc import AsyncIterator

from core.errors import Failure, Kind
from core.ids import identity_of
from core.messages import Query
from core.model import EVERY_KIND, Active, Portion, Tenant
from core.store.feeds import FeedStore
from core.store.keys import PARTITIONS
from core.store.log import Log

HOUR_MS = 3_600_000
MAXIMUM_HOURS = 744
"""Feeds are kept for 31 days after an hour's first message came."""
_CONVERSATIONS_AT_ONCE = 8
_MESSAGES_AT_ONCE = 200


class Feeds:
    """What happened when, over all conversations of a tenant. Hours count from the epoch: `time // HOUR_MS`.

    Times come from several workers' clocks and run up to a second ahead of them: an hour is complete two seconds after its
    end, but for what is imported into it later.
    """

    def __init__(self, store: FeedStore, log: Log) -> None:
        self._store = store
        self._log = log

    async def active(self, tenant: Tenant, first: int, last: int) -> list[Active]:
        """Conversations to which something was sent, or imported with such a time, from the hour `first` to the hour `last`,
        both inclusive; at most 744 hours. Raises *bad request* with reason `time`."""
        if not 0 <= last - first < MAXIMUM_HOURS:
            raise Failure(Kind.BAD_REQUEST, f"1 to {MAXIMUM_HOURS} hours can be asked for at once", reason="time")
        return await self._store.active(tenant, range(first, last + 1))

    async def hour(self, tenant: Tenant, hour: int) -> AsyncIterator[Portion]:
        """Every message of an hour, of both lanes and every kind, as an administrator sees them, that is, without the
        deleted ones. Portions of a conversation follow each other in order of time, at most 200 messages each; there is no
        order among conversations. What is sent meanwhile may be missing. Raises *store unavailable* in the midst of it."""
        for partition in range(PARTITIONS):
            active = await self._store.active_in(tenant, partition, hour)
            for start in range(0, len(active), _CONVERSATIONS_AT_ONCE):
                async for portion in self._portions(tenant, hour, active[start : start + _CONVERSATIONS_AT_ONCE]):
                    yield portion

    async def _portions(self, tenant: Tenant, hour: int, active: list[Active]) -> AsyncIterator[Portion]:
        cursors = dict.fromkeys(active, 0)
        while cursors:
            pages = await asyncio.gather(
                *(
                    self._log.page(tenant, identity_of(each.parties), None, _query(hour, cursor), bulk=True)
                    for each, cursor in cursors.items()
                )
            )
            for each, page in zip(list(cursors), pages, strict=True):
                if page.messages:
                    yield Portion(each.conversation, each.parties, page.messages)
                if page.cursor:
                    cursors[each] = page.cursor
                else:
                    del cursors[each]


def _query(hour: int, cursor: int) -> Query:
    since = hour * HOUR_MS
    return Query(
        _MESSAGES_AT_ONCE, newest_first=False, cursor=cursor, since=since, until=since + HOUR_MS, kinds=EVERY_KIND
    )
