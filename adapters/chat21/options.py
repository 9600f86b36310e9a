"""What can be set of this dialect, in the settings table `[dialects.chat21]`."""

import msgspec

NAME = "chat21"
"""The dialect's name, as it stands in stored messages, aliases and settings."""


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """By default what real clients send is taken."""

    strict_token_forms: bool = False
    """Refuse `JWT x` and `Bearer x` in the Authorization header, as the vendor does."""
