"""The store's side of a backup beside the tenants' keys: events, and writing what a file holds."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

from core.errors import Failure, Kind
from core.model import Tenant
from core.store import scripts
from core.store.backup_file import Part
from core.store.connection import Argument
from core.store.erasures import Erasure, encode_erasure
from core.store.keys import PARTITIONS, TAGS, system_key
from core.store.store import Store
from core.store.tenants import TenantStore

_EVENTS_AT_ONCE = 200
_PARTS_AT_ONCE = 100
_BYTES_AT_ONCE = 4 << 20
_STREAMS = ("outbox", "outbox:dead")


class Restoring:
    """Reads the streams of events, and writes parts."""

    def __init__(self, store: Store, tenants: TenantStore) -> None:
        self._store = store
        self._tenants = tenants
        self._waiting: list[Part] = []
        self._bytes = 0

    async def events(self) -> AsyncIterator[Part]:
        """What no consumer has taken yet, and what was given up."""
        for partition in range(PARTITIONS):
            for name in _STREAMS:
                key, after = system_key(name, partition), "-"
                while rows := await self._store.command(partition, "XRANGE", key, after, "+", "COUNT", _EVENTS_AT_ONCE):
                    for place, fields in rows:
                        yield Part(partition, _name(key), "x", (place, *fields))
                    after = f"({rows[-1][0].decode()}"

    def retired(self, tenant: Tenant) -> Iterator[Part]:
        """A generation of which parts were written and which has ended: it is reclaimed where they are restored."""
        field, note = f"{tenant.number}:{tenant.generation}", f"{tenant.version + 1} 0"
        yield Part(0, _name(system_key("tenants:retired")), "h", (field.encode(), note.encode()))

    def erasure(self, erasure: Erasure) -> Part:
        """An erasure that is under way."""
        return Part(0, _name(system_key("erasures")), "h", (erasure.field.encode(), encode_erasure(erasure)))

    async def is_empty(self) -> bool:
        """Whether there is nothing in the store but the version of its layout."""
        return await self._store.count_keys() <= 1

    async def reserve(self, last: int) -> None:
        """Whoever makes a tenant from here on gets a number above `last`."""
        await self._store.command(0, "SET", system_key("tenants:counter"), last)

    async def write(self, part: Part) -> None:
        """Write a part, some time before the next tenant is registered."""
        self._waiting.append(part)
        self._bytes += sum(map(len, part.content))
        if len(self._waiting) >= _PARTS_AT_ONCE or self._bytes >= _BYTES_AT_ONCE:
            await self._flush()

    async def register(self, tenant: Tenant) -> None:
        """Let a tenant be served. Raises *conflict* with reason `tenant` when its name or number is taken."""
        await self._flush()
        if not await self._tenants.add(tenant):
            raise Failure(
                Kind.CONFLICT,
                f"Somebody else made a tenant {tenant.name!r} meanwhile",
                reason="tenant",
                subject=tenant.name,
            )

    async def _flush(self) -> None:
        parts, self._waiting, self._bytes = self._waiting, [], 0
        # All of one partition go one way, so they come in order.
        done: list[Any] = await asyncio.gather(*map(self._put, parts), return_exceptions=True)
        for problem in done:
            if isinstance(problem, BaseException):
                raise problem

    async def _put(self, part: Part) -> None:
        key = f"cg{{{TAGS[part.partition]}}}".encode() + part.name
        arguments: tuple[Argument, ...] = (part.kind, part.life_ms, part.before, *part.content)
        await self._store.run_system(scripts.RESTORE, key, *arguments, partition=part.partition)


def _name(key: str) -> bytes:
    """What stands behind the hash tag."""
    return key.partition("}")[2].encode()
