"""`POST /token`: an application's token for its client id and secret, a user's for the password or on the application's
word, either for a token that the app signed itself; and the end of a user's tokens."""

import hmac
from typing import Any

from adapters.bodies import json_reply
from adapters.contract import Call, Reply
from adapters.easemob import agora
from adapters.easemob.auth import (
    AGORA,
    CREDENTIAL_KIND,
    DEFAULT_LIFETIME_SECONDS,
    TOKENS_SINCE,
    application_of,
    authenticate,
    bearer,
    find_user,
    may_bring,
    mint,
    require_administrator,
)
from adapters.easemob.errors import illegal, unknown_application
from adapters.easemob.ids import application_uuid, unescape
from adapters.easemob.options import NAME
from adapters.easemob.users import check_new_name, entity, subject
from adapters.easemob.wire import BODY_LIMIT_BYTES, boolean_of, integer_of, parse_object, success, text_of
from core.errors import Failure, Kind
from core.ids import USER
from core.model import Principal, Tenant, User, leftovers_of, with_leftovers
from core.names import fold
from core.tenants import credentials_of

_HIGHEST_LIFETIME_SECONDS = (1 << 31) - 1


async def issue(call: Call) -> Reply:
    """`POST /token`."""
    if not call.tenants:
        raise unknown_application()
    request = parse_object(await call.body(BODY_LIMIT_BYTES))
    grant = request.get("grant_type")
    if grant is None:
        raise illegal("grant_type must be provided", "grant_type")
    lifetime = _lifetime(request.get("ttl"))
    if grant == "client_credentials":
        tenant = _tenant_of_client(call.tenants, application_of(call.request), request)
        return _issued(call, tenant, None, "", lifetime)
    if grant == "password":
        name = _name(request)
        tenant, user = await _log_in(call, name, text_of(request.get("password")) or "")
        return _issued(call, tenant, user, name, lifetime)
    if grant == "inherit":
        call.principal = await authenticate(call)
        require_administrator(call)
        name = _name(request)
        user = await _inherited(call, name, creates=boolean_of(request.get("autoCreateUser")) is True)
        return _issued(call, call.tenant, user, name, lifetime)
    if grant == "agora":
        return await _exchanged(call)
    text = "grant_type must be client_credentials, password, inherit or agora"
    raise Failure(Kind.BAD_REQUEST, text, reason="grant_type", field="grant_type")


async def revoke(call: Call) -> Reply:
    """`POST /token/user/{user}/invalid`: all tokens of the user end, those that the app signed before this second too."""
    require_administrator(call)
    user = await subject(call)

    def change(found: User) -> User:
        return with_leftovers(found, NAME, leftovers_of(found, NAME) | {TOKENS_SINCE: call.now})

    await call.core.users.update(call.tenant, user.id, change)
    await call.core.users.revoke(call.tenant, user.id)
    return success(call, "post", call.now, {"entities": [], "data": {"result": True}})


def _issued(call: Call, tenant: Tenant, user: User | None, name: str, lifetime: int) -> Reply:
    application = application_of(call.request)
    body: dict[str, Any] = {
        "access_token": mint(call.core, tenant, application, user, lifetime),
        # Clients fetch a token anew when half of this is over, so 0 would make them fetch for ever.
        "expires_in": lifetime or _HIGHEST_LIFETIME_SECONDS,
    }
    if user is None:
        body["application"] = application_uuid(tenant.secret, application)
    else:
        call.principal = Principal(tenant, user=user.id)
        body["user"] = entity(call, user, unescape(name) is None)
    return json_reply(200, body)


async def _exchanged(call: Call) -> Reply:
    """A token of this dialect for one that the app made with its certificate; it ends when that does."""
    given = agora.read(bearer(call.request) or "")
    application = application_of(call.request)
    if given is None:
        raise _illegal_token()
    for tenant in call.tenants:
        certificates = credentials_of(tenant, NAME, application, AGORA)
        if not any(given.is_signed_by(certificate, call.now) for certificate in certificates):
            continue
        seconds = given.expires - call.now // 1000
        user = await _named(call, tenant, given.user) if given.user is not None else None
        if seconds <= 0 or (given.user is not None and (user is None or not may_bring(user, given.issued))):
            break
        call.principal = Principal(tenant, user=user.id if user else None, administrator=user is None)
        token = mint(call.core, tenant, application, user, seconds)
        return json_reply(200, {"access_token": token, "expire_timestamp": call.now + seconds * 1000})
    raise _illegal_token()


async def _named(call: Call, tenant: Tenant, name: str) -> User | None:
    """The user of such a token: by the UUID that registration answered, as the vendor documents it, or by name."""
    number = (call.core.ids(tenant).from_uuid(name) or 0) ^ USER
    for user in await call.core.users.page(tenant, number - 1, 1) if 0 < number < USER else ():
        if user.number == number:
            return user
    return await find_user(call.core, tenant, name)


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


def _name(request: dict[str, Any]) -> str:
    name = text_of(request.get("username"))
    if not name:
        raise Failure(Kind.NOT_FOUND, "User null not found", reason="entity", field="username")
    return name


async def _log_in(call: Call, name: str, password: str) -> tuple[Tenant, User]:
    """Whose password this is, and in which of the tenants with this application."""
    escaped = unescape(name)
    is_known = False
    refused: Failure | None = None
    for tenant in call.tenants:
        try:
            user = await call.core.users.check_password(
                tenant, fold(name) if escaped is None else escaped, password, folded=escaped is None
            )
        except Failure as failure:
            if failure.reason not in ("inactive", "login"):
                raise
            # Another tenant's user of this name may still be meant.
            refused = failure if failure.reason == "login" else _not_activated()
            continue
        if user is not None:
            return tenant, user
        is_known = is_known or await find_user(call.core, tenant, name) is not None
    if refused is not None:
        raise refused
    if is_known:
        raise Failure(Kind.BAD_REQUEST, "invalid password", reason="grant", field="password")
    raise _not_found()


async def _inherited(call: Call, name: str, *, creates: bool) -> User:
    """The user for whom the application vouches."""
    user = await find_user(call.core, call.tenant, name)
    if user is None:
        if not creates:
            raise _not_found()
        check_new_name(name)
        try:
            user = await call.core.users.register(call.tenant, fold(name), folded=True, reference=call.reference)
        except Failure as failure:
            if failure.kind is not Kind.CONFLICT:
                raise
            user = await find_user(call.core, call.tenant, name)  # somebody was faster
            if user is None:
                raise Failure(Kind.CONFLICT, "concurrency create app user failed") from None
    if not user.active:
        raise _not_activated()
    return user


def _illegal_token() -> Failure:
    return Failure(Kind.UNAUTHENTICATED, "token is illegal.", reason="exchange")


def _not_activated() -> Failure:
    return Failure(Kind.BAD_REQUEST, "user not activated", reason="grant")


def _not_found() -> Failure:
    return Failure(Kind.NOT_FOUND, "user not found", reason="grant")
