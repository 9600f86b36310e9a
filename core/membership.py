"""The words of groups beside the group itself: who is what in one, and pages of groups and of members."""

from collections.abc import Callable, Sequence
from enum import IntEnum, StrEnum

import msgspec

from core.model import Group, Marks, Member, Message, UserKey


class Visibility(IntEnum):
    """How many of the earlier messages a new member sees."""

    EVERYTHING = -1
    NOTHING = 0
    LATEST = 200


class Check(StrEnum):
    """What is checked of who sends."""

    NONE = ""
    """Nothing: the app's server sends."""
    USER = "u"
    """That the user is neither muted nor blocked, by the group or by the other user."""
    EITHER = "e"
    """That, and that the user has not blocked the other one."""
    MEMBER = "m"
    """As for a user, and that the user is a member."""


class Standing(msgspec.Struct, frozen=True):
    """What one user is in a group."""

    member: Member | None = None
    """None for who is no member now."""
    muted_until: int = 0
    """Epoch ms; 0: not muted, -1: for ever."""
    blocked: bool = False
    allowed: bool = False
    """May send also while the group is muted."""
    attributes: dict[str, str] = {}
    """The member's own in this group."""


class Listed(msgspec.Struct, frozen=True):
    """A user on a list of a group, since when (epoch ms). Of the muted it is until when, -1 for ever."""

    user: UserKey
    time: int


class Waiting(StrEnum):
    """Why a user is no member yet."""

    REQUEST = "request"
    """The user asks to join."""
    INVITATION = "invitation"
    """The user is asked to join."""


class Applicant(msgspec.Struct, frozen=True):
    """A user who asks to join, or is asked to, since when (epoch ms), and the words that came with it."""

    user: UserKey
    time: int
    why: Waiting
    words: str


class Attribute(msgspec.Struct, frozen=True):
    """An attribute of a group: its value and whose it is, since when (epoch ms). `leaves`: it goes when that user leaves."""

    value: str
    user: UserKey
    leaves: bool
    time: int


class Counted(msgspec.Struct, frozen=True):
    """A group, and how many members it has now."""

    group: Group
    members: int


class GroupView(msgspec.Struct, frozen=True):
    """A group as one user has it, with the first of its members in the order in which they joined."""

    group: Group
    changed: int
    """When its profile, its members or their roles changed last, epoch ms."""
    members: list[Member]
    total: int
    """How many members it has."""
    unread: int
    known: bool
    """Whether the user is, or once was, a member."""
    marks: Marks
    left: list[str] = []
    """The ids of those who once were members, in order, as long as they are some hundred; not known of a view without members."""


class GroupPage(msgspec.Struct, frozen=True):
    """A page of a list of groups. `cursor` goes on from here, empty when there is no more; `total` is how many the whole list
    has now."""

    groups: list[Counted]
    cursor: str
    total: int


class MemberPage(msgspec.Struct, frozen=True):
    """A page of a group's members, like `GroupPage`; the cursor is 0 at the end."""

    members: list[Member]
    cursor: int
    total: int


class Notice(msgspec.Struct, frozen=True):
    """A message that says what happened in a group, mostly with an `Event`, and who says it."""

    sender: UserKey
    message: Message


Announce = Callable[[Sequence[UserKey]], Sequence[Notice]]
"""Makes the notices of a change, given whose membership it really began or ended, in the caller's order. One for all of them, or
one each: a notice is one message, seen by the members who are there after the change. More than some hundred at once would
run ahead of the clock."""
