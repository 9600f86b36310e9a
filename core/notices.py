"""What is said in a group of what happens to it: one wording of the facts, which each dialect shows in its own words.

A notice is a message of kind *event* from `system`, counted for nobody. Its `Event` has one of these names, and as parameters what
stands beside it (none is left out, unless marked with `?`):

- `group_created`: `group` (its name), `by` (the owner)
- `member_joined`: `group`, `member` (the id), `name?` (the display name), `by?` (who added, none for an administrator and for who
  comes by himself), `created?` (true: with the group)
- `members_joined`: `group`, `members` (how many), `by?`, `created?`: in place of `member_joined` when more come at once than
  a small group holds
- `member_left`: `group`, `member`, `by?` (who removed, the member for who left)
- `members_left`: `group`, `members`, `by?`
- `group_renamed`: `group` (the new name), `by?`
- `group_image_changed`: `group`, `image?` (its address), `by?`
- `group_attributes_changed`: `group`, `by?`
- `member_role_changed`: `group`, `member`, `role` (as `Member.role`), `by?`
- `group_deleted`: `group`, `by?`

A dialect shows what its vendor would say, and of the rest the `text`. What no vendor says of rooms is not said: their members come
and go.
"""

from collections.abc import Callable, Sequence
from typing import Any

from core.membership import Announce, Notice
from core.model import Event, Message, Tenant, UserKey
from core.users import Users

SYSTEM = "system"
_SYSTEM_NAME = "System"
_ONE_BY_ONE = 32
"""Users who come or go at once and each have a notice: with thousands, notices would run ahead of the clock."""
_LONGEST_TEXT = 1_024
"""Characters. Names of groups and users have any length, and stand in each of the notices of one change."""

_Events = Callable[[Sequence[UserKey]], list[Event]]


class Notices:
    """Makes notices for `Groups` to append: each method gives an `Announce`, for a group's name and the dialect in which it is
    changed. `by` is the user who does it."""

    def __init__(self, users: Users) -> None:
        self._users = users

    async def created(
        self, tenant: Tenant, dialect: str, group: str, owner: str, members: Sequence[str] = ()
    ) -> Announce:
        """That a group was created, and who is in it; without `members` that alone."""
        arrivals = await self._arrivals(tenant, group, members, owner, created=True)

        def events(users: Sequence[UserKey]) -> list[Event]:
            created = Event("group_created", {"group": group, "by": owner}, "Group created")
            return [created, *(arrivals(users) if members else ())]

        return await self._announce(tenant, dialect, events)

    async def joined(
        self, tenant: Tenant, dialect: str, group: str, newcomers: Sequence[str], by: str | None = None
    ) -> Announce:
        """That members were added, or came."""
        return await self._announce(tenant, dialect, await self._arrivals(tenant, group, newcomers, by))

    async def left(self, tenant: Tenant, dialect: str, group: str, by: str | None = None) -> Announce:
        """That members went or were removed, to those who stay."""

        def events(users: Sequence[UserKey]) -> list[Event]:
            about: dict[str, Any] = {"group": group, **({"by": by} if by is not None else {})}
            if len(users) > _ONE_BY_ONE:
                return [Event("members_left", {**about, "members": len(users)}, f"{len(users)} members left")]
            return [
                Event(
                    "member_left",
                    {**about, "member": user.id},
                    f"{user.id} left" if by == user.id else f"{user.id} was removed",
                )
                for user in users
            ]

        return await self._announce(tenant, dialect, events)

    async def said(
        self, tenant: Tenant, dialect: str, name: str, text: str, by: str | None = None, **parameters: Any
    ) -> Announce:
        """One of the other events above, with its parameters and in plain words."""
        if by is not None:
            parameters["by"] = by
        return await self._announce(tenant, dialect, lambda _: [Event(name, parameters, text)])

    async def _arrivals(
        self, tenant: Tenant, group: str, newcomers: Sequence[str], by: str | None, *, created: bool = False
    ) -> _Events:
        about: dict[str, Any] = {"group": group}
        if by is not None:
            about["by"] = by
        if created:
            about["created"] = True
        names: dict[str, str] = {}
        if 0 < len(newcomers) <= _ONE_BY_ONE:
            profiles = await self._users.find_many(tenant, newcomers)
            names = {user.id: user.name for user in profiles if user is not None and user.name}

        def events(users: Sequence[UserKey]) -> list[Event]:
            if len(users) > _ONE_BY_ONE:
                return [Event("members_joined", {**about, "members": len(users)}, f"{len(users)} members joined")]
            return [_arrival(about, user.id, names.get(user.id)) for user in users]

        return events

    async def _announce(self, tenant: Tenant, dialect: str, events: _Events) -> Announce:
        system = await self._users.key(tenant, SYSTEM)

        def announce(users: Sequence[UserKey]) -> list[Notice]:
            return [
                Notice(system, Message(SYSTEM, _cut(event), dialect, sender_name=_SYSTEM_NAME))
                for event in events(users)
            ]

        return announce


def _cut(event: Event) -> Event:
    return Event(
        event.name,
        {
            name: value[:_LONGEST_TEXT] if isinstance(value, str) else value
            for name, value in (event.parameters or {}).items()
        },
        (event.text or "")[:_LONGEST_TEXT],
    )


def _arrival(about: dict[str, Any], member: str, name: str | None) -> Event:
    parameters = {**about, "member": member, **({"name": name} if name else {})}
    return Event("member_joined", parameters, f"{name or member} joined")
