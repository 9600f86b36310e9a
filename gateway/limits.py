"""How much a caller may take: sizes, times, connections. Each has a default that serves; settings nest the whole."""

from ipaddress import ip_network
from typing import Annotated

import msgspec

Positive = Annotated[int, msgspec.Meta(gt=0)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Limits of one worker's public listener."""

    body_bytes: Positive = 16 * 1024 * 1024
    """The largest request body in any dialect; a dialect's own limit may be lower."""
    body_seconds: Seconds = 15.0
    """From the first wait for a body to its last byte."""
    body_idle_seconds: Seconds = 5.0
    """Between two pieces of a body."""
    upload_seconds: Seconds = 300.0
    """The same as `body_seconds` for a form with files."""
    header_bytes: Positive = 64 * 1024
    """Request line and headers together."""
    header_seconds: Seconds = 10.0
    """From the connection, or from the first byte of a later request, to the end of its headers."""
    keep_alive_seconds: Seconds = 75.0
    """How long an idle connection is kept. Longer than most clients' pools, so that the client ends it: one that the
    gateway ends just as a request leaves is an error that clients don't repeat."""
    connections: Positive = 10_000
    """Open connections of one worker; one more gets a 503 and is closed."""
    loss_header: bool = True
    """Whether replies name in `X-Gateway-Loss` what a translation could not carry."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses and networks (`10.0.0.0/8`) whose `X-Forwarded-For`, `-Proto` and `-Host` are believed."""

    def __post_init__(self) -> None:
        for network in self.trusted_proxies:
            ip_network(network, strict=False)
