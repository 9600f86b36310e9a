"""Groups and their members; `core.membership` has what else somebody is in one."""

from typing import Any, TypedDict

import msgspec


class Member(msgspec.Struct, frozen=True, array_like=True):
    """A present member of a group."""

    id: str
    number: int
    role: str = "member"
    """`owner`, `admin` or `member`."""
    joined: int = 0


class Group(msgspec.Struct, frozen=True, array_like=True):
    """A group's profile, without its members.

    `aliases` maps a dialect to the id that the app chose there; without an entry the dialect's id is a function of
    `number`.
    """

    number: int
    name: str
    owner: str
    created: int
    modified: int
    description: str | None = None
    public: bool = False
    maximum_members: int | None = None
    attributes: dict[str, Any] | None = None
    """The app's own map."""
    aliases: dict[str, str] | None = None
    leftovers: dict[str, dict[str, Any]] | None = None
    """By dialect: what only that dialect knows of the group."""
    room: bool = False
    """Members come and go: it stands in no list, counts nothing as unread and keeps nothing of who left."""
    announcement: str | None = None
    """What the group tells its members, beside all messages."""
    image_url: str | None = None
    disabled: bool = False
    """Nobody sends to it."""
    muted: bool = False
    """Of the users only the owner, admins and those who are allowed to send to it."""


class GroupChanges(TypedDict, total=False):
    """Fields of a group's profile that change at once; what each means stands at `Group`."""

    name: str
    description: str | None
    public: bool
    maximum_members: int | None
    attributes: dict[str, Any] | None
    announcement: str | None
    image_url: str | None
    disabled: bool
    muted: bool
