"""Answers to chat clients: an object with `status` and `errormessage` beside what was asked for, always HTTP 200."""

from typing import Any

import orjson

from adapters.contract import Reply

_HEADERS = ((b"content-type", b"application/json"),)
_DONE = {"status": "OK", "errormessage": ""}
_DONE_END = b'"status":"OK","errormessage":""}'


def answer(values: dict[str, Any]) -> Reply:
    """What was asked for."""
    return Reply(200, orjson.dumps(values | _DONE), _HEADERS)


def written(fields: bytes) -> Reply:
    """The same, of fields that are JSON already, without the braces."""
    return Reply(200, b"{" + fields + b"," + _DONE_END, _HEADERS)
