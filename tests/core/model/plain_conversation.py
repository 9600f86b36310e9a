"""What the store promises of one conversation, as plain Python that can be checked by reading: everything in lists and
sets, every answer by looking at all of it. It follows no key, number or record of the store; those it learns from the
store's first answer and holds it to them.
"""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from core.ids import Parties, parties_of
from core.messages import Query
from core.model import Box, Group, Member, Overview, Progress, Stored, UserKey, UserReceipt
from tests.core.model.plain_people import PlainPeople
from tests.core.model.plain_rows import PlainMember, PlainMessage, PlainReport, PlainState

DAY = 86_400_000
MINUTE = 60_000
LARGE = 33
"""Members at once from which a group is a large one for good."""


@dataclass
class PlainConversation:
    """One conversation, everything that was ever sent to it, and what each reference led to first."""

    identity: str
    peers: tuple[UserKey, ...]
    group_number: int | None = None
    number: int | None = None
    group: Group | None = None
    owner: UserKey | None = None
    exists: bool = False
    is_settled: bool = False
    """A direct conversation learns whose it is from its first message."""
    is_large: bool = False
    entries: list[PlainMessage] = field(default_factory=list)
    """The live messages, also the dropped ones."""
    dropped: int = 0
    """Up to which of them they are gone."""
    imports: list[PlainMessage] = field(default_factory=list)
    """Those that are there."""
    ever_imported: list[PlainMessage] = field(default_factory=list)
    external: dict[str, PlainMessage] = field(default_factory=dict)
    """What an external id leads to."""
    forgotten: set[str] = field(default_factory=set)
    """External ids that led to what is gone."""
    newest_time: int = 0
    topics: list[int] = field(default_factory=list)
    reports: list[PlainReport] = field(default_factory=list)
    reported: int = 0
    members: dict[int, PlainMember] = field(default_factory=dict)
    people: PlainPeople = field(default_factory=PlainPeople)
    states: dict[int, PlainState] = field(default_factory=dict)
    senders: set[int] = field(default_factory=set)
    first: dict[tuple[int, str], PlainMessage] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.pair = {peer.number for peer in self.peers}

    @property
    def head(self) -> int:
        return len(self.entries)

    @property
    def messages(self) -> list[PlainMessage]:
        """All that are there, live and imported, by time."""
        live = self.entries[self.dropped :]
        if not self.imports:
            return live
        return sorted([*live, *self.imports], key=lambda message: message.stored.time)

    @property
    def is_room(self) -> bool:
        return self.group is not None and self.group.room

    @property
    def parties(self) -> Parties:
        return parties_of(self.identity)

    def other(self, user: UserKey) -> str:
        """Of a direct conversation's two users the one that is not this one."""
        return self.peers[0].id if self.peers[1].id == user.id else self.peers[1].id

    def settle(self, peers: tuple[UserKey, ...]) -> None:
        """Whose it is now: who took the name of an erased user inherits nothing."""
        for peer in peers:
            if self.is_settled and peer not in self.peers:
                self.state(peer).floor = self.head
        self.is_settled = True
        self.peers = tuple(sorted(peers, key=lambda peer: peer.id))
        self.pair = {peer.number for peer in peers}

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
        return max(now, self.newest_time + 1)

    def repeat(self, sender: int, reference: str, now: int) -> PlainMessage | None:
        """What the same reference led to, while it is remembered: in the period of that message and in the next."""
        found = self.first.get((sender, reference))
        if found is None:
            return None
        period = DAY if reference.startswith("client:") else MINUTE
        latest = max(now, self.newest_time)
        return found if latest // period - found.stored.time // period <= 1 else None

    def append(self, message: PlainMessage, reference: str) -> None:
        self.exists = True
        self.entries.append(message)
        self.newest_time = message.stored.time
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

    # Importing and dropping

    def free_time(self, time: int) -> int:
        """The first millisecond from `time` on that no message has."""
        taken = {message.stored.time for message in self.messages}
        while time in taken:
            time += 1
        return time

    def place_of(self, time: int) -> int:
        """How many live messages come before a time; all that are gone certainly do."""
        return max(self.dropped, bisect_left(self.entries, time, key=lambda message: message.stored.time))

    def add_import(self, message: PlainMessage, external_id: str) -> None:
        self.exists = True
        self.imports.append(message)
        self.ever_imported.append(message)
        self.external[external_id] = message
        self.newest_time = max(self.newest_time, message.stored.time)
        self.senders.add(message.sender)

    def drop(self, before: int | None) -> int:
        """Let go of what is older than a time, of everything when none; how many messages."""
        old = [message for message in self.messages if before is None or message.stored.time < before]
        for message in old:
            message.gone = True
        self.dropped = self.head if before is None else self.place_of(before)
        self.imports = [message for message in self.imports if not message.gone]
        self.forget_external(lambda message: message.gone)
        while self.reports and (before is None or self.reports[0].sequence <= self.dropped):
            del self.reports[0]
        return len(old)

    def forget_external(self, is_gone: Callable[[PlainMessage], bool]) -> None:
        gone = {name for name, message in self.external.items() if is_gone(message)}
        self.forgotten |= gone
        for name in gone:
            del self.external[name]

    def erase(self, user: UserKey, began: int) -> None:
        """What a user sent, was and had here goes."""
        for message in (*self.entries, *self.ever_imported):
            message.recalled |= message.sender == user.number
        self.forget_external(lambda message: message.sender == user.number)
        self.members.pop(user.number, None)
        self.people.erase(user)
        self.states.pop(user.number, None)
        for report in self.reports:
            if report.user == user:
                report.user, report.station = None, ""
        if self.group is not None and self.group.owner == user.id and self.group.created <= began:
            self.group = msgspec.structs.replace(self.group, owner="")

    # Members

    def join(self, key: UserKey, now: int, earlier: int) -> bool:
        """`earlier`: how many of the places until now are there for the newcomer, -1 for all."""
        member = self.members.get(key.number)
        if member is not None and member.until is None:
            return False
        until_now = range(self.head + 1)
        places = set(until_now if earlier < 0 else until_now[len(until_now) - min(earlier, len(until_now)) :])
        if member is not None:
            places |= member.places
        role = "owner" if key == self.owner else "member"
        self.members.pop(key.number, None)  # behind those who are there already
        self.members[key.number] = PlainMember(key, role, now, self.head, None, places)
        self.is_large |= not self.is_room and len(self.present()) >= LARGE
        return True

    def leave(self, key: UserKey) -> bool:
        member = self.members.get(key.number)
        if member is None or member.until is not None:
            return False
        self.people.leave(key)
        if self.is_room:
            # Nothing is kept but what the user deleted.
            del self.members[key.number]
            state = self.state(key)
            self.states[key.number] = PlainState(floor=state.floor)
        else:
            self.state(key).box = self.box(key)
            member.until = self.head
        return True

    def delete(self) -> None:
        """The group is deleted, and with it all that anybody had of it."""
        self.drop(None)
        self.people = PlainPeople(deleted=True)
        self.group, self.exists = None, False
        for rows in (self.topics, self.members, self.states, self.senders, self.first):
            rows.clear()

    def present(self) -> list[Member]:
        return [
            Member(member.key.id, member.key.number, member.role, member.joined)
            for member in self.members.values()
            if member.until is None
        ]

    # What is shown

    def is_shown(self, viewer: int | None, message: PlainMessage, station: str = "") -> bool:
        """`viewer` None: an administrator's look."""
        if message.recalled or message.gone:
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
            for message in self.messages
            if since <= message.stored.time < until
            and query.kinds & 1 << message.stored.kind
            and (not query.topic or message.stored.message.topic == query.topic)
            and self.is_shown(number, message, query.station)
        ]
        if query.newest_first:
            found.reverse()
        return found

    def last_shown(self, viewer: UserKey) -> PlainMessage | None:
        """The newest message of those that lists show."""
        shown = (one for one in reversed(self.messages) if one.is_listed and self.is_shown(viewer.number, one))
        return next(shown, None)

    def newest_sequence(self, viewer: UserKey) -> int:
        """The newest live one of those: only that is new to anybody, or brings a conversation back. Of who never was a member
        nobody looks behind the last one."""
        if not self.is_inside(viewer.number):
            last = self.last_shown(viewer)
            return max(last.stored.sequence, 0) if last else 0
        shown = (message for message in reversed(self.entries[self.dropped :]) if message.is_listed)
        return next((one.stored.sequence for one in shown if self.is_shown(viewer.number, one)), 0)

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
        above = max(state.read, state.floor, member.after if member else 0, self.dropped)
        return sum(
            message.is_countable
            and message.sender != user.number
            and message.is_for(user.number)
            and user.number not in message.hidden_from
            and not message.recalled
            for message in self.entries[above : self.end(user)]
        )

    def progress(self, user: UserKey) -> Progress:
        """How far the user has come, and the other one of two."""
        read, unread = self.state(user).read, self.unread(user)
        if not self.pair or user.number not in self.pair:
            return Progress(read, unread, self.head)
        peer = next((one for one in self.peers if one.number != user.number), user)
        steps = self.state(peer).steps
        reached = [steps[what][-1][0] if steps[what] else 0 for what in ("delivered", "read")]
        # Steps into what was dropped went with it.
        return Progress(read, unread, self.head, *(place if place > self.dropped else 0 for place in reached))

    def is_told(self) -> bool:
        """Whether anybody said what was delivered or read."""
        return any(steps for state in self.states.values() for steps in state.steps.values())

    def receipts(self, message: PlainMessage) -> list[UserReceipt]:
        """When it reached whom and who read it when, of everybody who could get it."""
        members = (member.key for member in self.members.values() if message.place in member.places)
        users = {key for key in (*self.peers, *members) if key.number != message.sender and message.is_for(key.number)}
        return [
            UserReceipt(user, *self.times(user, message.stored.sequence))
            for user in sorted(users, key=lambda user: user.number)
        ]

    def times(self, user: UserKey, sequence: int) -> tuple[int | None, int | None]:
        """When a live message was delivered to a user, and read."""
        steps = self.state(user).steps
        times = [
            next((time for position, time in steps[what] if 0 < sequence <= position), None)
            for what in ("delivered", "read")
        ]
        return min((time for time in times if time is not None), default=None), times[1]

    def comes_back_unwritten(self, user: int) -> bool:
        """Nobody writes down that a large group is back in a member's list: its last message says so while it is there."""
        member = self.members.get(user)
        return (self.is_large or self.is_room) and member is not None and member.until is None

    def move(self, user: UserKey, what: str, up_to: int | None, now: int, receipt: bool, station: str) -> bool:
        """What the user has read, or was delivered; whether that, or what others know of it, changed."""
        if not self.exists or not self.is_inside(user.number):
            return False
        state, end = self.state(user), self.end(user)
        position = end if up_to is None else min(up_to, end)
        changed = False
        if what == "read" and position > state.read:
            state.read, changed = position, True
        steps = state.steps[what]
        if receipt and position > max(self.dropped, steps[-1][0] if steps else 0):
            steps.append((position, now))
            changed = True
            if self.peers:
                self.reported += 1
                self.reports.append(PlainReport(self.reported, user, station, what, position, now))
        return changed

    def is_in_a_list_of(self, user: UserKey) -> bool:
        """A large group is in one of every member's, also where nothing is shown yet."""
        return not self.is_room and (self.comes_back_unwritten(user.number) or self.last_shown(user) is not None)

    def box(self, user: UserKey) -> Box:
        state = self.state(user)
        if self.comes_back_unwritten(user.number):
            return Box.ACTIVE if self.newest_sequence(user) > state.boxed_at else state.box
        return state.box

    def overview(self, user: UserKey) -> Overview | None:
        last = self.last_shown(user)
        if last is None or self.number is None or (self.is_room and not self.is_inside(user.number)):
            return None
        state = self.state(user)
        in_group = self.group_number is not None
        return Overview(
            conversation=self.number,
            time=last.stored.time,
            peer=None if in_group else self.other(user),
            group=self.group,
            group_number=self.group_number,
            last=last.stored,
            unread=self.unread(user),
            read=state.read,
            is_new=self.newest_sequence(user) > max(state.seen, state.read),
            box=self.box(user),
            marks=state.marks,
        )
