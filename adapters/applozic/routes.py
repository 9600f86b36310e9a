"""The wire table: logins and users here, messages and groups beside it."""

from adapters.applozic import group_routes, message_routes
from adapters.applozic.options import Options
from adapters.contract import Route


def routes(options: Options) -> tuple[Route, ...]:
    """All rows."""
    return (*message_routes.routes(options), *group_routes.routes(options))
