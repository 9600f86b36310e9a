"""Use cases of tenants: who owns which application, with which credentials."""

import os
import secrets
from collections.abc import Callable, Collection, Sequence

import msgspec

from core.clock import Clock
from core.errors import Failure, Kind
from core.model import Application, Credential, SigningKey, Tenant
from core.names import check_name
from core.store.changes import UserChanges
from core.store.tenants import TenantStore


class Tenants:
    """The registry of tenants; a worker keeps in memory what it read, and drops it when a script says it is stale."""

    def __init__(self, store: TenantStore, changes: UserChanges, clock: Clock) -> None:
        self._store = store
        self._changes = changes
        self._clock = clock

    async def owners(self, dialect: str, application: str | None) -> tuple[Tenant, ...]:
        """The tenants that own an application name (any name of the dialect for none), in order of creation; empty when
        nobody does, several when they share it and only their secrets tell them apart. What was remembered of their users'
        tokens is then at most a second old, too."""
        if not self._changes.fresh:
            await self._changes.read()
        return await self._store.owners(dialect, application)

    async def reload(self, number: int) -> None:
        """Forget what is in memory of a tenant, after `StaleTenant`."""
        self._store.forget(number)

    async def add(self, name: str, retention_days: int | None = None) -> Tenant:
        """A new tenant without applications. Raises *conflict* with reason `tenant` when the name is taken, and like
        `set_retention`."""
        check_name(name, "tenant")
        _check_retention(retention_days)
        key = SigningKey(id=secrets.token_hex(4), secret=os.urandom(32), created=self._clock.now())
        number = await self._store.new_number()
        tenant = Tenant(
            number=number, name=name, secret=os.urandom(32), signing_keys=(key,), retention_days=retention_days
        )
        if not await self._store.add(tenant):
            raise Failure(Kind.CONFLICT, f"There is a tenant {name!r} already", reason="tenant", subject=name)
        return tenant

    async def find(self, name: str) -> Tenant | None:
        """A tenant by its name, always read from the store."""
        return await self._store.by_name(name)

    async def numbered(self, numbers: Collection[int]) -> dict[int, Tenant]:
        """Tenants by their numbers, always read from the store; removed ones are missing."""
        return await self._store.numbered(numbers)

    async def list(self) -> list[Tenant]:
        """All tenants in order of creation."""
        return await self._store.all()

    async def remove(self, name: str) -> bool:
        """End a tenant: its applications answer as unknown from the next request on. Its data stays until reclaimed."""
        tenant = await self._store.by_name(name)
        return tenant is not None and await self._store.remove(tenant)

    async def add_credential(self, name: str, dialect: str, application: str, credential: Credential) -> Tenant:
        """Give a tenant an application name in a dialect (if it has not yet) and a credential that opens it; a credential of
        the same kind and name is replaced. Raises *not found* with reason `tenant`."""
        check_name(application, "application")

        def change(tenant: Tenant) -> Tenant:
            # In order of their first credentials: where a dialect has several applications, the first one keeps its place.
            owned = {(a.dialect, a.name): a for a in tenant.applications}
            own = owned.get((dialect, application))
            kept = own.credentials if own else ()
            kept = tuple(c for c in kept if (c.kind, c.name) != (credential.kind, credential.name))
            owned[dialect, application] = Application(dialect, application, (*kept, credential))
            return msgspec.structs.replace(tenant, applications=tuple(owned.values()))

        return await self._change(name, change)

    async def rotate_signing_key(self, name: str, keep: int = 1) -> Tenant:
        """Sign new tokens with a fresh key; the `keep` newest earlier keys go on verifying. Raises *not found* with reason
        `tenant`."""
        key = SigningKey(id=secrets.token_hex(4), secret=os.urandom(32), created=self._clock.now())

        def change(tenant: Tenant) -> Tenant:
            return msgspec.structs.replace(tenant, signing_keys=(key, *tenant.signing_keys[:keep]))

        return await self._change(name, change)

    async def reset(self, name: str) -> Tenant:
        """Empty a tenant: users, groups and messages are gone at once, credentials stay. Raises *not found* with reason
        `tenant`."""
        return await self._change(name, lambda t: msgspec.structs.replace(t, generation=t.generation + 1, erasures=0))

    async def count_erasure(self, name: str) -> Tenant:
        """Make all workers look names up anew. Raises *not found* with reason `tenant`."""
        return await self._change(name, lambda t: msgspec.structs.replace(t, erasures=t.erasures + 1))

    async def set_outbox(self, name: str, wanted: bool) -> Tenant:
        """Whether appends queue events for a consumer. Raises *not found* with reason `tenant`."""
        return await self._change(name, lambda t: msgspec.structs.replace(t, outbox=wanted))

    async def set_retention(self, name: str, days: int | None) -> Tenant:
        """After how many days messages are dropped, at least 1; none: never. Raises *not found* with reason `tenant`, *bad
        request* with reason `retention`."""
        _check_retention(days)
        return await self._change(name, lambda t: msgspec.structs.replace(t, retention_days=days))

    async def _change(self, name: str, change: Callable[[Tenant], Tenant]) -> Tenant:
        for _ in range(20):
            tenant = await self._store.by_name(name)
            if tenant is None:
                raise Failure(Kind.NOT_FOUND, f"There is no tenant {name!r}", reason="tenant", subject=name)
            changed = msgspec.structs.replace(change(tenant), version=tenant.version + 1)
            if await self._store.replace(tenant, changed):
                return changed
        raise Failure(Kind.CONFLICT, "The tenant is being changed by many at once", reason="tenant", subject=name)


def _check_retention(days: int | None) -> None:
    if days is not None and days < 1:
        raise Failure(Kind.BAD_REQUEST, "Messages are kept for a day at least", reason="retention")


def applications_of(tenant: Tenant, dialect: str) -> Sequence[Application]:
    """The applications that a tenant has in a dialect."""
    return [application for application in tenant.applications if application.dialect == dialect]


def credentials_of(tenant: Tenant, dialect: str, application: str, kind: str) -> Sequence[Credential]:
    """The credentials of a kind that open one of a tenant's applications; none for an application that it does not own."""
    return [
        credential
        for owned in applications_of(tenant, dialect)
        if owned.name == application
        for credential in owned.credentials
        if credential.kind == kind
    ]
