"""Use cases of events: what happens in tenants that have a consumer, delivered to it at least once."""

import asyncio
import contextlib
import logging
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from core.errors import Failure, Kind, StaleTenant, is_away
from core.ids import parties_of
from core.model import Stored, Tenant
from core.store.keys import PARTITIONS
from core.store.outbox import Counts, Dead, Entry, OutboxStore
from core.tenants import Tenants

__all__ = ["Consumer", "Counts", "Dead", "Entry", "Event", "Outbox"]

HANDLER_SECONDS = 30.0
"""After which a handler that does not return has failed."""
HANDLERS_AT_ONCE = 32
INTERVAL_SECONDS = 0.5
"""Between two looks while there is nothing new."""
_PAUSE_SECONDS = 0.02
_ENTRIES_AT_ONCE = 16
_ENOUGH_IN_HAND = 256
_MAXIMUM_VIEWS = 10_000

_log = logging.getLogger(__name__)


class Event(msgspec.Struct, frozen=True):
    """Something that happened in a conversation: `what` is a word of the store (`message`, `edited`, `recalled`, …), of the
    message `id` at `sequence` (negative in the backfill lane). `message` is as it is now, absent when it is gone. `group` is the
    number of the group, none in a direct conversation of the two `users`."""

    tenant: Tenant
    conversation: int
    group: int | None
    users: tuple[str, ...]
    what: str
    id: int
    sequence: int
    message: Stored | None
    tries: int


Handler = Callable[[Event], Awaitable[None]]


class Consumer:
    """Delivers events to a handler: one at a time of each conversation, in their order except for those that failed.

    When the handler returns, the event is done. When it raises, or takes longer than 30 s, the event is tried again after
    growing delays, 8 times in all, and is then given up; at once after a `Failure` that is not retryable. An event may come
    again when a process or the store ended before it was known to be done. Events of a tenant that was reset or removed since
    are dropped.
    """

    def __init__(self, store: OutboxStore, tenants: Tenants, handler: Handler) -> None:
        self.name = secrets.token_hex(8)
        self._store = store
        self._tenants = tenants
        self._handler = handler
        self._views: dict[int, Tenant] = {}
        self._chains: dict[tuple[int, int, int], deque[Entry]] = {}
        self._in_hand: dict[int, set[str]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(HANDLERS_AT_ONCE)

    async def run(self) -> None:
        """Deliver until cancelled; others then take at once what was not done. While the store is away it waits."""
        try:
            while True:
                more = False
                try:
                    more = await self.round()
                except Exception as problem:  # noqa: BLE001  # whatever it was, events go on
                    if not is_away(problem):
                        _log.exception("the outbox could not be read")
                await asyncio.sleep(_PAUSE_SECONDS if more else INTERVAL_SECONDS)
        finally:
            await self.stop()

    async def round(self) -> bool:
        """Take what there is and begin to deliver it; whether there was something. Not to be called twice at a time."""
        enough = sum(map(len, self._in_hand.values())) >= _ENOUGH_IN_HAND
        entries = await self._store.take(self.name, 0 if enough else _ENTRIES_AT_ONCE, self._in_hand)
        for entry in entries:
            self._in_hand.setdefault(entry.partition, set()).add(entry.id)
            key = (entry.tenant, entry.generation, entry.conversation)
            chain = self._chains.get(key)
            if chain is not None:
                chain.append(entry)
                continue
            self._chains[key] = deque([entry])
            task = asyncio.get_running_loop().create_task(self._deliver(key), name=f"events of {key}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return bool(entries)

    async def settled(self) -> None:
        """Wait until everything that was taken is done, or has failed."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def stop(self) -> None:
        """Cut the handlers off, and leave to others what they did not do."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._chains.clear()
        self._in_hand.clear()
        with contextlib.suppress(Failure):  # then others take it after a while
            await self._store.leave(self.name)

    async def _deliver(self, key: tuple[int, int, int]) -> None:
        """The events of one conversation, one after the other."""
        chain = self._chains[key]
        while chain:
            async with self._slots:
                await self._try(chain[0])
            entry = chain.popleft()
            self._in_hand[entry.partition].discard(entry.id)
        del self._chains[key]

    async def _try(self, entry: Entry) -> None:
        try:
            event = await self._event(entry)
            if event is not None:
                async with asyncio.timeout(HANDLER_SECONDS):
                    await self._handler(event)
        except Exception as problem:  # noqa: BLE001  # whatever became of one event, the others follow
            await self._failed(entry, problem)
            return
        # Whether it is known to be done or comes again is for the store to say.
        with contextlib.suppress(Failure):
            await self._store.finish(entry)

    async def _failed(self, entry: Entry, problem: Exception) -> None:
        reason = problem.kind.value if isinstance(problem, Failure) else type(problem).__name__
        for_good = isinstance(problem, Failure) and not problem.retryable
        with contextlib.suppress(Failure):  # then it is ours still, and comes again
            if await self._store.fail(self.name, entry, reason, for_good=for_good):
                where = f"{entry.what} {entry.conversation}/{entry.sequence} of tenant {entry.tenant}"
                _log.warning("event %s was given up (try %d): %s", where, entry.tries, reason)

    async def _event(self, entry: Entry) -> Event | None:
        """What an entry refers to; none when its tenant, in this generation, is no more."""
        for _ in range(5):
            tenant = await self._view(entry.tenant)
            if tenant is None or tenant.generation > entry.generation:
                return None
            try:
                if tenant.generation == entry.generation:
                    found = await self._store.resolve(tenant, entry)
                    return _event(tenant, entry, *found) if found else None
            except StaleTenant:
                pass
            self._views.pop(entry.tenant, None)
        raise StaleTenant(entry.tenant)

    async def _view(self, number: int) -> Tenant | None:
        """A tenant as last read; the store refuses a view that is out of date."""
        found = self._views.get(number)
        if found is None:
            found = (await self._tenants.numbered([number])).get(number)
            if found is not None:
                if len(self._views) >= _MAXIMUM_VIEWS:
                    self._views.clear()
                self._views[number] = found
        return found


class Outbox:
    """The events of all tenants that have a consumer (`Tenants.set_outbox`)."""

    def __init__(self, store: OutboxStore, tenants: Tenants) -> None:
        self._store = store
        self._tenants = tenants

    def consumer(self, handler: Handler) -> Consumer:
        """A consumer of the events of all tenants. Several, in one process or many, share them."""
        return Consumer(self._store, self._tenants, handler)

    async def counts(self) -> Counts:
        """How many events wait, how long, and how many were given up."""
        return await self._store.counts()

    async def dead(self, *, limit: int = 50, cursor: str = "") -> tuple[list[Dead], str]:
        """Events that were given up, and the cursor of the next page, empty at the end. They come partition by partition, in
        the order in which they were given up. Of more than 10,000 of a partition the oldest are forgotten."""
        partition, after = _read_cursor(cursor) if cursor else (0, "")
        found: list[Dead] = []
        while partition < PARTITIONS:
            rows = await self._store.dead(partition, after, limit - len(found))
            found += rows
            if len(found) >= limit:
                return found, f"{partition}:{rows[-1].place}"
            partition, after = partition + 1, ""
        return found, ""

    async def redrive(self, dead: Sequence[Dead]) -> int:
        """Deliver given-up events again, as if they had just happened; how many. Those for which there is no room, or which
        are no more, are left out."""
        return sum([await self._store.redrive(*piece) for piece in _pieces(dead)])

    async def discard(self, dead: Sequence[Dead]) -> int:
        """Forget given-up events; how many there were."""
        return sum([await self._store.discard(*piece) for piece in _pieces(dead)])


def _event(tenant: Tenant, entry: Entry, identity: str, message: int, stored: Stored | None) -> Event:
    parties = parties_of(identity)
    return Event(
        tenant=tenant,
        conversation=entry.conversation,
        group=parties if isinstance(parties, int) else None,
        users=() if isinstance(parties, int) else parties,
        what=entry.what,
        id=message,
        sequence=entry.sequence,
        message=stored,
        tries=entry.tries,
    )


def _read_cursor(cursor: str) -> tuple[int, str]:
    partition, _, place = cursor.partition(":")
    if partition.isdecimal() and len(partition) < 5 and place.replace("-", "", 1).isdecimal() and place.isascii():
        return int(partition), place
    raise Failure(Kind.BAD_REQUEST, "No such cursor", reason="cursor")


def _pieces(dead: Sequence[Dead]) -> list[tuple[int, list[str]]]:
    """Partition and places, a hundred at a time."""
    by_partition: dict[int, list[str]] = {}
    for one in dead:
        by_partition.setdefault(one.entry.partition, []).append(one.place)
    return [
        (partition, places[start : start + 100])
        for partition, places in by_partition.items()
        for start in range(0, len(places), 100)
    ]
