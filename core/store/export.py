"""What a backup reads: the keys of a tenant's generation, piece by piece."""

import struct
from array import array
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any

import msgspec

from core.errors import StaleTenant
from core.ids import NUMBER_BITS, conversation_bucket
from core.model import Flag, Tenant
from core.names import fold
from core.store import scripts
from core.store.backup_file import Part, parts
from core.store.connection import Argument, Reply
from core.store.files import decode_file
from core.store.keys import partition_of, system_key
from core.store.scripts import Script
from core.store.store import Store
from core.store.tenants import TenantStore

_CHUNK = 4096
_HOUR_MS = 3_600_000
_FEED_LIFE_MS = 31 * 24 * _HOUR_MS
_DAY_MS = 24 * _HOUR_MS
_USERS_AT_ONCE = 50
_TRIES = 1_000
_FLAGS = struct.Struct(">H")
_FLAGS_AT = 11

Write = Callable[[Part], None]


class GenerationEnded(Exception):
    """The tenant was reset or removed while it was read."""


class Export:
    """Reads one generation of a tenant. Changes of the tenant that leave the generation as it is go unnoticed."""

    def __init__(self, store: Store, tenants: TenantStore, tenant: Tenant, write: Write, now: int) -> None:
        self._store = store
        self._tenants = tenants
        self.tenant = tenant
        self._write = write
        self._now = now
        self._prefix = f"{tenant.number}:{tenant.generation}:".encode()

    async def reload(self) -> None:
        """Take the tenant as it is now. Raises `GenerationEnded`."""
        found = (await self._tenants.numbered({self.tenant.number})).get(self.tenant.number)
        if found is None or found.generation != self.tenant.generation:
            raise GenerationEnded
        self.tenant = found

    async def _call(self, script: Script, partition: int, *arguments: Argument) -> Reply:
        for _ in range(_TRIES):
            try:
                return await self._store.call(self.tenant, script, partition, *arguments)
            except StaleTenant:
                await self.reload()
        raise GenerationEnded

    def _put(self, partition: int, name: str | bytes, kind: str, content: Sequence[Any], life_ms: int = 0) -> None:
        key = self._prefix + (name.encode() if isinstance(name, str) else name)
        for part in parts(partition, key, kind, content, life_ms):
            self._write(part)

    async def conversations(self, partition: int) -> list[int]:
        """The numbers of all conversations of a partition."""
        found: list[int] = []
        async for rows in self._slices(partition, "k", "h"):
            # Written before them too: they lead to what is to be reclaimed if the generation ends before all is read.
            self._put(partition, "k", "h", _flat(rows))
            for bucket, last in rows:
                base = int(bucket) << NUMBER_BITS
                found += range(base + 1, base + int(last) + 1)
        return found

    async def hash(self, partition: int, name: str, life_ms: int = 0) -> None:
        """A hash of a partition, whatever is in it while it is read."""
        async for rows in self._slices(partition, name, "h"):
            self._put(partition, name, "h", _flat(rows), life_ms)

    async def references(self, partition: int) -> None:
        """What clients chose as references lately."""
        today = self._now // _DAY_MS
        for turn in (today - 1, today, today + 1):
            await self.hash(partition, f"rc{turn}", 2 * _DAY_MS)

    async def users(self, partition: int) -> None:
        """The names of a partition with their profiles, passwords and relations."""
        async for rows in self._slices(partition, "u", "h"):
            names = [name.decode() for name, _ in rows]
            for start in range(0, len(names), _USERS_AT_ONCE):
                words = [word for name in names[start : start + _USERS_AT_ONCE] for word in (name, fold(name))]
                for key, kind, content in await self._call(scripts.EXPORT_USERS, partition, *words):
                    self._put(partition, key, kind.decode(), content)

    async def files(self, partition: int) -> None:
        """Files of a partition, without their bytes. Whose they are and when they expire follows from them."""
        expiring = system_key("files", partition).partition("}")[2].encode()
        async for rows in self._slices(partition, "fi", "h"):
            files = [decode_file(packed) for _, packed in rows]
            owned = [f"{file.owner.number}:{file.id}".encode() for file in files if file.owner is not None]
            times = [(self._prefix + file.id.encode(), file.expires) for file in files if file.expires is not None]
            self._put(partition, "fi", "h", _flat(rows))
            self._put(partition, "fo", "z", [word for row in owned for word in (row, 0)])
            for part in parts(partition, expiring, "z", [word for row in times for word in row]):
                self._write(part)

    async def due(self, partition: int) -> None:
        """Due rows of a partition."""
        cursor: Argument = 0
        earliest = b""
        while True:
            cursor, first, found = await self._call(scripts.EXPORT_DUE, partition, cursor)
            earliest = first or earliest
            for name, kind, content in found:
                self._put(partition, name, kind.decode(), content)
            if cursor == b"0":
                break
        if earliest:
            index = system_key("due", partition).partition("}")[2].encode()
            member = f"{self.tenant.number}:{self.tenant.generation}".encode()
            self._write(Part(partition, index, "z", (member, earliest)))

    async def conversation(self, conversation: int) -> int:
        """One conversation as it is at one moment; how many messages it has."""
        partition = partition_of(conversation_bucket(conversation))
        hours: set[int] = set()
        first = taken = -1
        # What may be recalled without being counted as such; the script looks at it again.
        uncounted = array("I")
        for _ in range(_TRIES):
            arguments = (conversation, taken, msgspec.msgpack.encode(uncounted.tolist()))
            state, *reply = await self._call(scripts.EXPORT_CONVERSATION, partition, *arguments)
            if state:
                break
            head, dropped = reply
            taken = max(taken, dropped)
            first = taken if first < 0 else first
            while taken < head:
                taken, _, _, audiences, rows = await self._call(scripts.EXPORT_LOG, partition, conversation, 1, taken)
                self._put(partition, f"j:{conversation}", "h", audiences)
                self._records(partition, conversation, 1, rows, hours)
                uncounted.extend(
                    sequence for sequence, record in _pairs(rows) if not _flags(record) & (Flag.COUNTED | Flag.DELETED)
                )
        else:
            raise RuntimeError("a conversation grows faster than it can be read")
        if state < 0:
            return 0
        head, dropped, backfill, tombstones, audiences, rows, users, keys = reply
        self._put(partition, f"j:{conversation}", "h", audiences)
        self._records(partition, conversation, 1, rows, hours)
        self._records(partition, conversation, 1, tombstones, set())
        if 0 <= first < dropped:
            self._drop(partition, conversation, first + 1, min(taken, dropped))
        for name, kind, content in keys:
            self._put(partition, name, kind.decode(), content)
        imported = await self._backfill(partition, conversation, backfill, hours) if backfill else 0
        await self._others(partition, conversation, head, backfill, users, keys)
        for hour in hours:
            if hour > self._now // _HOUR_MS - _FEED_LIFE_MS // _HOUR_MS:
                self._put(partition, f"H:{hour}", "s", [conversation], _FEED_LIFE_MS)
        return int(head - dropped) + imported

    async def _backfill(self, partition: int, conversation: int, last: int, hours: set[int]) -> int:
        """The backfill lane as far as it was then. What came later is left out; what went, too."""
        after = count = 0
        while after < last:
            after, end, _, audiences, rows = await self._call(scripts.EXPORT_LOG, partition, conversation, -1, after)
            rows = [each for sequence, record in _pairs(rows) if sequence <= last for each in (sequence, record)]
            self._put(partition, f"j:{conversation}", "h", audiences)
            self._records(partition, conversation, -1, rows, hours)
            times = [each for sequence, record in _pairs(rows) for each in (sequence, _time(record))]
            self._put(partition, f"bt:{conversation}", "z", times)
            count += len(rows) // 2
            if after >= end:
                break
        async for found in self._slices(partition, f"be:{conversation}", "h"):
            kept = [row for row in found if int(row[1]) <= last]
            self._put(partition, f"be:{conversation}", "h", _flat(kept))
        return count

    async def _others(
        self, partition: int, conversation: int, head: int, backfill: int, users: Sequence[bytes], keys: Sequence[Any]
    ) -> None:
        """What only names messages: taken later, and without those that came later."""
        for start in range(0, len(users), _USERS_AT_ONCE):
            some = users[start : start + _USERS_AT_ONCE]
            for name, kind, content in await self._call(scripts.EXPORT_STEPS, partition, conversation, *some):
                self._put(partition, name, kind.decode(), content)
        topics = next((content[0::2] for name, _, content in keys if name == b"o:%d" % conversation), ())
        names = [f"ot:{conversation}:{topic.decode()}" for topic in topics if topic.isdigit()]
        for name in names:
            async for rows in self._slices(partition, name, "z"):
                kept = [row for row in rows if -backfill <= int(row[0]) <= head]
                self._put(partition, name, "z", _flat(kept))
        async for rows in self._slices(partition, f"ic:{conversation}", "h"):
            kept = [row for row in rows if -backfill <= int(row[0].rpartition(b"\0")[2]) <= head]
            self._put(partition, f"ic:{conversation}", "h", _flat(kept))

    def _records(self, partition: int, conversation: int, lane: int, rows: Sequence[Any], hours: set[int]) -> None:
        chunks: dict[int, list[Any]] = {}
        for sequence, record in _pairs(rows):
            chunks.setdefault(sequence // _CHUNK, []).extend((sequence, record))
            hours.add(_time(record) // _HOUR_MS)
        for chunk, content in chunks.items():
            self._put(partition, f"{'l' if lane > 0 else 'b'}:{conversation}:{chunk}", "h", content)

    def _drop(self, partition: int, conversation: int, first: int, last: int) -> None:
        """Take back what was dropped after it was written."""
        for chunk in range(first // _CHUNK, last // _CHUNK + 1):
            some = range(max(first, chunk * _CHUNK), min(last, chunk * _CHUNK + _CHUNK - 1) + 1)
            self._put(partition, f"l:{conversation}:{chunk}", "d", some)
            self._put(partition, f"j:{conversation}", "d", some)

    async def _slices(self, partition: int, name: str, kind: str) -> AsyncIterator[list[tuple[bytes, bytes]]]:
        cursor: Argument = 0
        while True:
            cursor, found = await self._call(scripts.EXPORT_SLICE, partition, name, kind, cursor)
            yield list(zip(found[0::2], found[1::2], strict=True))
            if cursor == b"0":
                return


def _flat(rows: Iterable[tuple[bytes, bytes]]) -> list[bytes]:
    return [word for row in rows for word in row]


def _pairs(rows: Sequence[Any]) -> list[tuple[int, bytes]]:
    return list(zip(rows[0::2], rows[1::2], strict=True))


def _time(record: bytes) -> int:
    return int.from_bytes(record[:6], "big")


def _flags(record: bytes) -> int:
    flags: int = _FLAGS.unpack_from(record, _FLAGS_AT)[0]
    return flags
