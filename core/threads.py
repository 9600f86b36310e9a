"""Use cases of conversations as a client opens them: what is said, and what else is shown beside it."""

import msgspec

from core.clock import Clock
from core.ids import SEQUENCE_BITS, Parties, direct_identity, identity_of
from core.model import Outline, Presence, Tenant, User, UserKey
from core.store import scripts
from core.store.keys import partition_of
from core.store.log import Log, Page, Query, page_work
from core.store.presence import presence_at
from core.store.store import Store
from core.store.users import decode_user

_WITH_OUTLINE = 1


class Opened(msgspec.Struct, frozen=True):
    """A page of a direct conversation, and the other user: the profile, none when nobody registered the name, and where he is
    online."""

    page: Page
    peer: User | None
    presence: Presence


class Threads:
    """The conversations of all users, opened."""

    def __init__(self, store: Store, log: Log, clock: Clock) -> None:
        self._store = store
        self._log = log
        self._clock = clock

    async def open(self, tenant: Tenant, viewer: UserKey, peer: UserKey, query: Query) -> Opened:
        """`Messages.direct_page` and the other user, in one turn of the store."""
        card = (scripts.CARD, partition_of(peer.number), (peer.id, peer.number))
        page = page_work(direct_identity(viewer.id, peer.id), viewer.number, query)
        reply, (profile, presence) = await self._store.calls(tenant, (page, card))
        return Opened(
            self._log.read_page(tenant, viewer.number, query, reply),
            decode_user(profile) if profile is not None else None,
            presence_at(presence, self._clock.now()),
        )

    async def outlined(
        self, tenant: Tenant, viewer: UserKey, parties: Parties, query: Query
    ) -> tuple[Outline | None, Page]:
        """What a conversation is, if there is one and the viewer may look into it, and `Messages.page`, of a query without bounds,
        in one turn of the store."""
        script, partition, arguments = page_work(identity_of(parties), viewer.number, query)
        reply = await self._store.call(tenant, script, partition, *arguments, _WITH_OUTLINE)
        conversation, row = reply[0], reply.pop() if reply[0] else None
        page = self._log.read_page(tenant, viewer.number, query, reply)
        if row is None:
            return None, page
        clears, floor, reports = row
        outline = Outline(
            conversation=conversation,
            peer=None if isinstance(parties, int) else parties[parties[0] == viewer.id],
            group_number=parties if isinstance(parties, int) else None,
            epoch=clears << SEQUENCE_BITS | floor,
            reports=reports,
        )
        return outline, page
