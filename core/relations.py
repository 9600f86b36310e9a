"""Use cases of what users are to each other: contacts, requests to become one, blocks.

What two users are to each other is decided in one place, their direct conversation; each user's lists follow it. When the
store fails between the two, repeating what was asked for completes it.
"""

from collections.abc import Sequence

from core.clock import Clock
from core.errors import Failure, Kind, check_limit
from core.model import Related, Relation, Relationship, RelationState, Tenant, UserKey
from core.names import fits
from core.store.relations import Act, RelationStore

MAXIMUM_REMARK_BYTES = 1_024
PRESENT = (RelationState.PRESENT,)


class Relations:
    """The relations of all users. Nobody has one with himself: *bad request* with reason `user`."""

    def __init__(self, store: RelationStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def add(self, tenant: Tenant, user: UserKey, others: Sequence[UserKey], *, mutual: bool = True) -> None:
        """Make others contacts of the user without asking, and, if `mutual`, the user theirs."""
        await self._relate(tenant, user, others, Act.BEFRIEND if mutual else Act.ADD)

    async def remove(self, tenant: Tenant, user: UserKey, others: Sequence[UserKey], *, mutual: bool = True) -> None:
        """End contacts and what the user has asked for; if `mutual`, for the others too."""
        await self._relate(tenant, user, others, Act.PART if mutual else Act.REMOVE)

    async def request(self, tenant: Tenant, user: UserKey, other: UserKey) -> None:
        """Ask to become contacts of each other. Who has asked the user, or has the user as a contact, becomes one at once."""
        await self._relate(tenant, user, [other], Act.REQUEST)

    async def accept(self, tenant: Tenant, user: UserKey, other: UserKey) -> bool:
        """Become contacts of each other, as the other has asked. False when there is nothing to accept; true again for who
        repeats it."""
        return (await self._relate(tenant, user, [other], Act.ACCEPT))[0]

    async def decline(self, tenant: Tenant, user: UserKey, other: UserKey) -> bool:
        """Refuse what the other has asked for. False when there is nothing to refuse."""
        return (await self._relate(tenant, user, [other], Act.DECLINE))[0]

    async def remark(self, tenant: Tenant, user: UserKey, other: UserKey, remark: str | None) -> bool:
        """Change the user's own note on a contact; an empty one is none. False for no contact. Raises *too large* for one of
        over 1 KB."""
        if remark and not fits(remark, MAXIMUM_REMARK_BYTES):
            raise Failure(Kind.TOO_LARGE, "The remark is too long", reason="remark", field="remark")
        return await self._store.remark(tenant, user, other, remark or "")

    async def block(self, tenant: Tenant, user: UserKey, others: Sequence[UserKey]) -> None:
        """Let others send nothing to the user where that is checked (`core.messages.Messages.send_direct`). Contacts stay
        contacts."""
        await self._relate(tenant, user, others, Act.BLOCK)

    async def unblock(self, tenant: Tenant, user: UserKey, others: Sequence[UserKey]) -> None:
        """End blocks."""
        await self._relate(tenant, user, others, Act.UNBLOCK)

    async def page(
        self,
        tenant: Tenant,
        user: UserKey,
        relation: Relation,
        limit: int,
        after: int = 0,
        *,
        states: Sequence[RelationState] = PRESENT,
    ) -> tuple[list[Related], int]:
        """One of the user's lists, the earliest changes first: the rows in these states that changed after a time (epoch ms),
        and the time to go on after, 0 when there is no more. At least `limit` rows if there are so many: rows of equal time
        stay on one page. With all states it is what changed since: of what has ended, the last 1,000 rows are kept.
        Raises *bad request* with reason `page` for a `limit` that is not 1 to 5,000."""
        check_limit(limit)
        return await self._store.page(tenant, user, relation, limit, after, states)

    async def look(self, tenant: Tenant, user: UserKey, others: Sequence[UserKey]) -> list[Relationship]:
        """What others are to a user, in their order, read in one turn."""
        return await self._store.look(tenant, user, others)

    async def _relate(self, tenant: Tenant, user: UserKey, others: Sequence[UserKey], act: Act) -> list[bool]:
        if any(other.number == user.number for other in others):
            raise Failure(Kind.BAD_REQUEST, "Nobody has a relation with himself", reason="user", subject=user.id)
        return await self._store.relate(tenant, user, others, act, self._clock.now())
