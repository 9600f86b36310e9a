"""What a user has of a conversation: how far it is read, the box it lies in, notes, the floor below which it is cleared."""

from collections.abc import Mapping
from typing import Any

import msgspec

from core.ids import bucket_of
from core.model import SHOWN, Box, Tenant, UserKey
from core.store import scripts
from core.store.connection import Argument
from core.store.keys import partition_of
from core.store.log import outbox_bound
from core.store.store import Store

_EVERYTHING = -1
_GOES_ON = 2
_USERS_AT_ONCE = 50
_MAXIMUM_STEPS = 1 << 17
"""A call moves the position by 4,096 messages; a log has less than 2^29."""

_encode = msgspec.msgpack.Encoder().encode


class States:
    """The users' side of conversations."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def move(
        self, tenant: Tenant, user: UserKey, identity: str, what: str, up_to: int | None, now: int, told: bool,
        station: str,
    ) -> bool:  # fmt: skip
        """Move a position (`read`, `delivered`, `seen`) forward; false when nothing moved."""
        arguments: list[Argument] = [
            now,
            identity,
            user.number,
            _EVERYTHING if up_to is None else max(up_to, 0),
            what,
            1 if told else 0,
            outbox_bound(tenant),
            station,
        ]
        for _ in range(_MAXIMUM_STEPS):
            conversation, reached, asked = await self._call(tenant, scripts.READ, identity, *arguments)
            if reached == asked:
                return bool(conversation) and reached >= 0
            arguments[3] = asked
        return False

    async def put(self, tenant: Tenant, user: UserKey, identity: str, box: Box, now: int, station: str) -> bool:
        """Put a conversation into a box; false for an unknown one."""
        return bool(await self._call(tenant, scripts.BOX, identity, identity, user.number, str(box), now, station))

    async def put_for_all(self, tenant: Tenant, identity: str, box: Box, now: int) -> bool:
        """Put a conversation into a box of everybody's; false for an unknown one."""
        users = await self._call(tenant, scripts.LISTED, identity, identity)
        works = [
            (scripts.BOX, partition_of(bucket_of(identity)), (identity, user, str(box), now, "", 1))
            for user in users or ()
        ]
        for start in range(0, len(works), _USERS_AT_ONCE):
            await self._store.calls(tenant, works[start : start + _USERS_AT_ONCE], bulk=True)
        return users is not None

    async def mark(
        self, tenant: Tenant, user: UserKey, identity: str, changes: Mapping[str, object], now: int, station: str
    ) -> bool:
        """Change notes, taking away those that are none; false for an unknown conversation."""
        arguments: list[Argument] = [now, station]
        for name, value in changes.items():
            arguments += (name, b"" if value is None else _encode(value))
        return bool(await self._call(tenant, scripts.MARK, identity, identity, user.number, *arguments))

    async def clear(self, tenant: Tenant, user: UserKey, identity: str) -> bool:
        """Set the floor at the head; false for an unknown conversation."""
        return bool(await self._call(tenant, scripts.CLEAR, identity, identity, user.number, "", SHOWN))

    async def clear_before(self, tenant: Tenant, user: UserKey, identity: str, time: int) -> bool:
        """Set the floor below the last live message of before a time; false for an unknown conversation."""
        for _ in range(_MAXIMUM_STEPS):
            done = await self._call(tenant, scripts.CLEAR, identity, identity, user.number, time, SHOWN)
            if done != _GOES_ON:
                return bool(done)
        return True

    async def _call(self, tenant: Tenant, script: scripts.Script, identity: str, *arguments: Argument) -> Any:
        return await self._store.call(tenant, script, partition_of(bucket_of(identity)), *arguments)
