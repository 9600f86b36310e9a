"""How a request is spoken: the two APIs, and the styles of the one for HTTP API users.

The chat clients' API is told by its query alone. An HTTP API user's request is at `/api`; its style is told by query and
Content-Type, so that a request which can't be read is answered in its own style, too.
"""

from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache

import msgspec

from adapters.contract import Request, read_query

FORM = "application/x-www-form-urlencoded"
_QUERY_ACTIONS = frozenset({"sendmessage", "receivemessage"})
_MAXIMUM_REMEMBERED = 1_024
_LONGEST_REMEMBERED = 512


class Style(StrEnum):
    """What a request is written in, and its answer."""

    CLIENT = "client"
    """JSON with `status` and `errormessage`: the chat clients'."""
    JSON = "json"
    """JSON with `http_code`, the rest are XML."""
    QUERY = "query"
    """`action=` and parameters, in the query or a form."""
    COMMAND = "command"
    """`command=` and parameters."""
    OZML = "ozml"
    """An XML document."""


class Told(msgspec.Struct, frozen=True):
    """What a request tells before its body is read."""

    style: Style
    media_type: str
    """The Content-Type without parameters, in lower case."""
    parameters: Mapping[str, str]
    """Those of the query, names in lower case; of repeated ones the first."""
    call: str
    """What they ask for, as it stands in the wire table."""


def style_of(request: Request) -> Style:
    """The style of a request of this dialect."""
    return told(request).style


def told(request: Request) -> Told:
    """What query and Content-Type tell of a request of this dialect."""
    query, content_type = request.query_string, request.headers.get("content-type", "")
    read = _read_before if len(query) + len(content_type) <= _LONGEST_REMEMBERED else _read
    return read(query, content_type)


def _read(query_string: str, content_type: str) -> Told:
    query = read_query(query_string)
    parameters: dict[str, str] = {}
    for name, value in query.items():
        parameters.setdefault(name.lower(), value)
    media_type = content_type.partition(";")[0].strip().lower()
    style = Style.CLIENT if "srv" in query and "api" in query else _style_of(parameters, media_type)
    return Told(style, media_type, parameters, call_of(parameters))


_read_before = lru_cache(_MAXIMUM_REMEMBERED)(_read)


def call_of(parameters: Mapping[str, str]) -> str:
    """What is asked for, as it stands in the wire table; a command goes before an action."""
    command = parameters.get("command")
    return f"command={command.lower()}" if command else f"action={parameters.get('action', '').lower()}"


def _style_of(parameters: Mapping[str, str], media_type: str) -> Style:
    if parameters.get("command"):
        return Style.COMMAND
    action = parameters.get("action", "").lower()
    if action:
        return Style.QUERY if action in _QUERY_ACTIONS else Style.JSON
    if media_type.endswith("xml"):
        return Style.OZML
    return Style.QUERY if media_type == FORM else Style.JSON
