"""Conversations, as a whole tenant and as one user has them, and topics within them."""

from enum import StrEnum
from typing import Any, TypedDict

import msgspec

from core.ids import Parties
from core.model.group import Group
from core.model.message import Stored


class Active(msgspec.Struct, frozen=True):
    """A conversation, and whose it is."""

    conversation: int
    parties: Parties


class Portion(msgspec.Struct, frozen=True):
    """Messages of one conversation in order of time."""

    conversation: int
    parties: Parties
    messages: list[Stored]


class Box(StrEnum):
    """Which of a user's lists a conversation stands in. A new message brings it back to the active ones."""

    ACTIVE = ""
    ARCHIVED = "a"
    HIDDEN = "h"


class Marks(msgspec.Struct, frozen=True):
    """What a user noted of a conversation."""

    muted_until: int = 0
    """Epoch ms; 0: not muted, -1: for ever."""
    favourite: bool = False
    colour: str | None = None
    hidden_as: str | None = None
    """What the user's app calls what it hid: the app compares it with what is there now, nobody else reads it."""


class Outline(msgspec.Struct, frozen=True, kw_only=True):
    """What a conversation of a user is: with a `peer`, or a group's, by number."""

    conversation: int
    peer: str | None
    group_number: int | None
    epoch: int = 0
    """Another one each time that all of it was cleared, for everybody or for this user. Like `reports` it is not told in lists."""
    reports: int = 0
    """The number of the newest report of a direct conversation, 0 when it has none."""


class Overview(Outline, frozen=True, kw_only=True):
    """One row of a user's conversation list. `group` is absent when nobody created the group that the messages were sent to.
    `last` is the newest message that the user is shown; a row of a list always has one, the whole of a conversation
    (`Conversations.whole`) need not. `read` is the sequence up to which the user has read."""

    time: int
    group: Group | None
    last: Stored | None
    unread: int = 0
    read: int = 0
    is_new: bool = True
    """Something that the user is shown came since the user last looked at it, or read it; true for who sent that, too."""
    box: Box = Box.ACTIVE
    marks: Marks = Marks()


class Change(msgspec.Struct, frozen=True):
    """Something that changed in one of a user's lists of conversations, and when. Of what happened several times the latest
    stands for all."""

    conversation: int
    parties: Parties
    time: int
    what: str
    """`message`, `report`, or what the user has of the conversation: `notes` (marks, the box), `cleared` (for everybody)."""
    station: str = ""
    """Which one it was done at, as far as that was said; empty for messages, which may come from many."""
    is_new: bool = False
    """The first message that there is in it came since, too."""


class Topic(msgspec.Struct, frozen=True, array_like=True):
    """A label on messages of one conversation.

    `alias` is what the app calls it; several topics may have the same.
    """

    number: int
    parties: Parties
    creator: str
    created: int
    modified: int
    open: bool = True
    title: str | None = None
    alias: str | None = None
    attributes: dict[str, Any] | None = None
    """The app's own map."""
    leftovers: dict[str, dict[str, Any]] | None = None
    """By dialect: what only that dialect knows of the topic."""


class TopicChanges(TypedDict, total=False):
    """Fields of a topic that change at once; what each means stands at `Topic`."""

    open: bool
    title: str | None
    attributes: dict[str, Any] | None
    leftovers: dict[str, dict[str, Any]] | None
