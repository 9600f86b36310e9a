"""What became of messages: when each user was delivered and read what, and the log of reports of direct conversations."""

from collections.abc import Sequence

import msgspec

from core.ids import LIVE, bucket_of, conversation_bucket, direct_identity, parties_of
from core.model import Report, Tenant, UserKey, UserReceipt
from core.store import scripts
from core.store.keys import partition_of
from core.store.store import Store

_USERS_AT_ONCE = 200

_decode = msgspec.msgpack.Decoder(tuple[str, str, str, int, int]).decode


class ReceiptStore:
    """The receipts of all conversations, in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def of(self, tenant: Tenant, message: int, after: int, limit: int) -> list[UserReceipt] | None:
        """What users with a number above `after` have of a message, in the order of their numbers; none when there is no such
        message."""
        place = self._store.ids(tenant).place(message)
        if place is None:
            return None
        partition, row = partition_of(conversation_bucket(place.conversation)), (place.conversation, place.signed)
        reply = await self._store.call(tenant, scripts.RECEIVERS, partition, *row)
        if reply is None:
            return None
        identity, sender, *users = reply
        names = _names(identity.decode(), users)
        numbers = sorted(number for number in {int(user) for user in users} if number > after and number != sender)
        found: list[UserReceipt] = []
        for start in range(0, len(numbers), _USERS_AT_ONCE):
            some = numbers[start : start + _USERS_AT_ONCE]
            reply = await self._store.call(tenant, scripts.RECEIPTS_OF, partition, *row, *some)
            for user, member, delivered, read in zip(*(reply[field::4] for field in range(4)), strict=True):
                # What was read was delivered then at the latest.
                first = min(delivered, read) if delivered and read else delivered or read
                found.append(
                    UserReceipt(UserKey(names.get(user) or member.decode(), user), first or None, read or None)
                )
            if len(found) >= limit:
                break
        return found[:limit]

    async def reports(
        self, tenant: Tenant, first: str, second: str, cursor: int, limit: int, *, newest_first: bool
    ) -> tuple[list[Report], int, int]:
        """A page of a direct conversation's reports, the number of the first one that is kept, and of the last."""
        identity = direct_identity(first, second)
        reply = await self._store.call(
            tenant,
            scripts.REPORTS,
            partition_of(bucket_of(identity)),
            identity,
            1 if newest_first else 0,
            cursor,
            limit,
        )
        conversation, *rest = reply
        if not conversation:
            return [], 1, 0
        pair, last, count, start, *rows = rest
        names = _names(identity, pair.split())
        message_id = self._store.ids(tenant).message
        reports = []
        for offset, row in enumerate(rows):
            user, station, what, sequence, time = _decode(row)
            number = start - offset if newest_first else start + offset
            message = message_id(conversation, LIVE, sequence)
            reports.append(Report(number, names.get(int(user)), station, what, message, sequence, time))
        return reports, last - count + 1, last


def _names(identity: str, users: Sequence[bytes]) -> dict[int, str]:
    """The ids of a direct conversation's users by their numbers; members' ids stand in their rows. One that only has topics
    so far does not know the numbers."""
    parties = parties_of(identity)
    return {} if isinstance(parties, int) else dict(zip(map(int, users), parties, strict=False))
