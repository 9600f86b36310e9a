"""The API of chat clients: what is asked for, in `srv` and `api` of the query and `action` of the body."""

from collections.abc import Awaitable, Callable
from typing import Any

from adapters.contract import Call, Request
from adapters.ozeki.wire import parse_lenient
from core.errors import Failure, Kind
from core.model import Principal

MAXIMUM_BODY_BYTES = 2 * 1024 * 1024


async def asked(request: Request, read: Callable[[int], Awaitable[bytes]]) -> tuple[str, Any]:
    """`srv=…&api=…&action=…`, and the body."""
    raw = await read(MAXIMUM_BODY_BYTES)
    body = parse_lenient(raw) if raw else {}
    if not isinstance(body, dict):
        raise Failure(Kind.BAD_REQUEST, "The body is no JSON object", reason="body")
    query = request.query
    return f"srv={query['srv'].lower()}&api={query['api'].lower()}&action={body.get('action', '')}", body


async def authenticate(call: Call) -> Principal:  # noqa: ARG001
    """Who is calling: the user that logged in at this station."""
    raise Failure(Kind.UNAUTHENTICATED, "This station has not logged in")
