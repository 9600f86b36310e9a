"""The walk's steps with what a user has of a conversation."""

from collections.abc import Awaitable, Callable

import msgspec

from core.conversations import Conversations, Target
from core.imports import Import
from core.messages import Query
from core.model import Box, Event, Marks, MessageKind, Tenant, UserKey
from tests.core.model.import_steps import ImportSteps
from tests.core.model.plain_conversation import PlainConversation
from tests.core.model.side_by_side import SCANNED

LONG = 9_400
"""Messages of the one long log: a position moves over 4,096 at a time."""


class ConversationSteps(ImportSteps):
    """Lists, positions, boxes, marks, clearing."""

    async def lists(self) -> None:
        user, box = await self.user(), self.rng.choice((Box.ACTIVE, *Box))
        rows = self.space.overviews(user, box, 1000, None)
        before = self.rng.choice(rows).time if rows and self.rng.random() < 0.5 else None
        await self.compare_list(user, self.rng.choice((1, 3, 200)), before, box)
        unread = sum(one.unread(user) for one in self.space.conversations.values())
        assert await self.ask(lambda core, tenant: core.conversations.unread(tenant, user)) == unread
        self.note("unread", unread > 0)

    async def whose(self) -> tuple[PlainConversation, UserKey] | None:
        """A conversation, and a user who can name it."""
        large = [one for one in self.space.groups() if one.is_large and one.exists]
        target = self.rng.choice(large) if large and self.rng.random() < 0.2 else self.any_conversation()
        if target is None:
            return None
        user = await self.viewer(target)
        if target.group_number is None and user.id not in {peer.id for peer in target.peers}:
            target = self.space.direct(user, await self.user())
        return target, user

    async def do(
        self,
        target: PlainConversation,
        user: UserKey,
        act: Callable[[Conversations, Tenant, UserKey, Target], Awaitable[bool]],
    ) -> bool:
        name = self.target(target, user)
        return await self.ask(lambda core, tenant: act(core.conversations, tenant, user, name))

    async def read(self) -> None:
        found = await self.whose()
        if found is not None:
            await self.move(*found, "read", self.any_position(found[0]))

    async def delivered(self) -> None:
        found = await self.whose()
        if found is not None:
            await self.move(*found, "delivered", self.any_position(found[0]))

    def any_position(self, target: PlainConversation) -> int | None:
        """Everything, some way from the end, anywhere, or out of range."""
        late = max(target.head - self.rng.randrange(6), 0)
        return self.rng.choice((None, None, late, late, self.rng.randrange(target.head + 3), -1, 1 << 40))

    async def move(self, target: PlainConversation, user: UserKey, what: str, up_to: int | None) -> None:
        receipt, station = what == "delivered" or self.rng.random() < 0.7, self.rng.choice(("", "phone"))
        changed = target.move(user, what, up_to, self.clock.now(), receipt, station)

        async def act(conversations: Conversations, tenant: Tenant, key: UserKey, name: Target) -> bool:
            if what == "read":
                return await conversations.read(tenant, key, name, up_to, receipt=receipt, station=station)
            return await conversations.delivered(tenant, key, name, up_to, station=station)

        assert await self.do(target, user, act) is changed
        self.note(f"{what} moved", changed)
        self.note(f"{what} did not move", not changed)
        await self.compare_state(target, user)

    async def look(self) -> None:
        found = await self.whose()
        if found is not None:
            target, user = found
            done = await self.do(target, user, lambda conversations, *rest: conversations.look(*rest))
            assert self.note("looked", done) is target.exists
            if done:
                target.state(user).seen = target.head
            await self.compare_state(target, user)

    async def put(self) -> None:
        found = await self.whose()
        boxed = self.boxed()
        if boxed and self.rng.random() < 0.2:
            found = self.rng.choice(boxed)
        if found is not None:
            (target, user), box = found, self.rng.choice((Box.ARCHIVED, Box.ARCHIVED, Box.HIDDEN, Box.ACTIVE))
            was = target.box(user)
            done = await self.do(target, user, lambda conversations, *rest: conversations.put(*rest, box))
            assert done is target.exists
            if done:
                state = target.state(user)
                state.box, state.boxed_at = box, target.head
                self.note("put into a box", box is not Box.ACTIVE)
                self.note("taken out of a box", box is Box.ACTIVE and was is not box)
            await self.compare_state(target, user)
            await self.compare_list(user, 1000, box=target.box(user))
            await self.compare_list(user, 5, box=self.rng.choice(list(Box)))

    async def put_for_all(self) -> None:
        found = await self.whose()
        if found is not None:
            (target, user), box = found, self.rng.choice((Box.ARCHIVED, Box.HIDDEN, Box.ACTIVE))
            done = await self.do(target, user, lambda conversations, *rest: conversations.put_for_all(*rest, box))
            assert self.note("put for all", done) is target.exists
            if done:
                strangers = [self.space.numbers[number] for number in target.senders]
                for each in self.space.current([*target.users(), *strangers]):
                    if target.is_in_a_list_of(each):
                        target.state(each).box, target.state(each).boxed_at = box, target.head
            for each in [user, *self.sample(self.users_of(target), 2)]:
                await self.compare_state(target, each)
                await self.compare_list(each, 1000, box=target.box(each))

    def boxed(self) -> list[tuple[PlainConversation, UserKey]]:
        return [
            (one, user)
            for one in self.space.conversations.values()
            for user in self.users_of(one)
            if user.number in one.states and one.states[user.number].box is not Box.ACTIVE
        ]

    async def mark(self) -> None:
        found = await self.whose()
        if found is not None:
            target, user = found
            muted_until = self.rng.choice((None, None, 0, -1, self.clock.now() + 60_000))
            favourite = self.rng.choice((None, True, False))
            colour = self.rng.choice((None, None, "", "red", "名"))
            done = await self.do(
                target,
                user,
                lambda conversations, *rest: conversations.mark(
                    *rest, muted_until=muted_until, favourite=favourite, colour=colour
                ),
            )
            assert self.note("marked", done) is target.exists
            if done:
                state = target.state(user)
                state.marks = Marks(
                    state.marks.muted_until if muted_until is None else muted_until,
                    state.marks.favourite if favourite is None else favourite,
                    state.marks.colour if colour is None else colour or None,
                )
            await self.compare_state(target, user)

    async def clear(self) -> None:
        found = await self.whose()
        if found is not None:
            target, user = found
            done = await self.do(target, user, lambda conversations, *rest: conversations.clear(*rest))
            assert self.note("cleared", done) is target.exists
            if done:
                target.state(user).floor = target.head
            await self.compare_one(target, [user])

    async def clear_before(self) -> None:
        found = await self.whose()
        if found is not None:
            target, user = found
            times = [message.stored.time for message in target.messages] or [self.clock.now()]
            time = self.rng.choice(times) + self.rng.choice((0, 1, -1, 86_400_000))
            await self.clear_what_is_older(target, user, max(1, time))

    async def clear_what_is_older(self, target: PlainConversation, user: UserKey, time: int) -> None:
        done = await self.do(target, user, lambda conversations, *rest: conversations.clear_before(*rest, time))
        assert self.note("cleared before a time", done) is target.exists
        for message in target.messages:
            if message.stored.time < time and target.is_shown(user.number, message):
                message.hidden_from.add(user.number)
        state = target.state(user)
        place = target.place_of(time) - 1
        if done and place > max(state.floor, target.dropped):
            state.floor = place
        await self.compare_one(target, [user])

    async def long_way(self) -> None:
        """Read in a log so long that the position moves in steps; of users who do nothing else."""
        one, two = await self.user("talker"), await self.user("listener")
        target = self.space.direct(one, two)
        senders = [two if number % 7 == 0 else one for number in range(LONG)]
        await self.send_many(target, [(sender, self.text(sender)) for sender in senders])
        for up_to in (3, LONG // 2 - 10, LONG // 2, 100, LONG - 4_000, LONG - 2, None):
            for user in (one, two):
                await self.move(target, user, "read", up_to)
        self.measure(target)
        await self.walk_over(target, one)
        await self.clear_what_is_older(target, two, target.entries[LONG // 2].stored.time)

    async def walk_over(self, target: PlainConversation, sender: UserKey) -> None:
        """Pages that find nothing in much of the one lane while they find something in the other: all comes, in order."""
        event = msgspec.structs.replace(self.text(sender), content=Event("renamed"))
        some = target.entries[:: LONG // 20]
        rows = [Import(f"event {number}", one.stored.time, sender, event) for number, one in enumerate(some)]
        await self.import_rows(target, rows)
        for newest_first in (True, False):
            query = Query(2, newest_first=newest_first, kinds=1 << MessageKind.EVENT)
            await self.compare_pages(target, sender, query, to_the_end=True)

    async def long_group(self) -> None:
        """So much in a group that a page does not look at all of it."""
        group = max(self.space.groups(), key=lambda one: len(self.users_of(one)), default=None)
        if group is not None and self.users_of(group):
            sender = self.users_of(group)[0]
            await self.send_many(group, [(sender, self.message(sender)) for _ in range(SCANNED + 50)])
            self.measure(group)
