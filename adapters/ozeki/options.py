"""What can be set of this dialect, in the settings table `[dialects.ozeki]`."""

from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from adapters.ozeki.signatures import NAMES

NAME = "ozeki"
"""The dialect's name, as it stands in stored messages, aliases and settings."""


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """By default what real clients send is taken."""

    zone: str = "UTC"
    """The zone of the dates that HTTP API users send and get, as `Europe/Budapest`: the vendor's server takes its own local
    time for it. Chat clients have UTC whatever this says."""

    codec: Literal["plain", "opaque"] | None = None
    """How chat clients get what other dialects, and HTTP API users, sent. The vendor's clients encrypt what they send, in a way
    that is not published. `plain`: our own JSON in Base64, for apps that are written for it; `opaque`: not at all, it is
    left out. By default `plain` for tenants that the development mode's API key opens, `opaque` for all others."""
    signature: str = "ignore"
    """What is asked of the signatures of chat clients, whose construction the vendor does not publish. `ignore`: nothing; `pin`:
    the first one of a station that is a construction we know decides what all its others have to be; `require:NAME`: all
    are of this construction, as `require:rsa-sha256/body`."""
    timestamp_tolerance_seconds: Annotated[int, msgspec.Meta(ge=0)] = 0
    """By how much the timestamp of a chat client's request may differ from our clock; 0: by any time. It only keeps a request
    from being sent again where signatures are asked for, too."""
    station_days: Annotated[int, msgspec.Meta(ge=1, le=3650)] = 30
    """For how long a chat client is logged in at its station."""
    presence_seconds: Annotated[int, msgspec.Meta(ge=10)] = 300
    """For how long who is available stays so without asking for notifications."""
    key_protection: Literal["apikey", "none"] = "apikey"
    """What the private key of a login is encrypted with: the API key that the client has logged in with, or nothing."""
    show_stations: bool = False
    """Whether reports name the stations of others as the vendor's do. A station is all that a client names as a secret: who reads
    it in a report can act as that user, unless signatures are required. Otherwise reports have another id in its place,
    always the same."""
    workspaces: bool = True
    """Whether the registration of a workspace, which means nothing here, is answered as done; otherwise it is refused."""

    def __post_init__(self) -> None:
        kind, _, name = self.signature.partition(":")
        if kind not in ("ignore", "pin", "require") or (kind == "require") != (name in NAMES):
            raise ValueError(f"signature must be ignore, pin or require:NAME, with one of {', '.join(NAMES)}")
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"there is no time zone {self.zone!r}") from None
