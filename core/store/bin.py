"""Users' bins: ids of messages by the time of deletion, in the partition of the user's number."""

from collections.abc import Sequence

from core.model import Tenant, UserKey
from core.store import scripts
from core.store.keys import partition_of
from core.store.store import Store

_AT_ONCE = 500


class BinStore:
    """The bins of all users, in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def put(self, tenant: Tenant, user: UserKey, messages: Sequence[int], now: int, bound: int) -> None:
        """Put messages into a bin; the last so many stay in it."""
        for start in range(0, len(messages), _AT_ONCE):
            arguments = (user.number, now, bound, *messages[start : start + _AT_ONCE])
            await self._store.call(tenant, scripts.PUT_IN_BIN, partition_of(user.number), *arguments)

    async def read(self, tenant: Tenant, user: UserKey, limit: int) -> list[int]:
        """The messages that were put in last, the latest first."""
        found = await self._store.call(tenant, scripts.READ_BIN, partition_of(user.number), user.number, limit)
        return [int(message) for message in found]

    async def take(self, tenant: Tenant, user: UserKey, messages: Sequence[int]) -> list[bool]:
        """Take messages out; an answer each: whether it was in."""
        found: list[bool] = []
        for start in range(0, len(messages), _AT_ONCE):
            arguments = (user.number, *messages[start : start + _AT_ONCE])
            reply = await self._store.call(tenant, scripts.TAKE_OUT_OF_BIN, partition_of(user.number), *arguments)
            found += map(bool, reply)
        return found
