"""A core on each engine, and a tenant of the test's own."""

from collections.abc import AsyncIterator

import pytest

from core.clock import ManualClock
from core.core import Core
from core.model import Tenant
from tests.core.support import START, new_name, opened
from tests.servers import Engine


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
async def core(engine: Engine, clock: ManualClock) -> AsyncIterator[Core]:
    async with opened(engine.url, clock) as found:
        yield found


@pytest.fixture
async def tenant(core: Core) -> Tenant:
    return await core.tenants.add(new_name())
