"""Use cases of receipts: what became of a message, and what was reported in a conversation."""

from core.errors import Failure, Kind, check_limit
from core.model import Report, Tenant, UserReceipt
from core.store.receipts import ReceiptStore


class Receipts:
    """The receipts of all conversations. They come of `Conversations.delivered` and `Conversations.read`."""

    def __init__(self, store: ReceiptStore) -> None:
        self._store = store

    async def of(self, tenant: Tenant, message: int, *, after: int = 0, limit: int = 1_000) -> list[UserReceipt]:
        """When a message reached whom and who read it when: one row for each user who could get it, but not its sender, in
        the order of the users' numbers. In large groups at most `limit` rows, of users with a number above `after`.

        Of each user the newest 500 steps are known; what came before the oldest of them has its time. Of imported messages
        it is only known who could get them. Raises *not found* with reason `message`, *bad request* with reason
        `page` for a `limit` that is not 1 to 5,000.
        """
        check_limit(limit)
        found = await self._store.of(tenant, message, after, limit)
        if found is None:
            raise Failure(Kind.NOT_FOUND, "No such message", reason="message", subject=str(message))
        return found

    async def reports(
        self, tenant: Tenant, first: str, second: str, *, cursor: int = 0, limit: int = 100, newest_first: bool = False
    ) -> tuple[list[Report], int, int]:
        """The log of what was delivered and read in the direct conversation of two users. Reports are numbered from 1
        without gaps; the newest 10,000 are kept.

        Gives those after the number `cursor` (0: from the oldest), or with `newest_first` those before it (0: from the
        newest), at most `limit`; then the numbers of the oldest one that is kept and of the newest. A cursor below the
        first of these has missed some. Raises *bad request* with reason `page` for a `limit` that is not 1 to 5,000.
        """
        check_limit(limit)
        return await self._store.reports(tenant, first, second, cursor, limit, newest_first=newest_first)
