"""Use cases of bins: what a user deleted for himself alone, where a dialect shows that for a while."""

from collections.abc import Sequence

from core.clock import Clock
from core.errors import check_limit
from core.model import Tenant, UserKey
from core.store.bin import BinStore

MAXIMUM_IN_BIN = 1_000
"""Messages that a bin holds; the first ones make room."""


class Bin:
    """The bins of all users. What lies in one is named by its id alone: the message may be gone since."""

    def __init__(self, store: BinStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def put(self, tenant: Tenant, user: UserKey, messages: Sequence[int]) -> None:
        """Put messages in that the user has deleted, and saw until then (`Messages.hide` says which)."""
        await self._store.put(tenant, user, messages, self._clock.now(), MAXIMUM_IN_BIN)

    async def latest(self, tenant: Tenant, user: UserKey, limit: int = MAXIMUM_IN_BIN) -> list[int]:
        """The ids of what was deleted last, the latest first. Raises *bad request* with reason `page` for a `limit` that is not
        1 to 5,000."""
        check_limit(limit)
        return await self._store.read(tenant, user, limit)

    async def take(self, tenant: Tenant, user: UserKey, messages: Sequence[int]) -> list[bool]:
        """Take messages out for good; an answer each: whether it was in."""
        return await self._store.take(tenant, user, messages)
