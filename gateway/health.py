"""Health on the admin listener: whether the gateway lives, and whether it can serve right now.

Each worker is asked through the real path: a request over its private socket that makes a round trip to the store.
Whatever hangs there, the answer here comes in time.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

PROBE_SECONDS = 2.0
_PROBE = b"GET /healthz HTTP/1.1\r\nhost: worker\r\nconnection: close\r\n\r\n"


class NoAnswer(Exception):
    """A process did not answer at all."""


class Asked(Protocol):
    """A worker as health sees it."""

    @property
    def name(self) -> str: ...

    @property
    def private_path(self) -> Path: ...

    @property
    def ready(self) -> bool: ...


class Health:
    """What the supervisor knows: its own phase and its workers. `phase` is empty while the gateway serves, else what it
    does instead."""

    def __init__(self) -> None:
        self.phase = "starting"
        self.workers: Sequence[Asked] = ()

    async def problems(self) -> list[str]:
        """Why the gateway is not ready; empty when it is."""
        if self.phase:
            return [self.phase]
        found = await asyncio.gather(*(probe(worker) for worker in self.workers))
        return [problem for problem in found if problem]


async def probe(worker: Asked) -> str | None:
    """What keeps a worker from serving."""
    if not worker.ready:
        return f"{worker.name} is not running"
    path = worker.private_path
    try:
        problem = await ask(path)
    except NoAnswer:
        if worker.ready and worker.private_path != path:  # another process has taken its place meanwhile
            return await probe(worker)
        return f"{worker.name} does not answer"
    return f"{worker.name}: {problem}" if problem else None


async def ask(path: Path) -> str:
    """What the process behind a private socket says of itself: what is wrong, empty when nothing is. Raises `NoAnswer`
    after `PROBE_SECONDS` at the latest."""
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            reader, writer = await asyncio.open_unix_connection(path)
            try:
                writer.write(_PROBE)
                head, _, text = (await reader.read()).partition(b"\r\n\r\n")
            finally:
                writer.close()
    except (TimeoutError, OSError):
        raise NoAnswer from None
    if head.startswith(b"HTTP/1.1 200 "):
        return ""
    if not head:
        raise NoAnswer
    return text.decode(errors="replace") or head.partition(b"\r\n")[0].decode(errors="replace")


def create_admin_app(health: Health) -> Starlette:
    """`/healthz`: the gateway lives. `/readyz`: it can serve; 503 with what is missing when it can't."""

    async def healthz(request: Request) -> JSONResponse:  # noqa: ARG001
        return JSONResponse({"status": "alive"})

    async def readyz(request: Request) -> JSONResponse:  # noqa: ARG001
        problems = await health.problems()
        if problems:
            return JSONResponse({"status": "not ready", "problems": problems}, 503)
        return JSONResponse({"status": "ready"})

    return Starlette(routes=[Route("/healthz", healthz), Route("/readyz", readyz)])
