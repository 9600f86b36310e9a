"""Neutral failure -> the vendor's status and body.

What an app did wrong is HTTP 200: a plain word at the older endpoints, an envelope with a code at the newer ones, and forms of
their own at the two logins. So the path decides which family a failure takes; `_WORDS` names the paths of the first. Only who is
not authenticated gets 401, and what is no business of the app's (an unknown path, a body that is too large, a store that is
away) has HTTP's own status around the family's body.
"""

from collections.abc import Callable
from typing import Any

from adapters.applozic.wire import failed_reply, json_reply, text_reply
from adapters.bodies import writable
from adapters.contract import Reply, Request
from core.errors import Failure, Kind

ERROR = "error"
UNAUTHORIZED = "UnAuthorized Access"
"""The body of a 401: what the vendor's Android client compares with."""

UNAUTHORIZED_USER = "AL-UN-01"
NO_GROUP = "AL-G-01"
GROUP_EXISTS = "AL-G-02"
NO_USER = "AL-U-01"
BAD_REQUEST = "AL-M-01"
"""The gateway's own code: the vendor documents none for requests that make no sense."""

_CODES = frozenset({UNAUTHORIZED_USER, NO_GROUP, GROUP_EXISTS, NO_USER, BAD_REQUEST})
_WORD = "word"
# Whose answers are bare objects or plain words: there a failure is the word `error`.
_WORDS = frozenset(
    {
        "POST message/send",
        "POST message/sendall",
        "POST message/dispatch",
        "GET message/list",
        "GET message/v2/list",
        "GET message/v3/list",
        "GET message/sync",
        "GET message/detail",
        "GET message/read",
        "GET message/read/conversation",
        "GET message/delivered",
        "GET message/delete",
        "GET message/delete/conversation",
        "GET message/delete/all",
        "GET message/add/inbox",
        "GET register/version/update",
        "GET user/detail",
        "POST user/detail",
        "GET user/info",
        "GET user/filter",
        "GET user/chat/status",
        "GET user/ol/list",
        "GET user/chat/mute/list",
        "POST user/create",
        "GET user/merge",
        "POST plugin/update/sw/id",
        "GET aws/file/url",
        "POST upload/image",
        "POST upload/file",
        "GET file/url",
        "POST aws/file/delete",
    }
)
_LOGINS = frozenset({"POST register/client", "POST register/update"})
_PAGE = "initialize.page"


def word(text: str = ERROR) -> Failure:
    """A failure that is a plain word whatever the path, as `CONVERSATION_CLOSED`."""
    return Failure(Kind.BAD_REQUEST, text, reason=_WORD)


def coded(code: str, description: str) -> Failure:
    """A failure with one of the vendor's codes; `error` where plain words are the answer."""
    return Failure(Kind.BAD_REQUEST, description, reason=code)


def not_allowed() -> Failure:
    """Authenticated, but not allowed."""
    return coded(UNAUTHORIZED_USER, "unauthorized user")


def no_user() -> Failure:
    """An unknown user."""
    return coded(NO_USER, "user not found")


def no_group() -> Failure:
    """An unknown group."""
    return coded(NO_GROUP, "group not found")


def bad_request(description: str) -> Failure:
    """A request that makes no sense."""
    return coded(BAD_REQUEST, description)


def unauthenticated() -> Failure:
    """No credential that verifies."""
    return Failure(Kind.UNAUTHENTICATED, UNAUTHORIZED)


def render_failure(request: Request, failure: Failure, now: int) -> Reply:
    """The failure as the vendor answers it. Never raises."""
    if failure.kind is Kind.UNAUTHENTICATED:
        return text_reply(UNAUTHORIZED, 401)
    if failure.reason == _WORD:
        return text_reply(writable(failure.text))
    status = _status(failure)
    headers: tuple[tuple[bytes, bytes], ...] = ()
    if failure.retry_after_ms is not None:
        headers = ((b"retry-after", b"%d" % max(1, -(-failure.retry_after_ms // 1000))),)
    return _family(request)(failure, status, headers, now)


def _status(failure: Failure) -> int:
    if failure.kind is Kind.TOO_LARGE:
        # A field that holds too much is the app's mistake like any other.
        return 413 if failure.reason in _SENT else 200
    return _STATUSES.get(failure.kind) or _REASONED.get(failure.reason, 200)


_Headers = tuple[tuple[bytes, bytes], ...]
_Family = Callable[[Failure, int, _Headers, int], Reply]


def _family(request: Request) -> _Family:
    """How failures look at a path."""
    parts = [part.lower() for part in request.segments]
    if parts[-1:] == [_PAGE]:
        return _quoted
    if parts[:2] != ["rest", "ws"]:
        return _plain
    way = f"{request.method} {'/'.join(parts[2:])}"
    if way in _LOGINS:
        return _login
    return _plain if way in _WORDS else _envelope


def _plain(_failure: Failure, status: int, headers: _Headers, _now: int) -> Reply:
    return text_reply(ERROR, status, headers)


def _quoted(_failure: Failure, status: int, headers: _Headers, _now: int) -> Reply:
    return json_reply(ERROR, status, headers)


def _login(failure: Failure, status: int, headers: _Headers, now: int) -> Reply:
    message = (
        "PASSWORD_INVALID" if failure.kind is Kind.RATE_LIMITED else "INVALID_PARAMETER" if status < 500 else ERROR
    )
    return json_reply(login_failure(message, now), status, headers)


def _envelope(failure: Failure, status: int, headers: _Headers, now: int) -> Reply:
    code, description = code_of(failure)
    return failed_reply(now, code, description, status, headers)


def login_failure(message: str, now: int) -> dict[str, Any]:
    """What a failed login says [recorded]."""
    return {
        "message": message,
        "currentTimeStamp": now,
        "deactivate": False,
        "metadata": {},
        "newUser": False,
        "totalUnreadCount": 0,
    }


def code_of(failure: Failure) -> tuple[str, str]:
    """The vendor's code and description of a failure."""
    if failure.reason in _CODES:
        return failure.reason, writable(failure.text)
    found = _NEUTRAL.get((failure.kind, failure.reason)) or _NEUTRAL.get((failure.kind, ""))
    return found or (BAD_REQUEST, writable(failure.text))


_NEUTRAL: dict[tuple[Kind, str], tuple[str, str]] = {
    (Kind.FORBIDDEN, ""): (UNAUTHORIZED_USER, "unauthorized user"),
    (Kind.NOT_FOUND, "user"): (NO_USER, "user not found"),
    (Kind.NOT_FOUND, "group"): (NO_GROUP, "group not found"),
    (Kind.CONFLICT, "user"): (NO_USER, "user already exist"),
    (Kind.CONFLICT, "member"): (NO_USER, "user already exist"),
    (Kind.CONFLICT, "group"): (GROUP_EXISTS, "group already exists"),
}
_REASONED = {"route": 404, "method": 405, "path": 400, "host": 400, "file": 404, "file_expired": 404}
_SENT = ("body", "file")
"""What is too large to be read to its end."""
_STATUSES = {
    Kind.RATE_LIMITED: 429,
    Kind.TIMED_OUT: 408,
    Kind.UPSTREAM_FAILED: 502,
    Kind.STORE_UNAVAILABLE: 503,
    Kind.INTERNAL: 500,
}
