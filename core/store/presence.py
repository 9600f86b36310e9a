"""Rows of presence, one a user, in the partition of the user's number."""

from collections.abc import Sequence

import msgspec

from core.model import Presence, Tenant, UserKey
from core.store import scripts
from core.store.keys import partition_of
from core.store.store import Store, Work

_NEVER = Presence()
_decode = msgspec.msgpack.Decoder(Presence).decode


class PresenceStore:
    """The presence of all users, in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def set(
        self, tenant: Tenant, user: UserKey, station: str, now: int, until: int, status: str, most: int
    ) -> bool:
        """Note that a user is at a station until then (0: not any more, at no station for an empty one); whether the user was
        there."""
        arguments = (now, user.number, station, until, status, most)
        return bool(await self._store.call(tenant, scripts.SET_PRESENCE, partition_of(user.number), *arguments))

    async def read(self, tenant: Tenant, users: Sequence[UserKey], now: int) -> list[Presence]:
        """The presence of users at a time."""
        by_partition: dict[int, list[int]] = {}
        for user in users:
            by_partition.setdefault(partition_of(user.number), []).append(user.number)
        works: list[Work] = [
            (scripts.FIELDS, partition, ("pr", *numbers)) for partition, numbers in by_partition.items()
        ]
        found: dict[int, Presence] = {}
        for numbers, reply in zip(by_partition.values(), await self._store.calls(tenant, works), strict=True):
            for number, packed in zip(numbers, reply, strict=True):
                found[number] = presence_at(packed, now)
        return [found[user.number] for user in users]


def presence_at(packed: bytes | None, now: int) -> Presence:
    """The presence in a user's row at a time."""
    if packed is None:
        return _NEVER
    row = _decode(packed)
    stations = sorted((one for one in row.stations if one.until > now), key=lambda one: one.name)
    return Presence(row.last_seen, tuple(stations))
