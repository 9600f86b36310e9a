import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from core.core import Core
from core.store.store import Store
from gateway.app import create_app
from gateway.asgi import AsgiApplication
from gateway.dispatch import AmbiguousRoutes
from gateway.limits import Limits
from tests.gateway.vendor import Vendor
from tests.harness import WAIT_SECONDS, open_house, serve
from tests.refusals import LIMITS
from tests.servers import Engine

NOWHERE = "redis://127.0.0.1:1"


@pytest.fixture
async def app() -> AsyncIterator[AsgiApplication]:
    store = await Store.open(NOWHERE, wait=False)
    yield create_app(Core(store), [Vendor()], Limits())
    await store.close()


async def test_dialects_that_cannot_be_told_apart_are_refused_at_start() -> None:
    store = await Store.open(NOWHERE, wait=False)
    with pytest.raises(AmbiguousRoutes):
        create_app(Core(store), [Vendor("one"), Vendor("one")], Limits())
    await store.close()


async def test_an_offer_of_websockets_is_answered_as_the_request_that_it_is(app: AsgiApplication) -> None:
    async with serve(app) as url:
        with pytest.raises(InvalidStatus) as caught:
            async with connect(url.replace("http", "ws") + "/ws", proxy=None):
                pass
        assert caught.value.response.status_code == 404


async def test_a_store_that_is_away_is_the_vendors_own_failure_within_a_second(app: AsgiApplication) -> None:
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


async def read_reply(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), WAIT_SECONDS)
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return head, await asyncio.wait_for(reader.readexactly(length), WAIT_SECONDS)


@pytest.mark.parametrize("framing", [b"content-length: 4000000\r\n", b"transfer-encoding: chunked\r\n"])
async def test_a_client_that_sends_all_before_it_reads_still_learns_why(
    embedded_engine: Engine, framing: bytes
) -> None:
    """Closing at once would reset the connection, and the reply would be lost with it."""
    async with open_house(embedded_engine.url, [Vendor()], limits=LIMITS) as house, serve(house.app, LIMITS) as url:
        application = house.application("acme")
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        key = application.credentials[0].secret
        writer.write(f"POST /acme/{application.name}/echo HTTP/1.1\r\nhost: h\r\nauthorization: Key {key}\r\n".encode())
        writer.write(framing + b"\r\n")
        piece = b"x" * 100_000
        for _ in range(40):
            writer.write(piece if framing.startswith(b"content") else b"%x\r\n%s\r\n" % (len(piece), piece))
            await asyncio.wait_for(writer.drain(), WAIT_SECONDS)
        if framing.startswith(b"transfer"):
            writer.write(b"0\r\n\r\n")
        head, body = await read_reply(reader)
        assert head.startswith(b"HTTP/1.1 413 ")
        assert b"connection: close\r\n" in head
        assert b"too_large" in body
        assert await asyncio.wait_for(reader.read(), WAIT_SECONDS) == b""
        writer.close()
        await writer.wait_closed()
        assert [line["status"] for line in house.log.lines] == [413]


async def test_a_connection_goes_on_after_failures_and_heads(embedded_engine: Engine) -> None:
    async with open_house(embedded_engine.url, [Vendor()]) as house, serve(house.app) as url:
        application = house.application("acme")
        key = application.credentials[0].secret
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        target = f"/acme/{application.name}/whoami HTTP/1.1\r\nhost: h\r\nauthorization: Key "
        for ask, status in ((f"GET {target}x", 401), (f"HEAD {target}{key}", 200), (f"OPTIONS {target}x", 204)):
            writer.write(f"{ask}\r\n\r\n".encode())
            if status == 401:
                head, _ = await read_reply(reader)
            else:
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), WAIT_SECONDS)
            assert head.startswith(f"HTTP/1.1 {status} ".encode())
        writer.write(f"GET {target}{key}\r\n\r\n".encode())
        head, body = await read_reply(reader)
        assert head.startswith(b"HTTP/1.1 200 ")
        assert house.tenant.name.encode() in body
        writer.close()
        await writer.wait_closed()


async def test_a_client_that_goes_in_mid_body_is_no_error(embedded_engine: Engine) -> None:
    async with open_house(embedded_engine.url, [Vendor()]) as house:
        application = house.application("acme")
        async with serve(house.app) as url:
            reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
            key = application.credentials[0].secret
            writer.write(f"POST /acme/{application.name}/echo HTTP/1.1\r\nauthorization: Key {key}\r\n".encode())
            writer.write(b"content-length: 100\r\nexpect: 100-continue\r\n\r\n")
            # Now the handler waits for the body.
            await asyncio.wait_for(reader.readuntil(b"100 Continue\r\n\r\n"), WAIT_SECONDS)
            writer.write(b"{")
            await writer.drain()
            writer.close()
            await writer.wait_closed()
        # The server has ended: everything that was begun is over.
        assert [(line["event"], line["level"], line["status"]) for line in house.log.lines] == [("request", "info", 0)]
