"""The public ASGI application: all dialects on one port."""

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from adapters.contract import Adapter
from core.core import Core
from gateway.body import Receive
from gateway.dispatch import Dispatcher
from gateway.exchange import Exchanges, Send
from gateway.limits import Limits

Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


def create_app(core: Core, adapters: Sequence[Adapter], limits: Limits) -> Application:
    """The application that serves these dialects. Raises `AmbiguousRoutes` when they can't be told apart."""
    exchanges = Exchanges(core, Dispatcher(adapters), limits)

    async def application(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await exchanges(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1000})
        elif scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})

    return application
