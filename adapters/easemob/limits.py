"""The vendor's documented rates, as token buckets of a tenant. They are only looked at where `rate_limits` is on.

A row counts calls, or the messages of a call (each receiver is one); a row with a `parameter` has a bucket for each value
of that part of the path. A route without a row has the vendor's default, 100 calls a second."""

import msgspec

from adapters.contract import Call, Handler, Reply, Route
from adapters.easemob.options import Options
from core.errors import Failure, Kind
from core.model import Tenant
from core.rates import Bucket

_SECOND = 1_000
_MINUTE = 60 * _SECOND
_DAY = 24 * 60 * _MINUTE
_APP = "/{org}/{app}"


class Limit(msgspec.Struct, frozen=True):
    """At most so many in a period. Over it, a caller gets 429, or `refusal` as 403 with this reason."""

    count: int
    period_ms: int
    parameter: str | None = None
    refusal: str | None = None
    reason: str = "unopened"


_DEFAULT = (Limit(100, _SECOND),)
_FIFTY = (Limit(50, _SECOND),)
CALLS: dict[str, tuple[Limit, ...]] = {
    "POST /token": (Limit(300, _SECOND),),
    "DELETE /users": (Limit(30, _SECOND),),
    "POST /users/batch/status": _FIFTY,
    "POST /users/{user}/blocks/users": _FIFTY,
    "GET /users/{user}/blocks/users": _FIFTY,
    "DELETE /users/{user}/blocks/users/{blocked}": _FIFTY,
    "POST /chatrooms": _FIFTY,
    "GET /chatrooms": _FIFTY,
    "GET /users/{user}/joined_chatgroups": _FIFTY,
    "GET /users/{user}/joined_chatrooms": _FIFTY,
    "POST /users/{user}/joined_chatgroups": _FIFTY,
    "POST /messages/chatgroups": (Limit(20, _SECOND),),
    "POST /messages/chatrooms/broadcast": (
        Limit(1, _SECOND),
        Limit(10, _MINUTE),
        Limit(100, _DAY, refusal="chatroom broadcast limit exceeded"),
    ),
    "GET /chatmessages": (Limit(10, _MINUTE),),
    "GET /chatmessages/{time}": (Limit(10, _MINUTE),),
    "DELETE /users/{user}/user_channel": (Limit(5, _MINUTE, "user"), *_DEFAULT),
    "DELETE /user/{user}/user_channel": (Limit(5, _MINUTE, "user"), *_DEFAULT),
}
_REACHED = "message send reach limit"
MESSAGES: dict[str, Limit] = {
    "POST /messages/users": Limit(6_000, _MINUTE, refusal=_REACHED, reason="send"),
    "POST /messages/chatgroups": Limit(20, _SECOND, refusal=_REACHED, reason="send"),
    "POST /messages/chatrooms": Limit(100, _SECOND, refusal=_REACHED, reason="send"),
    "POST /messages/chatgroups/users": Limit(100, _SECOND, refusal=_REACHED, reason="send"),
    "POST /messages/chatrooms/users": Limit(100, _SECOND, refusal=_REACHED, reason="send"),
}


def limited(options: Options, route: Route) -> Route:
    """The route with its rates enforced, before its handler looks at anything; as it is when they are off."""
    if not options.rate_limits:
        return route
    limits, handler = CALLS.get(_name(route), _DEFAULT), route.handler

    async def handle(call: Call) -> Reply:
        await _take(options, call, limits, 1)
        return await handler(call)

    limited: Handler = handle
    return msgspec.structs.replace(route, handler=limited)


async def take_messages(options: Options, call: Call, count: int) -> None:
    """Count the messages of a call, where rates are enforced. Raises what a caller over the rate gets."""
    limit = MESSAGES.get(_name(call.route))
    if limit is not None:
        await _take(options, call, (limit,), count)


def _name(route: Route) -> str:
    return f"{route.method} {route.path.removeprefix(_APP)}"


async def _take(options: Options, call: Call, limits: tuple[Limit, ...], count: int) -> None:
    tenant = _tenant(call)
    if tenant is None:
        return  # nobody's: the handler says so
    buckets = {_bucket(call, limit): limit for limit in limits}
    missing = await call.core.rates.take(tenant, list(buckets), count)
    if missing is None:
        return
    bucket, wait = missing
    limit = buckets[bucket]
    if limit.refusal is not None:
        raise Failure(Kind.FORBIDDEN, limit.refusal, reason=limit.reason, retry_after_ms=wait)
    reason = "overload" if options.rate_limit_status == 503 else ""
    raise Failure(Kind.RATE_LIMITED, "This request has reached api limit", reason=reason, retry_after_ms=wait)


def _tenant(call: Call) -> Tenant | None:
    """Whose buckets they are. Before a credential is looked at, it is the first tenant with this application."""
    if call.principal is not None:
        return call.principal.tenant
    return call.tenants[0] if call.tenants else None


def _bucket(call: Call, limit: Limit) -> Bucket:
    what = "messages" if limit.reason == "send" else "calls"
    # A user's calls are the user's own, whomever they name: nobody uses up what others have.
    each = f" {(call.authenticated.user or call.parameters[limit.parameter]).lower()}" if limit.parameter else ""
    return Bucket(f"{_name(call.route)} {what} {limit.period_ms}{each}", limit.count, limit.period_ms)
