"""An erased user stands in no list of a group, present or former member, or none."""

import pytest

from core.core import Core
from core.errors import Kind
from core.groups import Check
from core.model import Tenant
from tests.core.filled import fill_group
from tests.core.groups.support import refused, send
from tests.core.store.rows import stands_in, values_of_tenant
from tests.servers import Engine

ROUNDS = 20_000


@pytest.mark.parametrize("room", [False, True])
async def test_nothing_of_an_erased_user_is_left_in_a_group(
    engine: Engine, core: Core, tenant: Tenant, room: bool
) -> None:
    names = [f"user {number}" for number in range(45)]
    keys = await core.users.keys(tenant, names)
    dan = await core.users.key(tenant, "dan")
    group = await core.groups.create(
        tenant, name="", owner=keys[1], members=[*keys[:4], dan], dialect="plain", room=room
    )
    await core.groups.transfer(tenant, group.number, dan)
    await fill_group(core, tenant, group.number, keys)
    gone = [keys[1], *keys[-2:], *await core.users.keys(tenant, ["late", "blocked", "muted", "dan"])]
    for user in gone:
        assert await core.erase.user(tenant, user.id)
        found = await core.tenants.find(tenant.name)
        assert found is not None
        tenant = found
    for _ in range(ROUNDS):
        if not await core.erase.round():
            break
    left = await core.groups.find(tenant, group.number)
    assert left is not None
    assert left.owner == ""
    for rows in (core.members.blocked, core.members.muted, core.members.admins, core.members.waiting):
        assert await rows(tenant, group.number) == []
    assert await core.attributes.find(tenant, group.number) == {}
    # The bits that say what limits sends are gone with what they were for.
    await core.groups.update(tenant, group.number, muted=False)
    for value in (value for key, value in values_of_tenant(engine, tenant.number).items() if b":c:" in key):
        assert "b'q'" not in value
    await send(core, tenant, keys[0], group.number, Check.MEMBER)
    await refused(send(core, tenant, keys[9], group.number, Check.MEMBER), Kind.FORBIDDEN, "member")
    for key, value in values_of_tenant(engine, tenant.number).items():
        kind = key.split(b":")[2]
        for user in gone:
            assert not key.endswith(b":%d" % user.number), key
            if kind not in (b"j", b"l", b"b") and kind[:2] not in (b"rc", b"ro"):  # as after any erasure
                assert not stands_in(user.number, value), key
