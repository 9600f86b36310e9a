"""The gateway's own tokens, and the memory of tokens that verified.

A token is signed with a key of the tenant and needs no row in the store; rotating the tenant's key ends the tokens of
keys that are no longer listed.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256

import msgspec

from core.clock import Clock
from core.errors import Failure, Kind
from core.model import Principal, Tenant, User

_MAXIMUM_REMEMBERED = 50_000
_LONGEST_REMEMBERED = 4_096
"""Characters of a token. Whoever signs tokens chooses how long they are; one of those that are longer is verified each time."""
_SIGNATURE_BYTES = 32


class Claims(msgspec.Struct, frozen=True, array_like=True):
    """What a token of ours says. `expires` is epoch milliseconds, 0 for never; `user` (an id) absent for an app's token."""

    tenant: int
    dialect: str
    application: str
    key: str
    issued: int
    expires: int
    user: str | None = None
    user_version: int = 0
    user_number: int = 0


_Holder = tuple[int, int, int]
"""Tenant, generation, user's number."""


class Tokens:
    """Mints and verifies the gateway's own tokens; remembers what verified."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._remembered: dict[tuple[str, str, str], tuple[Principal, int, _Holder | None, int, int]] = {}
        self._versions: dict[_Holder, int] = {}
        """Of users who changed lately: which tokens have ended."""
        self._sure = 0
        """Moves when nothing that was remembered of users can be relied on any more."""

    def mint(
        self, tenant: Tenant, dialect: str, application: str, lifetime_seconds: int, user: User | None = None
    ) -> str:
        """A token for an application (or one of its users) of a tenant; `lifetime_seconds` 0 means that it never
        expires. A user's ends with the next change of password, deactivation, revocation or erasure. Base64url text without
        padding."""
        now = self._clock.now()
        key = tenant.signing_keys[0]
        claims = Claims(
            tenant.number,
            dialect,
            application,
            key.id,
            now,
            now + lifetime_seconds * 1000 if lifetime_seconds else 0,
            *((user.id, user.version, user.number) if user is not None else ()),
        )
        payload = msgspec.msgpack.encode(claims)
        return _text(_sign(key.secret, payload) + payload)

    def verify(self, tenant: Tenant, text: str) -> Claims:
        """What a token says; of a user's, `core.users.Users.of_token` knows whether it still holds. Raises *unauthenticated*
        with reason `malformed` (not a token of ours at all), `unknown` (not issued by this tenant, or with a key that ended)
        or `expired`."""
        try:
            raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
            claims = msgspec.msgpack.decode(raw[_SIGNATURE_BYTES:], type=Claims)
        except (ValueError, RecursionError, msgspec.MsgspecError):
            raise _malformed() from None
        # The decoder skips what is not Base64, so one token would have any number of spellings, each remembered by itself.
        if _text(raw) != text:
            raise _malformed()
        secrets = [key.secret for key in tenant.signing_keys if key.id == claims.key]
        if claims.tenant != tenant.number or not any(
            hmac.compare_digest(_sign(secret, raw[_SIGNATURE_BYTES:]), raw[:_SIGNATURE_BYTES]) for secret in secrets
        ):
            raise Failure(Kind.UNAUTHENTICATED, "Unknown token", reason="unknown")
        if claims.expires and claims.expires <= self._clock.now():
            raise Failure(Kind.UNAUTHENTICATED, "Expired token", reason="expired")
        return claims

    def remembered(self, dialect: str, application: str, token: str, tenants: tuple[Tenant, ...]) -> Principal | None:
        """The principal that this token verified as, if that still holds: the tenant has not changed since (a stale view of
        it is refused by every script, so nothing is done on an ended credential), the user has not, as far as was known a
        second ago, and the token has not expired."""
        found = self._remembered.get((dialect, application, token))
        if found is None:
            return None
        principal, expires, holder, version, sure = found
        if (not expires or expires > self._clock.now()) and (
            holder is None or (sure == self._sure and self._versions.get(holder, 0) <= version)
        ):
            for tenant in tenants:
                if tenant is principal.tenant:
                    return principal
        del self._remembered[dialect, application, token]
        return None

    def remember(
        self, dialect: str, application: str, token: str, principal: Principal, expires: int, user: User | None = None
    ) -> None:
        """Keep a verified token in memory until `expires` (epoch milliseconds, 0 for no end). `user` is the one whose it is, as
        read when it was verified; none for what no change of a user ends, as an administrator's."""
        if len(token) > _LONGEST_REMEMBERED:
            return
        if len(self._remembered) >= _MAXIMUM_REMEMBERED:
            del self._remembered[next(iter(self._remembered))]
        tenant = principal.tenant
        holder = (tenant.number, tenant.generation, user.number) if user is not None else None
        version = user.version if user is not None else 0
        self._remembered[dialect, application, token] = (principal, expires, holder, version, self._sure)

    def changed(self, tenant: int, generation: int, user: int, version: int) -> None:
        """Tokens that a user had before this version have ended."""
        holder = (tenant, generation, user)
        self._versions[holder] = max(version, self._versions.get(holder, 0))

    def unsure(self) -> None:
        """Any user's tokens may have ended: each is looked at anew."""
        self._versions.clear()
        self._sure += 1


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _malformed() -> Failure:
    return Failure(Kind.UNAUTHENTICATED, "Not a token", reason="malformed")


def _sign(secret: bytes, payload: bytes) -> bytes:
    return hmac.digest(secret, payload, sha256)
