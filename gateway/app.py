"""The public ASGI application: all dialects on one port."""

from collections.abc import Sequence

from adapters.contract import Adapter
from core.core import Core
from gateway.asgi import AsgiApplication
from gateway.dispatch import Dispatcher
from gateway.exchange import Exchanges
from gateway.limits import Limits


def create_app(core: Core, adapters: Sequence[Adapter], limits: Limits) -> AsgiApplication:
    """The application that serves these dialects over HTTP. Raises `AmbiguousRoutes` when they can't be told apart."""
    return Exchanges(core, Dispatcher(adapters), limits)
