"""Conversations under names that a dialect makes of whose they are, and that lead nowhere by themselves, as a hash does."""

from collections.abc import Callable, Iterable

from core.model import Relation, RelationState, Tenant, UserKey
from core.store.inbox import Inbox
from core.store.relations import RelationStore

_ROWS_AT_ONCE = 1_000
_MAXIMUM_PAGES = 10
_MAXIMUM_REMEMBERED = 200_000

_Slot = tuple[int, int, int, int, str]
"""Tenant, generation, how many users were erased in it, user, name."""


class Handles:
    """The names of all users' direct conversations. Nothing is stored: who names a conversation has it in a list, or the other one
    as a contact, and what was found once is remembered, since such a name is always the same."""

    def __init__(self, inbox: Inbox, relations: RelationStore) -> None:
        self._inbox = inbox
        self._relations = relations
        self._remembered: dict[_Slot, str] = {}

    def remembered(self, tenant: Tenant, user: UserKey, handle: str) -> str | None:
        """What `peer` found before; none for what it has to look for."""
        return self._remembered.get(_slot(tenant, user, handle))

    async def peer(self, tenant: Tenant, user: UserKey, handle: str, name: Callable[[str], str]) -> str | None:
        """The other one, by id, of the user's conversation that is called so; `name` gives what the one with a peer is called. None
        when the user has no such contact, and no such conversation among the latest 10,000, in whatever box."""
        slot = _slot(tenant, user, handle)
        known = self._remembered.get(slot)
        if known is not None:
            return known
        if self._remember(slot, [user.id], name):
            return user.id
        after = 0
        for _ in range(_MAXIMUM_PAGES):
            rows, after = await self._relations.page(
                tenant, user, Relation.CONTACT, _ROWS_AT_ONCE, after, (RelationState.PRESENT,)
            )
            if self._remember(slot, (row.user.id for row in rows), name):
                return self._remembered[slot]
            if not after:
                break
        before: int | None = None
        for _ in range(_MAXIMUM_PAGES):
            found = await self._inbox.list(tenant, user, _ROWS_AT_ONCE, before, None, whole=False)
            if self._remember(slot, (row.peer for row in found if row.peer is not None), name):
                return self._remembered[slot]
            if len(found) < _ROWS_AT_ONCE:
                break
            before = found[-1].time
        return None

    def _remember(self, slot: _Slot, peers: Iterable[str], name: Callable[[str], str]) -> bool:
        """Whether the name is of one of these; all of them are remembered, as more will be asked for."""
        for peer in peers:
            if len(self._remembered) >= _MAXIMUM_REMEMBERED:
                del self._remembered[next(iter(self._remembered))]
            self._remembered[(*slot[:4], name(peer))] = peer
        return slot in self._remembered


def _slot(tenant: Tenant, user: UserKey, handle: str) -> _Slot:
    return tenant.number, tenant.generation, tenant.erasures, user.number, handle
