"""A tenant whose events are queued, in outboxes that hold nothing else."""

from collections.abc import AsyncIterator

import pytest

from core.clock import ManualClock
from core.core import Core
from core.model import Tenant, UserKey
from tests.core.support import new_name, opened
from tests.servers import Engine


@pytest.fixture(autouse=True)
def _empty(engine: Engine) -> None:
    """Outboxes are of all tenants, other tests' too."""
    engine.flush()


@pytest.fixture
async def tenant(core: Core) -> Tenant:
    name = new_name()
    await core.tenants.add(name)
    return await core.tenants.set_outbox(name, True)


@pytest.fixture
async def users(core: Core, tenant: Tenant) -> list[UserKey]:
    return await core.users.keys(tenant, ["ada", "bob", "eve", "zoë"])


@pytest.fixture
async def other(engine: Engine, clock: ManualClock, core: Core) -> AsyncIterator[Core]:
    """Another worker."""
    async with opened(engine.url, clock) as found:
        yield found
