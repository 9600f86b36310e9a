"""Applozic's HTTP API as an adapter of the gateway."""

from collections.abc import Awaitable, Sequence

import orjson

from adapters.applozic import auth, content, errors, files, sessions, wire
from adapters.applozic.options import NAME, Options
from adapters.applozic.routes import routes
from adapters.contract import Call, Claim, ClaimKind, Reply, Request, Route
from core.core import Core
from core.errors import Failure, Kind
from core.model import Application, Credential, Message, Principal, Tenant
from core.names import check_name, is_legal
from core.tenants import applications_of, credentials_of


class ApplozicAdapter:
    """See `adapters.contract.Adapter` for what each part is."""

    name = NAME
    folds_paths = False
    credential_kinds = (auth.BOT, auth.ADMINISTRATOR, auth.API_KEY)
    claims = (Claim(ClaimKind.SEGMENT, names=("rest", "v2", "files")),)
    demo = (Application(NAME, "demo-application-key", (Credential(auth.BOT, "bot", "demo-bot-password", sends=True),)),)

    def __init__(self, options: Options) -> None:
        self._options = options
        self.routes: Sequence[Route] = routes(options)

    def credential(self, kind: str, name: str, secret: str) -> Credential:
        """A bot, whose name is a user's; an administrator, whose name is an email; or a server's key."""
        check_name(name, "name")
        if ":" in name:
            raise Failure(Kind.BAD_REQUEST, "The name of a credential of this dialect has no colon", reason="name")
        return Credential(kind, name, secret, sends=kind == auth.BOT)

    def check_application(self, name: str, reserved: frozenset[str]) -> None:  # noqa: ARG002
        """Any legal name is an application key: it is never part of a path."""
        check_name(name, "application")

    async def mint(
        self, core: Core, tenant: Tenant, application: str, user: str | None, administrator: bool, lifetime_seconds: int
    ) -> str:
        """A token as a login gives it; a user's makes the name a user's. An administrator's goes where the vendor has an
        `Api-Key`, too."""
        if user is None and not administrator:
            raise Failure(Kind.BAD_REQUEST, "A token of this dialect is the application's or a user's", field="user")
        profile = await core.users.claim(tenant, user) if user is not None else None
        ids, now = core.ids(tenant), core.clock.now()
        return sessions.sign(ids, tenant, application, profile, now, lifetime_seconds, administrator)

    def applications(self, request: Request) -> Sequence[str] | None:
        """The application key of the headers, else the one that the token says; none at all where an API key tells."""
        name = auth.application_of(request)
        if name is None and auth.has_key(request):
            return None
        return (name,) if name and is_legal(name) else ()

    def authenticate(self, call: Call) -> Awaitable[Principal]:
        """The credential's user or administrator, or whom an administrator acts for."""
        return auth.authenticate(self._options, call)

    def preflight(self, request: Request) -> Reply:
        """The answer to OPTIONS."""
        return wire.preflight(request)

    def render_failure(
        self,
        request: Request,
        failure: Failure,
        duration_ms: int,  # noqa: ARG002
        now: int,
    ) -> Reply:
        """The failure in the vendor's form."""
        return errors.render_failure(request, failure, now)

    def secrets(self, request: Request) -> Sequence[str]:
        """The request's tokens, keys and passwords."""
        return auth.secrets_in(request)

    def losses(self, tenant: Tenant, message: Message) -> Sequence[str]:
        """What is lost of a message at this end."""
        return content.losses(message, files.nowhere(tenant))

    def example(self, origin: str, core: Core, tenant: Tenant) -> str:  # noqa: ARG002
        """Sends a message on behalf of user1, as the application's bot."""
        application = applications_of(tenant, NAME)[0].name
        bot = credentials_of(tenant, NAME, application, auth.BOT)[0]
        body = orjson.dumps({"to": "user2", "message": "Hi user2"}).decode()
        return (
            f"curl -X POST -H 'Content-Type: application/json' -H 'Application-Key: {application}'"
            f" -H 'Authorization: {auth.basic(bot.name, bot.secret)}' -H 'Of-User-Id: user1' -d '{body}'"
            f" '{origin}/rest/ws/message/v2/send'"
        )
