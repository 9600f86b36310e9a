"""Attributes of groups, and of members in groups."""

import pytest

from core import attributes
from core.core import Core
from core.errors import Kind
from core.membership import Attribute
from core.model import Group, Tenant, UserKey
from tests.core.groups.support import refused
from tests.core.support import START

Users = list[UserKey]


@pytest.fixture
async def room(core: Core, tenant: Tenant, users: Users) -> int:
    made = await core.groups.create(tenant, name="", owner=users[0], members=users[:3], dialect="plain", room=True)
    return made.number


async def test_an_attribute_belongs_to_who_set_it(core: Core, tenant: Tenant, users: Users, room: int) -> None:
    ada, bob, _, zoe = users
    assert await core.attributes.set(tenant, room, ada, {"a": "1", "b": "ü"}) == {}
    assert await core.attributes.set(tenant, room, bob, {"b": "2", "c": "3"}) == {"b": "owner"}
    expected = {
        "a": Attribute("1", ada, False, START),
        "b": Attribute("ü", ada, False, START),
        "c": Attribute("3", bob, False, START),
    }
    assert await core.attributes.find(tenant, room) == expected
    assert await core.attributes.find(tenant, room, ["c", "d"]) == {"c": expected["c"]}
    assert await core.attributes.find(tenant, room, []) == {}
    failure = await refused(core.attributes.set(tenant, room, zoe, {"d": "4"}), Kind.NOT_FOUND, "member")
    assert failure.subject == "zoë"
    assert await core.attributes.set(tenant, room, zoe, {"b": "5", "d": "6"}, forced=True) == {}
    assert (await core.attributes.find(tenant, room))["b"] == Attribute("5", zoe, False, START)
    # Taking away follows the same rules.
    assert await core.attributes.set(tenant, room, ada, {"a": None, "b": None, "none": None}) == {"b": "owner"}
    assert set(await core.attributes.find(tenant, room)) == {"b", "c", "d"}
    assert await core.attributes.set(tenant, room, ada, {"b": None, "c": None, "d": None}, forced=True) == {}
    assert await core.attributes.find(tenant, room) == {}


async def test_some_attributes_go_with_who_set_them(core: Core, tenant: Tenant, users: Users, room: int) -> None:
    ada, bob, eve, zoe = users
    for user in (ada, bob, eve):
        await core.attributes.set(tenant, room, user, {f"{user.id} stays": "1"})
        await core.attributes.set(tenant, room, user, {f"{user.id} goes": "1"}, leaves=True)
    await core.groups.remove(tenant, room, [ada, zoe])
    assert set(await core.attributes.find(tenant, room)) == {
        "ada stays", "bob stays", "bob goes", "eve stays", "eve goes"
    }  # fmt: skip
    await core.members.block(tenant, room, [bob, eve])
    assert set(await core.attributes.find(tenant, room)) == {"ada stays", "bob stays", "eve stays"}
    # What another took over is the other's.
    await core.groups.add(tenant, room, [ada, zoe])
    await core.attributes.set(tenant, room, ada, {"shared": "1"}, leaves=True)
    await core.attributes.set(tenant, room, zoe, {"shared": "2"}, leaves=True, forced=True)
    await core.groups.remove(tenant, room, [ada])
    assert "shared" in await core.attributes.find(tenant, room)
    await core.groups.remove(tenant, room, [zoe])
    assert "shared" not in await core.attributes.find(tenant, room)


async def test_a_group_has_so_many_attributes(
    core: Core, tenant: Tenant, users: Users, room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attributes, "MAXIMUM_ATTRIBUTES", 2)
    ada, *_ = users
    assert await core.attributes.set(tenant, room, ada, {"a": "", "b": "", "c": ""}) == {"c": "limit"}
    assert await core.attributes.set(tenant, room, ada, {"a": "new", "b": None, "c": "now"}) == {}


async def test_a_member_s_own_attributes(core: Core, tenant: Tenant, users: Users, group: Group) -> None:
    ada, bob, _, zoe = users
    own = core.attributes.set_own
    assert await own(tenant, group.number, ada, {"nick": "A", "1": "2"}) == {"nick": "A", "1": "2"}
    assert await own(tenant, group.number, ada, {"nick": None, "age": "ü"}) == {"1": "2", "age": "ü"}
    assert await core.attributes.own(tenant, group.number, [bob, ada]) == [{}, {"1": "2", "age": "ü"}]
    assert await own(tenant, group.number, ada, {"1": None, "age": None, "none": None}) == {}
    assert await core.attributes.own(tenant, group.number, [ada]) == [{}]
    await refused(own(tenant, group.number, zoe, {"a": "b"}), Kind.NOT_FOUND, "member")
    await refused(own(tenant, 4711, ada, {"a": "b"}), Kind.NOT_FOUND, "group")
    await refused(core.attributes.own(tenant, 4711, [ada]), Kind.NOT_FOUND, "group")
    # They end with the membership.
    await own(tenant, group.number, bob, {"nick": "B"})
    await core.groups.remove(tenant, group.number, [bob])
    await core.groups.add(tenant, group.number, [bob])
    assert await core.attributes.own(tenant, group.number, [bob]) == [{}]


async def test_what_is_too_large_changes_nothing(core: Core, tenant: Tenant, users: Users, group: Group) -> None:
    ada, *_ = users
    for act in (core.attributes.set_own, core.attributes.set):
        for name in ("", "x" * 256, "\ud800"):
            await refused(act(tenant, group.number, ada, {"a": "1", name: "b"}), Kind.BAD_REQUEST, "attributes")
        for value in ("x" * 4_097, "\ud800"):
            failure = await refused(
                act(tenant, group.number, ada, {"a": "1", "b": value}), Kind.TOO_LARGE, "attributes"
            )
            assert failure.subject == "b"
    many = {str(number): "x" * 4_096 for number in range(4)}
    await refused(core.attributes.set_own(tenant, group.number, ada, many), Kind.TOO_LARGE, "attributes")
    assert await core.attributes.own(tenant, group.number, [ada]) == [{}]
    assert await core.attributes.find(tenant, group.number) == {}
