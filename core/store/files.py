"""Records of files, in the partition of their id, and which bytes are to be deleted."""

import msgspec

from core.ids import bucket_of
from core.model import StoredFile, Tenant
from core.store import scripts
from core.store.connection import Argument
from core.store.keys import partition_of, system_key
from core.store.store import Store

KNOWN_MS = 30 * 86_400_000
"""How long an expired file is still known, so that it is told from one that never was."""
_AT_ONCE = 50

encode_file = msgspec.msgpack.Encoder().encode
decode_file = msgspec.msgpack.Decoder(StoredFile).decode


class Bytes(msgspec.Struct, frozen=True):
    """Whose bytes they are. `id` is that of a file, of one that has ended, or of one that never came to be."""

    tenant: int
    generation: int
    id: str

    @property
    def row(self) -> str:
        """How scripts write it."""
        return f"{self.tenant}:{self.generation}:{self.id}"


class FileStore:
    """The files of all tenants, without their bytes.

    Bytes are written between `note` and `keep`; whoever dies in between, `ended` finds them. Bytes that nothing here speaks
    of are never touched: they may be another store's.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def note(self, tenant: Tenant, file: str, until: int) -> None:
        """Say before writing that bytes of this id may be there from now on; they go after `until` (ms) unless the file was
        kept."""
        await self._store.call(tenant, scripts.NOTE_FILE, _partition(file), file, until)

    async def keep(self, tenant: Tenant, file: StoredFile) -> bool:
        """Make it a file; false when that is too late."""
        arguments: tuple[Argument, ...] = (
            file.id,
            encode_file(file),
            "" if file.owner is None else file.owner.number,
            "" if file.expires is None else file.expires,
        )
        return bool(await self._store.call(tenant, scripts.KEEP_FILE, _partition(file.id), *arguments))

    async def find(self, tenant: Tenant, file: str) -> StoredFile | None:
        """A file by its id, expired or not."""
        (packed,) = await self._store.call(tenant, scripts.FIELDS, _partition(file), "fi", file)
        return decode_file(packed) if packed is not None else None

    async def remove(self, tenant: Tenant, file: str) -> bool:
        """End a file; false when there is none."""
        return bool(await self._store.call(tenant, scripts.REMOVE_FILE, _partition(file), file))

    async def remove_of(self, tenant: Tenant, partition: int, user: int) -> bool:
        """End some files of a user in a partition; false when there are no more."""
        return bool(await self._store.call(tenant, scripts.REMOVE_FILES_OF, partition, user, _AT_ONCE) == _AT_ONCE)

    async def ended(self, partition: int, now: int) -> list[Bytes]:
        """Some of a partition's bytes that are to be deleted now; none when there are none."""
        rows = await self._store.run_system(
            scripts.END_FILES, system_key("files", partition), now, KNOWN_MS, _AT_ONCE, partition=partition
        )
        found = [row.decode().split(":") for row in rows]
        return [Bytes(int(tenant), int(generation), file) for tenant, generation, file in found]

    async def deleted(self, partition: int, ended: list[Bytes]) -> None:
        """Forget bytes that were deleted."""
        await self._store.command(
            partition, "ZREM", system_key("files:doomed", partition), *(each.row for each in ended)
        )


def _partition(file: str) -> int:
    return partition_of(bucket_of(file))
