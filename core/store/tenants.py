"""The registry of tenants, in the system's partition, and what a worker remembers of it."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from time import monotonic

import msgspec

from core.errors import StaleTenant
from core.model import Tenant
from core.store import scripts
from core.store.keys import PARTITIONS, system_key
from core.store.packing import encode
from core.store.store import Store

_FRESH_SECONDS = 1.0
_LONGEST_SECONDS = 300.0
"""While the registry's server does not answer: for answers that need no store, and for the other servers of a cluster."""
_MAXIMUM_REMEMBERED = 10_000
_REGISTRY = system_key("tenants")

_decode = msgspec.msgpack.Decoder(Tenant).decode


class TenantStore:
    """The tenants, in the store. What `owners` gives is at most a second old while the store answers, and older views than the
    store's are refused by every script anyway."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tenants: dict[int, Tenant] = {}
        self._owners: dict[str, tuple[tuple[Tenant, ...], float]] = {}

    async def owners(self, dialect: str, application: str | None) -> tuple[Tenant, ...]:
        """The tenants that own an application name (any of the dialect for none), in order of their numbers."""
        now = monotonic()
        owned = dialect if application is None else f"{dialect}\0{application}"
        found = self._owners.get(owned)
        if found is not None:
            age = now - found[1]
            if age < _FRESH_SECONDS or (age < _LONGEST_SECONDS and not self._store.answers(0)):
                return found[0]
        numbers = await self._store.command(0, "SMEMBERS", f"{_REGISTRY}:owners:{owned}")
        tenants: tuple[Tenant, ...] = ()
        if numbers:
            packed = await self._store.command(0, "HMGET", _REGISTRY, *sorted(numbers, key=int))
            tenants = tuple(self._same(_decode(row)) for row in packed if row is not None)
        if tenants:
            if len(self._owners) >= _MAXIMUM_REMEMBERED:
                self._owners.clear()
                self._tenants.clear()
            self._owners[owned] = (tenants, now)
        else:
            self._owners.pop(owned, None)
        return tenants

    def _same(self, tenant: Tenant) -> Tenant:
        """The tenant as remembered while it has not changed, so that what was verified against it stays verified."""
        known = self._tenants.get(tenant.number)
        if known is not None and known.version == tenant.version:
            return known
        self._tenants[tenant.number] = tenant
        return tenant

    def forget(self, number: int) -> None:
        """Read this tenant anew next time."""
        self._tenants.pop(number, None)
        for key, (tenants, _) in list(self._owners.items()):
            if any(tenant.number == number for tenant in tenants):
                del self._owners[key]

    async def new_number(self) -> int:
        """A number that no tenant has or had."""
        # Repeating this after a lost answer only leaves a number out.
        number: int = await self._store.command(0, "INCR", f"{_REGISTRY}:counter")
        return number

    async def last_number(self) -> int:
        """The highest number that was taken so far."""
        return int(await self._store.command(0, "GET", f"{_REGISTRY}:counter") or 0)

    async def by_name(self, name: str) -> Tenant | None:
        """A tenant by its name."""
        number = await self._store.command(0, "HGET", f"{_REGISTRY}:names", name)
        packed = await self._store.command(0, "HGET", _REGISTRY, number) if number is not None else None
        return _decode(packed) if packed is not None else None

    async def numbered(self, numbers: Collection[int]) -> dict[int, Tenant]:
        """Tenants by their numbers, read anew; removed ones are missing."""
        if not numbers:
            return {}
        rows = await self._store.command(0, "HMGET", _REGISTRY, *numbers)
        tenants = [_decode(row) for row in rows if row is not None]
        return {tenant.number: tenant for tenant in tenants}

    async def all(self) -> list[Tenant]:
        """All tenants, in order of their numbers."""
        tenants = [_decode(packed) for packed in await self._store.command(0, "HVALS", _REGISTRY)]
        return sorted(tenants, key=lambda tenant: tenant.number)

    async def add(self, tenant: Tenant) -> bool:
        """Write a new tenant; false when its name is taken."""
        return await self._write(tenant, None, tenant)

    async def replace(self, old: Tenant, new: Tenant) -> bool:
        """Replace a tenant as read by a newer version and tell every partition; false when another was faster."""
        if not await self._write(new, old, new):
            return False
        await self._tell(new)
        return True

    async def remove(self, tenant: Tenant) -> bool:
        """Take a tenant out of the registry and refuse whoever still knows it; false when it has changed meanwhile."""
        if not await self._write(tenant, tenant, None):
            return False
        await self._tell(msgspec.structs.replace(tenant, version=tenant.version + 1))
        return True

    async def _write(self, tenant: Tenant, old: Tenant | None, new: Tenant | None) -> bool:
        before, after = _applications(old), _applications(new)
        gained = [name for name in after if name not in before]
        lost = [name for name in before if name not in after]
        ends = old is not None and (new is None or new.generation != old.generation)
        done = await self._store.run_system(
            scripts.REGISTRY,
            _REGISTRY,
            tenant.number,
            encode(old) if old else b"",
            encode(new) if new else b"",
            tenant.name,
            old.generation if old and ends else "",
            old.version + 1 if old and ends else "",
            len(gained),
            *gained,
            *lost,
        )
        return bool(done)

    async def _tell(self, tenant: Tenant) -> None:
        with suppress(StaleTenant):  # somebody changed it again meanwhile, and tells a newer version
            await self._store.calls(tenant, [(scripts.TOUCH, partition, ()) for partition in range(PARTITIONS)])
        self.forget(tenant.number)


def _applications(tenant: Tenant | None) -> Sequence[str]:
    """What a tenant is found by: its applications, and the dialects that it has some in."""
    if tenant is None:
        return []
    return [*{a.dialect: None for a in tenant.applications}, *(f"{a.dialect}\0{a.name}" for a in tenant.applications)]
