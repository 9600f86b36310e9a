"""The walk's steps with messages that were sent."""

import msgspec

from core.core import Core
from core.errors import Kind
from core.messages import Query, kind_of
from core.model import EVERY_KIND, READABLE, SHOWN, Message, MessageKind, Stored, Tenant, Text
from tests.core.model.plain_conversation import PlainConversation
from tests.core.model.plain_rows import PlainMessage
from tests.core.model.side_by_side import STATIONS, SideBySide

KINDS = [SHOWN, READABLE, EVERY_KIND, 1 << MessageKind.MESSAGE, 1 << MessageKind.SIGNAL, 1 << MessageKind.EVENT]


class MessageSteps(SideBySide):
    """Reading, changing and deleting."""

    def any_message(self) -> tuple[PlainConversation, PlainMessage] | None:
        """Mostly a late one, since that is what lists show; now and then one that is gone."""
        target = self.any_conversation()
        if target is None:
            return None
        late = target.messages[-6:] if self.rng.random() < 0.7 else []
        some = late or [*target.entries, *target.ever_imported]
        return (target, self.rng.choice(some)) if some else None

    def wrong_id(self) -> int:
        others = [message for space in self.spaces.values() if space is not self.space for message in space.messages()]
        wrong = [0, 1, self.rng.getrandbits(62) | 1 << 62, self.rng.getrandbits(80)]
        return self.rng.choice(wrong + [one.stored.id for one in self.sample(others, 3)])

    async def page(self) -> None:
        target = self.any_conversation()
        if target is not None:
            some = self.sample(target.messages, 3)
            times = [0, 0, *(one.stored.time + self.rng.choice((-1, 0, 1)) for one in some)]
            query = Query(
                limit=self.rng.choice((1, 2, 10, 50, 500)),
                newest_first=self.rng.random() < 0.5,
                since=self.rng.choice(times),
                until=self.rng.choice(times),
                kinds=self.rng.choice(KINDS),
                cursor=self.rng.choice(times),
                station=self.rng.choice(STATIONS),
                topic=self.rng.choice((0, 0, 0, *target.topics)),
            )
            viewer = None if self.rng.random() < 0.1 else await self.viewer(target)
            await self.compare_pages(target, viewer, query, to_the_end=True)

    async def get(self) -> None:
        for _ in range(2):
            found = self.any_message()
            if found is not None:
                target, message = found
                viewer = None if self.rng.random() < 0.4 else await self.viewer(target)
                await self.compare_message(message, target, viewer)
        viewer = None if self.rng.random() < 0.5 else await self.user()
        assert await self.get_one(self.wrong_id(), viewer) is None

    async def edit(self) -> None:
        found = self.any_message()
        wanted = found[1].stored.id if found and self.rng.random() < 0.9 else self.wrong_id()
        self.counter += 1
        text = Text(f"edited {self.counter}")

        def change(message: Message) -> Message:
            return msgspec.structs.replace(message, content=text, extension=None)

        async def act(core: Core, tenant: Tenant) -> Stored:
            return await core.messages.edit(tenant, wanted, change)

        if found is None or wanted != found[1].stored.id or found[1].recalled or found[1].gone:
            await self.fails(Kind.NOT_FOUND, "message", act)
            return
        target, message = found
        if kind_of(message.stored.message) != MessageKind.MESSAGE:
            await self.fails(Kind.BAD_REQUEST, "message", act)
            return
        new = msgspec.structs.replace(change(message.stored.message), edited=self.clock.now())
        message.stored = msgspec.structs.replace(message.stored, message=new)
        assert await self.ask(act) == message.stored
        self.note("edited")
        await self.compare_one(target, [await self.viewer(target)])

    async def recall(self) -> None:
        found = self.any_message()
        wanted = found[1].stored.id if found and self.rng.random() < 0.9 else self.wrong_id()

        async def act(core: Core, tenant: Tenant) -> bool:
            return await core.messages.recall(tenant, wanted)

        if found is None or wanted != found[1].stored.id or found[1].gone:
            await self.fails(Kind.NOT_FOUND, "message", act)
            return
        target, message = found
        assert await self.ask(act) is not message.recalled
        self.note("recalled", not message.recalled)
        self.note("import recalled", message.stored.sequence < 0 and not message.recalled)
        self.note("recalled again", message.recalled)
        message.recalled = True
        await self.compare_message(message, target, None)
        sender = self.space.numbers[message.sender]
        await self.compare_one(target, [sender, *self.sample(target.users(), 2)])

    async def hide(self) -> None:
        found = [one for one in (self.any_message() for _ in range(self.rng.choice((1, 1, 2, 5)))) if one]
        if not found:
            return
        user = await self.viewer(found[0][0])
        ids = [message.stored.id for _, message in found]
        expected = []
        for target, message in found:
            expected.append(target.is_shown(user.number, message))
            if expected[-1]:
                message.hidden_from.add(user.number)
            self.note("hidden", expected[-1])
            self.note("hidden in vain", not expected[-1])
        if self.rng.random() < 0.3:
            ids.append(self.wrong_id())
            expected.append(False)
        assert await self.ask(lambda core, tenant: core.messages.hide(tenant, user, ids)) == expected
        for target, _ in found[:2]:
            await self.compare_one(target, [user, *self.sample(target.users(), 1)])
