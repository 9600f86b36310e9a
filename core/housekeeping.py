"""What a worker does beside answering requests: chores, again and again. Every worker runs all of them; what must not be
done twice, their scripts share out."""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from core.errors import StaleTenant, is_away

INTERVAL_SECONDS = 1.0
"""Between two looks while there is nothing to do."""
CHORE_SECONDS = 5.0
"""After which one round of a chore is cut off, so that it does not hold up the others."""
_PAUSE_SECONDS = 0.02

_log = logging.getLogger(__name__)


class Chore(Protocol):
    """Something to be done now and then. What is left of a round that was cut off, a later one does."""

    async def round(self) -> bool:
        """Do a bounded piece; whether something was done, so that there may be more."""
        ...


class Housekeeping:
    """The chores of one worker."""

    def __init__(self, chores: Sequence[Chore]) -> None:
        self._chores = deque(chores)

    async def run(self) -> None:
        """Do the chores until cancelled."""
        while True:
            more = await self.round()
            await asyncio.sleep(_PAUSE_SECONDS if more else INTERVAL_SECONDS)

    async def round(self) -> bool:
        """One round of each chore; whether one of them did something. While the store is away nothing more is tried, and
        nothing said: requests say it."""
        more = False
        for _ in range(len(self._chores)):
            chore = self._chores[0]
            self._chores.rotate(-1)  # after a round that ended early, the next begins with another one
            try:
                async with asyncio.timeout(CHORE_SECONDS):
                    more |= await chore.round()
            except StaleTenant:
                pass  # it was changed just now: the next round sees it
            except Exception as problem:  # noqa: BLE001  # one chore must not end the others
                if is_away(problem):
                    return False
                _log.exception("chore %s failed", type(chore).__name__)
        return more
