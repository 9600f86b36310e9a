"""What a request asks for: read from its query and its body, whatever the path and the Content-Type."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from adapters.contract import Request
from adapters.ozeki import client, ozml
from adapters.ozeki.style import FORM, Style, call_of, told
from adapters.ozeki.wire import parse_lenient
from core.errors import Failure, Kind

MAXIMUM_BODY_BYTES = 4 * 1024 * 1024
"""Of a request of an HTTP API user, who sends many messages at once; the vendor names no limit."""
_MAXIMUM_FIELDS = 10_000
"""Of a form: enough for as many messages as are sent at once."""


class Asked(msgspec.Struct):
    """A request of an HTTP API user, read."""

    style: Style
    parameters: Mapping[str, str]
    """Those of the query and of the form, names in lower case; the query's go first."""
    body: dict[str, Any]
    """The JSON object; empty in all other styles."""
    sends: list[ozml.SendMsg]
    """What an OzML document asks to be sent."""


async def asked(request: Request, read: Callable[[int], Awaitable[bytes]]) -> tuple[str, Any]:
    """What `adapters.contract.NamesCalls.asked` gives."""
    said = told(request)
    if said.style is Style.CLIENT:
        return await client.asked(request, read)
    found = Asked(said.style, said.parameters, {}, [])
    raw = await read(MAXIMUM_BODY_BYTES)
    is_document = raw.lstrip()[:1] == b"<"
    if is_document and (found.style is not Style.JSON or not found.parameters.get("action")):
        found.style = Style.OZML
        found.sends = ozml.parse(raw)
    elif found.style is Style.JSON:
        if raw:
            found.body = _object(parse_lenient(raw))
        return said.call, found
    elif raw and said.media_type in (FORM, ""):
        found.parameters = _with_form(found.parameters, raw)
    if found.style is Style.OZML:
        return "ozml=sendmsg", found
    if found.parameters.get("command"):
        found.style = Style.COMMAND
    return call_of(found.parameters), found


def _with_form(parameters: Mapping[str, str], form: bytes) -> Mapping[str, str]:
    both = dict(parameters)
    for name, value in _pairs(form):
        both.setdefault(name.lower(), value)
    return both


def _pairs(form: bytes) -> list[tuple[str, str]]:
    text = form.decode(errors="replace")
    try:
        return parse_qsl(text, keep_blank_values=True, errors="replace", max_num_fields=_MAXIMUM_FIELDS)
    except ValueError:
        raise Failure(Kind.BAD_REQUEST, f"A form has up to {_MAXIMUM_FIELDS} fields", reason="body") from None


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Failure(Kind.BAD_REQUEST, "The body is no JSON object", reason="body")
    return value
