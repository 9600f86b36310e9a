"""What only one dialect knows of a user, a group or a topic, and no other reads."""

from typing import Any, TypeVar

import msgspec

from core.model.conversation import Topic
from core.model.group import Group
from core.model.user import User

Kept = TypeVar("Kept", User, Group, Topic)


def leftovers_of(kept: User | Group | Topic, dialect: str) -> dict[str, Any]:
    """What a dialect left over, empty when it did nothing. Not to be changed in place."""
    return (kept.leftovers or {}).get(dialect, {})


def with_leftovers(kept: Kept, dialect: str, own: dict[str, Any]) -> Kept:
    """The same with these leftovers of a dialect in place of what it had, or none; those of others stay."""
    others = {name: left for name, left in (kept.leftovers or {}).items() if name != dialect}
    return msgspec.structs.replace(kept, leftovers={**others, dialect: own} if own else others or None)
