"""Feeds: which conversations were active in which hour."""

from collections.abc import Iterable, Sequence

from core.ids import parties_of
from core.model import Active, Tenant
from core.store import scripts
from core.store.connection import Reply
from core.store.keys import PARTITIONS
from core.store.store import Store, Work


class FeedStore:
    """The feeds of all tenants, in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def active(self, tenant: Tenant, hours: Sequence[int]) -> list[Active]:
        """Conversations that were active in one of these hours."""
        works: list[Work] = [(scripts.ACTIVE, partition, hours) for partition in range(PARTITIONS)]
        replies = await self._store.calls(tenant, works, bulk=True)
        return sorted((each for reply in replies for each in _active(reply)), key=lambda each: each.conversation)

    async def active_in(self, tenant: Tenant, partition: int, hour: int) -> list[Active]:
        """Those of one partition."""
        reply = await self._store.call(tenant, scripts.ACTIVE, partition, hour, bulk=True)
        return sorted(_active(reply), key=lambda each: each.conversation)


def _active(reply: Reply) -> Iterable[Active]:
    return (
        Active(conversation, parties_of(identity.decode()))
        for conversation, identity in zip(reply[0::2], reply[1::2], strict=True)
    )
