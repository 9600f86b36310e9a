"""Relations of users: what decides, in the partition of their direct conversation, and the lists of each in that of the
user's number."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import msgspec

from core.ids import bucket_of, direct_identity
from core.model import Related, Relation, Relationship, RelationState, Tenant, UserKey
from core.store import scripts
from core.store.connection import Argument
from core.store.keys import partition_of
from core.store.store import Store, Work

RELATIONS_AT_ONCE = 50
ENDED_KEPT = 1_000
_CONTACT = b"a"
_REQUESTED = b"s"
_NEVER = "n"


class Act(StrEnum):
    """What `relate.lua` can do."""

    ADD = "add"
    BEFRIEND = "befriend"
    REQUEST = "request"
    ACCEPT = "accept"
    DECLINE = "decline"
    REMOVE = "remove"
    PART = "part"
    BLOCK = "block"
    UNBLOCK = "unblock"


_BLOCKS = (Act.BLOCK, Act.UNBLOCK)


class _Row(msgspec.Struct, frozen=True, array_like=True):
    """A row of a list as `list_relations.lua` packs it."""

    id: str
    state: str
    since: int
    changed: int
    remark: str | bool


_decode = msgspec.msgpack.Decoder(_Row).decode


class RelationStore:
    """The relations of all users, in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def relate(self, tenant: Tenant, user: UserKey, others: Sequence[UserKey], act: Act, now: int) -> list[bool]:
        """Change what the user is to others, and the lists of all of them; whether it could be done, for each."""
        done: list[bool] = []
        for start in range(0, len(others), RELATIONS_AT_ONCE):
            some = others[start : start + RELATIONS_AT_ONCE]
            replies = await self._store.calls(tenant, [_relate_work(user, other, act, now) for other in some])
            done += [bool(reply[0]) for reply in replies]
            await self._list(tenant, user, some, replies, act in _BLOCKS)
        return done

    async def _list(
        self, tenant: Tenant, user: UserKey, others: Sequence[UserKey], replies: Sequence[Any], blocks: bool
    ) -> None:
        own: list[Argument] = []
        works: list[Work] = []
        for other, (_, *contact, first_blocks, first_time, second_blocks, second_time) in zip(
            others, replies, strict=True
        ):
            is_first = user.id < other.id
            if blocks:
                state, changed = (first_blocks, first_time) if is_first else (second_blocks, second_time)
                mine = theirs = RelationState.PRESENT if state else RelationState.ENDED
            else:
                *states, changed = contact
                mine, theirs = map(_contact_state, states, reversed(states))
                if not is_first:
                    mine, theirs = theirs, mine
            if changed:  # they were something to each other once
                own += (other.number, other.id, str(mine), changed)
                theirs_list = Relation.BLOCKED_BY if blocks else Relation.CONTACT
                works.append(_list_work(other, theirs_list, (user.number, user.id, str(theirs), changed)))
        if own:
            works.append(_list_work(user, Relation.BLOCK if blocks else Relation.CONTACT, own))
        await self._store.calls(tenant, works)

    async def remark(self, tenant: Tenant, user: UserKey, other: UserKey, remark: str) -> bool:
        """Change a note; false for no contact."""
        arguments = (user.number, other.number, remark)
        return bool(await self._store.call(tenant, scripts.REMARK, partition_of(user.number), *arguments))

    async def page(
        self,
        tenant: Tenant,
        user: UserKey,
        relation: Relation,
        limit: int,
        after: int,
        states: Sequence[RelationState],
    ) -> tuple[list[Related], int]:
        """Rows of a list by the time of the last change, and the time after which there are more (0: none)."""
        arguments = (user.number, str(relation), "".join(states), after, limit)
        following, *found = await self._store.call(
            tenant, scripts.READ_RELATIONS, partition_of(user.number), *arguments
        )
        read = (_related(number, row) for number, row in zip(found[::2], found[1::2], strict=True))
        rows = sorted((row for row in read if row is not None), key=lambda row: (row.changed, row.user.number))
        if len(rows) > limit:
            last = rows[limit - 1].changed
            if rows[-1].changed > last:
                following = last
                rows = [row for row in rows if row.changed <= last]
        return rows, following

    async def look(self, tenant: Tenant, user: UserKey, others: Sequence[UserKey]) -> list[Relationship]:
        """The rows of others in the user's lists."""
        if not others:
            return []
        numbers = [other.number for other in others]
        works: list[Work] = [
            (scripts.FIELDS, partition_of(user.number), (f"e{relation}:{user.number}", *numbers))
            for relation in Relation
        ]
        lists = await self._store.calls(tenant, works)
        found = [[_related(number, row) for number, row in zip(numbers, rows, strict=True)] for rows in lists]
        return [Relationship(*rows) for rows in zip(*found, strict=True)]

    async def unlist(self, tenant: Tenant, user: int, other: int) -> None:
        """Take somebody out of a user's lists; both by number."""
        await self._store.call(tenant, scripts.UNLIST_RELATIONS, partition_of(user), user, other)


def _related(number: int, packed: bytes | None) -> Related | None:
    """A row of a list; none for what never was."""
    row = _decode(packed) if packed is not None else None
    if row is None or row.state == _NEVER:
        return None
    remark = row.remark if isinstance(row.remark, str) else None
    return Related(UserKey(row.id, number), RelationState(row.state), row.since, row.changed, remark)


def _relate_work(user: UserKey, other: UserKey, act: Act, now: int) -> Work:
    identity = direct_identity(user.id, other.id)
    bucket = bucket_of(identity)
    one, two = (user, other) if user.id < other.id else (other, user)
    arguments = (now, identity, bucket, one.number, two.number, user.number, str(act))
    return scripts.RELATE, partition_of(bucket), arguments


def _list_work(user: UserKey, relation: Relation, rows: Sequence[Argument]) -> Work:
    return scripts.LIST_RELATIONS, partition_of(user.number), (user.number, str(relation), ENDED_KEPT, *rows)


def _contact_state(own: bytes, other: bytes) -> RelationState:
    """What one of two lists the other as."""
    if own == _CONTACT:
        return RelationState.PRESENT
    if own == _REQUESTED:
        return RelationState.REQUESTED
    return RelationState.RECEIVED if other == _REQUESTED else RelationState.ENDED
