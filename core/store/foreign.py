"""The two-way map of foreign ids: forward in the partition of the id, back in the partition of the conversation."""

from collections.abc import Sequence

import msgspec

from core.ids import Place, bucket_of, conversation_bucket
from core.model import Tenant
from core.store import scripts
from core.store.keys import partition_of
from core.store.store import Store, Work

_FIELDS_AT_ONCE = 1_000

_decode = msgspec.msgpack.Decoder(list[str]).decode


class ForeignStore:
    """The foreign ids of all tenants' messages, in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def place(self, tenant: Tenant, message: int) -> Place | None:
        """Where a message of this id would lie."""
        return self._store.ids(tenant).place(message)

    async def link(self, tenant: Tenant, dialect: str, foreign: str, message: int) -> int:
        """Lead a foreign id to a message; gives the message that it leads to, which is the first one."""
        field, partition = _forward(dialect, foreign)
        return int(await self._store.call(tenant, scripts.LINK, partition, field, message))

    async def unlink(self, tenant: Tenant, dialect: str, foreign: str, message: int) -> None:
        """Take that back."""
        field, partition = _forward(dialect, foreign)
        await self._store.call(tenant, scripts.UNLINK, partition, field, message)

    async def link_back(self, tenant: Tenant, dialect: str, foreign: str, place: Place, bound: int) -> bool | None:
        """Note a foreign id at its message; false when it has too many, none when there is no such message."""
        partition = partition_of(conversation_bucket(place.conversation))
        done = await self._store.call(
            tenant, scripts.LINK_BACK, partition, place.conversation, place.signed, dialect, foreign, bound
        )
        return None if done < 0 else bool(done)

    async def find(self, tenant: Tenant, dialect: str, foreign: str) -> int | None:
        """The message that a foreign id leads to."""
        field, partition = _forward(dialect, foreign)
        found = (await self._store.call(tenant, scripts.FIELDS, partition, "i", field))[0]
        return int(found) if found is not None else None

    async def of(self, tenant: Tenant, dialect: str, messages: Sequence[int]) -> list[list[str]]:
        """The foreign ids of messages, in the order of linking."""
        found: list[list[str]] = [[] for _ in messages]
        by_conversation: dict[int, list[tuple[int, str]]] = {}
        for index, message in enumerate(messages):
            place = self.place(tenant, message)
            if place is not None:
                field = f"{dialect}\0{place.signed}"
                by_conversation.setdefault(place.conversation, []).append((index, field))
        works: list[Work] = []
        asked: list[list[tuple[int, str]]] = []
        for conversation, rows in by_conversation.items():
            partition = partition_of(conversation_bucket(conversation))
            for start in range(0, len(rows), _FIELDS_AT_ONCE):
                piece = rows[start : start + _FIELDS_AT_ONCE]
                works.append((scripts.FIELDS, partition, (f"ic:{conversation}", *(field for _, field in piece))))
                asked.append(piece)
        for piece, reply in zip(asked, await self._store.calls(tenant, works), strict=True):
            for (index, _), packed in zip(piece, reply, strict=True):
                if packed is not None:
                    found[index] = _decode(packed)
        return found


def _forward(dialect: str, foreign: str) -> tuple[str, int]:
    field = f"{dialect}\0{foreign}"
    return field, partition_of(bucket_of(field))
