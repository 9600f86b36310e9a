"""The types of ASGI, version 3."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApplication = Callable[[Scope, Receive, Send], Awaitable[None]]

WHOLE = "gateway.response"
"""An ASGI extension that our connections offer: a whole reply (`status`, `headers`, `body`) in one message of this type."""
