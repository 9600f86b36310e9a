"""A user's profile: what the vendor knows of a user beside the neutral words, and the user object of replies."""

from adapters.applozic.options import NAME
from core.model import User

BOT, APPLICATION_ADMIN, USER, ADMIN, AGENT = 1, 2, 3, 4, 8
ADMINISTRATORS = frozenset({BOT, APPLICATION_ADMIN, ADMIN})
"""Roles that administer the application: they act for others."""
_ROLE = "roleType"


def own(user: User) -> dict[str, object]:
    """What only this dialect knows of the user."""
    return (user.leftovers or {}).get(NAME, {})


def role_of(user: User) -> int:
    """The user's role in the application."""
    role = own(user).get(_ROLE, USER)
    return role if isinstance(role, int) else USER
