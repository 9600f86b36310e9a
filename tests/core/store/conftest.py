"""Servers of a test's own, for what would disturb others."""

from collections.abc import Iterator

import pytest

from core.store.embedded import server_binary
from tests.servers import ServerProcess


@pytest.fixture
def server() -> Iterator[ServerProcess]:
    with ServerProcess(server_binary()) as running:
        yield running
