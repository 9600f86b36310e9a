"""A core on each engine, and a tenant of the test's own."""

from collections.abc import AsyncIterator, Iterator

import pytest

from core.clock import ManualClock
from core.core import Core
from core.model import Tenant
from core.store.embedded import server_binary
from tests.core.support import START, new_name, opened
from tests.servers import Engine, ServerProcess

pytest.register_assert_rewrite("tests.core.model")


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


@pytest.fixture
def server() -> Iterator[ServerProcess]:
    """A server of a test's own, for what would disturb others."""
    with ServerProcess(server_binary()) as running:
        yield running
