"""The wire table of messages: sending, lists, receipts, deletes, sync."""

from adapters.applozic.options import Options
from adapters.contract import Route


def routes(options: Options) -> tuple[Route, ...]:  # noqa: ARG001
    """All rows of messages."""
    return ()
