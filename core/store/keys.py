"""Where things lie: partitions, their hash tags, and the first part of every key. Frozen with schema version 1."""

from binascii import crc_hqx
from itertools import count

from core.ids import BUCKETS

SCHEMA_VERSION = 1
PARTITIONS = 64
"""A power of two, at most 1,024, kept in the store: partition = bucket mod PARTITIONS."""
_SLOTS = 16_384
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def slot_of(tag: str) -> int:
    """The cluster slot of a hash tag (CRC16 as Redis Cluster defines it)."""
    return crc_hqx(tag.encode(), 0) % _SLOTS


def _tags() -> tuple[str, ...]:
    """One tag a partition, chosen so that the slots of any power of two of partitions spread evenly: partition p of 1,024
    lies in the range of slots that its bits, reversed, name."""
    width = BUCKETS.bit_length() - 1
    wanted = {int(f"{partition:0{width}b}"[::-1], 2): partition for partition in range(BUCKETS)}
    tags: dict[int, str] = {}
    for number in count():
        text = ""
        while True:
            number, digit = divmod(number, 36)
            text = _DIGITS[digit] + text
            if not number:
                break
        partition = wanted.pop(slot_of(text) * BUCKETS // _SLOTS, None)
        if partition is not None:
            tags[partition] = text
            if not wanted:
                return tuple(tags[partition] for partition in range(BUCKETS))
    raise AssertionError  # count() never ends


TAGS = _tags()


def partition_of(bucket: int) -> int:
    """The partition of a bucket."""
    return bucket & (PARTITIONS - 1)


def tenant_key(partition: int, tenant: int) -> bytes:
    """The tenant's version row in a partition: the key that every script names, and the prefix of all its other keys
    there."""
    return f"cg{{{TAGS[partition]}}}{tenant}".encode()


def system_key(name: str) -> str:
    """A key of the gateway's own, outside all tenants; they all lie in partition 0."""
    return f"cg{{{TAGS[0]}}}:{name}"
