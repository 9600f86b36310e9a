"""What the store promises, as plain Python that can be checked by reading: everything in lists and sets, every answer by
looking at all of it. It follows no key, number or record of the store; those it learns from the store's first answer and
holds it to them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from core.ids import direct_identity, group_identity
from core.messages import Query
from core.model import SHOWN, Group, Member, Overview, Stored, User, UserKey
from core.names import fold

AHEAD = 1000
DAY = 86_400_000
MINUTE = 60_000
LATEST = 200


@dataclass
class PlainMember:
    """Who is or was in a group, with every sequence that this user may see."""

    key: UserKey
    role: str
    joined: int
    present: bool = True
    seen: set[int] = field(default_factory=set)


@dataclass
class PlainConversation:
    """One conversation, everything that was ever sent to it, and what each reference led to first."""

    identity: str
    peers: tuple[str, ...]
    group_number: int | None = None
    number: int | None = None
    group: Group | None = None
    entries: list[Stored] = field(default_factory=list)
    members: dict[str, PlainMember] = field(default_factory=dict)
    senders: set[str] = field(default_factory=set)
    first: dict[tuple[str, str], Stored] = field(default_factory=dict)

    def other(self, user: str) -> str:
        """The one of a direct conversation's two users that is not this one."""
        return self.peers[0] if self.peers[1] == user else self.peers[1]

    def time_of_next(self, now: int) -> int:
        return max(now, self.entries[-1].time + 1) if self.entries else now

    def repeat(self, sender: str, reference: str, now: int) -> Stored | None:
        """What the same reference led to, while it is remembered: in the period of that message and in the next."""
        found = self.first.get((sender, reference))
        if found is None:
            return None
        period = DAY if reference.startswith("client:") else MINUTE
        latest = max(now, self.entries[-1].time)
        return found if latest // period - found.time // period <= 1 else None

    def append(self, stored: Stored, sender: str, reference: str) -> None:
        self.entries.append(stored)
        self.senders.add(sender)
        self.first[sender, reference] = stored
        for member in self.members.values():
            if member.present:
                member.seen.add(stored.sequence)

    def join(self, key: UserKey, role: str, now: int, earlier: int) -> bool:
        member = self.members.get(key.id)
        if member is not None and member.present:
            return False
        seen = member.seen if member is not None else set()
        visible = self.entries if earlier < 0 else self.entries[len(self.entries) - min(earlier, len(self.entries)) :]
        self.members[key.id] = PlainMember(key, role, now, True, seen | {stored.sequence for stored in visible})
        return True

    def leave(self, key: UserKey) -> bool:
        member = self.members.get(key.id)
        if member is None or not member.present:
            return False
        member.present = False
        return True

    def present(self) -> list[Member]:
        members = [
            Member(member.key.id, member.key.number, member.role, member.joined)
            for member in self.members.values()
            if member.present
        ]
        return sorted(members, key=lambda member: (member.joined, member.number))

    def may_see(self, viewer: str | None, stored: Stored) -> bool:
        """`viewer` None: an administrator's look."""
        if viewer is None or self.group_number is None:
            return True
        member = self.members.get(viewer)
        if member is None:
            return stored.message.sender == viewer
        return stored.sequence in member.seen

    def newest_first(self, viewer: str | None) -> Iterator[Stored]:
        return (stored for stored in reversed(self.entries) if self.may_see(viewer, stored))

    def page(self, viewer: str | None, query: Query) -> list[Stored]:
        """Everything that a query asks for, without its limit."""
        found = [
            stored
            for stored in self.entries
            if self.may_see(viewer, stored)
            and stored.time >= query.since
            and (not query.until or stored.time < query.until)
            and query.kinds & 1 << stored.kind
        ]
        if query.newest_first:
            found.reverse()
        if query.cursor:
            found = [
                stored
                for stored in found
                if (stored.sequence < query.cursor if query.newest_first else stored.sequence > query.cursor)
            ]
        return found

    def overview(self, viewer: UserKey) -> Overview | None:
        last = next((stored for stored in self.newest_first(viewer.id) if SHOWN & 1 << stored.kind), None)
        if last is None or self.number is None:
            return None
        if self.group_number is not None:
            return Overview(self.number, last.time, None, self.group, self.group_number, last)
        return Overview(self.number, last.time, self.other(viewer.id), None, None, last)


class PlainSpace:
    """One tenant's chat space in one generation."""

    def __init__(self) -> None:
        self.keys: dict[str, UserKey] = {}
        self.owners: dict[str, str] = {}
        self.profiles: dict[str, User] = {}
        self.conversations: dict[str, PlainConversation] = {}
        self.aliases: dict[str, int] = {}

    def owner(self, name: str, folded: bool) -> str:
        """The neutral id that a name stands for."""
        return self.owners.get(fold(name), fold(name)) if folded else name

    def place(self, key: UserKey) -> None:
        """Hold the store to the place that it gave a name."""
        known = self.keys.get(key.id)
        assert known is None or known == key
        if known is None:
            assert key.number not in {other.number for other in self.keys.values()}
            self.keys[key.id] = key

    def register(self, user: User) -> None:
        """The first registered user whose name folds to a form owns it."""
        if user.id not in self.profiles:
            self.profiles[user.id] = user
            self.owners.setdefault(fold(user.id), user.id)

    def direct(self, first: UserKey, second: UserKey) -> PlainConversation:
        identity = direct_identity(first.id, second.id)
        return self.conversations.setdefault(identity, PlainConversation(identity, (first.id, second.id)))

    def group(self, number: int) -> PlainConversation:
        identity = group_identity(number)
        return self.conversations.setdefault(identity, PlainConversation(identity, (), number))

    def groups(self) -> list[PlainConversation]:
        return [one for one in self.conversations.values() if one.group_number is not None]

    def messages(self) -> list[Stored]:
        return [stored for one in self.conversations.values() for stored in one.entries]

    def overviews(self, user: UserKey) -> list[Overview]:
        """A user's whole list."""
        rows = [
            row
            for one in self.conversations.values()
            if user.id in one.peers or user.id in one.members or user.id in one.senders
            if (row := one.overview(user)) is not None
        ]
        return sorted(rows, key=lambda row: (-row.time, row.conversation))
