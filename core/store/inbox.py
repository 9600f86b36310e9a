"""Conversation lists: one turn of all partitions for the rows, one for what they show."""

from collections.abc import Sequence
from typing import Any

import msgspec

from core.ids import SEQUENCE_BITS, bucket_of, conversation_bucket, parties_of
from core.model import SHOWN, Box, Change, Marks, Overview, Tenant, UserKey
from core.store import scripts
from core.store.connection import Argument
from core.store.groups import decode_group
from core.store.keys import PARTITIONS, partition_of
from core.store.store import Store, Work

_Ranked = list[tuple[int, int]]
_DETAILS_AT_ONCE = 200
_SPARE_ROWS = 8
_LONG = 200
"""Rows above which a list is long work."""
COUNTED_CONVERSATIONS = 200
"""Of each list in each partition, so that a count takes a server some milliseconds at most in one go."""
_BOXES = {str(box).encode(): box for box in Box}
_ALL_BOXES = "*"
_NO_MARKS = Marks()
_CHANGES = {b"r": "report", b"m": "notes", b"e": "cleared"}

_decode_marks = msgspec.msgpack.Decoder(Marks).decode


class Inbox:
    """The users' lists of conversations."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def list(
        self, tenant: Tenant, user: UserKey, limit: int, before: int | None, box: Box | None, *, whole: bool
    ) -> list[Overview]:
        """A user's newest conversations; rows of equal time stay together, so there may be more than `limit`."""
        ranked = await self._newest(tenant, user, limit, before, box)
        found = await self._details(tenant, user, [conversation for conversation, _ in ranked], whole)
        return [found[conversation] for conversation, _ in ranked if conversation in found]

    async def _newest(self, tenant: Tenant, user: UserKey, limit: int, before: int | None, box: Box | None) -> _Ranked:
        """Conversations with the times of their rows, latest first. A partition is asked for somewhat more than its share,
        and again where all that it gave is wanted."""
        share = min(limit, 2 * limit // PARTITIONS + _SPARE_ROWS)
        times: dict[int, int] = {}
        asked = list(range(PARTITIONS))
        while asked:
            works: list[Work] = [
                (
                    scripts.INBOX,
                    partition,
                    (user.number, share, before or 0, SHOWN, _ALL_BOXES if box is None else str(box)),
                )
                for partition in asked
            ]
            down_to: dict[int, int] = {}
            replies = await self._store.calls(tenant, works, bulk=limit > _LONG)
            for partition, reply in zip(asked, replies, strict=True):
                for index in range(1, len(reply), 2):
                    conversation, time = int(reply[index]), int(reply[index + 1])
                    times[conversation] = max(time, times.get(conversation, 0))
                if reply[0] and share < limit:
                    down_to[partition] = reply[0]
            ranked = sorted(times.items(), key=lambda row: (-row[1], row[0]))
            last = ranked[limit - 1][1] if len(ranked) >= limit else 0
            asked, share = [partition for partition, time in down_to.items() if time > last], limit
        return [row for row in ranked if row[1] >= last]

    async def one(self, tenant: Tenant, user: UserKey, identity: str) -> Overview | None:
        """The row of one conversation; none when the user is shown nothing of it."""
        arguments = (user.number, SHOWN, "shown", "identity", identity)
        reply = await self._store.call(tenant, scripts.HEADS, partition_of(bucket_of(identity)), *arguments)
        return self._overview(tenant, user, reply[0]) if reply else None

    async def whole(self, tenant: Tenant, user: UserKey, identities: Sequence[str]) -> Sequence[Overview | None]:
        """The rows of conversations, as far as there are such and the user may look into them."""
        by_partition: dict[int, list[str]] = {}
        for identity in identities:
            by_partition.setdefault(partition_of(bucket_of(identity)), []).append(identity)
        works: list[Work] = []
        for partition, group in by_partition.items():
            for start in range(0, len(group), _DETAILS_AT_ONCE):
                some = group[start : start + _DETAILS_AT_ONCE]
                works.append((scripts.HEADS, partition, (user.number, SHOWN, "whole", "identity", *some)))
        found: dict[str, Overview] = {}
        for reply in await self._store.calls(tenant, works, bulk=len(identities) > _LONG):
            for row in reply:
                found[row[1].decode()] = self._overview(tenant, user, row)
        return [found.get(identity) for identity in identities]

    async def changed(self, tenant: Tenant, user: UserKey, since: int, limit: int) -> Sequence[Change]:
        """What changed in a user's lists after a time, of each list in each partition the latest `limit`."""
        works: list[Work] = [
            (scripts.CHANGED, partition, (user.number, since, SHOWN, limit)) for partition in range(PARTITIONS)
        ]
        found: list[Change] = []
        for messages, others in await self._store.calls(tenant, works):
            for conversation, identity, time, is_new in zip(*(messages[field::4] for field in range(4)), strict=True):
                parties = parties_of(identity.decode())
                found.append(Change(conversation, parties, time, "message", is_new=bool(is_new)))
            for conversation, identity, time, what, station in zip(
                *(others[field::5] for field in range(5)), strict=True
            ):
                parties = parties_of(identity.decode())
                found.append(Change(conversation, parties, time, _CHANGES[what], station.decode()))
        return sorted(found, key=lambda change: change.time)

    async def unread(self, tenant: Tenant, user: UserKey) -> int:
        """How many unread messages a user has in the latest conversations."""
        works: list[Work] = [
            (scripts.COUNT_UNREAD, partition, (user.number, COUNTED_CONVERSATIONS)) for partition in range(PARTITIONS)
        ]
        return sum(await self._store.calls(tenant, works))

    async def _details(
        self, tenant: Tenant, user: UserKey, conversations: Sequence[int], whole: bool
    ) -> dict[int, Overview]:
        by_partition: dict[int, list[int]] = {}
        for conversation in conversations:
            by_partition.setdefault(partition_of(conversation_bucket(conversation)), []).append(conversation)
        works: list[Work] = []
        for partition, group in by_partition.items():
            for start in range(0, len(group), _DETAILS_AT_ONCE):
                some = group[start : start + _DETAILS_AT_ONCE]
                arguments: list[Argument] = [user.number, SHOWN, "whole" if whole else "shown", *some]
                works.append((scripts.HEADS, partition, arguments))
        found = {}
        for reply in await self._store.calls(tenant, works, bulk=len(conversations) > _LONG):
            for row in reply:
                overview = self._overview(tenant, user, row)
                found[overview.conversation] = overview
        return found

    def _overview(self, tenant: Tenant, user: UserKey, row: Any) -> Overview:
        conversation, identity, packed, sequence, record, unread, read, is_new, box, marks, *rest = row
        parties = parties_of(identity.decode())
        last = self._store.messages(tenant, conversation, [sequence, record])[0] if record is not None else None
        time, clears, floor, reports = rest or (0, 0, 0, 0)
        return Overview(
            conversation=conversation,
            time=last.time if last is not None else time,
            peer=None if isinstance(parties, int) else _peer(parties, user.id),
            group=decode_group(packed) if packed is not None else None,
            group_number=parties if isinstance(parties, int) else None,
            last=last,
            unread=unread,
            read=read,
            is_new=bool(is_new),
            box=_BOXES[box],
            marks=_decode_marks(marks) if marks is not None else _NO_MARKS,
            epoch=clears << SEQUENCE_BITS | floor,
            reports=reports,
        )


def _peer(users: tuple[str, str], user: str) -> str:
    first, second = users
    return second if first == user else first
