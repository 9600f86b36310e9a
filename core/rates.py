"""Use cases of rates: how often something may happen in a tenant."""

from collections.abc import Sequence

import msgspec

from core.clock import Clock
from core.model import Tenant
from core.store import scripts
from core.store.connection import Argument
from core.store.keys import partition_of
from core.store.store import Store


class Bucket(msgspec.Struct, frozen=True):
    """A token bucket: it holds `count` tokens at first, and fills from empty to full in `period_ms`."""

    name: str
    count: int
    period_ms: int


class Rates:
    """The token buckets of all tenants, shared by all workers. What is full again is forgotten after ten minutes."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def take(self, tenant: Tenant, buckets: Sequence[Bucket], count: int = 1) -> tuple[Bucket, int] | None:
        """Take so many tokens from each of these buckets, or none at all: then the first bucket that has too few, and how long
        until it has enough (ms). More than a bucket holds are never there."""
        arguments: list[Argument] = [self._clock.now(), count]
        for bucket in buckets:
            arguments += (bucket.name, bucket.count, bucket.period_ms)
        partition = partition_of(tenant.number)
        place, wait = await self._store.call(tenant, scripts.TAKE_TOKENS, partition, *arguments)
        return (buckets[place - 1], wait) if place else None
