"""The rows of the plain model: a message, a member, what a user has of a conversation. Users are numbers."""

from dataclasses import dataclass, field

from core.model import SHOWN, Audience, Box, Marks, MessageKind, Stored, UserKey


@dataclass(eq=False)
class PlainMessage:
    """A message as it is now, and what became of it."""

    stored: Stored
    sender: int
    audience: Audience
    place: int
    """Of a live one its sequence; of an imported one how many live messages come before it."""
    recalled: bool = False
    gone: bool = False
    """Dropped with what was around it."""
    hidden_from: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        to = self.audience.to
        self.addressees = None if to is None else {user.number for user in to}
        self.left_out = {user.number for user in self.audience.without}
        self.is_listed = bool(SHOWN & 1 << self.stored.kind)
        self.is_countable = self.stored.kind == MessageKind.MESSAGE and not self.audience.online_only

    def is_for(self, user: int) -> bool:
        """Whether the user is among those who get it, at whatever station."""
        return user == self.sender or (
            (self.addressees is None or user in self.addressees) and user not in self.left_out
        )

    def is_at(self, user: int, station: str) -> bool:
        """Whether it is there for a user who looks from a station, or from none in particular."""
        return user == self.sender or not station or self.audience.station in (None, station)


@dataclass
class PlainMember:
    """Who is or was in a group, with every place of the log that is there for this user; 0 is what was before the log."""

    key: UserKey
    role: str
    joined: int
    after: int
    """The last message before joining, the last time: it and those before it were never unread."""
    until: int | None = None
    """The last message before leaving; none for a present member."""
    places: set[int] = field(default_factory=set)


@dataclass
class PlainState:
    """What one user has of a conversation."""

    read: int = 0
    seen: int = 0
    floor: int = -1
    """The place up to which it is cleared."""
    box: Box = Box.ACTIVE
    boxed_at: int = 0
    marks: Marks = field(default_factory=Marks)
    steps: dict[str, list[tuple[int, int]]] = field(default_factory=lambda: {"read": [], "delivered": []})
    """How far it was read and delivered, and when."""


@dataclass
class PlainReport:
    """That a user was delivered, or has read, everything up to a message."""

    number: int
    user: UserKey | None
    station: str
    what: str
    sequence: int
    time: int
