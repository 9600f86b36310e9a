"""What goes in and out of every endpoint: bare objects, envelopes, plain words; and requests as real clients write them."""

import re
from collections.abc import Iterable, Sequence, Set
from typing import Any
from urllib.parse import parse_qsl

import orjson

from adapters.bodies import parse_json
from adapters.contract import Call, Reply, Request
from core.clock import LAG_MS
from core.errors import Failure, Kind

BODY_LIMIT_BYTES = 262_144
"""The largest body; the vendor states no limit."""

# Browsers' clients speak from pages of other origins. They send no cookies.
_CORS = ((b"access-control-allow-origin", b"*"),)
_JSON = ((b"content-type", b"application/json"), *_CORS)
_TEXT = ((b"content-type", b"text/plain"), *_CORS)
_ALLOWED_HEADERS = (
    "Application-Key, Authorization, Application-User, UserId-Enabled, Device-Key, Access-Token, App-Module-Name, "
    "X-Authorization, Of-User-Id, Apz-AppId, Apz-Token, Apz-Product-App, Api-Key, Content-Type, Idempotency-Key"
)
_PREFLIGHT = (
    *_CORS,
    (b"access-control-allow-methods", b"GET, POST, PUT, PATCH, DELETE, OPTIONS"),
    (b"access-control-allow-headers", _ALLOWED_HEADERS.encode()),
    (b"access-control-max-age", b"86400"),
)
_ABSENT = frozenset({"", "null", "undefined"})
"""What stands for no number: clients in JavaScript write out what they have not."""
# To the end where a text has none, so that it takes one pass whatever the caller wrote.
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\Z|\\\Z)', re.DOTALL)
_CONTROLS = re.compile(rb"[\x00-\x1f]")
_TRUE = frozenset({"true", "1"})
_FALSE = frozenset({"false", "0"})

Headers = Sequence[tuple[bytes, bytes]]


def json_reply(value: Any, status: int = 200, headers: Headers = ()) -> Reply:
    """A bare JSON answer; `value` is what orjson can write."""
    return Reply(status, orjson.dumps(value), (*_JSON, *headers) if headers else _JSON)


def written_reply(body: bytes) -> Reply:
    """A JSON answer that is written already."""
    return Reply(200, body, _JSON)


def text_reply(text: str, status: int = 200, headers: Headers = ()) -> Reply:
    """A plain word: unquoted, without a newline, and never called JSON, which some clients would parse."""
    return Reply(status, text.encode(errors="replace"), (*_TEXT, *headers) if headers else _TEXT)


def success(call: Call, response: Any = "success", *, generated: int | None = None, **top: Any) -> Reply:
    """The envelope of a success; `top` are fields beside `response`. `generated` is the clock that clients send back, where it
    must not be ahead of what they were given."""
    return json_reply(envelope(call, response, generated) | top)


def both(call: Call, fields: dict[str, Any]) -> Reply:
    """Envelope and bare object at once, where clients and documents disagree."""
    return json_reply(envelope(call, fields) | fields)


def envelope(call: Call, response: Any, generated: int | None = None) -> dict[str, Any]:
    """The envelope of a success, as a map."""
    return {
        "status": "success",
        "generatedAt": call.now if generated is None else generated,
        "response": response,
    }


def sync_point(now: int) -> int:
    """The clock that clients send back to learn what came since. They know what they see twice by its key."""
    return now - LAG_MS


def failed_reply(now: int, code: str, description: str, status: int = 200, headers: Headers = ()) -> Reply:
    """The envelope of a failure."""
    error = {"errorCode": code, "description": description, "displayMessage": "Unable to process"}
    return json_reply({"status": "error", "errorResponse": [error], "generatedAt": now}, status, headers)


def preflight(_request: Request) -> Reply:
    """The answer to OPTIONS on any path, before any credential."""
    return Reply(200, b"", _PREFLIGHT)


def header(request: Request, name: str) -> str:
    """A header's value; empty when there is none or, as some clients send them, an empty one."""
    value: str | None = request.headers.get(name)
    return value.strip() if value else ""


class Fields:
    """What a request says, in whatever form: a JSON body, a form, the query. The body goes before the query."""

    __slots__ = ("_pairs", "body")

    def __init__(self, pairs: Iterable[tuple[str, str]], body: Any = None) -> None:
        self.body: dict[str, Any] = body if isinstance(body, dict) else {}
        """The JSON object of the body as it came; empty when there was none."""
        self._pairs: dict[str, list[str]] = {}
        for name, value in pairs:
            self._pairs.setdefault(name, []).append(value)

    def __contains__(self, name: str) -> bool:
        return name in self._pairs or name in self.body

    def isdisjoint(self, names: Set[str]) -> bool:
        """Whether none of these fields is there."""
        return names.isdisjoint(self.body) and names.isdisjoint(self._pairs)

    def value(self, *names: str) -> Any:
        """The first of these fields that says something, neither null nor an empty text; none when none does."""
        body, pairs = self.body, self._pairs
        for name in names:
            value = body.get(name)
            if value is not None and value != "":
                return value
            for text in pairs.get(name, ()) if pairs else ():
                if text:
                    return text
        return None

    def text(self, *names: str) -> str | None:
        """A text; a number stands for its digits, a switch for its word. Raises *bad request* for a list or a map."""
        value = self.value(*names)
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int):
            return str(value)
        if isinstance(value, float) and value.is_integer():
            return str(int(value))
        raise _wrong(names)

    def integer(self, *names: str) -> int | None:
        """A whole number of at most 64 bits, also as text. Raises *bad request* for anything else."""
        value = self.value(*names)
        if isinstance(value, str):
            value = value.strip()
            if value in _ABSENT:
                return None
            digits = value.removeprefix("-")
            if not (digits.isascii() and digits.isdigit() and len(digits) <= 18):
                raise _wrong(names)
            return int(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if value is None or (isinstance(value, int) and not isinstance(value, bool) and -1 << 63 <= value < 1 << 63):
            return value
        raise _wrong(names)

    def flag(self, *names: str) -> bool | None:
        """A switch, also as text or as 0 and 1; none for anything else."""
        value = self.value(*names)
        if isinstance(value, bool) or value is None:
            return value
        text = str(value).lower()
        return True if text in _TRUE else False if text in _FALSE else None

    def texts(self, *names: str, commas: bool = False) -> list[str]:
        """Several texts: a JSON list, or a parameter that is repeated; with `commas` also one that holds several."""
        for name in names:
            value = self.body.get(name)
            if value is not None and value != "":
                values = value if isinstance(value, list) else [value]
            else:
                values = [part for part in self._pairs.get(name, ()) if part]
                if commas:
                    values = [part for value in values for part in value.split(",") if part]
            if values:
                return [_plain(value, names) for value in values]
        return []

    def metadata(self, *names: str) -> dict[str, str] | None:
        """A map of texts; none when it is absent. Raises *bad request* for what is no map."""
        value = self.value(*names)
        if value is None:
            return None
        if isinstance(value, str):  # as a form has it
            value = parse_json(value.encode(errors="replace"))
        if not isinstance(value, dict):
            raise _wrong(names)
        return flat(value)


def flat(values: dict[str, Any]) -> dict[str, str]:
    """Metadata as the vendor keeps it: every value a text. Nulls are left out, what is nested is its JSON."""
    return {
        name: value if isinstance(value, str) else orjson.dumps(value).decode()
        for name, value in values.items()
        if value is not None
    }


def whole(value: Any) -> int | None:
    """A whole number, also as text; clients send both. None for anything else, and for one over 63 bits."""
    if isinstance(value, str):
        digits = value.strip()
        if not digits.removeprefix("-").isdecimal() or not digits.isascii() or len(digits) > 19:
            return None
        value = int(digits)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if -1 << 63 <= value < 1 << 63 else None


async def read(call: Call) -> Fields:
    """What the request says, read once. Of a GET only the query counts, whatever its headers announce. Raises *bad request*
    with reason `body` for a body that is neither a JSON object nor a form."""
    if call.parsed is None:
        request = call.request
        pairs = parse_pairs(request.query_string)
        body: Any = None
        if request.method != "GET":
            body, form = await _body(call)
            if not isinstance(body, dict):
                raise _malformed("The body must be an object")
            pairs = [*form, *pairs]
        call.parsed = Fields(pairs, body)
    found: Fields = call.parsed
    return found


async def read_list(call: Call) -> list[Any]:
    """The JSON list that is a request's whole body. Raises as `read` does."""
    body, _ = await _body(call)
    if not isinstance(body, list):
        raise _malformed("The body must be a list")
    return body


def parse_pairs(text: str) -> list[tuple[str, str]]:
    """The parameters of a query or a form."""
    if not text:
        return []
    if "%" in text or "+" in text:
        return parse_qsl(text, keep_blank_values=True, errors="replace")
    # Nothing to decode, as mostly: a fifth of the time.
    return [(name, value) for name, _, value in (part.partition("=") for part in text.split("&") if part)]


async def _body(call: Call) -> tuple[Any, list[tuple[str, str]]]:
    media_type = call.request.headers.get("content-type", "").lower()
    if media_type.startswith("multipart/"):
        return {}, list((await call.form(BODY_LIMIT_BYTES)).fields.items())
    raw = (await call.body(BODY_LIMIT_BYTES)).strip().removeprefix(b"\xef\xbb\xbf")
    if not raw:
        return {}, []
    # Clients send JSON under any name, also that of a form.
    if raw[:1] not in (b"{", b"[") and "form" in media_type:
        return {}, parse_pairs(raw.decode(errors="replace"))
    return _json(raw), []


def _json(raw: bytes) -> Any:
    try:
        return parse_json(raw)
    except Failure:
        # Some write line breaks into texts as they are.
        escaped = _STRING.sub(lambda text: _CONTROLS.sub(_escape, text[0]), raw)
        if escaped == raw:
            raise
        return parse_json(escaped)


def _escape(found: re.Match[bytes]) -> bytes:
    return b"\\u%04x" % found[0][0]


def _plain(value: Any, names: tuple[str, ...]) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise _wrong(names)


def _wrong(names: tuple[str, ...]) -> Failure:
    return Failure(Kind.BAD_REQUEST, f"{names[0]} can't be read", field=names[0])


def _malformed(text: str) -> Failure:
    return Failure(Kind.BAD_REQUEST, text, reason="body")
