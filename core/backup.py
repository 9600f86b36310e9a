"""Backups of a whole store, made while gateways serve from it, and their restoring into an empty one.

What is read in which order follows from what refers to what: a row that names messages or conversations is read before
them, so that it names nothing that is missing; what conversations need to be found (names, numbers, topics) is read after
them, so that nothing of theirs is missing. Each conversation is as it was at one moment, but for what users have of very large ones
(`ConversationReader`). Tenants come last.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, BinaryIO

import msgspec

from core.clock import Clock
from core.errors import Failure, Kind
from core.model import Tenant
from core.store.backup_file import End, Head, Part, Reader, Registered, Writer
from core.store.erasures import NAMES, Erasure, ErasureStore
from core.store.export import Export
from core.store.generation_reader import GenerationEnded, GenerationReader
from core.store.keys import PARTITIONS, SCHEMA_VERSION, partition_of
from core.store.restoring import Restoring
from core.store.store import Store
from core.store.tenants import TenantStore

_AT_ONCE = 8
_PAUSE_SECONDS = 15
_TRIES = 5


class Summary(msgspec.Struct):
    """What a backup holds."""

    tenants: int = 0
    conversations: int = 0
    messages: int = 0


class Backup:
    """Makes backups and restores them."""

    def __init__(self, store: Store, tenants: TenantStore, erasures: ErasureStore, clock: Clock) -> None:
        self._store = store
        self._tenants = tenants
        self._erasures = erasures
        self._restoring = Restoring(store, tenants)
        self._clock = clock

    async def write(self, file: BinaryIO) -> Summary:
        """Write everything into an open file, as it is while this goes on. Memory stays bounded by the largest conversation's
        members and recalled messages. Raises *store unavailable*, *conflict* with reason `tenant` for one that is reset again
        and again, and what writing to a file raises."""
        async with self._erasing_paused():
            known = await self._erasures.all()
            tenants = await self._tenants.all()
            writer, summary = Writer(file), Summary()
            head = Head(SCHEMA_VERSION, PARTITIONS, self._clock.now(), await self._tenants.last_number())
            writer.write(head)
            async for part in self._restoring.events():
                writer.write(part)
            kept = []
            for tenant in tenants:
                found = await self._write_tenant(writer, summary, tenant)
                if found is not None:
                    kept.append(found)
            for erasure in {each.field: each for each in [*known, *await self._erasures.all()]}.values():
                self._write_erasure(writer, erasure, kept)
            for tenant in kept:
                writer.write(Registered(tenant))
            writer.end()
        summary.tenants = len(kept)
        return summary

    async def restore(self, file: BinaryIO) -> None:
        """Write everything of a backup into an empty store; nothing of it is served before all is there. Raises *bad request*
        with reason `backup` for a file that is no whole backup of this schema, *conflict* with reason `store` for a store
        that is not empty, *store unavailable*."""
        reader = Reader(file)
        head = await asyncio.to_thread(reader.check)
        if not await self._restoring.is_empty():
            raise Failure(
                Kind.CONFLICT, "The store is not empty: a backup is restored into an empty one only", reason="store"
            )
        await self._restoring.reserve(head.tenants)
        for frame in reader.frames():
            match frame:
                case Part():
                    await self._restoring.write(frame)
                case Registered(tenant):
                    await self._restoring.register(tenant)
                case Head() | End():
                    pass

    async def _write_tenant(self, writer: Writer, summary: Summary, tenant: Tenant) -> Tenant | None:
        """One tenant, from the start when it was reset meanwhile; none when it was removed."""
        for _ in range(_TRIES):
            count = Summary()
            source = GenerationReader(self._store, self._tenants, tenant, writer.write)
            try:
                await _write_generation(source, Export(source, self._clock.now()), count)
                await source.reload()
            except GenerationEnded:
                # What was written of it goes once it is restored.
                for part in self._restoring.retired(tenant):
                    writer.write(part)
                found = (await self._tenants.numbered({tenant.number})).get(tenant.number)
                if found is None:
                    return None
                tenant = found
            else:
                summary.conversations += count.conversations
                summary.messages += count.messages
                return source.tenant
        raise Failure(Kind.CONFLICT, f"{tenant.name} is reset again and again", reason="tenant", subject=tenant.name)

    def _write_erasure(self, writer: Writer, erasure: Erasure, kept: list[Tenant]) -> None:
        """An erasure that is under way goes on in the restored store, from its start."""
        if (erasure.tenant, erasure.generation) in {(tenant.number, tenant.generation) for tenant in kept}:
            again = msgspec.structs.replace(erasure, partition=min(erasure.partition, NAMES + 1))
            writer.write(self._restoring.erasure(again))

    @asynccontextmanager
    async def _erasing_paused(self) -> AsyncIterator[None]:
        """An erasure that begins meanwhile would be missing in what was read before, and done with when it is looked for."""
        await self._erasures.pause()
        keeper = asyncio.get_running_loop().create_task(self._keep_paused(), name="backup pause")
        try:
            yield
        finally:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)
            await self._erasures.resume()

    async def _keep_paused(self) -> None:
        while True:
            await asyncio.sleep(_PAUSE_SECONDS)
            await self._erasures.pause()


async def _write_generation(source: GenerationReader, export: Export, count: Summary) -> None:
    for partition in range(PARTITIONS):
        await export.hash(partition, "i")
        await export.references(partition)
    for partition in range(PARTITIONS):
        conversations = await export.conversations(partition)

        async def write(conversation: int) -> None:
            count.messages += await export.conversation(conversation)
            count.conversations += 1

        await _several(write, conversations)
    for partition in range(PARTITIONS):
        for name in ("d", "ti"):
            await export.hash(partition, name)
        await export.names_of_topics(partition)
        await export.due(partition)
        await export.files(partition)
        await export.users(partition)
    for partition in range(PARTITIONS):
        await export.hash(partition, "k")
    await export.hash(partition_of(source.tenant.number), "q")


async def _several(act: Callable[[int], Coroutine[Any, Any, None]], numbers: list[int]) -> None:
    """A few at a time. After the first failure the others of the same few are waited for."""
    for start in range(0, len(numbers), _AT_ONCE):
        done = await asyncio.gather(*map(act, numbers[start : start + _AT_ONCE]), return_exceptions=True)
        for problem in done:
            if isinstance(problem, BaseException):
                raise problem
