"""The store slow, and the store gone: a real gateway answers everybody in time, heals, and loses and doubles nothing.

`make outage SECONDS=60` lets the store be gone for longer than the suite does.
"""

import asyncio
import os
import statistics
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx
import pytest

from core.store.embedded import server_binary
from tests.core.proxy import Proxy, proxied
from tests.gateway.callers import Call, chat21_history, chat21_send, easemob_send, stored
from tests.gateway.program import APPLICATION, WAIT_SECONDS, Program
from tests.servers import ServerProcess

OUTAGE_SECONDS = float(os.environ.get("OUTAGE_SECONDS", "3"))
SLOW_SECONDS = 5.0
WITHIN_A_SECOND = 1.5
"""Seconds: the promise, and what a busy machine adds."""
AT_ONCE = 0.5
HEALED = 10.0
CLIENTS = 4
"""In each dialect."""
PACE_SECONDS = 0.03
"""Between two requests of a client: the load is to be steady, not all that the machine can do."""
DURABLE = {"appendonly": "yes", "appendfsync": "always"}


@dataclass
class Message:
    """One message, sent until it is acknowledged, always with the same key."""

    text: str
    call: Call
    id: str = ""


@dataclass
class Clients:
    """They send in both dialects, each one message after the other, and check every answer."""

    http: httpx.AsyncClient
    token: str
    messages: list[Message] = field(default_factory=list)
    refused: int = 0
    slowest: float = 0.0
    last_acknowledged: float = 0.0
    _over: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        for number in range(CLIENTS):
            for dialect in ("easemob", "chat21"):
                self._tasks.append(asyncio.create_task(self._client(dialect, f"{dialect} {number}")))
        return self

    async def __aexit__(self, *_: object) -> None:
        """Every client finishes what it has begun."""
        self._over.set()
        async with asyncio.timeout(WAIT_SECONDS):
            await asyncio.gather(*self._tasks)

    @property
    def acknowledged(self) -> list[Message]:
        return [message for message in self.messages if message.id]

    async def more(self, count: int = 100) -> None:
        """Wait until so many more messages are acknowledged."""
        wanted = len(self.acknowledged) + count
        await until(lambda: len(self.acknowledged) >= wanted, self._tasks)

    async def send(self, message: Message) -> str:
        """The id that the gateway gave it; empty when it refused, which it must do in time and in the vendor's form."""
        reply, seconds = await ask(self.http, message.call, message.text)
        self.slowest = max(self.slowest, seconds)
        assert seconds < WITHIN_A_SECOND, (seconds, reply.text)
        if reply.status_code == 200:
            self.last_acknowledged = time.monotonic()
            return id_in(reply.json())
        self.refused += 1
        check_refusal(reply)
        return ""

    async def _client(self, dialect: str, name: str) -> None:
        count = 0
        while not self._over.is_set():
            count += 1
            text = f"{name}: {count}"
            message = Message(text, self.call(dialect, text))
            self.messages.append(message)
            while not message.id:
                message.id = await self.send(message)
                await asyncio.sleep(PACE_SECONDS)

    def call(self, dialect: str, text: str) -> Call:
        call = easemob_send(self.token, text) if dialect == "easemob" else chat21_send(text)
        return call._replace(path=f"{call.path}?useMsgId=true")


async def ask(http: httpx.AsyncClient, call: Call, key: str | None = None) -> tuple[httpx.Response, float]:
    """The answer, and the seconds that it took."""
    headers = {"Authorization": call.authorization, "Content-Type": "application/json"}
    if key is not None:
        headers["Idempotency-Key"] = key.replace(" ", "-")
    started = time.monotonic()
    reply = await http.request(call.method, call.path, content=call.body, headers=headers)
    return reply, time.monotonic() - started


def id_in(reply: Any) -> str:
    return str(reply["data"]["user2"] if "data" in reply else reply["message_id"])


def check_refusal(reply: httpx.Response) -> None:
    """Each vendor's retryable error."""
    assert reply.status_code == 503, reply.text
    body = reply.json()
    if "error" in body:
        assert body["error"] == "service_unavailable"
    else:
        assert body["success"] is False
        assert reply.headers["retry-after"] == "1"


async def until(holds: Callable[[], bool], tasks: list[asyncio.Task[None]] | None = None) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while not holds():
            for task in tasks or []:
                if task.done():
                    task.result()
            await asyncio.sleep(0.02)


async def until_ready(program: Program) -> None:
    async with asyncio.timeout(HEALED):
        while (await asyncio.to_thread(program.readiness)) != {"status": "ready"}:
            pass


async def check_once(url: str, clients: Clients) -> None:
    """Every message is there exactly once, under the id that was acknowledged."""
    found = await stored(url)
    texts = [str(one.message.content.text) for one in found]  # type: ignore[union-attr]
    assert len(texts) == len(set(texts))
    assert set(texts) == {message.text for message in clients.messages}
    ids = {text: str(one.id) for text, one in zip(texts, found, strict=True)}
    for message in clients.messages:
        if message.id.isdigit():
            assert ids[message.text] == message.id
    # Those who repeat with the same key are told the same again.
    for message in clients.messages[:: max(1, len(clients.messages) // 100)]:
        assert await clients.send(message) == message.id
    assert len(await stored(url)) == len(found)


@asynccontextmanager
async def gateway(folder: Path, url: str, workers: int) -> AsyncIterator[tuple[Program, httpx.AsyncClient]]:
    """A gateway on this store. Its start does not hold up this loop, in which a proxy may run."""
    program = await asyncio.to_thread(Program, folder, "--dev", "--workers", str(workers), "--redis", url)
    try:
        await asyncio.to_thread(program.wait_ready)
        async with httpx.AsyncClient(base_url=program.url, timeout=WAIT_SECONDS) as http:
            yield program, http
    finally:
        await asyncio.to_thread(program.clean)


async def test_redis_is_gone_for_a_while(tmp_path: Path) -> None:
    with ServerProcess(server_binary(), options=DURABLE) as server:
        async with gateway(tmp_path, server.url, workers=2) as (program, http):
            clients = Clients(http, await asyncio.to_thread(program.token))
            async with clients:
                await clients.more()
                assert clients.refused == 0
                server.kill()
                began = time.monotonic()
                await asyncio.sleep(OUTAGE_SECONDS)
                refused = clients.refused
                assert refused > 0
                assert clients.last_acknowledged - began < WITHIN_A_SECOND
                assert (await asyncio.to_thread(program.readiness))["problems"] == [
                    f"worker {number}: the message store does not answer" for number in (1, 2)
                ]
                restarted = time.monotonic()
                await asyncio.to_thread(server.start)
                await until_ready(program)
                await clients.more(1)
                healed = time.monotonic() - restarted
                assert healed < HEALED
                await clients.more()
            await check_once(server.url, clients)
            assert program.output.count("store_breaker_opened") == program.output.count("store_breaker_closed") >= 2
            print(
                f"gone for {OUTAGE_SECONDS:g} s: {len(clients.messages)} messages acknowledged, none lost, none doubled; "
                f"{refused} requests refused meanwhile, the slowest after {clients.slowest:.2f} s; "
                f"healed {healed:.1f} s after the server's start"
            )


@pytest.fixture
async def slow_proxy() -> AsyncIterator[tuple[Proxy, str]]:
    """A proxy before a server, and the way past it."""
    with ServerProcess(server_binary()) as server:
        async with proxied(server.socket) as proxy:
            yield proxy, server.url


async def test_redis_is_slow_for_a_while(tmp_path: Path, slow_proxy: tuple[Proxy, str]) -> None:
    proxy, past_it = slow_proxy
    async with gateway(tmp_path, proxy.url, workers=1) as (program, http):
        clients = Clients(http, await asyncio.to_thread(program.token))
        assert (await ask(http, chat21_history()))[0].status_code == 200
        async with clients:
            await clients.more()
            proxy.slow(SLOW_SECONDS)
            await until(lambda: clients.refused >= 10 * CLIENTS)
            assert (await asyncio.to_thread(program.readiness))["problems"] == [
                "worker 1: the message store does not answer"
            ]
            for call, status in local_calls(clients.token):
                seconds = []
                for _ in range(20):
                    reply, took = await ask(http, call)
                    assert reply.status_code == status, reply.text
                    seconds.append(took)
                assert statistics.median(seconds) < AT_ONCE
            refusals = [await ask(http, clients.call("easemob", "not kept"), "other") for _ in range(50)]
            assert {reply.status_code for reply, _ in refusals} == {503}
            assert statistics.median(took for _, took in refusals) < AT_ONCE
            proxy.slow(0)
            freed = time.monotonic()
            await until_ready(program)
            await clients.more(1)
            assert time.monotonic() - freed < HEALED
            await clients.more()
        await check_once(past_it, clients)
        assert program.output.count("store_breaker_opened") == program.output.count("store_breaker_closed") == 1


def local_calls(token: str) -> list[tuple[Call, int]]:
    """What needs no store: bad tokens, bad bodies, and paths at which there is nothing."""
    send, other_send = easemob_send(token), chat21_send()
    return [
        (send._replace(authorization="Bearer YWMtnone"), 401),
        (send._replace(body=b'{"target_type": '), 400),
        (send._replace(path=f"{APPLICATION}/nothing/here"), 404),
        (other_send._replace(authorization="JWT none"), 403),
        (other_send._replace(body=b'{"recipient_id": '), 400),
        (other_send._replace(path="/api/default/nothing/here"), 404),
    ]
