"""Who is calling as a chat client: the user who logged in at the station that the request names.

A station's id is a secret that the client makes; the user's id is none, as it is made of an address. Both have to fit, and the
timestamp and the signature as far as the options ask for it.
"""

import re
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

import msgspec
import structlog

from adapters.contract import Call, Request
from adapters.ozeki.auth import API_KEY, domain_of
from adapters.ozeki.codec import Codec
from adapters.ozeki.ids import user_id
from adapters.ozeki.options import NAME, Options
from adapters.ozeki.signatures import Signed, matching, verifies
from core.errors import Failure, Kind
from core.model import Principal, Tenant, UserKey
from core.stations import Station
from core.tenants import applications_of

MAXIMUM_BODY_BYTES = 2 * 1024 * 1024
STATION = "ozeki-station"
USER = "ozeki-user"
SIGNATURE = "ozeki-signature"
PUBLIC_NOTE = "public"
API_KEY_NOTE = "apikey"
DEMO_API_KEY = "demo-apikey"
"""The secret that everybody knows in the development mode."""
_SCHEME_NOTE = "scheme"
_UNVERIFIED_NOTE = "unverified"
_STATION_ID = re.compile("[0-9A-Za-z-]{16,64}")
_log = structlog.get_logger(__name__)
_TIME = "%Y-%m-%d %H:%M:%S"


class Caller(msgspec.Struct, frozen=True, eq=False):
    """Who is calling: what `Call.parsed` is once a chat client's user is known."""

    body: dict[str, Any]
    station: Station
    domain: str
    id: str
    """The user's id here."""
    tenant: Tenant

    @property
    def user(self) -> UserKey:
        return self.station.user

    @property
    def veil(self) -> str:
        """What the station is called wherever others may come to see it: what is no station's id, so it is told from one."""
        return f"~{veiled(self.tenant, self.station.name)}"

    def id_of(self, name: str) -> str:
        """Another user's id."""
        return user_id(name, self.domain)


def caller_of(call: Call) -> Caller:
    """The caller of a route that asks for one."""
    caller: Caller = call.parsed
    return caller


def station_in(request: Request) -> str:
    """The station that a request names. Raises *unauthenticated* for none, or for one that anybody could guess."""
    station = request.headers.get(STATION, "").strip()
    if _STATION_ID.fullmatch(station) is None:
        raise Failure(
            Kind.UNAUTHENTICATED, "Ozeki-Station must be 16 to 64 letters, digits and dashes", reason="station"
        )
    return station


async def authenticate(options: Options, call: Call, *, by_station_alone: bool) -> Principal:
    """The user of the station. `by_station_alone`: the call has neither user nor signature, as the vendor's clients send
    none with it. Raises *unauthenticated*, with reason `station`, `user`, `timestamp` or `signature`."""
    body: dict[str, Any] = call.parsed
    name = station_in(call.request)
    given = call.request.headers.get(USER, "").strip().lower()
    for anew in (False, True):
        station = await call.core.stations.find(NAME, name, call.tenants, anew=anew)
        tenant = station.principal.tenant
        domain = domain_of(tenant)
        caller = Caller(body, station, domain, user_id(station.user.id, domain), tenant)
        if given == caller.id or (by_station_alone and not given):
            break
    else:
        raise Failure(Kind.UNAUTHENTICATED, "Ozeki-User did not log in at this station", reason="user")
    _check_time(options, call, body)
    if options.signature == "ignore":
        if SIGNATURE in call.request.headers and await call.core.stations.is_first(NAME, station, _UNVERIFIED_NOTE):
            _log.info("signature present, not verified", dialect=NAME, tenant=tenant.name, user=station.user.id)
    elif not by_station_alone:
        await _check_signature(options, call, caller)
    call.parsed = caller
    return station.principal


def veiled(tenant: Tenant, station: str) -> str:
    """What stands for a station where others may see it: always the same, and no secret."""
    return blake2b(station.encode(), key=tenant.secret, person=b"station", digest_size=16).hexdigest()


def _check_time(options: Options, call: Call, body: dict[str, Any]) -> None:
    if not options.timestamp_tolerance_seconds:
        return
    try:
        time = datetime.strptime(str(body.get("timestamp", "")), _TIME).replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise Failure(Kind.UNAUTHENTICATED, "timestamp must be yyyy-MM-dd HH:mm:ss", reason="timestamp") from None
    if abs(call.now / 1000 - time) > options.timestamp_tolerance_seconds:
        raise Failure(Kind.UNAUTHENTICATED, "The timestamp is too far from the server's time", reason="timestamp")


async def _check_signature(options: Options, call: Call, caller: Caller) -> None:
    stations = call.core.stations
    public, api_key, scheme = await stations.notes(NAME, caller.station, PUBLIC_NOTE, API_KEY_NOTE, _SCHEME_NOTE)
    refused = Failure(Kind.UNAUTHENTICATED, "The signature is not valid", reason="signature")
    if public is None or api_key is None:
        raise refused  # logged in while signatures were not asked for
    request = Signed(
        signature=call.request.headers.get(SIGNATURE, "").strip(),
        body=await call.body(MAXIMUM_BODY_BYTES),
        timestamp=str(caller.body.get("timestamp", "")),
        public=public,
        api_key=api_key,
    )
    _, _, required = options.signature.partition(":")
    wanted = required or (scheme.decode() if scheme is not None else "")
    if not wanted:
        found = matching(request)
        if found is None:
            return
        noted = await stations.note(NAME, caller.station, _SCHEME_NOTE, found.encode(), first=True)
        wanted = noted.decode() if noted is not None else found
    if not verifies(request, wanted):
        raise refused


def codec_of(options: Options, tenant: Tenant) -> Codec:
    """How a tenant's chat clients get what came another way."""
    if options.codec is not None:
        return options.codec
    known = any(
        credential.kind == API_KEY and credential.secret == DEMO_API_KEY
        for application in applications_of(tenant, NAME)
        for credential in application.credentials
    )
    return "plain" if known else "opaque"
