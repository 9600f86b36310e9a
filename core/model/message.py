"""Messages, who gets them, and what becomes of them."""

from collections.abc import Hashable
from enum import IntEnum, IntFlag
from typing import Any

import msgspec

from core.model.content import Content
from core.model.user import UserKey

_BYTES_A_MEMO = 1000
"""About what a memo and its key take beside the bytes in them."""


class MessageKind(IntEnum):
    """What a log entry is. Stored in the record header; a page takes a mask of kinds (`1 << kind`)."""

    MESSAGE = 0
    """An ordinary message: shown, counted as unread."""
    SIGNAL = 1
    """A transparent command for the receiving program: delivered, never shown in a list, never counted."""
    EVENT = 2
    """A system notice ("joined", "renamed"): shown, never counted."""
    HIDDEN = 3
    """Stored for programs, shown to nobody, never counted."""
    ASIDE = 4
    """Shown in the conversation, in no list; never counted."""


SHOWN = 1 << MessageKind.MESSAGE | 1 << MessageKind.EVENT
"""The kinds that lists of conversations show."""
READABLE = SHOWN | 1 << MessageKind.ASIDE
"""The kinds that a person sees in a conversation."""
EVERY_KIND = READABLE | 1 << MessageKind.SIGNAL | 1 << MessageKind.HIDDEN


class Flag(IntFlag):
    """Bits of a record's header. Values are stored: never change them."""

    DELETED = 1
    """A tombstone: the header stays, the content is gone."""
    RESTRICTED = 2
    """For some users or one station; who they are stands in a row of its own."""
    ONLINE_ONLY = 4
    """For those who were online: announced, never shown or counted afterwards."""
    COUNTED = 8
    """The ordinal counts it: unread for everybody who has not read it."""
    EDITED = 16
    """The content was replaced."""


class Message(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is stored of a message. Its place (conversation, lane, sequence), time and kind stand in the record's header
    and key, not here.

    `leftovers` holds what only the dialect of origin understands and needs for a lossless round trip in that dialect;
    no other dialect reads it.
    """

    sender: str
    content: Content
    dialect: str
    extension: dict[str, Any] | None = None
    """The app's own map, carried through every dialect."""
    sender_name: str | None = None
    """The sender's display name as given with this message."""
    reference: str | None = None
    """The client's own reference, when it gave one."""
    leftovers: dict[str, Any] | None = None
    topic: int | None = None
    """The number of the topic that it belongs to."""
    edited: int | None = None
    """When it was last edited."""


class Stored(msgspec.Struct, gc=False):
    """A message with its place. Only `memo` ever changes."""

    id: int
    """The neutral message id: 63 bits, the top one set; 19 decimal digits."""
    sequence: int
    """Its place in the live lane, from 1 without gaps; negative in the backfill lane."""
    time: int
    kind: int
    message: Message
    memo: Any = None
    """What the dialect that read this message last made of it, for that dialect alone: it is kept as long as the message is
    remembered, so only what depends on nothing else may lie here."""


class Window(list[Stored]):
    """Messages of one conversation that were read together, in the order asked for: the very same object for as long as the very
    same rows are read, and remembered. So nobody changes it; who wants more or fewer of them makes a new one."""

    room_bytes = 0
    """How much memory was counted for what is kept here."""
    _memos: dict[Hashable, Any] | None = None
    _taken_bytes = 0

    def memo(self, key: Hashable) -> Any:
        """What was kept under this key; none when nothing was, or no longer."""
        return self._memos.get(key) if self._memos is not None else None

    def keep(self, key: Hashable, memo: Any, size_bytes: int) -> None:
        """Keep what a dialect wrote of these messages if there is room for it, where that is used up in the place of all that was kept
        before. The key names the dialect, and all else that it was written of."""
        size_bytes += _BYTES_A_MEMO
        if self._memos is None or self._taken_bytes + size_bytes > self.room_bytes:
            self._memos, self._taken_bytes = {}, 0
        if size_bytes <= self.room_bytes:
            self._memos[key] = memo
            self._taken_bytes += size_bytes


class Receipt(msgspec.Struct, frozen=True):
    """What an append gives back. `repeated`: the reference was known, this is the first result."""

    id: int
    conversation: int
    sequence: int
    time: int
    repeated: bool


class Audience(msgspec.Struct, frozen=True):
    """Who of a conversation gets a message, and how: everybody, unless something else is said. The sender always does."""

    to: tuple[UserKey, ...] | None = None
    """These alone."""
    without: tuple[UserKey, ...] = ()
    """Everybody but these."""
    station: str | None = None
    """One station of those who get it; who looks from another one does not see it."""
    online_only: bool = False
    """Those who are online: announced, and shown to nobody afterwards."""
    aside: bool = False
    """An ordinary message that moves the conversation in no list, is new to nobody and counted for nobody."""
    hidden: bool = False
    """An ordinary message for programs: announced and kept, shown to nobody who does not ask for such, and counted for
    nobody."""


EVERYBODY = Audience()


class Progress(msgspec.Struct, frozen=True):
    """How far a viewer has come in a conversation, and in one of two users how far the other has. All but the count are sequences
    of the live lane."""

    read: int = 0
    """What the viewer has read."""
    unread: int = 0
    """How many messages are unread."""
    head: int = 0
    """The newest message."""
    peer_delivered: int = 0
    """What was reported as delivered to the other user."""
    peer_read: int = 0
    """What the other user was reported to have read."""


class UserReceipt(msgspec.Struct, frozen=True):
    """What a user has of a message: when it was delivered and read, none while it was not."""

    user: UserKey
    delivered: int | None
    read: int | None


class Report(msgspec.Struct, frozen=True):
    """An entry in a direct conversation's log: a user was `delivered`, or has `read`, everything up to a message. The user is
    none once erased; the station is empty when it did not say."""

    number: int
    user: str | None
    station: str
    what: str
    message: int
    sequence: int
    time: int
