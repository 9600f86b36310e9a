"""The API of chat clients: what is asked for, in `srv` and `api` of the query and `action` of the body, and by whom."""

from collections.abc import Awaitable, Callable
from typing import Any

from adapters.contract import Call, Request
from adapters.ozeki import callers
from adapters.ozeki.client_routes import NOTIFICATION
from adapters.ozeki.options import Options
from adapters.ozeki.wire import parse_lenient
from core.errors import Failure, Kind
from core.model import Principal


async def asked(request: Request, read: Callable[[int], Awaitable[bytes]]) -> tuple[str, Any]:
    """`srv=…&api=…&action=…`, and the body."""
    raw = await read(callers.MAXIMUM_BODY_BYTES)
    body = parse_lenient(raw) if raw else {}
    if not isinstance(body, dict):
        raise Failure(Kind.BAD_REQUEST, "The body is no JSON object", reason="body")
    query = request.query
    return f"srv={query['srv'].lower()}&api={query['api'].lower()}&action={body.get('action', '')}", body


async def authenticate(options: Options, call: Call) -> Principal:
    """Who is calling: the user who logged in at this station."""
    return await callers.authenticate(options, call, by_station_alone=call.route.call == NOTIFICATION)
