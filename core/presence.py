"""Use cases of presence: who is online where, and since when nobody heard of whom."""

from collections.abc import Sequence

from core.clock import Clock
from core.errors import Failure, Kind
from core.model import Presence, Tenant, UserKey
from core.names import check_name, fits
from core.store.presence import PresenceStore

MAXIMUM_STATIONS = 64
"""Of a user; with more, the one that would be over first is forgotten."""
MAXIMUM_STATUS_BYTES = 1_024


class Presences:
    """The presence of all users. It says what was said last, and only as long as that was to hold: who vanishes without a word
    is offline by then."""

    def __init__(self, store: PresenceStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def set(self, tenant: Tenant, user: UserKey, station: str, lifetime_ms: int, status: str = "") -> bool:
        """The user is online at a station (a device, a connection), for so long unless it is said again; `status` is the app's
        own word for it. True when the user was not online there before. Raises *bad request* with reason `name` for a
        station that can't be held, *too large* for a status of over 1 KB."""
        check_name(station, "station")
        if not fits(status, MAXIMUM_STATUS_BYTES):
            raise Failure(Kind.TOO_LARGE, "The status is too long", reason="status", field="status")
        now = self._clock.now()
        until = now + max(lifetime_ms, 1)
        return not await self._store.set(tenant, user, station, now, until, status, MAXIMUM_STATIONS)

    async def clear(self, tenant: Tenant, user: UserKey, station: str | None = None) -> bool:
        """The user is no longer online at a station; at none when no station is given. False when that was so before."""
        return await self._store.set(tenant, user, station or "", self._clock.now(), 0, "", MAXIMUM_STATIONS)

    async def read(self, tenant: Tenant, users: Sequence[UserKey]) -> list[Presence]:
        """The presence of several users in their order, read in one turn."""
        return await self._store.read(tenant, users, self._clock.now())
