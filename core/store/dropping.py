"""Dropping the older part of conversations: by age, or all of it at once."""

import asyncio
from typing import Any

import msgspec

from core.ids import BACKFILL, LIVE, bucket_of, conversation_bucket
from core.model import SHOWN, Tenant
from core.store import scripts
from core.store.foreign import ForeignStore
from core.store.keys import partition_of
from core.store.store import Store

MESSAGES_AT_ONCE = 500
"""About how many messages one call looks at: a millisecond or two of the server's time."""
_MAXIMUM_CALLS = 1 << 20

_decode = msgspec.msgpack.Decoder(list[str]).decode


class Dropping:
    """The older parts of all conversations, in the store. What goes on over several calls is noted there, or is safe to
    begin anew."""

    def __init__(self, store: Store, foreign: ForeignStore) -> None:
        self._store = store
        self._foreign = foreign

    async def trim(self, tenant: Tenant, partition: int, now: int, time: int, pause_ms: int) -> bool:
        """Go on dropping what is older than `time` in a partition; false at the end of a walk over its conversations, and
        until `pause_ms` after it."""
        confirmed = 0
        for _ in range(2):
            arguments = (now, time, SHOWN, pause_ms, MESSAGES_AT_ONCE, confirmed)
            more, conversation = await self._store.call(tenant, scripts.TRIM, partition, *arguments)
            if not conversation:
                break
            await self.drop_links(tenant, conversation)
            confirmed = conversation
        return bool(more)

    async def clear(self, tenant: Tenant, identity: str, now: int = 0, station: str = "") -> bool:
        """Clear a conversation for everybody; false when there is none. Without a time nobody is told."""
        reply: list[Any] = [0, "log", 0, 0, 0]
        for _ in range(_MAXIMUM_CALLS):
            arguments = (identity, SHOWN, *reply[1:], now, station)
            reply = await self._store.call(tenant, scripts.CLEAR_ALL, partition_of(bucket_of(identity)), *arguments)
            if not reply[0]:
                return False
            if reply[1] == b"links":
                break
        await self.drop_links(tenant, reply[0])
        return True

    async def drop_links(self, tenant: Tenant, conversation: int, sender: int | None = None) -> None:
        """Forget the foreign ids of messages that are gone, or that a user sent."""
        partition = partition_of(conversation_bucket(conversation))
        cursor: int | bytes = 0
        for _ in range(_MAXIMUM_CALLS):
            wanted = "" if sender is None else sender
            cursor, *found = await self._store.call(tenant, scripts.LOST_LINKS, partition, conversation, cursor, wanted)
            fields = found[0::2]
            # The way there first: what is left of the way back finds it again.
            for field, packed in zip(fields, found[1::2], strict=True):
                dialect, _, text = field.decode().rpartition("\0")
                lane = BACKFILL if text.startswith("-") else LIVE
                message = self._store.ids(tenant).message(conversation, lane, abs(int(text)))
                await asyncio.gather(
                    *(self._foreign.unlink(tenant, dialect, foreign, message) for foreign in _decode(packed))
                )
            if fields:
                await self._store.call(tenant, scripts.DROP_LINKS, partition, conversation, *fields)
            if cursor == b"0":
                return
