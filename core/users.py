"""Use cases of users: giving a name its place, registering, finding, changing, checking a password or a token."""

import asyncio
import hashlib
import hmac
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import msgspec

from core.clock import Clock
from core.errors import Failure, Kind, check_limit
from core.model import Tenant, User, UserKey
from core.names import check_free, check_name, fold, is_legal
from core.store.changes import UserChanges
from core.store.users import UserStore
from core.tokens import Claims

_SCRYPT = {"n": 1 << 14, "r": 8, "p": 1, "dklen": 32}
_SALT_BYTES = 16
_threads = ThreadPoolExecutor(2, "passwords")
"""Few, since each keeps the 16 MB that a hash takes."""
_MAXIMUM_WAITING = 200
"""Logins that wait for those threads, some seconds' worth."""
_ATTEMPTS = 10
_ATTEMPTS_WINDOW = 300_000
_PLACES = 4_096

Result = TypeVar("Result")


class Users:
    """The users of all tenants."""

    def __init__(self, store: UserStore, changes: UserChanges, clock: Clock) -> None:
        self._store = store
        self._changes = changes
        self._clock = clock
        self._waiting = 0

    async def key(self, tenant: Tenant, name: str, *, folded: bool = False) -> UserKey:
        """The place of a name, made when it has none: a number and an inbox, no profile and no credentials.

        `folded` is for dialects whose names have no case: the name finds whoever owns its folded form first. Raises a
        *bad request* failure for a name that can't be held.
        """
        names = (name,)
        return self._store.remembered(tenant, names, folded)[0] or (await self.keys(tenant, names, folded=folded))[0]

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

    async def known_keys(self, tenant: Tenant, names: Sequence[str], *, folded: bool = False) -> list[UserKey | None]:
        """The places of several names in their order, those that have one already, in one turn."""
        return await self._store.known_keys(tenant, names, folded)

    async def find(self, tenant: Tenant, name: str, *, folded: bool = False) -> User | None:
        """The profile of a registered user; none for a name that is unknown or only addressed."""
        return (await self.find_many(tenant, (name,), folded=folded))[0]

    async def find_many(self, tenant: Tenant, names: Sequence[str], *, folded: bool = False) -> list[User | None]:
        """The profiles of several users in the order of the names, read in one turn; like `find`."""
        legal = [name for name in names if is_legal(name)]
        found = dict(zip(legal, await self._store.profiles(tenant, legal, folded), strict=True))
        return [found.get(name) for name in names]

    async def register(
        self,
        tenant: Tenant,
        name: str,
        *,
        folded: bool = False,
        password: str | None = None,
        display_name: str | None = None,
        attributes: dict[str, Any] | None = None,
        leftovers: dict[str, dict[str, Any]] | None = None,
        reference: str | None = None,
        unlocked: bool = False,
    ) -> User:
        """Make a name a registered user, with the messages it was already addressed. With the `reference` of an earlier try
        (`Call.reference`) the user that it made is not in the way. `unlocked`: a login without a secret opens it, too, until
        it gets a password.

        Raises *conflict* with reason `user` when it is registered, *forbidden* with reason `reserved` for a reserved
        name, *bad request* for a name that can't be held, *too large* for a profile of over 64 KB.
        """
        check_free(tenant, name, "user")
        credential = await hash_password(password) if password is not None else None
        key = await self._store.key(tenant, name, folded)
        now = self._clock.now()
        user = User(
            id=key.id,
            number=key.number,
            created=now,
            modified=now,
            name=display_name,
            leftovers=leftovers,
            attributes=attributes,
            unlocked=unlocked and password is None,
        )
        if not await self._store.register(tenant, user, credential, reference, folded=folded):
            raise Failure(Kind.CONFLICT, "The user exists already", reason="user", subject=name)
        return user

    async def claim(self, tenant: Tenant, name: str) -> User:
        """The user whom a verified token of the app names: registered by it if need be, without a password.

        Raises *unauthenticated* with reason `inactive` for a deactivated user, *forbidden* with reason `reserved` for a
        reserved name, *bad request* for one that can't be held.
        """
        check_free(tenant, name, "user")
        user = await self.find(tenant, name)
        if user is None:
            key = await self._store.key(tenant, name, False)
            now = self._clock.now()
            user = User(id=key.id, number=key.number, created=now, modified=now)
            if not await self._store.register(tenant, user, None, None, folded=False):
                user = await self.find(tenant, name) or user  # somebody was faster
        if not user.active:
            raise _inactive(name)
        return user

    async def of_token(self, tenant: Tenant, claims: Claims) -> User:
        """The user whose verified token this is. Raises *unauthenticated* with reason `unknown` when it has ended: by another
        password, deactivation, revocation or erasure; and when it names nobody."""
        user = await self.find(tenant, claims.user) if claims.user is not None else None
        known = (user.number, user.version, user.active) if user is not None else None
        if user is None or known != (claims.user_number, claims.user_version, True):
            raise Failure(Kind.UNAUTHENTICATED, "The token has ended", reason="unknown")
        return user

    async def update(self, tenant: Tenant, name: str, change: Callable[[User], User], *, folded: bool = False) -> User:
        """Replace a profile by what `change` makes of it: display name, attributes and leftovers; everything else stays.
        `change` is called again when somebody else was faster. Raises *not found* with reason `user`, *too large* for a
        profile of over 64 KB."""
        now = self._clock.now()

        def changed(user: User) -> User:
            new = change(user)
            kept = {"name": new.name, "attributes": new.attributes, "leftovers": new.leftovers}
            return msgspec.structs.replace(user, modified=now, **kept)

        return await self._update(tenant, name, folded, changed)

    async def set_password(self, tenant: Tenant, name: str, password: str, *, folded: bool = False) -> User:
        """Give a user another password; older tokens end, no login without it opens the user any more, and who failed to log
        in too often may try again. Raises *not found* with reason `user`."""
        credential = await hash_password(password)
        return await self._end_tokens(tenant, name, folded, credential=credential)

    async def change_password(
        self, tenant: Tenant, name: str, old: str, new: str, *, folded: bool = False
    ) -> User | None:
        """Like `set_password`, for who knows the old one; none when it is wrong. Raises like `check_password`."""
        user = await self.check_password(tenant, name, old, folded=folded)
        return await self.set_password(tenant, user.id, new) if user is not None else None

    async def revoke(self, tenant: Tenant, name: str, *, folded: bool = False) -> User:
        """End all tokens that the user has. Raises *not found* with reason `user`."""
        return await self._end_tokens(tenant, name, folded)

    async def deactivate(self, tenant: Tenant, name: str, *, folded: bool = False) -> User:
        """End the user's tokens and refuse logins until activated. Raises *not found* with reason `user`."""
        return await self._end_tokens(tenant, name, folded, active=False)

    async def activate(self, tenant: Tenant, name: str, *, folded: bool = False) -> User:
        """Let a deactivated user log in again. Raises *not found* with reason `user`."""
        now = self._clock.now()

        def changed(user: User) -> User:
            return user if user.active else msgspec.structs.replace(user, active=True, modified=now)

        return await self._update(tenant, name, folded, changed)

    async def check_password(self, tenant: Tenant, name: str, password: str, *, folded: bool = False) -> User | None:
        """The user whose password this is; none for a wrong one, an unknown user and a user without password. Raises
        *unauthenticated* with reason `inactive` when the password is right, but the user deactivated, and *rate limited*
        with reason `login` and the time to wait after 10 wrong ones in 5 minutes, whatever the password; also while too many
        others wait, whoever they are."""
        if self._waiting >= _MAXIMUM_WAITING:  # or anybody could keep everybody else waiting, by names that nobody has
            raise _too_many_attempts(1_000)
        self._waiting += 1
        try:
            return await self._check_password(tenant, name, password, folded)
        finally:
            self._waiting -= 1

    async def _check_password(self, tenant: Tenant, name: str, password: str, folded: bool) -> User | None:
        key = await self._store.known_key(tenant, name, folded)
        user_id = key.id if key else fold(name)
        wait, user, credential = 0, None, None
        if is_legal(user_id):  # nobody else has a password to guess
            wait, user, credential = await self._store.attempt(tenant, user_id, _ATTEMPTS, _ATTEMPTS_WINDOW)
        if wait:
            raise _too_many_attempts(wait)
        # An unknown name costs as much as a wrong password, so that time tells nothing.
        matches = await _in_thread(_matches, password, credential or bytes(_SALT_BYTES + 32))
        if user is None or credential is None or not matches:
            return None
        await self._store.forgive(tenant, user_id)
        if not user.active:
            raise _inactive(name)
        return user

    async def is_guessed(self, tenant: Tenant, login: str, client: str, secret: str, *, right: bool) -> bool:
        """Whether the login of a program, whose secret the caller has compared, is refused whatever the secret: after 10 different
        wrong ones in 5 minutes, the same one again counting once, from this client's address. Others can use it all the same."""

        def digest(text: str) -> bytes:
            return hashlib.blake2b(text.encode(errors="replace"), key=tenant.secret, digest_size=8).digest()

        # Addresses share places, in a way that nobody can foresee: what all of them can fill is bounded.
        place = int.from_bytes(digest(client)) % _PLACES
        noted = b"" if right else digest(secret)
        return await self._store.guess(tenant, login, place, noted, _ATTEMPTS, _ATTEMPTS_WINDOW)

    async def of_number(self, tenant: Tenant, number: int) -> User | None:
        """The profile of the registered user with a number; none for a number that is nobody's, or of a name that is only
        addressed."""
        return await self._store.of_number(tenant, number)

    async def page(self, tenant: Tenant, after: int, limit: int) -> list[User]:
        """Registered users in order of creation, those with a number above `after`, at most `limit`. Raises *bad
        request* with reason `page` for a `limit` that is not 1 to 5,000."""
        check_limit(limit)
        return await self._store.page(tenant, after, limit)

    async def _end_tokens(
        self, tenant: Tenant, name: str, folded: bool, *, active: bool | None = None, credential: bytes | None = None
    ) -> User:
        now = self._clock.now()

        def changed(user: User) -> User:
            if active is not None and user.active == active:
                return user
            becomes = user.active if active is None else active
            unlocked = user.unlocked and credential is None
            return msgspec.structs.replace(
                user, active=becomes, version=user.version + 1, modified=now, unlocked=unlocked
            )

        user = await self._update(tenant, name, folded, changed, credential)
        # Also when nothing changed: whoever changed it may not have come this far.
        await self._changes.write(tenant, user)
        return user

    async def _update(
        self,
        tenant: Tenant,
        name: str,
        folded: bool,
        change: Callable[[User], User],
        credential: bytes | None = None,
    ) -> User:
        user = await self._store.update(tenant, name, folded, change, credential) if is_legal(name) else None
        if user is None:
            raise Failure(Kind.NOT_FOUND, "No such user", reason="user", subject=name)
        return user


def _too_many_attempts(wait: int) -> Failure:
    return Failure(Kind.RATE_LIMITED, "Too many attempts to log in", reason="login", retry_after_ms=wait)


def _inactive(name: str) -> Failure:
    return Failure(Kind.UNAUTHENTICATED, "The user is deactivated", reason="inactive", subject=name)


async def hash_password(password: str) -> bytes:
    """Salt and scrypt hash of a password, made in a thread since it takes tens of milliseconds."""
    return await _in_thread(_hash, password, os.urandom(_SALT_BYTES))


async def _in_thread(work: Callable[..., Result], *arguments: object) -> Result:
    return await asyncio.get_running_loop().run_in_executor(_threads, work, *arguments)


def _hash(password: str, salt: bytes) -> bytes:
    return salt + hashlib.scrypt(password.encode(errors="surrogatepass"), salt=salt, **_SCRYPT)


def _matches(password: str, credential: bytes) -> bool:
    return hmac.compare_digest(_hash(password, credential[:_SALT_BYTES]), credential)
