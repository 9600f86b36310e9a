"""What goes in and out of the API of HTTP API users: lenient JSON, XML, and dates in the server's local time."""

import json
import re
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

from adapters.bodies import parse_json, writable
from adapters.contract import Reply
from core.errors import Failure

_XML = ((b"content-type", b"application/xml; charset=utf-8"),)
_DATE_LENGTH = len("2025-06-15 15:06:40")
_NUMBERED = re.compile(r"^(\d{4})\.(\d\d)\.(\d\d)\. ")
"""A date as the query style's documents write it: `2021.07.26. 10:07:58`."""
_LATEST = 253_000_000_000_000
"""In the year 9987: later ones have no four digits in every zone."""
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Element = tuple[str, "str | Iterable[Element]"]
"""Of XML: its name, and its text or what is in it."""


def parse_lenient(raw: bytes) -> Any:
    """The value in a JSON body. The vendor's Perl client writes line breaks into texts as they are. Raises as
    `adapters.bodies.parse_json`."""
    try:
        return parse_json(raw)
    except Failure as failure:
        try:
            value = json.loads(raw, strict=False)
            # Written anew, it is held to the same limits as all else.
            return parse_json(writable(json.dumps(value, ensure_ascii=False)).encode())
        except (ValueError, RecursionError):
            raise failure from None


def xml_reply(root: Element, headers: Iterable[tuple[bytes, bytes]] = ()) -> Reply:
    """An XML answer. What XML can't hold, as most control characters, becomes U+FFFD."""
    return Reply(200, b'<?xml version="1.0" encoding="utf-8"?>\n' + _written(root).encode(), (*_XML, *headers))


def read_date(text: str, zone: ZoneInfo) -> int | None:
    """A date as epoch milliseconds; none for what is no date, or one before 1970. Fractions of a second, and a zone of its own,
    which some libraries write, are read as well."""
    try:
        found = datetime.fromisoformat(_NUMBERED.sub(r"\1-\2-\3 ", text) if text[4:5] == "." else text)
        return _milliseconds(found if found.tzinfo else found.replace(tzinfo=zone))
    except (ValueError, OverflowError):
        return None


def write_date(time: int, zone: ZoneInfo) -> str:
    """Epoch milliseconds as `yyyy-MM-dd HH:mm:ss`."""
    return _written_second(min(time, _LATEST) // 1000, zone)


@lru_cache(4096)
def _written_second(seconds: int, zone: ZoneInfo) -> str:
    """What is sent has the dates of this second, over and over."""
    return datetime.fromtimestamp(seconds, zone).isoformat(" ")[:_DATE_LENGTH]


def _milliseconds(date: datetime) -> int | None:
    time = int(date.timestamp()) * 1000
    return time if 0 <= time <= _LATEST else None


def _written(element: Element) -> str:
    name, content = element
    inner = escape(_NO_XML.sub("\ufffd", content)) if isinstance(content, str) else "".join(map(_written, content))
    return f"<{name}>{inner}</{name}>"
