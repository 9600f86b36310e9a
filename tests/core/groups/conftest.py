"""Four users, of whom ada owns a group, bob and eve are members, and zoë is a stranger."""

import pytest

from core.core import Core
from core.model import Group, Tenant, UserKey


@pytest.fixture
async def users(core: Core, tenant: Tenant) -> list[UserKey]:
    return await core.users.keys(tenant, ["ada", "bob", "eve", "zoë"])


@pytest.fixture
async def group(core: Core, tenant: Tenant, users: list[UserKey]) -> Group:
    return await core.groups.create(tenant, name="Friends", owner=users[0], members=users[:3], dialect="plain")
