"""The wire table of groups, topics and files."""

from adapters.applozic.options import Options
from adapters.contract import Route


def routes(options: Options) -> tuple[Route, ...]:  # noqa: ARG001
    """All rows of groups, topics and files."""
    return ()
