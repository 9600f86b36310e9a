import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from core.core import Core
from core.store.store import Store
from gateway.app import Application, create_app
from gateway.dispatch import AmbiguousRoutes
from gateway.limits import Limits
from tests.gateway.vendor import Vendor
from tests.harness import serve

NOWHERE = "redis://127.0.0.1:1"


@pytest.fixture
async def app() -> AsyncIterator[Application]:
    store = await Store.open(NOWHERE, wait=False)
    yield create_app(Core(store), [Vendor()], Limits())
    await store.close()


async def test_dialects_that_cannot_be_told_apart_are_refused_at_start() -> None:
    store = await Store.open(NOWHERE, wait=False)
    with pytest.raises(AmbiguousRoutes):
        create_app(Core(store), [Vendor("one"), Vendor("one")], Limits())
    await store.close()


async def test_lifespan_is_served(app: Application) -> None:
    asked = iter(["lifespan.startup", "lifespan.shutdown"])
    said: list[str] = []

    async def receive() -> dict[str, Any]:
        return {"type": next(asked)}

    async def send(message: Any) -> None:
        said.append(message["type"])

    await app({"type": "lifespan"}, receive, send)
    assert said == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


async def test_websockets_are_turned_away(app: Application) -> None:
    async with serve(app) as url:
        with pytest.raises(InvalidStatus) as caught:
            async with connect(url.replace("http", "ws") + "/ws", proxy=None):
                pass
        assert caught.value.response.status_code == 403


async def test_a_store_that_is_away_is_the_vendors_own_failure_within_a_second(app: Application) -> None:
    sent: list[Any] = []
    scope: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "raw_path": b"/acme/x/whoami",
        "path": "/acme/x/whoami",
        "query_string": b"",
        "client": None,
        "server": None,
        "headers": [],
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        sent.append(message)

    await asyncio.wait_for(app(scope, receive, send), 1.5)
    assert sent[0]["status"] == 503
    assert b'"acme":"store_unavailable"' in sent[1]["body"]
