"""What goes in and out of every endpoint: the envelope of successful replies, and bodies as real clients send them."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any
from urllib.parse import parse_qsl

import orjson

from adapters.bodies import json_reply, parse_json
from adapters.contract import Call, Reply
from adapters.easemob.errors import illegal, invalid_request
from adapters.easemob.ids import application_uuid
from core.errors import Failure

BODY_LIMIT_BYTES = 262_144
"""The largest body of endpoints that the vendor states no limit for."""

# The parser that the vendor's wording names; the address of its stream means nothing.
_SOURCE = "java.io.BufferedInputStream@7ba7eef2"


def success(call: Call, action: str, timestamp: int, fields: dict[str, Any]) -> Reply:
    """The envelope of a successful reply, always 200: the vendor's clients take 201 and 204 for failures. `fields` are
    `path`, `entities`, `data` and what else the endpoint answers."""
    request = call.request
    organization = call.parameters["org"]
    name = call.parameters["app"]
    envelope = {
        "action": action,
        "application": application_uuid(call.tenant.secret, f"{organization}#{name}"),
        "uri": request.origin + request.path,
        **fields,
        "timestamp": timestamp,
        "duration": call.duration_ms,
        "organization": organization,
        "applicationName": name,
    }
    return json_reply(200, envelope)


def parse_body(body: bytes) -> Any:
    """The JSON value of a body, whatever its Content-Type says: many of the vendor's clients send none."""
    try:
        return parse_json(body)
    except Failure as failure:
        raise Failure(failure.kind, _complaint(body), reason=failure.reason) from None


def parse_object(body: bytes) -> dict[str, Any]:
    """The JSON object of a body."""
    value = parse_body(body)
    if not isinstance(value, dict):
        raise illegal("this is an invalid request.")
    return value


def parse_request(body: bytes) -> dict[str, Any]:
    """The JSON object of a body, where the newer endpoints complain in one wording of all that it may be instead."""
    try:
        value = parse_json(body)
    except Failure:
        raise invalid_request() from None
    if not isinstance(value, dict):
        raise invalid_request()
    return value


def text_of(value: object) -> str | None:
    """A text field: numbers are taken for their digits, as clients in untyped languages send them."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def needed(request: dict[str, Any], field: str, complaint: str) -> str:
    """A text field that has to be there. Raises *bad request*: with the complaint where it is missing or empty."""
    value = request.get(field)
    text = text_of(value)
    if value is not None and text is None:
        raise invalid_request()
    if not text:
        raise illegal(complaint, field)
    return text


def integer_of(value: object) -> int | None:
    """A whole number, also as text or as `480.0`."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 18:
        return int(value)
    return None


def boolean_of(value: object) -> bool | None:
    """A switch, also as text or as 0 and 1."""
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False, "1": True, "0": False}.get(str(value).lower())


def echoed(call: Call) -> dict[str, list[str]]:
    """The query as replies of lists repeat it: every value in an array."""
    params: dict[str, list[str]] = {}
    for name, value in parse_qsl(call.request.query_string, keep_blank_values=True, errors="replace"):
        params.setdefault(name, []).append(value)
    return params


def page_size(call: Call, name: str, default: int, maximum: int) -> int:
    """How many rows a page is to have; more than `maximum` is cut to that."""
    text = call.request.query.get(name)
    size = integer_of(text) if text else default
    if not size:
        raise illegal(f"{name} must be a number of at least 1", name)
    return min(size, maximum)


def cursor_text(number: int) -> str:
    """What a client gives back to go on behind a number."""
    return urlsafe_b64encode(str(number).encode()).rstrip(b"=").decode()


def cursor_number(call: Call) -> int:
    """The number in the query's `cursor`; 0 for none."""
    text = call.request.query.get("cursor", "")
    try:
        number = integer_of(urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()) if text else 0
    except ValueError:
        number = None
    if number is None:
        raise illegal("cursor is invalid", "cursor")
    return number


def _complaint(body: bytes) -> str:
    """What the vendor's parser says of a body that is not JSON, at the real place."""
    text, place, position = body.decode(errors="replace"), "", 0
    try:
        body.decode()
        orjson.loads(body)
    except UnicodeDecodeError as problem:
        position = len(body[: problem.start].decode())
        return f"Invalid UTF-8 start byte 0x{body[problem.start]:02x}{_place(text, position)}"
    except orjson.JSONDecodeError as problem:
        place, position = problem.msg, problem.pos
    else:
        return f"Document is nested too deeply{_place(text, len(text) - 1)}"
    if place.startswith("trailing comma"):
        # The vendor's parser stumbles over what follows the comma.
        place = "string key"
        position += 1 + len(text[position + 1 :]) - len(text[position + 1 :].lstrip())
    if position >= len(text):
        return f"Unexpected end-of-input: expected more of the document{_place(text, position)}"
    code = ord(text[position])
    if code < 32:
        return (
            f"Illegal unquoted character ((CTRL-CHAR, code {code})): has to be escaped using backslash to be included in"
            f" string value{_place(text, position)}"
        )
    if "string key" in place:
        expected = "was expecting double-quote to start field name"
    elif "':'" in place:
        expected = "was expecting a colon to separate field name and value"
    elif "value" in place:
        expected = "expected a valid value (number, String, array, object, 'true', 'false' or 'null')"
    else:
        expected = "was expecting comma to separate entries"
    return f"Unexpected character ('{text[position]}' (code {code})): {expected}{_place(text, position)}"


def _place(text: str, position: int) -> str:
    # The parser has already read the character it complains of, so its column is one further.
    before = text[:position]
    line, column = before.count("\n") + 1, position - (before.rfind("\n") + 1) + 2
    return f"\n at [Source: {_SOURCE}; line: {line}, column: {column}]"
