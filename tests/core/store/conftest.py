"""A server of a module's own, and a way to it that can be slowed down, cut and held up."""

from collections.abc import AsyncIterator, Iterator

import pytest

from core.core import Core
from core.store.embedded import server_binary
from tests.core.proxy import Proxy, proxied
from tests.core.support import opened
from tests.servers import ServerProcess


@pytest.fixture(scope="module")
def module_server() -> Iterator[ServerProcess]:
    with ServerProcess(server_binary()) as running:
        yield running


@pytest.fixture
async def proxy(module_server: ServerProcess) -> AsyncIterator[Proxy]:
    async with proxied(module_server.socket) as found:
        yield found


@pytest.fixture
async def through(proxy: Proxy) -> AsyncIterator[Core]:
    """A core whose only way to the server is the proxy."""
    async with opened(proxy.url) as core:
        yield core
        proxy.release()
