"""Engines for everybody: started when the first test asks, ended with the session."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests import servers
from tests.servers import Engine

# Set where every engine has to be there, as in CI: then a missing one is a failure, not a skip.
REQUIRE_ALL = "REQUIRE_ALL_SERVERS"
ENGINES = ("embedded", "cluster", "redis")

# The same examples in each run, however slow the machine is; tests/fuzz looks for others.
settings.register_profile("repeatable", derandomize=True, database=None, deadline=None)
settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def embedded_engine() -> Iterator[Engine]:
    with servers.embedded_engine() as engine:
        yield engine


@pytest.fixture(scope="session")
def cluster_engine() -> Iterator[Engine]:
    with servers.cluster_engine() as engine:
        yield engine


@pytest.fixture(scope="session")
def redis_engine() -> Iterator[Engine]:
    binary = servers.redis_binary()
    if binary is None:
        if os.environ.get(REQUIRE_ALL):
            pytest.fail(servers.HOW_TO_GET_REDIS)
        pytest.skip(servers.HOW_TO_GET_REDIS)
    with servers.redis_engine(binary) as engine:
        yield engine


@pytest.fixture(scope="session", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each engine in turn."""
    found = request.getfixturevalue(f"{request.param}_engine")
    assert isinstance(found, Engine)
    return found
