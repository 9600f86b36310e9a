"""Use cases of attributes: small texts by name that a group has, and that a member has in a group."""

from collections.abc import Mapping, Sequence

from core.clock import Clock
from core.errors import Failure, Kind
from core.membership import Attribute
from core.model import Tenant, UserKey
from core.names import MAXIMUM_NAME_BYTES, fits
from core.store.group_attributes import MAXIMUM_BYTES, GroupAttributes
from core.store.group_people import GroupPeople
from core.store.groups import refused

MAXIMUM_ATTRIBUTES = 200
"""Of one group."""
MAXIMUM_VALUE_BYTES = 4 << 10
_ANOTHERS, _TOO_MANY = 2, 3
_WHY = {_ANOTHERS: "owner", _TOO_MANY: "limit"}


class Attributes:
    """The attributes of all groups. Names have 1 to 255 bytes, values up to 4,096. A value of none takes one away.

    All raise *not found* with reason `group` when there is no such group, those of a member with reason `member` for who is
    none, and changes *bad request* or *too large* with the name as `subject`, before anything is changed.
    """

    def __init__(self, store: GroupAttributes, people: GroupPeople, clock: Clock) -> None:
        self._store = store
        self._people = people
        self._clock = clock

    async def set_own(
        self, tenant: Tenant, number: int, user: UserKey, changes: Mapping[str, str | None]
    ) -> dict[str, str]:
        """Change a member's own attributes in a group, and give all that the member has then. They end with the membership.
        Raises *too large* when they would take over 8,192 bytes together."""
        _check(changes)
        found = await self._store.set_own(tenant, number, user, changes)
        if found is None:
            raise Failure(
                Kind.TOO_LARGE, f"A member's attributes take up to {MAXIMUM_BYTES} bytes", reason="attributes"
            )
        return found

    async def own(self, tenant: Tenant, number: int, users: Sequence[UserKey]) -> list[dict[str, str]]:
        """The attributes of members in a group, of each user in order; nothing for who has none."""
        found = await self._people.standing(tenant, number, users, self._clock.now())
        if found is None:
            raise refused("group", str(number))
        return [standing.attributes for standing in found]

    async def set(
        self,
        tenant: Tenant,
        number: int,
        user: UserKey,
        changes: Mapping[str, str | None],
        *,
        forced: bool = False,
        leaves: bool = False,
    ) -> dict[str, str]:
        """Change attributes of the group, each of which belongs to the user who set it last. Gives those that were not
        changed and why: `owner` for another's, `limit` when a group has 200 already. To take away one that is not there
        changes nothing. With `leaves` they go when the user leaves. With `forced` others' are changed too, and the user
        need not be a member."""
        _check(changes)
        now = self._clock.now()
        done = await self._store.set(
            tenant, number, user, changes, now, MAXIMUM_ATTRIBUTES, forced=forced, leaves=leaves
        )
        return {name: _WHY[why] for name, why in zip(changes, done, strict=True) if why in _WHY}

    async def find(self, tenant: Tenant, number: int, names: Sequence[str] | None = None) -> dict[str, Attribute]:
        """The group's attributes of these names, as far as there are any; all when none are given."""
        found = await self._store.read(tenant, number, names or ())
        if found is None:
            raise refused("group", str(number))
        return {} if names is not None and not names else found


def _check(changes: Mapping[str, str | None]) -> None:
    for name, value in changes.items():
        if not name or not fits(name, MAXIMUM_NAME_BYTES):
            text = f"The name of an attribute has 1 to {MAXIMUM_NAME_BYTES} bytes"
            raise Failure(Kind.BAD_REQUEST, text, reason="attributes", subject=name)
        if value is not None and not fits(value, MAXIMUM_VALUE_BYTES):
            text = f"The value of an attribute has up to {MAXIMUM_VALUE_BYTES} bytes"
            raise Failure(Kind.TOO_LARGE, text, reason="attributes", subject=name)
