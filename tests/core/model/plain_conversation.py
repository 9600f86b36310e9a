"""What the store promises of one conversation, as plain Python that can be checked by reading: everything in lists and
sets, every answer by looking at all of it. It follows no key, number or record of the store; those it learns from the
store's first answer and holds it to them.
"""

from dataclasses import dataclass, field

from core.messages import Query
from core.model import SHOWN, Audience, Box, Group, Marks, Member, MessageKind, Overview, Stored, UserKey

DAY = 86_400_000
MINUTE = 60_000
LARGE = 33
"""Members at once from which a group is a large one for good."""


@dataclass(eq=False)
class PlainMessage:
    """A message as it is now, and what became of it. Users are numbers."""

    stored: Stored
    sender: int
    audience: Audience
    place: int
    """How many live messages there were when it came, itself included."""
    recalled: bool = False
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
class PlainConversation:
    """One conversation, everything that was ever sent to it, and what each reference led to first."""

    identity: str
    peers: tuple[UserKey, ...]
    group_number: int | None = None
    number: int | None = None
    group: Group | None = None
    is_large: bool = False
    entries: list[PlainMessage] = field(default_factory=list)
    members: dict[int, PlainMember] = field(default_factory=dict)
    states: dict[int, PlainState] = field(default_factory=dict)
    senders: set[int] = field(default_factory=set)
    first: dict[tuple[int, str], PlainMessage] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.pair = {peer.number for peer in self.peers}

    @property
    def head(self) -> int:
        return len(self.entries)

    @property
    def exists(self) -> bool:
        return bool(self.entries) or self.group is not None

    @property
    def is_room(self) -> bool:
        return self.group is not None and self.group.room

    def other(self, user: UserKey) -> UserKey:
        """The one of a direct conversation's two users that is not this one."""
        return self.peers[0] if self.peers[1] == user else self.peers[1]

    def state(self, user: UserKey) -> PlainState:
        return self.states.setdefault(user.number, PlainState())

    def users(self) -> list[UserKey]:
        """Whoever is, or was, in it."""
        return [*self.peers, *(member.key for member in self.members.values())]

    def is_inside(self, user: int) -> bool:
        """Whether the user is one of the two, or is or was a member."""
        return user in self.members or user in self.pair

    # Sending

    def time_of_next(self, now: int) -> int:
        return max(now, self.entries[-1].stored.time + 1) if self.entries else now

    def repeat(self, sender: int, reference: str, now: int) -> PlainMessage | None:
        """What the same reference led to, while it is remembered: in the period of that message and in the next."""
        found = self.first.get((sender, reference))
        if found is None:
            return None
        period = DAY if reference.startswith("client:") else MINUTE
        latest = max(now, self.entries[-1].stored.time)
        return found if latest // period - found.stored.time // period <= 1 else None

    def append(self, message: PlainMessage, reference: str) -> None:
        self.entries.append(message)
        self.senders.add(message.sender)
        self.first[message.sender, reference] = message
        for member in self.members.values():
            if member.until is None:
                member.places.add(message.place)
        if message.is_listed:
            for number, state in self.states.items():
                if (
                    state.box is not Box.ACTIVE
                    and self.is_shown(number, message)
                    and not self.comes_back_unwritten(number)
                ):
                    state.box = Box.ACTIVE

    # Members

    def join(self, key: UserKey, role: str, now: int, earlier: int) -> bool:
        """`earlier`: how many of the places until now are there for the newcomer, -1 for all."""
        member = self.members.get(key.number)
        if member is not None and member.until is None:
            return False
        until_now = range(self.head + 1)
        places = set(until_now if earlier < 0 else until_now[len(until_now) - min(earlier, len(until_now)) :])
        if member is not None:
            places |= member.places
        self.members[key.number] = PlainMember(key, role, now, self.head, None, places)
        self.is_large |= not self.is_room and len(self.present()) >= LARGE
        return True

    def leave(self, key: UserKey) -> bool:
        member = self.members.get(key.number)
        if member is None or member.until is not None:
            return False
        if self.is_room:
            # Nothing is kept but what the user deleted.
            del self.members[key.number]
            state = self.state(key)
            self.states[key.number] = PlainState(floor=state.floor)
        else:
            self.state(key).box = self.box(key)
            member.until = self.head
        return True

    def present(self) -> list[Member]:
        members = [
            Member(member.key.id, member.key.number, member.role, member.joined)
            for member in self.members.values()
            if member.until is None
        ]
        return sorted(members, key=lambda member: (member.joined, member.number))

    # What is shown

    def is_shown(self, viewer: int | None, message: PlainMessage, station: str = "") -> bool:
        """`viewer` None: an administrator's look."""
        if message.recalled:
            return False
        if viewer is None:
            return True
        state = self.states.get(viewer)
        if message.audience.online_only or viewer in message.hidden_from or (state and message.place <= state.floor):
            return False
        if not self.is_inside(viewer):
            return message.sender == viewer
        member = self.members.get(viewer)
        return (
            (member is None or message.place in member.places)
            and message.is_for(viewer)
            and message.is_at(viewer, station)
        )

    def page(self, viewer: UserKey | None, query: Query) -> list[Stored]:
        """Everything that a query asks for, without its limit."""
        number = viewer.number if viewer else None
        since, until = query.since, query.until or 1 << 60
        if query.cursor and query.newest_first:
            until = min(until, query.cursor)
        elif query.cursor:
            since = max(since, query.cursor + 1)
        found = [
            message.stored
            for message in self.entries
            if since <= message.stored.time < until
            and query.kinds & 1 << message.stored.kind
            and self.is_shown(number, message, query.station)
        ]
        if query.newest_first:
            found.reverse()
        return found

    def last_shown(self, viewer: UserKey) -> PlainMessage | None:
        """The newest message of those that lists show."""
        shown = (one for one in reversed(self.entries) if one.is_listed and self.is_shown(viewer.number, one))
        return next(shown, None)

    def find(self, message_id: int) -> PlainMessage | None:
        return next((message for message in self.entries if message.stored.id == message_id), None)

    # What a user has of it

    def end(self, user: UserKey) -> int:
        """The last message that came to the user: what comes after leaving doesn't."""
        member = self.members.get(user.number)
        return self.head if member is None or member.until is None else member.until

    def unread(self, user: UserKey) -> int:
        """By looking at every message."""
        if not self.is_inside(user.number) or self.is_room:
            return 0
        member, state = self.members.get(user.number), self.state(user)
        above = max(state.read, state.floor, member.after if member else 0)
        return sum(
            message.is_countable
            and message.sender != user.number
            and message.is_for(user.number)
            and user.number not in message.hidden_from
            and not message.recalled
            for message in self.entries[above : self.end(user)]
        )

    def comes_back_unwritten(self, user: int) -> bool:
        """Nobody writes down that a large group is back in a member's list: its last message says so while it is there."""
        member = self.members.get(user)
        return (self.is_large or self.is_room) and member is not None and member.until is None

    def move(self, user: UserKey, what: str, up_to: int | None, now: int, receipt: bool) -> bool:
        """What the user has read, or was delivered; whether that, or what others know of it, changed."""
        if not self.exists or not self.is_inside(user.number):
            return False
        state, end = self.state(user), self.end(user)
        position = end if up_to is None else min(up_to, end)
        changed = False
        if what == "read" and position > state.read:
            state.read, changed = position, True
        steps = state.steps[what]
        if receipt and position > (steps[-1][0] if steps else 0):
            steps.append((position, now))
            changed = True
        return changed

    def box(self, user: UserKey) -> Box:
        state = self.state(user)
        if self.comes_back_unwritten(user.number):
            last = self.last_shown(user)
            return Box.ACTIVE if last is not None and last.stored.sequence > state.boxed_at else state.box
        return state.box

    def overview(self, user: UserKey) -> Overview | None:
        last = self.last_shown(user)
        if last is None or self.number is None or (self.is_room and not self.is_inside(user.number)):
            return None
        state = self.state(user)
        in_group = self.group_number is not None
        return Overview(
            self.number,
            last.stored.time,
            None if in_group else self.other(user).id,
            self.group,
            self.group_number,
            last.stored,
            self.unread(user),
            state.read,
            last.stored.sequence > max(state.seen, state.read),
            self.box(user),
            state.marks,
        )
