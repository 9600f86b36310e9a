"""Erasing users: not only names and profiles, but what they sent and did in every conversation."""

from collections.abc import Sequence
from contextlib import suppress

from core.clock import Clock
from core.errors import StaleTenant
from core.ids import parties_of
from core.model import Tenant, UserKey
from core.names import check_free
from core.store.dropping import Dropping
from core.store.erasures import NAMES, Erasure, ErasureStore
from core.store.files import FileStore
from core.store.groups import GroupStore
from core.store.relations import RelationStore
from core.store.topics import TopicStore
from core.store.users import UserStore
from core.tenants import Tenants

_CALLS_A_ROUND = 64
_TOPICS_AT_ONCE = 100
_TRIES = 5


class Erase:
    """Erases users. The name is free at once; their messages become tombstones, their groups are left, their files and
    everything else that was kept of them go in rounds of housekeeping, which any worker takes up where another stopped.

    What stays: the id as part of what a direct conversation is called, for the other user; what others wrote; references of
    sends, until they end by themselves.
    """

    def __init__(
        self,
        store: ErasureStore,
        dropping: Dropping,
        users: UserStore,
        groups: GroupStore,
        topics: TopicStore,
        relations: RelationStore,
        files: FileStore,
        tenants: Tenants,
        clock: Clock,
    ) -> None:
        self._store = store
        self._dropping = dropping
        self._users = users
        self._groups = groups
        self._topics = topics
        self._relations = relations
        self._files = files
        self._tenants = tenants
        self._clock = clock

    async def user(self, tenant: Tenant, name: str, *, folded: bool = False) -> bool:
        """Begin to erase a user, registered or only addressed; false for an unknown name. Views of the tenant are older than
        the store's afterwards. Whoever takes the name next is another user and inherits nothing.

        Raises *forbidden* with reason `reserved` for a reserved name, *bad request* for one that can't be held.
        """
        check_free(tenant, name, "user")
        key = await self._users.known_key(tenant, name, folded)
        if key is None:
            return False
        erasure = Erasure(tenant.number, tenant.generation, key, self._clock.now())
        await self._store.add(erasure)
        await self._forget_names(tenant, erasure)
        return True

    async def users(self, tenant: Tenant, users: Sequence[UserKey]) -> None:
        """Begin to erase several users. Once the first has begun, the others follow whatever becomes of the tenant meanwhile,
        so this never raises `StaleTenant`: whoever repeats a request because of it would choose others."""
        began = self._clock.now()
        erasures = [Erasure(tenant.number, tenant.generation, user, began) for user in users]
        for erasure in erasures:
            await self._store.add(erasure)
        for erasure in erasures:
            for _ in range(_TRIES):
                current = (await self._tenants.numbered({erasure.tenant})).get(erasure.tenant)
                if current is None or current.generation != erasure.generation:
                    break
                with suppress(StaleTenant):
                    await self._forget_names(current, erasure)
                    break

    async def round(self) -> bool:
        """Erase some; false when there was nothing to erase. Raises *store unavailable*, `StaleTenant`."""
        erasure = await self._store.any()
        if erasure is None or await self._store.is_paused():
            return False
        tenant = (await self._tenants.numbered({erasure.tenant})).get(erasure.tenant)
        if tenant is None or tenant.generation != erasure.generation:
            await self._store.drop(erasure)
            return True
        if erasure.partition == NAMES:
            await self._forget_names(tenant, erasure)
            return True
        done = 0
        for _ in range(_CALLS_A_ROUND):
            more, conversation = await self._store.erase(tenant, erasure, done)
            if conversation:
                await self._forget_outside(tenant, erasure, conversation)
            elif not more and not await self._files.remove_of(tenant, erasure.partition, erasure.user.number):
                following = await self._store.advance(erasure)
                if following is None:
                    await self._store.finish(tenant, erasure.user)
                    break
                erasure = following
            done = conversation
        return True

    async def _forget_names(self, tenant: Tenant, erasure: Erasure) -> None:
        await self._store.forget_names(tenant, erasure.user)
        # Workers know the name's old number until the tenant has another version; nobody schedules anything under it then.
        tenant = await self._tenants.count_erasure(tenant.name)
        await self._store.forget_due(tenant, erasure.user)
        await self._store.advance(erasure)

    async def _forget_outside(self, tenant: Tenant, erasure: Erasure, conversation: int) -> None:
        """What a conversation's partition does not know of, or what is packed."""
        await self._dropping.drop_links(tenant, conversation, erasure.user.number)
        identity, users = await self._store.identity(tenant, conversation)
        for user in users:
            await self._relations.unlist(tenant, user, erasure.user.number)
        parties = parties_of(identity)
        if isinstance(parties, int):
            await self._leave_group(tenant, erasure, parties)
        await self._leave_topics(tenant, erasure, identity)

    async def _leave_group(self, tenant: Tenant, erasure: Erasure, number: int) -> None:
        found = await self._groups.read(tenant, number, members=False)
        if found is not None and _is_of(erasure.user, found[0].owner, found[0].created, erasure.began):
            await self._groups.update(tenant, number, {"owner": ""}, self._clock.now(), owner=0, makes_room=True)

    async def _leave_topics(self, tenant: Tenant, erasure: Erasure, identity: str) -> None:
        after = 0
        while page := await self._topics.page(tenant, identity, after, _TOPICS_AT_ONCE):
            for topic in page:
                if _is_of(erasure.user, topic.creator, topic.created, erasure.began):
                    await self._topics.update(tenant, topic.number, {"creator": ""}, makes_room=True)
            after = page[-1].number


def _is_of(user: UserKey, owner: str, created: int, began: int) -> bool:
    """Whether this user owns what was created then: the name may be another's by now."""
    return owner == user.id and created <= began
