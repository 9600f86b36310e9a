"""What the admin listener says of health; the whole path is tested with real processes in test_supervisor."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway import health
from gateway.health import Health, create_admin_app
from gateway.server import Server, admin_config
from gateway.sockets import PrivateListener
from tests.harness import WAIT_SECONDS


@dataclass
class Worker:
    name: str
    private_path: Path
    ready: bool = True


@asynccontextmanager
async def admin(state: Health) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_admin_app(state))
    async with httpx.AsyncClient(transport=transport, base_url="http://admin") as client:
        yield client


async def readiness(state: Health) -> tuple[int, Any]:
    async with admin(state) as client:
        reply = await client.get("/readyz")
    return reply.status_code, reply.json()


@pytest.mark.parametrize("phase", ["starting", "stopping"])
async def test_only_a_gateway_that_serves_is_ready_but_each_is_alive(phase: str) -> None:
    state = Health()
    state.phase = phase
    assert await readiness(state) == (503, {"status": "not ready", "problems": [phase]})
    async with admin(state) as client:
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/anything")).status_code == 404


async def test_every_worker_that_is_missing_or_hangs_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(health, "PROBE_SECONDS", 0.1)
    hanging = PrivateListener()  # connections wait in its queue; nobody takes them
    state = Health()
    state.phase = ""
    state.workers = [
        Worker("worker 1", hanging.path),
        Worker("worker 2", tmp_path / "none"),
        Worker("worker 3", hanging.path, ready=False),
    ]
    try:
        assert await readiness(state) == (
            503,
            {
                "status": "not ready",
                "problems": ["worker 1 does not answer", "worker 2 does not answer", "worker 3 is not running"],
            },
        )
    finally:
        hanging.close()
    assert not hanging.path.parent.exists()


async def test_a_worker_that_is_replaced_while_it_is_asked_is_asked_again(tmp_path: Path) -> None:
    former, present = tmp_path / "former", PrivateListener()

    class Replaced:
        name = "worker 1"
        ready = True
        paths = [former, present.path]  # noqa: RUF012

        @property
        def private_path(self) -> Path:
            return self.paths.pop(0) if len(self.paths) > 1 else self.paths[0]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    state = Health()
    state.phase = ""
    state.workers = [Replaced()]
    server = await asyncio.start_unix_server(answer, sock=present.socket)
    try:
        assert await readiness(state) == (200, {"status": "ready"})
    finally:
        server.close()
        present.close()


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\nit is full", "worker 1: it is full"),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", "worker 1: HTTP/1.1 404 Not Found"),
        (b"", "worker 1 does not answer"),
    ],
)
async def test_whatever_is_answered_is_told(reply: bytes, problem: str) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(reply)
        writer.close()

    listener = PrivateListener()
    state = Health()
    state.phase = ""
    state.workers = [Worker("worker 1", listener.path)]
    server = await asyncio.start_unix_server(answer, sock=listener.socket)
    try:
        assert await readiness(state) == (503, {"status": "not ready", "problems": [problem]})
    finally:
        server.close()
        listener.close()


async def test_whoever_holds_connections_leaves_the_supervisor_its_descriptors() -> None:
    server = Server(admin_config(create_admin_app(Health())))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = asyncio.create_task(server.serve([listener]))
        held = []
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await server.accepting.wait()
                refusals = []
                for _ in range(80):
                    reader, writer = await asyncio.open_connection(*listener.getsockname())
                    held.append(writer)
                    refusals.append(asyncio.create_task(reader.read()))
                # Who is too many is told so at once; the others wait for their request.
                for refusal in islice(asyncio.as_completed(refusals), 16):
                    assert (await refusal).startswith(b"HTTP/1.1 503 ")
                assert sum(task.done() for task in refusals) == 16
        finally:
            for writer in held:
                writer.close()
            server.should_exit = True
            await serving
    await asyncio.gather(*refusals)
