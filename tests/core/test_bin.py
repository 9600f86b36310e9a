from collections.abc import Sequence

import pytest

from core.bin import MAXIMUM_IN_BIN
from core.clock import ManualClock
from core.core import Core
from core.errors import Failure, Kind
from core.model import Tenant, UserKey
from tests.core.store.rows import of_tenant
from tests.servers import Engine


@pytest.fixture
async def users(core: Core, tenant: Tenant) -> Sequence[UserKey]:
    return await core.users.keys(tenant, ["ada", "bob"])


async def test_what_was_put_in_last_comes_first(
    core: Core, tenant: Tenant, clock: ManualClock, users: Sequence[UserKey]
) -> None:
    ada, bob = users
    assert await core.bin.latest(tenant, ada) == []
    for messages in ([1], [2, 3], [], [1 << 62, 1]):
        await core.bin.put(tenant, ada, messages)
        clock.move(1)
    found = await core.bin.latest(tenant, ada)
    assert (set(found[:2]), set(found[2:])) == ({1 << 62, 1}, {2, 3})
    assert await core.bin.latest(tenant, ada, 1) == found[:1]
    assert await core.bin.latest(tenant, bob) == []


async def test_what_is_taken_out_is_gone(core: Core, tenant: Tenant, users: Sequence[UserKey]) -> None:
    ada, bob = users
    await core.bin.put(tenant, ada, [1, 2, 3])
    assert await core.bin.take(tenant, bob, [1]) == [False]
    assert await core.bin.take(tenant, ada, [1, 4, 3, 1]) == [True, False, True, False]
    assert await core.bin.take(tenant, ada, []) == []
    assert await core.bin.latest(tenant, ada) == [2]


async def test_the_first_ones_make_room(
    core: Core, tenant: Tenant, clock: ManualClock, users: Sequence[UserKey]
) -> None:
    ada, _ = users
    for start in range(0, MAXIMUM_IN_BIN + 200, 100):
        await core.bin.put(tenant, ada, range(start, start + 100))
        clock.move(1)
    found = await core.bin.latest(tenant, ada, 5_000)
    assert sorted(found) == list(range(200, MAXIMUM_IN_BIN + 200))
    many = range(10_000, 10_000 + MAXIMUM_IN_BIN + 700)
    await core.bin.put(tenant, ada, many)
    assert len(await core.bin.latest(tenant, ada)) == MAXIMUM_IN_BIN
    assert sum(await core.bin.take(tenant, ada, many)) == MAXIMUM_IN_BIN


@pytest.mark.parametrize("limit", [0, 5_001])
async def test_a_page_of_nobody_is_refused(core: Core, tenant: Tenant, users: Sequence[UserKey], limit: int) -> None:
    with pytest.raises(Failure) as caught:
        await core.bin.latest(tenant, users[0], limit)
    assert (caught.value.kind, caught.value.reason) == (Kind.BAD_REQUEST, "page")


async def test_a_users_bin_goes_with_the_user(
    core: Core, tenant: Tenant, engine: Engine, users: Sequence[UserKey]
) -> None:
    ada, _ = users
    await core.bin.put(tenant, ada, [1])
    assert await core.erase.user(tenant, "ada")
    for _ in range(100):
        if not await core.erase.round():
            break
    assert not [key for key in of_tenant(engine, tenant.number) if b":bin:" in key]
