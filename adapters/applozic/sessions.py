"""What a login gives, and what proves it later without a row in the store: the JWT and the device key.

Both are signed with a key of the tenant's over the user's number and version, so they end with the next change of password,
deactivation, revocation or erasure, and with the tenant's generation; earlier ones stay valid beside later ones.
"""

import hmac
import os
from hashlib import blake2b
from typing import Any
from uuid import UUID

import jwt
import msgspec

from adapters.applozic.ids import user_key, user_number
from adapters.applozic.options import NAME
from adapters.credentials import BY_SIGNATURE_ALONE
from core.ids import Ids
from core.model import SigningKey, Tenant, User
from core.tokens import Claims

WEB_SECONDS = 365 * 86_400
"""The vendor's browser clients never refresh a token."""
MOBILE_SECONDS = 30 * 86_400
_FOREVER_SECONDS = 100 * 365 * 86_400
_ALGORITHM = "HS256"
_PERSON = b"device key"
_NONCE_BYTES = 8
_UUID_LENGTH = 36


class _Payload(msgspec.Struct, rename="camel"):
    """The claims of a token. Mobile clients compute its end from the creation (epoch milliseconds) and minutes."""

    application_id: str
    created_at_time: int
    valid_upto: int
    expires: int
    """Epoch milliseconds, 0 for never: what counts here."""
    user_id: str | None = None
    user_key: str = ""
    version: int = 0
    administrator: bool = False


class Session(msgspec.Struct, frozen=True):
    """What a token that verified says; `claims` are the user's, if it is one's."""

    administrator: bool
    expires: int
    claims: Claims | None


def sign(
    ids: Ids,
    tenant: Tenant,
    application: str,
    user: User | None,
    now: int,
    lifetime_seconds: int,
    administrator: bool = False,
) -> str:
    """A token as the vendor's logins give it; one without a user is the application's. Lifetime 0: without end."""
    payload = _Payload(
        application_id=application,
        created_at_time=now,
        valid_upto=-(-(lifetime_seconds or _FOREVER_SECONDS) // 60),
        expires=now + lifetime_seconds * 1000 if lifetime_seconds else 0,
        administrator=administrator,
    )
    if user is not None:
        payload.user_id, payload.user_key, payload.version = user.id, user_key(ids, user.number), user.version
    key = tenant.signing_keys[0]
    return jwt.encode(msgspec.to_builtins(payload), key.secret, _ALGORITHM, headers={"kid": key.id})


def verify(ids: Ids, tenant: Tenant, token: str, now: int) -> Session | None:
    """What a token of this tenant's says; none when it does not verify or has expired. Whether a user's still holds,
    `core.users.Users.of_token` knows."""
    payload = _payload(tenant, token)
    if payload is None or (payload.expires and payload.expires <= now):
        return None
    if payload.user_id is None:
        return Session(payload.administrator, payload.expires, None)
    number = user_number(ids, payload.user_key)
    if number is None:
        return None
    claims = Claims(
        tenant.number,
        NAME,
        payload.application_id,
        "",
        payload.created_at_time,
        payload.expires,
        payload.user_id,
        payload.version,
        number,
    )
    return Session(payload.administrator, payload.expires, claims)


def unverified_application(token: str) -> str | None:
    """The application that a token says it is for. Nothing is trusted by this: it only says whose keys to try."""
    try:
        return msgspec.convert(jwt.decode(token, options={"verify_signature": False}), _Payload).application_id
    except (jwt.PyJWTError, ValueError, RecursionError, msgspec.ValidationError):
        return None


def device_key(ids: Ids, tenant: Tenant, user: User) -> str:
    """A new device key of the user, in the shape of a UUID: 60 random bits, and 62 that prove them to be for this user."""
    nonce = _stamped(os.urandom(_NONCE_BYTES), 6, 0x0F, 0x40)
    return str(UUID(bytes=nonce + _proof(ids, tenant.signing_keys[0], user, nonce)))


def is_device_key(ids: Ids, tenant: Tenant, user: User, text: str) -> bool:
    """Whether this is a device key of the user that still holds."""
    if not user.active or len(text) != _UUID_LENGTH:
        return False
    try:
        raw = UUID(text).bytes
    except ValueError:
        return False
    nonce, proof = raw[:_NONCE_BYTES], raw[_NONCE_BYTES:]
    return any(hmac.compare_digest(_proof(ids, key, user, nonce), proof) for key in tenant.signing_keys)


def _proof(ids: Ids, key: SigningKey, user: User, nonce: bytes) -> bytes:
    # The user key has the tenant and its generation in it.
    said = nonce + f"{user_key(ids, user.number)} {user.version}".encode()
    return _stamped(blake2b(said, key=key.secret, digest_size=8, person=_PERSON).digest(), 0, 0x3F, 0x80)


def _stamped(half: bytes, index: int, kept: int, mark: int) -> bytes:
    """Half of a UUID with the bits that say what kind of one it is."""
    return half[:index] + bytes((half[index] & kept | mark,)) + half[index + 1 :]


def _payload(tenant: Tenant, token: str) -> _Payload | None:
    try:
        kid = jwt.get_unverified_header(token).get("kid")
    except (jwt.PyJWTError, ValueError, RecursionError):
        return None
    for key in tenant.signing_keys:
        if key.id == kid:
            try:
                found: dict[str, Any] = jwt.decode(token, key.secret, [_ALGORITHM], BY_SIGNATURE_ALONE)
                return msgspec.convert(found, _Payload)
            except (jwt.PyJWTError, ValueError, RecursionError, msgspec.ValidationError):
                return None
    return None
