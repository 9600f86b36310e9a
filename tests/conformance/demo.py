"""What the clients are told of the demo tenant."""

from adapters.chat21 import auth
from core.clock import SystemClock


def token(user: str, administrator: bool = False) -> str:
    """One of Chat21's."""
    return auth.sign(SystemClock().now(), "tokenKey", "tilechat", user, administrator, 3600)
