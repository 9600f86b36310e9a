"""Use cases of stations: what some dialects' clients name instead of a token, and who logged in there.

A station is a secret: whoever names it acts as the user who logged in there. It is looked up without a tenant, and believed only
together with the tenant in whose generation that was, and with the user as he was then: another password, deactivation,
revocation or erasure ends it as it ends tokens.
"""

import secrets
from collections.abc import Mapping, Sequence
from time import monotonic

import msgspec

from core.clock import Clock
from core.errors import Failure, Kind
from core.model import Principal, Tenant, User, UserKey
from core.names import check_name
from core.store.stations import Binding, StationStore
from core.tokens import Tokens
from core.users import Users

_FRESH_SECONDS = 1.0
_MAXIMUM_REMEMBERED = 50_000
_KEPT_LONGER_MS = 86_400_000
"""The store's clock is not the tenant's: a station is forgotten there a day after it ended."""


class Station(msgspec.Struct, frozen=True):
    """A station that somebody logged in at."""

    name: str
    user: UserKey
    binding: Binding
    principal: Principal


class Stations:
    """The stations of all tenants."""

    def __init__(self, store: StationStore, users: Users, tokens: Tokens, clock: Clock) -> None:
        self._store = store
        self._users = users
        self._tokens = tokens
        self._clock = clock
        self._remembered: dict[tuple[str, str], tuple[Binding, float]] = {}
        self._asked: dict[tuple[str, str, int, str], None] = {}

    async def bind(
        self, tenant: Tenant, dialect: str, station: str, user: User, lifetime_ms: int, notes: Mapping[str, bytes]
    ) -> None:
        """The user logs in at a station, for so long; whoever was there before is there no more. `notes` are what the dialect
        has to know of the login. Raises *bad request* with reason `name` for a station that can't be held."""
        check_name(station, "station")
        now = self._clock.now()
        binding = Binding(
            tenant.number, tenant.generation, user.id, user.number, user.version, now, now + max(lifetime_ms, 1)
        )
        await self._store.bind(dialect, station, binding, lifetime_ms + _KEPT_LONGER_MS, notes)
        self._remember(dialect, station, binding)

    async def find(self, dialect: str, station: str, tenants: Sequence[Tenant], *, anew: bool = False) -> Station:
        """Who logged in at a station, in one of these tenants. Raises *unauthenticated* with reason `station` when nobody did,
        or that has ended. What is remembered is a second old at most; nothing is with `anew`."""
        known = self._remembered.get((dialect, station)) if not anew else None
        if known is not None and monotonic() - known[1] < _FRESH_SECONDS:
            try:
                return await self._believed(dialect, station, tenants, known[0])
            except Failure as failure:
                if failure.kind is not Kind.UNAUTHENTICATED:
                    raise
        binding, _ = await self._store.read(dialect, station)
        if binding is None:
            self._remembered.pop((dialect, station), None)
            raise _unknown()
        self._remember(dialect, station, binding)
        return await self._believed(dialect, station, tenants, binding)

    async def notes(self, dialect: str, station: Station, *names: str) -> list[bytes | None]:
        """What was noted of a station under these names."""
        binding, notes = await self._store.read(dialect, station.name, *names)
        return notes if binding == station.binding else [None] * len(names)

    async def note(
        self, dialect: str, station: Station, name: str, value: bytes, *, first: bool = False
    ) -> bytes | None:
        """Note something of a station until the next login there; with `first`, unless something stands under the name. What
        stands there then, none when somebody else has logged in meanwhile."""
        return await self._store.note(dialect, station.name, station.binding, name, value, first=first)

    async def is_first(self, dialect: str, station: Station, what: str) -> bool:
        """Whether this is asked for the first time since the login at a station, of whatever worker; so that something is said of
        it once. `what` is a note's name."""
        asked = (dialect, station.name, station.binding.since, what)
        if asked in self._asked:
            return False
        if len(self._asked) >= _MAXIMUM_REMEMBERED:
            del self._asked[next(iter(self._asked))]
        self._asked[asked] = None
        own = secrets.token_bytes(8)
        return await self.note(dialect, station, what, own, first=True) == own

    async def _believed(self, dialect: str, station: str, tenants: Sequence[Tenant], binding: Binding) -> Station:
        if binding.until <= self._clock.now():
            raise _unknown()
        for tenant in tenants:
            if tenant.number == binding.tenant and tenant.generation == binding.generation:
                login = f"{station}\0{binding.number}\0{binding.since}"
                principal = self._tokens.remembered(dialect, "\0station", login, tuple(tenants))
                if principal is None:
                    principal = await self._verified(dialect, tenant, login, binding)
                return Station(station, UserKey(binding.user, binding.number), binding, principal)
        raise _unknown()

    async def _verified(self, dialect: str, tenant: Tenant, login: str, binding: Binding) -> Principal:
        user = await self._users.find(tenant, binding.user)
        if user is None or (user.number, user.version, user.active) != (binding.number, binding.version, True):
            raise _unknown()
        principal = Principal(tenant, binding.user)
        self._tokens.remember(dialect, "\0station", login, principal, binding.until, user)
        return principal

    def _remember(self, dialect: str, station: str, binding: Binding) -> None:
        if len(self._remembered) >= _MAXIMUM_REMEMBERED:
            del self._remembered[next(iter(self._remembered))]
        self._remembered[dialect, station] = (binding, monotonic())


def _unknown() -> Failure:
    return Failure(Kind.UNAUTHENTICATED, "Nobody has logged in at this station", reason="station")
