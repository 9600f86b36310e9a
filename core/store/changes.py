"""Whose tokens have ended lately: what one worker writes in a stream, every worker reads about once a second."""

from time import monotonic
from typing import Protocol

from core.model import Tenant, User
from core.store.keys import system_key
from core.store.store import Store

_FRESH_SECONDS = 1.0
_ANEW_SECONDS = 60.0
"""After which nobody is believed to be unchanged: whoever changed a user may have died before it was written here."""
_KEPT = 1_000
_CHANGES = system_key("changes")


class Memory(Protocol):
    """What is told of changes."""

    def changed(self, tenant: int, generation: int, user: int, version: int) -> None:
        """Tokens of versions before this one have ended."""

    def unsure(self) -> None:
        """Anybody's may have ended."""


class UserChanges:
    """The stream of changes, and how far this worker has read it."""

    def __init__(self, store: Store, memory: Memory) -> None:
        self._store = store
        self._memory = memory
        self._last: str | None = None
        self._read_at = self._unsure_at = float("-inf")

    @property
    def fresh(self) -> bool:
        """Whether what came until a second ago is known, or can't be found out now."""
        age = monotonic() - self._read_at
        return age < _FRESH_SECONDS or not self._store.answers(0)

    async def read(self) -> None:
        """Tell the memory what came. Raises *store unavailable*."""
        before, self._read_at = self._read_at, monotonic()  # others need not ask, too
        try:
            await self._read()
        except BaseException:
            self._read_at = before
            raise

    async def _read(self) -> None:
        if self._last is None:
            rows = await self._store.command(0, "XREVRANGE", _CHANGES, "+", "-", "COUNT", 1)
            self._last = rows[0][0].decode() if rows else "0-0"
        else:
            rows = await self._store.command(0, "XRANGE", _CHANGES, f"({self._last}", "+")
            for place, (_, user, _, version) in rows:
                tenant, generation, number = user.split(b":")
                self._memory.changed(int(tenant), int(generation), int(number), int(version))
                self._last = place.decode()
        if len(rows) >= _KEPT or self._read_at - self._unsure_at >= _ANEW_SECONDS:
            # So many that some may have gone before they were read, or it is time.
            self._memory.unsure()
            self._unsure_at = self._read_at

    async def write(self, tenant: Tenant, user: User) -> None:
        """Let every worker know that older tokens of the user have ended."""
        field = f"{tenant.number}:{tenant.generation}:{user.number}"
        await self._store.command(0, "XADD", _CHANGES, "MAXLEN", "=", _KEPT, "*", "u", field, "v", user.version)
        self._memory.changed(tenant.number, tenant.generation, user.number, user.version)
