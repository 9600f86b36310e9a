"""What can be set of this dialect, in the settings table `[dialects.ozeki]`."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

NAME = "ozeki"
"""The dialect's name, as it stands in stored messages, aliases and settings."""


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """By default what real clients send is taken."""

    zone: str = "UTC"
    """The zone of the dates that HTTP API users send and get, as `Europe/Budapest`: the vendor's server takes its own local
    time for it. Chat clients have UTC whatever this says."""

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"there is no time zone {self.zone!r}") from None
