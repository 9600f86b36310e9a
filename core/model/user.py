"""Users, where they are online, and what they are to each other."""

from enum import StrEnum
from typing import Any

import msgspec


class UserKey(msgspec.Struct, frozen=True):
    """A name with a place of its own: the neutral id and its number. It need not be a registered user."""

    id: str
    number: int


class User(msgspec.Struct, frozen=True, array_like=True):
    """A registered user's profile."""

    id: str
    number: int
    created: int
    modified: int
    name: str | None = None
    """Display name."""
    active: bool = True
    version: int = 1
    """Moves when this user's password changes, the user is deactivated or tokens are revoked: older tokens of the user
    end."""
    leftovers: dict[str, dict[str, Any]] | None = None
    """By dialect: what only that dialect knows of the user."""
    attributes: dict[str, Any] | None = None
    """The app's own map."""
    unlocked: bool = False
    """Whether a login without a secret opens it: it was made by one, and has had no password yet."""


class Station(msgspec.Struct, frozen=True, array_like=True):
    """Where a user is online: a device, a connection. `status` is the app's own word for it."""

    name: str
    until: int
    """Epoch ms: whoever does not say so again is taken for gone then."""
    status: str = ""


class Presence(msgspec.Struct, frozen=True, array_like=True):
    """Where a user is online, if anywhere, in order of the names, and when that was said last (epoch ms), or that it is
    over; none when it never was."""

    last_seen: int | None = None
    stations: tuple[Station, ...] = ()

    @property
    def online(self) -> bool:
        return bool(self.stations)


class Relation(StrEnum):
    """The lists of others that a user has. Values are stored: never change them."""

    CONTACT = "c"
    BLOCK = "b"
    """Whom the user blocks."""
    BLOCKED_BY = "o"
    """Who blocks the user."""


class RelationState(StrEnum):
    """How another user stands in one of those lists. Values are stored: never change them."""

    PRESENT = "a"
    REQUESTED = "s"
    """The user has asked the other to be a contact."""
    RECEIVED = "r"
    """The other has asked the user."""
    ENDED = "e"
    """It was so; kept for a while for those who follow the changes."""


class Related(msgspec.Struct, frozen=True):
    """A row of such a list. `since` is when it began, `changed` when the state changed last (epoch ms); the remark is the
    user's own note on a contact."""

    user: UserKey
    state: RelationState
    since: int
    changed: int
    remark: str | None = None


class Relationship(msgspec.Struct, frozen=True):
    """What another user is to a user."""

    contact: Related | None = None
    block: Related | None = None
    blocked_by: Related | None = None

    @property
    def blocks(self) -> bool:
        return self.block is not None and self.block.state is RelationState.PRESENT

    @property
    def is_blocked(self) -> bool:
        return self.blocked_by is not None and self.blocked_by.state is RelationState.PRESENT
