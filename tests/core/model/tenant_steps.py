"""The walk's steps with a whole tenant, and what housekeeping does to it."""

from collections.abc import Awaitable, Callable

import pytest

from core.core import Core
from core.errors import Failure
from core.model import Tenant
from core.names import is_reserved
from tests.core.model.conversation_steps import ConversationSteps
from tests.core.model.plain_space import PlainSpace
from tests.core.store.rows import everything

HOUR = 3_600_000
DAY = 24 * HOUR
ROUNDS = 10_000


class TenantSteps(ConversationSteps):
    """Resetting, dropping, reclaiming."""

    async def rotate(self) -> None:
        """A change of the tenant that moves its version and leaves its data."""
        worker = self.rng.choice(self.workers)
        self.newest[self.tenant] = await worker.core.tenants.rotate_signing_key(self.tenant)

    async def reset(self) -> None:
        worker = self.rng.choice(self.workers)
        old = self.newest[self.tenant]
        self.newest[self.tenant] = await worker.core.tenants.reset(self.tenant)
        self.spaces[self.tenant] = self.space = PlainSpace()
        self.retired.append(old)
        if self.rng.random() < 0.3:
            await self.reclaim()

    async def reclaim(self) -> None:
        """Until nothing of the generations that have ended is left but old references, feeds and what changed in lists,
        which end by themselves."""
        await self.keep_house(lambda core: core.reclaim.round())
        for old in self.retired:
            keys = everything(self.engine.servers, f"cg{{*}}{old.number}:{old.generation}:*")
            left = {key.split(b":", 2)[2] for key in keys}
            assert {name for name in left if not name.startswith((b"rc", b"ro", b"xc:", b"H:"))} == set()
            self.note("reclaimed")
        self.retired.clear()

    async def retain(self) -> None:
        """For how long messages are kept."""
        worker, days = self.rng.choice(self.workers), self.rng.choice((None, 3, 30, 30))
        self.newest[self.tenant] = await worker.core.tenants.set_retention(self.tenant, days)

    async def sweep(self) -> None:
        """What is too old goes, in both tenants: often at the very time of a message, which then is not too old."""
        now = max(self.latest, self.clock.now()) + HOUR + 60_000
        days = self.newest[self.tenant].retention_days
        if days is not None and self.rng.random() < 0.7:
            ends = (message.stored.time + days * DAY for message in self.space.messages())
            now = min((end for end in ends if now <= end < now + DAY), default=now)
        self.clock.move(now - self.clock.now())
        await self.keep_house(lambda core: core.retention.round())
        for tenant, space in self.spaces.items():
            days = self.newest[tenant].retention_days
            if days is not None:
                for one in space.conversations.values():
                    self.done["dropped"] += one.drop(self.clock.now() - days * DAY)
        target = self.any_conversation()
        if target is not None:
            await self.compare_one(target, [await self.viewer(target)])

    async def keep_house(self, chore: Callable[[Core], Awaitable[bool]]) -> None:
        """Rounds of both workers until neither has anything to do."""
        for _ in range(ROUNDS):
            if not any([await chore(worker.core) for worker in self.workers]):
                return
        raise AssertionError("housekeeping has no end")

    async def erase_user(self) -> None:
        """Erase a user, whose name another one may take before all of it is done."""
        name = self.name()

        async def act(core: Core, tenant: Tenant) -> bool:
            return await core.erase.user(tenant, name)

        if is_reserved(name):
            with pytest.raises(Failure):
                await self.ask(act, from_memory=True)
            return
        user, began = self.space.keys.get(name), self.clock.now()
        assert await self.ask(act, from_memory=True) is (user is not None)
        if user is None:
            return
        self.note("erased")
        found = await self.workers[0].core.tenants.find(self.tenant)
        assert found is not None
        self.newest[self.tenant] = found
        self.space.forget_name(user)
        self.clock.move(1)
        theirs = [
            one for one in self.space.conversations.values() if one.is_inside(user.number) or user.number in one.senders
        ]
        if self.rng.random() < 0.5:
            another, peer = await self.user(name), await self.user()
            target = self.space.direct(another, peer)
            await self.send(another, [target], self.message(another), self.reference())
            theirs.append(target)
        await self.keep_house(lambda core: core.erase.round())
        self.space.erase(user, began)
        for target in self.sample(theirs, 4):
            await self.compare_one(target, [await self.viewer(target), *self.sample(target.users(), 2)])
            if target.group_number is not None:
                await self.compare_group(target)

    async def clear_for_all(self) -> None:
        found = await self.whose()
        if found is not None:
            target, user = found
            name = self.target(target, user)

            async def act(core: Core, tenant: Tenant) -> bool:
                return await core.conversations.clear_for_all(tenant, user, name)

            assert self.note("cleared for all", await self.ask(act)) is target.exists
            target.drop(None)
            await self.compare_one(target, [user, *self.sample(target.users(), 2)])
