"""Which server holds which partition: one for all, or the masters of a cluster; and whether its layout is ours."""

import asyncio
import contextlib

import hiredis

from core.errors import Failure, Kind
from core.store import scripts
from core.store.address import Address, StoreUrl
from core.store.connection import Argument, Connection, ConnectionLost, QueueFull, Reply, pack
from core.store.keys import PARTITIONS, SCHEMA_VERSION, TAGS, slot_of, system_key

_OPEN_PAUSE = 0.1
_LOOK_AGAIN = 0.05
_SLOTS = [slot_of(tag) for tag in TAGS[:PARTITIONS]]
_AWAY = (ConnectionLost, QueueFull, TimeoutError)


class Topology:
    """Connections to all servers that hold partitions, kept up in the background from `start` to `close`."""

    def __init__(self, url: StoreUrl) -> None:
        self._seed = url.address
        self._cluster = url.cluster
        self._connections: dict[Address, Connection] = {}
        self._by_partition: list[Connection] = []
        self._opened = asyncio.Event()
        self._opener: asyncio.Task[None] | None = None
        self._refresher: asyncio.Task[None] | None = None
        self._problem = "no answer"
        self.refusal: Failure | None = None
        """Why this store's layout is not ours, once it is known."""

    @property
    def problem(self) -> str:
        """Why there is no connection yet, safe to show: it names the server and what it answered."""
        seed = self._connections.get(self._seed)
        return f"{self._seed}: {(seed.problem if seed else None) or self._problem}"

    def start(self) -> None:
        """Begin to connect."""
        self._opener = asyncio.get_running_loop().create_task(self._open(), name="store opening")

    async def opened(self) -> None:
        """Wait until every partition's server is known and the layout checked."""
        await self._opened.wait()

    async def close(self) -> None:
        """End all connections; commands in flight fail."""
        for task in (self._opener, self._refresher):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        await asyncio.gather(*(connection.close() for connection in self._connections.values()))

    def submit(self, partition: int, command: bytes) -> asyncio.Future[Reply] | None:
        """Send a command to a partition's server; none while there is no connection. Raises `QueueFull`."""
        try:
            return self._by_partition[partition].submit(command)
        except (ConnectionLost, IndexError):
            return None

    async def ready(self, partition: int) -> None:
        """Wait until a partition's server is connected, wherever the partition moves meanwhile. Raises the refusal."""
        await self._opened.wait()
        if self.refusal:
            raise self.refusal
        while True:
            try:
                async with asyncio.timeout(_LOOK_AGAIN if self._cluster else None):
                    return await self._by_partition[partition].ready()
            except TimeoutError:
                self.refresh()

    def one_partition_each(self) -> list[int]:
        """A partition of every server."""
        return list({connection.address: number for number, connection in enumerate(self._by_partition)}.values())

    def servers(self) -> list[Address]:
        """The server of each partition; empty before they are known."""
        return [connection.address for connection in self._by_partition]

    def refresh(self) -> None:
        """Find out anew, in the background, which server holds which partition."""
        if self._cluster and (self._refresher is None or self._refresher.done()):
            self._refresher = asyncio.get_running_loop().create_task(self._refresh(), name="cluster slots")

    async def _refresh(self) -> None:
        with contextlib.suppress(*_AWAY):
            self._by_partition = await self._read_slots()

    async def _open(self) -> None:
        while True:
            try:
                if self._cluster:
                    by_partition = await self._read_slots()
                else:
                    seed = self._connection(self._seed)
                    await seed.ready()
                    by_partition = [seed] * PARTITIONS
                self.refusal = await _check_schema(by_partition[0])
            except _AWAY as problem:
                self._problem = str(problem) or "no answer"
                await asyncio.sleep(_OPEN_PAUSE)
            else:
                self._by_partition = by_partition
                self._opened.set()
                return

    def _connection(self, address: Address) -> Connection:
        connection = self._connections.get(address)
        if connection is None:
            connection = Connection(address, [("SCRIPT", "LOAD", script.text) for script in scripts.ALL])
            self._connections[address] = connection
            connection.start()
        return connection

    async def _read_slots(self) -> list[Connection]:
        """Ask any reachable node which node serves which partition."""
        known = list(self._connections.values()) or [self._connection(self._seed)]
        waits = [asyncio.ensure_future(connection.ready()) for connection in known]
        try:
            async with asyncio.timeout(1):
                done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        asked = known[waits.index(done.pop())]
        by_partition: dict[int, Connection] = {}
        for first, last, master, *_ in await _answer(asked, "CLUSTER", "SLOTS"):
            host = master[0].decode() if master[0] else asked.address.host
            for partition, slot in enumerate(_SLOTS):
                if first <= slot <= last:
                    by_partition[partition] = self._connection(self._seed.at(host, master[1]))
        if len(by_partition) < PARTITIONS:
            raise ConnectionLost("the cluster does not serve all slots")
        return [by_partition[partition] for partition in range(PARTITIONS)]


async def _answer(connection: Connection, *command: Argument) -> Reply:
    reply = await connection.submit(pack(command))
    if isinstance(reply, hiredis.ReplyError):
        raise ConnectionLost(str(reply))
    return reply


async def _check_schema(connection: Connection) -> Failure | None:
    """The first gateway writes which layout the store has; a later one refuses a layout that it does not know."""
    ours = f"{SCHEMA_VERSION} {PARTITIONS}"
    key = system_key("schema")
    if await _answer(connection, "GET", key) is None:  # a full server refuses any SET, and can still be read
        await _answer(connection, "SET", key, ours, "NX")
    found = (await _answer(connection, "GET", key)).decode()
    version, _, partitions = found.partition(" ")
    if found == ours:
        return None
    if version.isdigit() and int(version) > SCHEMA_VERSION:
        text = f"The store has schema version {version}; this gateway knows {SCHEMA_VERSION}. Use a newer gateway."
    else:
        text = f"The store has schema version {version} with {partitions} partitions; this gateway has {ours!r}."
    return Failure(Kind.STORE_UNAVAILABLE, text, reason="schema")
