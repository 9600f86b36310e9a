"""Deleting what a reset or removed tenant has left, little by little."""

from core.clock import Clock
from core.store.retired import RetiredStore

_CALLS_A_ROUND = 64


class Reclaim:
    """Deletes the keys of generations that have ended. Everything is noted in the store, so a round goes on where any worker
    stopped, also one that was killed."""

    def __init__(self, store: RetiredStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def round(self) -> bool:
        """Delete some; false when there was nothing to delete. Raises *store unavailable*."""
        retired = await self._store.any()
        if retired is None:
            return False
        for _ in range(_CALLS_A_ROUND):
            if await self._store.delete(retired, self._clock.now()):
                following = await self._store.advance(retired)
                if following is None:
                    break
                retired = following
        return True
