"""Bodies in the forms that several dialects use: reading them safely, writing them."""

from collections.abc import Sequence
from typing import Any

import orjson

from adapters.contract import Reply
from core.errors import Failure, Kind
from core.files import Download

MAXIMUM_DEPTH = 64
"""Nesting of JSON that is still read; deeper bodies are refused as malformed."""


def json_reply(status: int, value: Any, headers: Sequence[tuple[bytes, bytes]] = ()) -> Reply:
    """A JSON reply; `value` is what orjson can write."""
    return Reply(status, orjson.dumps(value), [(b"content-type", b"application/json"), *headers])


def file_reply(download: Download, headers: Sequence[tuple[bytes, bytes]] = ()) -> Reply:
    """A file's bytes as they were uploaded. Whoever looks at one in a browser sees pictures, sound and films; all else is saved,
    since a page or a script of anybody's must not run as one of ours."""
    kind = download.media_type.partition(";")[0]
    shown = kind.startswith(("image/", "audio/", "video/")) and not kind.endswith("xml")
    own = [
        (b"content-type", download.media_type.encode()),
        (b"content-disposition", b"inline" if shown else b"attachment"),
        (b"x-content-type-options", b"nosniff"),
    ]
    return Reply(200, b"", [*own, *headers], download.content)


def parse_json(body: bytes) -> Any:
    """The value in a JSON body. Raises a *bad request* failure with reason `body` for anything malformed: bad syntax,
    invalid UTF-8, lone surrogates, numbers beyond a double, nesting deeper than `MAXIMUM_DEPTH`."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as problem:
        raise Failure(Kind.BAD_REQUEST, str(problem), reason="body") from None
    if body.count(b"{") + body.count(b"[") > MAXIMUM_DEPTH and _is_too_deep(value):
        raise Failure(Kind.BAD_REQUEST, "The body is nested too deeply", reason="body")
    return value


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAXIMUM_DEPTH):
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return False
    return True


def writable(text: str) -> str:
    """A caller's text in a form that UTF-8 can hold: lone surrogates become question marks."""
    return text.encode(errors="replace").decode()
