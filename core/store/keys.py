"""Where things lie: partitions, their hash tags, and the first part of every key. Frozen with schema version 4.

`cg{tag}TENANT` is a tenant's version in a partition. Its other keys there begin with `cg{tag}TENANT:GENERATION:` and are
named by one letter, since a store has millions of them. Numbers are decimal text, packed values msgpack.

Conversations, in the partition of their identity:

    n               hash    identity -> conversation
    k               hash    bucket -> the last local number taken
    c:CONVERSATION  hash    i identity, h head (last sequence), t newest time of either lane (ms), o ordinal among counted
                            messages, s last sequence that touches the lists, u numbers of a direct conversation's two
                            users in the order of the identity, f packed relation of the two, whose blocks are bits 64 (by
                            the first) and 128 of q, g packed group, l 1 once it is large, 2 for a room,
                            p number of the group's owner, m when the group or who is in it changed last (ms), absent as
                            long as nothing did, x how many members it takes, n last place in the order of joining,
                            q what limits sends to it (bits, in `prelude.lua`), y its place in the tenant's list, z packed group
                            that is being deleted, empty once nothing is left of it, at how far that is, k head when
                            a member left last, v how many of the live lane were recalled,
                            d sequence up to which the log was dropped, e ordinal there, c how often all of it was cleared
                            for everybody, b last sequence of the backfill lane, j number of the last report; and 1 once
                            there was such: `a` users who put it into another box, `r` recalled counted messages, `w`
                            messages for some alone
    l:CONVERSATION:CHUNK
                    hash    sequence -> record; a chunk is 4,096 sequences
    b:CONVERSATION:CHUNK
                    hash    the same of the backfill lane
    bt:CONVERSATION zset    sequences of the backfill lane by time (ms)
    be:CONVERSATION hash    external id -> sequence of the backfill lane; one of the live lane is negative
    j:CONVERSATION  hash    sequence -> packed {addressees, station, left out} of a message that is not for everybody
    w:CONVERSATION:USER
                    zset    sequences of the countable messages for this user and not for everybody
    m:CONVERSATION  hash    user -> packed {id, role, joined (ms), intervals}; an interval is {first sequence seen (0: imports
                            of before the log too), last (-1: still a member), head when joining}
    a:CONVERSATION  zset    the users who are members now, in the order in which they joined
    ga:CONVERSATION, gb:CONVERSATION, gm:CONVERSATION, gw:CONVERSATION, gp:CONVERSATION
                    hash    user -> packed {id, time (ms)}: a group's admins, whom it has blocked, muted (until when, -1 for
                            ever), allowed to send while all are muted, and who waits to join {…, why, words}
    gu:CONVERSATION hash    user -> packed map of the member's attributes in the group
    gk:CONVERSATION hash    name -> packed attribute of the group {value, user's id, number, whether it goes with the user, time}
    v:CONVERSATION  hash    a letter and the user's number: r read up to, f floor (cleared up to), k own counted messages
                            since, b box (`a` or `h`, and the head at which it was put there), i seen up to, p packed
                            marks, e 1 once messages are hidden from the user, o 1 for who sent, created a topic or has keys here
                            besides members and the two
    h:CONVERSATION:CHUNK:USER
                    string  bits of the messages that are hidden from the user; CHUNK has a `b` before it for the
                            backfill lane
    hc:CONVERSATION:CHUNK:USER
                    string  bits of those among them that would be counted as unread otherwise
    hu:CONVERSATION set     the users from whom messages are hidden
    t:CONVERSATION, t:CONVERSATION:USER
                    zset    sequences of recalled counted messages: all, and those that this user sent
    tv:CONVERSATION list    sequences of the live lane that were recalled last, 500
    rs:CONVERSATION:USER, ds:CONVERSATION:USER
                    zset    steps of reading and of delivery: "sequence:time" by the sequence reached
    rl:CONVERSATION list    reports of a direct conversation, packed {user, station, type, sequence, time}
    o:CONVERSATION  hash    topic -> packed topic; `r` and an alias -> newest topic of that alias
    oz:CONVERSATION zset    numbers of the topics, by number
    ot:CONVERSATION:TOPIC
                    zset    sequences of the topic's messages by time (ms), negative in the backfill lane
    x:USER, xa:USER, xh:USER
                    zset    conversations of the user's list by time (ms) of the last message that it shows: active,
                            archived, hidden
    xc:USER         zset    what else changed in these lists by the time (ms): WHAT:CONVERSATION:STATION, where what is `r` a
                            report, `m` marks or the box, `e` all of it cleared for everybody; the latest 200, for a day
    y:USER          set     the large groups that the user is a member of, which have no row in those
    ug:USER, ur:USER
                    zset    numbers of the groups, and of the rooms, that the user is a member of, by number
    lg, lr          zset    the groups, and the rooms, of this partition: time of creation:number, in order of the texts
    H:HOUR          set     conversations to which something was sent in this hour since the epoch
    ic:CONVERSATION hash    dialect NUL sequence -> packed foreign ids; sequences of the backfill lane are negative
    rcTURN, roTURN  hash    reference of a client, of our own -> first result: conversation:sender:reference -> packed
                            sequence and time, and for other writes what:whom:reference -> what was answered
    d               hash    dialect NUL chosen id -> group; in the partition of the two
    i               hash    dialect NUL foreign id -> message; in the partition of the two
    ti              hash    topic -> conversation's identity; in the partition of the topic's number
    tn              zset    alias NUL topic in ten digits, all of the same score; in the partition of the alias
    due, duef, dueb zset, zset, hash
                            ids of due rows by tenant time (ms), ids of those that failed for good by the time they did, and
                            the bodies of both: tries so far, why it failed, packed action

    !gGROUP, !uBUCKET       channels of announcements: one a group, and for direct conversations one a bucket of users

Users, in the partition of their folded name:

    u, w, f         hash    id -> number, number -> id, folded name -> id of the registered user who owns it
    p, s            hash    id -> packed profile, id -> salt and hash of the password
    z               zset    ids of registered users by number
    at:ID           string  attempts to log in since the last that succeeded, for some minutes
    gs:PLACE:LOGIN  set     digests of the wrong secrets that a program's login was tried with, for some minutes; the addresses
                            that try share 4,096 places

Files, in the partition of their id; their bytes lie elsewhere:

    fi              hash    id -> packed file
    fo              zset    OWNER:ID, all of the same score: the files of users
    pr              hash    number -> packed {last seen (ms), stations}; a station is {name, until (ms), status}
    ec:USER, eb:USER, eo:USER
                    hash    other user -> packed {id, state, since (ms), time of the last change (ms), remark}: contacts, whom
                            the user blocks, who blocks the user
    ecSTATE:USER, ebSTATE:USER, eoSTATE:USER
                    zset    the same users by the time of the last change, those of one state each: `a` it is so, `s` the user
                            has asked for it, `r` was asked for it, `e` it has ended, `n` it never was
    bin:USER        zset    ids of messages that the user deleted for himself, by time (ms), the last ones

    q               hash    the tenant's counters (`user`, `group`, `topic`), in the partition of its number
    tb:NAME         string  when a token bucket will be full again (ms), until a while after; in the partition of its number
    wk              hash    how far walks over this partition's conversations are: `retention`, `erase USER`

Outside tenants: `cg{tag}:outbox`, a stream a partition with entries t tenant, g generation, c conversation, s sequence,
k what; `cg{tag}:outbox:dead`, a stream of entries that were given up, with the same and e their id, n tries, r why;
`cg{tag}:due`, a zset of TENANT:GENERATION that have due rows in the partition by the time (tenant time, ms) of the earliest;
`cg{tag}:files`, a zset of TENANT:GENERATION:ID by the time (ms) after which a file, or bytes that never became one, are ended;
`cg{tag}:files:doomed`, a zset of the same, all of one score, whose bytes are to be deleted;
`cg{tag}:station:HASH` of a dialect NUL station, a hash for as long as somebody is logged in there: b packed binding {tenant,
generation, user's id, number and version, since, until (ms)}, and `n` and a name -> what the dialect noted of it;
`cg{tag}:!pTOKEN`, a channel on which a worker hears its own probes; and in partition 0 `:schema`
(version, partitions), `:tenants` (number -> packed tenant), `:tenants:names` (name -> number), `:tenants:counter`,
`:tenants:owners:DIALECT NUL APPLICATION` and `:tenants:owners:DIALECT` (sets of numbers), `:tenants:retired` (a hash
TENANT:GENERATION -> how far its keys are reclaimed), `:erasures` (a hash TENANT:GENERATION:USER -> packed erasure that is under way), `:backup`
(there while a backup is being made), `:changes` (a stream with the last entries u TENANT:GENERATION:USER, v version: whose older
tokens have ended).
"""

from binascii import crc_hqx
from itertools import count

from core.ids import BUCKETS

SCHEMA_VERSION = 4
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


def system_key(name: str, partition: int = 0) -> str:
    """A key of the gateway's own, outside all tenants; what there is once lies in partition 0."""
    return f"cg{{{TAGS[partition]}}}:{name}"
