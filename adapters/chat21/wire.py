"""What goes in and out of every endpoint, as the vendor's framework Express does it: headers on everything, HTML error
pages, entity tags, bodies read by media type alone."""

import zlib
from html import escape
from typing import Any
from urllib.parse import quote

import orjson

from adapters.bodies import parse_json
from adapters.contract import Call, Reply, Request
from core.errors import Failure, Kind

MAXIMUM_BODY_BYTES = 100 * 1024
"""The vendor reads JSON bodies up to 100 kB."""

ALWAYS = (
    (b"x-powered-by", b"Express"),
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-headers", b"Origin, X-Requested-With, Content-Type, Accept, Authorization, X-XSRF-Token"),
    (b"access-control-allow-methods", b"GET, POST, PUT, DELETE, OPTIONS"),
)
"""Headers of everything."""
_JSON_TYPE = "application/json"
_JSON = ((b"content-type", b"application/json; charset=utf-8"), *ALWAYS)
_TEXT = ((b"content-type", b"text/html; charset=utf-8"), *ALWAYS)
_PAGE = ((b"content-security-policy", b"default-src 'none'"), (b"x-content-type-options", b"nosniff"), *_TEXT)
# What Express leaves as it stands when it writes a path into an error page; `"`, `<` and `>` are not among it.
_PATH_CHARACTERS = "!#$%&'()*+,-./:;=?@[]_~"


def json_reply(status: int, value: Any, headers: tuple[tuple[bytes, bytes], ...] = ()) -> Reply:
    """A JSON answer; `value` is what orjson can write."""
    return Reply(status, orjson.dumps(value), (*_JSON, *headers) if headers else _JSON)


def text_reply(status: int, text: str) -> Reply:
    """A plain text; Express serves it as HTML [observed], so it must hold nothing of the caller's unescaped."""
    return Reply(status, text.encode(errors="replace"), _TEXT)


def empty_reply(status: int) -> Reply:
    """A status without a body."""
    return Reply(status, b"", ALWAYS)


def error_page(status: int, text: str) -> Reply:
    """Express's HTML error page around a text, which is escaped here."""
    shown = escape(text).replace("\n", "<br>").replace("  ", " &nbsp;")
    page = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Error</title>\n</head>\n'
        f"<body>\n<pre>{shown}</pre>\n</body>\n</html>\n"
    )
    return Reply(status, page.encode(errors="replace"), _PAGE)


def no_route_page(request: Request) -> Reply:
    """The page for a path or a method that nobody serves."""
    return error_page(404, f"Cannot {request.method} {quote(request.path, safe=_PATH_CHARACTERS, errors='replace')}")


def json_page(request: Request, value: Any) -> Reply:
    """A JSON answer to a GET: 200 with a weak entity tag, or 304 when the caller has it already."""
    body = orjson.dumps(value)
    return _tagged(request, body, _JSON, zlib.crc32(body))


def written_page(request: Request, body: bytes, check: int) -> Reply:
    """A JSON answer to a GET that is written already, with a checksum of it; like `json_page`."""
    return _tagged(request, body, _JSON, check)


def text_page(request: Request, text: str) -> Reply:
    """A text as the answer to a GET, like `json_page`."""
    body = text.encode()
    return _tagged(request, body, _TEXT, zlib.crc32(body))


def preflight(request: Request) -> Reply:
    """The answer to OPTIONS on any path [observed]."""
    wanted = request.headers.get("access-control-request-headers")
    headers = [
        (b"x-powered-by", b"Express"),
        (b"access-control-allow-origin", b"*"),
        (b"access-control-allow-methods", b"GET,HEAD,PUT,PATCH,POST,DELETE"),
        (b"vary", b"Access-Control-Request-Headers"),
    ]
    if wanted:
        headers.append((b"access-control-allow-headers", wanted.encode("latin-1", "replace")))
    return Reply(204, b"", headers)


def body_of(call: Call) -> dict[str, Any]:
    """The request's JSON object, which was read before the credentials."""
    body: dict[str, Any] = call.parsed
    return body


async def read_body(call: Call) -> dict[str, Any]:
    """The request's JSON object; empty for any other media type, for no body and for an array, whose fields Express finds
    as little. Raises *bad request* with reason `body`, *too large*, or *unsupported* with reason `encoding`."""
    headers = call.request.headers
    content_type, coding = headers.get("content-type", ""), headers.get("content-encoding")
    media_type, charset = (_JSON_TYPE, "") if content_type == _JSON_TYPE else _media_type(content_type)
    if media_type != _JSON_TYPE:
        return {}
    if coding and coding.lower() != "identity":
        raise Failure(Kind.UNSUPPORTED, f"unsupported content encoding {coding.lower()!r}", reason="encoding")
    if charset not in ("", "utf-8", "utf8"):
        raise Failure(Kind.UNSUPPORTED, f"unsupported charset {charset!r}", reason="encoding")
    body = (await call.body(MAXIMUM_BODY_BYTES)).removeprefix(b"\xef\xbb\xbf")
    if not body:
        return {}
    if body.lstrip(b" \t\r\n")[:1] not in (b"{", b"["):
        raise Failure(Kind.BAD_REQUEST, "Unexpected token in JSON at position 0", reason="body")
    value = parse_json(body)
    return value if isinstance(value, dict) else {}


def _media_type(content_type: str) -> tuple[str, str]:
    """Media type and charset of a Content-Type."""
    media_type, _, parameters = content_type.partition(";")
    charset = parameters.partition("charset=")[2].partition(";")[0].strip(' "').lower()
    return media_type.strip().lower(), charset


def truthy(value: Any) -> bool:
    """JavaScript's view of a JSON value: empty objects and arrays are true."""
    return bool(value) or isinstance(value, (dict, list))


def _tagged(request: Request, body: bytes, headers: tuple[tuple[bytes, bytes], ...], check: int) -> Reply:
    # Weak and opaque: a checksum is enough, where the vendor hashes.
    tag = b'W/"%x-%08x"' % (len(body), check)
    known = request.headers.get("if-none-match")
    if known and "no-cache" not in request.headers.get("cache-control", "") and _matches(known, tag.decode()):
        return Reply(304, b"", ((b"etag", tag), *ALWAYS))
    return Reply(200, body, ((b"etag", tag), *headers))


def _matches(known: str, tag: str) -> bool:
    return known.strip() == "*" or tag[2:] in (part.strip().removeprefix("W/") for part in known.split(","))
