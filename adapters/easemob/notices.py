"""What is said in a group of what changes in it. The vendor says it to who is connected and keeps none of it, so nothing of
it is seen in this dialect; others show it. Of rooms nothing is said."""

from collections.abc import Sequence

from adapters.contract import Call
from adapters.easemob.options import NAME
from adapters.easemob.target import Target
from core.membership import Announce
from core.model import UserKey


async def of_coming(call: Call, target: Target, keys: Sequence[UserKey], *, added: bool = True) -> Announce | None:
    """That members come, be it of themselves or not."""
    if target.group.room:
        return None
    by = call.authenticated.user if added else None
    return await call.core.notices.joined(call.tenant, NAME, target.group.name, [key.id for key in keys], by)


async def of_going(call: Call, target: Target) -> Announce | None:
    """That members go."""
    if target.group.room:
        return None
    return await call.core.notices.left(call.tenant, NAME, target.group.name, call.authenticated.user)


async def of_renaming(call: Call, target: Target, name: str) -> Announce | None:
    """That the group has another name."""
    if target.group.room or name == target.group.name:
        return None
    text, by = f"The group is called {name} now", call.authenticated.user
    return await call.core.notices.said(call.tenant, NAME, "group_renamed", text, by, group=name)
