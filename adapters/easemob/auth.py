"""Who is calling: tokens of an application and of its users, and what their bearers may do."""

from adapters.contract import Call, Request
from adapters.easemob import dynamic
from adapters.easemob.errors import unknown_application
from adapters.easemob.ids import unescape
from adapters.easemob.options import NAME
from core.core import Core
from core.errors import Failure, Kind
from core.model import Principal, Tenant, User, leftovers_of
from core.names import fold
from core.tenants import credentials_of

CREDENTIAL_KIND = "client"
AGORA = "agora"
"""An application id of the vendor's Agora realm as name, its certificate as secret."""
DEFAULT_LIFETIME_SECONDS = 5_184_000
TOKENS_SINCE = "tokens_since"
"""What is left over in a user's profile: when tokens that the app had signed ended, epoch milliseconds."""
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
    signed = dynamic.read(token)
    if signed is not None:
        return await _verify_signed(call, application, token, signed)
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


async def _verify_signed(call: Call, application: str, token: str, signed: dynamic.DynamicToken) -> Principal:
    """Who brings a token that the app signed with a client's secret."""
    for tenant in call.tenants:
        clients = credentials_of(tenant, NAME, application, CREDENTIAL_KIND)
        if signed.application != application or not any(signed.is_signed_by(client, call.now) for client in clients):
            continue
        if signed.expires <= call.now:
            raise Failure(Kind.UNAUTHENTICATED, "The token has expired", reason="expired")
        user = await find_user(call.core, tenant, signed.user)
        if user is None or not may_bring(user, signed.issued):
            break
        principal = Principal(tenant, user=user.id)
        call.core.tokens.remember(NAME, application, token, principal, signed.expires, user)
        return principal
    raise Failure(Kind.UNAUTHENTICATED, "The token does not verify", reason="unknown")


def may_bring(user: User, issued: int) -> bool:
    """Whether a token that the app signed for the user at this time (seconds) has not ended since."""
    since = leftovers_of(user, NAME).get(TOKENS_SINCE, 0)
    return bool(user.active and issued >= since // 1000)


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
