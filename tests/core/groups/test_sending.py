"""Who may send to a group: mutes, lists of those who are allowed, blocks, groups that are disabled."""

import pytest

from core.clock import ManualClock
from core.core import Core
from core.errors import Kind
from core.groups import Check
from core.membership import Listed
from core.model import Group, Tenant, UserKey
from core.store import group_people
from tests.core.groups.support import refused, seen, send
from tests.core.support import START, text

Users = list[UserKey]
MINUTE = 60_000


async def test_who_is_no_member_sends_where_that_is_not_asked(
    core: Core, tenant: Tenant, users: Users, group: Group
) -> None:
    *_, zoe = users
    failure = await refused(send(core, tenant, zoe, group.number, Check.MEMBER), Kind.FORBIDDEN, "member")
    assert failure.subject == str(group.number)
    place = await core.groups.place(tenant, "plain", "nobody's")
    await refused(send(core, tenant, zoe, place, Check.MEMBER), Kind.FORBIDDEN, "member")
    for check in (Check.NONE, Check.USER):
        await send(core, tenant, zoe, group.number, check)
        await send(core, tenant, zoe, place, check)
    assert await seen(core, tenant, None, group.number) == [1, 2]
    assert (await send(core, tenant, users[1], group.number, Check.MEMBER)).sequence == 3


@pytest.mark.parametrize("check", [Check.USER, Check.MEMBER])
async def test_a_muted_member_sends_nothing_until_then(
    core: Core, clock: ManualClock, tenant: Tenant, users: Users, group: Group, check: Check
) -> None:
    ada, bob, eve, zoe = users
    await core.members.mute(tenant, group.number, [bob], START + MINUTE)
    await core.members.mute(tenant, group.number, [eve], -1)
    for user in (bob, eve):
        await refused(send(core, tenant, user, group.number, check), Kind.FORBIDDEN, "muted")
        assert (await send(core, tenant, user, group.number)).sequence
    await send(core, tenant, ada, group.number, check)
    assert await core.members.muted(tenant, group.number) == [Listed(eve, -1), Listed(bob, START + MINUTE)]
    clock.move(MINUTE)
    await send(core, tenant, bob, group.number, check)
    assert await core.members.muted(tenant, group.number) == [Listed(eve, -1)]
    # It outlives the membership.
    await core.groups.remove(tenant, group.number, [eve])
    await core.groups.add(tenant, group.number, [eve])
    await refused(send(core, tenant, eve, group.number, check), Kind.FORBIDDEN, "muted")
    assert await core.members.unmute(tenant, group.number, [eve, zoe]) == [True, False]
    await send(core, tenant, eve, group.number, check)
    assert await core.members.muted(tenant, group.number) == []


async def test_only_members_are_muted_all_or_none(core: Core, tenant: Tenant, users: Users, group: Group) -> None:
    _, bob, _, zoe = users
    other = await core.users.key(tenant, "other")
    act = core.members.mute(tenant, group.number, [bob, zoe, other], -1)
    assert (await refused(act, Kind.NOT_FOUND, "member")).subject == "zoë, other"
    assert await core.members.muted(tenant, group.number) == []
    await send(core, tenant, bob, group.number, Check.USER)
    await refused(core.members.mute(tenant, 4711, [bob], -1), Kind.NOT_FOUND, "group")


async def test_while_a_group_is_muted_some_send(core: Core, tenant: Tenant, users: Users, group: Group) -> None:
    ada, bob, eve, zoe = users
    dan = await core.users.key(tenant, "dan")
    await core.groups.add(tenant, group.number, [dan])
    await core.members.make_admin(tenant, group.number, bob)
    assert await core.members.allow(tenant, group.number, [eve, zoe]) == [True, False]
    assert (await core.groups.update(tenant, group.number, muted=True)).muted
    for user in (ada, bob, eve):
        await send(core, tenant, user, group.number, Check.MEMBER)
    for user in (dan, zoe):
        await refused(send(core, tenant, user, group.number, Check.USER), Kind.FORBIDDEN, "all_muted")
        await send(core, tenant, user, group.number)
    assert await core.members.allowed(tenant, group.number) == [Listed(eve, START)]
    assert await core.members.disallow(tenant, group.number, [eve, dan]) == [True, False]
    await refused(send(core, tenant, eve, group.number, Check.USER), Kind.FORBIDDEN, "all_muted")
    # Being allowed does not outlive the membership.
    await core.members.allow(tenant, group.number, [dan])
    await core.groups.remove(tenant, group.number, [dan])
    await core.groups.add(tenant, group.number, [dan])
    await refused(send(core, tenant, dan, group.number, Check.USER), Kind.FORBIDDEN, "all_muted")
    await core.groups.update(tenant, group.number, muted=False)
    await send(core, tenant, dan, group.number, Check.USER)


async def test_nobody_sends_to_a_disabled_group(core: Core, tenant: Tenant, users: Users, group: Group) -> None:
    ada, *_ = users
    await core.members.mute(tenant, group.number, [users[1]], -1)
    await send(core, tenant, ada, group.number)
    assert (await core.groups.update(tenant, group.number, disabled=True)).disabled
    for check in Check:
        await refused(send(core, tenant, ada, group.number, check), Kind.FORBIDDEN, "disabled")
    assert await seen(core, tenant, ada, group.number) == [1]
    await core.groups.update(tenant, group.number, disabled=False, muted=True)
    await send(core, tenant, ada, group.number)
    await core.groups.update(tenant, group.number, muted=False)
    await refused(send(core, tenant, users[1], group.number, Check.USER), Kind.FORBIDDEN, "muted")


async def test_the_others_of_several_groups_get_the_message(
    core: Core, tenant: Tenant, users: Users, group: Group
) -> None:
    ada, *_ = users
    other = await core.groups.create(tenant, name="", owner=ada, members=[ada], dialect="plain")
    await core.groups.update(tenant, group.number, disabled=True)
    groups = [group.number, other.number]
    act = core.messages.send_group(tenant, ada, groups, text("ada"), "client:1")
    assert (await refused(act, Kind.FORBIDDEN, "disabled")).subject == str(group.number)
    assert [await seen(core, tenant, ada, number) for number in groups] == [[], [1]]


async def test_what_was_sent_before_is_answered_as_at_first(
    core: Core, tenant: Tenant, users: Users, group: Group
) -> None:
    _, bob, *_ = users
    receipt = await send(core, tenant, bob, group.number, Check.MEMBER, "client:1")
    await core.members.block(tenant, group.number, [bob])
    again = await send(core, tenant, bob, group.number, Check.MEMBER, "client:1")
    assert (again.id, again.repeated) == (receipt.id, True)


async def test_a_blocked_user_is_out_and_stays_out(core: Core, tenant: Tenant, users: Users, group: Group) -> None:
    ada, bob, eve, zoe = users
    await send(core, tenant, ada, group.number)
    assert await core.members.block(tenant, group.number, [bob, zoe]) == [True, False]
    assert await core.members.blocked(tenant, group.number) == [Listed(bob, START)]
    await send(core, tenant, ada, group.number)
    assert await seen(core, tenant, bob, group.number) == [1]
    await refused(send(core, tenant, bob, group.number, Check.USER), Kind.FORBIDDEN, "blocked")
    failure = await refused(core.groups.add(tenant, group.number, [zoe, bob]), Kind.FORBIDDEN, "blocked")
    assert failure.subject == "bob"
    assert (await core.members.standing(tenant, group.number, zoe)).member is None
    assert await core.members.block(tenant, group.number, [bob]) == [False]
    for _ in range(2):
        done = await core.members.unblock(tenant, group.number, [bob, eve], reference="client:1")
        assert done == [True, False]
    assert (await core.members.standing(tenant, group.number, bob)).member is None
    assert await core.groups.add(tenant, group.number, [bob]) == [True]
    await send(core, tenant, bob, group.number, Check.MEMBER)


async def test_a_blocked_user_of_a_room_is_found_again(core: Core, tenant: Tenant, users: Users) -> None:
    ada, bob, *_ = users
    room = await core.groups.create(tenant, name="", owner=ada, members=users, dialect="plain", room=True)
    assert await core.members.block(tenant, room.number, [bob]) == [True]
    assert await core.members.blocked(tenant, room.number) == [Listed(bob, START)]
    await refused(core.groups.add(tenant, room.number, [bob]), Kind.FORBIDDEN, "blocked")


async def test_a_group_takes_no_more_members_than_it_says(core: Core, tenant: Tenant, users: Users) -> None:
    ada, bob, eve, zoe = users

    await refused(
        core.groups.create(tenant, name="", owner=ada, members=users, dialect="plain", maximum_members=3),
        Kind.CONFLICT,
        "members",
    )
    group = await core.groups.create(
        tenant, name="", owner=ada, members=[ada, bob, ada], dialect="plain", maximum_members=3
    )
    await refused(core.groups.add(tenant, group.number, [eve, zoe]), Kind.CONFLICT, "members")
    assert await core.groups.add(tenant, group.number, [eve, eve, bob]) == [True, False, False]
    await refused(core.groups.add(tenant, group.number, [zoe]), Kind.CONFLICT, "members")
    assert await core.groups.add(tenant, group.number, [bob]) == [False]
    await refused(core.groups.update(tenant, group.number, maximum_members=2), Kind.CONFLICT, "members")
    assert (await core.groups.update(tenant, group.number, maximum_members=4)).maximum_members == 4
    await core.groups.add(tenant, group.number, [zoe])
    await core.groups.update(tenant, group.number, maximum_members=None)
    assert await core.groups.add(tenant, group.number, [await core.users.key(tenant, "dan")]) == [True]


async def test_a_list_has_an_end_and_forgets_mutes_that_are_over(
    core: Core, clock: ManualClock, tenant: Tenant, users: Users, group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, bob, eve, zoe = users
    await core.groups.add(tenant, group.number, [zoe])
    monkeypatch.setattr(group_people, "LONGEST_LIST", 2)
    await core.members.mute(tenant, group.number, [bob, eve], START + MINUTE)
    await refused(core.members.mute(tenant, group.number, [zoe], -1), Kind.CONFLICT, "limit")
    clock.move(MINUTE)
    await core.members.mute(tenant, group.number, [zoe], -1)
    assert await core.members.muted(tenant, group.number) == [Listed(zoe, -1)]
    for user in (bob, eve):
        assert await core.members.make_admin(tenant, group.number, user)
    await refused(core.members.make_admin(tenant, group.number, zoe), Kind.CONFLICT, "limit")
