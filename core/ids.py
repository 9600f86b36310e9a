"""Message ids, places of conversations, and id forms that several dialects share.

A message id is 63 bits: a marker bit and a bijection, keyed by tenant and generation, of where the message lies:
conversation (10 bits of bucket, 22 of number), lane, sequence. It needs no index and no memory, and one tenant's id
decodes to nothing in another. Everything here is frozen: ids live in the apps' own databases.
"""

import re
import zlib
from hashlib import blake2b
from uuid import UUID, uuid4

import msgspec

from core.errors import not_storable

BUCKET_BITS = 10
BUCKETS = 1 << BUCKET_BITS
NUMBER_BITS = 22
LANE_BITS = 1
SEQUENCE_BITS = 29
LIVE = 0
BACKFILL = 1
GROUP = 1 << 60
"""What is added to a group's number in its UUID form, so that no two kinds of things have the same; message ids are above
2^62."""
USER = 1 << 61
"""The same for a user's number."""
CLIENT_REFERENCE = "client:"
"""How the references begin that a client chose: they are remembered for a day, those of requests for a minute."""

_BITS = BUCKET_BITS + NUMBER_BITS + LANE_BITS + SEQUENCE_BITS
_MASK = (1 << _BITS) - 1
_HALF = _BITS // 2
MARKER = 1 << _BITS
_SEQUENCE_MASK = (1 << SEQUENCE_BITS) - 1
_VALUE_BITS = 63
_FREE_BITS = 122
_FREE_MASK = (1 << _FREE_BITS) - 1
_VARIANT = 0b10 << _FREE_BITS
_TENANT_BITS = 32
_TENANT_MASK = (1 << _TENANT_BITS) - 1
_UUID = re.compile("([0-9a-f]{8})-([0-9a-f]{4})-4([0-9a-f]{3})-([89ab])([0-9a-f]{3})-([0-9a-f]{12})")


class Place(msgspec.Struct, frozen=True):
    """Where a message lies."""

    conversation: int
    lane: int
    sequence: int

    @property
    def signed(self) -> int:
        """The sequence, negative in the backfill lane."""
        return -self.sequence if self.lane == BACKFILL else self.sequence


def bucket_of(text: str) -> int:
    """The bucket (0 to 1023) of a name or a conversation's identity. Unkeyed: it only spreads load. Raises *bad request* with
    reason `value` for half of a surrogate pair."""
    try:
        return zlib.crc32(text.encode()) & (BUCKETS - 1)
    except UnicodeEncodeError:
        raise not_storable() from None


def conversation_bucket(conversation: int) -> int:
    """The bucket that a conversation number carries in its upper bits."""
    return conversation >> NUMBER_BITS


def direct_identity(first: str, second: str) -> str:
    """What makes a direct conversation one: its two user ids in order. NUL can't be part of an id."""
    return f"d{first}\0{second}" if first <= second else f"d{second}\0{first}"


def group_identity(number: int) -> str:
    """What makes a group's conversation one: the group's number."""
    return f"g{number}"


Parties = tuple[str, str] | int
"""Whose a conversation is, seen from outside: two users' ids (in order where the store gives them), or a group's number."""


def identity_of(parties: Parties) -> str:
    """What makes their conversation one."""
    return group_identity(parties) if isinstance(parties, int) else direct_identity(*parties)


def parties_of(identity: str) -> Parties:
    """Whose conversation it is; the two users' ids in order."""
    if identity.startswith("g"):
        return int(identity[1:])
    first, second = identity[1:].split("\0")
    return first, second


def new_file_id(tenant: int) -> str:
    """A new id of a tenant's file, a version 4 UUID: 90 random bits and, veiled by them, the tenant's number. So whoever knows
    nothing but the id finds the tenant; nobody finds the id."""
    chance = uuid4().int >> _TENANT_BITS
    return str(UUID(int=chance << _TENANT_BITS | _veil(chance) ^ tenant))


def file_tenant(file: str) -> int | None:
    """The number of the tenant that a file of this id would belong to; none for what is no such id."""
    if _UUID.fullmatch(file) is None:
        return None
    value = UUID(file).int
    return value & _TENANT_MASK ^ _veil(value >> _TENANT_BITS)


def _veil(chance: int) -> int:
    digest = blake2b(chance.to_bytes(12, "big"), person=b"file ids", digest_size=_TENANT_BITS // 8).digest()
    return int.from_bytes(digest, "big")


class Ids:
    """The id forms of one tenant in one generation. Cheap to call (about 0.4 microseconds each way), costly to make:
    keep one per tenant."""

    def __init__(self, secret: bytes, generation: int) -> None:
        stream = blake2b(secret, person=b"message ids", salt=generation.to_bytes(8, "big")).digest()
        words = [int.from_bytes(stream[i : i + 8], "big") & _MASK for i in range(0, 32, 8)]
        self._mix = words[0]
        self._one, self._two, self._three = (word | 1 for word in words[1:])
        self._inverses = tuple(pow(word, -1, 1 << _BITS) for word in (self._one, self._two, self._three))
        self._spread = int.from_bytes(stream[32:48], "big") & _FREE_MASK | 1
        self._gather = pow(self._spread, -1, 1 << _FREE_BITS)

    def message(self, conversation: int, lane: int, sequence: int) -> int:
        """The id of the message at this place."""
        value = (conversation << LANE_BITS | lane) << SEQUENCE_BITS | sequence
        value = (value ^ self._mix) * self._one & _MASK
        value = (value ^ value >> _HALF) * self._two & _MASK
        value = (value ^ value >> _HALF) * self._three & _MASK
        return value ^ value >> _HALF | MARKER

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
        """A number below 2^63 in the shape of a version 4 UUID. Its 122 free bits are a bijection of 63 bits of value and 59
        bits that must be zero, so a foreign UUID passes for ours once in 2^59."""
        digits = hex(_VARIANT | (value ^ self._mix) * self._spread & _FREE_MASK)
        return f"{digits[3:11]}-{digits[11:15]}-4{digits[15:18]}-{digits[2]}{digits[18:21]}-{digits[21:]}"

    def from_uuid(self, text: str) -> int | None:
        """The number in a UUID of ours; none for any other text."""
        found = _UUID.fullmatch(text)
        if found is None:
            return None
        first, second, third, variant, fourth, fifth = found.groups()
        free = int(variant + first + second + third + fourth + fifth, 16) & _FREE_MASK
        value = free * self._gather & _FREE_MASK ^ self._mix
        return value if value >> _VALUE_BITS == 0 else None
