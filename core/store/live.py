"""Connections that hear announcements: one to each server with a channel that somebody needs, kept up.

An open connection need not be one that still hears. So a probe goes out again and again over the store's command
connection and has to come back here: a connection is used once its first probe has come back, and given up as soon as one
does not.
"""

import asyncio
import random
import secrets
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from itertools import count
from typing import Protocol, cast

import hiredis

from core.clock import LAG_MS, Clock
from core.errors import Failure
from core.store.address import Address
from core.store.connection import CONNECT_TIMEOUT, Argument, ConnectionLost, Reply, connect, pack, sign_in
from core.store.keys import TAGS
from core.store.store import Store

PROBE_INTERVAL = 1.5
PROBE_ANSWER = 1.5
"""Seconds. A connection that hears nothing is found within both and the second that a call to the store may take."""
_PROBE_AGAIN = 0.1
_LONGEST_PAUSE = 1.0
_CHANNELS_AT_ONCE = 512


class Receiver(Protocol):
    """Who is told what the connections hear."""

    def received(self, channel: bytes, payload: bytes) -> None:
        """Something was published."""

    def heard(self, channel: bytes) -> None:
        """From now on nothing published on the channel is missed."""

    def lost(self, channel: bytes, since: int) -> None:
        """The channel is not heard any more; what was published before `since` (epoch milliseconds) was received."""


class Subscriptions:
    """What is heard of a store. It belongs to one event loop; `close` ends all connections and tasks."""

    def __init__(self, store: Store, clock: Clock, receiver: Receiver) -> None:
        self.store = store
        self.clock = clock
        self.receiver = receiver
        self._servers: list[Address] = []
        self._subscribers: dict[Address, _Subscriber] = {}

    @property
    def healthy(self) -> bool:
        """Whether everything that is wanted is heard, as far as is known."""
        return all(subscriber.healthy for subscriber in self._subscribers.values() if subscriber.channels)

    async def start(self) -> None:
        """Wait until the servers are known; to be called before `add`."""
        self.follow(await self.store.servers())

    def add(self, channels: Mapping[bytes, int]) -> None:
        """Hear these channels, given with their partitions, from the moment that `heard` says so."""
        for address, own in self._by_server(channels).items():
            if address not in self._subscribers:
                self._subscribers[address] = _Subscriber(self, address)
            self._subscribers[address].add(own)

    def remove(self, channels: Mapping[bytes, int]) -> None:
        """Hear these channels no more."""
        for address, own in self._by_server(channels).items():
            if address in self._subscribers:
                self._subscribers[address].remove(own)

    def follow(self, servers: list[Address]) -> None:
        """Hear each partition where it is now."""
        if servers == self._servers:
            return
        self._servers = servers
        for address, subscriber in list(self._subscribers.items()):
            moved = {name: number for name, number in subscriber.channels.items() if servers[number] != address}
            subscriber.remove(moved, lost=True)
            self.add(moved)

    def serves(self, address: Address) -> bool:
        """Whether the server holds any partition."""
        return address in self._servers

    def dismiss(self, address: Address) -> None:
        """Forget a server that holds no partition."""
        self._subscribers.pop(address, None)

    async def close(self) -> None:
        """End all connections."""
        subscribers, self._subscribers = list(self._subscribers.values()), {}
        await asyncio.gather(*(subscriber.close() for subscriber in subscribers))

    def _by_server(self, channels: Mapping[bytes, int]) -> dict[Address, dict[bytes, int]]:
        by_server: dict[Address, dict[bytes, int]] = {}
        for name, partition in channels.items():
            by_server.setdefault(self._servers[partition], {})[name] = partition
        return by_server


class _Wire(asyncio.Protocol):
    """The bytes of one connection."""

    def __init__(self, replied: Callable[[Reply], None], ended: Callable[["_Wire"], None]) -> None:
        self._replied = replied
        self._ended = ended
        self._reader = hiredis.Reader()
        self._transport: asyncio.Transport | None = None
        self.open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.open = True

    def send(self, commands: Iterable[tuple[Argument, ...]]) -> None:
        if self.open and self._transport is not None:
            self._transport.write(b"".join(map(pack, commands)))

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        try:
            while self.open and (reply := self._reader.gets()) is not False:
                self._replied(reply)
        except hiredis.ProtocolError:
            self.end()

    def end(self) -> None:
        if self._transport is not None:
            self._transport.abort()
        self.connection_lost(None)

    def connection_lost(self, _problem: Exception | None) -> None:
        if self.open:
            self.open = False
            self._ended(self)


class _Subscriber:
    """The connection to one server. `channels` are those it is to hear, with their partitions."""

    def __init__(self, owner: Subscriptions, address: Address) -> None:
        self.channels: dict[bytes, int] = {}
        self.healthy = False
        self._owner = owner
        self._address = address
        self._wire: _Wire | None = None
        self._probe = b""
        self._expected: asyncio.Future[None] | None = None
        self._expected_text: bytes | None = None
        self._proven = 0
        self._proved = False
        self._heard: set[bytes] = set()
        # How many answers to an unsubscription of this channel are to come: until then a confirmation is an old one.
        self._leaving: dict[bytes, int] = {}
        self._keeper = asyncio.get_running_loop().create_task(self._keep(), name=f"live events of {address}")

    def add(self, channels: Mapping[bytes, int]) -> None:
        self.channels.update(channels)
        if self._proved:
            self._subscribe(channels)

    def remove(self, channels: Iterable[bytes], *, lost: bool = False) -> None:
        names = list(channels)
        for name in names:
            del self.channels[name]
            if name in self._heard:
                self._heard.remove(name)
                if lost:
                    self._owner.receiver.lost(name, self._proven - LAG_MS)
        if self._proved and self._wire is not None:
            for name in names:
                self._leaving[name] = self._leaving.get(name, 0) + 1
            self._wire.send(("SUNSUBSCRIBE", name) for name in names)

    async def close(self) -> None:
        self._keeper.cancel()
        with suppress(asyncio.CancelledError):
            await self._keeper

    async def _keep(self) -> None:
        pause = 0.0
        while self._owner.serves(self._address):
            if pause:
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311
            try:
                await self._hear()
            except (OSError, TimeoutError, ConnectionLost, Failure, RuntimeError):
                # The last is an answer of the store that nobody expected.
                whole = self._proved and len(self._heard) == len(self.channels)
                pause = 0.0 if whole else min(_LONGEST_PAUSE, pause * 2 or 0.02)
            finally:
                self._lose()
        self._owner.dismiss(self._address)

    async def _hear(self) -> None:
        """Connect, and hear until the connection fails, which is raised, or the server holds nothing any more."""
        self._owner.follow(servers := await self._owner.store.servers())
        if self._address not in servers:
            return
        partition = servers.index(self._address)
        self._probe = f"cg{{{TAGS[partition]}}}:!p{secrets.token_hex(8)}".encode()
        async with asyncio.timeout(CONNECT_TIMEOUT):
            self._wire = await connect(self._address, lambda: _Wire(self._replied, self._ended))
        begun = self._expect(b"")
        self._wire.send([*sign_in(self._address), ("SSUBSCRIBE", self._probe)])
        async with asyncio.timeout(PROBE_ANSWER):
            await begun
        for number in count(1):
            await self._prove(partition, number)
            with suppress(TimeoutError):
                async with asyncio.timeout(PROBE_INTERVAL if self.healthy else _PROBE_AGAIN):
                    await self._expect(None)
            self._owner.follow(servers := await self._owner.store.servers())
            if self._address not in servers:
                return

    async def _prove(self, partition: int, number: int) -> None:
        begun = self._owner.clock.now()
        expected = self._expect(b"%d" % number)
        try:
            await self._owner.store.command(partition, "SPUBLISH", self._probe, number)
        except Failure:
            # That nothing can be published says nothing of what is heard.
            self.healthy = False
            if self._proved:
                return
            raise
        async with asyncio.timeout(PROBE_ANSWER):
            await expected
        self._proven = begun
        self.healthy = True
        if not self._proved:
            self._proved = True
            self._subscribe(self.channels)

    def _lose(self) -> None:
        wire, self._wire = self._wire, None
        self.healthy = self._proved = False
        self._expected = None
        self._leaving.clear()
        if wire is not None:
            wire.end()
        lost, self._heard = self._heard, set()
        for name in lost:
            self._owner.receiver.lost(name, self._proven - LAG_MS)

    def _subscribe(self, channels: Mapping[bytes, int]) -> None:
        # In a cluster the channels of one command must lie in one slot.
        by_partition: dict[int, list[bytes]] = {}
        for name, partition in channels.items():
            by_partition.setdefault(partition, []).append(name)
        if self._wire is not None:
            self._wire.send(
                ("SSUBSCRIBE", *names[start : start + _CHANNELS_AT_ONCE])
                for names in by_partition.values()
                for start in range(0, len(names), _CHANNELS_AT_ONCE)
            )

    def _expect(self, text: bytes | None) -> asyncio.Future[None]:
        """Done when this probe comes back (empty: when the probes' channel is heard; none: never); fails with the
        connection."""
        if self._wire is None or not self._wire.open:
            raise ConnectionLost
        self._expected = asyncio.get_running_loop().create_future()
        self._expected_text = text
        return self._expected

    def _fulfil(self, text: bytes) -> None:
        if self._expected is not None and text == self._expected_text and not self._expected.done():
            self._expected.set_result(None)

    def _ended(self, wire: _Wire) -> None:
        if wire is self._wire and self._expected is not None and not self._expected.done():
            self._expected.set_exception(ConnectionLost())
            # Nobody may be waiting for it just now; that is no error.
            self._expected.exception()

    def _replied(self, reply: Reply) -> None:
        if isinstance(reply, hiredis.ReplyError):
            self._give_up()
        elif isinstance(reply, list):  # what else comes are answers to the sign-in
            what, channel, value = reply
            if what == b"smessage":
                if channel == self._probe:
                    self._fulfil(value)
                else:
                    self._owner.receiver.received(channel, value)
            elif what == b"ssubscribe":
                if channel == self._probe:
                    self._fulfil(b"")
                elif channel in self.channels and channel not in self._leaving and channel not in self._heard:
                    self._heard.add(channel)
                    self._owner.receiver.heard(channel)
            elif channel not in self._leaving:
                self._give_up()
            elif self._leaving[channel] == 1:
                del self._leaving[channel]
            else:
                self._leaving[channel] -= 1

    def _give_up(self) -> None:
        """The server refuses, or a slot has moved to another: begin anew with what is true then."""
        self._owner.store.refresh_servers()
        if self._wire is not None:
            self._wire.end()
