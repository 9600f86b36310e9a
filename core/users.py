"""Use cases of users: giving a name its place, registering, finding, checking a password."""

import asyncio
import hashlib
import hmac
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from core.clock import Clock
from core.errors import Failure, Kind
from core.model import Tenant, User, UserKey
from core.names import check_free, check_name, fold, is_legal
from core.store.users import UserStore

_SCRYPT = {"n": 1 << 14, "r": 8, "p": 1, "dklen": 32}
_SALT_BYTES = 16
_threads = ThreadPoolExecutor(2, "passwords")
"""Few, since each keeps the 16 MB that a hash takes."""
_ATTEMPTS = 10
_ATTEMPTS_WINDOW = 300_000

Result = TypeVar("Result")


class Users:
    """The users of all tenants."""

    def __init__(self, store: UserStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def key(self, tenant: Tenant, name: str, *, folded: bool = False) -> UserKey:
        """The place of a name, made when it has none: a number and an inbox, no profile and no credentials.

        `folded` is for dialects whose names have no case: the name finds whoever owns its folded form first. Raises a
        *bad request* failure for a name that can't be held.
        """
        return (await self.keys(tenant, (name,), folded=folded))[0]

    async def keys(self, tenant: Tenant, names: Sequence[str], *, folded: bool = False) -> list[UserKey]:
        """The places of several names, in their order; like `key`. All names are checked before the first is placed."""
        remembered = self._store.remembered(tenant, names, folded)
        if None not in remembered:
            return remembered  # type: ignore[return-value]  # none is missing
        for name in names:
            check_name(name, "user")
        return await self._store.keys(tenant, names, folded)

    async def known_key(self, tenant: Tenant, name: str, *, folded: bool = False) -> UserKey | None:
        """The place of a name that has one already; none is made."""
        return await self._store.known_key(tenant, name, folded)

    async def find(self, tenant: Tenant, name: str, *, folded: bool = False) -> User | None:
        """The profile of a registered user; none for a name that is unknown or only addressed."""
        key = await self._store.known_key(tenant, name, folded)
        return await self._store.profile(tenant, key) if key else None

    async def register(
        self,
        tenant: Tenant,
        name: str,
        *,
        folded: bool = False,
        password: str | None = None,
        display_name: str | None = None,
        reference: str | None = None,
    ) -> User:
        """Make a name a registered user, with the messages it was already addressed. With the `reference` of an earlier try
        (`Call.reference`) the user that it made is not in the way.

        Raises *conflict* with reason `user` when it is registered, *forbidden* with reason `reserved` for a reserved
        name, *bad request* for a name that can't be held.
        """
        check_free(name, "user")
        credential = await hash_password(password) if password is not None else None
        key = await self._store.key(tenant, name, folded)
        now = self._clock.now()
        user = User(id=key.id, number=key.number, created=now, modified=now, name=display_name)
        if not await self._store.register(tenant, user, credential, reference, folded=folded):
            raise Failure(Kind.CONFLICT, "The user exists already", reason="user", subject=name)
        return user

    async def claim(self, tenant: Tenant, name: str) -> UserKey:
        """The user whom a verified token of the app names: registered by it if need be, without a password.

        Raises *forbidden* with reason `reserved` for a reserved name, *bad request* for one that can't be held.
        """
        known = self._store.claimed(tenant, name)
        if known:
            return known
        check_free(name, "user")
        key = await self._store.key(tenant, name, False)
        now = self._clock.now()
        user = User(id=key.id, number=key.number, created=now, modified=now)
        await self._store.register(tenant, user, None, None, folded=False)
        self._store.remember_claimed(tenant, key)
        return key

    async def check_password(self, tenant: Tenant, name: str, password: str, *, folded: bool = False) -> User | None:
        """The active user whose password this is; none for a wrong one, an unknown user and a user without password. After
        10 wrong ones in 5 minutes it raises *rate limited*, with the time to wait, whatever the password."""
        key = await self._store.known_key(tenant, name, folded)
        user_id = key.id if key else fold(name)
        wait, user, credential = 0, None, None
        if is_legal(user_id):  # nobody else has a password to guess
            wait, user, credential = await self._store.attempt(tenant, user_id, _ATTEMPTS, _ATTEMPTS_WINDOW)
        if wait:
            raise Failure(Kind.RATE_LIMITED, "Too many attempts to log in", reason="login", retry_after_ms=wait)
        # An unknown name costs as much as a wrong password, so that time tells nothing.
        matches = await _in_thread(_matches, password, credential or bytes(_SALT_BYTES + 32))
        if user is None or not user.active or credential is None or not matches:
            return None
        await self._store.forgive(tenant, user_id)
        return user

    async def page(self, tenant: Tenant, after: int, limit: int) -> list[User]:
        """Registered users in order of creation, those with a number above `after`, at most `limit` (up to
        5,000)."""
        return await self._store.page(tenant, after, limit)


async def hash_password(password: str) -> bytes:
    """Salt and scrypt hash of a password, made in a thread since it takes tens of milliseconds."""
    return await _in_thread(_hash, password, os.urandom(_SALT_BYTES))


async def _in_thread(work: Callable[..., Result], *arguments: object) -> Result:
    return await asyncio.get_running_loop().run_in_executor(_threads, work, *arguments)


def _hash(password: str, salt: bytes) -> bytes:
    return salt + hashlib.scrypt(password.encode(errors="surrogatepass"), salt=salt, **_SCRYPT)


def _matches(password: str, credential: bytes) -> bool:
    return hmac.compare_digest(_hash(password, credential[:_SALT_BYTES]), credential)
