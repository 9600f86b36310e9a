"""Records: from bytes to messages. The header is frozen with the schema (`core/store/keys.py`)."""

import struct
from collections.abc import Sequence
from typing import Any

import msgspec

from core.ids import BACKFILL, LIVE, Ids
from core.model import Message, Stored, Tenant, Text, Window

HEADER = struct.Struct(">HIIBHHI")
"""Time in ms (48 bits, as 16 and 32), ordinal among counted messages (in the backfill lane: how many live messages come
before), kind, flags, sender's number (48 bits): 19 bytes before the packed message."""
REMEMBERED_BYTES = 64 << 20
"""About how much memory a worker gives to messages that it has read before."""
_BYTES_A_MESSAGE = 3600
"""About what a short message takes beside its record: its objects, its place in memory, what a dialect wrote of it, alone and
in pages."""
_COPIES = 8
"""How often a text lies in memory, about: in the record, decoded, and written, where it may be longer, alone and in pages."""
_PAGE_BYTES_A_MESSAGE = 2000
_PAGE_COPIES = 4
"""What of both is for pages."""
_BYTES_A_VALUE = 72
_BYTES_A_MAP = 240
"""What a value of a message's own structures takes. A byte of the record is enough for one, so a record's length says
little of what it becomes."""
_LATELY = 256
"""Conversations among which one must be read again to be remembered."""

encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Message).decode

_Row = tuple[bytes, Stored, int]
"""A record, what was made of it, and about how many bytes both take."""


class _Conversation(msgspec.Struct, eq=False):
    """What is remembered of a conversation."""

    rows: dict[int, _Row] = {}
    asked: list[Any] = []
    """The rows that were read last where these were several, and the messages in them: mostly it is the same ones again, and to
    compare them all at once takes a tenth of the time, as does what a dialect wrote of them all."""
    read: Window = Window()


class Records:
    """Reads records, and remembers what it made of them: the newest page of a conversation is read again and again. What is
    remembered is compared with the record that the store has just given, so it is never out of date. A conversation that
    is read only now and then is not remembered: that would cost more than it saves."""

    def __init__(self, remembered_bytes: int = REMEMBERED_BYTES) -> None:
        self._conversations: dict[tuple[int, int, int], _Conversation] = {}
        self._lately: dict[tuple[int, int, int], None] = {}
        self._room = remembered_bytes

    def read(self, tenant: Tenant, ids: Ids, conversation: int, rows: Sequence[Any]) -> Window:
        """The messages of `[sequence, record, sequence, record, …]` of one conversation."""
        key = (tenant.number, tenant.generation, conversation)
        known = self._conversations.pop(key, None)
        if known is None:
            if not self._was_read_lately(key):
                pairs = zip(rows[0::2], rows[1::2], strict=True)
                return Window(_stored(ids, conversation, sequence, record) for sequence, record in pairs)
            known = _Conversation()
        if rows or known.rows:  # what holds nothing takes no room, and would never be forgotten
            self._conversations[key] = known  # the last to be forgotten
        if rows and rows == known.asked:
            return known.read
        if len(rows) == 2:  # as the last message of a conversation in a list
            row = known.rows.get(rows[0])
            if row is not None and row[0] == rows[1]:
                return Window((row[1],))
        asked, stored = list[Any](), list[Stored]()
        for sequence, record in zip(rows[0::2], rows[1::2], strict=True):
            row = known.rows.get(sequence)
            if row is None or row[0] != record:
                made = _stored(ids, conversation, sequence, record)
                row = self._remember(known, sequence, (record, made, _size(record, made.message)))
            asked += (sequence, row[0])
            stored.append(row[1])
        window = Window(stored)
        if len(window) > 1:
            window.room_bytes = _PAGE_COPIES * sum(map(len, asked[1::2])) + _PAGE_BYTES_A_MESSAGE * len(window)
            known.asked, known.read = asked, window
        if self._room < 0:
            self._forget()
        return window

    def _was_read_lately(self, key: tuple[int, int, int]) -> bool:
        if key in self._lately:
            del self._lately[key]
            return True
        self._lately[key] = None
        if len(self._lately) > _LATELY:
            del self._lately[next(iter(self._lately))]
        return False

    def _remember(self, known: _Conversation, sequence: int, row: _Row) -> _Row:
        before = known.rows.get(sequence)
        if before is not None:
            self._room += before[2]
            known.asked, known.read = [], Window()  # or they would hold what is no longer counted
        self._room -= row[2]
        known.rows[sequence] = row
        return row

    def _forget(self) -> None:
        """Conversations that were not read for the longest time go first."""
        while self._room < 0 and self._conversations:
            oldest = self._conversations.pop(next(iter(self._conversations)))
            self._room += sum(size for _, _, size in oldest.rows.values())


def body_of(record: bytes) -> bytes:
    """The packed message."""
    return record[HEADER.size :]


def _stored(ids: Ids, conversation: int, sequence: int, record: bytes) -> Stored:
    high, low, _, kind, _, _, _ = HEADER.unpack_from(record)
    message = _decode(record[HEADER.size :])
    message_id = ids.message(conversation, LIVE if sequence > 0 else BACKFILL, abs(sequence))
    return Stored(message_id, sequence, high << 32 | low, kind, message)


def _size(record: bytes, message: Message) -> int:
    size = _COPIES * len(record) + _BYTES_A_MESSAGE
    content = message.content
    values: list[Any] = [message.extension, message.leftovers]
    if type(content) is not Text:
        values += msgspec.structs.astuple(content)
    # Not recursive: how deep the structures go is up to who sent them.
    while values:
        value = values.pop()
        if type(value) is dict:
            size += _BYTES_A_MAP + _BYTES_A_VALUE * len(value)
            values += value.values()
        elif type(value) is list:
            size += _BYTES_A_VALUE * (1 + len(value))
            values += value
    return size
