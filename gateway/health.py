"""Health on the admin listener: whether the gateway lives, and whether it can serve right now.

Each worker is asked through the real path: a request over its private socket that makes a round trip to the store.
Whatever hangs there, the answer here comes in time.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

PROBE_SECONDS = 2.0
PROBE_URL = "http://worker/healthz"


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
    """What keeps a worker from serving; at most `PROBE_SECONDS`."""
    if not worker.ready:
        return f"{worker.name} is not running"
    transport = httpx.AsyncHTTPTransport(uds=str(worker.private_path))
    try:
        async with asyncio.timeout(PROBE_SECONDS), httpx.AsyncClient(transport=transport, timeout=None) as client:  # noqa: S113
            reply = await client.get(PROBE_URL)
    except (TimeoutError, httpx.HTTPError, OSError):
        return f"{worker.name} does not answer"
    return None if reply.status_code == 200 else f"{worker.name}: {reply.text}"


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
