"""uvicorn as the gateway uses it everywhere: nothing of its own convenience, and signals are not its business."""

import asyncio
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn

from gateway.asgi import AsgiApplication
from gateway.limits import Limits
from gateway.protocol import Shared, protocol_class
from gateway.sockets import BACKLOG

TLS_CLOSE_SECONDS = 2.0
"""How long a client may take to confirm the end of a connection; most don't."""
_ADMIN_LIMITS = Limits(connections=64, header_seconds=5.0, keep_alive_seconds=20.0)


@dataclass(frozen=True)
class Door:
    """A listening socket with what is served there, over TLS where there is a context for it."""

    socket: socket.socket
    app: AsgiApplication
    limits: Limits
    tls: ssl.SSLContext | None = None

    async def open(self, shared: Shared) -> asyncio.Server:
        """Begin to accept."""
        config, protocol = public_config(self.app, self.limits), protocol_class(self.limits)
        return await asyncio.get_running_loop().create_server(
            lambda: protocol(config=config, server_state=shared, app_state={}),
            sock=self.socket,
            backlog=BACKLOG,
            ssl=self.tls,
            ssl_handshake_timeout=self.limits.header_seconds if self.tls is not None else None,
            ssl_shutdown_timeout=TLS_CLOSE_SECONDS if self.tls is not None else None,
        )


class Server(uvicorn.Server):
    """A server that says when it accepts connections: on the sockets that `serve` is given, and at its doors."""

    server_state: Shared

    def __init__(self, config: uvicorn.Config, doors: Sequence[Door] = ()) -> None:
        super().__init__(config)
        self.server_state = Shared()
        self.accepting = asyncio.Event()
        self._doors = doors

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for door in self._doors:
            self.servers.append(await door.open(self.server_state))
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
