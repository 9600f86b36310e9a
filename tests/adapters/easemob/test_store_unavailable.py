"""A store that is gone: every endpoint answers in the vendor's retryable form, and nothing looks like a conflict."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from adapters.easemob import create
from core.store.embedded import server_binary
from tests.adapters.easemob.conftest import settle
from tests.adapters.easemob.shapes import AUTHORIZED, error
from tests.harness import House, Row, open_house
from tests.servers import ServerProcess

GONE = error("service_unavailable", ..., str)
SEND = {"target_type": "users", "target": ["bob", "new"], "msg": {"type": "txt", "msg": "hi"}}


@pytest.fixture
async def house() -> AsyncIterator[House]:
    """A house whose engine has ended after the first requests."""
    with ServerProcess(server_binary()) as server:
        async with open_house(server.url, [create({})]) as house:
            await settle(house)
            await row("POST", "/messages", 200, ..., SEND).check(house)
            server.stop()
            yield house


def row(method: str, path: str, status: int, body: Any, json: Any = None) -> Row:
    return Row(f"{method} {path}", method, "{base}" + path, status, body, json, headers=AUTHORIZED)


async def test_every_endpoint_says_that_the_store_is_gone(house: House) -> None:
    requests = (
        row("POST", "/messages", 503, GONE, SEND),
        row("POST", "/messages", 503, GONE, {**SEND, "target_type": "chatgroups"}),
        row("POST", "/users", 503, GONE, {"username": "dora"}),
        row("POST", "/users", 503, GONE, [{"username": "dora"}, {"username": "emil"}]),
        row("GET", "/users/ann", 503, GONE),
        row("POST", "/chatgroups", 503, GONE, {"public": True, "owner": "ann"}),
    )
    await asyncio.gather(*(request.check(house) for request in requests))
