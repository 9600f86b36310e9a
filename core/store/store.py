"""The store as the use cases see it: run a script in a partition, on one server or a cluster, within a second or not at
all.

Errors: `StaleTenant` (nothing was done), a *store unavailable* failure (perhaps done: repeat with the same reference), a
*rate limited* failure where a script says so, *bad request* with reason `value` for a text that is none.
"""

import asyncio
from collections.abc import Iterable, Sequence
from time import monotonic
from typing import Any

import hiredis
import msgspec

from core.errors import Failure, Kind, StaleTenant, not_storable, store_unavailable
from core.ids import Ids
from core.model import Tenant, Window
from core.store.address import Address, parse_url
from core.store.connection import Argument, ConnectionLost, QueueFull, Reply, pack
from core.store.keys import tenant_key
from core.store.records import Records
from core.store.scripts import Script
from core.store.topology import Topology

DEADLINE = 0.9
"""Seconds after which a call that had no answer fails."""
_OPEN_DEADLINE = 3
_PAUSE = 0.02
_MAXIMUM_TRIES = 60
_MAXIMUM_REMEMBERED_IDS = 10_000
# ASK is not followed: half of a partition's keys may not have moved yet, and a script would take them for missing.
_WAIT_AND_REPEAT = frozenset({"ASK", "MOVED", "TRYAGAIN", "CLUSTERDOWN", "LOADING", "MASTERDOWN", "BUSY", "READONLY"})

Work = tuple[Script, int, Sequence[Argument]]
"""A script, the partition to run it in, its arguments after version and generation."""


class _Sent(msgspec.Struct, eq=False):
    """A command on its way."""

    command: bytes
    partition: int
    script: Script | None
    tenant: int | None
    started: float
    """Seconds of `time.monotonic`, which is what event loops count in, too."""
    bulk: bool = False
    future: asyncio.Future[Reply] | None = None
    heard: bool = False
    """Whether the server answered at all, be it with an error."""


class Store:
    """The partitions of one store. Make one with `open`; it belongs to one event loop."""

    def __init__(self, url: str) -> None:
        self._topology = Topology(parse_url(url))
        self._ids: dict[tuple[int, int], Ids] = {}
        self._records = Records()

    @classmethod
    async def open(cls, url: str, *, wait: bool = True) -> "Store":
        """Connect. With `wait`, raises *store unavailable* when there is no store within 3 seconds, or when its layout is
        not ours (reason `schema`); without, calls fail until there is one."""
        store = cls(url)
        store._topology.start()
        if wait:
            try:
                async with asyncio.timeout(_OPEN_DEADLINE):
                    await store._topology.opened()
            except TimeoutError:
                problem = store._topology.problem
                await store.close()
                raise store_unavailable(f"No store at {problem}") from None
            if store._topology.refusal:
                await store.close()
                raise store._topology.refusal
        return store

    async def close(self) -> None:
        """End all connections; calls in flight fail."""
        await self._topology.close()

    def ids(self, tenant: Tenant) -> Ids:
        """The id forms of a tenant in its generation."""
        key = (tenant.number, tenant.generation)
        found = self._ids.get(key)
        if found is None:
            if len(self._ids) >= _MAXIMUM_REMEMBERED_IDS:
                self._ids.clear()
            found = self._ids[key] = Ids(tenant.secret, tenant.generation)
        return found

    def messages(self, tenant: Tenant, conversation: int, rows: Sequence[Any]) -> Window:
        """The messages of `[sequence, record, sequence, record, …]` of one conversation."""
        return self._records.read(tenant, self.ids(tenant), conversation, rows)

    async def call(
        self, tenant: Tenant, script: Script, partition: int, *arguments: Argument, bulk: bool = False
    ) -> Reply:
        """Run one script of a tenant in a partition. `bulk` is for long work, such as lists and exports: it goes over a
        connection of its own, so that nobody else's answers wait behind its own."""
        return await self._settle(self._send(tenant, script, partition, arguments, bulk))

    async def calls(self, tenant: Tenant, works: Iterable[Work], *, bulk: bool = False) -> list[Reply]:
        """Run several scripts of a tenant, all sent at once; the answers in their order. The first failure is raised; the
        others may have been done. `bulk` as in `call`."""
        sent = [self._send(tenant, script, partition, arguments, bulk) for script, partition, arguments in works]
        return [await self._settle(one) for one in sent]

    async def command(self, partition: int, *arguments: Argument) -> Reply:
        """Run a plain command on the server of a partition; it must be safe to repeat."""
        return await self._settle(self._submit(_Sent(_packed(arguments), partition, None, None, monotonic())))

    async def run_system(self, script: Script, key: str | bytes, *arguments: Argument, partition: int = 0) -> Reply:
        """Run a script that takes no tenant's view, on a key of a partition."""
        command = _packed((b"EVALSHA", script.sha, 1, key, *arguments))
        return await self._settle(self._submit(_Sent(command, partition, script, None, monotonic())))

    async def ping(self) -> None:
        """A round trip to every server that holds a partition."""
        partitions = self._topology.one_partition_each() or [0]
        await asyncio.gather(*(self.command(partition, "PING") for partition in partitions))

    def answers(self, partition: int) -> bool:
        """Whether it is worth asking a partition's server; if not, because it is too slow or gone, calls fail at once."""
        return self._topology.answers(partition)

    async def servers(self) -> list[Address]:
        """The server of each partition, as far as is known now; waits until the store is open. Raises *store unavailable* with
        reason `schema` when its layout is not ours."""
        await self._topology.opened()
        if self._topology.refusal:
            raise self._topology.refusal
        return self._topology.servers()

    def refresh_servers(self) -> None:
        """Find out anew, in the background, which server holds which partition."""
        self._topology.refresh()

    async def count_keys(self) -> int:
        """How many keys all servers have, whosoever they are."""
        partitions = self._topology.one_partition_each()
        return sum(await asyncio.gather(*(self.command(partition, "DBSIZE") for partition in partitions)))

    def _send(self, tenant: Tenant, script: Script, partition: int, arguments: Sequence[Argument], bulk: bool) -> _Sent:
        key = tenant_key(partition, tenant.number)
        try:
            command = pack((b"EVALSHA", script.sha, 1, key, tenant.version, tenant.generation, *arguments))
        except UnicodeEncodeError:  # half of a surrogate pair
            raise not_storable() from None
        return self._submit(_Sent(command, partition, script, tenant.number, monotonic(), bulk))

    def _submit(self, sent: _Sent) -> _Sent:
        try:
            sent.future = self._topology.submit(sent.partition, sent.command, sent.bulk)
        except QueueFull:
            raise store_unavailable("Too many requests wait for the message store") from None
        return sent

    async def _settle(self, sent: _Sent) -> Reply:
        """Wait for the answer; repeat what is worth repeating until the deadline."""
        try:
            if sent.future is not None:
                try:
                    # No timer here, which would cost more than all else: the connection itself ends this wait in time.
                    reply = await sent.future
                    if not isinstance(reply, hiredis.ReplyError):
                        return reply
                except ConnectionLost:
                    pass
            async with asyncio.timeout_at(sent.started + DEADLINE):
                return await self._insist(sent)
        except TimeoutError:
            if not sent.heard:
                self._topology.failed(sent.partition, sent.bulk)
            raise store_unavailable() from None

    async def _insist(self, sent: _Sent) -> Reply:
        """Repeat after an error answer, or after none."""
        for _ in range(_MAXIMUM_TRIES):
            try:
                if sent.future is None:
                    await self._topology.ready(sent.partition, sent.bulk)
                    self._submit(sent)
                    continue
                reply = await sent.future
                if not isinstance(reply, hiredis.ReplyError):
                    return reply
                sent.heard = True
                _raise_final(str(reply), sent)
                await self._repeat(str(reply), sent)
            except ConnectionLost:
                sent.future = None
                self._topology.refresh()
        raise TimeoutError

    async def _repeat(self, error: str, sent: _Sent) -> None:
        """Send again after an error that says how or when."""
        code = error.partition(" ")[0]
        if code == "NOSCRIPT" and sent.script is not None:
            self._topology.submit(sent.partition, pack(("SCRIPT", "LOAD", sent.script.text)), sent.bulk)
        elif code in _WAIT_AND_REPEAT:
            if code == "MOVED":
                self._topology.refresh()
            await asyncio.sleep(_PAUSE)
        else:
            raise RuntimeError(f"the store answered: {error}")
        self._submit(sent)


def _packed(words: tuple[Argument, ...]) -> bytes:
    try:
        return pack(words)
    except UnicodeEncodeError:
        raise not_storable() from None


def _raise_final(error: str, sent: _Sent) -> None:
    """Raise what an error answer means, unless repeating may help."""
    code = error.partition(" ")[0]
    if code == "STALE" and sent.tenant is not None:
        raise StaleTenant(sent.tenant)
    if code == "AHEAD":
        raise Failure(Kind.RATE_LIMITED, "Too many messages in one conversation", retry_after_ms=1000)
    if "access a non local key" in error:
        # Half of the partition's keys have moved to another server. Not repeated here: the script may have begun to write.
        raise store_unavailable("A part of the message store is moving")
    if code in ("NOAUTH", "NOPERM", "WRONGPASS"):
        raise store_unavailable(f"The message store refuses the gateway: {code}")
    if code in ("FULL", "QUEUE", "OOM", "MISCONF", "NOREPLICAS"):
        raise Failure(Kind.STORE_UNAVAILABLE, "The message store takes no more", reason="full", retry_after_ms=5000)
