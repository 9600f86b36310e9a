"""The outboxes, one stream a partition: what happened, by reference, for the consumers of tenants' events."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

import msgspec

from core.errors import is_away
from core.ids import BACKFILL, LIVE, conversation_bucket
from core.model import Stored, Tenant
from core.store import scripts
from core.store.connection import Argument, Reply
from core.store.keys import PARTITIONS, partition_of, system_key
from core.store.log import OUTBOX_BOUND
from core.store.scripts import Script
from core.store.store import Store

TAKE_OVER_MS = 15_000
"""How long a consumer may be silent before others take what it had in hand."""
TRIES = 8
"""After so many an entry is given up, about one and a half hours after the first."""
FIRST_DELAY_MS = 1_000
LONGEST_DELAY_MS = 3_600_000
DEAD_BOUND = 10_000
"""Given-up entries that a partition keeps."""
MAXIMUM_IN_HAND = 10_000
"""More than a consumer ever has in hand of one partition."""


class Entry(msgspec.Struct, frozen=True):
    """An entry of an outbox, and how often it was tried with this time."""

    partition: int
    id: str
    tenant: int
    generation: int
    conversation: int
    sequence: int
    what: str
    tries: int


class Dead(msgspec.Struct, frozen=True):
    """An entry that was given up, after how many tries and why."""

    entry: Entry
    place: str
    """Its id among the dead, which begins with the ms since the epoch at which it was given up."""
    reason: str


class Counts(msgspec.Struct, frozen=True):
    """How full the outboxes are, all together. `oldest_ms` is the age of the oldest entry."""

    entries: int
    oldest_ms: int
    in_hand: int
    waiting: int
    """Failed, and tried again later."""
    dead: int


class OutboxStore:
    """The outboxes of all partitions."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def take(self, consumer: str, limit: int, in_hand: Mapping[int, Collection[str]]) -> list[Entry]:
        """Up to `limit` entries (or some more that failed before) of each partition, asked in one turn; those in hand are held
        on to. A consumer must say of every entry that it was given whether it was done, and must not take twice at a time.
        Partitions that don't answer are left out; raises *store unavailable* when none does."""
        replies = await self._everywhere(
            lambda partition: self._run(
                scripts.TAKE_EVENTS,
                partition,
                consumer,
                limit,
                TAKE_OVER_MS,
                TRIES,
                FIRST_DELAY_MS,
                LONGEST_DELAY_MS,
                DEAD_BOUND,
                *in_hand.get(partition, ()),
            )
        )
        return [
            _entry(partition, name.decode(), _fields(fields), tries)
            for partition, reply in replies
            for name, tries, fields in reply
        ]

    async def finish(self, entry: Entry) -> None:
        """Remove an entry, after its effect."""
        await self._run(scripts.FINISH_EVENTS, entry.partition, entry.id)

    async def fail(self, consumer: str, entry: Entry, reason: str, *, for_good: bool) -> bool:
        """Let an entry wait for another try, or give it up; whether it was given up."""
        arguments = (consumer, entry.id, reason, 1 if for_good else 0, TRIES, DEAD_BOUND)
        return bool(await self._run(scripts.FAIL_EVENT, entry.partition, *arguments))

    async def leave(self, consumer: str) -> None:
        """Let others take at once what a consumer has in hand."""
        await self._everywhere(
            lambda partition: self._run(scripts.LEAVE_EVENTS, partition, consumer, TAKE_OVER_MS, MAXIMUM_IN_HAND)
        )

    async def counts(self) -> Counts:
        """How full the outboxes are."""
        rows = [row for _, row in await self._everywhere(lambda partition: self._run(scripts.COUNT_EVENTS, partition))]
        return Counts(
            entries=sum(row[0] for row in rows),
            oldest_ms=max(row[1] for row in rows),
            in_hand=sum(row[2] for row in rows),
            waiting=sum(row[3] for row in rows),
            dead=sum(row[4] for row in rows),
        )

    async def dead(self, partition: int, after: str, limit: int) -> list[Dead]:
        """Given-up entries of a partition, those that were given up first first."""
        rows = await self._store.command(
            partition,
            "XRANGE",
            system_key("outbox:dead", partition),
            f"({after}" if after else "-",
            "+",
            "COUNT",
            limit,
        )
        found = []
        for place, flat in rows:
            fields = _fields(flat)
            entry = _entry(partition, fields["e"], fields, int(fields["n"]))
            found.append(Dead(entry, place.decode(), fields["r"]))
        return found

    async def redrive(self, partition: int, places: Sequence[str]) -> int:
        """Queue given-up entries anew, as far as there is room; how many."""
        count: int = await self._run(scripts.REDRIVE_EVENTS, partition, OUTBOX_BOUND, *places)
        return count

    async def discard(self, partition: int, places: Sequence[str]) -> int:
        """Forget given-up entries; how many there were."""
        key = system_key("outbox:dead", partition)
        count: int = await self._store.command(partition, "XDEL", key, *places)
        return count

    async def resolve(self, tenant: Tenant, entry: Entry) -> tuple[str, int, Stored | None] | None:
        """The conversation's identity, the message's id, and the message unless it is gone; none when there is no such
        conversation."""
        partition = partition_of(conversation_bucket(entry.conversation))
        fields, record = await self._store.calls(
            tenant,
            [
                (scripts.FIELDS, partition, (f"c:{entry.conversation}", "i")),
                (scripts.GET, partition, (entry.conversation, entry.sequence, "", "")),
            ],
        )
        if fields[0] is None:
            return None
        rows = [] if record is None else [entry.sequence, record]
        found = self._store.messages(tenant, entry.conversation, rows)
        lane = LIVE if entry.sequence > 0 else BACKFILL
        message = self._store.ids(tenant).message(entry.conversation, lane, abs(entry.sequence))
        return fields[0].decode(), message, found[0] if found else None

    async def _run(self, script: Script, partition: int, *arguments: Argument) -> Reply:
        return await self._store.run_system(script, system_key("outbox", partition), *arguments, partition=partition)

    async def _everywhere(self, ask: Callable[[int], Awaitable[Reply]]) -> list[tuple[int, Reply]]:
        """Ask all partitions in one turn; the answers of those that answer."""
        replies = await asyncio.gather(*map(ask, range(PARTITIONS)), return_exceptions=True)
        problems = [reply for reply in replies if isinstance(reply, BaseException)]
        for problem in problems:
            if len(problems) == PARTITIONS or not is_away(problem):
                raise problem
        return [(number, reply) for number, reply in enumerate(replies) if not isinstance(reply, BaseException)]


def _fields(flat: Sequence[bytes]) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in zip(flat[0::2], flat[1::2], strict=True)}


def _entry(partition: int, name: str, fields: Mapping[str, str], tries: int) -> Entry:
    return Entry(
        partition=partition,
        id=name,
        tenant=int(fields["t"]),
        generation=int(fields["g"]),
        conversation=int(fields["c"]),
        sequence=int(fields["s"]),
        what=fields["k"],
        tries=tries,
    )
