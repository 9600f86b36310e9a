"""Ozeki's two chat APIs as one adapter of the gateway."""

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

import orjson

from adapters.contract import Call, Claim, ClaimKind, Reply, Request, Route
from adapters.ozeki import asked, auth, callers, client, content, errors, files, replies
from adapters.ozeki.ids import EVERY_STATION
from adapters.ozeki.options import NAME, Options
from adapters.ozeki.routes import routes
from adapters.ozeki.style import Style, style_of
from core.core import Core
from core.errors import Failure, Kind
from core.model import Application, Credential, Message, Principal, Tenant
from core.names import check_name
from core.tenants import applications_of, credentials_of

DOMAIN_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.-")


class OzekiAdapter:
    """See `adapters.contract.Adapter` for what each part is. An application is a domain, as `localhost`."""

    name = NAME
    folds_paths = True
    credential_kinds = (auth.HTTP_USER, auth.API_KEY)
    claims = (Claim(ClaimKind.QUERY, names=("srv", "api")), Claim(ClaimKind.FIXED, path="/api"))
    demo = (
        Application(
            NAME,
            "localhost",
            (
                Credential(auth.HTTP_USER, "http_user", "demo-http-password", sends=True),
                Credential(auth.API_KEY, "default", "demo-apikey"),
            ),
        ),
    )

    def __init__(self, options: Options) -> None:
        self._options = options
        self.routes: Sequence[Route] = routes(options)

    def credential(self, kind: str, name: str, secret: str) -> Credential:
        """An HTTP API user, whose name is a user's, or what chat clients log in with."""
        check_name(name, "name")
        if kind == auth.HTTP_USER and ("@" in name or ":" in name):
            raise Failure(Kind.BAD_REQUEST, "The name of an HTTP API user has no @ and no colon", reason="name")
        return Credential(kind, name, secret, sends=kind == auth.HTTP_USER)

    def check_application(self, name: str, reserved: frozenset[str]) -> None:  # noqa: ARG002
        """A domain: it is never part of a path."""
        check_name(name, "application")
        if not DOMAIN_CHARACTERS.issuperset(name):
            raise Failure(Kind.BAD_REQUEST, "A domain has a to z, digits, dots and dashes", reason="name")

    async def mint(
        self, core: Core, tenant: Tenant, application: str, user: str | None, administrator: bool, lifetime_seconds: int
    ) -> str:
        """The API key with which a user's chat client logs in: it tells nothing of the credential, which opens all users'."""
        if not credentials_of(tenant, NAME, application, auth.API_KEY):
            raise Failure(Kind.NOT_FOUND, f"No domain {application!r} with a credential apikey", reason="application")
        if user is None or administrator:
            raise Failure(Kind.BAD_REQUEST, "An API key of this dialect is a user's", field="user")
        check_name(user, "user")
        found = await core.users.find(tenant, user)
        if found is None:
            raise Failure(Kind.NOT_FOUND, f"There is no user {user!r}", reason="user", subject=user)
        return core.tokens.mint(tenant, NAME, application, lifetime_seconds, found)

    def applications(self, request: Request) -> None:  # noqa: ARG002
        """A request names no domain: its credential tells."""
        return

    def asked(self, request: Request, read: Callable[[int], Awaitable[bytes]]) -> Coroutine[Any, Any, tuple[str, Any]]:
        """What the query and the body ask for."""
        return asked.asked(request, read)

    def authenticate(self, call: Call) -> Awaitable[Principal]:
        """The HTTP API user, or the user who logged in at the chat client's station."""
        if isinstance(call.parsed, asked.Asked):
            return auth.authenticate(call, call.parsed.parameters)
        return client.authenticate(self._options, call)

    def preflight(self, request: Request) -> Reply:
        """The answer to OPTIONS: browsers ask so for chat clients."""
        if style_of(request) is Style.CLIENT:
            return replies.preflight()
        return Reply(204, b"", ((b"allow", b"GET, HEAD, OPTIONS, POST"),))

    def render_failure(
        self,
        request: Request,
        failure: Failure,
        duration_ms: int,  # noqa: ARG002
        now: int,  # noqa: ARG002
    ) -> Reply:
        """The failure in the form of the request's API and style."""
        return errors.render_failure(request, failure)

    def secrets(self, request: Request) -> Sequence[str]:
        """Passwords, and the station of a chat client."""
        station = request.headers.get(callers.STATION)
        return (*auth.secrets_in(request), *((station,) if station else ()))

    def losses(self, tenant: Tenant, message: Message) -> Sequence[str]:
        """What is lost of a message at this end."""
        return content.losses(message, files.nowhere(tenant))

    def example(self, origin: str, core: Core, tenant: Tenant) -> str:  # noqa: ARG002
        """An HTTP API user writes to user1, at all stations."""
        application = applications_of(tenant, NAME)[0]
        user = next(each for each in application.credentials if each.kind == auth.HTTP_USER)
        message = {"to_address": f"user1@{application.name}@{EVERY_STATION}", "text": "Hello"}
        body = orjson.dumps({"messages": [message]}).decode()
        return f"curl -u '{user.name}:{user.secret}' -d '{body}' '{origin}/api?action=sendmsg'"
