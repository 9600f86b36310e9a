"""What can be set of this dialect, in the settings table `[dialects.easemob]`."""

from typing import Annotated, Literal

import msgspec

NAME = "easemob"
"""The dialect's name, as it stands in stored messages, aliases and tokens."""


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The vendor's documents disagree on sizes; these defaults are those of the classic API."""

    message_body_limit_bytes: int = 5120
    """The whole body of a send; more is 413, at the newer endpoints 400 with code 14007. 600 long names alone can exceed it."""
    message_content_limit_bytes: int = 4096
    """Text, or a place's address, and extension together, in UTF-8, at the classic endpoint; more is 400 `message is too
    large`."""
    open_registration: bool = False
    """Whether users may be registered without a token."""
    strict: bool = True
    """Refuse what the vendor documents as refused, but some of its own clients send: `"ext": null` at the classic endpoint,
    unknown types of messages, custom events and numbers of custom values beyond the documented."""
    recall: bool = True
    """Whether the application has the service of recalling messages."""
    recall_limit_seconds: Annotated[int, msgspec.Meta(ge=0)] = 120
    """How old a message may be that is recalled without `force`."""
    rewrite: bool = True
    """Whether the application has the service of editing messages."""
    broadcast: bool = False
    """Whether the application has the service of broadcasts to all chat rooms."""
    history_zone_hours: Annotated[int, msgspec.Meta(ge=-12, le=14)] = 8
    """The zone of the hours by which history is asked for, in hours ahead of UTC: Beijing's on the vendor's Chinese clusters,
    0 abroad."""
    rate_limits: bool = False
    """Whether the vendor's documented rates are enforced."""
    rate_limit_status: Literal[429, 503] = 429
    """What a caller over a rate gets: old clusters answered 503."""

    def __post_init__(self) -> None:
        if self.message_body_limit_bytes < 1 or self.message_content_limit_bytes < 1:
            raise ValueError("limits of a message are at least 1 byte")
