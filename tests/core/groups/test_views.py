"""Groups as users have them: several at once, with the first members, what is unread, and when they changed last."""

from collections.abc import Awaitable, Callable

import pytest

from core.clock import ManualClock
from core.core import Core
from core.errors import Kind
from core.membership import GroupView
from core.model import Group, Marks, Tenant, UserKey
from tests.core.groups.support import refused, send
from tests.core.support import START


@pytest.fixture
async def users(core: Core, tenant: Tenant) -> list[UserKey]:
    return await core.users.keys(tenant, ["ada", "bob", "eve"])


async def new(core: Core, tenant: Tenant, members: list[UserKey], *, room: bool = False) -> Group:
    return await core.groups.create(tenant, name="g", owner=members[0], members=members, dialect="plain", room=room)


async def view(core: Core, tenant: Tenant, group: Group, user: UserKey | None, members: int = 200) -> GroupView:
    (found,) = await core.groups.views(tenant, [group.number], user, members=members)
    assert found is not None
    return found


async def test_several_groups_come_in_the_order_asked_for(core: Core, tenant: Tenant, users: list[UserKey]) -> None:
    ada, bob, _ = users
    groups = [await new(core, tenant, [ada, bob]) for _ in range(45)]
    gone = await new(core, tenant, [ada])
    await core.groups.delete(tenant, gone.number)
    reserved = await core.groups.place(tenant, "plain", "nobody made it")
    numbers = [groups[3].number, gone.number, *(group.number for group in groups), reserved, groups[3].number]
    found = await core.groups.views(tenant, numbers, bob, members=1)
    assert [each.group if each is not None else None for each in found] == [
        groups[3], None, *groups, None, groups[3],
    ]  # fmt: skip
    assert all(each is None or ([member.id for member in each.members], each.total) == (["ada"], 2) for each in found)
    assert await core.groups.views(tenant, []) == []


async def test_a_view_has_what_its_user_has(core: Core, tenant: Tenant, users: list[UserKey]) -> None:
    ada, bob, eve = users
    group = await new(core, tenant, [ada, bob])
    for _ in range(3):
        await send(core, tenant, ada, group.number)
    await core.conversations.mark(tenant, bob, group.number, muted_until=-1)
    bobs = await view(core, tenant, group, bob)
    assert (bobs.unread, bobs.known, bobs.marks) == (3, True, Marks(muted_until=-1))
    assert [(member.id, member.role) for member in bobs.members] == [("ada", "owner"), ("bob", "member")]
    adas = await view(core, tenant, group, ada)
    assert (adas.unread, adas.known, adas.marks) == (0, True, Marks())
    for stranger in (eve, None):
        seen = await view(core, tenant, group, stranger, members=0)
        assert (seen.unread, seen.known, seen.marks, seen.members, seen.total) == (0, False, Marks(), [], 2)
    await core.conversations.read(tenant, bob, group.number)
    assert (await view(core, tenant, group, bob)).unread == 0
    await core.groups.remove(tenant, group.number, [bob])
    left = await view(core, tenant, group, bob)
    assert (left.known, [member.id for member in left.members], left.left) == (True, ["ada"], ["bob"])


async def test_of_many_members_the_first_are_shown(core: Core, tenant: Tenant) -> None:
    keys = await core.users.keys(tenant, [f"user {number:03}" for number in range(230)])
    group = await new(core, tenant, keys)
    found = await view(core, tenant, group, keys[229])
    assert [member.id for member in found.members] == [key.id for key in keys[:200]]
    assert (found.total, found.known) == (230, True)
    await refused(core.groups.views(tenant, [group.number], members=201), Kind.BAD_REQUEST, "page")


async def test_who_left_is_known_of_a_group_of_some_hundred(core: Core, tenant: Tenant) -> None:
    keys = await core.users.keys(tenant, [f"user {number:03}" for number in range(400)])
    group = await new(core, tenant, keys)
    assert (await view(core, tenant, group, keys[0])).left == []
    await core.groups.remove(tenant, group.number, keys[1:4])
    await core.groups.add(tenant, group.number, [keys[2]])
    assert (await view(core, tenant, group, keys[0])).left == ["user 001", "user 003"]
    assert (await view(core, tenant, group, keys[0], members=0)).left == []
    await core.groups.add(tenant, group.number, await core.users.keys(tenant, ["one more"]))
    assert (await view(core, tenant, group, keys[0])).left == []


async def test_nothing_is_unread_in_a_room(core: Core, tenant: Tenant, users: list[UserKey]) -> None:
    ada, bob, _ = users
    room = await new(core, tenant, [ada, bob], room=True)
    await send(core, tenant, ada, room.number)
    assert (await view(core, tenant, room, bob)).unread == 0


async def test_every_change_of_a_group_is_noted(
    core: Core, clock: ManualClock, tenant: Tenant, users: list[UserKey]
) -> None:
    ada, bob, eve = users
    group = await new(core, tenant, [ada])
    number = group.number
    assert (await view(core, tenant, group, ada)).changed == START
    changes: list[Callable[[], Awaitable[object]]] = [
        lambda: core.groups.update(tenant, number, name="another"),
        lambda: core.groups.add(tenant, number, [bob, eve]),
        lambda: core.members.make_admin(tenant, number, bob),
        lambda: core.members.unmake_admin(tenant, number, bob),
        lambda: core.groups.transfer(tenant, number, bob),
        lambda: core.groups.remove(tenant, number, [ada]),
        lambda: core.members.block(tenant, number, [eve]),
    ]
    for index, change in enumerate(changes, 1):
        clock.move(10)
        await change()
        assert (await view(core, tenant, group, ada)).changed == START + 10 * index
    clock.move(10)
    # What changes nothing, and messages, are no change.
    await core.groups.add(tenant, number, [bob])
    await core.groups.remove(tenant, number, [eve])
    await send(core, tenant, bob, number)
    assert (await view(core, tenant, group, ada)).changed == START + 10 * len(changes)
