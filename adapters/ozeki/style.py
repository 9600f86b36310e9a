"""How a request is spoken: the two APIs, and the styles of the one for HTTP API users.

The chat clients' API is told by its query alone. An HTTP API user's request is at `/api`; its style is told by query and
Content-Type, so that a request which can't be read is answered in its own style, too.
"""

from enum import StrEnum

from adapters.contract import Request

FORM = "application/x-www-form-urlencoded"
_QUERY_ACTIONS = frozenset({"sendmessage", "receivemessage"})


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


def style_of(request: Request) -> Style:
    """The style of a request of this dialect."""
    query = request.query
    if "srv" in query and "api" in query:
        return Style.CLIENT
    names = {name.lower(): value for name, value in query.items()}
    if names.get("command"):
        return Style.COMMAND
    action = names.get("action", "").lower()
    if action:
        return Style.QUERY if action in _QUERY_ACTIONS else Style.JSON
    media_type = media_type_of(request)
    if media_type.endswith("xml"):
        return Style.OZML
    return Style.QUERY if media_type == FORM else Style.JSON


def media_type_of(request: Request) -> str:
    """The Content-Type without parameters, in lower case."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()
