"""uvicorn as the gateway uses it everywhere: nothing of its own convenience, and signals are not its business."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from gateway.asgi import AsgiApplication
from gateway.limits import Limits
from gateway.protocol import Shared, protocol_class
from gateway.sockets import BACKLOG

_ADMIN_LIMITS = Limits(connections=64, header_seconds=5.0, keep_alive_seconds=20.0)


class Server(uvicorn.Server):
    """A server that says when it accepts connections."""

    server_state: Shared

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.server_state = Shared()
        self.accepting = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.accepting.set()


def public_config(app: AsgiApplication, limits: Limits) -> uvicorn.Config:
    """How the dialects are served: by our own protocol."""
    return _config(app, http=protocol_class(limits), backlog=BACKLOG)


def admin_config(app: AsgiApplication) -> uvicorn.Config:
    """How health is served. A stop waits a second at most. Whoever only holds connections must not keep the supervisor from
    opening what it needs to start a worker again."""
    return _config(app, http=protocol_class(_ADMIN_LIMITS), timeout_graceful_shutdown=1)


def _config(app: AsgiApplication, **options: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="none",
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        **options,
    )
