"""Who is calling, in every form that the vendor's clients, servers and documents use.

- `X-Authorization`: the JWT of a login, raw;
- `Apz-Token: Basic` email and password of an administrator of the application, `Authorization: Basic` a bot and its password,
  either way round: both are credentials of the application here, or users of a role that administers;
- `Authorization` or `Application-User: Basic` a user, or its user key, and the device key of a login; `Device-Key` repeats it, `Access-Token`
  repeats what the login was given, and neither says more;
- `Api-Key`: a credential's secret, alone or beside the application's key; or an administrator's token that
  `chatgateway token mint` made.

The scheme is compared without regard to case, and an empty header is none. Who administers the application, or is an agent, acts
for the user in `Of-User-Id`; of everybody else that header is ignored.
"""

import base64
import hmac
from urllib.parse import unquote

import msgspec

from adapters.applozic import sessions
from adapters.applozic.errors import no_user, not_allowed, unauthenticated
from adapters.applozic.ids import user_number
from adapters.applozic.options import NAME, Options
from adapters.applozic.profiles import ADMINISTRATORS, AGENT, USER, role_of
from adapters.applozic.wire import Fields, header
from adapters.contract import Call, Request
from adapters.credentials import basic_pair
from core.errors import Failure, Kind
from core.model import Principal, Tenant, User
from core.names import is_legal
from core.tenants import applications_of, credentials_of

BOT, ADMINISTRATOR, API_KEY = "bot", "admin", "api-key"
"""The kinds of credentials: of a bot, a user that programs send as; of an administrator, who is nobody by itself; and a server's
key."""
OF_USER = "of-user-id"
_OF_USER_PARAMETER = "ofUserId"
"""As the oldest documents have it, in the query or in the body."""
_JWT = "x-authorization"
_OLD_FORM = "apz-token"
_KEY = "api-key"
_BASIC = (_OLD_FORM, "authorization", "application-user")
_CREDENTIALS = (_JWT, *_BASIC, _KEY)
_AGENT = "\0agent"
"""What stands behind the credentials of an agent, in what is remembered of them."""
_ALSO_SECRET = ("device-key", "access-token")


class Caller(msgspec.Struct, frozen=True):
    """Whose credential verified. `profile` is a user's whose changes end it; `expires` epoch milliseconds, 0 for never."""

    user: str | None
    administrator: bool
    agent: bool = False
    """Acts for others, as every administrator does."""
    profile: User | None = None
    expires: int = 0


def application_of(request: Request) -> str | None:
    """The application that a request speaks of."""
    named = header(request, "application-key") or header(request, "apz-appid")
    if not named:
        token = header(request, _JWT) or header(request, _KEY)
        return sessions.unverified_application(token) if token else None
    return named


def has_key(request: Request) -> bool:
    """Whether a request has an API key, which tells the application where nothing else does."""
    return bool(header(request, _KEY))


async def authenticate(options: Options, call: Call) -> Principal:
    """Who is calling. Raises *unauthenticated*, *rate limited* after too many wrong passwords, and what the vendor answers to
    an unknown `Of-User-Id`."""
    request, tokens = call.request, call.core.tokens
    application, get = application_of(request) or "", request.headers.get
    # All of them, each in its place: which one verifies depends on the others.
    text, agent = "\0".join([get(name, "") for name in _CREDENTIALS]), False
    principal = tokens.remembered(NAME, application, text, call.tenants)
    if principal is None:
        principal, agent = tokens.remembered(NAME, application, text + _AGENT, call.tenants), True
    if principal is None:
        tenant, caller = await _caller_of(call, application)
        principal, agent = Principal(tenant, caller.user, caller.administrator), caller.agent
        kept = text + _AGENT if agent else text
        tokens.remember(NAME, application, kept, principal, caller.expires, caller.profile)
    named = _of_user(request) if agent or principal.administrator else ""
    if not named:
        return principal
    user = await _acted_for(options, call, principal, named)
    return Principal(principal.tenant, user, principal.administrator)


async def _caller_of(call: Call, application: str) -> tuple[Tenant, Caller]:
    """Whose credential the first header that verifies has, and in which tenant."""
    given = {name: value for name in _CREDENTIALS if (value := header(call.request, name))}
    for tenant in call.tenants:
        for name, value in given.items():
            caller = await _verified(call, tenant, application, name, value)
            if caller is not None:
                return tenant, caller
    raise unauthenticated()


def require_administrator(call: Call) -> None:
    """Raises what the vendor answers to a user where only an administrator will do."""
    if not call.authenticated.administrator:
        raise not_allowed()


def acting_user(call: Call, fields: Fields | None = None) -> str:
    """The user who does this: the caller, or whom an administrator acts for. The oldest servers name that user in a field
    `ofUserId` of the body. Raises what the vendor answers to an administrator who names nobody."""
    principal = call.authenticated
    user = principal.user
    if principal.administrator and fields is not None and not _of_user(call.request):
        user = named_user(call, fields) or user
    if user is None:
        raise not_allowed()
    return user


def named_user(call: Call, fields: Fields) -> str | None:
    """The user whom an administrator names to act for; none when it names nobody. Raises what the vendor answers for a name
    that nobody can have."""
    if _of_user(call.request):
        return call.authenticated.user
    named = fields.text(_OF_USER_PARAMETER)
    if named is not None and not is_legal(named):
        raise no_user()
    return named


def device_keys(request: Request) -> list[str]:
    """What may be a device key in a request's headers."""
    pairs = [pair for name in _BASIC if (pair := _pair(header(request, name))) is not None]
    return [key for key in (header(request, "device-key"), *(secret for _, secret in pairs)) if key]


def secrets_in(request: Request) -> list[str]:
    """Everything in a request's headers that opens something."""
    found = [value for name in (*_CREDENTIALS, *_ALSO_SECRET) if (value := header(request, name))]
    return [*found, *device_keys(request)]


def basic(name: str, secret: str) -> str:
    """A name and a secret as HTTP's Basic credentials."""
    return "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()


async def _verified(call: Call, tenant: Tenant, application: str, name: str, value: str) -> Caller | None:
    """Whose credential this header has, in this tenant; none when it does not verify."""
    if name == _JWT:
        return await _by_token(call, tenant, value)
    if name == _KEY:
        named = (application,) if application else tuple(owned.name for owned in applications_of(tenant, NAME))
        if any(_is(key.secret, value) for each in named for key in credentials_of(tenant, NAME, each, API_KEY)):
            return Caller(None, administrator=True)
        return await _by_token(call, tenant, value)
    pair = _pair(value)
    if pair is None:
        return None
    for kind in (BOT, ADMINISTRATOR):
        for credential in credentials_of(tenant, NAME, application, kind):
            if _is(credential.name, pair[0]) and _is(credential.secret, pair[1]):
                user = credential.name if kind == BOT and name != _OLD_FORM else None
                return Caller(user, administrator=True)
    return await _by_user(call, tenant, *pair)


def _is(secret: str, given: str) -> bool:
    return hmac.compare_digest(secret.encode(), given.encode(errors="replace"))


async def _by_token(call: Call, tenant: Tenant, token: str) -> Caller | None:
    session = sessions.verify(call.core.ids(tenant), tenant, token, call.now)
    if session is None:
        return None
    if session.claims is None:
        return Caller(None, session.administrator, expires=session.expires)
    if session.claims.application not in [owned.name for owned in applications_of(tenant, NAME)]:
        return None
    try:
        user = await call.core.users.of_token(tenant, session.claims)
    except Failure as failure:
        if failure.kind is not Kind.UNAUTHENTICATED:
            raise
        return None
    return _caller(user, session.expires, session.administrator)


async def _by_user(call: Call, tenant: Tenant, name: str, secret: str) -> Caller | None:
    """A user with a device key, or, where its role administers the application, with its password. Nobody else's password opens
    anything here: clients whose device key has ended go on sending it, and would use the attempts to log in up."""
    ids, users = call.core.ids(tenant), call.core.users
    user = await users.find(tenant, name)
    if user is None:
        # The oldest clients have the user's key in the place of the id.
        number = user_number(ids, name)
        user = await users.of_number(tenant, number) if number is not None else None
    if user is None:
        return None
    if sessions.is_device_key(ids, tenant, user, secret):
        return _caller(user)
    if role_of(user) not in ADMINISTRATORS:
        return None
    try:
        owner = await call.core.users.check_password(tenant, user.id, secret)
    except Failure as failure:
        if failure.kind is not Kind.UNAUTHENTICATED:
            raise
        return None
    return _caller(owner) if owner is not None else None


def _caller(user: User, expires: int = 0, administrator: bool = False) -> Caller:
    # Anybody can be a user whom a login without a password opens: a role gives it no rights.
    role = USER if user.unlocked else role_of(user)
    administers = administrator or role in ADMINISTRATORS
    return Caller(user.id, administers, not administers and role == AGENT, user, expires)


def _of_user(request: Request) -> str:
    named = header(request, OF_USER)
    if not named and _OF_USER_PARAMETER in request.query_string:
        named = request.query.get(_OF_USER_PARAMETER, "")
    return named


async def _acted_for(options: Options, call: Call, principal: Principal, named: str) -> str:
    """The user for whom an administrator, or an agent, acts. Some clients escape the name; as it stands it goes first, if anybody
    has it. An agent acts for users alone: who are registered, and administer nothing."""
    users, tenant = call.core.users, principal.tenant
    name = named
    if "%" in named and await users.known_key(tenant, named) is None:
        name = unquote(named, errors="replace")
    if not is_legal(name):
        raise no_user()
    if principal.administrator and options.unknown_users:
        return name
    user = await users.find(tenant, name)
    if user is None:
        raise no_user()
    if not principal.administrator and role_of(user) in ADMINISTRATORS:
        raise not_allowed()
    return name


def _pair(value: str) -> tuple[str, str] | None:
    """What HTTP's Basic credentials say; no user's id has a colon."""
    pair = basic_pair(value)
    return pair if pair is not None and all(pair) else None
