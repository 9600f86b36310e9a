"""Where things lie: partitions, their hash tags, and the first part of every key. Frozen with schema version 1.

`cg{tag}TENANT` is a tenant's version in a partition. Its other keys there begin with `cg{tag}TENANT:GENERATION:` and are
named by one letter, since a store has millions of them. Numbers are decimal text, packed values msgpack.

Conversations, in the partition of their identity:

    n               hash    identity -> conversation
    k               hash    bucket -> the last local number taken
    c:CONVERSATION  hash    i identity, h head (last sequence), t its time (ms), o ordinal among countable messages,
                            s last sequence that touched the lists, g packed group, l 1 once it is large
    l:CONVERSATION:CHUNK
                    hash    sequence -> record; a chunk is 4,096 sequences
    m:CONVERSATION  hash    user -> packed {id, role, joined (ms), intervals}
    a:CONVERSATION  set     the users who are members now
    x:USER          zset    conversations of the user's list by time (ms) of the last message that it shows
    y:USER          set     the large groups that the user is a member of, which have no row in `x`
    rcTURN, roTURN  hash    reference of a client, of our own -> first result: conversation:sender:reference -> packed
                            sequence and time, and for other writes what:whom:reference -> what was answered
    d               hash    dialect NUL chosen id -> group; in the partition of the two

Users, in the partition of their folded name:

    u, w, f         hash    id -> number, number -> id, folded name -> id of the registered user who owns it
    p, s            hash    id -> packed profile, id -> salt and hash of the password
    z               zset    ids of registered users by number

    q               hash    the tenant's counters (`user`, `group`), in the partition of its number

Outside tenants: `cg{tag}:outbox`, a stream a partition with entries t tenant, g generation, c conversation, s sequence,
k kind; and in partition 0 `:schema` (version, partitions), `:tenants` (number -> packed tenant), `:tenants:names` (name ->
number), `:tenants:counter`, `:tenants:owners:DIALECT NUL APPLICATION` (a set of numbers).
"""

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
