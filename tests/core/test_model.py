"""Random operations on a real engine, compared with a plain model after every step.

Two workers (each with connections and memory of its own) serve two tenants whose users, groups and references have the
same names. MODEL_STEPS and MODEL_SEED make other walks than the usual one.
"""

import os
import random
from collections.abc import Awaitable, Callable, Sequence

import msgspec
import pytest

from core.clock import ManualClock
from core.core import Core
from core.errors import Failure, Kind
from core.groups import Visibility
from core.ids import LIVE, bucket_of, conversation_bucket
from core.messages import Query, kind_of
from core.model import (
    EVERY_KIND,
    SHOWN,
    Custom,
    Event,
    Group,
    Message,
    MessageKind,
    Receipt,
    Signal,
    Stored,
    Tenant,
    Text,
    User,
    UserKey,
)
from core.names import is_reserved
from core.store.groups import SMALL_GROUP
from tests.core.plain_model import AHEAD, PlainConversation, PlainSpace
from tests.core.side_by_side import ALIASES, DIALECT, NAMES, SCANNED, SideBySide, Worker
from tests.core.support import START, new_name, opened
from tests.servers import Engine

STEPS = int(os.environ.get("MODEL_STEPS", "10000"))
SEED = int(os.environ.get("MODEL_SEED", "1"))
EVERYTHING_EVERY = 500
KINDS = [SHOWN, EVERY_KIND, 1 << MessageKind.MESSAGE, 1 << MessageKind.SIGNAL, 1 << MessageKind.EVENT]


class Walk(SideBySide):
    """A random walk through everything that the core can do."""

    async def step(self) -> None:
        """One operation on one tenant."""
        self.tenant = self.rng.choice(list(self.spaces))
        self.space = self.spaces[self.tenant]
        self.tick()
        operation = self.rng.choices(list(OPERATIONS), list(OPERATIONS.values()))[0]
        self.doing = getattr(operation, "__name__", "")
        await operation(self)

    def tick(self) -> None:
        """Mostly the clock creeps; sometimes it leaps, or runs back for a while."""
        self.latest = max(self.latest, self.clock.now())
        chance = self.rng.random()
        if self.clock.now() < self.latest - AHEAD and chance < 0.3:
            self.clock.move(self.latest - self.clock.now())
        elif chance < 0.6:
            self.clock.move(self.rng.choice((0, 1, 1, 7, 40, 900)))
        elif chance < 0.64:
            self.clock.move(self.rng.choice((60_000, 3_600_000, 50_000_000, 90_000_000)))
        elif chance < 0.67:
            self.clock.move(-self.rng.choice((1, 500, 999, 1_000, 1_500, 70_000, 3_600_000)))

    # Users

    async def address(self) -> None:
        folded = self.rng.random() < 0.5
        name = self.name()
        known = await self.ask(lambda core, tenant: core.users.known_key(tenant, name, folded=folded), from_memory=True)
        assert known == self.space.keys.get(self.space.owner(name, folded))
        await self.user(name, folded=folded)

    async def register(self) -> None:
        name, folded = self.name(), self.rng.random() < 0.3
        user_id = self.space.owner(name, folded)

        async def act(core: Core, tenant: Tenant) -> User:
            return await core.users.register(tenant, name, folded=folded, display_name=f"The {name}")

        if is_reserved(name):
            with pytest.raises(Failure) as caught:
                await self.ask(act, from_memory=True)
            assert (caught.value.kind, caught.value.reason) == (Kind.FORBIDDEN, "reserved")
        elif user_id in self.space.profiles:
            await self.fails(Kind.CONFLICT, "user", act)
        else:
            user = await self.ask(act)
            self.space.place(UserKey(user.id, user.number))
            now = self.clock.now()
            assert user == User(user_id, self.space.keys[user_id].number, now, now, f"The {name}")
            self.space.register(user)
        await self.look_up(name, folded)

    async def claim(self) -> None:
        name = self.rng.choice([name for name in NAMES if not is_reserved(name)])
        key = await self.ask(lambda core, tenant: core.users.claim(tenant, name), from_memory=True)
        self.space.place(key)
        assert key.id == name
        now = self.clock.now()
        self.space.register(User(name, key.number, now, now))
        await self.look_up(name, False)

    async def roster(self) -> None:
        limit = self.rng.choice((1, 5, 100))
        numbers = sorted(user.number for user in self.space.profiles.values())
        after = self.rng.choice([0, *numbers])
        found = await self.ask(lambda core, tenant: core.users.page(tenant, after, limit))
        expected = sorted(self.space.profiles.values(), key=lambda user: user.number)
        assert found == [user for user in expected if user.number > after][:limit]

    # Messages

    def message(self, sender: UserKey) -> Message:
        self.counter += 1
        content = self.rng.choices(
            (
                Text(f"text {self.counter}"),
                Custom("order", {"number": self.counter}, "an order"),
                Signal("typing", {"number": self.counter}),
                Event("renamed", {"number": self.counter}),
            ),
            (6, 1, 2, 1),
        )[0]
        return Message(sender.id, content, DIALECT, {"n": self.counter} if self.counter % 3 else None)

    def reference(self) -> str:
        """Of the client (few, so that they come again) or made for the request."""
        if self.rng.random() < 0.4:
            return f"client:{self.rng.randrange(8)}"
        if self.rng.random() < 0.1:
            return f"request-{self.rng.randrange(4)}"
        self.counter += 1
        return f"request {self.counter}"

    async def send_direct(self) -> None:
        sender = await self.user()
        recipients = [await self.user() for _ in range(self.rng.choice((1, 1, 1, 1, 1, 2, 5, 40)))]
        targets = [self.space.direct(sender, recipient) for recipient in recipients]
        await self.send(sender, targets, self.message(sender), self.reference())
        await self.compare_one(targets[0], [sender, recipients[0]])

    async def send_group(self) -> None:
        if not self.space.groups() or self.rng.random() < 0.05:
            await self.reserve()
        targets = [self.any_group() for _ in range(self.rng.choice((1, 1, 1, 3)))]
        members = [member.key for member in targets[0].members.values()]
        sender = self.rng.choice(members) if members and self.rng.random() < 0.8 else await self.user()
        await self.send(sender, targets, self.message(sender), self.reference())
        await self.compare_one(targets[0], [sender, *self.sample(members, 2)])

    async def repeat(self) -> None:
        """The same reference again, with other content."""
        known = [one for one in self.space.conversations.values() if one.first]
        if known:
            target = max(self.sample(known, 8), key=lambda one: one.entries[-1].time)
            sender_id, reference = self.rng.choice(list(target.first)[-5:])
            sender = self.space.keys[sender_id]
            await self.send(sender, [target], self.message(sender), reference)
            await self.compare_one(target, [sender])

    async def burst(self) -> None:
        """Enough messages for what has a bound: 200 visible to a newcomer, 1,000 looked at for a page."""
        groups = [one for one in self.space.groups() if one.members]
        if groups:
            target = groups[0] if self.rng.random() < 0.7 else self.rng.choice(groups)
            sender = self.rng.choice([member.key for member in target.members.values()])
            quiet = self.rng.random() < 0.3
            for _ in range(self.rng.choice((150, 300, 450))):
                message = self.message(sender)
                if quiet:
                    message = msgspec.structs.replace(message, content=Signal("typing"))
                await self.send(sender, [target], message, f"burst {self.counter}")
                self.clock.move(self.rng.choice((0, 1)))
            self.measure(target)
            await self.compare_one(target, [sender])

    async def send(
        self, sender: UserKey, targets: Sequence[PlainConversation], message: Message, reference: str
    ) -> None:
        numbers = [target.group_number for target in targets if target.group_number is not None]
        recipients = [self.space.keys[target.other(sender.id)] for target in targets if target.group_number is None]

        async def act(core: Core, tenant: Tenant) -> list[Receipt]:
            if numbers:
                return await core.messages.send_group(tenant, sender, numbers, message, reference)
            return await core.messages.send_direct(tenant, sender, recipients, message, reference)

        receipts: list[Receipt | None]
        try:
            receipts = [*await self.ask(act)]
        except Failure as failure:
            if failure.kind is not Kind.RATE_LIMITED:
                raise
            self.failures[failure.kind] += 1
            receipts = [None] * len(targets)  # the others are stored, but nobody is told
        assert len(receipts) == len(targets)
        done = [
            await self.sent(target, sender, message, reference, receipt)
            for target, receipt in zip(targets, receipts, strict=True)
        ]
        assert all(done) == (receipts[0] is not None)

    async def sent(
        self, target: PlainConversation, sender: UserKey, message: Message, reference: str, receipt: Receipt | None
    ) -> bool:
        """What one append did. False when it had to be refused, since time would run ahead of the clock."""
        now = self.clock.now()
        first = target.repeat(sender.id, reference, now)
        if first is None:
            time = target.time_of_next(now)
            if time > now + AHEAD:
                return False
            if target.number is None:
                self.learn_number(target, receipt.conversation if receipt else await self.number_of(target))
            sequence = len(target.entries) + 1
            message_id = self.id_of(target, sequence)
            stored = Stored(message_id, sequence, time, int(kind_of(message)), message)
            target.append(stored, sender.id, reference)
        else:
            stored = first
        if receipt is not None:
            expected = Receipt(stored.id, target.number or 0, stored.sequence, stored.time, first is not None)
            assert receipt == expected
        return True

    def id_of(self, target: PlainConversation, sequence: int) -> int:
        ids = self.workers[0].core.ids(self.newest[self.tenant])
        return ids.message(target.number or 0, LIVE, sequence)

    async def number_of(self, target: PlainConversation) -> int:
        """The number of a conversation that began with a send whose receipt was not seen."""
        page = await self.read(target, None, Query(1, kinds=EVERY_KIND))
        place = self.workers[0].core.ids(self.newest[self.tenant]).place(page.messages[0].id)
        assert place is not None
        return place.conversation

    def learn_number(self, target: PlainConversation, number: int) -> None:
        assert number not in {one.number for one in self.space.conversations.values()}
        assert conversation_bucket(number) == bucket_of(target.identity)
        target.number = number

    async def page(self) -> None:
        target = self.any_conversation()
        if target is not None:
            times = [0, 0, *(one.time + self.rng.choice((-1, 0, 1)) for one in self.sample(target.entries, 2))]
            query = Query(
                limit=self.rng.choice((1, 2, 10, 50, 500)),
                newest_first=self.rng.random() < 0.5,
                since=self.rng.choice(times),
                until=self.rng.choice(times),
                kinds=self.rng.choice(KINDS),
                cursor=self.rng.choice((0, self.rng.randrange(len(target.entries) + 3))),
            )
            await self.compare_pages(target, await self.viewer(target), query, to_the_end=True)

    async def get(self) -> None:
        for one in self.sample(self.space.messages(), 2):
            assert await self.get_one(one.id) == one
        others = [message for space in self.spaces.values() if space is not self.space for message in space.messages()]
        wrong = [one.id for one in self.sample(others, 3)]
        wrong += [0, 1, self.rng.getrandbits(62) | 1 << 62, self.rng.getrandbits(80)]
        for number in wrong:
            assert await self.get_one(number) is None

    async def lists(self) -> None:
        user = await self.user()
        rows = self.space.overviews(user)
        limit, before = self.rng.choice((1, 3, 200)), None
        if rows and self.rng.random() < 0.5:
            before = self.rng.choice(rows).time
        await self.compare_list(user, limit, before)

    # Groups

    def measure(self, target: PlainConversation) -> None:
        self.longest = max(self.longest, len(target.entries))
        self.largest = max(self.largest, len(target.present()))

    async def create_group(self) -> None:
        alias = self.rng.choice(ALIASES) if self.rng.random() < 0.6 else None
        owner = await self.user()
        members = await self.users(self.rng.choice((0, 1, 3, 6, 6, 34)))
        now = self.clock.now()
        group = Group(0, f"group {self.counter}", owner.id, now, now, aliases={DIALECT: alias} if alias else None)

        async def act(core: Core, tenant: Tenant) -> Group:
            return await core.groups.create(
                tenant, name=group.name, owner=owner, members=members, dialect=DIALECT, alias=alias
            )

        number = self.space.aliases.get(alias or "")
        if number is not None and self.space.group(number).group is not None:
            await self.fails(Kind.CONFLICT, "group", act)
            return
        created = await self.ask(act)
        assert number is None or created.number == number
        assert number is not None or created.number not in {one.group_number for one in self.space.groups()}
        assert created == msgspec.structs.replace(group, number=created.number)
        target = self.space.group(created.number)
        target.group = created
        if alias is not None:
            self.space.aliases[alias] = created.number
        for key in members:
            target.join(key, "owner" if key == owner else "member", now, -1)
        await self.compare_group(target)

    async def reserve(self) -> None:
        """An id that an app chose gets its place before any group."""
        alias = self.rng.choice(ALIASES)
        known = self.space.aliases.get(alias)
        assert await self.ask(lambda core, tenant: core.groups.alias(tenant, DIALECT, alias)) == known
        number = await self.ask(lambda core, tenant: core.groups.place(tenant, DIALECT, alias))
        assert known is None or number == known
        assert known is not None or number not in {one.group_number for one in self.space.groups()}
        self.space.aliases[alias] = number
        await self.compare_group(self.space.group(number))

    async def add(self) -> None:
        if self.space.groups():
            target = self.any_group()
            number = target.group_number or 0
            users = await self.users(self.rng.choice((1, 1, 2, 20)))
            sees = self.rng.choice(list(Visibility))

            async def act(core: Core, tenant: Tenant) -> list[bool]:
                return await core.groups.add(tenant, number, users, sees=sees)

            if target.group is None:
                await self.fails(Kind.NOT_FOUND, "group", act)
            else:
                now = self.clock.now()
                assert await self.ask(act) == [target.join(key, "member", now, int(sees)) for key in users]
                await self.compare_group(target)
                await self.compare_one(target, users[:2])

    async def remove(self) -> None:
        if self.space.groups():
            target = self.any_group()
            number = target.group_number or 0
            users = [await self.viewer(target, of_any_kind=False) for _ in range(self.rng.choice((1, 1, 3)))]

            async def act(core: Core, tenant: Tenant) -> list[bool]:
                return await core.groups.remove(tenant, number, users)

            if target.group is None:
                await self.fails(Kind.NOT_FOUND, "group", act)
            else:
                assert await self.ask(act) == [target.leave(key) for key in users]
                await self.compare_group(target)
                await self.compare_one(target, users[:2])

    async def update(self) -> None:
        if self.space.groups():
            target = self.any_group()
            number, name = target.group_number or 0, f"renamed {self.rng.randrange(1000)}"

            async def act(core: Core, tenant: Tenant) -> Group:
                return await core.groups.update(tenant, number, name=name, attributes={"n": name})

            if target.group is None:
                await self.fails(Kind.NOT_FOUND, "group", act)
            else:
                now = self.clock.now()
                target.group = msgspec.structs.replace(target.group, name=name, attributes={"n": name}, modified=now)
                assert await self.ask(act) == target.group
                await self.compare_group(target)

    # Tenants

    async def reset(self) -> None:
        worker = self.rng.choice(self.workers)
        self.newest[self.tenant] = await worker.core.tenants.reset(self.tenant)
        self.spaces[self.tenant] = self.space = PlainSpace()

    async def rotate(self) -> None:
        """A change of the tenant that moves its version and leaves its data."""
        worker = self.rng.choice(self.workers)
        self.newest[self.tenant] = await worker.core.tenants.rotate_signing_key(self.tenant)


OPERATIONS: dict[Callable[[Walk], Awaitable[None]], int] = {
    Walk.address: 30,
    Walk.register: 30,
    Walk.claim: 30,
    Walk.roster: 10,
    Walk.send_direct: 200,
    Walk.send_group: 250,
    Walk.repeat: 50,
    Walk.burst: 4,
    Walk.page: 150,
    Walk.get: 40,
    Walk.lists: 60,
    Walk.create_group: 20,
    Walk.reserve: 10,
    Walk.add: 60,
    Walk.remove: 60,
    Walk.update: 15,
    Walk.rotate: 15,
    Walk.reset: 1,
}


async def test_the_store_does_what_a_plain_model_does(engine: Engine) -> None:
    clock = ManualClock(START)
    async with opened(engine.url, clock) as first, opened(engine.url, clock) as second:
        rng = random.Random(SEED)  # noqa: S311
        walk = Walk(rng, clock, [Worker(first), Worker(second)], new_name())
        await walk.begin()
        for step in range(1, STEPS + 1):
            try:
                await walk.step()
                if step % EVERYTHING_EVERY == 0 or step == STEPS:
                    await walk.compare_everything()
            except BaseException as problem:
                problem.add_note(f"at step {step} of seed {SEED}, in {walk.doing}")
                raise
    if STEPS >= 10_000:
        # The walk went everywhere.
        assert walk.stale > 100
        assert min(walk.failures[kind] for kind in (Kind.RATE_LIMITED, Kind.CONFLICT, Kind.NOT_FOUND)) > 20
        assert walk.longest > SCANNED
        assert walk.largest > SMALL_GROUP
