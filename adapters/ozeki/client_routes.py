"""The wire table of the chat clients' API. Its calls are at any path: only the query tells them."""

from adapters.contract import Route


def client_routes() -> tuple[Route, ...]:
    """All rows."""
    return ()
