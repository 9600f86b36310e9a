"""The wire table of the API of HTTP API users, and that of the chat clients behind it."""

from adapters.contract import Route
from adapters.ozeki.client_routes import client_routes


def routes() -> tuple[Route, ...]:
    """All rows."""
    return (*client_routes(),)
