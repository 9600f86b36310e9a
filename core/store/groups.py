"""Groups' rows: profile and members, in the partition of the group's conversation; chosen ids in the partition of the id."""

from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import Any

import msgspec

from core.ids import bucket_of, group_identity
from core.model import SHOWN, Group, Member, Tenant
from core.store import scripts
from core.store.connection import Argument
from core.store.keys import partition_of
from core.store.references import reference_arguments
from core.store.store import Store

SMALL_GROUP = 32
"""Members up to which an append writes every member's inbox row; larger groups are read through their heads."""
HIGHEST_NUMBER = (1 << 31) - 1
_TRIES = 20
_DONE = ord("1")

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Group).decode


class Visibility(IntEnum):
    """How many of the earlier messages a new member sees."""

    EVERYTHING = -1
    NOTHING = 0
    LATEST = 200


class GroupStore:
    """The groups of all tenants, in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def new_number(self, tenant: Tenant) -> int:
        """A number that no group of the tenant has."""
        number: int = await self._store.call(
            tenant, scripts.COUNTER, partition_of(tenant.number), "group", 1, HIGHEST_NUMBER
        )
        return number

    async def alias(self, tenant: Tenant, dialect: str, alias: str) -> int | None:
        """The number behind an id that an app chose."""
        return await self._alias(tenant, dialect, alias, 0) or None

    async def reserve(self, tenant: Tenant, dialect: str, alias: str) -> int:
        """The number behind an id that an app chose, taken for it when it is new."""
        found = await self._alias(tenant, dialect, alias, 0)
        return found or await self._alias(tenant, dialect, alias, await self.new_number(tenant))

    async def _alias(self, tenant: Tenant, dialect: str, alias: str, number: int) -> int:
        field = f"{dialect}\0{alias}"
        found: int = await self._store.call(tenant, scripts.ALIAS, partition_of(bucket_of(field)), field, number)
        return found

    async def create(self, tenant: Tenant, group: Group, members: Sequence[Member], reference: str | None) -> bool:
        """Write a group and its members; false when the number has a group."""
        identity, partition = _place(group.number)
        arguments = (
            *reference_arguments(group.created, reference),
            identity,
            bucket_of(identity),
            _encode(group),
            SMALL_GROUP,
            SHOWN,
            1 if group.room else 0,
        )
        return bool(await self._store.call(tenant, scripts.CREATE_GROUP, partition, *arguments, *_rows(members)))

    async def read(self, tenant: Tenant, number: int, *, members: bool = True) -> tuple[Group, list[Member]] | None:
        """A group and, if wanted, its present members in the order in which they joined."""
        identity, partition = _place(number)
        reply = await self._store.call(tenant, scripts.READ_GROUP, partition, identity, 1 if members else 0)
        if reply is None:
            return None
        present = [
            Member(reply[i + 1].decode(), int(reply[i]), reply[i + 2].decode(), reply[i + 3])
            for i in range(1, len(reply), 4)
        ]
        present.sort(key=lambda member: (member.joined, member.number))
        return _decode(reply[0]), present

    async def update(self, tenant: Tenant, number: int, changes: dict[str, Any]) -> Group | None:
        """Change fields of a group's profile; none when there is no such group."""
        identity, partition = _place(number)
        for _ in range(_TRIES):
            found = await self._store.call(tenant, scripts.READ_GROUP, partition, identity, 0)
            if found is None:
                return None
            group = msgspec.structs.replace(_decode(found[0]), **changes)
            if await self._store.call(tenant, scripts.UPDATE_GROUP, partition, identity, found[0], _encode(group)):
                return group
        raise RuntimeError("a group was changed faster than it could be updated")

    async def add(
        self,
        tenant: Tenant,
        number: int,
        members: Sequence[Member],
        sees: Visibility,
        now: int,
        reference: str | None,
    ) -> list[bool] | None:
        """Add members; an answer each, none when there is no such group."""
        identity, partition = _place(number)
        arguments = (*reference_arguments(now, reference), identity, int(sees), SMALL_GROUP, SHOWN)
        reply = await self._store.call(tenant, scripts.ADD_MEMBERS, partition, *arguments, *_rows(members))
        return None if reply is None else [done == _DONE for done in reply]

    async def remove(
        self, tenant: Tenant, number: int, users: Sequence[int], now: int, reference: str | None
    ) -> list[bool] | None:
        """End memberships; an answer each, none when there is no such group."""
        identity, partition = _place(number)
        arguments = (*reference_arguments(now, reference), identity, SHOWN)
        reply = await self._store.call(tenant, scripts.REMOVE_MEMBERS, partition, *arguments, *users)
        return None if reply is None else [done == _DONE for done in reply]


def _place(number: int) -> tuple[str, int]:
    """The identity and the partition of a group's conversation."""
    identity = group_identity(number)
    return identity, partition_of(bucket_of(identity))


def _rows(members: Sequence[Member]) -> Iterator[Argument]:
    for member in members:
        yield from (member.number, member.id, member.role)


def decode_group(packed: bytes) -> Group:
    """A group from its packed profile."""
    return _decode(packed)
