"""Generations that have ended, and the deletion of their keys."""

from typing import Self

import msgspec

from core.store import scripts
from core.store.keys import PARTITIONS, system_key, tenant_key
from core.store.store import Store

_RETIRED = system_key("tenants:retired")
_REGISTRY = system_key("tenants")
KEYS_AT_ONCE = 500
"""About how many keys one call deletes: a millisecond or so of the server's time."""
_VERSION_LIFE_MS = 86_400_000
"""How long a removed tenant's versions stay once nothing else of it is left, to refuse whoever still believes in it. A worker
does so for five minutes at most, and only while the registry does not answer (`TenantStore`); a request in hand has ended by
then, and a machine that stood still for longer finds its connections closed. A number is never used again."""


class Retired(msgspec.Struct, frozen=True):
    """A generation that has ended; partitions below `partition` hold nothing of it any more."""

    tenant: int
    generation: int
    version: int
    """The tenant's version that ended it."""
    partition: int

    @property
    def field(self) -> str:
        return f"{self.tenant}:{self.generation}"

    @property
    def note(self) -> str:
        return f"{self.version} {self.partition}"

    @classmethod
    def read(cls, field: bytes, note: bytes) -> Self:
        return cls(*map(int, field.split(b":")), *map(int, note.split()))


class RetiredStore:
    """The registry's list of generations that have ended."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def any(self) -> Retired | None:
        """One of them, whichever: so several workers mostly have different ones."""
        found = await self._store.command(0, "HRANDFIELD", _RETIRED, 1, "WITHVALUES")
        return Retired.read(*found) if found else None

    async def delete(self, retired: Retired, now: int) -> bool:
        """Delete some of its keys in its partition; true when none is left there."""
        key = tenant_key(retired.partition, retired.tenant)
        more = await self._store.run_system(
            scripts.RECLAIM,
            key,
            retired.version,
            retired.generation,
            now,
            KEYS_AT_ONCE,
            partition=retired.partition,
        )
        return not more

    async def advance(self, retired: Retired) -> Retired | None:
        """Note that the partition holds nothing of it any more. None when that was the last one, or when another worker
        has noted it."""
        following = msgspec.structs.replace(retired, partition=retired.partition + 1)
        if following.partition == PARTITIONS:
            await self._end(retired)
            return None
        noted = await self._store.run_system(scripts.RECLAIMED, _RETIRED, retired.field, retired.note, following.note)
        return following if noted else None

    async def _end(self, retired: Retired) -> None:
        if not await self._store.command(0, "HEXISTS", _REGISTRY, retired.tenant):
            for partition in range(PARTITIONS):
                await self._store.command(partition, "PEXPIRE", tenant_key(partition, retired.tenant), _VERSION_LIFE_MS)
        await self._store.run_system(scripts.RECLAIMED, _RETIRED, retired.field, retired.note, "")
