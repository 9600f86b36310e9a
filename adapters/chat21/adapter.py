"""Chat21's HTTP API as an adapter of the gateway."""

from collections.abc import Awaitable, Sequence
from urllib.parse import quote

from adapters.chat21 import auth, content, errors, files, login, wire
from adapters.chat21.options import NAME, Options
from adapters.chat21.routes import routes
from adapters.contract import Call, Claim, ClaimKind, Reply, Request, Route
from core.core import Core
from core.errors import Failure, Kind
from core.model import Application, Credential, Message, Principal, Tenant
from core.names import check_free, check_name
from core.tenants import applications_of, credentials_of

_EXAMPLE_SECONDS = 30 * 86_400
_LOGIN = login.PATH.split("/")[1]


class Chat21Adapter:
    """See `adapters.contract.Adapter` for what each part is."""

    name = NAME
    folds_paths = True
    credential_kinds = (auth.CREDENTIAL_KIND,)
    # The vendor's own /test stops its server; claimed here so that it answers this dialect's 404.
    claims = (
        Claim(ClaimKind.FIXED, path="/"),
        Claim(ClaimKind.FIXED, path="/verify"),
        Claim(ClaimKind.FIXED, path="/test"),
        Claim(ClaimKind.FIXED, path=login.PATH),
        Claim(ClaimKind.SEGMENT, names=("api",)),
    )
    # The documents say `default`; the vendor's own clients have `tilechat` written into them.
    demo = tuple(
        Application(NAME, name, (Credential(auth.CREDENTIAL_KIND, "default", "tokenKey"),))
        for name in ("default", "tilechat")
    )

    def __init__(self, options: Options) -> None:
        self._options = options
        self.routes: Sequence[Route] = routes()

    def credential(self, kind: str, name: str, secret: str) -> Credential:
        """A secret of the app, under any name."""
        return Credential(kind, name, secret)

    def check_application(self, name: str, reserved: frozenset[str]) -> None:  # noqa: ARG002
        """Any legal name is an app id: it is never the first part of a path."""
        check_name(name, "application")

    async def mint(
        self, core: Core, tenant: Tenant, application: str, user: str | None, administrator: bool, lifetime_seconds: int
    ) -> str:
        """A token with the claims of the vendor's own; an administrator's names somebody too."""
        credentials = credentials_of(tenant, NAME, application, auth.CREDENTIAL_KIND)
        if not credentials:
            raise Failure(Kind.NOT_FOUND, f"No app {application!r} with a secret", reason="application")
        if user is None:
            if not administrator:
                raise Failure(Kind.BAD_REQUEST, "A token of this dialect names a user", field="user")
            user = auth.ADMINISTRATOR
        if administrator:
            check_name(user, "user")
        else:
            check_free(tenant, user, "user")
        return auth.sign(core.clock.now(), credentials[0].secret, application, user, administrator, lifetime_seconds)

    def applications(self, request: Request) -> Sequence[str]:
        """The path's app; for /verify, which names none, the one that the token says."""
        if request.segments and request.segments[0].lower() == _LOGIN:
            return login.applications(request)
        if len(request.segments) > 1:
            return (request.segments[1],)
        application = auth.unverified_application(request) if request.segments else None
        return (application,) if application else ()

    def authenticate(self, call: Call) -> Awaitable[Principal]:
        """The token's user or administrator."""
        return auth.authenticate(call, self._options.strict_token_forms)

    async def before_authentication(self, call: Call) -> None:
        """The vendor parses bodies first: malformed JSON without a token is 400 [observed]."""
        call.parsed = await wire.read_body(call)

    def preflight(self, request: Request) -> Reply:
        """The answer to OPTIONS."""
        return wire.preflight(request)

    def render_failure(
        self,
        request: Request,
        failure: Failure,
        duration_ms: int,  # noqa: ARG002
        now: int,  # noqa: ARG002
    ) -> Reply:
        """The failure in the vendor's form."""
        return errors.render_failure(request, failure)

    def secrets(self, request: Request) -> Sequence[str]:
        """The request's tokens."""
        return tuple(auth.secrets_in(request))

    def losses(self, tenant: Tenant, message: Message) -> Sequence[str]:
        """What is lost of a message at this end."""
        return content.losses(message, files.nowhere(tenant))

    def example(self, origin: str, core: Core, tenant: Tenant) -> str:
        """Reads what user1 and user2 wrote each other, as user2."""
        application = applications_of(tenant, NAME)[0].name
        secret = credentials_of(tenant, NAME, application, auth.CREDENTIAL_KIND)[0].secret
        token = auth.sign(core.clock.now(), secret, application, "user2", False, _EXAMPLE_SECONDS)
        path = f"/api/{quote(application, safe='')}/user2/conversations/user1/messages"
        return f"curl -H 'Authorization: {token}' '{origin}{path}'"
