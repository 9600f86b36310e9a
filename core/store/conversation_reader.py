"""How a backup reads a conversation: its log, what users have of it, and then, at one moment, all else and what has changed since.

A conversation of few is taken whole at that moment. What users have of a larger one is read before, some of them at a time: each has
what he had at some time of the reading. What must go together is made to: whom a later message concerns is read again, all are
when the conversation itself has changed, and what was recalled is told by the log alone.
"""

import struct
from collections.abc import Iterable, Sequence
from typing import Any

from core.ids import conversation_bucket
from core.model import Flag
from core.store import scripts
from core.store.connection import Argument
from core.store.generation_reader import GenerationReader, flat
from core.store.keys import partition_of

_CHUNK = 4096
_HOUR_MS = 3_600_000
_FEED_LIFE_MS = 31 * 24 * _HOUR_MS
PEOPLE_AT_ONCE = 1_000
"""Fields of hashes that tell who has anything of a conversation, up to which all of it is taken at one moment."""
_USERS_AT_ONCE = 50
_AGAIN_AT_ONCE = 100
_TRIES = 1_000
_HEADER = struct.Struct(">6xIBHHI")
_COUNTED_AND_DELETED = int(Flag.COUNTED | Flag.DELETED)

_Part = tuple[bytes, bytes, list[Any]]
"""Name behind the tenant's prefix, type, content."""


class ConversationReader:
    """Reads one conversation, once."""

    def __init__(self, source: GenerationReader, conversation: int, now: int) -> None:
        self._source = source
        self._conversation = conversation
        self._partition = partition_of(conversation_bucket(conversation))
        self._now = now
        self._hours: set[int] = set()
        self._first = self._taken = -1
        self._deleted: set[int] = set()
        self._recalled: dict[int, int] = {}
        """Counted messages that were recalled, and who sent them."""
        self._people: dict[bytes, list[_Part]] = {}
        self._again: set[bytes] = set()
        """Users to be read again."""

    async def read(self) -> int:
        """Write it; how many messages it has."""
        stamp, recalls = b"", 0
        for _ in range(_TRIES):
            if not stamp:
                self._again.clear()
            elif len(self._again) > _AGAIN_AT_ONCE:
                await self._read_people(self._again)
            arguments: list[Argument] = [self._conversation, self._taken, recalls, stamp, PEOPLE_AT_ONCE, *self._again]
            state, *reply = await self._source.call(scripts.EXPORT_CONVERSATION, self._partition, *arguments)
            if state < 0:
                return 0
            if state:
                return await self._write(*reply)
            why, head, dropped, now_recalled, now_stamp = reply
            if why == b"all":
                self._taken = -1
            if self._taken < 0:
                recalls = now_recalled
            await self._read_log(head, dropped)
            if why == b"people":
                stamp = now_stamp
                self._people.clear()
                await self._read_people(await self._everybody())
            elif why == b"again":
                await self._read_people(self._again)
        raise RuntimeError("a conversation changes faster than it can be read")

    async def _read_log(self, head: int, dropped: int) -> None:
        self._taken = max(self._taken, dropped)
        if self._first < 0:
            self._first = self._taken
        while self._taken < head:
            self._taken, _, _, audiences, rows, users = await self._source.call(
                scripts.EXPORT_LOG, self._partition, self._conversation, 1, self._taken
            )
            self._put(f"j:{self._conversation}", "h", audiences)
            self._records(1, rows)
            self._again.update(users)

    async def _everybody(self) -> set[bytes]:
        users: set[bytes] = set()
        async for rows in self._source.slices(self._partition, f"m:{self._conversation}", "h"):
            users.update(user for user, _ in rows)
        async for rows in self._source.slices(self._partition, f"v:{self._conversation}", "h"):
            users.update(field[1:] for field, _ in rows)
        return users

    async def _read_people(self, users: Iterable[bytes]) -> None:
        waiting = list(users)
        self._again.clear()
        while waiting:
            some = waiting[:_USERS_AT_ONCE]
            count, found = await self._source.call(scripts.EXPORT_PEOPLE, self._partition, self._conversation, *some)
            for user in some[:count]:
                self._people.pop(user, None)
            self._keep(found)
            del waiting[:count]

    def _keep(self, found: Iterable[Any]) -> None:
        for user, name, kind, content in found:
            self._people.setdefault(user, []).append((name, kind, content))

    async def _write(
        self, head: int, dropped: int, backfill: int, topic: int, tombstones: Sequence[Any], audiences: Sequence[Any],
        rows: Sequence[Any], people: Sequence[Any], keys: Sequence[Any],
    ) -> int:  # fmt: skip
        self._put(f"j:{self._conversation}", "h", audiences)
        self._records(1, rows)
        self._records(1, tombstones)
        if 0 <= self._first < dropped:
            self._drop(self._first + 1, min(self._taken, dropped))
        for name, kind, content in keys:
            self._put(name, kind.decode(), content)
        for user in {user for user, *_ in people}:
            self._people.pop(user, None)
        self._keep(people)
        self._write_people()
        self._write_recalled(dropped)
        imported = await self._backfill(backfill) if backfill else 0
        await self._others(head, backfill, topic)
        for hour in self._hours:
            if hour > self._now // _HOUR_MS - _FEED_LIFE_MS // _HOUR_MS:
                self._put(f"H:{hour}", "s", [self._conversation], _FEED_LIFE_MS)
        return head - dropped + imported

    def _write_people(self) -> None:
        together: dict[tuple[bytes, bytes], list[Any]] = {}
        for parts in self._people.values():
            for name, kind, content in parts:
                if name.startswith(b"w:"):
                    kept = [row for row in _pairs(content) if int(row[0]) not in self._deleted]
                    content = [word for row in kept for word in row]
                together.setdefault((name, kind), []).extend(content)
        for (name, kind), content in together.items():
            self._put(name, kind.decode(), content)

    def _write_recalled(self, dropped: int) -> None:
        """Of those who have nothing of it any more, as erased users, nothing is kept."""
        recalled: dict[str, list[int]] = {}
        for sequence, sender in sorted(self._recalled.items()):
            if sequence > dropped:
                recalled.setdefault(f"t:{self._conversation}", []).extend((sequence, sequence))
                if b"%d" % sender in self._people:
                    recalled.setdefault(f"t:{self._conversation}:{sender}", []).extend((sequence, sequence))
        for name, content in recalled.items():
            self._put(name, "z", content)

    async def _backfill(self, last: int) -> int:
        """The backfill lane as far as it was then. What came later is left out; what went, too."""
        after = count = 0
        while after < last:
            after, end, _, audiences, rows, _ = await self._source.call(
                scripts.EXPORT_LOG, self._partition, self._conversation, -1, after
            )
            rows = [each for sequence, record in _pairs(rows) if sequence <= last for each in (sequence, record)]
            self._put(f"j:{self._conversation}", "h", audiences)
            self._records(-1, rows)
            times = [each for sequence, record in _pairs(rows) for each in (sequence, _time(record))]
            self._put(f"bt:{self._conversation}", "z", times)
            count += len(rows) // 2
            if after >= end:
                break
        return count

    async def _others(self, head: int, backfill: int, topic: int) -> None:
        """What only names messages: taken later, and without those that came later."""
        users = list(self._people)
        while users:
            count, found = await self._source.call(
                scripts.EXPORT_STEPS, self._partition, self._conversation, head, *users[:_USERS_AT_ONCE]
            )
            for name, kind, content in found:
                self._put(name, kind.decode(), content)
            del users[:count]
        topics: list[int] = []
        async for rows in self._source.slices(self._partition, f"o:{self._conversation}", "h"):
            kept = [row for row in rows if not _number(row) or _number(row) <= topic]
            self._put(f"o:{self._conversation}", "h", flat(kept))
            topics += filter(None, map(_number, kept))
        self._put(f"oz:{self._conversation}", "z", [number for each in topics for number in (each, each)])
        for name in [f"ot:{self._conversation}:{number}" for number in topics]:
            async for rows in self._source.slices(self._partition, name, "z"):
                self._put(name, "z", flat(row for row in rows if -backfill <= int(row[0]) <= head))
        async for rows in self._source.slices(self._partition, f"be:{self._conversation}", "h"):
            self._put(f"be:{self._conversation}", "h", flat(row for row in rows if -head <= int(row[1]) <= backfill))
        async for rows in self._source.slices(self._partition, f"ic:{self._conversation}", "h"):
            kept = [row for row in rows if -backfill <= int(row[0].rpartition(b"\0")[2]) <= head]
            self._put(f"ic:{self._conversation}", "h", flat(kept))

    def _records(self, lane: int, rows: Sequence[Any]) -> None:
        chunks: dict[int, list[Any]] = {}
        for sequence, record in _pairs(rows):
            chunks.setdefault(sequence // _CHUNK, []).extend((sequence, record))
            self._hours.add(_time(record) // _HOUR_MS)
            _, _, flags, high, low = _HEADER.unpack_from(record)
            if lane > 0 and flags & Flag.DELETED:
                self._deleted.add(sequence)
                if flags & _COUNTED_AND_DELETED == _COUNTED_AND_DELETED:
                    self._recalled[sequence] = high << 32 | low
        for chunk, content in chunks.items():
            self._put(f"{'l' if lane > 0 else 'b'}:{self._conversation}:{chunk}", "h", content)

    def _drop(self, first: int, last: int) -> None:
        """Take back what was dropped after it was written."""
        for chunk in range(first // _CHUNK, last // _CHUNK + 1):
            some = range(max(first, chunk * _CHUNK), min(last, chunk * _CHUNK + _CHUNK - 1) + 1)
            self._put(f"l:{self._conversation}:{chunk}", "d", some)
            self._put(f"j:{self._conversation}", "d", some)

    def _put(self, name: str | bytes, kind: str, content: Sequence[Any], life_ms: int = 0) -> None:
        self._source.put(self._partition, name, kind, content, life_ms)


def _number(row: tuple[bytes, bytes]) -> int:
    """A topic's number; 0 for what leads to one by its alias."""
    return int(row[0]) if row[0].isdigit() else 0


def _pairs(rows: Sequence[Any]) -> list[tuple[Any, Any]]:
    return list(zip(rows[0::2], rows[1::2], strict=True))


def _time(record: bytes) -> int:
    return int.from_bytes(record[:6], "big")
