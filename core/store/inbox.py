"""Conversation lists: one turn of all partitions for the rows, one for what they show."""

from collections.abc import Sequence
from typing import Any

from core.ids import bucket_of, conversation_bucket
from core.model import SHOWN, Overview, Tenant, UserKey
from core.store import scripts
from core.store.connection import Argument
from core.store.groups import decode_group
from core.store.keys import PARTITIONS, partition_of
from core.store.store import Store, Work

_DETAILS_AT_ONCE = 200


class Inbox:
    """The users' lists of conversations."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def list(self, tenant: Tenant, user: UserKey, limit: int, before: int | None) -> list[Overview]:
        """A user's newest conversations; rows of equal time stay together, so there may be more than `limit`."""
        works: list[Work] = [
            (scripts.INBOX, partition, (user.number, limit, before or 0, SHOWN)) for partition in range(PARTITIONS)
        ]
        times: dict[int, int] = {}
        for reply in await self._store.calls(tenant, works):
            for index in range(0, len(reply), 2):
                conversation, time = int(reply[index]), int(reply[index + 1])
                times[conversation] = max(time, times.get(conversation, 0))
        ranked = sorted(times.items(), key=lambda row: (-row[1], row[0]))
        if len(ranked) > limit:
            last = ranked[limit - 1][1]
            ranked = [row for row in ranked if row[1] >= last]
        found = await self._details(tenant, user, [conversation for conversation, _ in ranked])
        return [found[conversation] for conversation, _ in ranked if conversation in found]

    async def one(self, tenant: Tenant, user: UserKey, identity: str) -> Overview | None:
        """The row of one conversation; none when the user is shown nothing of it."""
        reply = await self._store.call(
            tenant, scripts.HEADS, partition_of(bucket_of(identity)), user.number, SHOWN, "identity", identity
        )
        return self._overview(tenant, user, reply[0]) if reply else None

    async def _details(self, tenant: Tenant, user: UserKey, conversations: Sequence[int]) -> dict[int, Overview]:
        by_partition: dict[int, list[int]] = {}
        for conversation in conversations:
            by_partition.setdefault(partition_of(conversation_bucket(conversation)), []).append(conversation)
        works: list[Work] = []
        for partition, group in by_partition.items():
            for start in range(0, len(group), _DETAILS_AT_ONCE):
                arguments: list[Argument] = [user.number, SHOWN, *group[start : start + _DETAILS_AT_ONCE]]
                works.append((scripts.HEADS, partition, arguments))
        found = {}
        for reply in await self._store.calls(tenant, works):
            for row in reply:
                overview = self._overview(tenant, user, row)
                found[overview.conversation] = overview
        return found

    def _overview(self, tenant: Tenant, user: UserKey, row: Any) -> Overview:
        conversation, identity, packed, sequence, record = row
        text = identity.decode()
        last = self._store.messages(tenant, conversation, [sequence, record])[0]
        if text.startswith("g"):
            group = decode_group(packed) if packed is not None else None
            return Overview(conversation, last.time, None, group, int(text[1:]), last)
        return Overview(conversation, last.time, _peer(text, user.id), None, None, last)


def _peer(identity: str, user: str) -> str:
    first, second = identity[1:].split("\0")
    return second if first == user else first
