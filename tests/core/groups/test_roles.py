"""Owners, admins and members."""

import pytest

from core.clock import ManualClock
from core.core import Core
from core.errors import Kind
from core.membership import Listed, Standing
from core.model import Group, Member, Tenant, UserKey
from tests.core.groups.support import refused, roles
from tests.core.support import START

Users = list[UserKey]


async def test_a_member_becomes_an_admin_and_a_member_again(
    core: Core, clock: ManualClock, tenant: Tenant, users: Users, group: Group
) -> None:
    _, bob, eve, _ = users
    assert await core.members.make_admin(tenant, group.number, bob)
    clock.move(5)
    assert await core.members.make_admin(tenant, group.number, eve)
    assert not await core.members.make_admin(tenant, group.number, bob)
    assert await roles(core, tenant, group.number) == {"ada": "owner", "bob": "admin", "eve": "admin"}
    assert await core.members.admins(tenant, group.number) == [Listed(bob, START), Listed(eve, START + 5)]
    standing = await core.members.standing(tenant, group.number, bob)
    assert standing == Standing(Member("bob", bob.number, "admin", START))
    await core.members.unmake_admin(tenant, group.number, bob)
    assert await roles(core, tenant, group.number) == {"ada": "owner", "bob": "member", "eve": "admin"}
    assert [row.user for row in await core.members.admins(tenant, group.number)] == [eve]


async def test_why_somebody_does_not_become_an_admin_or_a_member(
    core: Core, tenant: Tenant, users: Users, group: Group
) -> None:
    ada, bob, _, zoe = users
    make, unmake = core.members.make_admin, core.members.unmake_admin
    for act in (make, unmake):
        assert (await refused(act(tenant, group.number, zoe), Kind.NOT_FOUND, "member")).subject == "zoë"
        await refused(act(tenant, group.number, ada), Kind.FORBIDDEN, "owner")
        assert (await refused(act(tenant, 4711, bob), Kind.NOT_FOUND, "group")).subject == "4711"
    await refused(unmake(tenant, group.number, bob), Kind.NOT_FOUND, "admin")


async def test_being_an_admin_ends_with_the_membership(core: Core, tenant: Tenant, users: Users, group: Group) -> None:
    _, bob, *_ = users
    await core.members.make_admin(tenant, group.number, bob)
    await core.groups.remove(tenant, group.number, [bob])
    assert await core.members.admins(tenant, group.number) == []
    await refused(core.members.unmake_admin(tenant, group.number, bob), Kind.NOT_FOUND, "member")
    await core.groups.add(tenant, group.number, [bob])
    assert (await roles(core, tenant, group.number))["bob"] == "member"


async def test_a_group_goes_to_another_member(core: Core, tenant: Tenant, users: Users, group: Group) -> None:
    ada, bob, _, zoe = users
    await core.members.make_admin(tenant, group.number, bob)
    await refused(core.groups.transfer(tenant, group.number, zoe), Kind.NOT_FOUND, "member")
    await refused(core.groups.transfer(tenant, group.number, ada), Kind.FORBIDDEN, "owner")
    await refused(core.groups.transfer(tenant, 4711, bob), Kind.NOT_FOUND, "group")
    for _ in range(2):
        changed = await core.groups.transfer(tenant, group.number, bob, reference="request:1")
        assert changed.owner == "bob"
    assert await core.groups.find(tenant, group.number) == changed
    assert await roles(core, tenant, group.number) == {"ada": "member", "bob": "owner", "eve": "member"}
    assert await core.members.admins(tenant, group.number) == []
    assert await core.members.make_admin(tenant, group.number, ada)
    await refused(core.members.make_admin(tenant, group.number, bob), Kind.FORBIDDEN, "owner")


async def test_a_new_owner_need_not_be_a_member(core: Core, tenant: Tenant, users: Users, group: Group) -> None:
    ada, _, _, zoe = users
    changed = await core.groups.update(tenant, group.number, owner=zoe, name="Hers")
    assert (changed.owner, changed.name) == ("zoë", "Hers")
    assert await roles(core, tenant, group.number) == {"ada": "member", "bob": "member", "eve": "member"}
    await core.groups.add(tenant, group.number, [zoe])
    assert (await roles(core, tenant, group.number))["zoë"] == "owner"
    assert await core.groups.remove(tenant, group.number, [ada], spare_owner=True) == [True]


async def test_the_owner_stays_where_it_has_to(core: Core, tenant: Tenant, users: Users, group: Group) -> None:
    ada, bob, *_ = users
    for act in (
        core.groups.remove(tenant, group.number, [bob, ada], spare_owner=True),
        core.members.block(tenant, group.number, [bob, ada]),
    ):
        assert (await refused(act, Kind.FORBIDDEN, "owner")).subject == "ada"
    assert await roles(core, tenant, group.number) == {"ada": "owner", "bob": "member", "eve": "member"}
    # Some let the owner go; who comes back owns the group still.
    assert await core.groups.remove(tenant, group.number, [ada]) == [True]
    assert await roles(core, tenant, group.number) == {"bob": "member", "eve": "member"}
    await core.groups.add(tenant, group.number, [ada])
    assert await roles(core, tenant, group.number) == {"bob": "member", "eve": "member", "ada": "owner"}


async def test_a_repeated_change_of_role_is_done_once(core: Core, tenant: Tenant, users: Users, group: Group) -> None:
    _, bob, *_ = users
    for _ in range(2):
        assert await core.members.make_admin(tenant, group.number, bob, reference="client:1")
    for _ in range(2):
        await core.members.unmake_admin(tenant, group.number, bob, reference="client:2")
    assert not await core.members.admins(tenant, group.number)


@pytest.mark.parametrize("room", [False, True])
async def test_members_come_in_pages_in_the_order_of_joining(
    core: Core, clock: ManualClock, tenant: Tenant, room: bool
) -> None:
    names = [f"user {number}" for number in range(45)]
    keys = await core.users.keys(tenant, names)
    first, later = keys[20:], keys[:20]
    group = await core.groups.create(tenant, name="", owner=keys[3], members=first, dialect="plain", room=room)
    clock.move(-1_000)  # another worker's clock
    await core.groups.add(tenant, group.number, [*later, first[0]])
    await core.groups.remove(tenant, group.number, [first[1], later[1]])
    await core.groups.add(tenant, group.number, [first[1]])
    expected = [key.id for key in [first[0], *first[2:], later[0], *later[2:], first[1]]]

    async def walk(limit: int, *, newest_first: bool) -> list[str]:
        found, cursor = [], 0
        for _ in range(50):
            page = await core.members.page(tenant, group.number, newest_first=newest_first, limit=limit, cursor=cursor)
            assert page.total == 44
            assert len(page.members) <= limit
            found += [member.id for member in page.members]
            cursor = page.cursor
            if not cursor:
                return found
        raise AssertionError

    for limit in (1, 10, 44, 100):
        assert await walk(limit, newest_first=False) == expected
        assert await walk(limit, newest_first=True) == expected[::-1]
    detail = await core.groups.detail(tenant, group.number)
    page = await core.members.page(tenant, group.number)
    assert detail is not None
    assert page.members == detail[1]
    assert {member.id for member in page.members if member.role == "owner"} == {keys[3].id}
    # Who joins or leaves meanwhile moves nobody.
    page = await core.members.page(tenant, group.number, limit=10)
    await core.groups.remove(tenant, group.number, [first[0], first[12]])
    following = await core.members.page(tenant, group.number, limit=3, cursor=page.cursor)
    assert [member.id for member in following.members] == [first[11].id, first[13].id, first[14].id]
    await refused(core.members.page(tenant, 4711), Kind.NOT_FOUND, "group")


async def test_what_users_are_in_a_group(core: Core, tenant: Tenant, users: Users, group: Group) -> None:
    ada, bob, eve, zoe = users
    assert await core.members.standings(tenant, group.number, [zoe, ada]) == [
        Standing(None),
        Standing(Member("ada", ada.number, "owner", START)),
    ]
    await core.members.mute(tenant, group.number, [bob, eve], START + 1_000)
    await core.members.block(tenant, group.number, [eve])
    await core.members.allow(tenant, group.number, [bob])
    await core.attributes.set_own(tenant, group.number, bob, {"nick": "Bobby"})
    assert await core.members.standings(tenant, group.number, [bob, eve]) == [
        Standing(Member("bob", bob.number, "member", START), START + 1_000, False, True, {"nick": "Bobby"}),
        Standing(None, START + 1_000, True),
    ]
    await refused(core.members.standing(tenant, 4711, bob), Kind.NOT_FOUND, "group")
