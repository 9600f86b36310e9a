"""Dropping what tenants do not want kept for longer."""

from collections import deque

from core.clock import Clock
from core.errors import StaleTenant
from core.model import Tenant
from core.store.dropping import Dropping
from core.store.keys import PARTITIONS
from core.store.tenants import TenantStore

DAY_MS = 86_400_000
_LOOK_MS = 60_000
"""Between two looks at which tenants want it."""
_PAUSE_MS = 3_600_000
"""Between two walks over a partition's conversations."""
_CALLS_A_ROUND = 64


class Retention:
    """Drops the messages of tenants with `retention_days` once they are older, an hour later at the latest."""

    def __init__(self, store: Dropping, tenants: TenantStore, clock: Clock) -> None:
        self._store = store
        self._tenants = tenants
        self._clock = clock
        self._work: deque[tuple[Tenant, int]] = deque()
        self._looked = 0

    async def round(self) -> bool:
        """Drop some; false when there was nothing to drop. Raises *store unavailable*."""
        now = self._clock.now()
        if not self._work:
            if abs(now - self._looked) < _LOOK_MS:
                return False
            tenants = [tenant for tenant in await self._tenants.all() if tenant.retention_days is not None]
            self._work.extend((tenant, partition) for tenant in tenants for partition in range(PARTITIONS))
            self._looked = now
        done = False
        for _ in range(_CALLS_A_ROUND):
            if not self._work:
                break
            tenant, partition = self._work[0]
            time = now - (tenant.retention_days or 0) * DAY_MS
            try:
                more = await self._store.trim(tenant, partition, now, time, _PAUSE_MS)
            except StaleTenant:
                self._work.clear()
                self._looked = 0
                return True
            if not more:
                self._work.popleft()
            done |= more
        return done or bool(self._work)
