"""The log of a conversation: append, page, get."""

from collections.abc import Sequence

import msgspec

from core.errors import Failure, Kind
from core.ids import BACKFILL, LIVE, bucket_of, conversation_bucket
from core.model import SHOWN, Message, MessageKind, Receipt, Stored, Tenant
from core.store import scripts
from core.store.connection import Argument
from core.store.keys import partition_of
from core.store.records import encode, is_deleted
from core.store.references import reference_arguments
from core.store.store import Store, Work

APPENDS_AT_ONCE = 50
"""A broadcast goes out in pieces, so that it does not hold up everybody else's answers."""
OUTBOX_BOUND = 100_000
"""Entries a partition's outbox may hold before sends of tenants with a consumer are refused."""
MAXIMUM_MESSAGE_BYTES = 1 << 20


class Append(msgspec.Struct, frozen=True):
    """One message for one conversation. `inboxes` are the users' numbers of a direct conversation; empty for a group."""

    identity: str
    sender: int
    inboxes: tuple[int, ...]
    kind: MessageKind
    message: Message
    reference: str


class Query(msgspec.Struct, frozen=True):
    """Which page of a conversation: `cursor` is an exclusive sequence (0: from the end at which one starts), and
    `since <= time < until` in ms (0: open)."""

    limit: int
    newest_first: bool = True
    cursor: int = 0
    since: int = 0
    until: int = 0
    kinds: int = SHOWN


class Page(msgspec.Struct, frozen=True):
    """Messages in the order asked for. `cursor` goes on from here, 0 when there is no more; a page may be short, even
    empty, and still go on. `member`: whether the viewer is or was a member; always true of direct conversations, and of
    those to which nothing was ever sent."""

    messages: list[Stored]
    cursor: int
    member: bool


class Log:
    """The conversations' logs."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def append(self, tenant: Tenant, appends: Sequence[Append], now: int) -> list[Receipt]:
        """Append to several conversations, 50 at a time; see `core.messages.Messages.send_direct` for what it raises."""
        works = []
        body, packed = None, b""
        for append in appends:
            if append.message is not body:
                body, packed = append.message, encode(append.message)
                if len(packed) > MAXIMUM_MESSAGE_BYTES:
                    raise Failure(Kind.TOO_LARGE, "The message is too large")
            works.append(_append_work(tenant, append, packed, now))
        replies = []
        for start in range(0, len(works), APPENDS_AT_ONCE):
            replies += await self._store.calls(tenant, works[start : start + APPENDS_AT_ONCE])
        message_id = self._store.ids(tenant).message
        return [
            Receipt(message_id(conversation, LIVE, sequence), conversation, sequence, time, bool(repeated))
            for conversation, sequence, time, repeated in replies
        ]

    async def page(self, tenant: Tenant, identity: str, viewer: int | None, query: Query) -> Page:
        """A page of a conversation; empty when there is none."""
        reply = await self._store.call(
            tenant,
            scripts.PAGE,
            partition_of(bucket_of(identity)),
            identity,
            "" if viewer is None else viewer,
            query.kinds,
            1 if query.newest_first else 0,
            query.cursor,
            query.limit,
            query.since,
            query.until,
        )
        conversation, cursor = reply[0], reply[1]
        if cursor < 0:
            return Page([], 0, False)
        # Nobody is a member of a group without any trace.
        member = conversation != 0 or viewer is None
        return Page(self._store.messages(tenant, conversation, reply[2:]), cursor, member)

    async def get(self, tenant: Tenant, message: int) -> Stored | None:
        """The message of an id, unless it is deleted or there is none."""
        place = self._store.ids(tenant).place(message)
        if place is None or place.lane == BACKFILL:
            return None
        partition = partition_of(conversation_bucket(place.conversation))
        record = await self._store.call(tenant, scripts.GET, partition, place.conversation, place.sequence)
        if record is None or is_deleted(record):
            return None
        return self._store.messages(tenant, place.conversation, [place.sequence, record])[0]


def _append_work(tenant: Tenant, append: Append, packed: bytes, now: int) -> Work:
    bucket = bucket_of(append.identity)
    now, rows, period, reference = reference_arguments(now, append.reference)
    shown = 1 << append.kind & SHOWN
    arguments: list[Argument] = [
        now,
        append.identity,
        bucket,
        append.sender,
        reference,
        rows,
        period,
        int(append.kind),  # the packer takes plain integers only
        0,
        1 if append.kind == MessageKind.MESSAGE else 0,
        1 if shown else 0,
        OUTBOX_BOUND if tenant.outbox else 0,
        packed,
        *append.inboxes,
    ]
    return scripts.APPEND, partition_of(bucket), arguments
