"""Easemob's REST API as an adapter of the gateway."""

import re
from collections.abc import Awaitable, Sequence

import orjson

from adapters.contract import Call, Claim, ClaimKind, Reply, Request, Route
from adapters.easemob import auth, content, errors, files, history
from adapters.easemob.options import NAME, Options
from adapters.easemob.routes import routes
from core.core import Core
from core.errors import Failure, Kind
from core.model import Application, Credential, Message, Principal, Tenant
from core.names import check_free
from core.tenants import applications_of

_APPLICATION = re.compile(r"([A-Za-z0-9_.-]{1,64})#[A-Za-z0-9_.-]{1,64}")


class EasemobAdapter:
    """See `adapters.contract.Adapter` for what each part is. An application is `org#app`, reached under `/org/app`."""

    name = NAME
    folds_paths = False
    credential_kinds = (auth.CREDENTIAL_KIND, auth.AGORA)
    claims: Sequence[Claim] = (Claim(ClaimKind.FALLBACK),)
    demo: Sequence[Application] = (
        Application(
            NAME, "chat-demo#testapp", (Credential(auth.CREDENTIAL_KIND, "demo-client-id", "demo-client-secret"),)
        ),
    )

    def __init__(self, options: Options) -> None:
        self.routes: Sequence[Route] = routes(options)

    def credential(self, kind: str, name: str, secret: str) -> Credential:
        """A client's id and secret, or the id and the certificate of an application in the vendor's Agora realm."""
        return Credential(kind, name, secret)

    def check_application(self, name: str, reserved: frozenset[str]) -> None:
        """An organisation, whose name begins paths, and an app."""
        match = _APPLICATION.fullmatch(name)
        if match is None:
            raise Failure(Kind.BAD_REQUEST, "An application of this dialect is named org#app", reason="name")
        if match[1].lower() in reserved:
            raise Failure(
                Kind.BAD_REQUEST,
                f"The organisation can't be named {match[1]}: its paths are another dialect's",
                reason="name",
            )

    async def mint(
        self, core: Core, tenant: Tenant, application: str, user: str | None, administrator: bool, lifetime_seconds: int
    ) -> str:
        """The application's token, which administers, or a registered user's."""
        if user is None and not administrator:
            raise Failure(Kind.BAD_REQUEST, "A token of this dialect is the application's or a user's", field="user")
        if user is None or administrator:
            return auth.mint(core, tenant, application, None, lifetime_seconds)
        check_free(tenant, user, "user")
        found = await auth.find_user(core, tenant, user)
        if found is None:
            raise Failure(Kind.NOT_FOUND, f"There is no user {user!r}", reason="user", subject=user)
        return auth.mint(core, tenant, application, found, lifetime_seconds)

    def applications(self, request: Request) -> Sequence[str]:
        """The one in the path."""
        name = auth.application_of(request)
        return (name,) if name and name.isprintable() else ()

    def authenticate(self, call: Call) -> Awaitable[Principal]:
        """The token's application or user."""
        return auth.authenticate(call)

    def render_failure(self, request: Request, failure: Failure, duration_ms: int, now: int) -> Reply:
        """The failure in the vendor's form."""
        return errors.render_failure(request, failure, duration_ms, now)

    def secrets(self, request: Request) -> Sequence[str]:
        """The request's token, and what opens a file."""
        given = (auth.bearer(request), request.query.get(history.SIGNATURE))
        secrets = (*given, request.headers.get(files.OPENED_BY), request.query.get(files.OPENED_BY))
        return tuple(secret for secret in secrets if secret)

    def losses(self, tenant: Tenant, message: Message) -> Sequence[str]:  # noqa: ARG002
        """What is lost of a message at this end; files are opened with their secrets, wherever they are."""
        return content.losses(message)

    def example(self, origin: str, core: Core, tenant: Tenant) -> str:
        """Sends the text of the vendor's own example to user2 and user3, as user1."""
        application = applications_of(tenant, NAME)[0].name
        token = auth.mint(core, tenant, application, None, auth.DEFAULT_LIFETIME_SECONDS)
        body = orjson.dumps(
            {
                "target_type": "users",
                "target": ["user2", "user3"],
                "msg": {"type": "txt", "msg": "testmessage"},
                "from": "user1",
            }
        ).decode()
        return (
            "curl -X POST -H 'Content-Type: application/json' -H 'Accept: application/json'"
            f" -H 'Authorization: Bearer {token}' -d '{body}'"
            f" '{origin}/{application.replace('#', '/')}/messages'"
        )
