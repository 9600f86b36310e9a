"""Credentials: client id and secret for a token, tokens for a principal, and what a principal may do."""

import hmac
from typing import Any

from adapters.bodies import json_reply
from adapters.contract import Call, Reply, Request
from adapters.easemob.errors import illegal, unknown_application
from adapters.easemob.ids import application_uuid, unescape
from adapters.easemob.options import NAME
from adapters.easemob.wire import BODY_LIMIT_BYTES, integer_of, parse_object, text_of
from core.core import Core
from core.errors import Failure, Kind
from core.model import Principal, Tenant, User
from core.names import fold
from core.tenants import credentials_of

CREDENTIAL_KIND = "client"
DEFAULT_LIFETIME_SECONDS = 5_184_000
_HIGHEST_LIFETIME_SECONDS = (1 << 31) - 1
_PREFIX = "YWMt"
_MOST_TELLING = ("expired", "unknown", "malformed")


def application_of(request: Request) -> str:
    """The application that a request speaks of, `org#app`."""
    segments = request.segments
    return f"{segments[0]}#{segments[1]}" if len(segments) >= 2 else ""


def bearer(request: Request) -> str | None:
    """The token of a request; none for a missing header and for `Bearer` with nothing behind it."""
    scheme, _, token = request.headers.get("authorization", "").strip().partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def mint(core: Core, tenant: Tenant, application: str, user: User | None, lifetime_seconds: int) -> str:
    """A token for an application, or for one of its users."""
    return _PREFIX + core.tokens.mint(tenant, NAME, application, lifetime_seconds, user)


async def authenticate(call: Call) -> Principal:
    """Who is calling. An application's token is an administrator's; a user's token is that user's."""
    if not call.tenants:
        raise unknown_application()
    token = bearer(call.request)
    if token is None:
        raise Failure(Kind.UNAUTHENTICATED, "No token", reason="missing")
    application = application_of(call.request)
    known = call.core.tokens.remembered(NAME, application, token, call.tenants)
    return known or await _verify(call, application, token)


async def _verify(call: Call, application: str, token: str) -> Principal:
    reasons = {"malformed"}
    for tenant in call.tenants if token.startswith(_PREFIX) else ():
        try:
            claims = call.core.tokens.verify(tenant, token[len(_PREFIX) :])
        except Failure as failure:
            reasons.add(failure.reason)
            continue
        if claims.dialect != NAME or claims.application != application:
            reasons.add("unknown")
            continue
        try:
            user = await call.core.users.of_token(tenant, claims) if claims.user is not None else None
        except Failure as failure:
            if failure.kind is not Kind.UNAUTHENTICATED:
                raise
            reasons.add(failure.reason)
            continue
        principal = Principal(tenant, user=user.id if user else None, administrator=user is None)
        call.core.tokens.remember(NAME, application, token, principal, claims.expires, user)
        return principal
    reason = next(reason for reason in _MOST_TELLING if reason in reasons)
    raise Failure(Kind.UNAUTHENTICATED, "The token does not verify", reason=reason)


async def find_user(core: Core, tenant: Tenant, name: str) -> User | None:
    """The registered user whom this dialect calls so."""
    escaped = unescape(name)
    if escaped is not None:
        return await core.users.find(tenant, escaped)
    return await core.users.find(tenant, fold(name), folded=True)


def require_administrator(call: Call) -> None:
    """Raises what the vendor answers to a user's token where only an application's will do."""
    if not call.authenticated.administrator:
        raise Failure(Kind.UNAUTHENTICATED, "Not for users")


async def issue_token(call: Call) -> Reply:
    """`POST /token`."""
    if not call.tenants:
        raise unknown_application()
    request = parse_object(await call.body(BODY_LIMIT_BYTES))
    grant = request.get("grant_type")
    if grant is None:
        raise illegal("grant_type must be provided", "grant_type")
    if grant != "client_credentials":
        # The vendor's other grants: password, inherit, agora.
        raise Failure(
            Kind.BAD_REQUEST, "grant_type must be client_credentials", reason="grant_type", field="grant_type"
        )
    lifetime = _lifetime(request.get("ttl"))
    application = application_of(call.request)
    tenant = _tenant_of_client(call.tenants, application, request)
    body = {
        "access_token": mint(call.core, tenant, application, None, lifetime),
        # Clients fetch a token anew when half of this is over, so 0 would make them fetch for ever.
        "expires_in": lifetime or _HIGHEST_LIFETIME_SECONDS,
        "application": application_uuid(tenant.secret, application),
    }
    return json_reply(200, body)


def _lifetime(value: object) -> int:
    """Seconds; 0 for ever. Longer than 68 years is cut to that."""
    if value is None:
        return DEFAULT_LIFETIME_SECONDS
    lifetime = integer_of(value)
    if lifetime is None or lifetime < 0:
        raise illegal("ttl must be a number of seconds", "ttl")
    return min(lifetime, _HIGHEST_LIFETIME_SECONDS)


def _tenant_of_client(tenants: tuple[Tenant, ...], application: str, request: dict[str, Any]) -> Tenant:
    """The tenant whose credential this is: several may own the application's name."""
    name, secret = text_of(request.get("client_id")), text_of(request.get("client_secret"))
    if name is None:
        raise Failure(Kind.BAD_REQUEST, "client_id does not match", reason="grant", field="client_id")
    is_known = False
    for tenant in tenants:
        for credential in credentials_of(tenant, NAME, application, CREDENTIAL_KIND):
            if hmac.compare_digest(credential.name.encode(), name.encode()):
                is_known = True
                if secret is not None and hmac.compare_digest(credential.secret.encode(), secret.encode()):
                    return tenant
    field = "client_secret" if is_known else "client_id"
    raise Failure(Kind.BAD_REQUEST, f"{field} does not match", reason="grant", field=field)
