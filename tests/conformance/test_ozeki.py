"""The vendor's Python client against a served gateway."""

from collections.abc import Iterator

import pytest

from tests.conformance.ozeki import CHECKS, Check, Gateway
from tests.gateway.program import running


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with running(tmp_path_factory.mktemp("gateway"), "--dev") as program:
        yield Gateway(program.url)


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
def test_ozekilibsrest(gateway: Gateway, check: Check) -> None:
    check(gateway)
