"""The public ASGI applications: all dialects on one port, or one dialect alone."""

from collections.abc import Sequence

from adapters.contract import Adapter
from core.core import Core
from gateway.asgi import AsgiApplication
from gateway.dispatch import BoundDispatcher, Dispatcher
from gateway.exchange import Exchanges
from gateway.limits import Limits


def create_app(core: Core, adapters: Sequence[Adapter], limits: Limits) -> AsgiApplication:
    """The application that serves these dialects over HTTP. Raises `AmbiguousRoutes` when they can't be told apart."""
    return Exchanges(core, Dispatcher(adapters), limits)


def create_bound_app(core: Core, adapter: Adapter, limits: Limits) -> AsgiApplication:
    """The application that takes every request for one of this dialect."""
    return Exchanges(core, BoundDispatcher(adapter), limits)
