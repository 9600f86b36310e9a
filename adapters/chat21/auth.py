"""Who is calling: a JWT, signed with the app's secret.

The vendor verifies with a library that is given no list of algorithms, so all three HMAC ones pass, and it looks at
neither `aud` nor `iss` [observed]. Times are checked here against the tenant's clock, not by PyJWT, which reads its own.
"""

import json
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import jwt

from adapters.bodies import parse_json
from adapters.chat21.errors import foreign_timeline, mandatory
from adapters.chat21.ids import identifier
from adapters.chat21.options import NAME
from adapters.chat21.wire import truthy
from adapters.contract import Call, Request
from adapters.credentials import BY_SIGNATURE_ALONE
from core.errors import Failure, Kind
from core.model import Principal, Tenant
from core.names import is_legal
from core.tenants import applications_of, credentials_of

CREDENTIAL_KIND = "jwt"
ADMINISTRATOR = "100-APIADMIN"
"""Whom the vendor's stock deployment names in its administrator's token."""

_ALGORITHMS = ("HS256", "HS384", "HS512")
_LATEST = 1 << 53
"""The last second that is told apart: an `exp` may be any number."""
_SCHEMES = ("jwt", "bearer")
# Where the vendor does not compare the token's app with the path's; a token without an app passes there.
_UNCHECKED = frozenset({"messages.send", "groups.members.set", "groups.members.remove", "tokens.verify", "information"})


def find_token(request: Request, strict: bool = False) -> str:
    """The request's token, empty when it has none. The header wins, and a bad one there is not made good by the query.
    `strict`: as the vendor, which knows no `JWT` and no `Bearer` before it."""
    header = request.headers.get("authorization")
    if header:
        if not strict:
            scheme, _, token = header.partition(" ")
            if token and scheme.lower() in _SCHEMES:
                return token.strip()
        return header
    query = request.query
    return query.get("jwt") or query.get("JWT") or query.get("token") or ""


def secrets_in(request: Request) -> Iterator[str]:
    """Everything in a request that is a token, for redaction."""
    for value in (request.headers.get("authorization"), *map(request.query.get, ("jwt", "JWT", "token"))):
        if value:
            yield value
    yield find_token(request)


def unverified_application(request: Request) -> str | None:
    """The app that the token says it is for, for a path that names none. Nothing is trusted by this: it only says whose
    secret to try."""
    try:
        claims = jwt.decode(find_token(request), options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError):
        return None
    application = claims.get("app_id")
    return application if isinstance(application, str) and is_legal(application) else None


async def authenticate(call: Call, strict: bool) -> Principal:
    """The token's user or administrator. Raises *unauthenticated*, or *forbidden*: for a token of another app with reason
    `timeline`, for a name that nobody can take with reason `reserved`."""
    token = find_token(call.request, strict)
    application = _application(call)
    known = call.core.tokens.remembered(NAME, application, token, call.tenants)
    if known is not None:
        return known
    tenant, claims = _verified(call, application, token)
    user = claims.get("sub")
    administrator = claims.get("tiledesk_api_roles") == "admin"
    if user is None:
        if not administrator:
            raise _unauthenticated()
    elif not isinstance(user, str) or not is_legal(user):
        raise _unauthenticated()
    # All apps of a tenant are one space, and stock issuers write `tilechat` whatever the path says. A token of a foreign
    # app the vendor lets through where it does not check, and loses what was sent; here it is refused.
    own = claims.get("app_id")
    if own is None:
        if call.route.operation not in _UNCHECKED:
            raise foreign_timeline()
    elif own not in [owned.name for owned in applications_of(tenant, NAME)]:
        raise foreign_timeline()
    holder = await call.core.users.claim(tenant, user) if user is not None and not administrator else None
    principal = Principal(tenant, user, administrator)
    if own is not None:
        expires = min(claims.get("exp", 0), _LATEST)
        call.core.tokens.remember(NAME, application, token, principal, int(expires * 1000), holder)
    return principal


def acting_user(call: Call, wanted: Any, field: str) -> str:
    """The user who does this: the token's own. An administrator may name another in the body's `field`; from everybody else
    that is ignored, not refused [observed]."""
    principal = call.authenticated
    if principal.administrator and truthy(wanted):
        return identifier(wanted, field, f"{field} is not valid")
    if principal.user is None:
        raise mandatory(f"{field} is mandatory", field)
    return principal.user


def verified_claims(call: Call) -> Any:
    """All claims of the request's token, verified, as JavaScript reads them: a number beyond 64 bits is a double. Claims that
    are no JSON, which PyJWT's parser does not mind, are not shown."""
    claims = _verified(call, _application(call), find_token(call.request))[1]
    try:
        return parse_json(json.dumps(claims).encode())
    except (Failure, RecursionError):
        raise _unauthenticated() from None


def sign(now: int, secret: str, application: str, user: str, administrator: bool, lifetime_seconds: int) -> str:
    """A token as the vendor's own issuer makes it: most claims are for its message broker. Lifetime 0: without end."""
    own = [f"rabbitmq.{right}:*/*/apps.{application}.users.{user}.*" for right in ("read", "write")]
    own += [f"rabbitmq.write:*/*/apps.{application}.outgoing.users.{user}.*", "rabbitmq.configure:*/*/*"]
    claims: dict[str, Any] = {
        "jti": str(uuid4()),
        "sub": user,
        "scope": [f"rabbitmq.{right}:*/*/*" for right in ("read", "write", "configure")] if administrator else own,
        **dict.fromkeys(("client_id", "cid", "azp", "user_id"), user),
        "app_id": application,
        "iat": now // 1000,
        "aud": ["rabbitmq", user],
        "kid": "tiledesk-key",
        "tiledesk_api_roles": "admin" if administrator else "user",
    }
    if lifetime_seconds:
        claims["exp"] = now // 1000 + lifetime_seconds
    with _short_secrets():
        return jwt.encode(claims, secret, _ALGORITHMS[0])


def _application(call: Call) -> str:
    return call.parameters.get("app") or unverified_application(call.request) or ""


def _verified(call: Call, application: str, token: str) -> tuple[Tenant, dict[str, Any]]:
    """Of the tenants that share an app id, the one whose secret verifies."""
    for tenant in call.tenants:
        for credential in credentials_of(tenant, NAME, application, CREDENTIAL_KIND):
            claims = _decode(token, credential.secret)
            if claims is not None and _is_current(claims, call.now):
                return tenant, claims
    raise _unauthenticated()


def _decode(token: str, secret: str) -> dict[str, Any] | None:
    try:
        with _short_secrets():
            claims: dict[str, Any] = jwt.decode(token, secret, _ALGORITHMS, BY_SIGNATURE_ALONE)
    except (jwt.PyJWTError, ValueError):
        return None
    return claims


@contextmanager
def _short_secrets() -> Iterator[None]:
    """The vendor's default secret is shorter than the algorithm's digest, which PyJWT warns of at each use."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", jwt.InsecureKeyLengthWarning)
        yield


def _is_current(claims: dict[str, Any], now: int) -> bool:
    """Whether `exp` (may be absent) is to come and `nbf` is past; anything but a number there is no token at all."""
    expires, begins = claims.get("exp", math.inf), claims.get("nbf", 0)
    if not (_is_number(expires, "exp" in claims) and _is_number(begins, True)):
        return False
    seconds = now // 1000
    return bool(begins <= seconds < expires)


def _is_number(value: object, finite: bool) -> bool:
    if isinstance(value, float):
        return math.isfinite(value) or not finite
    return isinstance(value, int) and not isinstance(value, bool)


def _unauthenticated() -> Failure:
    return Failure(Kind.UNAUTHENTICATED, "No token that verifies")
