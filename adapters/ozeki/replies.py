"""Answers to chat clients: an object with `status` and `errormessage` beside what was asked for, always HTTP 200."""

from typing import Any

import orjson

from adapters.contract import Reply

# Chat clients run in browsers, too. No cookie is looked at, so a page of anybody's can do no more than who reads its source.
CROSS_ORIGIN = ((b"access-control-allow-origin", b"*"),)
_HEADERS = ((b"content-type", b"application/json"), *CROSS_ORIGIN)
_PREFLIGHT = (
    *CROSS_ORIGIN,
    (b"access-control-allow-methods", b"POST"),
    (b"access-control-allow-headers", b"Content-Type, Ozeki-Station, Ozeki-User, Ozeki-Signature"),
    (b"access-control-max-age", b"86400"),
    (b"allow", b"OPTIONS, POST"),
)
_DONE = {"status": "OK", "errormessage": ""}
_DONE_END = b'"status":"OK","errormessage":""}'


def answer(values: dict[str, Any]) -> Reply:
    """What was asked for."""
    return Reply(200, orjson.dumps(values | _DONE), _HEADERS)


def written(*fields: bytes) -> Reply:
    """The same, of fields that are JSON already, in pieces, without the braces."""
    return Reply(200, b"".join((b"{", *fields, b",", _DONE_END)), _HEADERS)


def preflight() -> Reply:
    """The answer to a browser that asks whether a page may send what chat clients send."""
    return Reply(204, b"", _PREFLIGHT)
