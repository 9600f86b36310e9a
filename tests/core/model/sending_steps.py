"""The walk's steps that send messages."""

import asyncio
from collections.abc import Sequence

import msgspec

from core.core import Core
from core.errors import Failure, Kind
from core.ids import LIVE, bucket_of, conversation_bucket
from core.messages import Query, kind_of
from core.model import (
    EVERY_KIND,
    EVERYBODY,
    Audience,
    Custom,
    Event,
    Message,
    MessageKind,
    Receipt,
    Signal,
    Stored,
    Tenant,
    Text,
    UserKey,
)
from tests.core.model.plain_conversation import PlainConversation
from tests.core.model.plain_rows import PlainMessage
from tests.core.model.side_by_side import DIALECT, STATIONS, SideBySide

AHEAD = 1000
AT_ONCE = 50


class SendingSteps(SideBySide):
    """Sending to one, to many, to groups; repeating."""

    def message(self, sender: UserKey, target: PlainConversation | None = None) -> Message:
        """Of a `target` perhaps in one of its topics, seldom in one that it has not."""
        self.counter += 1
        topic = None
        if target is not None and target.topics and self.rng.random() < 0.4:
            topic = self.rng.choice(target.topics)
        elif target is not None and self.space.topics and self.rng.random() < 0.02:
            topic = self.rng.choice([*self.space.topics, 12_345])
        content = self.rng.choices(
            (
                Text(f"text {self.counter}"),
                Custom("order", {"number": self.counter}, "an order"),
                Signal("typing", {"number": self.counter}),
                Event("renamed", {"number": self.counter}),
            ),
            (6, 1, 2, 1),
        )[0]
        extension = {"n": self.counter} if self.counter % 3 else None
        return Message(sender.id, content, DIALECT, extension, topic=topic)

    def text(self, sender: UserKey) -> Message:
        self.counter += 1
        return Message(sender.id, Text(f"text {self.counter}"), DIALECT)

    def reference(self) -> str:
        """Of the client (few, so that they come again) or made for the request."""
        if self.rng.random() < 0.4:
            return f"client:{self.rng.randrange(8)}"
        if self.rng.random() < 0.1:
            return f"request-{self.rng.randrange(4)}"
        self.counter += 1
        return f"request {self.counter}"

    async def audience(self, target: PlainConversation) -> Audience:
        """Mostly everybody; else some of those whom it may concern, and some whom it doesn't."""
        if self.rng.random() < 0.7:
            return EVERYBODY
        concerned = [*self.users_of(target), *await self.users(1)]
        some = tuple(self.sample(concerned, self.rng.choice((0, 1, 1, 2, 4))))
        others = tuple(self.sample(concerned, self.rng.choice((1, 1, 2))))
        chance = self.rng.random()
        if chance < 0.4:
            return Audience(to=some)
        if chance < 0.7:
            return Audience(without=others)
        if chance < 0.8:
            return Audience(online_only=True)
        if chance < 0.85:
            return Audience(station=self.rng.choice(STATIONS[2:]))
        if chance < 0.92:
            return Audience(aside=True) if self.rng.random() < 0.6 else Audience(hidden=True)
        return Audience(
            self.rng.choice((None, some)),
            others,
            self.rng.choice((None, *STATIONS[2:])),
            self.rng.random() < 0.2,
            self.rng.random() < 0.2,
        )

    async def send_direct(self) -> None:
        sender = await self.user()
        recipients = [await self.user() for _ in range(self.rng.choice((1, 1, 1, 1, 1, 2, 5, 40)))]
        targets = [self.space.direct(sender, recipient) for recipient in recipients]
        message = self.message(sender, targets[0])
        await self.send(sender, targets, message, self.reference(), await self.audience(targets[0]))
        await self.compare_one(targets[0], [sender, recipients[0]])

    async def send_group(self) -> None:
        if not self.space.groups():
            return
        targets = [self.any_group() for _ in range(self.rng.choice((1, 1, 1, 3)))]
        members = self.users_of(targets[0])
        sender = self.rng.choice(members) if members and self.rng.random() < 0.8 else await self.user()
        message = self.message(sender, targets[0])
        await self.send(sender, targets, message, self.reference(), await self.audience(targets[0]))
        await self.compare_one(targets[0], [sender, *self.sample(members, 2)])

    async def repeat(self) -> None:
        """The same reference again, with other content."""
        known = [one for one in self.space.conversations.values() if one.first]
        if known:
            target = max(self.sample(known, 8), key=lambda one: one.newest_time)
            number, reference = self.rng.choice(list(target.first)[-5:])
            sender = self.space.numbers[number]
            if not self.space.current([sender]):
                return
            await self.send(sender, [target], self.message(sender, target), reference, await self.audience(target))
            await self.compare_one(target, [sender])

    async def burst(self) -> None:
        """Enough messages for what has a bound: 200 visible to a newcomer, 1,000 looked at for a page."""
        groups = [one for one in self.space.groups() if self.users_of(one)]
        if groups:
            target = groups[0] if self.rng.random() < 0.7 else self.rng.choice(groups)
            sender = self.rng.choice(self.users_of(target))
            quiet = self.rng.random() < 0.3
            messages = [self.message(sender) for _ in range(self.rng.choice((150, 300, 450)))]
            if quiet:
                messages = [msgspec.structs.replace(message, content=Signal("typing")) for message in messages]
            await self.send_many(target, [(sender, message) for message in messages])
            self.measure(target)
            await self.compare_one(target, [sender])

    async def send_many(self, target: PlainConversation, messages: Sequence[tuple[UserKey, Message]]) -> None:
        """Messages to one conversation, some of them at once."""
        others = {sender: await self.user(target.other(sender)) for sender, _ in messages if target.peers}
        for start in range(0, len(messages), AT_ONCE):
            some = messages[start : start + AT_ONCE]
            # Its time must not run a second ahead of the clock.
            self.clock.move(max(target.time_of_next(self.clock.now()) - self.clock.now(), 0))
            references = [f"many {self.counter} {number}" for number in range(len(some))]
            self.counter += 1

            async def act(
                core: Core,
                tenant: Tenant,
                some: Sequence[tuple[UserKey, Message]] = some,
                names: list[str] = references,
            ) -> list[Receipt]:
                sends = []
                for (sender, message), reference in zip(some, names, strict=True):
                    if target.group_number is not None:
                        groups = [target.group_number]
                        sends.append(core.messages.send_group(tenant, sender, groups, message, reference))
                    else:
                        to = [others[sender]]
                        sends.append(core.messages.send_direct(tenant, sender, to, message, reference))
                return [receipt for receipts in await asyncio.gather(*sends) for receipt in receipts]

            receipts = await self.ask(act)
            for (sender, message), reference, receipt in zip(some, references, receipts, strict=True):
                assert await self.sent(target, sender, message, reference, EVERYBODY, receipt)

    async def send(
        self,
        sender: UserKey,
        targets: Sequence[PlainConversation],
        message: Message,
        reference: str,
        audience: Audience = EVERYBODY,
    ) -> None:
        numbers = [target.group_number for target in targets if target.group_number is not None]
        recipients = [await self.user(target.other(sender)) for target in targets if target.group_number is None]

        async def act(core: Core, tenant: Tenant) -> list[Receipt]:
            if numbers:
                return await core.messages.send_group(tenant, sender, numbers, message, reference, audience)
            return await core.messages.send_direct(tenant, sender, recipients, message, reference, audience)

        if message.topic is not None and not self.has_topic(targets, message.topic, sender, reference):
            self.note("topic refused")
            await self.fails(Kind.NOT_FOUND, "topic", act)
            return
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
            await self.sent(target, sender, message, reference, audience, receipt)
            for target, receipt in zip(targets, receipts, strict=True)
        ]
        assert all(done) == (receipts[0] is not None)

    def has_topic(self, targets: Sequence[PlainConversation], topic: int, sender: UserKey, reference: str) -> bool:
        """Whether it may be sent there: a message in a topic goes to one conversation, and a repeat is not looked at."""
        known = targets[0].repeat(sender.number, reference, self.clock.now()) is not None
        return all(one is targets[0] for one in targets) and (known or topic in targets[0].topics)

    async def sent(
        self,
        target: PlainConversation,
        sender: UserKey,
        message: Message,
        reference: str,
        audience: Audience,
        receipt: Receipt | None,
    ) -> bool:
        """What one append did. False when it had to be refused, since time would run ahead of the clock."""
        now = self.clock.now()
        known = target.repeat(sender.number, reference, now)
        if known is None:
            time = target.time_of_next(now)
            if time > now + AHEAD:
                return False
            if target.number is None:
                self.learn_number(target, receipt.conversation if receipt else await self.number_of(target))
            sequence = target.head + 1
            kind = kind_of(message)
            if audience.hidden and kind == MessageKind.MESSAGE:
                kind = MessageKind.HIDDEN
                self.note("sent to programs")
            if audience.aside and kind == MessageKind.MESSAGE:
                kind = MessageKind.ASIDE
                self.note("sent aside")
            stored = Stored(self.id_of(target, LIVE, sequence), sequence, time, int(kind), message)
            one = PlainMessage(stored, sender.number, audience, sequence)
            if target.peers:
                target.settle((sender, self.space.keys[target.other(sender)]))
            target.append(one, reference)
        else:
            one = known
        self.note("repeated", known is not None)
        self.note("sent to some", known is None and audience != EVERYBODY)
        self.note("sent to a topic", known is None and message.topic is not None)
        if receipt is not None:
            stored = one.stored
            # On a busy machine a connection is taken for broken, and what was on its way is sent again: a repeat, too.
            repeated = known is not None or receipt.repeated
            assert receipt == Receipt(stored.id, target.number or 0, stored.sequence, stored.time, repeated)
        return True

    async def number_of(self, target: PlainConversation) -> int:
        """The number of a conversation that began with a send whose receipt was not seen."""
        page = await self.read_page(target, None, Query(1, kinds=EVERY_KIND))
        place = self.workers[0].core.ids(self.newest[self.tenant]).place(page.messages[0].id)
        assert place is not None
        return place.conversation

    def learn_number(self, target: PlainConversation, number: int) -> None:
        assert number not in {one.number for one in self.space.conversations.values()}
        assert conversation_bucket(number) == bucket_of(target.identity)
        target.number = number
