"""What can be set of this dialect, in the settings table `[dialects.applozic]`."""

import msgspec

NAME = "applozic"
"""The dialect's name, as it stands in stored messages, aliases and tokens."""


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """By default everything that the vendor's clients rely on is served."""

    open_login: bool = True
    """Whether a login without a password makes users that are unknown, and opens those that were made so: what the vendor's
    own apps do. Off, whoever knows the public application key becomes nobody by that."""
    unknown_users: bool = True
    """Whether messages are sent to, and on behalf of, users who are not registered; their names are then placed, so that they
    find the messages when they come."""
