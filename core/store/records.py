"""Records: from bytes to messages. The header is frozen with schema version 1."""

import struct
from collections.abc import Sequence
from typing import Any

import msgspec

from core.ids import LIVE, Ids
from core.model import Flag, Message, Stored, Tenant

HEADER = struct.Struct(">HIIBH")
"""Time in ms (48 bits, as 16 and 32), ordinal among countable messages, kind, flags: 13 bytes before the packed message."""
REMEMBERED_BYTES = 32 << 20
"""About how much memory a worker gives to messages that it has read before."""
_BYTES_A_MESSAGE = 1600
"""About what a message takes beside its record: its objects, its place in memory, what a dialect wrote of it."""

encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Message).decode

_Row = tuple[bytes, Stored]


_LATELY = 256
"""Conversations among which one must be read again to be remembered."""


class Records:
    """Reads records, and remembers what it made of them: the newest page of a conversation is read again and again. What is
    remembered is compared with the record that the store has just given, so it is never out of date. A conversation that
    is read only now and then is not remembered: that would cost more than it saves."""

    def __init__(self, remembered_bytes: int = REMEMBERED_BYTES) -> None:
        self._conversations: dict[tuple[int, int, int], dict[int, _Row]] = {}
        self._lately: dict[tuple[int, int, int], None] = {}
        self._room = remembered_bytes

    def read(self, tenant: Tenant, ids: Ids, conversation: int, rows: Sequence[Any]) -> list[Stored]:
        """The messages of `[sequence, record, sequence, record, …]` of one conversation's live lane."""
        key = (tenant.number, tenant.generation, conversation)
        known = self._conversations.pop(key, None)
        if known is None:
            if not self._was_read_lately(key):
                pairs = zip(rows[0::2], rows[1::2], strict=True)
                return [_stored(ids, conversation, sequence, record) for sequence, record in pairs]
            known = {}
        self._conversations[key] = known  # the last to be forgotten
        stored = []
        for sequence, record in zip(rows[0::2], rows[1::2], strict=True):
            row = known.get(sequence)
            if row is None or row[0] != record:
                row = self._remember(known, sequence, (record, _stored(ids, conversation, sequence, record)))
            stored.append(row[1])
        if self._room < 0:
            self._forget()
        return stored

    def _was_read_lately(self, key: tuple[int, int, int]) -> bool:
        if key in self._lately:
            del self._lately[key]
            return True
        self._lately[key] = None
        if len(self._lately) > _LATELY:
            del self._lately[next(iter(self._lately))]
        return False

    def _remember(self, known: dict[int, _Row], sequence: int, row: _Row) -> _Row:
        before = known.get(sequence)
        if before is not None:
            self._room += _size(before)
        self._room -= _size(row)
        known[sequence] = row
        return row

    def _forget(self) -> None:
        """Conversations that were not read for the longest time go first."""
        while self._room < 0 and self._conversations:
            oldest = self._conversations.pop(next(iter(self._conversations)))
            self._room += sum(map(_size, oldest.values()))


def is_deleted(record: bytes) -> bool:
    """Whether the record is a tombstone."""
    return bool(HEADER.unpack_from(record)[4] & Flag.DELETED)


def _stored(ids: Ids, conversation: int, sequence: int, record: bytes) -> Stored:
    high, low, _, kind, _ = HEADER.unpack_from(record)
    message = _decode(record[HEADER.size :])
    return Stored(ids.message(conversation, LIVE, sequence), sequence, high << 32 | low, kind, message)


def _size(row: _Row) -> int:
    return len(row[0]) + _BYTES_A_MESSAGE
