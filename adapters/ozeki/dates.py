"""Dates of chat clients: `yyyy-MM-dd HH:mm:ss` in UTC, whole seconds."""

from calendar import timegm
from time import gmtime, strptime

_SHAPE = "%Y-%m-%d %H:%M:%S"


def written_date(time_ms: int) -> str:
    """Epoch milliseconds as a date."""
    year, month, day, hour, minute, second, *_ = gmtime(time_ms // 1000)
    return f"{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"


def read_date(text: object) -> int | None:
    """A date as epoch milliseconds; none for what is none."""
    if not isinstance(text, str):
        return None
    try:
        return timegm(strptime(text.strip(), _SHAPE)) * 1000
    except (ValueError, OverflowError):
        return None
