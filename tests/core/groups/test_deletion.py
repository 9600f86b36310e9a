"""A deleted group is gone for everybody, and its id begins anew."""

import pytest

from core.clock import ManualClock
from core.core import Core
from core.errors import Kind
from core.groups import Check
from core.imports import Import
from core.membership import Counted
from core.messages import Query
from core.model import Box, Group, Tenant, UserKey
from core.store.groups import GroupStore
from tests.core.filled import fill_group
from tests.core.groups.support import refused, seen, send
from tests.core.store.rows import values_of_tenant
from tests.core.support import START, text
from tests.servers import Engine

Users = list[UserKey]


async def make(core: Core, tenant: Tenant, users: Users, *, room: bool = False) -> Group:
    return await core.groups.create(
        tenant, name="Old", owner=users[0], members=users, dialect="plain", alias="lobby", room=room
    )


@pytest.mark.parametrize("room", [False, True])
@pytest.mark.parametrize("size", [3, 40])
async def test_nothing_is_left_of_a_deleted_group(
    engine: Engine, core: Core, clock: ManualClock, tenant: Tenant, room: bool, size: int
) -> None:
    keys = await core.users.keys(tenant, [f"user {number}" for number in range(45)])
    other = await core.groups.create(tenant, name="other", owner=keys[0], members=keys[:4], dialect="plain")
    await send(core, tenant, keys[0], other.number)
    group = await make(core, tenant, keys[:size], room=room)
    await fill_group(core, tenant, group.number, keys)
    clock.move(86_400_000 * 3)  # references end by themselves
    filled = await core.groups.find(tenant, group.number)
    assert await core.groups.delete(tenant, group.number) == filled

    assert await core.groups.find(tenant, group.number) is None
    assert await core.groups.detail(tenant, group.number) is None
    assert await core.groups.alias(tenant, "plain", "lobby") is None
    assert (await core.groups.page(tenant, rooms=room)).groups == ([] if room else [Counted(other, 4)])
    for key in keys:
        rows = [row for box in Box for row in await core.conversations.list(tenant, key, 100, box=box)]
        assert {row.group_number for row in rows} <= {other.number}
        assert (await core.groups.joined(tenant, key, rooms=True)).total == 0
        assert {row.group.number for row in (await core.groups.joined(tenant, key)).groups} <= {other.number}
        assert await seen(core, tenant, key, group.number) == []
    assert await seen(core, tenant, None, group.number) == []
    # All that is left is that there was one.
    found = values_of_tenant(engine, tenant.number)
    (conversation,) = (
        key.rsplit(b":", 1)[1] for key, value in found.items() if b":c:" in key and f"g{group.number}'" in value
    )
    kept = {key for key in found if conversation in key.split(b":")}
    assert {key.split(b":")[2] for key in kept} == {b"c"}
    assert not [
        key
        for key, value in found.items()
        if key.split(b":")[2] in (b"x", b"xa", b"xh", b"y") and f"b'{conversation.decode()}'" in value
    ]


async def test_nobody_does_anything_with_a_deleted_group(core: Core, tenant: Tenant, users: Users) -> None:
    ada, bob, *_ = users
    group = (await make(core, tenant, users)).number
    receipt = await send(core, tenant, ada, group)
    await core.groups.delete(tenant, group)
    for check in Check:
        assert (await refused(send(core, tenant, ada, group, check), Kind.NOT_FOUND, "group")).subject == str(group)
    for act in (
        core.groups.delete(tenant, group),
        core.groups.update(tenant, group, name="x"),
        core.groups.transfer(tenant, group, bob),
        core.groups.add(tenant, group, users),
        core.groups.remove(tenant, group, users),
        core.members.page(tenant, group),
        core.members.standing(tenant, group, ada),
        core.members.make_admin(tenant, group, bob),
        core.members.admins(tenant, group),
        core.members.mute(tenant, group, [bob], -1),
        core.members.unmute(tenant, group, [bob]),
        core.members.block(tenant, group, [bob]),
        core.members.waiting(tenant, group),
        core.attributes.set(tenant, group, ada, {"a": "b"}),
        core.attributes.find(tenant, group),
        core.imports.group(tenant, group, [Import("1", START, ada, text("ada"))]),
    ):
        await refused(act, Kind.NOT_FOUND, "group")
    assert await core.messages.get(tenant, receipt.id) is None
    assert await core.conversations.group(tenant, ada, group) is None


async def test_a_new_group_of_the_id_inherits_nothing(core: Core, tenant: Tenant, users: Users) -> None:
    ada, bob, eve, _ = users
    old = await make(core, tenant, users)
    await send(core, tenant, ada, old.number, reference="client:1")
    await core.members.block(tenant, old.number, [bob])
    await core.groups.delete(tenant, old.number)
    # What is sent to the id waits for the new one.
    place = await core.groups.place(tenant, "plain", "lobby")
    await send(core, tenant, eve, place, reference="client:1")
    new = await core.groups.create(tenant, name="New", owner=eve, members=[bob, eve], dialect="plain", alias="lobby")
    assert new.number == place != old.number
    assert [await seen(core, tenant, user, place) for user in (ada, bob, eve)] == [[], [1], [1]]
    assert await core.members.blocked(tenant, place) == []


async def test_a_deletion_that_was_broken_off_goes_on(
    core: Core, tenant: Tenant, users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = await make(core, tenant, users)
    await send(core, tenant, users[0], group.number)

    async def ends_here(*_: object) -> None:
        raise RuntimeError("killed")

    for name in ("release", "end"):
        with monkeypatch.context() as patch:
            patch.setattr(GroupStore, name, ends_here)
            with pytest.raises(RuntimeError):
                await core.groups.delete(tenant, group.number)
        assert await core.groups.find(tenant, group.number) is None
        await refused(send(core, tenant, users[0], group.number), Kind.NOT_FOUND, "group")
    assert await core.groups.delete(tenant, group.number) == group
    await refused(core.groups.delete(tenant, group.number), Kind.NOT_FOUND, "group")
    assert (await core.groups.joined(tenant, users[1])).total == 0


async def test_an_id_that_nobody_came_to_free_is_free(
    core: Core, tenant: Tenant, users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = await make(core, tenant, users)

    async def ends_here(*_: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(GroupStore, "release", ends_here)
        with pytest.raises(RuntimeError):
            await core.groups.delete(tenant, old.number)
    new = await make(core, tenant, users[:2])
    assert new.number != old.number
    assert await core.groups.alias(tenant, "plain", "lobby") == new.number
    # Whoever goes on with the old one leaves the new one's id alone.
    await core.groups.delete(tenant, old.number)
    assert await core.groups.alias(tenant, "plain", "lobby") == new.number
    await refused(make(core, tenant, users), Kind.CONFLICT, "group")


async def test_a_group_of_many_goes_in_pieces(
    core: Core, tenant: Tenant, users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.store.groups._USERS_AT_ONCE", 1)
    many = await core.users.keys(tenant, [f"user {number}" for number in range(250)])
    group = await core.groups.create(tenant, name="", owner=users[0], members=many, dialect="plain")
    await core.groups.delete(tenant, group.number)
    for user in (many[0], many[-1]):
        assert (await core.groups.joined(tenant, user)).total == 0
    page = await core.messages.group_page(tenant, many[0], group.number, Query(10))
    assert (page.messages, page.member) == ([], False)
