"""How a backup reads the keys of a tenant's generation, and writes them."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any

from core.errors import StaleTenant
from core.model import Tenant
from core.store import scripts
from core.store.backup_file import Part, parts
from core.store.connection import Argument, Reply
from core.store.scripts import Script
from core.store.store import Store
from core.store.tenants import TenantStore

_TRIES = 1_000

Write = Callable[[Part], None]


class GenerationEnded(Exception):
    """The tenant was reset or removed while it was read."""


class GenerationReader:
    """Reads one generation of a tenant. Changes of the tenant that leave the generation as it is go unnoticed."""

    def __init__(self, store: Store, tenants: TenantStore, tenant: Tenant, write: Write) -> None:
        self._store = store
        self._tenants = tenants
        self.tenant = tenant
        self.write = write
        self.prefix = f"{tenant.number}:{tenant.generation}:".encode()

    async def reload(self) -> None:
        """Take the tenant as it is now. Raises `GenerationEnded`."""
        found = (await self._tenants.numbered({self.tenant.number})).get(self.tenant.number)
        if found is None or found.generation != self.tenant.generation:
            raise GenerationEnded
        self.tenant = found

    async def call(self, script: Script, partition: int, *arguments: Argument) -> Reply:
        """What a script answers. Raises `GenerationEnded`."""
        for _ in range(_TRIES):
            try:
                return await self._store.call(self.tenant, script, partition, *arguments)
            except StaleTenant:
                await self.reload()
        raise GenerationEnded

    async def slices(self, partition: int, name: str, kind: str) -> AsyncIterator[list[tuple[bytes, bytes]]]:
        """A hash (`h`: fields and values) or a sorted set (`z`: members and scores) in pieces, whatever is in it meanwhile."""
        cursor: Argument = 0
        while True:
            cursor, found = await self.call(scripts.EXPORT_SLICE, partition, name, kind, cursor)
            yield list(zip(found[0::2], found[1::2], strict=True))
            if cursor == b"0":
                return

    def put(self, partition: int, name: str | bytes, kind: str, content: Sequence[Any], life_ms: int = 0) -> None:
        """Write a key, or some of one."""
        key = self.prefix + (name.encode() if isinstance(name, str) else name)
        for part in parts(partition, key, kind, content, life_ms):
            self.write(part)


def flat(rows: Iterable[tuple[bytes, bytes]]) -> list[bytes]:
    """The words of rows, one after the other."""
    return [word for row in rows for word in row]
