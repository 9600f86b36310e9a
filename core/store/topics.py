"""Topics, in the partition of their conversation; which one that is, in the partition of the topic's number."""

from collections.abc import Sequence
from typing import Any

import msgspec

from core.errors import Failure, Kind
from core.ids import bucket_of
from core.model import Tenant, Topic
from core.store import scripts
from core.store.groups import HIGHEST_NUMBER
from core.store.keys import partition_of
from core.store.packing import encode_profile
from core.store.references import reference_arguments
from core.store.store import Store, Work

MAXIMUM_PROFILE_BYTES = 1 << 14
_TRIES = 20

_decode = msgspec.msgpack.Decoder(Topic).decode


class TopicStore:
    """The topics of all tenants, in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def new_number(self, tenant: Tenant) -> int:
        """A number that no topic of the tenant has."""
        number: int = await self._store.call(
            tenant, scripts.COUNTER, partition_of(tenant.number), "topic", 1, HIGHEST_NUMBER
        )
        return number

    async def create(
        self, tenant: Tenant, identity: str, topic: Topic, creator: int, reference: str | None, *, once: bool
    ) -> tuple[int, bool]:
        """Write a topic; gives the number of the one that is there now, and whether this reference made it."""
        packed = _packed(topic)
        # The number leads to its conversation before there is such a topic: a crash in between leaves nothing that shows.
        await self._store.call(tenant, scripts.PLACE_TOPIC, partition_of(topic.number), topic.number, identity)
        alias = topic.alias or ""
        if alias:
            await self._store.call(tenant, scripts.NAME_TOPIC, _partition(alias), alias, _digits(topic.number))
        once = once and alias != ""
        return await self._create(
            tenant, identity, alias, topic.created, reference, topic.number, packed, once, creator
        )

    async def find(
        self, tenant: Tenant, identity: str, alias: str, now: int, reference: str | None
    ) -> tuple[int, bool]:
        """What `create` with `once` would find; number 0 when it would write."""
        return await self._create(tenant, identity, alias, now, reference, 0, b"", True, 0)

    async def _create(
        self,
        tenant: Tenant,
        identity: str,
        alias: str,
        now: int,
        reference: str | None,
        number: int,
        packed: bytes,
        once: bool,
        creator: int,
    ) -> tuple[int, bool]:
        row = (identity, bucket_of(identity), number, packed, alias, 1 if once else 0, creator)
        arguments = (*reference_arguments(now, reference), *row)
        found, created = await self._store.call(tenant, scripts.CREATE_TOPIC, _partition(identity), *arguments)
        return found, bool(created)

    async def identity(self, tenant: Tenant, number: int) -> str | None:
        """The identity of the conversation that a topic belongs to."""
        found = await self._store.call(tenant, scripts.FIELDS, partition_of(number), "ti", number)
        return found[0].decode() if found[0] is not None else None

    async def read(self, tenant: Tenant, identity: str, numbers: Sequence[int]) -> list[Topic | None]:
        """Topics of a conversation by their numbers."""
        return [_topic(row) for row in await self._rows(tenant, identity, "numbers", *numbers)]

    async def several(self, tenant: Tenant, wanted: Sequence[tuple[str, int]]) -> list[Topic | None]:
        """Topics of several conversations, by identity and number."""
        numbers: dict[str, list[int]] = {}
        for identity, number in dict.fromkeys(wanted):
            numbers.setdefault(identity, []).append(number)
        works: list[Work] = [
            (scripts.READ_TOPICS, _partition(identity), (identity, "numbers", *some))
            for identity, some in numbers.items()
        ]
        found: dict[tuple[str, int], Topic | None] = {}
        replies = await self._store.calls(tenant, works)
        for (identity, some), rows in zip(numbers.items(), replies, strict=True):
            found.update(zip([(identity, number) for number in some], map(_topic, rows), strict=True))
        return [found[each] for each in wanted]

    async def named(self, tenant: Tenant, alias: str, after: int, limit: int) -> list[int]:
        """The numbers of topics with an alias, in order, whether they came to be or not."""
        numbers: list[int] = await self._store.call(
            tenant, scripts.TOPICS_NAMED, _partition(alias), alias, _digits(after), limit
        )
        return numbers

    async def places(self, tenant: Tenant, numbers: Sequence[int]) -> list[tuple[str, int]]:
        """The identities of the conversations of topics, each with the topic's number; those that have one."""
        works: list[Work] = [(scripts.FIELDS, partition_of(number), ("ti", number)) for number in numbers]
        found = await self._store.calls(tenant, works)
        return [
            (place[0].decode(), number) for place, number in zip(found, numbers, strict=True) if place[0] is not None
        ]

    async def newest(self, tenant: Tenant, identity: str, alias: str) -> Topic | None:
        """The newest topic with an alias."""
        return _topic((await self._rows(tenant, identity, "alias", alias))[0])

    async def page(self, tenant: Tenant, identity: str, after: int, limit: int) -> list[Topic]:
        """Topics of a conversation in the order of their numbers."""
        rows = await self._rows(tenant, identity, "after", after, limit)
        return [_decode(row) for row in rows if row is not None]

    async def update(
        self, tenant: Tenant, number: int, changes: dict[str, Any], *, makes_room: bool = False
    ) -> Topic | None:
        """Change fields of a topic; none when there is none. With `makes_room` it is done on a full server too."""
        identity = await self.identity(tenant, number)
        if identity is None:
            return None
        for _ in range(_TRIES):
            row = (await self._rows(tenant, identity, "numbers", number))[0]
            if row is None:
                return None
            topic = msgspec.structs.replace(_decode(row), **changes)
            arguments = (identity, number, row, _packed(topic))
            script = scripts.BLANK_TOPIC if makes_room else scripts.UPDATE_TOPIC
            if await self._store.call(tenant, script, _partition(identity), *arguments):
                return topic
        raise Failure(Kind.CONFLICT, "The topic is being changed by many at once", reason="topic")

    async def _rows(self, tenant: Tenant, identity: str, *arguments: str | int) -> list[bytes | None]:
        rows: list[bytes | None] = await self._store.call(
            tenant, scripts.READ_TOPICS, _partition(identity), identity, *arguments
        )
        return rows


def _digits(number: int) -> str:
    return f"{number:010d}"


def _partition(identity: str) -> int:
    return partition_of(bucket_of(identity))


def _packed(topic: Topic) -> bytes:
    return encode_profile(topic, MAXIMUM_PROFILE_BYTES, "topic")


def _topic(row: bytes | None) -> Topic | None:
    return _decode(row) if row is not None else None
