"""Token buckets, shared by all who take from them."""

import asyncio

from core.clock import ManualClock
from core.core import Core
from core.model import Tenant
from core.rates import Bucket
from tests.core.support import new_name, opened
from tests.servers import Engine

CALLS = Bucket("calls", 10, 1_000)
MINUTE = Bucket("minute", 30, 60_000)


async def taken(core: Core, tenant: Tenant, *buckets: Bucket, tries: int, count: int = 1) -> int:
    """How many of so many tries succeed."""
    results = [await core.rates.take(tenant, buckets, count) for _ in range(tries)]
    return results.count(None)


async def test_a_bucket_is_full_at_first_and_fills_steadily(core: Core, clock: ManualClock, tenant: Tenant) -> None:
    assert await taken(core, tenant, CALLS, tries=15) == 10
    assert await core.rates.take(tenant, [CALLS]) == (CALLS, 100)
    clock.move(99)
    assert await core.rates.take(tenant, [CALLS]) == (CALLS, 1)
    clock.move(1)
    assert await taken(core, tenant, CALLS, tries=5) == 1
    clock.move(350)
    assert await taken(core, tenant, CALLS, tries=5) == 3
    clock.move(100_000)
    assert await taken(core, tenant, CALLS, tries=15) == 10


async def test_odd_rates_give_what_they_say(core: Core, clock: ManualClock, tenant: Tenant) -> None:
    thirds = Bucket("thirds", 3, 1_000)
    total = await taken(core, tenant, thirds, tries=4)
    for _ in range(3_000):
        clock.move(1)
        total += await taken(core, tenant, thirds, tries=1)
    assert total == 3 + 9


async def test_several_tokens_at_once(core: Core, clock: ManualClock, tenant: Tenant) -> None:
    assert await core.rates.take(tenant, [MINUTE], 25) is None
    assert await core.rates.take(tenant, [MINUTE], 6) == (MINUTE, 2_000)
    assert await core.rates.take(tenant, [MINUTE], 5) is None
    clock.move(10**9)
    assert await core.rates.take(tenant, [MINUTE], 31) == (MINUTE, 2_000), "more than it holds"


async def test_all_or_none(core: Core, clock: ManualClock, tenant: Tenant) -> None:
    assert await taken(core, tenant, MINUTE, tries=30) == 30
    assert await core.rates.take(tenant, [CALLS, MINUTE]) == (MINUTE, 2_000)
    assert await taken(core, tenant, CALLS, tries=11) == 10, "the refused one took nothing of the other bucket"
    assert await core.rates.take(tenant, [CALLS, MINUTE]) == (CALLS, 100), "the first that has too few"


async def test_tenants_and_names_keep_apart(core: Core, tenant: Tenant) -> None:
    other = await core.tenants.add(new_name())
    assert await taken(core, tenant, CALLS, tries=11) == 10
    assert await taken(core, other, CALLS, tries=11) == 10
    assert await taken(core, tenant, Bucket("more calls", 10, 1_000), tries=11) == 10


async def test_a_clock_that_ran_ahead_empties_a_bucket_and_no_more(
    core: Core, clock: ManualClock, tenant: Tenant
) -> None:
    await core.rates.take(tenant, [CALLS])
    clock.move(-3_600_000)
    assert await core.rates.take(tenant, [CALLS]) == (CALLS, 100)
    clock.move(1_000)
    assert await taken(core, tenant, CALLS, tries=11) <= 10


async def test_all_workers_share_a_bucket(engine: Engine, core: Core, tenant: Tenant) -> None:
    async with opened(engine.url, core.clock) as other:
        found = await asyncio.gather(*(each.rates.take(tenant, [MINUTE]) for each in (core, other) for _ in range(40)))
        assert found.count(None) == 30


async def test_a_reset_fills_all(core: Core, tenant: Tenant) -> None:
    assert await taken(core, tenant, CALLS, tries=11) == 10
    tenant = await core.tenants.reset(tenant.name)
    assert await taken(core, tenant, CALLS, tries=11) == 10
