"""One connection to one server, kept up: everything submitted in one turn of the loop goes out in one write.

The server answers in order, so a command in flight is never cancelled: when an answer does not come in time, the whole
connection is dropped and made anew. Whether a command without answer was carried out is not known; all scripts are made
so that repeating them is safe.
"""

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import hiredis

from core.store.address import Address

CONNECT_TIMEOUT = 0.9
ANSWER_TIMEOUT = 0.8
_WATCH_INTERVAL = 0.1
_FLUSH_AT = 8
"""Commands that go out before the turn of the loop ends, so that the server works while the turn goes on."""
_LONGEST_PAUSE = 1.0
MAXIMUM_WAITING = 20_000

Reply = Any
Argument = str | bytes | int
Wire = TypeVar("Wire", bound=asyncio.Protocol)

pack: Callable[[tuple[Argument, ...]], bytes] = hiredis.pack_command  # type: ignore[assignment]  # its hints know one part only
"""A command as bytes."""


def sign_in(address: Address) -> list[tuple[Argument, ...]]:
    """The commands that a connection to this server begins with."""
    commands: list[tuple[Argument, ...]] = []
    if address.password is not None:
        commands.append(("AUTH", *((address.username,) if address.username else ()), address.password))
    if address.database:
        commands.append(("SELECT", address.database))
    return commands


async def connect(address: Address, make: Callable[[], Wire]) -> Wire:
    """A new connection that hands its bytes to what `make` makes. Raises `OSError`."""
    loop = asyncio.get_running_loop()
    if address.path is not None:
        return (await loop.create_unix_connection(make, address.path))[1]
    return (await loop.create_connection(make, address.host, address.port, ssl=address.tls()))[1]


class ConnectionLost(Exception):
    """There is no connection, or it was lost before the answer came."""


class QueueFull(Exception):
    """Too many commands wait for their answer."""


class _Wire(asyncio.Protocol):
    """The bytes: writes what was submitted, gives answers to whom they belong."""

    def __init__(self, loop: asyncio.AbstractEventLoop, lost: Callable[[], None]) -> None:
        self._loop = loop
        self._lost = lost
        self._reader = hiredis.Reader()
        self._waiting: deque[asyncio.Future[Reply]] = deque()
        self._outgoing: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self._oldest = 0.0
        self._watch: asyncio.TimerHandle | None = None
        self.open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance
        self.open = True

    def submit(self, command: bytes) -> asyncio.Future[Reply]:
        if len(self._waiting) >= MAXIMUM_WAITING:
            raise QueueFull
        future: asyncio.Future[Reply] = self._loop.create_future()
        if not self._waiting:
            self._oldest = self._loop.time()
            if self._watch is None:
                self._watch = self._loop.call_later(_WATCH_INTERVAL, self._check_age)
        self._waiting.append(future)
        if not self._outgoing:
            self._loop.call_soon(self._flush)
        self._outgoing.append(command)
        if len(self._outgoing) >= _FLUSH_AT:
            self._flush()
        return future

    def _flush(self) -> None:
        outgoing, self._outgoing = self._outgoing, []
        if outgoing and self.open and self._transport is not None:
            self._transport.write(outgoing[0] if len(outgoing) == 1 else b"".join(outgoing))

    def data_received(self, data: bytes) -> None:
        reader, waiting = self._reader, self._waiting
        reader.feed(data)
        try:
            while (reply := reader.gets()) is not False:
                future = waiting.popleft()
                if not future.done():
                    future.set_result(reply)
        except (hiredis.ProtocolError, IndexError):
            self.abort()
            return
        self._oldest = self._loop.time()

    def _check_age(self) -> None:
        # `_oldest` is when an answer last came while others waited, so a server that works through a long queue is not
        # taken for a dead one.
        self._watch = None
        if not self._waiting:
            return
        if self._loop.time() - self._oldest > ANSWER_TIMEOUT:
            self.abort()
        else:
            self._watch = self._loop.call_later(_WATCH_INTERVAL, self._check_age)

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()
        self.connection_lost(None)

    def connection_lost(self, _problem: Exception | None) -> None:
        if not self.open:
            return
        self.open = False
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        waiting, self._waiting = self._waiting, deque()
        for future in waiting:
            if not future.done():
                future.set_exception(ConnectionLost("the connection was lost before the answer came"))
                # Whoever asked may be gone already; that is no error.
                future.exception()
        self._lost()


class Connection:
    """A server that is always being connected to. `greeting` are commands that a new connection starts with; an error
    among their answers fails the attempt and is kept as `problem`."""

    def __init__(self, address: Address, greeting: Sequence[Sequence[Argument]]) -> None:
        self.address = address
        self.problem: str | None = "not connected yet"
        # A server takes nothing long from whom it does not know, so signing in comes first.
        self._greetings = [
            [pack(tuple(command)) for command in commands] for commands in ((*sign_in(address), ("PING",)), greeting)
        ]
        self._wire: _Wire | None = None
        self._ready = asyncio.Event()
        self._needed = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to connect, in the background."""
        self._needed.set()
        self._keeper = asyncio.get_running_loop().create_task(self._keep(), name=f"store connection {self.address}")

    def submit(self, command: bytes) -> asyncio.Future[Reply]:
        """Send a packed command. The future gives the answer (an error answer too, as a value) or raises
        `ConnectionLost`. Raises `ConnectionLost` or `QueueFull` at once when it can't be sent."""
        wire = self._wire
        if wire is None or not wire.open:
            raise ConnectionLost(self.problem or "not connected")
        return wire.submit(command)

    async def ready(self) -> None:
        """Wait until there is a connection."""
        await self._ready.wait()

    async def close(self) -> None:
        """End the connection; commands in flight fail."""
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
            self._keeper = None
        if self._wire is not None:
            self._wire.abort()
            self._wire = None

    async def _keep(self) -> None:
        pause = 0.0
        while True:
            await self._needed.wait()
            self._needed.clear()
            while not self._ready.is_set():
                if pause:
                    await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311
                try:
                    # Not wait_for: before Python 3.12 it forgets a cancellation that comes as the connection is made.
                    async with asyncio.timeout(CONNECT_TIMEOUT):
                        await self._connect()
                    pause = 0.0
                except (OSError, TimeoutError, ConnectionLost) as problem:
                    self.problem = str(problem) or type(problem).__name__
                    pause = min(_LONGEST_PAUSE, pause * 2 or 0.02)

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()

        def make() -> _Wire:
            return _Wire(loop, self._lost)

        wire = await connect(self.address, make)
        try:
            for greeting in self._greetings:
                for reply in await asyncio.gather(*map(wire.submit, greeting)):
                    if isinstance(reply, hiredis.ReplyError):
                        raise ConnectionLost(str(reply))
        except BaseException:
            wire.abort()
            raise
        self._wire = wire
        self.problem = None
        self._ready.set()

    def _lost(self) -> None:
        if self._ready.is_set():
            self._ready.clear()
            self.problem = "the connection was lost"
            self._needed.set()
