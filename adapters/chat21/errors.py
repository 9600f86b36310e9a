"""Neutral failure -> the vendor's status and body. The vendor has no single form: HTML pages come from Express, texts from
its own checks, and three JSON shapes from its handlers, which give some failures their own `reason` here."""

from collections.abc import Callable
from html import escape
from typing import Any

from adapters.bodies import writable
from adapters.chat21 import wire
from adapters.contract import Reply, Request
from core.errors import Failure, Kind


def mandatory(text: str, field: str) -> Failure:
    """A field that is missing or can't be used: 405 with a text that the vendor's documents quote."""
    return Failure(Kind.BAD_REQUEST, text, reason="mandatory", field=field)


def foreign_timeline() -> Failure:
    """Another user's data, or a token of another app: 401 without a body."""
    return Failure(Kind.FORBIDDEN, "Not this user's, or a token of another app", reason="timeline")


def render_failure(request: Request, failure: Failure) -> Reply:
    """The failure as the vendor answers it. Never raises."""
    if failure.reason in ("route", "method"):
        return wire.no_route_page(request)
    shape = _SHAPES.get((failure.kind, failure.reason)) or _SHAPES[failure.kind, ""]
    return shape(failure)


_Shape = Callable[[Failure], Reply]


def _text(failure: Failure) -> Reply:
    return wire.text_reply(405, escape(failure.text, quote=False))


def _page(status: int, text: str) -> _Shape:
    return lambda failure: wire.error_page(status, text.replace("{}", failure.text))


def _unauthorized(_failure: Failure) -> Reply:
    return wire.json_reply(403, {"success": False, "msg": "Unauthorized."})


def _not_logged_in(_failure: Failure) -> Reply:
    return wire.text_reply(401, "Unauthorized")


def _empty(_failure: Failure) -> Reply:
    return wire.empty_reply(401)


def _json(status: int) -> _Shape:
    def shape(failure: Failure) -> Reply:
        wait: tuple[tuple[bytes, bytes], ...] = ()
        if failure.retry_after_ms is not None:
            wait = ((b"retry-after", b"%d" % max(1, -(-failure.retry_after_ms // 1000))),)
        return wire.json_reply(status, {"success": False, "err": writable(failure.text)}, wait)

    return shape


def _join(failure: Failure) -> Reply:
    # The inner http_status is for information; the wire's status is 405 whatever happened [observed].
    inner: dict[str, Any] = {"success": False, "err": writable(failure.text)}
    if failure.kind is not Kind.FORBIDDEN:
        inner["http_status"] = 404 if failure.kind is Kind.NOT_FOUND else 401
    return wire.json_reply(405, {"success": False, "err": inner, "http_status": 405})


def _message(failure: Failure) -> Reply:
    return wire.json_reply(405, {"err": {"message": writable(failure.text)}})


def _leave(failure: Failure) -> Reply:
    return wire.json_reply(405, {"success": False, "err": writable(failure.text), "http_status": 404})


_SHAPES: dict[tuple[Kind, str], _Shape] = {
    (Kind.BAD_REQUEST, ""): _text,
    (Kind.BAD_REQUEST, "body"): _page(400, "SyntaxError: {}"),
    (Kind.BAD_REQUEST, "path"): _page(400, "URIError: Failed to decode the path"),
    (Kind.BAD_REQUEST, "host"): _page(400, "Bad Request"),
    (Kind.UNAUTHENTICATED, ""): _unauthorized,
    (Kind.UNAUTHENTICATED, "login"): _not_logged_in,
    (Kind.FORBIDDEN, ""): _unauthorized,
    (Kind.FORBIDDEN, "timeline"): _empty,
    (Kind.FORBIDDEN, "group"): _json(401),
    (Kind.FORBIDDEN, "join"): _join,
    (Kind.FORBIDDEN, "change"): _message,
    # Other dialects' rules for who sends, which the vendor does not know.
    **{(Kind.FORBIDDEN, reason): _json(403) for reason in ("blocked", "muted", "all_muted", "disabled")},
    (Kind.NOT_FOUND, ""): _json(404),
    (Kind.NOT_FOUND, "application"): _unauthorized,
    (Kind.NOT_FOUND, "join"): _join,
    (Kind.NOT_FOUND, "change"): _message,
    (Kind.NOT_FOUND, "leave"): _leave,
    (Kind.CONFLICT, ""): _json(405),
    (Kind.CONFLICT, "join"): _join,
    (Kind.CONFLICT, "change"): _message,
    (Kind.TOO_LARGE, ""): _page(413, "PayloadTooLargeError: request entity too large"),
    (Kind.RATE_LIMITED, ""): _json(429),
    (Kind.UNSUPPORTED, ""): _json(501),
    (Kind.UNSUPPORTED, "loss"): _text,
    (Kind.UNSUPPORTED, "encoding"): _page(415, "UnsupportedMediaTypeError: {}"),
    (Kind.TIMED_OUT, ""): _page(408, "Request Timeout"),
    (Kind.UPSTREAM_FAILED, ""): _json(502),
    (Kind.STORE_UNAVAILABLE, ""): _json(503),
    (Kind.INTERNAL, ""): _page(500, "Internal Server Error"),
}
