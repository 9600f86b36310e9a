"""The walk's steps that import history."""

from collections.abc import Sequence

from core.core import Core
from core.errors import Failure, Kind
from core.ids import BACKFILL
from core.imports import Import
from core.messages import kind_of
from core.model import EVERYBODY, Receipt, Stored, Tenant
from tests.core.model.plain_conversation import PlainConversation
from tests.core.model.plain_rows import PlainMessage
from tests.core.model.sending_steps import SendingSteps

IMPORTS_AHEAD = 500


class ImportSteps(SendingSteps):
    """Imports of some messages, of many, and again."""

    async def import_some(self) -> None:
        target = self.any_conversation() if self.rng.random() < 0.8 else None
        if target is None:
            groups = self.space.groups()
            pair = await self.user(), await self.user()
            target = self.rng.choice(groups) if groups and self.rng.random() < 0.5 else self.space.direct(*pair)
        count = self.rng.choice((1, 1, 2, 5, 5, 20, 120))
        rows = [await self.row_of(target, self.clock.now()) for _ in range(count)]
        if self.rng.random() < 0.5:
            rows += self.sample(rows, 2)
        await self.import_rows(target, rows)
        await self.compare_one(target, [await self.viewer(target), *self.sample(target.users(), 2)])

    async def row_of(self, target: PlainConversation, now: int) -> Import:
        """Beside another message, or long ago; its id is one of few or a new one."""
        times = [one.stored.time + self.rng.choice((-1, 0, 0, 1)) for one in self.sample(target.messages, 1)]
        time = self.rng.choice((*times, *times, now, now - self.rng.randrange(100_000_000)))
        self.counter += 1
        new = f"new {self.counter}"
        external_id = self.rng.choice((f"x{self.rng.randrange(30)}", new, new, *sorted(target.forgotten)[:2]))
        if target.group_number is None:
            sender = await self.user(self.rng.choice(target.peers).id)
        else:
            sender = await self.viewer(target)
        return Import(external_id, min(time, now), sender, self.message(sender, target))

    async def import_rows(self, target: PlainConversation, rows: Sequence[Import]) -> None:
        async def act(core: Core, tenant: Tenant) -> list[Receipt]:
            if target.group_number is not None:
                return await core.imports.group(tenant, target.group_number, rows)
            first, second = peers
            return await core.imports.direct(tenant, first, second, rows)

        peers = [await self.user(peer.id) for peer in target.peers]

        if self.rng.random() < 0.05:
            rows = [*rows, Import("late", self.clock.now() + 1, rows[0].sender, rows[0].message)]
            await self.fails(Kind.BAD_REQUEST, "time", act)
            return
        if not {row.message.topic for row in rows} <= {None, *target.topics}:
            await self.fails(Kind.NOT_FOUND, "topic", act)
            return
        target.settle(tuple(peers))
        receipts: list[Receipt] | None = None
        try:
            receipts = await self.ask(act)
        except Failure as failure:
            if failure.kind is not Kind.RATE_LIMITED:
                raise
            self.note("import refused")
        if target.number is None:
            self.learn_number(target, receipts[0].conversation if receipts else await self.number_of(target))
        expected = []
        for row in rows:
            done = self.imported(target, row)
            if done is None:
                break
            expected.append(done)
        assert receipts == (expected if len(expected) == len(rows) else None)

    def imported(self, target: PlainConversation, row: Import) -> Receipt | None:
        """What one import did; nothing when its time would run ahead of the clock."""
        known = target.external.get(row.external_id)
        message = known
        if message is None:
            time = target.free_time(row.time)
            if time > self.clock.now() + IMPORTS_AHEAD:
                return None
            sequence = len(target.ever_imported) + 1
            message_id = self.id_of(target, BACKFILL, sequence)
            stored = Stored(message_id, -sequence, time, int(kind_of(row.message)), row.message)
            message = PlainMessage(stored, row.sender.number, EVERYBODY, target.place_of(time))
            target.add_import(message, row.external_id)
        self.note("imported", known is None)
        self.note("imported again", known is not None)
        self.note("imported anew", known is None and row.external_id in target.forgotten)
        stored = message.stored
        return Receipt(stored.id, target.number or 0, stored.sequence, stored.time, known is not None)

    async def import_many_at_once(self) -> None:
        """So many of one time that the next would run ahead of the clock."""
        one, two = await self.user("importer"), await self.user("reader")
        target, now = self.space.direct(one, two), self.clock.now()
        messages = [Import(f"many {number}", now, one, self.message(one)) for number in range(IMPORTS_AHEAD + 3)]
        await self.import_rows(target, messages)
        await self.compare_one(target, [one, two])
