"""What tests of live events share: waiting for the next event, and a listener that reads behind every gap."""

import asyncio

from core.core import Core
from core.live import Announced, Ended, Gap, Listener
from core.messages import Query
from core.model import EVERY_KIND, Stored, Tenant

BOUNDED = 20


async def next_event(listener: Listener) -> Announced | Gap | Ended:
    async with asyncio.timeout(BOUNDED):
        return await listener.get()


async def next_message(listener: Listener) -> Announced:
    """The next event, which has to be an announcement."""
    event = await next_event(listener)
    assert isinstance(event, Announced)
    return event


async def next_gap(listener: Listener) -> Gap:
    """The next gap; announcements before it are left out."""
    async with asyncio.timeout(BOUNDED):
        while not isinstance(event := await listener.get(), Gap):
            assert isinstance(event, Announced)
        return event


class Follower:
    """Keeps up with conversations as an app would: takes what is announced, and at every gap reads what it has not seen.

    `unsaid` are messages that were missed although they are older than what the gap said.
    """

    def __init__(self, core: Core, tenant: Tenant, identities: list[str]) -> None:
        self.announced = 0
        self.gaps = 0
        self.unsaid: list[tuple[str, int]] = []
        self.moved = asyncio.Event()
        """Set for a moment with every event."""
        # By sequence the time of each message, and up to which one all were seen.
        self._seen: dict[str, dict[int, int]] = {identity: {0: 0} for identity in identities}
        self._whole = dict.fromkeys(identities, 0)
        self._core = core
        self._tenant = tenant

    async def take(self, event: Announced | Gap | Ended) -> None:
        if isinstance(event, Announced):
            self.announced += 1
            self._seen[event.identity][event.sequence] = event.time
        elif isinstance(event, Gap):
            self.gaps += 1
            for identity in self._seen if event.identity is None else [event.identity]:
                await self._read(identity, event.since)
        self.moved.set()
        self.moved.clear()

    def has_seen(self, heads: dict[str, int]) -> bool:
        """Whether everything up to these sequences was seen."""
        return all(self._all_before(identity) >= head for identity, head in heads.items())

    def _all_before(self, identity: str) -> int:
        while self._whole[identity] + 1 in self._seen[identity]:
            self._whole[identity] += 1
        return self._whole[identity]

    async def _read(self, identity: str, since: int) -> None:
        seen = self._seen[identity]
        begin = seen[self._all_before(identity)] + 1
        cursor = 0
        while True:
            query = Query(200, newest_first=False, cursor=cursor, since=begin, kinds=EVERY_KIND)
            messages, cursor = await self._page(identity, query)
            for one in messages:
                if one.sequence not in seen:
                    seen[one.sequence] = one.time
                    if one.time < since:
                        self.unsaid.append((identity, one.sequence))
            if not cursor:
                return

    async def _page(self, identity: str, query: Query) -> tuple[list[Stored], int]:
        messages = self._core.messages
        if identity.startswith("d"):
            first, second = identity[1:].split("\0")
            page = await messages.direct_page(self._tenant, first, second, query)
        else:
            page = await messages.group_page(self._tenant, None, int(identity[1:]), query)
        return page.messages, page.cursor
