"""Stations: whose they are, and what is noted of them. They lie outside all tenants, in the partition of their hash: a station
is all that some requests say of themselves."""

from collections.abc import Mapping
from hashlib import sha256

import msgspec

from core.ids import bucket_of
from core.store import scripts
from core.store.connection import Argument
from core.store.keys import partition_of, system_key
from core.store.store import Store


class Binding(msgspec.Struct, frozen=True, array_like=True):
    """Whose a station is since somebody logged in there. Times are epoch ms; `version` is the user's."""

    tenant: int
    generation: int
    user: str
    number: int
    version: int
    since: int
    until: int


_encode_binding = msgspec.msgpack.Encoder().encode
_decode_binding = msgspec.msgpack.Decoder(Binding).decode


class StationStore:
    """The stations of all tenants, in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def bind(
        self, dialect: str, station: str, binding: Binding, kept_ms: int, notes: Mapping[str, bytes]
    ) -> None:
        """Write whose a station is, in place of all that was known of it."""
        partition, key = _place(dialect, station)
        arguments: list[Argument] = [_encode_binding(binding), kept_ms]
        for name, value in notes.items():
            arguments += (name, value)
        await self._store.run_system(scripts.BIND_STATION, key, *arguments, partition=partition)

    async def read(self, dialect: str, station: str, *names: str) -> tuple[Binding | None, list[bytes | None]]:
        """Whose a station is, none when it is not known; and notes of these names."""
        partition, key = _place(dialect, station)
        packed, *notes = await self._store.command(partition, "HMGET", key, "b", *(f"n{name}" for name in names))
        return _decode_binding(packed) if packed is not None else None, notes

    async def note(
        self, dialect: str, station: str, binding: Binding, name: str, value: bytes, *, first: bool
    ) -> bytes | None:
        """Note something of a station; what stands then, none when it is bound otherwise by now."""
        partition, key = _place(dialect, station)
        arguments = (_encode_binding(binding), name, value, 1 if first else 0)
        found: bytes | None = await self._store.run_system(scripts.NOTE_STATION, key, *arguments, partition=partition)
        return found


def _place(dialect: str, station: str) -> tuple[int, str]:
    """Where it lies. Who reads the store's keys does not see the station."""
    name = sha256(f"{dialect}\0{station}".encode()).hexdigest()
    partition = partition_of(bucket_of(name))
    return partition, system_key(f"station:{name}", partition)
