"""Lists of groups: all of a tenant by creation, and those of which a user is a member.

Each partition keeps its own part, written by the script that creates, fills or deletes the group, so that no list ever names a
group that is not there. A page is one turn of all partitions, mostly.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec

from core.membership import Counted, GroupPage, GroupView
from core.model import Marks, Member, Tenant
from core.store import scripts
from core.store.groups import decode_group, place_of
from core.store.keys import PARTITIONS
from core.store.store import Store, Work

_SPARE_ROWS = 8
_LONG = 200
"""Rows above which a page is long work."""

_VIEWS_AT_ONCE = 20
_NO_MARKS = Marks()

Place = TypeVar("Place", bytes, int)

_decode_member = msgspec.msgpack.Decoder(tuple[str, str, int, msgspec.Raw]).decode
_decode_marks = msgspec.msgpack.Decoder(Marks).decode


class GroupLists:
    """The lists of groups of all tenants."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def all(self, tenant: Tenant, *, rooms: bool, newest_first: bool, limit: int, cursor: str) -> GroupPage:
        """A tenant's groups, or its rooms, in the order in which they were created."""
        name = "lr" if rooms else "lg"

        def work(partition: int, share: int) -> Work:
            return scripts.LIST_GROUPS, partition, (name, cursor, 1 if newest_first else 0, share)

        rows, total = await self._collect(tenant, limit, work, newest_first=newest_first)
        return GroupPage([group for _, group in rows[:limit]], _cursor(rows, limit, bytes.decode), total)

    async def joined(self, tenant: Tenant, user: int, *, rooms: bool, limit: int, after: int) -> GroupPage:
        """The groups, or rooms, of which a user is a member, by number."""
        name = "ur:" if rooms else "ug:"

        def work(partition: int, share: int) -> Work:
            return scripts.JOINED_GROUPS, partition, (user, name, after, share)

        rows, total = await self._collect(tenant, limit, work, newest_first=False)
        return GroupPage([group for _, group in rows[:limit]], _cursor(rows, limit, str), total)

    async def views(
        self, tenant: Tenant, numbers: Sequence[int], user: int | None, members: int
    ) -> list[GroupView | None]:
        """Groups as a user has them, each with the first of its members."""
        by_partition: dict[int, list[int]] = {}
        for number in dict.fromkeys(numbers):
            by_partition.setdefault(place_of(number)[1], []).append(number)
        parts = [
            (partition, some[start : start + _VIEWS_AT_ONCE])
            for partition, some in by_partition.items()
            for start in range(0, len(some), _VIEWS_AT_ONCE)
        ]
        works: list[Work] = [
            (scripts.GROUP_VIEWS, partition, ("" if user is None else user, members, *some))
            for partition, some in parts
        ]
        found: dict[int, GroupView | None] = {}
        replies = await self._store.calls(tenant, works, bulk=len(numbers) > _LONG)
        for (_, some), rows in zip(parts, replies, strict=True):
            found.update(zip(some, map(_view, rows), strict=True))
        return [found[number] for number in numbers]

    async def _collect(
        self, tenant: Tenant, limit: int, work: Callable[[int, int], Work], *, newest_first: bool
    ) -> tuple[list[tuple[Any, Counted]], int]:
        """The first `limit` rows of all partitions in order, and some more; how many rows there are. A partition is asked for
        somewhat more than its share, and again where all that it gave is wanted."""
        share = min(limit, 2 * limit // PARTITIONS + _SPARE_ROWS) + 1
        parts: dict[int, list[tuple[Any, Counted]]] = {}
        totals: dict[int, int] = {}
        asked: Sequence[int] = range(PARTITIONS)
        while asked:
            works = [work(partition, share) for partition in asked]
            replies = await self._store.calls(tenant, works, bulk=limit > _LONG)
            for partition, reply in zip(asked, replies, strict=True):
                totals[partition], parts[partition] = reply[0], _rows(reply)
            rows = sorted(
                (row for part in parts.values() for row in part), key=lambda row: row[0], reverse=newest_first
            )
            wanted = {row[0] for row in rows[: limit + 1]}
            again = [
                partition
                for partition, part in parts.items()
                if share <= limit and len(part) == share and part[-1][0] in wanted
            ]
            asked, share = again, limit + 1
        return rows, sum(totals.values())


def _rows(reply: Sequence[Any]) -> list[tuple[Any, Counted]]:
    return [
        (reply[index], Counted(decode_group(reply[index + 1]), reply[index + 2])) for index in range(1, len(reply), 3)
    ]


def _member(number: int, packed: bytes) -> Member:
    name, role, joined, _ = _decode_member(packed)
    return Member(name, number, role, joined)


def _view(row: Sequence[Any] | None) -> GroupView | None:
    if row is None:
        return None
    members = [_member(int(number), packed) for number, packed in zip(row[7], row[8], strict=True)]
    group, left = decode_group(row[0]), sorted(name.decode() for name in row[6])
    marks = _decode_marks(row[5]) if row[5] is not None else _NO_MARKS
    return GroupView(group, max(row[1], group.modified), members, row[2], row[3], bool(row[4]), marks, left)


def _cursor(rows: Sequence[tuple[Place, Counted]], limit: int, text: Callable[[Place], str]) -> str:
    return text(rows[limit - 1][0]) if len(rows) > limit else ""
