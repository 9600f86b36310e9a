"""Which server holds which partition: one for all, or the masters of a cluster; and whether its layout is ours."""

import asyncio
import contextlib
from typing import NamedTuple

import hiredis

from core.errors import Failure, Kind, store_unavailable
from core.store import scripts
from core.store.address import Address, StoreUrl
from core.store.connection import Argument, Connection, ConnectionLost, QueueFull, Reply, pack
from core.store.keys import PARTITIONS, SCHEMA_VERSION, TAGS, slot_of, system_key

_OPEN_PAUSE = 0.1
_LOOK_AGAIN = 0.05
_LONG_WORK_AT_ONCE = 4
"""Commands of long work that one server is given at once: it works through all that it has got before it turns to others."""
_SLOTS = [slot_of(tag) for tag in TAGS[:PARTITIONS]]
_AWAY = (ConnectionLost, QueueFull, TimeoutError)


class _Server(NamedTuple):
    """One server's connections. The one for long work is made when it is first needed."""

    calls: Connection
    long_work: Connection


class Topology:
    """Connections to all servers that hold partitions, kept up in the background from `start` to `close`."""

    def __init__(self, url: StoreUrl) -> None:
        self._seed = url.address
        self._cluster = url.cluster
        self._servers: dict[Address, _Server] = {}
        self._by_partition: list[_Server] = []
        self._opened = asyncio.Event()
        self._opener: asyncio.Task[None] | None = None
        self._refresher: asyncio.Task[None] | None = None
        self._problem = "no answer"
        self.refusal: Failure | None = None
        """Why this store's layout is not ours, once it is known."""

    @property
    def problem(self) -> str:
        """Why there is no connection yet, safe to show: it names the server and what it answered."""
        return f"{self._seed}: {self._server(self._seed).calls.problem or self._problem}"

    def start(self) -> None:
        """Begin to connect."""
        self._opener = asyncio.get_running_loop().create_task(self._open(), name="store opening")

    async def opened(self) -> None:
        """Wait until every partition's server is known and the layout checked."""
        await self._opened.wait()

    async def close(self) -> None:
        """End all connections; commands in flight fail."""
        self._by_partition = []  # whoever still asks begins nothing
        for task in (self._opener, self._refresher):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        await asyncio.gather(*(connection.close() for server in self._servers.values() for connection in server))

    def submit(self, partition: int, command: bytes, bulk: bool = False) -> asyncio.Future[Reply] | None:
        """Send a command to a partition's server, with `bulk` on its connection for long work; none while that can't be.
        Raises `QueueFull`."""
        try:
            server = self._by_partition[partition]
            return (server.long_work if bulk else server.calls).submit(command)
        except (ConnectionLost, IndexError):
            return None

    async def ready(self, partition: int, bulk: bool = False) -> None:
        """Wait until a partition's server is connected, wherever the partition moves meanwhile. Raises the refusal, and
        *store unavailable* at once while that server is known to be too slow."""
        while True:
            connection = self._connection(partition, bulk)
            if connection.breaker.open:
                self.refresh()
                await asyncio.sleep(0)  # whoever repeats without end must not keep all others from their turn
                raise store_unavailable()
            try:
                async with asyncio.timeout(_LOOK_AGAIN if self._cluster else None):
                    await self._opened.wait()
                    if self.refusal:
                        raise self.refusal
                    return await connection.ready()
            except TimeoutError:
                self.refresh()

    def failed(self, partition: int, bulk: bool = False) -> None:
        """A call to a partition had no answer in time."""
        self._connection(partition, bulk).failed()

    def answers(self, partition: int) -> bool:
        """Whether it is worth asking a partition's server; if not, calls fail at once."""
        return not self._connection(partition, bulk=False).breaker.open

    def one_partition_each(self) -> list[int]:
        """A partition of every server."""
        return list({server.calls.address: number for number, server in enumerate(self._by_partition)}.values())

    def servers(self) -> list[Address]:
        """The server of each partition; empty before they are known."""
        return [server.calls.address for server in self._by_partition]

    def refresh(self) -> None:
        """Find out anew, in the background, which server holds which partition."""
        if self._cluster and self._by_partition and (self._refresher is None or self._refresher.done()):
            self._refresher = asyncio.get_running_loop().create_task(self._refresh(), name="cluster slots")

    async def _refresh(self) -> None:
        with contextlib.suppress(*_AWAY):
            self._by_partition = await self._read_slots()
        await asyncio.sleep(_LOOK_AGAIN)  # those who fail at once would have it asked without a pause

    async def _open(self) -> None:
        while True:
            try:
                if self._cluster:
                    by_partition = await self._read_slots()
                else:
                    seed = self._server(self._seed)
                    await seed.calls.ready()
                    by_partition = [seed] * PARTITIONS
                self.refusal = await _check_schema(by_partition[0].calls)
            except _AWAY as problem:
                self._problem = str(problem) or "no answer"
                await asyncio.sleep(_OPEN_PAUSE)
            else:
                if self.refusal is None:
                    self._by_partition = by_partition
                self._opened.set()
                return

    def _server(self, address: Address) -> _Server:
        server = self._servers.get(address)
        if server is None:
            load = [("SCRIPT", "LOAD", script.text) for script in scripts.ALL]
            server = _Server(
                Connection(address, load), Connection(address, [], purpose="long work", window=_LONG_WORK_AT_ONCE)
            )
            self._servers[address] = server
            server.calls.start()
        return server

    def _connection(self, partition: int, bulk: bool) -> Connection:
        """That of a partition; before its server is known, that of the server which was named to us."""
        server = self._by_partition[partition] if self._by_partition else self._server(self._seed)
        return server.long_work if bulk else server.calls

    async def _read_slots(self) -> list[_Server]:
        """Ask any reachable node which node serves which partition."""
        self._server(self._seed)
        known = [server.calls for server in self._servers.values()]
        waits = [asyncio.ensure_future(connection.ready()) for connection in known]
        try:
            async with asyncio.timeout(1):
                done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        asked = known[waits.index(done.pop())]
        by_partition: dict[int, _Server] = {}
        for first, last, master, *_ in await _answer(asked, "CLUSTER", "SLOTS"):
            host = master[0].decode() if master[0] else asked.address.host
            for partition, slot in enumerate(_SLOTS):
                if first <= slot <= last:
                    by_partition[partition] = self._server(self._seed.at(host, master[1]))
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
    text = f"The store has schema version {version} with {partitions} partitions; this gateway has {ours!r}."
    if version.isdigit() and int(version) > SCHEMA_VERSION:
        text = f"The store has schema version {version}; this gateway knows {SCHEMA_VERSION}. Use a newer gateway."
    elif version in ("1", "2", "3"):
        text = (
            f"The store has schema version {version}, made before the first release, and can't be read: start with an empty "
            "data folder (--data) or another database (--redis)"
        )
    return Failure(Kind.STORE_UNAVAILABLE, text, reason="schema")
