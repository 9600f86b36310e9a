"""Logging in as a chat client, and registering a workspace.

An API key is a token of one user's (`chatgateway token mint`), or a credential's secret, a colon and any user's name: who has
that secret logs in whom he wants, so it is for an app's own server, and for the development mode.
"""

import hmac
import re
from ipaddress import ip_address

import structlog

from adapters.contract import Call, Reply, Request
from adapters.ozeki.auth import API_KEY, domain_of
from adapters.ozeki.callers import API_KEY_NOTE, PUBLIC_NOTE, SIGNATURE, USER, station_in
from adapters.ozeki.ids import neutral_name, user_id
from adapters.ozeki.keys import keys_of, pem
from adapters.ozeki.notifications import SEEN_NOTE, beginning
from adapters.ozeki.options import NAME, Options
from adapters.ozeki.replies import answer
from core.errors import Failure, Kind
from core.model import Tenant, User, UserKey
from core.tenants import applications_of

_log = structlog.get_logger(__name__)
_SERVER = "2.0.0"
_DAY_MS = 86_400_000
_MAXIMUM_API_KEY = 1_024
# No row of ours answers the last two but with an error: the vendor names them and documents neither.
_URLS = {
    "login": "chatlogin",
    "availability": "chatavailability",
    "conversation": "chatconversation",
    "conversationgroup": "chatconversationgroup",
    "blocklist": "chatblocklist",
    "fileserver": "chatfileserver",
    "friends": "chatfriends",
    "notification": "chatnotification",
    "report": "chatreports",
    "reports": "chatreports",
}
_LISTENERS = {"udp": 9010, "ws": 9011, "wss": 9012}
"""Where the vendor's server tells clients that something is new. Nothing listens there: clients have to ask."""
_WORKSPACE = re.compile(r"[a-z0-9]([a-z0-9-]{0,62})(\.[a-z0-9]([a-z0-9-]{0,62}))*", re.IGNORECASE)
_ID = re.compile("[0-9a-fA-F]{32}")


async def log_in(options: Options, call: Call) -> Reply:
    """`chatlogin`, `login`: from here on the station acts as the user. The user's key is made at the first login."""
    station, api_key = station_in(call.request), call.parsed.get("apikey")
    if not isinstance(api_key, str) or not 0 < len(api_key) <= _MAXIMUM_API_KEY:
        raise _refused()
    tenant, user = await _user_of(call, api_key)
    keys = await keys_of(call.core, tenant, user)
    notes = {SEEN_NOTE: await beginning(call, tenant, UserKey(user.id, user.number))}
    if options.signature != "ignore":
        notes |= {PUBLIC_NOTE: keys.public, API_KEY_NOTE: api_key.encode()}
    await call.core.stations.bind(tenant, NAME, station, user, options.station_days * _DAY_MS, notes)
    request, domain = call.request, domain_of(tenant)
    if _is_open_to_others(request):
        _log.warning("station named without TLS", dialect=NAME, tenant=tenant.name, user=user.id, client=request.client)
    host = _host(request)
    return answer(
        {
            "server": _SERVER,
            "listeners": {scheme: f"{scheme}://{host}:{port}" for scheme, port in _LISTENERS.items()},
            "registration": "true",
            "rsakey": pem(keys.private, api_key if options.key_protection == "apikey" else None),
            "userid": user_id(user.id, domain),
            "fullname": user.name or user.id,
            "nick": user.name or user.id,
            "urls": {name: f"{request.origin}{request.path}?srv=chatserver&api={api}" for name, api in _URLS.items()},
        }
    )


async def register_workspace(options: Options, call: Call) -> Reply:
    """`workspace`, `workspaceregister`: a name in the vendor's own cloud. The call names no station, so nobody is known to make
    it, and nothing is kept of it."""
    name = call.parsed.get("workspacename")
    if not options.workspaces:
        raise Failure(Kind.FORBIDDEN, "Workspaces are not registered here", reason="workspace")
    if not isinstance(name, str) or len(name) > 253 or _WORKSPACE.fullmatch(name) is None:
        raise Failure(Kind.BAD_REQUEST, "workspacename must be a DNS name", reason="name", field="workspacename")
    headers = call.request.headers
    if _ID.fullmatch(headers.get(USER, "").strip()) is None or not headers.get(SIGNATURE, "").strip():
        raise Failure(Kind.UNAUTHENTICATED, "Ozeki-User and Ozeki-Signature are needed", reason="user")
    call.losses.append("workspacename: dropped, workspaces are the vendor's own cloud")
    return answer({})


async def _user_of(call: Call, api_key: str) -> tuple[Tenant, User]:
    core = call.core
    for tenant in call.tenants:
        for application in applications_of(tenant, NAME):
            for credential in application.credentials:
                secret, colon, name = _split(api_key, len(credential.secret))
                if credential.kind == API_KEY and colon == ":" and _same(secret, credential.secret):
                    wanted = neutral_name(name.strip(), application.name)
                    # Addresses here have no case, so they name who is there already.
                    known = await core.users.find(tenant, wanted, folded=True)
                    return tenant, await core.users.claim(tenant, known.id if known is not None else wanted)
    for tenant in call.tenants:
        try:
            claims = core.tokens.verify(tenant, api_key)
        except Failure:
            continue
        if claims.dialect == NAME and claims.user is not None:
            return tenant, await core.users.of_token(tenant, claims)
    raise _refused()


def _split(text: str, place: int) -> tuple[str, str, str]:
    return text[:place], text[place : place + 1], text[place + 1 :]


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(errors="replace"), other.encode(errors="replace"))


def _is_open_to_others(request: Request) -> bool:
    """Whether what the client says goes through a network as it is: whoever reads its station acts as its user."""
    try:
        return request.scheme != "https" and not ip_address(request.client).is_loopback
    except ValueError:  # a Unix socket's
        return False


def _host(request: Request) -> str:
    """The host without its port."""
    host, colon, port = request.host.rpartition(":")
    return host if colon and port.isdigit() else request.host


def _refused() -> Failure:
    return Failure(Kind.UNAUTHENTICATED, "The API key is not valid", reason="login")
