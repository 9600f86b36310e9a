"""Use cases of conversation lists."""

from core.ids import direct_identity, group_identity
from core.model import Overview, Tenant, UserKey
from core.store.inbox import Inbox


class Conversations:
    """The conversation lists of all users."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    async def list(self, tenant: Tenant, user: UserKey, limit: int, before: int | None = None) -> list[Overview]:
        """A user's conversations, latest first, those whose last message is older than `before` (epoch milliseconds, all
        when none). At least `limit` rows if there are so many: rows of equal time stay on one page."""
        return await self._inbox.list(tenant, user, limit, before)

    async def direct(self, tenant: Tenant, user: UserKey, peer: str) -> Overview | None:
        """One row of the list: the direct conversation with `peer`; none when it has no message."""
        return await self._inbox.one(tenant, user, direct_identity(user.id, peer))

    async def group(self, tenant: Tenant, user: UserKey, group: int) -> Overview | None:
        """One row of the list: the group's conversation as this user sees it; none when there is nothing to see."""
        return await self._inbox.one(tenant, user, group_identity(group))
