"""Users who do at random what one can do with conversations, and what each of them sees, read message by message."""

import random
from collections.abc import Sequence

import msgspec

from core.clock import ManualClock
from core.conversations import Target
from core.core import Core
from core.groups import Visibility
from core.ids import Parties
from core.imports import Import
from core.messages import Query
from core.model import (
    EVERY_KIND,
    EVERYBODY,
    Audience,
    Box,
    Message,
    MessageKind,
    Overview,
    Receipt,
    Stored,
    Tenant,
    UserKey,
)
from tests.core.support import text

HOUR = 3_600_000

Seen = dict[tuple[str, Target, bool], list[tuple[int, int, str]]]
"""By viewer, conversation, and whether of its topic alone: sequences, times and senders."""


class Life:
    """A small group, a larger one and direct conversations among a few users, and strangers who send to the groups."""

    def __init__(self, core: Core, tenant: Tenant, clock: ManualClock, seed: int) -> None:
        self.core = core
        self.tenant = tenant
        self.clock = clock
        self.rng = random.Random(seed)  # noqa: S311
        self.users: list[UserKey] = []
        self.gone: list[UserKey] = []
        """Users who were erased; the others still have their conversations with them."""
        self.groups: list[int] = []
        self.topics: dict[Parties, int] = {}
        self.receipts: list[Receipt] = []
        self.heads: dict[int, int] = {}
        self.spans: dict[tuple[int, int], tuple[int, int]] = {}
        """By group and user: the head when joining last, and when leaving (-1: present)."""
        self.count = 0

    async def begin(self) -> None:
        self.users = await self.core.users.keys(self.tenant, ["ada", "bob", "cy", "dee", "eve", "stranger"])
        many = await self.core.users.keys(self.tenant, [f"user {number}" for number in range(40)])
        for members in (self.users[:4], [*self.users[:4], *many]):
            group = await self.core.groups.create(
                self.tenant, name="", owner=self.users[0], members=members, dialect="plain"
            )
            self.groups.append(group.number)
            self.heads[group.number] = 0
            self.spans |= {(group.number, user.number): (0, -1) for user in members}

    def targets(self, user: UserKey) -> list[Target]:
        return [*self.groups, *(other.id for other in [*self.users, *self.gone] if other.id != user.id)]

    def pick(self) -> UserKey:
        return self.rng.choice(self.users)

    async def live(self, steps: int, pause_ms: int = HOUR) -> None:
        """Do something, again and again, up to `pause_ms` apart."""
        acts = [self.send] * 12 + [self.recall, self.hide, self.read, self.read, self.put, self.clear, self.link]
        acts += [self.join_or_leave, self.mark, self.imports, self.imports, self.open_topic]
        for _ in range(steps):
            self.clock.move(self.rng.randrange(pause_ms))
            await self.rng.choice(acts)()

    async def send(self) -> None:
        sender, self.count = self.pick(), self.count + 1
        audience = self.audience(sender) if self.rng.random() < 0.2 else EVERYBODY
        target = self.rng.choice(self.targets(sender))
        message, reference = self.words(sender, target), f"client:{self.count}"
        own = f"own {self.count}" if self.count % 2 else ""
        if isinstance(target, int):
            sent = await self.core.messages.send_group(
                self.tenant, sender, [target], message, reference, audience, external_id=own
            )
            self.heads[target] = sent[0].sequence
        else:
            other = await self.core.users.key(self.tenant, target)
            sent = await self.core.messages.send_direct(
                self.tenant, sender, [other], message, reference, audience, external_id=own
            )
        self.receipts += sent

    def parties(self, sender: UserKey, target: Target) -> Parties:
        if isinstance(target, int):
            return target
        return (sender.id, target) if sender.id <= target else (target, sender.id)

    def words(self, sender: UserKey, target: Target) -> Message:
        """A message, about the conversation's topic now and then."""
        message = text(sender.id, f"words {self.count}")
        topic = self.topics.get(self.parties(sender, target)) if self.rng.random() < 0.5 else None
        return msgspec.structs.replace(message, topic=topic)

    async def open_topic(self) -> None:
        creator = self.pick()
        parties = self.parties(creator, self.rng.choice(self.targets(creator)))
        topic, _ = await self.core.topics.create(self.tenant, parties, creator=creator, dialect="plain", alias="a")
        self.topics[parties] = topic.number

    async def imports(self) -> None:
        """History of the last three days."""
        sender = self.pick()
        target = self.rng.choice(self.targets(sender))
        some = []
        for _ in range(self.rng.randrange(1, 6)):
            self.count += 1
            time = self.clock.now() - self.rng.randrange(72 * HOUR)
            some.append(Import(str(self.count), time, sender, self.words(sender, target)))
        if isinstance(target, int):
            self.receipts += await self.core.imports.group(self.tenant, target, some)
        else:
            other = await self.core.users.key(self.tenant, target)
            self.receipts += await self.core.imports.direct(self.tenant, sender, other, some)

    def audience(self, sender: UserKey) -> Audience:
        some = tuple(self.rng.sample(self.users, 2))
        return self.rng.choice(
            [Audience(to=some), Audience(without=some), Audience(station="phone"), Audience(online_only=True)]
        )

    async def recall(self) -> None:
        if self.receipts:
            number = self.rng.choice(self.receipts[-40:]).id
            if await self.core.messages.get(self.tenant, number) is not None:
                await self.core.messages.recall(self.tenant, number)

    async def hide(self) -> None:
        if self.receipts:
            wanted = [self.rng.choice(self.receipts[-40:]).id for _ in range(3)]
            await self.core.messages.hide(self.tenant, self.pick(), wanted)

    async def read(self) -> None:
        user = self.pick()
        target = self.rng.choice(self.targets(user))
        page = await self.page(user, target)
        up_to = self.rng.choice(page).sequence if page and self.rng.random() < 0.6 else None
        await self.core.conversations.delivered(self.tenant, user, target, up_to)
        await self.core.conversations.read(self.tenant, user, target, up_to)

    async def put(self) -> None:
        user = self.pick()
        await self.core.conversations.put(
            self.tenant, user, self.rng.choice(self.targets(user)), self.rng.choice(list(Box))
        )

    async def mark(self) -> None:
        user = self.pick()
        await self.core.conversations.mark(self.tenant, user, self.rng.choice(self.targets(user)), favourite=True)

    async def clear(self) -> None:
        if self.rng.random() < 0.3:
            user = self.pick()
            await self.core.conversations.clear(self.tenant, user, self.rng.choice(self.targets(user)))

    async def link(self) -> None:
        if self.receipts:
            number = self.rng.choice(self.receipts[-40:]).id
            if await self.core.messages.get(self.tenant, number) is not None:
                await self.core.foreign.link(self.tenant, "plain", f"foreign {self.rng.randrange(1000)}", number)

    async def join_or_leave(self) -> None:
        group, user = self.rng.choice(self.groups), self.rng.choice(self.users[1:])
        head = self.heads[group]
        if self.spans.get((group, user.number), (0, 0))[1] == -1:
            await self.core.groups.remove(self.tenant, group, [user])
            self.spans[group, user.number] = (self.spans[group, user.number][0], head)
        else:
            await self.core.groups.add(self.tenant, group, [user], sees=self.rng.choice(list(Visibility)))
            self.spans[group, user.number] = (head, -1)

    # What they see

    async def page(self, user: UserKey | None, target: Target, other: str = "") -> list[Stored]:
        """Everything that a user is shown of a conversation, oldest first. Without a user an administrator looks: at a group, or
        at the conversation of `target` and `other`."""
        found: list[Stored] = []
        query = Query(1000, newest_first=False, kinds=EVERY_KIND)
        while True:
            if isinstance(target, int):
                page = await self.core.messages.group_page(self.tenant, user, target, query)
            else:
                page = await self.core.messages.direct_page(
                    self.tenant, target, user.id if user else other, query, user
                )
            found += page.messages
            if not page.cursor:
                return found
            query = Query(1000, newest_first=False, kinds=EVERY_KIND, cursor=page.cursor)

    async def talk(self, user: UserKey | None, topic: int) -> list[Stored]:
        """Everything that a user is shown of a topic, newest first."""
        page = await self.core.topics.page(self.tenant, topic, Query(1000, kinds=EVERY_KIND), user)
        assert not page.cursor
        return page.messages

    async def row(self, user: UserKey, target: Target) -> Overview | None:
        if isinstance(target, int):
            return await self.core.conversations.group(self.tenant, user, target)
        return await self.core.conversations.direct(self.tenant, user, target)

    async def seen(self) -> Seen:
        """What every user sees of every conversation and of its topic."""
        found: Seen = {}
        for user in self.users:
            for target in self.targets(user):
                found[user.id, target, False] = _rows(await self.page(user, target))
                topic = self.topics.get(self.parties(user, target))
                found[user.id, target, True] = _rows(await self.talk(user, topic)) if topic else []
        return found

    async def lists(self, user: UserKey) -> dict[Box, list[Overview]]:
        return {box: await self.core.conversations.list(self.tenant, user, 1000, box=box) for box in Box}

    def unread(self, user: UserKey, target: Target, shown: Sequence[Stored], read: int) -> int:
        """Counted message by message."""
        first, last = (0, -1)
        if isinstance(target, int):
            if (target, user.number) not in self.spans:
                return 0
            first, last = self.spans[target, user.number]
        return sum(
            1
            for stored in shown
            if stored.kind == MessageKind.MESSAGE
            and stored.message.sender != user.id
            and stored.sequence > max(read, first)
            and (last < 0 or stored.sequence <= last)
        )

    async def check(self) -> None:
        """The lists say what the messages say, for everybody."""
        for user in self.users:
            lists = await self.lists(user)
            rows = {(row.group_number or row.peer): row for box in lists.values() for row in box}
            assert sum(map(len, lists.values())) == len(rows)
            for box, listed in lists.items():
                times = [row.time for row in listed]
                assert times == sorted(times, reverse=True)
                assert (
                    times[:1]
                    == [row.time for row in await self.core.conversations.list(self.tenant, user, 1, box=box)][:1]
                )
            for target in self.targets(user):
                shown = await self.page(user, target)
                row = await self.row(user, target)
                assert rows.pop(target, None) == row
                if row is None:
                    assert [stored for stored in shown if stored.kind == MessageKind.MESSAGE] == []
                    continue
                assert row.last == shown[-1]
                assert row.unread == self.unread(user, target, shown, row.read)
            assert rows == {}


def _rows(messages: Sequence[Stored]) -> list[tuple[int, int, str]]:
    return [(one.sequence, one.time, one.message.sender) for one in messages]
