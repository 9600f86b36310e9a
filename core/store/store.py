"""The store as the use cases see it: run a script in a partition, on one server or a cluster, within a second or not at
all.

Errors: `StaleTenant` (nothing was done), a *store unavailable* failure (perhaps done: repeat with the same reference), a
*rate limited* failure where a script says so.
"""

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from typing import Any

import hiredis

from core.errors import Failure, Kind, StaleTenant, store_unavailable
from core.ids import Ids
from core.model import Tenant
from core.store import scripts
from core.store.address import Address, parse_url
from core.store.connection import Argument, Connection, ConnectionLost, QueueFull, Reply, pack
from core.store.keys import PARTITIONS, SCHEMA_VERSION, TAGS, slot_of, system_key, tenant_key
from core.store.scripts import Script

DEADLINE = 0.9
"""Seconds after which a call that had no answer fails."""
_PAUSE = 0.02
_MAXIMUM_TRIES = 60
_WAIT_AND_REPEAT = ("TRYAGAIN", "CLUSTERDOWN", "LOADING", "MASTERDOWN", "BUSY", "READONLY")
_REFUSES_TO_WRITE = ("OOM", "MISCONF", "NOREPLICAS")
_SLOTS = [slot_of(tag) for tag in TAGS[:PARTITIONS]]

Work = tuple[Script, int, Sequence[Argument]]
"""A script, the partition to run it in, its arguments after version and generation."""


class Store:
    """Connections to all servers that hold partitions. Make one with `open`; one event loop only."""

    def __init__(self, url: str) -> None:
        parsed = parse_url(url)
        self._seed = parsed.address
        self._cluster = parsed.cluster
        self._connections: dict[Address, Connection] = {}
        self._by_partition: list[Connection] = []
        self._opened = asyncio.Event()
        self._refusal: Failure | None = None
        self._opener: asyncio.Task[None] | None = None
        self._refresher: asyncio.Task[None] | None = None
        self._ids: dict[tuple[int, int], Ids] = {}

    @classmethod
    async def open(cls, url: str, *, wait: bool = True) -> "Store":
        """Connect. With `wait`, raises *store unavailable* when there is no store within 3 seconds, and the refusal of
        `check_schema`; without, calls fail until there is one."""
        store = cls(url)
        store._opener = asyncio.get_running_loop().create_task(store._open(), name="store opening")
        if wait:
            try:
                await asyncio.wait_for(store._opened.wait(), 3)
            except TimeoutError:
                problem = store._connections[store._seed].problem if store._seed in store._connections else None
                await store.close()
                raise store_unavailable(f"No store at {store._seed}: {problem or 'no answer'}") from None
            if store._refusal:
                await store.close()
                raise store._refusal
        return store

    async def close(self) -> None:
        """End all connections; calls in flight fail."""
        for task in (self._opener, self._refresher):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        await asyncio.gather(*(connection.close() for connection in self._connections.values()))

    def ids(self, tenant: Tenant) -> Ids:
        """The id forms of a tenant in its generation."""
        key = (tenant.number, tenant.generation)
        found = self._ids.get(key)
        if found is None:
            if len(self._ids) >= 10_000:
                self._ids.clear()
            found = self._ids[key] = Ids(tenant.secret, tenant.generation)
        return found

    async def call(self, tenant: Tenant, script: Script, partition: int, *arguments: Argument) -> Reply:
        """Run one script of a tenant in a partition."""
        command = pack(
            (
                b"EVALSHA",
                script.sha,
                1,
                tenant_key(partition, tenant.number),
                tenant.version,
                tenant.generation,
                *arguments,
            )
        )
        return await self._run(command, partition, tenant.number, script)

    async def calls(self, tenant: Tenant, works: Iterable[Work]) -> list[Reply]:
        """Run several scripts of a tenant, all sent at once; the answers in their order. The first failure is raised; the
        others may have been done."""
        loop = asyncio.get_running_loop()
        sent: list[tuple[bytes, int, Script, asyncio.Future[Reply] | None]] = []
        for script, partition, arguments in works:
            key = tenant_key(partition, tenant.number)
            command = pack((b"EVALSHA", script.sha, 1, key, tenant.version, tenant.generation, *arguments))
            sent.append((command, partition, script, self._submit(command, partition)))
        started = loop.time()
        replies = []
        for command, partition, script, future in sent:
            replies.append(await self._settle(command, partition, tenant.number, script, future, started))
        return replies

    async def command(self, partition: int, *arguments: Argument) -> Reply:
        """Run a plain command on the server of a partition; it must be safe to repeat."""
        return await self._run(pack(arguments), partition, None, None)

    async def run_system(self, script: Script, key: str, *arguments: Argument) -> Reply:
        """Run a script of the gateway's own (no tenant) on a key of partition 0."""
        command = pack((b"EVALSHA", script.sha, 1, key, *arguments))
        return await self._run(command, 0, None, script)

    async def ping(self) -> None:
        """A round trip to every server that holds a partition."""
        if not self._by_partition:
            await self.command(0, "PING")
        first_of = {connection.address: partition for partition, connection in enumerate(self._by_partition)}
        await asyncio.gather(*(self.command(partition, "PING") for partition in first_of.values()))

    def _submit(self, command: bytes, partition: int) -> asyncio.Future[Reply] | None:
        try:
            return self._by_partition[partition].submit(command)
        except (ConnectionLost, IndexError):
            return None
        except QueueFull:
            raise store_unavailable("Too many requests wait for the message store") from None

    async def _run(self, command: bytes, partition: int, tenant: int | None, script: Script | None) -> Reply:
        started = asyncio.get_running_loop().time()
        future = self._submit(command, partition)
        return await self._settle(command, partition, tenant, script, future, started)

    async def _settle(
        self,
        command: bytes,
        partition: int,
        tenant: int | None,
        script: Script | None,
        future: asyncio.Future[Reply] | None,
        started: float,
    ) -> Reply:
        """Wait for an answer; repeat what is worth repeating until the deadline."""
        for _ in range(_MAXIMUM_TRIES):
            if future is None:
                await self._until_connected(partition, started)
                future = self._submit(command, partition)
                if future is None:
                    continue
            try:
                reply = await future
            except ConnectionLost:
                future = None
                if self._cluster:
                    self._refresh()
                continue
            if not isinstance(reply, hiredis.ReplyError):
                return reply
            future = await self._after_error(str(reply), command, partition, tenant, script, started)
        raise store_unavailable()

    async def _after_error(
        self, text: str, command: bytes, partition: int, tenant: int | None, script: Script | None, started: float
    ) -> asyncio.Future[Reply] | None:
        """What follows on an error answer: a failure, or the next try."""
        code = text.split(" ", 1)[0]
        if code == "STALE" and tenant is not None:
            raise StaleTenant(tenant)
        if code == "AHEAD":
            raise Failure(Kind.RATE_LIMITED, "Too many messages in one conversation", retry_after_ms=1000)
        if code in ("FULL", "QUEUE"):
            raise Failure(Kind.STORE_UNAVAILABLE, "The message store is full", reason="full", retry_after_ms=5000)
        if code in _REFUSES_TO_WRITE:
            raise Failure(
                Kind.STORE_UNAVAILABLE, "The message store takes no writes", reason="full", retry_after_ms=5000
            )
        if code == "NOSCRIPT" and script is not None:
            self._submit(pack(("SCRIPT", "LOAD", script.text)), partition)
            return self._submit(command, partition)
        if code == "ASK":
            host, port = text.split()[2].rsplit(":", 1)
            connection = self._connection(self._seed.at(host or self._by_partition[partition].address.host, int(port)))
            await self._wait(connection.ready(), started)
            try:
                connection.submit(pack(("ASKING",)))
                return connection.submit(command)
            except ConnectionLost:
                return None
        if code == "MOVED":
            self._refresh()
        elif code not in _WAIT_AND_REPEAT:
            raise RuntimeError(f"the store answered: {text}")
        await self._wait(asyncio.sleep(_PAUSE), started)
        return None

    async def _until_connected(self, partition: int, started: float) -> None:
        await self._wait(self._opened.wait(), started)
        if self._refusal:
            raise self._refusal
        # In a cluster the partition may move to another server while this one is away.
        ready = self._by_partition[partition].ready()
        await self._wait(asyncio.wait_for(ready, _PAUSE) if self._cluster else ready, started, patient=self._cluster)

    async def _wait(self, awaited: Any, started: float, *, patient: bool = False) -> None:
        left = started + DEADLINE - asyncio.get_running_loop().time()
        if left <= 0:
            awaited.close()
            raise store_unavailable()
        deadline = asyncio.get_running_loop().time() + left
        try:
            async with asyncio.timeout_at(deadline):
                await awaited
        except TimeoutError:
            if not patient or asyncio.get_running_loop().time() >= deadline:
                raise store_unavailable() from None

    async def _open(self) -> None:
        for attempt in range(1_000_000_000):
            if attempt:
                await asyncio.sleep(0.1)
            try:
                if not self._cluster:
                    connection = self._connection(self._seed)
                    await connection.ready()
                    self._by_partition = [connection] * PARTITIONS
                else:
                    await self._read_slots()
                self._refusal = await self._check_schema()
            except (ConnectionLost, TimeoutError):
                continue
            self._opened.set()
            return

    async def _check_schema(self) -> Failure | None:
        """The first gateway writes which layout the store has; a later one refuses a layout that it does not know."""
        ours = f"{SCHEMA_VERSION} {PARTITIONS}"
        connection = self._by_partition[0]
        key = system_key("schema")
        await connection.submit(pack(("SET", key, ours, "NX")))
        reply = await connection.submit(pack(("GET", key)))
        if isinstance(reply, hiredis.ReplyError):
            raise ConnectionLost(str(reply))
        found = reply.decode()
        if found == ours:
            return None
        version, _, partitions = found.partition(" ")
        if version.isdigit() and int(version) > SCHEMA_VERSION:
            text = f"The store has schema version {version}; this gateway knows {SCHEMA_VERSION}. Use a newer gateway."
        else:
            text = f"The store has schema version {version} with {partitions} partitions; this gateway has {ours!r}."
        return Failure(Kind.STORE_UNAVAILABLE, text, reason="schema")

    def _connection(self, address: Address) -> Connection:
        connection = self._connections.get(address)
        if connection is None:
            connection = Connection(address, [("SCRIPT", "LOAD", script.text) for script in scripts.ALL])
            self._connections[address] = connection
            connection.start()
        return connection

    def _refresh(self) -> None:
        if self._refresher is None or self._refresher.done():
            self._refresher = asyncio.get_running_loop().create_task(self._refresh_slots(), name="cluster slots")

    async def _refresh_slots(self) -> None:
        with contextlib.suppress(ConnectionLost, TimeoutError, QueueFull):
            await self._read_slots()

    async def _read_slots(self) -> None:
        """Ask any reachable node which node serves which partition."""
        known = list(self._connections.values()) or [self._connection(self._seed)]
        async with asyncio.timeout(1):
            waits = [asyncio.ensure_future(connection.ready()) for connection in known]
            try:
                done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()
            asked = known[waits.index(done.pop())]
            reply = await asked.submit(pack(("CLUSTER", "SLOTS")))
        if isinstance(reply, hiredis.ReplyError):
            raise ConnectionLost(str(reply))
        by_partition: list[Connection | None] = [None] * PARTITIONS
        for first, last, master, *_ in reply:
            host = master[0].decode() if master[0] else asked.address.host
            for partition, slot in enumerate(_SLOTS):
                if first <= slot <= last:
                    by_partition[partition] = self._connection(self._seed.at(host, master[1]))
        served = [connection for connection in by_partition if connection is not None]
        if len(served) < PARTITIONS:
            raise ConnectionLost("the cluster does not serve all slots")
        self._by_partition = served
