"""Use cases of imports: history from elsewhere, with the times that it had there."""

from collections.abc import Sequence

import msgspec

from core.clock import Clock
from core.errors import Failure, Kind
from core.ids import direct_identity, group_identity
from core.messages import MAXIMUM_EXTERNAL_BYTES, kind_of
from core.model import Message, MessageKind, Receipt, Tenant, UserKey
from core.names import fits
from core.store.backfill import Backfill, Row
from core.store.log import MAXIMUM_MESSAGE_BYTES, unknown_topic
from core.store.packing import encode
from core.store.topics import TopicStore
from core.translation import Translation


class Import(msgspec.Struct, frozen=True):
    """A message to be imported. `external_id` names it in its conversation (1 to 512 bytes), `time` is when it was sent
    (epoch ms)."""

    external_id: str
    time: int
    sender: UserKey
    message: Message
    hidden: bool = False
    """For programs, as `Audience.hidden`."""


class Imports:
    """Imports into the conversations of all tenants.

    An imported message stands at its time among the others, is seen by who sees the live messages around it, and stands in
    the lists where it is the last that is shown. It is never unread or new, and nobody is told of it.
    """

    def __init__(self, backfill: Backfill, topics: TopicStore, translation: Translation, clock: Clock) -> None:
        self._backfill = backfill
        self._topics = topics
        self._translation = translation
        self._clock = clock

    async def direct(self, tenant: Tenant, first: UserKey, second: UserKey, imports: Sequence[Import]) -> list[Receipt]:
        """Import messages into the direct conversation of two users; one receipt each, in order.

        An external id that the conversation knows gives its first result and changes nothing: an import that was broken off
        is repeated as it was. A message moves to the next millisecond that no other message of the conversation has, in the
        order in which they are given.

        Raises before anything is stored: *bad request* with reason `time` for one that is not between the epoch and now,
        `sender` for who is not one of the two, `external_id`, *too large*, *not found* with reason `topic` for one that is
        not the conversation's, *unsupported* as `Translation.check` does. Raises afterwards, with what came before stored:
        *rate limited* when the next free time would be over half a second ahead of the clock, *store unavailable*.
        """
        for each in imports:
            if each.sender not in (first, second):
                raise _refused("sender", "The sender of a direct message is one of the two", each)
        numbers = (first.number, second.number) if first.id <= second.id else (second.number, first.number)
        return await self._add(tenant, direct_identity(first.id, second.id), numbers, imports)

    async def group(self, tenant: Tenant, group: int, imports: Sequence[Import]) -> list[Receipt]:
        """Import messages into a group (by number), like `direct`. Senders need not be members. The number may be one that is
        reserved but not created: then only senders see their own until it is."""
        return await self._add(tenant, group_identity(group), (), imports)

    async def _add(
        self, tenant: Tenant, identity: str, pair: tuple[int, ...], imports: Sequence[Import]
    ) -> list[Receipt]:
        now = self._clock.now()
        for each in imports:
            self._translation.check(tenant, each.message)
        rows = [_row(each, now) for each in imports]
        topics = sorted({row.topic for row in rows if row.topic is not None})
        if topics:
            for topic, found in zip(topics, await self._topics.read(tenant, identity, topics), strict=True):
                if found is None:
                    raise unknown_topic(topic)
        return await self._backfill.add(tenant, identity, pair, rows, now)


def _row(each: Import, now: int) -> Row:
    if not 0 < each.time <= now:
        raise _refused("time", "The time of an imported message is between the epoch and now", each)
    if not each.external_id or not fits(each.external_id, MAXIMUM_EXTERNAL_BYTES):
        raise _refused("external_id", f"An external id has 1 to {MAXIMUM_EXTERNAL_BYTES} bytes", each)
    body = encode(each.message)
    if len(body) > MAXIMUM_MESSAGE_BYTES:
        raise Failure(Kind.TOO_LARGE, "The message is too large", subject=each.external_id)
    message = each.message
    kind = kind_of(message)
    if each.hidden and kind == MessageKind.MESSAGE:
        kind = MessageKind.HIDDEN
    return Row(each.external_id, each.time, each.sender.number, kind, message.topic, body)


def _refused(reason: str, text: str, each: Import) -> Failure:
    return Failure(Kind.BAD_REQUEST, text, reason=reason, subject=each.external_id)
