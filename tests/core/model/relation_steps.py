"""The walk's steps with contacts and blocks."""

from core.core import Core
from core.errors import Failure, Kind
from core.membership import Check
from core.model import EVERYBODY, Receipt, Related, Relation, RelationState, Tenant, UserKey
from tests.core.model.sending_steps import SendingSteps

ACTS = ("add", "befriend", "request", "accept", "decline", "remove", "part", "block", "unblock")


class RelationSteps(SendingSteps):
    """What users are to each other, and what a block holds up."""

    async def relate(self) -> None:
        asked = self.asked()
        if asked and self.rng.random() < 0.4:
            user, other = self.rng.choice(asked)
            what = self.rng.choice((*ACTS, *("accept", "decline") * 6))
        else:
            # Few, so that they come to have something to do with each other.
            user, other = await self.user(self.rng.choice(("ada", "Ada", "bob"))), await self.user()
            if self.rng.random() < 0.5:
                user, other = other, user
            what = self.rng.choice((*ACTS, "request"))
        if user.number == other.number:
            return

        async def act(core: Core, tenant: Tenant) -> bool:
            relations = core.relations
            match what:
                case "add" | "befriend":
                    await relations.add(tenant, user, [other], mutual=what == "befriend")
                case "remove" | "part":
                    await relations.remove(tenant, user, [other], mutual=what == "part")
                case "request":
                    await relations.request(tenant, user, other)
                case "accept":
                    return await relations.accept(tenant, user, other)
                case "decline":
                    return await relations.decline(tenant, user, other)
                case "block":
                    await relations.block(tenant, user, [other])
                case _:
                    await relations.unblock(tenant, user, [other])
            return True

        pair = self.space.relations.pair(user, other)
        before = (pair.contact_changed, dict(pair.block_changed))
        done = await self.ask(act)
        expected = self.space.relations.act(what, user, other, self.clock.now())
        assert done is expected
        self.note(f"{what} {'done' if expected else 'in vain'}")
        if before != (pair.contact_changed, pair.block_changed):
            target = self.space.direct(user, other)
            target.exists = True
            target.settle((user, other))
        if self.rng.random() < 0.3:
            await self.remark()
        for one in (user, other):
            await self.compare_relations(one.id)

    def asked(self) -> list[tuple[UserKey, UserKey]]:
        """Who was asked by whom."""
        numbers, found = self.space.numbers, []
        for pair in self.space.relations.pairs.values():
            for asks, other in (tuple(pair.contact), tuple(pair.contact)[::-1]):
                if pair.contact[asks] == "asked":
                    found.append((numbers[other], numbers[asks]))
        return [both for both in found if len(self.space.current(both)) == 2]

    async def remark(self) -> None:
        user, other = await self.user(), await self.user()
        self.counter += 1
        remark = self.rng.choice((None, f"remark {self.counter}"))

        async def act(core: Core, tenant: Tenant) -> bool:
            return await core.relations.remark(tenant, user, other, remark)

        assert await self.ask(act) is self.space.relations.remark(user, other, remark)

    async def send_to_a_blocker(self) -> None:
        """Users send to one, the app's server does not ask."""
        some = [pair for pair in self.space.relations.pairs.items() if any(pair[1].blocks.values())]
        if not some or self.rng.random() < 0.3:
            sender, recipient = await self.user(), await self.user()
        else:
            sender, recipient = (
                self.space.numbers[number] for number in self.sample(sorted(self.rng.choice(some)[0]), 2)
            )
        if len(self.space.current([sender, recipient])) < 2:
            return
        self.counter += 1
        target, reference = self.space.direct(sender, recipient), f"request {self.counter}"
        message = self.message(sender)
        check = self.rng.choice(list(Check))

        async def act(core: Core, tenant: Tenant) -> list[Receipt]:
            return await core.messages.send_direct(tenant, sender, [recipient], message, reference, check=check)

        blocks = self.space.relations.blocks
        theirs = sender != recipient and check is not Check.NONE and blocks(recipient, sender)
        own = sender != recipient and check is Check.EITHER and blocks(sender, recipient)
        if theirs or own:
            self.note("refused by a block" if theirs else "refused by an own block")
            await self.fails(Kind.FORBIDDEN, "blocked", act)
        else:
            try:
                (receipt,) = await self.ask(act)
            except Failure as failure:
                if failure.kind is not Kind.RATE_LIMITED:
                    raise
                assert not await self.sent(target, sender, message, reference, audience=EVERYBODY, receipt=None)
                return
            assert await self.sent(target, sender, message, reference, EVERYBODY, receipt)
        await self.compare_one(target, [sender, recipient])

    async def compare_relations(self, name: str) -> None:
        """A user's lists, page by page, and what some are to the user."""
        user = await self.user(name)
        for relation in Relation:
            expected = self.space.relations.list(user, relation)
            assert await self._all(name, relation, tuple(RelationState)) == expected
            state = self.rng.choice(list(RelationState))
            assert await self._all(name, relation, (state,)) == [row for row in expected if row.state is state]

    async def _all(self, name: str, relation: Relation, states: tuple[RelationState, ...]) -> list[Related]:
        user, limit = await self.user(name), self.rng.choice((1, 3, 100))
        found: list[Related] = []
        after = 0
        while not found or after:

            async def act(core: Core, tenant: Tenant, after: int = after) -> tuple[list[Related], int]:
                return await core.relations.page(tenant, user, relation, limit, after, states=states)

            rows, after = await self.ask(act)
            assert len(rows) >= limit or not after
            found += rows
            if not rows:
                break
        return found
