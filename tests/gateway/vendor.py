"""A vendor that does not exist, for tests of what serves all vendors."""

from collections.abc import Sequence

from adapters.bodies import json_reply, parse_json
from adapters.contract import (
    Adapter,
    Call,
    Claim,
    ClaimKind,
    Evidence,
    Handler,
    Reply,
    Request,
    Route,
)
from core.core import Core
from core.errors import Failure, Kind
from core.model import Application, Credential, Message, Principal, Tenant, Text

STATUS = {
    Kind.BAD_REQUEST: 400,
    Kind.UNAUTHENTICATED: 401,
    Kind.NOT_FOUND: 404,
    Kind.UNSUPPORTED: 405,
    Kind.TIMED_OUT: 408,
    Kind.TOO_LARGE: 413,
    Kind.STORE_UNAVAILABLE: 503,
}
MAXIMUM_BODY = 1_000


async def echo(call: Call) -> Reply:
    value = parse_json(await call.body(MAXIMUM_BODY))
    if not isinstance(value, dict):
        raise Failure(Kind.BAD_REQUEST, "Not a map", reason="body")
    return json_reply(200, {"said": value, "parameters": call.parameters})


async def whoami(call: Call) -> Reply:
    return json_reply(200, {"tenant": call.tenant.name, "reference": call.reference, "origin": call.request.origin})


def row(
    method: str, path: str, handler: Handler = whoami, *, operation: str = "", authentication: bool = True
) -> Route:
    return Route(method, path, handler, operation or f"{method.lower()}.{path}", Evidence.GUESS, authentication)


class Vendor:
    """Speaks JSON. The application stands in the path behind the dialect's name, its key in `Authorization: Key …`."""

    folds_paths = False
    credential_kinds = ("key",)

    def __init__(
        self, name: str = "acme", routes: Sequence[Route] | None = None, claims: Sequence[Claim] | None = None
    ) -> None:
        self.name = name
        self.claims = claims if claims is not None else [Claim(ClaimKind.SEGMENT, names=(name,))]
        self.routes = (
            routes
            if routes is not None
            else [
                row("POST", f"/{name}/{{app}}/echo", echo, operation="echo"),
                row("GET", f"/{name}/{{app}}/whoami", whoami, operation="whoami"),
            ]
        )

    @property
    def demo(self) -> Sequence[Application]:
        return [Application(self.name, f"demo-{self.name}", (Credential("key", "main", "demo-key"),))]

    def credential(self, kind: str, name: str, secret: str) -> Credential:
        return Credential(kind, name, secret)

    def check_application(self, name: str, reserved: frozenset[str]) -> None:
        return

    async def mint(
        self, core: Core, tenant: Tenant, application: str, user: str | None, administrator: bool, lifetime_seconds: int
    ) -> str:
        return ""

    def applications(self, request: Request) -> Sequence[str]:
        return request.segments[1:2]

    async def authenticate(self, call: Call) -> Principal:
        if not call.tenants:
            raise Failure(Kind.NOT_FOUND, "No such application", reason="application")
        given = call.request.headers.get("authorization", "")
        for tenant in call.tenants:
            for application in tenant.applications:
                if application.dialect == self.name and any(
                    f"Key {c.secret}" == given for c in application.credentials
                ):
                    return Principal(tenant)
        raise Failure(Kind.UNAUTHENTICATED, "Wrong key", reason="unknown")

    def render_failure(self, request: Request, failure: Failure, duration_ms: int, now: int) -> Reply:
        return json_reply(STATUS.get(failure.kind, 500), {"acme": failure.kind, "why": failure.reason, "now": now})

    def secrets(self, request: Request) -> Sequence[str]:
        return [request.headers.get("authorization", "").removeprefix("Key ")]

    def losses(self, tenant: Tenant, message: Message) -> Sequence[str]:
        return ["content: dropped"] if message.dialect != self.name and not isinstance(message.content, Text) else []

    def example(self, origin: str, core: Core, tenant: Tenant) -> str:
        return ""


class OpenVendor(Vendor):
    """Answers OPTIONS itself, and parses bodies before it looks at keys."""

    def preflight(self, request: Request) -> Reply:
        return Reply(204, b"", [(b"access-control-allow-origin", b"*")])

    async def before_authentication(self, call: Call) -> None:
        if call.request.method == "POST":
            parse_json(await call.body(MAXIMUM_BODY))


_: Adapter = Vendor()
