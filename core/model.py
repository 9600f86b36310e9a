"""The neutral words: what a tenant, user, group, conversation and message are.

Everything here is immutable and knows no vendor. `Message` and `Content` are stored as packed arrays (msgpack), so
their fields are **append-only**: a new field goes to the end and has a default, no field is removed or reordered.

They are left out of garbage collection: nothing immutable that came out of bytes can be part of a cycle.

Units: times are epoch milliseconds, durations and sizes say their unit in the name.
"""

from enum import IntEnum, IntFlag, StrEnum
from typing import Any

import msgspec


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


class Text(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="t"):
    """Plain text."""

    text: str


class Html(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="h"):
    """Text with HTML markup, as the app wrote it; never sanitised here."""

    html: str


class File(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="f"):
    """A file of any kind, by reference. `url` is where the app said it is; `secret` opens it at the dialect's server."""

    url: str
    name: str | None = None
    secret: str | None = None
    size_bytes: int | None = None
    media_type: str | None = None


class Image(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="i"):
    """A picture, by reference; width and height in pixels."""

    url: str
    name: str | None = None
    secret: str | None = None
    size_bytes: int | None = None
    width: float | None = None
    height: float | None = None
    media_type: str | None = None


class Audio(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="a"):
    """A voice or sound file, by reference; length in seconds."""

    url: str
    name: str | None = None
    secret: str | None = None
    size_bytes: int | None = None
    length_seconds: float | None = None
    media_type: str | None = None


class Video(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="v"):
    """A film, by reference; length in seconds, width and height (of the thumbnail) in pixels."""

    url: str
    name: str | None = None
    secret: str | None = None
    size_bytes: int | None = None
    length_seconds: float | None = None
    thumbnail_url: str | None = None
    thumbnail_secret: str | None = None
    width: float | None = None
    height: float | None = None
    media_type: str | None = None


class Location(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="l"):
    """A place on earth in degrees, with the address as text."""

    latitude: float
    longitude: float
    address: str | None = None


class Signal(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="s"):
    """A command from program to program."""

    action: str
    parameters: dict[str, Any] | None = None


class Custom(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="c"):
    """A message of the app's own type; `text` is what a dialect without custom types shows."""

    event: str
    values: dict[str, Any] | None = None
    text: str | None = None


class Event(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="e"):
    """A system notice. `name` is one of the core's words (`group_created`, `member_joined`, …); `text` its plain wording."""

    name: str
    parameters: dict[str, Any] | None = None
    text: str | None = None


Content = Text | Html | File | Image | Audio | Video | Location | Signal | Custom | Event


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


class Receipt(msgspec.Struct, frozen=True):
    """What an append gives back. `repeated`: the reference was known, this is the first result."""

    id: int
    conversation: int
    sequence: int
    time: int
    repeated: bool


class UserReceipt(msgspec.Struct, frozen=True):
    """What a user has of a message: when it was delivered and read, none while it was not."""

    user: "UserKey"
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


class Active(msgspec.Struct, frozen=True):
    """A conversation, and whose it is: two users' ids in order, or a group's number."""

    conversation: int
    parties: tuple[str, str] | int


class Portion(msgspec.Struct, frozen=True):
    """Messages of one conversation in order of time."""

    conversation: int
    parties: tuple[str, str] | int
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


class UserKey(msgspec.Struct, frozen=True):
    """A name with a place of its own: the neutral id and its number. It need not be a registered user."""

    id: str
    number: int


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


EVERYBODY = Audience()


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


class Standing(msgspec.Struct, frozen=True):
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


class Topic(msgspec.Struct, frozen=True, array_like=True):
    """A label on messages of one conversation: its parties are two users' ids in order, or a group's number.

    `alias` is what the app calls it; several topics may have the same.
    """

    number: int
    parties: tuple[str, str] | int
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
    """Something came since the user last looked at it; true for who sent that, too."""
    box: Box = Box.ACTIVE
    marks: Marks = Marks()


class Credential(msgspec.Struct, frozen=True):
    """A secret that opens an application: what kind, whose, and the secret itself. Only adapters give kinds a meaning."""

    kind: str
    name: str
    secret: str


class Application(msgspec.Struct, frozen=True):
    """A dialect's own name for a tenant (an app key, an app id, a domain) with the credentials that open it there."""

    dialect: str
    name: str
    credentials: tuple[Credential, ...] = ()


class SigningKey(msgspec.Struct, frozen=True):
    """A key that the gateway's own tokens are signed with."""

    id: str
    secret: bytes
    created: int


class Tenant(msgspec.Struct, frozen=True):
    """One customer's chat space, as a worker knows it. `version` moves with every change here; a script that is given an
    older one than its partition knows refuses with no effect."""

    number: int
    name: str
    secret: bytes
    """32 random bytes that key the tenant's ids."""
    generation: int = 1
    version: int = 1
    applications: tuple[Application, ...] = ()
    signing_keys: tuple[SigningKey, ...] = ()
    """Newest first; new tokens are signed with the first, all verify."""
    outbox: bool = False
    """Whether somebody consumes the tenant's events, so that appends queue them."""
    retention_days: int | None = None
    """After how many days messages are dropped; none: never."""
    erasures: int = 0
    """How many users were erased in this generation: a name may have another number since."""


class Principal(msgspec.Struct, frozen=True):
    """Who is calling: a user of the tenant, or an administrator (an app token, an admin role)."""

    tenant: Tenant
    user: str | None = None
    administrator: bool = False
