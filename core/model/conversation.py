"""Conversations, as a whole tenant and as one user has them, and topics within them."""

from enum import StrEnum
from typing import Any

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


class Overview(msgspec.Struct, frozen=True):
    """One row of a user's conversation list: with a `peer`, or of a group, by number. `group` is absent when nobody created
    the group that the messages were sent to. `last` is the newest message that the user is shown, absent when there is
    none. `read` is the sequence up to which the user has read."""

    conversation: int
    time: int
    peer: str | None
    group: Group | None
    group_number: int | None
    last: Stored | None
    unread: int = 0
    read: int = 0
    is_new: bool = True
    """Something that the user is shown came since the user last looked at it, or read it; true for who sent that, too."""
    box: Box = Box.ACTIVE
    marks: Marks = Marks()


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
