"""Message ids, places of conversations, and id forms that several dialects share.

A message id is 63 bits: a marker bit and a bijection, keyed by tenant and generation, of where the message lies:
conversation (10 bits of bucket, 22 of number), lane, sequence. It needs no index and no memory, and one tenant's id
decodes to nothing in another. Everything here is frozen: ids live in the apps' own databases.
"""

import zlib
from collections.abc import Iterable
from hashlib import blake2b
from uuid import UUID

import msgspec

BUCKET_BITS = 10
BUCKETS = 1 << BUCKET_BITS
NUMBER_BITS = 22
LANE_BITS = 1
SEQUENCE_BITS = 29
LIVE = 0
BACKFILL = 1

_BITS = BUCKET_BITS + NUMBER_BITS + LANE_BITS + SEQUENCE_BITS
_MASK = (1 << _BITS) - 1
_HALF = _BITS // 2
MARKER = 1 << _BITS
_SEQUENCE_MASK = (1 << SEQUENCE_BITS) - 1
_CHECK_BITS = 59
_CHECK_MASK = (1 << _CHECK_BITS) - 1
_SPREAD = 0x5A5A_5A5A_5A5A_5A5A


class Place(msgspec.Struct, frozen=True):
    """Where a message lies."""

    conversation: int
    lane: int
    sequence: int


def bucket_of(text: str) -> int:
    """The bucket (0 to 1023) of a name or a conversation's identity. Unkeyed: it only spreads load."""
    return zlib.crc32(text.encode()) & (BUCKETS - 1)


def conversation_bucket(conversation: int) -> int:
    """The bucket that a conversation number carries in its upper bits."""
    return conversation >> NUMBER_BITS


def direct_identity(first: str, second: str) -> str:
    """What makes a direct conversation one: its two user ids in order. NUL can't be part of an id."""
    return f"d{first}\0{second}" if first <= second else f"d{second}\0{first}"


def group_identity(number: int) -> str:
    """What makes a group's conversation one: the group's number."""
    return f"g{number}"


class Ids:
    """The id forms of one tenant in one generation. Cheap to call (about 0.4 microseconds each way), costly to make:
    keep one per tenant."""

    def __init__(self, secret: bytes, generation: int) -> None:
        stream = blake2b(secret, person=b"message ids", salt=generation.to_bytes(8, "big")).digest()
        words = [int.from_bytes(stream[i : i + 8], "big") & _MASK for i in range(0, 32, 8)]
        self._mix = words[0]
        self._one, self._two, self._three = (word | 1 for word in words[1:])
        self._inverses = tuple(pow(word, -1, 1 << _BITS) for word in (self._one, self._two, self._three))
        self._check = int.from_bytes(stream[32:48], "big") | 1

    def message(self, conversation: int, lane: int, sequence: int) -> int:
        """The id of the message at this place."""
        return self.messages(conversation, lane, (sequence,))[0]

    def messages(self, conversation: int, lane: int, sequences: Iterable[int]) -> list[int]:
        """The ids of many messages of one conversation: `message` without its calls, for pages."""
        start = (conversation << LANE_BITS | lane) << SEQUENCE_BITS
        mix, one, two, three = self._mix, self._one, self._two, self._three
        ids = []
        for sequence in sequences:
            value = ((start | sequence) ^ mix) * one & _MASK
            value = (value ^ value >> _HALF) * two & _MASK
            value = (value ^ value >> _HALF) * three & _MASK
            ids.append(value ^ value >> _HALF | MARKER)
        return ids

    def place(self, message: int) -> Place | None:
        """The place of a message id; none when it has not the shape of one of ours. That something lies there is for the
        store to say."""
        if message >> _BITS != 1:
            return None
        one, two, three = self._inverses
        value = message & _MASK
        value = (value ^ value >> _HALF) * three & _MASK
        value = (value ^ value >> _HALF) * two & _MASK
        value = ((value ^ value >> _HALF) * one & _MASK) ^ self._mix
        rest = value >> SEQUENCE_BITS
        return Place(rest >> LANE_BITS, rest & 1, value & _SEQUENCE_MASK)

    def uuid(self, value: int) -> str:
        """A number below 2^63 in the shape of a version 4 UUID: 63 bits of value, 59 bits of check."""
        # The upper bits of a product depend on all bits of the value; the low 63 are the value itself, so a foreign
        # UUID passes for ours once in 2^59.
        check = (value ^ _SPREAD) * self._check >> 40 & _CHECK_MASK
        # 60 bits of value around the version digit; then the variant bits 10, 3 bits of value and the check. The leading 1
        # only keeps the width.
        text = hex(1 << 124 | value >> 3 << 64 | (value & 7 | 16) << _CHECK_BITS | check)
        return f"{text[3:11]}-{text[11:15]}-4{text[15:18]}-{text[18:22]}-{text[22:]}"

    def from_uuid(self, text: str) -> int | None:
        """The number in a UUID of ours; none for any other text."""
        if len(text) != 36 or text != text.lower():
            return None
        try:
            whole = UUID(text).int
        except ValueError:
            return None
        value = (whole >> 80 << 12 | whole >> 64 & 0xFFF) << 3 | whole >> _CHECK_BITS & 7
        return value if self.uuid(value) == text else None
