"""Who is calling as an HTTP API user: a name and a password, in the Authorization header or among the parameters.

A request names no application. A login `user@domain` names one; a bare one is that of the first tenant, in order of creation,
whose user of this name has this password.
"""

import hmac
from collections.abc import Iterator, Mapping

from adapters.contract import Call, Request
from adapters.credentials import basic_pair
from adapters.ozeki.options import NAME
from core.errors import Failure, Kind
from core.model import Application, Credential, Principal, Tenant
from core.tenants import applications_of

HTTP_USER = "http_user"
"""The kind of credential that is an HTTP API user: its name is a user's, its secret the password."""
API_KEY = "apikey"
"""The kind of credential that lets chat clients log in: the secret, a colon and the user's name are that user's key."""
_USER_NAMES = ("username", "user")
_PASSWORD_NAMES = ("password", "pass")


def login_in(parameters: Mapping[str, str]) -> tuple[str, str] | None:
    """Name and password among a request's parameters (names in lower case)."""
    user = next(filter(None, map(parameters.get, _USER_NAMES)), None)
    if user is None:
        return None
    return user, next(filter(None, map(parameters.get, _PASSWORD_NAMES)), "")


def secrets_in(request: Request) -> Iterator[str]:
    """Everything in header and query that must not be shown."""
    header = request.headers.get("authorization")
    if header:
        yield header
        yield header.partition(" ")[2].strip()
    login = basic_pair(header or "")
    if login is not None:
        yield login[1]
    for name, value in request.query.items():
        if name.lower() in _PASSWORD_NAMES:
            yield value


async def authenticate(call: Call, parameters: Mapping[str, str]) -> Principal:
    """The HTTP API user of the header, else of the parameters. Raises *unauthenticated*."""
    tokens, header = call.core.tokens, call.request.headers.get("authorization", "")
    known = tokens.remembered(NAME, "", header, call.tenants) if header else None
    if known is not None:
        return known
    login, shown = basic_pair(header), header
    if login is None:
        login = login_in(parameters)
        if login is None:
            raise _wrong_login()
        shown = "\0".join(login)
        known = tokens.remembered(NAME, "", shown, call.tenants)
        if known is not None:
            return known
    principal = await _verified(call, *login)
    tokens.remember(NAME, "", shown, principal, 0)
    return principal


async def _verified(call: Call, name: str, password: str) -> Principal:
    """The user of a login. After too many wrong passwords from an address none is right there for some minutes, but for a program
    that goes on with the one that let it in. With its domain a name is a login of its own."""
    given, counted, found = password.encode(errors="replace"), None, None
    for tenant in call.tenants:
        for application, credential in _users_of(tenant):
            if name in (credential.name, f"{credential.name}@{application.name}"):
                counted = counted or tenant
                if found is None and hmac.compare_digest(credential.secret.encode(), given):
                    found = Principal(tenant, credential.name)
    if counted is None:
        raise _wrong_login()
    is_guessed = await call.core.users.is_guessed(counted, name, call.request.client, password, right=found is not None)
    if found is None or is_guessed:
        raise _wrong_login()
    return found


def _wrong_login() -> Failure:
    return Failure(Kind.UNAUTHENTICATED, "Invalid username or password")


def domain_of(tenant: Tenant) -> str:
    """The domain of a tenant's users: its first application here."""
    return applications_of(tenant, NAME)[0].name


def _users_of(tenant: Tenant) -> Iterator[tuple[Application, Credential]]:
    for application in applications_of(tenant, NAME):
        for credential in application.credentials:
            if credential.kind == HTTP_USER:
                yield application, credential
