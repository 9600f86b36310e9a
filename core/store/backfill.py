"""The backfill lane: imported history."""

from collections.abc import Iterator, Sequence

import msgspec

from core.errors import Failure, Kind
from core.ids import BACKFILL, LIVE, bucket_of
from core.model import SHOWN, MessageKind, Receipt, Tenant
from core.store import scripts
from core.store.connection import Argument
from core.store.keys import partition_of
from core.store.store import Store

MESSAGES_AT_ONCE = 40
"""A longer script would hold up everybody else's."""
BYTES_AT_ONCE = 1 << 20
_MAXIMUM_CALLS = 1 << 20


class Row(msgspec.Struct, frozen=True):
    """One message to be stored, packed already."""

    external_id: str
    time: int
    sender: int
    kind: MessageKind
    topic: int | None
    body: bytes


class Backfill:
    """The backfill lanes of all conversations."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def add(
        self, tenant: Tenant, identity: str, pair: Sequence[int], rows: Sequence[Row], now: int
    ) -> list[Receipt]:
        """Store messages in one conversation, some at a time, in their order. The lists of very many who left a group follow in
        further steps, also when what was broken off is repeated."""
        bucket = bucket_of(identity)
        message_id = self._store.ids(tenant).message
        receipts: list[Receipt] = []
        for some in _pieces(rows):
            arguments: list[Argument] = [now, identity, bucket, SHOWN, *(pair or ("", ""))]
            for row in some:
                topic = "" if row.topic is None else row.topic
                arguments += (row.external_id, row.time, row.sender, int(row.kind), topic, row.body)
            reply = await self._store.call(tenant, scripts.BACKFILL, partition_of(bucket), *arguments, bulk=True)
            if not reply[0]:
                raise Failure(Kind.NOT_FOUND, "The group was deleted", reason="group", subject=identity[1:])
            conversation, more = reply[:2]
            receipts += [
                Receipt(
                    message_id(conversation, LIVE if sequence > 0 else BACKFILL, abs(sequence)),
                    conversation,
                    sequence,
                    time,
                    bool(repeated),
                )
                for sequence, time, repeated in zip(reply[2::3], reply[3::3], reply[4::3], strict=True)
            ]
            if more:
                await self._raise_rows(tenant, partition_of(bucket), conversation, reply[2::3])
            if len(reply) < 2 + 3 * len(some):
                raise Failure(Kind.RATE_LIMITED, "Too many messages in one conversation", retry_after_ms=1000)
        return receipts

    async def _raise_rows(self, tenant: Tenant, partition: int, conversation: int, sequences: Sequence[int]) -> None:
        cursor: Argument = 0
        for _ in range(_MAXIMUM_CALLS):
            arguments = (conversation, SHOWN, cursor, *sequences)
            cursor = await self._store.call(tenant, scripts.RAISE_ROWS, partition, *arguments, bulk=True)
            if cursor == b"0":
                return


def _pieces(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    start, size = 0, 0
    for index, row in enumerate(rows):
        if index > start and (index - start == MESSAGES_AT_ONCE or size + len(row.body) > BYTES_AT_ONCE):
            yield rows[start:index]
            start, size = index, 0
        size += len(row.body)
    if start < len(rows):
        yield rows[start:]
