"""The log of a conversation: append, page, get, edit, recall, hide."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from core.errors import Failure, Kind, not_storable
from core.ids import BACKFILL, LIVE, Parties, Place, bucket_of, conversation_bucket, parties_of
from core.membership import Check
from core.model import (
    EVERYBODY,
    READABLE,
    SHOWN,
    Audience,
    Flag,
    Message,
    MessageKind,
    Progress,
    Receipt,
    Stored,
    Tenant,
    Window,
)
from core.store import scripts
from core.store.connection import Argument
from core.store.keys import partition_of
from core.store.records import body_of, encode
from core.store.references import reference_arguments
from core.store.store import Store, Work

APPENDS_AT_ONCE = 50
"""A broadcast goes out in pieces, so that it does not hold up everybody else's answers."""
OUTBOX_BOUND = 100_000
"""Entries a partition's outbox may hold before sends of tenants with a consumer are refused."""
MAXIMUM_MESSAGE_BYTES = 1 << 20
MAXIMUM_AUDIENCE = 100
"""Users that a message's audience may name: everybody who looks at the message looks at all of them."""
_HIDDEN_AT_ONCE = 200
_COUNTED = int(Flag.COUNTED)
_DELETED_ALREADY = 2
_CHANGED_MEANWHILE = 2
_DONE_BEFORE = 3
_NOBODY = 0
_TOMBSTONE = b""
_TRIES = 20
_MAXIMUM_CALLS = 1 << 20


class Append(msgspec.Struct, frozen=True):
    """One message for one conversation. `pair` are the users' numbers of a direct conversation in the order of its identity;
    empty for a group."""

    identity: str
    sender: int
    pair: tuple[int, ...]
    kind: MessageKind
    message: Message
    reference: str
    audience: Audience = EVERYBODY
    check: Check = Check.NONE
    external_id: str = ""


class Query(msgspec.Struct, frozen=True):
    """Which page of a conversation: `cursor` is what the page before gave (an exclusive time in ms; 0: from the end at which
    one starts), and `since <= time < until` in ms (0: open). `station` is the viewer's; without one a viewer sees what was
    sent to any of them. With a `topic` its messages alone; 0: all of the conversation's, in topics or not. With `progress` the
    page says how far its viewer has come, and the other user. As a `guest` who never was a member of the group sees what is
    for everybody."""

    limit: int
    newest_first: bool = True
    cursor: int = 0
    since: int = 0
    until: int = 0
    kinds: int = READABLE
    station: str = ""
    topic: int = 0
    progress: bool = False
    guest: bool = False


class Page(msgspec.Struct, frozen=True):
    """Messages in the order asked for. `cursor` goes on from here, 0 when there is no more; a page may be short, even
    empty, and still go on. `member`: whether the viewer is or was a member, or one of the two, which a
    conversation knows from its first message on; always true for an administrator. `progress` is there when it was asked for
    and there is such a conversation."""

    messages: Window
    cursor: int
    member: bool
    progress: Progress | None = None


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
                body, packed = append.message, _packed(append.message)
                if body.topic is not None and len({one.identity for one in appends}) > 1:
                    raise unknown_topic(body.topic)
            works.append(_append_work(tenant, append, packed, now))
        if len(works) == 1:
            ((script, partition, arguments),) = works
            replies = [await self._store.call(tenant, script, partition, *arguments)]
        else:
            replies = []
            for start in range(0, len(works), APPENDS_AT_ONCE):
                replies += await self._store.calls(tenant, works[start : start + APPENDS_AT_ONCE])
        message_id = self._store.ids(tenant).message
        receipts = []
        for append, reply in zip(appends, replies, strict=True):
            if not reply[0]:
                raise _refused(append, reply[1])
            conversation, sequence, time, repeated = reply
            message = message_id(conversation, LIVE if sequence > 0 else BACKFILL, abs(sequence))
            receipts.append(Receipt(message, conversation, sequence, time, bool(repeated)))
        return receipts

    async def page(
        self, tenant: Tenant, identity: str, viewer: int | None, query: Query, *, bulk: bool = False
    ) -> Page:
        """A page of a conversation; empty when there is none. `bulk` when it is one of very many."""
        script, partition, arguments = page_work(identity, viewer, query)
        reply = await self._store.call(tenant, script, partition, *arguments, bulk=bulk)
        return self.read_page(tenant, viewer, query, reply)

    def read_page(self, tenant: Tenant, viewer: int | None, query: Query, reply: list[Any]) -> Page:
        """The page in the answer to a `page_work`."""
        conversation, member, cursor = reply[:3]
        # Nobody is a member of a group without any trace.
        is_member = bool(member) and (conversation != 0 or viewer is None)
        progress = Progress(*reply.pop()) if query.progress and conversation else None
        return Page(self._store.messages(tenant, conversation, reply[3:]), cursor, is_member, progress)

    async def get(self, tenant: Tenant, message: int, viewer: int | None, station: str = "") -> Stored | None:
        """The message of an id as a viewer sees it (none: an administrator)."""
        found = await self._record(tenant, message, viewer, station)
        if found is None:
            return None
        place, record = found
        return self._store.messages(tenant, place.conversation, [place.signed, record])[0]

    async def _record(
        self, tenant: Tenant, message: int, viewer: int | None, station: str = ""
    ) -> tuple[Place, bytes] | None:
        place = self._store.ids(tenant).place(message)
        if place is None:
            return None
        arguments = (place.conversation, place.signed, "" if viewer is None else viewer, station)
        record = await self._store.call(tenant, scripts.GET, _partition(place), *arguments)
        return (place, record) if record is not None else None

    async def named(self, tenant: Tenant, conversation: int, external_id: str) -> int | None:
        """The message that has an external id in a conversation."""
        partition = partition_of(conversation_bucket(conversation))
        (found,) = await self._store.call(tenant, scripts.FIELDS, partition, f"be:{conversation}", external_id)
        if found is None:
            return None
        sequence = -int(found)
        return self._store.ids(tenant).message(conversation, LIVE if sequence > 0 else BACKFILL, abs(sequence))

    async def parties(self, tenant: Tenant, message: int) -> Parties | None:
        """Whose conversation a message of this id lies in; none when there is no such conversation."""
        place = self._store.ids(tenant).place(message)
        if place is None:
            return None
        identity = (await self._store.call(tenant, scripts.FIELDS, _partition(place), f"c:{place.conversation}", "i"))[
            0
        ]
        return parties_of(identity.decode()) if identity is not None else None

    async def edit(
        self, tenant: Tenant, message: int, change: Callable[[Stored], Message], now: int, reference: str | None
    ) -> Stored | None:
        """Replace what a message says by what `change` makes of it; none when it is gone."""
        referred = reference_arguments(now, reference)
        for _ in range(_TRIES):
            found = await self._record(tenant, message, None)
            if found is None:
                return None
            place, record = found
            stored = self._store.messages(tenant, place.conversation, [place.signed, record])[0]
            changed = change(stored)
            bodies = (body_of(record), _packed(changed))
            arguments = (*referred, place.conversation, place.signed, *bodies, outbox_bound(tenant))
            done = await self._store.call(tenant, scripts.EDIT, _partition(place), *arguments)
            if done == _NOBODY:
                return None
            if done == _DONE_BEFORE:
                return await self.get(tenant, message, None)
            if done != _CHANGED_MEANWHILE:
                return Stored(stored.id, stored.sequence, stored.time, stored.kind, changed)
        raise Failure(Kind.CONFLICT, "The message is being changed by many at once", reason="message")

    async def recall(self, tenant: Tenant, message: int, now: int) -> bool | None:
        """Make a message a tombstone; false when it was one, none when there is none. Of very many who left a group the lists
        follow in further steps: where one that was broken off is not repeated, the conversation keeps its old place there."""
        place = self._store.ids(tenant).place(message)
        if place is None:
            return None
        arguments = (now, place.conversation, place.signed, _TOMBSTONE, SHOWN, outbox_bound(tenant))
        done, time, more = await self._store.call(tenant, scripts.RECALL, _partition(place), *arguments)
        if more:
            await self._rewrite_rows(tenant, place, time)
        return None if done == _NOBODY else done != _DELETED_ALREADY

    async def _rewrite_rows(self, tenant: Tenant, place: Place, time: int) -> None:
        cursor: Argument = 0
        for _ in range(_MAXIMUM_CALLS):
            arguments = (place.conversation, time, SHOWN, cursor)
            following = await self._store.call(tenant, scripts.REWRITE_ROWS, _partition(place), *arguments, bulk=True)
            if following == b"0":
                return
            if following != b"again":
                cursor = following

    async def hide(self, tenant: Tenant, user: int, messages: Sequence[int]) -> list[bool]:
        """Delete messages for one user; an answer each: whether the user saw it until now."""
        by_conversation: dict[int, list[int]] = {}
        for index, message in enumerate(messages):
            place = self._store.ids(tenant).place(message)
            if place is not None:
                by_conversation.setdefault(place.conversation, []).append(index)
        works: list[Work] = []
        asked: list[list[int]] = []
        for conversation, rows in by_conversation.items():
            for start in range(0, len(rows), _HIDDEN_AT_ONCE):
                indexes = rows[start : start + _HIDDEN_AT_ONCE]
                places = [self._store.ids(tenant).place(messages[index]) for index in indexes]
                arguments: list[Argument] = [conversation, user, SHOWN, *(place.signed for place in places if place)]
                works.append((scripts.HIDE, partition_of(conversation_bucket(conversation)), arguments))
                asked.append(indexes)
        done = [False] * len(messages)
        for indexes, reply in zip(asked, await self._store.calls(tenant, works), strict=True):
            for index, hidden in zip(indexes, reply, strict=True):
                done[index] = bool(hidden)
        return done


def page_work(identity: str, viewer: int | None, query: Query) -> Work:
    """What gives a page of a conversation."""
    arguments = (
        identity,
        "" if viewer is None else viewer,
        query.kinds,
        1 if query.newest_first else 0,
        query.cursor,
        query.limit,
        query.since,
        query.until,
        query.station,
        query.topic,
        1 if query.progress else 0,
        1 if query.guest else 0,
    )
    return scripts.PAGE, partition_of(bucket_of(identity)), arguments


def check_audience(audience: Audience) -> None:
    """Raises *bad request* with reason `audience` for one that names too many users."""
    if max(len(audience.to or ()), len(audience.without)) > MAXIMUM_AUDIENCE:
        raise Failure(Kind.BAD_REQUEST, f"An audience names up to {MAXIMUM_AUDIENCE} users", reason="audience")


def _packed(message: Message) -> bytes:
    try:
        packed = encode(message)
    except (OverflowError, UnicodeEncodeError):
        raise not_storable() from None
    if len(packed) > MAXIMUM_MESSAGE_BYTES:
        raise Failure(Kind.TOO_LARGE, "The message is too large")
    return packed


def _partition(place: Place) -> int:
    return partition_of(conversation_bucket(place.conversation))


def outbox_bound(tenant: Tenant) -> int:
    """What a script is told of the outbox: how many entries it may hold, 0 when the tenant has no consumer."""
    return OUTBOX_BOUND if tenant.outbox else 0


def _append_work(tenant: Tenant, append: Append, packed: bytes, now: int) -> Work:
    bucket = bucket_of(append.identity)
    now, rows, period, reference = reference_arguments(now, append.reference)
    kind = append.kind
    if kind == MessageKind.MESSAGE and (append.audience.aside or append.audience.hidden):
        kind = MessageKind.HIDDEN if append.audience.hidden else MessageKind.ASIDE
    touches = 1 << kind & SHOWN
    flags = _COUNTED if kind == MessageKind.MESSAGE else 0
    audience = b""
    if append.audience is not EVERYBODY:
        flags, audience = _restricted(append.audience, append.sender, flags)
        touches = touches and not append.audience.online_only
    topic = append.message.topic
    arguments: list[Argument] = [
        now,
        append.identity,
        bucket,
        append.sender,
        reference,
        rows,
        period,
        int(kind),  # the packer takes plain integers only
        flags,
        1 if touches else 0,
        outbox_bound(tenant),
        audience,
        "" if topic is None else topic,
        packed,
        append.check,
        append.external_id,
        *append.pair,
    ]
    return scripts.APPEND, partition_of(bucket), arguments


def _restricted(audience: Audience, sender: int, flags: int) -> tuple[int, bytes]:
    """The flags, and the packed audience, of a message that is not for everybody. Nobody is kept from what he sent himself."""
    check_audience(audience)
    if audience.to is not None or audience.station is not None or audience.without:
        flags |= Flag.RESTRICTED
    if audience.online_only:
        flags |= Flag.ONLINE_ONLY
    if audience.to is not None or audience.online_only:
        flags &= ~Flag.COUNTED
    without = [user.number for user in audience.without if user.number != sender]
    addressees = (
        [user.number for user in audience.to if user.number not in without] if audience.to is not None else False
    )
    station = audience.station if audience.station is not None else False
    return int(flags), encode((addressees, station, without))


_REFUSALS = {
    1: (Kind.NOT_FOUND, "group", "The group was deleted"),
    2: (Kind.FORBIDDEN, "disabled", "The group is disabled"),
    3: (Kind.FORBIDDEN, "member", "The sender is no member of the group"),
    4: (Kind.FORBIDDEN, "blocked", "The group has blocked the sender"),
    5: (Kind.FORBIDDEN, "muted", "The sender is muted in the group"),
    6: (Kind.FORBIDDEN, "all_muted", "All members of the group are muted"),
    7: (Kind.FORBIDDEN, "blocked", "The recipient has blocked the sender"),
    8: (Kind.FORBIDDEN, "blocked", "The sender has blocked the recipient"),
}
"""What `append.lua` says."""


def _refused(append: Append, why: int) -> Failure:
    if why not in _REFUSALS:
        return unknown_topic(append.message.topic)
    kind, reason, text = _REFUSALS[why]
    parties = parties_of(append.identity)
    if isinstance(parties, int):
        return Failure(kind, text, reason=reason, subject=str(parties))
    recipient = parties[1] if append.sender == append.pair[0] else parties[0]
    return Failure(kind, text, reason=reason, subject=recipient)


def unknown_topic(topic: int | None) -> Failure:
    """The conversation has no such topic."""
    return Failure(Kind.NOT_FOUND, "The conversation has no such topic", reason="topic", subject=str(topic))
