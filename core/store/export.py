"""What a backup reads of a tenant's generation beside its conversations, piece by piece."""

from core.ids import NUMBER_BITS
from core.names import fold
from core.store import scripts
from core.store.backup_file import Part, parts
from core.store.connection import Argument
from core.store.conversation_reader import ConversationReader
from core.store.files import decode_file
from core.store.generation_reader import GenerationReader, flat
from core.store.keys import system_key

_DAY_MS = 24 * 3_600_000
_USERS_AT_ONCE = 50


class Export:
    """Reads one generation of a tenant."""

    def __init__(self, source: GenerationReader, now: int) -> None:
        self._source = source
        self._now = now

    async def conversations(self, partition: int) -> list[int]:
        """The numbers of all conversations of a partition."""
        found: list[int] = []
        async for rows in self._source.slices(partition, "k", "h"):
            # Written before them too: they lead to what is to be reclaimed if the generation ends before all is read.
            self._source.put(partition, "k", "h", flat(rows))
            for bucket, last in rows:
                base = int(bucket) << NUMBER_BITS
                found += range(base + 1, base + int(last) + 1)
        return found

    async def hash(self, partition: int, name: str, life_ms: int = 0) -> None:
        """A hash of a partition, whatever is in it while it is read."""
        async for rows in self._source.slices(partition, name, "h"):
            self._source.put(partition, name, "h", flat(rows), life_ms)

    async def names_of_topics(self, partition: int) -> None:
        """What topics of a partition's aliases are called, whatever is noted while it is read."""
        async for rows in self._source.slices(partition, "tn", "z"):
            self._source.put(partition, "tn", "z", flat(rows))

    async def references(self, partition: int) -> None:
        """What clients chose as references lately."""
        today = self._now // _DAY_MS
        for turn in (today - 1, today, today + 1):
            await self.hash(partition, f"rc{turn}", 2 * _DAY_MS)

    async def users(self, partition: int) -> None:
        """The names of a partition with their profiles, passwords and relations."""
        async for rows in self._source.slices(partition, "u", "h"):
            names = [name.decode() for name, _ in rows]
            for start in range(0, len(names), _USERS_AT_ONCE):
                words = [word for name in names[start : start + _USERS_AT_ONCE] for word in (name, fold(name))]
                for key, kind, content in await self._source.call(scripts.EXPORT_USERS, partition, *words):
                    self._source.put(partition, key, kind.decode(), content)

    async def files(self, partition: int) -> None:
        """Files of a partition, without their bytes. Whose they are and when they expire follows from them."""
        expiring = system_key("files", partition).partition("}")[2].encode()
        async for rows in self._source.slices(partition, "fi", "h"):
            files = [decode_file(packed) for _, packed in rows]
            owned = [f"{file.owner.number}:{file.id}".encode() for file in files if file.owner is not None]
            times = [
                (self._source.prefix + file.id.encode(), file.expires) for file in files if file.expires is not None
            ]
            self._source.put(partition, "fi", "h", flat(rows))
            self._source.put(partition, "fo", "z", [word for row in owned for word in (row, 0)])
            for part in parts(partition, expiring, "z", [word for row in times for word in row]):
                self._source.write(part)

    async def due(self, partition: int) -> None:
        """Due rows of a partition."""
        cursor: Argument = 0
        earliest = b""
        while True:
            cursor, first, found = await self._source.call(scripts.EXPORT_DUE, partition, cursor)
            earliest = first or earliest
            for name, kind, content in found:
                self._source.put(partition, name, kind.decode(), content)
            if cursor == b"0":
                break
        if earliest:
            index = system_key("due", partition).partition("}")[2].encode()
            member = f"{self._source.tenant.number}:{self._source.tenant.generation}".encode()
            self._source.write(Part(partition, index, "z", (member, earliest)))

    async def conversation(self, conversation: int) -> int:
        """One conversation; how many messages it has."""
        return await ConversationReader(self._source, conversation, self._now).read()
