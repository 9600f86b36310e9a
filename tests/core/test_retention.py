"""What is too old goes, and everybody sees what is left as if nothing else had ever been there."""

import random

import pytest

from core.clock import ManualClock
from core.core import Core
from core.errors import Failure, Kind
from core.messages import Query
from core.model import Tenant
from core.store import dropping
from tests.core.lives import HOUR, Life
from tests.core.store.rows import of_tenant
from tests.core.support import new_name, text
from tests.servers import Engine

DAY = 24 * HOUR
ROUNDS = 10_000


async def drop(core: Core, clock: ManualClock) -> int:
    """Rounds from the next walk on until there is nothing to do; how many there were."""
    clock.move(HOUR + 60_000)
    for count in range(ROUNDS):
        if not await core.retention.round():
            return count
    raise AssertionError("dropping has no end")


def what_messages_left(engine: Engine, tenant: Tenant) -> set[bytes]:
    """Keys that are there for messages alone."""
    gone = (
        b"l",
        b"b",
        b"bt",
        b"be",
        b"j",
        b"t",
        b"h",
        b"hc",
        b"rs",
        b"ds",
        b"rl",
        b"ot",
        b"x",
        b"xa",
        b"xh",
        b"ic",
        b"i",
    )
    found = {key for key in of_tenant(engine, tenant.number) if key.count(b":") > 1}
    return {key for key in found if key.split(b":")[2] in gone or (b":w:" in key and key.count(b":") == 4)}


@pytest.fixture
async def life(core: Core, tenant: Tenant, clock: ManualClock) -> Life:
    life = Life(core, await core.tenants.set_retention(tenant.name, 2), clock, 1)
    await life.begin()
    return life


@pytest.mark.parametrize("seed", range(3))
async def test_what_is_too_old_goes_and_the_rest_is_as_it_was(
    engine: Engine, core: Core, life: Life, clock: ManualClock, seed: int
) -> None:
    life.rng = random.Random(seed)  # noqa: S311
    for _ in range(4):
        await life.live(120)
        await life.check()
        before = await life.seen()
        await drop(core, clock)
        limit = clock.now() - 2 * DAY
        assert await life.seen() == {place: [row for row in rows if row[1] >= limit] for place, rows in before.items()}
        await life.check()


async def test_nothing_of_what_was_dropped_is_left(engine: Engine, core: Core, life: Life, clock: ManualClock) -> None:
    await life.live(150, pause_ms=60_000)
    clock.move(3 * DAY)
    await drop(core, clock)
    assert what_messages_left(engine, life.tenant) == set()
    for user in life.users:
        assert not any((await life.lists(user)).values())
    # And it goes on where it was.
    await life.live(100, pause_ms=60_000)
    await life.check()
    for target in life.groups:
        assert 1 not in [one.sequence for one in await life.page(None, target)]


async def test_it_goes_on_after_every_call(
    core: Core, life: Life, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each call is the first and last of its worker."""
    await life.live(200)
    monkeypatch.setattr(dropping, "MESSAGES_AT_ONCE", 1)
    monkeypatch.setattr("core.retention._CALLS_A_ROUND", 1)
    before = await life.seen()
    clock.move(HOUR + 60_000)
    limit, calls = clock.now() - 2 * DAY, 0
    workers = [Core(core.store, clock) for _ in range(3)]
    while any([await worker.retention.round() for worker in workers]):
        calls += 1
        assert calls < ROUNDS
    assert await life.seen() == {place: [row for row in rows if row[1] >= limit] for place, rows in before.items()}
    await life.check()


async def test_a_long_log_loses_whole_chunks(engine: Engine, core: Core, tenant: Tenant, clock: ManualClock) -> None:
    tenant = await core.tenants.set_retention(tenant.name, 1)
    ada, bob = await core.users.keys(tenant, ["ada", "bob"])
    for number in range(5000):
        clock.move(1)
        await core.messages.send_direct(tenant, ada, [bob], text("ada"), f"request {number}")
    clock.move(2 * DAY)
    last = (await core.messages.send_direct(tenant, ada, [bob], text("ada"), "request last"))[0]
    await core.messages.recall(tenant, last.id)
    await drop(core, clock)
    keys = [key.decode() for key in of_tenant(engine, tenant.number)]
    assert [key.rpartition(":")[2] for key in keys if ":l:" in key] == ["1"]
    page = await core.messages.direct_page(tenant, "ada", "bob", Query(1000))
    assert page.messages == []
    row = await core.conversations.direct(tenant, bob, "ada")
    assert row is None


async def test_tenants_without_it_keep_everything(engine: Engine, core: Core, life: Life, clock: ManualClock) -> None:
    neighbour = await core.tenants.add(new_name())
    ada, bob = await core.users.keys(neighbour, ["ada", "bob"])
    await core.messages.send_direct(neighbour, ada, [bob], text("ada"), "client:1")
    kept = of_tenant(engine, neighbour.number)
    await life.live(20)
    clock.move(10 * DAY)
    await drop(core, clock)
    assert {key: of_tenant(engine, neighbour.number)[key] for key in kept} == kept
    life.tenant = await core.tenants.set_retention(life.tenant.name, None)
    await life.live(20)
    before = await life.seen()
    clock.move(10 * DAY)
    await drop(core, clock)
    assert await life.seen() == before


async def test_less_than_a_day_is_refused(core: Core, tenant: Tenant) -> None:
    with pytest.raises(Failure) as caught:
        await core.tenants.set_retention(tenant.name, 0)
    assert (caught.value.kind, caught.value.reason) == (Kind.BAD_REQUEST, "retention")


async def test_a_conversation_is_cleared_for_all(core: Core, life: Life, clock: ManualClock) -> None:
    await life.live(200)
    for target in (life.groups[0], life.groups[1], "bob"):
        before = await life.seen()
        assert await core.conversations.clear_for_all(life.tenant, life.users[0], target)
        names = {life.users[0].id, target}
        after = await life.seen()
        for (viewer, other, of_topic), rows in before.items():
            cleared = other == target if isinstance(target, int) else {viewer, other} == names
            assert after[viewer, other, of_topic] == ([] if cleared else rows)
        await life.check()
        await life.live(50)
        await life.check()
    assert not await core.conversations.clear_for_all(life.tenant, life.users[0], "nobody")


async def test_nothing_of_a_cleared_conversation_is_left(engine: Engine, core: Core, life: Life) -> None:
    await life.live(200)
    for user in life.users:
        for target in life.targets(user):
            await core.conversations.clear_for_all(life.tenant, user, target)
    assert what_messages_left(engine, life.tenant) == set()
