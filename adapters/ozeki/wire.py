"""What goes in and out of the API of HTTP API users: lenient JSON, and dates in the server's local time."""

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from adapters.bodies import parse_json, writable
from core.errors import Failure

_SHAPES = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y.%m.%d. %H:%M:%S")


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


def read_date(text: str, zone: ZoneInfo) -> int | None:
    """A date as epoch milliseconds; none for what is no date. Fractions of a second and a zone of its own, which some
    libraries write, are read as well."""
    for shape in _SHAPES:
        try:
            return _milliseconds(datetime.strptime(text, shape).replace(tzinfo=zone))
        except (ValueError, OverflowError):
            continue
    try:
        found = datetime.fromisoformat(text)
        return _milliseconds(found if found.tzinfo else found.replace(tzinfo=zone))
    except (ValueError, OverflowError):
        return None


def write_date(time: int, zone: ZoneInfo) -> str:
    """Epoch milliseconds as `yyyy-MM-dd HH:mm:ss`."""
    return datetime.fromtimestamp(time // 1000, UTC).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def _milliseconds(date: datetime) -> int:
    return int(date.timestamp() * 1000)
