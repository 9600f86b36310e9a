"""Neutral failure -> the vendor's body. The HTTP status is always 200: the vendor's clients throw away the body of any other."""

from typing import Any
from xml.sax.saxutils import escape

from adapters.bodies import json_reply, writable
from adapters.contract import Reply, Request
from adapters.ozeki.replies import CROSS_ORIGIN
from adapters.ozeki.style import Style, style_of
from core.errors import Failure, Kind

FILE_ACTION = "getfile"
WRONG_LOGIN = 1157
WRONG_LOGIN_TEXT = "Invalid username or password"

_CODES = {
    Kind.BAD_REQUEST: 400,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.TOO_LARGE: 413,
    Kind.RATE_LIMITED: 429,
    Kind.UNSUPPORTED: 405,
    Kind.TIMED_OUT: 408,
    Kind.UPSTREAM_FAILED: 502,
    Kind.STORE_UNAVAILABLE: 503,
    Kind.INTERNAL: 500,
}
_XML = ((b"content-type", b"application/xml; charset=utf-8"),)


def render_failure(request: Request, failure: Failure) -> Reply:
    """The failure as the vendor answers it, in the style of the request. Never raises."""
    wait: tuple[tuple[bytes, bytes], ...] = ()
    if failure.retry_after_ms is not None:
        wait = ((b"retry-after", b"%d" % max(1, -(-failure.retry_after_ms // 1000))),)
    text = writable(failure.text)
    style = style_of(request)
    if request.query.get("action") == FILE_ACTION:
        # No call of the vendor's: whoever opens an address looks at the status.
        return json_reply(_CODES[failure.kind], {"http_code": _CODES[failure.kind], "response_msg": text}, wait)
    if style is Style.CLIENT:
        return json_reply(200, {"status": "ERROR", "errormessage": text}, (*CROSS_ORIGIN, *wait))
    code = _CODES[failure.kind]
    if failure.kind is Kind.UNAUTHENTICATED:
        code, text = WRONG_LOGIN, WRONG_LOGIN_TEXT
    if style is not Style.JSON:
        return Reply(200, _result(code, text), (*_XML, *wait))
    if code == WRONG_LOGIN:
        data: dict[str, Any] = {"errorcode": code, "errormessage": text}
        return json_reply(200, {"response": {"action": "commandresult", "data": data}})
    return json_reply(200, {"http_code": code, "response_code": "ERROR", "response_msg": text}, wait)


def _result(code: int, text: str) -> bytes:
    """The same object as in JSON, as XML has it."""
    return (
        "<response><action>commandresult</action>"
        f"<data><errorcode>{code}</errorcode><errormessage>{escape(text)}</errormessage></data></response>"
    ).encode()
