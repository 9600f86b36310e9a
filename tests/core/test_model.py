"""Random operations on a real engine, compared with a plain model after every step.

Two workers (each with connections and memory of its own) serve two tenants whose users, groups and references have the
same names. MODEL_STEPS and MODEL_SEED make other walks than the usual one.
"""

import os
import random
from collections.abc import Awaitable, Callable

import pytest

from core.clock import ManualClock
from core.errors import Kind
from core.store import store
from core.store.groups import SMALL_GROUP
from tests.core.model.conversation_steps import LONG
from tests.core.model.moderation_steps import ModerationSteps
from tests.core.model.receipt_steps import ReceiptSteps
from tests.core.model.relation_steps import RelationSteps
from tests.core.model.sending_steps import AHEAD
from tests.core.model.side_by_side import SCANNED, Worker
from tests.core.model.tenant_steps import TenantSteps
from tests.core.model.topic_steps import TopicSteps
from tests.core.model.user_steps import UserSteps
from tests.core.support import START, opened
from tests.servers import Engine

STEPS = int(os.environ.get("MODEL_STEPS", "10000"))
SEED = int(os.environ.get("MODEL_SEED", "1"))
EVERYTHING_EVERY = 500


class Walk(UserSteps, RelationSteps, ReceiptSteps, TopicSteps, ModerationSteps, TenantSteps):
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


OPERATIONS: dict[Callable[[Walk], Awaitable[None]], int] = {
    Walk.address: 60,
    Walk.register: 20,
    Walk.claim: 20,
    Walk.change_user: 15,
    Walk.relate: 45,
    Walk.send_to_a_blocker: 20,
    Walk.roster: 5,
    Walk.send_direct: 180,
    Walk.send_group: 220,
    Walk.repeat: 30,
    Walk.burst: 3,
    Walk.page: 100,
    Walk.get: 40,
    Walk.edit: 25,
    Walk.recall: 50,
    Walk.hide: 50,
    Walk.lists: 40,
    Walk.read: 70,
    Walk.delivered: 20,
    Walk.look: 15,
    Walk.put: 40,
    Walk.put_for_all: 6,
    Walk.mark: 15,
    Walk.clear: 20,
    Walk.clear_before: 15,
    Walk.create_group: 20,
    Walk.reserve: 8,
    Walk.add: 60,
    Walk.remove: 60,
    Walk.update: 8,
    Walk.change_role: 20,
    Walk.transfer: 6,
    Walk.moderate: 50,
    Walk.send_checked: 60,
    Walk.set_attributes: 15,
    Walk.delete_group: 5,
    Walk.lists_of_groups: 10,
    Walk.import_some: 40,
    Walk.create_topic: 20,
    Walk.update_topic: 5,
    Walk.topics: 10,
    Walk.clear_for_all: 4,
    Walk.receipts: 30,
    Walk.reports: 10,
    Walk.feed: 6,
    Walk.retain: 3,
    Walk.sweep: 3,
    Walk.erase_user: 3,
    Walk.rotate: 10,
    Walk.reset: 1,
}


CAME_ABOUT = (
    """
accept done, accept in vain, attribute refused, block done, blocked, cleared, cleared before a time, cleared for all,
decline done, decline in vain, deleted, delivered did not move, delivered moved, dropped, edited, erased, group
created over messages, hidden, hidden in vain, hour, import recalled, imported, imported again, imported anew, joined,
joined again, left, left a room, looked, made an admin, made no admin, marked, muted, put for all, put into a box,
read did not move, read moved, recalled, recalled again, receipt delivered, receipt read, reclaimed, refused by a
block, refused by an own block, refused: all_muted, refused: blocked, refused: member, refused: muted, repeated,
reports, room created, sent aside, sent to programs, sent to a topic, sent to some, stale view refused, taken back,
taken out of a box, topic created, topic found, topic refused, transferred, unread, user activate, user deactivate,
user revoke, user update, viewed
""".replace("\n", " ")
    .strip()
    .split(", ")
)


async def test_the_store_does_what_a_plain_model_does(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "DEADLINE", 30)  # what a busy machine makes of a second is for other tests
    clock = ManualClock(START)
    async with opened(engine.url, clock) as first, opened(engine.url, clock) as second:
        rng = random.Random(SEED)  # noqa: S311
        walk = Walk(rng, clock, engine, [Worker(first), Worker(second)])
        await walk.begin()
        for step in range(1, STEPS + 1):
            try:
                await walk.step()
                if step == STEPS // 2:
                    await walk.long_way()
                    await walk.long_group()
                    await walk.import_many_at_once()
                if step % EVERYTHING_EVERY == 0 or step == STEPS:
                    await walk.compare_everything()
                if step == STEPS:
                    await walk.reset()
                    await walk.reclaim()
            except BaseException as problem:
                problem.add_note(f"at step {step} of seed {SEED}, in {walk.doing}")
                raise
    if STEPS >= 10_000:
        assert walk.done["longest direct log"] >= LONG
        assert walk.done["longest group log"] > SCANNED
        assert walk.done["largest group"] > SMALL_GROUP
        never = {what for what in CAME_ABOUT if not walk.done[what]}
        never |= {kind for kind in (Kind.RATE_LIMITED, Kind.CONFLICT, Kind.NOT_FOUND) if not walk.failures[kind]}
        assert not never, "the walk did not come everywhere"
