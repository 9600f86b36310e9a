"""Use cases of topics: labels on messages within a conversation, each with a profile and a state of its own."""

from collections.abc import Sequence
from typing import Any, Unpack

import msgspec

from core.clock import Clock
from core.errors import Failure, Kind, check_limit
from core.ids import Parties, identity_of, parties_of
from core.messages import Page, Query
from core.model import Tenant, Topic, TopicChanges, UserKey
from core.names import check_name
from core.store.log import Log
from core.store.topics import TopicStore

_MOST_NAMED = 1_000


class Topics:
    """The topics of all tenants. A message names its topic by number (`Message.topic`); sending to one that another
    conversation has is refused, sending to a closed one is not: whether that matters is for a dialect to say."""

    def __init__(self, store: TopicStore, log: Log, clock: Clock) -> None:
        self._store = store
        self._log = log
        self._clock = clock

    async def create(
        self,
        tenant: Tenant,
        parties: Parties,
        *,
        creator: UserKey,
        dialect: str,
        title: str | None = None,
        alias: str | None = None,
        attributes: dict[str, Any] | None = None,
        leftovers: dict[str, Any] | None = None,
        once: bool = False,
        reference: str | None = None,
    ) -> tuple[Topic, bool]:
        """A new topic, and true. Its conversation need not have a message yet. `alias` is what the app calls it; several may
        have the same. With `once` the newest topic of that alias, if there is one, is given as it is, and false.

        With the `reference` of an earlier try (`Call.reference`) what that one made is given. Raises *bad request* with reason
        `name` for an alias or a user's id that is no name.
        """
        if alias is not None:
            check_name(alias, "topic")
        for user in parties if isinstance(parties, tuple) else ():
            check_name(user, "user")
        identity = identity_of(parties)
        now = self._clock.now()
        number, created = 0, True
        if once and alias is not None:
            number, created = await self._store.find(tenant, identity, alias, now, reference)
        if not number:
            topic = Topic(
                number=await self._store.new_number(tenant),
                parties=parties_of(identity),
                creator=creator.id,
                created=now,
                modified=now,
                title=title,
                alias=alias,
                attributes=attributes,
                leftovers={dialect: leftovers} if leftovers else None,
            )
            number, created = await self._store.create(tenant, identity, topic, creator.number, reference, once=once)
            if number == topic.number:
                return topic, True
        found = (await self._store.read(tenant, identity, [number]))[0]
        if found is None:
            raise _unknown(number)
        return found, created

    async def find(self, tenant: Tenant, number: int) -> Topic | None:
        """A topic by its number."""
        identity = await self._store.identity(tenant, number)
        return (await self._store.read(tenant, identity, [number]))[0] if identity is not None else None

    async def several(self, tenant: Tenant, wanted: Sequence[tuple[Parties, int]]) -> Sequence[Topic | None]:
        """Several topics, each by its conversation and its number: in one turn, in order, none for one that the conversation has
        not."""
        return await self._store.several(tenant, [(identity_of(parties), number) for parties, number in wanted])

    async def newest(self, tenant: Tenant, parties: Parties, alias: str) -> Topic | None:
        """The newest topic of a conversation that the app calls so."""
        return await self._store.newest(tenant, identity_of(parties), alias)

    async def list(self, tenant: Tenant, parties: Parties, after: int = 0, limit: int = 100) -> list[Topic]:
        """A conversation's topics, open and closed, in the order of their numbers, which is that of creation: those with a
        number above `after`, at most `limit`. Raises *bad request* with reason `page` for a `limit` that is not 1 to 5,000."""
        check_limit(limit)
        return await self._store.page(tenant, identity_of(parties), after, limit)

    async def named(self, tenant: Tenant, alias: str, after: int = 0, limit: int = 100) -> tuple[Sequence[Topic], int]:
        """The topics that the app calls so, in whatever conversation, in the order of their numbers: those with a number above
        `after`, at most `limit`; and the number to go on after, 0 at the end. Raises *bad request* with reason `name` for an
        alias that is no name, `page` for a `limit` that is not 1 to 1,000."""
        check_name(alias, "topic")
        check_limit(limit, _MOST_NAMED)
        numbers = await self._store.named(tenant, alias, after, limit)
        found = await self._store.several(tenant, await self._store.places(tenant, numbers))
        return [topic for topic in found if topic is not None], numbers[-1] if len(numbers) == limit else 0

    async def update(self, tenant: Tenant, number: int, **changes: Unpack[TopicChanges]) -> Topic:
        """Change fields of a topic. Raises *not found* with reason `topic`."""
        changed = await self._store.update(tenant, number, {**changes, "modified": self._clock.now()})
        if changed is None:
            raise _unknown(number)
        return changed

    async def page(self, tenant: Tenant, number: int, query: Query, viewer: UserKey | None = None) -> Page:
        """A page of a topic's messages as the viewer sees them (everything for `viewer=None`, an administrator's look). Raises
        *not found* with reason `topic`."""
        identity = await self._store.identity(tenant, number)
        if identity is None:
            raise _unknown(number)
        query = msgspec.structs.replace(query, topic=number)
        return await self._log.page(tenant, identity, viewer.number if viewer else None, query)


def _unknown(number: int) -> Failure:
    return Failure(Kind.NOT_FOUND, "No such topic", reason="topic", subject=str(number))
