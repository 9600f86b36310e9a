"""Dates of chat clients: `yyyy-MM-dd HH:mm:ss` in UTC, whole seconds."""

from zoneinfo import ZoneInfo

from adapters.ozeki import wire

_UTC = ZoneInfo("UTC")


def written_date(time_ms: int) -> str:
    """Epoch milliseconds as a date."""
    return wire.write_date(time_ms, _UTC)


def read_date(text: object) -> int | None:
    """A date as epoch milliseconds; none for what is none."""
    return wire.read_date(text.strip(), _UTC) if isinstance(text, str) else None
