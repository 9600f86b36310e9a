"""The login that the vendor's own apps call first. It belongs to the product around the vendor's chat server, and takes that
product's token; here it takes a user's password and gives a token of this dialect.

Its path names no app: it is the one of the query's `app_id`, else the one that stock apps have written into them, or the one of
the documents. Of the tenants that own it, the one where the password is right wins.
"""

from typing import Any

from adapters.chat21 import auth
from adapters.chat21.notices import contact
from adapters.chat21.options import NAME
from adapters.chat21.wire import body_of, json_reply
from adapters.contract import Call, Reply, Request
from adapters.credentials import basic_pair, is_basic
from core.errors import Failure, Kind
from core.model import Tenant, User
from core.tenants import credentials_of

PATH = "/chat21/native/auth/createCustomToken"
_APPLICATIONS = ("tilechat", "default")
_LIFETIME_SECONDS = 30 * 86_400


def applications(request: Request) -> tuple[str, ...]:
    """The apps that a login may be for."""
    named = request.query.get("app_id")
    return (named,) if named else _APPLICATIONS


async def log_in(call: Call) -> Reply:
    """POST /chat21/native/auth/createCustomToken: with the user's id and password as HTTP's Basic credentials, or as `email` and
    `password` of the body, as the vendor's form of login has them. Raises *rate limited* after too many wrong ones."""
    name, password = _basic(call.request) or _from_body(body_of(call))
    limited: Failure | None = None
    for tenant in {tenant.number: tenant for tenant in call.tenants}.values():
        try:
            user = await call.core.users.check_password(tenant, name, password)
        except Failure as failure:
            if failure.kind is not Kind.RATE_LIMITED:
                raise
            limited = failure
            continue
        if user is not None:
            return _welcome(call, tenant, user)
    raise limited or _refused()


def _welcome(call: Call, tenant: Tenant, user: User) -> Reply:
    for application in applications(call.request):
        for credential in credentials_of(tenant, NAME, application, auth.CREDENTIAL_KIND):
            known = contact(user.id, user.name)
            token = auth.sign(call.now, credential.secret, application, user.id, False, _LIFETIME_SECONDS)
            answer = {"userid": user.id, "fullname": known.fullname, "firstname": known.firstname}
            return json_reply(200, {**answer, "lastname": known.lastname, "token": token})
    raise _refused()


def _from_body(body: dict[str, Any]) -> tuple[str, str]:
    name, password = body.get("email"), body.get("password")
    if not (isinstance(name, str) and isinstance(password, str)):
        raise _refused()
    return name, password


def _basic(request: Request) -> tuple[str, str] | None:
    header = request.headers.get("authorization", "")
    pair = basic_pair(header)
    if pair is None and is_basic(header):
        raise _refused()
    return pair


def _refused() -> Failure:
    return Failure(Kind.UNAUTHENTICATED, "Unauthorized", reason="login")
