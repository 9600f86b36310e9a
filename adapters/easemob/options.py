"""What can be set of this dialect, in the settings table `[dialects.easemob]`."""

import msgspec

NAME = "easemob"
"""The dialect's name, as it stands in stored messages, aliases and tokens."""


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The vendor's documents disagree on sizes; these defaults are those of the classic API."""

    message_body_limit_bytes: int = 5120
    """The whole body of a send; more is 413. 600 long names alone can exceed it."""
    message_content_limit_bytes: int = 4096
    """Text and extension of a text message together, in UTF-8; more is 400 `message is too large`."""
    open_registration: bool = False
    """Whether users may be registered without a token."""
    strict: bool = False
    """Refuse `"ext": null`, as the vendor documents; its own Go client sends it."""

    def __post_init__(self) -> None:
        if self.message_body_limit_bytes < 1 or self.message_content_limit_bytes < 1:
            raise ValueError("limits of a message are at least 1 byte")
