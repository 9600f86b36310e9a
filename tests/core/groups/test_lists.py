"""Lists of groups: all of a tenant, and those of which a user is a member."""

import random
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from core.clock import ManualClock
from core.core import Core
from core.errors import Kind
from core.membership import Counted, GroupPage
from core.model import Group, Tenant, UserKey
from core.store import group_lists
from tests.core.groups.support import refused
from tests.core.support import new_name

PAGES = 400


async def walk(page: Callable[..., Awaitable[GroupPage]], limit: int, total: int) -> list[Counted]:
    found: list[Counted] = []
    cursor = ""
    for _ in range(PAGES):
        one = await page(cursor=cursor)
        assert one.total == total
        assert len(one.groups) <= limit
        found += one.groups
        cursor = one.cursor
        if not cursor:
            return found
        assert len(one.groups) == limit
    raise AssertionError("the list has no end")


async def make(
    core: Core, clock: ManualClock, tenant: Tenant, owner: UserKey, count: int, *, room: bool
) -> list[Group]:
    rng = random.Random(count)  # noqa: S311
    made = []
    for number in range(count):
        clock.move(rng.choice((0, 0, 1, 1_000)))
        made.append(
            await core.groups.create(tenant, name=f"{number}", owner=owner, members=[owner], dialect="plain", room=room)
        )
    return made


async def test_all_groups_of_a_tenant_by_creation(core: Core, clock: ManualClock, tenant: Tenant) -> None:
    ada = await core.users.key(tenant, "ada")
    # A number that was reserved early is created late.
    await core.groups.place(tenant, "plain", "early")
    groups = await make(core, clock, tenant, ada, 90, room=False)
    rooms = await make(core, clock, tenant, ada, 7, room=True)
    clock.move(1)
    late = await core.groups.create(tenant, name="", owner=ada, members=[], dialect="plain", alias="early")
    assert late.number < groups[0].number
    groups.append(late)
    neighbour = await core.tenants.add(new_name())
    await core.groups.create(neighbour, name="", owner=ada, members=[], dialect="plain")
    for is_room, made in ((False, groups), (True, rooms)):
        expected = [Counted(group, 0 if group is late else 1) for group in made]
        for limit in (1, 5, 89, 91, 1_000):
            for newest_first in (False, True):
                page = partial(core.groups.page, tenant, rooms=is_room, newest_first=newest_first, limit=limit)
                found = await walk(page, limit, len(made))
                assert found == (expected[::-1] if newest_first else expected)


async def test_the_groups_of_which_a_user_is_a_member(core: Core, clock: ManualClock, tenant: Tenant) -> None:
    ada, bob = await core.users.keys(tenant, ["ada", "bob"])
    groups = await make(core, clock, tenant, ada, 80, room=False)
    rooms = await make(core, clock, tenant, ada, 70, room=True)
    for made in (groups, rooms):
        for group in made[::2]:
            await core.groups.add(tenant, group.number, [bob])
    await core.groups.remove(tenant, groups[0].number, [bob])
    await core.groups.remove(tenant, rooms[2].number, [bob, ada])
    await core.members.block(tenant, groups[4].number, [bob])
    for is_room, mine in ((False, [*groups[2:4:2], *groups[6::2]]), (True, [rooms[0], *rooms[4::2]])):
        for limit in (1, 7, 36, 1_000):
            page = partial(core.groups.joined, tenant, bob, rooms=is_room, limit=limit)
            assert await walk(page, limit, len(mine)) == [Counted(group, 2) for group in mine]
    stranger = await core.users.key(tenant, "stranger")
    assert await core.groups.joined(tenant, stranger) == GroupPage([], "", 0)


async def test_a_large_group_is_in_the_list_of_each_member(core: Core, tenant: Tenant) -> None:
    keys = await core.users.keys(tenant, [f"user {number}" for number in range(40)])
    group = await core.groups.create(tenant, name="", owner=keys[0], members=keys[:30], dialect="plain")
    await core.groups.add(tenant, group.number, keys[30:])
    for key in (keys[0], keys[39]):
        assert (await core.groups.joined(tenant, key)).groups == [Counted(group, 40)]


async def test_partitions_are_asked_again_when_all_that_they_gave_is_wanted(
    core: Core, clock: ManualClock, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_lists, "_SPARE_ROWS", 0)
    ada = await core.users.key(tenant, "ada")
    groups = await make(core, clock, tenant, ada, 40, room=False)
    page = partial(core.groups.page, tenant, limit=9)
    assert await walk(page, 9, 40) == [Counted(group, 1) for group in reversed(groups)]


@pytest.mark.parametrize("cursor", ["x", "1:2", "000000000000001:", "٠00000000000001:0000000001", "-1"])
async def test_a_cursor_that_is_none_is_refused(core: Core, tenant: Tenant, cursor: str) -> None:
    ada = await core.users.key(tenant, "ada")
    await refused(core.groups.page(tenant, cursor=cursor), Kind.BAD_REQUEST, "cursor")
    await refused(core.groups.joined(tenant, ada, cursor=cursor), Kind.BAD_REQUEST, "cursor")
