"""Use cases of groups and their members."""

from collections.abc import Sequence
from typing import Any

from core.clock import Clock
from core.errors import Failure, Kind
from core.model import Group, Member, Tenant, UserKey
from core.names import check_name
from core.store.groups import GroupStore, Visibility

__all__ = ["Groups", "Visibility"]


class Groups:
    """The groups of all tenants. A group is a number; each dialect's id for it is a function of the number, unless the
    app chose the id itself (an *alias*)."""

    def __init__(self, store: GroupStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def create(
        self,
        tenant: Tenant,
        *,
        name: str,
        owner: UserKey,
        members: Sequence[UserKey],
        dialect: str,
        alias: str | None = None,
        description: str | None = None,
        public: bool = False,
        maximum_members: int | None = None,
        attributes: dict[str, Any] | None = None,
        room: bool = False,
        leftovers: dict[str, Any] | None = None,
        reference: str | None = None,
    ) -> Group:
        """A new group. The owner is a member only if listed among `members`; a member listed twice counts once. With the
        `reference` of an earlier try (`Call.reference`) the group that it made is not in the way.

        With an `alias` the group takes the id that the app chose in `dialect`, and the messages that were sent to that id
        before. Raises *conflict* with reason `group` when the alias is taken.
        """
        if alias is None:
            number = await self._store.new_number(tenant)
        else:
            number = await self.place(tenant, dialect, alias)
        now = self._clock.now()
        group = Group(
            number=number,
            name=name,
            owner=owner.id,
            created=now,
            modified=now,
            description=description,
            public=public,
            maximum_members=maximum_members,
            attributes=attributes,
            aliases={dialect: alias} if alias is not None else None,
            leftovers={dialect: leftovers} if leftovers else None,
            room=room,
        )
        rows = {
            key.number: Member(key.id, key.number, "owner" if key.number == owner.number else "member", now)
            for key in members
        }
        # A number of our own is nobody else's: a group there is this one, written by a try whose answer was lost.
        if not await self._store.create(tenant, group, list(rows.values()), reference) and alias is not None:
            raise Failure(Kind.CONFLICT, "The group id is taken", reason="group", subject=alias)
        return group

    async def alias(self, tenant: Tenant, dialect: str, alias: str) -> int | None:
        """The number behind an id that an app chose; none when nobody ever used the id."""
        return await self._store.alias(tenant, dialect, alias)

    async def place(self, tenant: Tenant, dialect: str, alias: str) -> int:
        """The number behind an id that an app chose, reserved for it when it is new. No group comes to be by this: what
        is sent there waits for the group."""
        check_name(alias, "group")
        return await self._store.reserve(tenant, dialect, alias)

    async def find(self, tenant: Tenant, number: int) -> Group | None:
        """The group's profile; none when no such group was created."""
        found = await self._store.read(tenant, number, members=False)
        return found[0] if found else None

    async def detail(self, tenant: Tenant, number: int) -> tuple[Group, list[Member]] | None:
        """The group with its present members in the order in which they joined."""
        return await self._store.read(tenant, number)

    async def update(self, tenant: Tenant, number: int, **changes: Any) -> Group:
        """Change fields of the group's profile (`name`, `description`, `attributes`, …). Raises *not found* with reason
        `group`."""
        changed = await self._store.update(tenant, number, {**changes, "modified": self._clock.now()})
        if changed is None:
            raise _unknown(number)
        return changed

    async def add(
        self,
        tenant: Tenant,
        number: int,
        users: Sequence[UserKey],
        *,
        sees: Visibility = Visibility.NOTHING,
        reference: str | None = None,
    ) -> list[bool]:
        """Make users members; `sees` is how much of the earlier messages they get. One answer a user: false for a present
        member; with the `reference` of an earlier try, what that one answered. Raises *not found* with reason `group`."""
        now = self._clock.now()
        rows = [Member(user.id, user.number, "member", now) for user in users]
        done = await self._store.add(tenant, number, rows, sees, now, reference)
        if done is None:
            raise _unknown(number)
        return done

    async def remove(
        self, tenant: Tenant, number: int, users: Sequence[UserKey], *, reference: str | None = None
    ) -> list[bool]:
        """End memberships; who leaves keeps what it could see. One answer a user: false for no present member; with the
        `reference` of an earlier try, what that one answered. Raises *not found* with reason `group`."""
        numbers = [user.number for user in users]
        done = await self._store.remove(tenant, number, numbers, self._clock.now(), reference)
        if done is None:
            raise _unknown(number)
        return done


def _unknown(number: int) -> Failure:
    return Failure(Kind.NOT_FOUND, "No such group", reason="group", subject=str(number))
