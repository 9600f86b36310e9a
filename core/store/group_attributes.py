"""Attributes of groups, and of members in groups: small texts by name."""

from collections.abc import Mapping, Sequence

import msgspec

from core.membership import Attribute
from core.model import Tenant, UserKey
from core.store import scripts
from core.store.connection import Argument
from core.store.groups import place_of, refused
from core.store.store import Store

MAXIMUM_BYTES = 8 << 10
"""What a member's own attributes in a group may take together."""
_REFUSALS = {1: "group", 2: "member"}

_decode = msgspec.msgpack.Decoder(dict[str, str]).decode
_decode_row = msgspec.msgpack.Decoder(tuple[str, str, str, bool, int]).decode


class GroupAttributes:
    """The attributes of all groups, in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def set_own(
        self, tenant: Tenant, number: int, user: UserKey, changes: Mapping[str, str | None]
    ) -> dict[str, str] | None:
        """Change a member's own; those that the member has then, none when they would take too much."""
        identity, partition = place_of(number)
        arguments = (identity, user.number, MAXIMUM_BYTES, *_changes(changes))
        reply = await self._store.call(tenant, scripts.SET_MEMBER_ATTRIBUTES, partition, *arguments)
        if isinstance(reply, bytes):
            return _decode(reply)
        if reply in _REFUSALS:
            raise refused(_REFUSALS[reply], user.id if reply == 2 else str(number))
        return None if reply else {}

    async def set(
        self,
        tenant: Tenant,
        number: int,
        user: UserKey,
        changes: Mapping[str, str | None],
        now: int,
        maximum: int,
        *,
        forced: bool,
        leaves: bool,
    ) -> list[int]:
        """Change a group's; what `set_attributes.lua` says of each."""
        identity, partition = place_of(number)
        flags = (1 if forced else 0, 1 if leaves else 0, maximum)
        arguments = (now, identity, user.number, user.id, *flags, *_changes(changes))
        reply = await self._store.call(tenant, scripts.SET_ATTRIBUTES, partition, *arguments)
        if isinstance(reply, bytes):
            raise refused(reply.decode(), user.id if reply == b"member" else str(number))
        return list(reply)

    async def read(self, tenant: Tenant, number: int, names: Sequence[str]) -> dict[str, Attribute] | None:
        """A group's attributes of these names, all without any; none when there is no such group."""
        identity, partition = place_of(number)
        reply = await self._store.call(tenant, scripts.READ_ATTRIBUTES, partition, identity, *names)
        if reply is None:
            return None
        found = {}
        for name, packed in zip(reply[0::2], reply[1::2], strict=True):
            value, owner, user, leaves, time = _decode_row(packed)
            found[name.decode()] = Attribute(value, UserKey(owner, int(user)), leaves, time)
        return found


def _changes(changes: Mapping[str, str | None]) -> list[Argument]:
    """Each change as the scripts take it: none takes away."""
    arguments: list[Argument] = []
    for name, value in changes.items():
        arguments += (0, name, "") if value is None else (1, name, value)
    return arguments
