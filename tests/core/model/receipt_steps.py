"""The walk's steps with receipts and feeds."""

from collections.abc import Callable, Iterable

from core.core import Core
from core.errors import Kind
from core.feeds import HOUR_MS
from core.ids import LIVE, Parties
from core.model import Active, Portion, Report, Stored, Tenant, UserReceipt
from tests.core.model.message_steps import MessageSteps
from tests.core.model.plain_conversation import PlainConversation
from tests.core.model.plain_rows import PlainMessage, PlainReport


class ReceiptSteps(MessageSteps):
    """Who got and read what, what was reported, what an hour brought."""

    async def receipts(self) -> None:
        told = [one for one in self.space.conversations.values() if one.messages and one.is_told()]
        found = self.any_message()
        if told and self.rng.random() < 0.7:
            target = self.rng.choice(told)
            found = target, self.rng.choice(target.messages[-60:])
        wanted = found[1].stored.id if found and self.rng.random() < 0.9 else self.wrong_id()

        async def act(core: Core, tenant: Tenant) -> list[UserReceipt]:
            return await core.receipts.of(tenant, wanted)

        if found is None or wanted != found[1].stored.id or found[1].recalled or found[1].gone:
            await self.fails(Kind.NOT_FOUND, "message", act)
            return
        target, message = found
        receipts = await self.ask(act)
        assert receipts == target.receipts(message)
        self.note("receipt delivered", any(receipt.delivered for receipt in receipts))
        self.note("receipt read", any(receipt.read for receipt in receipts))

    async def reports(self) -> None:
        found = [one for one in self.space.conversations.values() if one.peers]
        if found:
            with_some = [one for one in found if one.reported]
            silent = [one for one in found if one.exists and not one.is_settled]
            target = self.rng.choice(self.rng.choice((with_some, with_some, silent)) or found)
            first, second = (peer.id for peer in target.peers)
            newest_first, limit = self.rng.random() < 0.5, self.rng.choice((1, 3, 100))
            cursor = self.rng.choice((0, 0, self.rng.randrange(target.reported + 2)))
            reports = [report for report in target.reports if not cursor or report.number > cursor]
            if newest_first:
                reports = [report for report in target.reports[::-1] if not cursor or report.number < cursor]

            async def act(core: Core, tenant: Tenant) -> tuple[list[Report], int, int]:
                return await core.receipts.reports(
                    tenant, first, second, cursor=cursor, limit=limit, newest_first=newest_first
                )

            rows = [self.report(target, report) for report in reports[:limit]]
            oldest = target.reported - len(target.reports) + 1
            assert await self.ask(act) == (rows, oldest, target.reported)
            self.note("reports", bool(rows))

    def report(self, target: PlainConversation, report: PlainReport) -> Report:
        message = self.id_of(target, LIVE, report.sequence)
        user = report.user.id if report.user else None
        return Report(report.number, user, report.station, report.what, message, report.sequence, report.time)

    async def feed(self) -> None:
        """The hour of some message, and some hours around it."""
        messages = self.space.messages()
        if messages:
            hour = self.rng.choice(messages).stored.time // HOUR_MS
            await self.compare_hour(hour)
            await self.compare_active(hour - self.rng.choice((0, 1, 24)), hour + self.rng.choice((0, 1, 24)))

    async def compare_hour(self, hour: int) -> None:
        async def act(core: Core, tenant: Tenant) -> list[Portion]:
            return [portion async for portion in core.feeds.hour(tenant, hour)]

        expected: dict[tuple[int | None, Parties], list[Stored]] = {}
        for one in self.space.conversations.values():
            some = [message for message in one.messages if self.is_of(message, hour, hour) and not message.recalled]
            if some:
                expected[one.number, one.parties] = [message.stored for message in some]
        found: dict[tuple[int | None, Parties], list[Stored]] = {}
        portions = await self.ask(act)
        for portion in portions:
            found.setdefault((portion.conversation, portion.parties), []).extend(portion.messages)
        assert found == expected
        self.note("hour", bool(portions))

    async def compare_active(self, first: int, last: int) -> None:
        """Feeds are kept for a while when what was sent is gone."""
        active = await self.ask(lambda core, tenant: core.feeds.active(tenant, first, last))
        there = self.active_in(first, last, lambda one: one.messages)
        ever = self.active_in(first, last, lambda one: [*one.entries, *one.ever_imported])
        assert there <= set(active) <= ever
        assert len(set(active)) == len(active)

    def active_in(
        self, first: int, last: int, which: Callable[[PlainConversation], Iterable[PlainMessage]]
    ) -> set[Active]:
        return {
            Active(one.number, one.parties)
            for one in self.space.conversations.values()
            if one.number is not None and any(self.is_of(message, first, last) for message in which(one))
        }

    def is_of(self, message: PlainMessage, first: int, last: int) -> bool:
        return first <= message.stored.time // HOUR_MS <= last
