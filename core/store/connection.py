"""One connection to one server, kept up: everything submitted in one turn of the loop goes out in one write.

The server answers in order, so a command in flight is never cancelled: when nothing comes in time, the whole connection is
dropped and made anew. Whether a command without answer was carried out is not known; all scripts are made so that
repeating them is safe.
"""

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any, TypeVar, cast

import hiredis

from core.store.address import Address
from core.store.breaker import Breaker

CONNECT_TIMEOUT = 0.9
_TICK = 0.1
_PATIENCE = 8
"""Ticks that a command may wait for its answer. Ticks are counted, not seconds: when this process itself stood still, what
came meanwhile is read before the next tick."""
_FLUSH_AT = 4
"""Commands that go out before the turn of the loop ends, so that the server works while the turn goes on."""
_LONGEST_PAUSE = 2.0
"""Seconds between two attempts to connect, or two probes."""
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


_PROBE = pack(("PING",))
_TOO_SLOW = "no answer in time"


class _Wire(asyncio.Protocol):
    """The bytes: writes what was submitted, gives answers to whom they belong."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, breaker: Breaker, window: int, lost: Callable[["_Wire"], None]
    ) -> None:
        self._loop = loop
        self._breaker = breaker
        self._window = window
        self._lost = lost
        self._reader = hiredis.Reader()
        self._waiting: deque[asyncio.Future[Reply]] = deque()
        self._outgoing: list[bytes] = []
        self._held_back = False
        self._transport: asyncio.Transport | None = None
        self._tick: asyncio.TimerHandle | None = None
        self._silent = 0
        self._answered = 0
        self._submitted: deque[int] = deque(maxlen=_PATIENCE)  # how many had been at each of the last ticks
        self.open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance
        self.open = True

    def submit(self, command: bytes) -> asyncio.Future[Reply]:
        if len(self._waiting) >= MAXIMUM_WAITING:
            raise QueueFull
        future: asyncio.Future[Reply] = self._loop.create_future()
        if not self._waiting:
            self._silent = 0
            if self._tick is None:
                self._tick = self._loop.call_later(_TICK, self._look_at_waiting)
        self._waiting.append(future)
        if not self._outgoing:
            self._loop.call_soon(self._flush)
        self._outgoing.append(command)
        if len(self._outgoing) >= _FLUSH_AT:
            self._flush()
        return future

    def _flush(self) -> None:
        outgoing, self._outgoing = self._outgoing, []
        room = self._window - (len(self._waiting) - len(outgoing))
        self._held_back = len(outgoing) > room
        if self._held_back:
            outgoing, self._outgoing = outgoing[:room], outgoing[room:]
        if outgoing and self.open and self._transport is not None:
            self._transport.write(outgoing[0] if len(outgoing) == 1 else b"".join(outgoing))

    def data_received(self, data: bytes) -> None:
        reader, waiting = self._reader, self._waiting
        before, in_time = len(waiting), False
        reader.feed(data)
        try:
            while (reply := reader.gets()) is not False:
                future = waiting.popleft()
                if not future.done():
                    future.set_result(reply)
                    in_time = True
        except (hiredis.ProtocolError, IndexError):
            self.abort()
            return
        self._answered += before - len(waiting)
        self._silent = 0
        if in_time:
            self._breaker.failures = 0
        if self._held_back:
            self._flush()

    def _look_at_waiting(self) -> None:
        """At each tick while commands wait: a connection from which nothing came is dropped; where answers come, but too
        slowly, those who have waited too long are told so, and their answers are passed over."""
        self._tick = None
        if not self._waiting:
            self._submitted.clear()
            return
        if self._silent == _PATIENCE:
            self.abort()
            return
        self._silent += 1
        if len(self._submitted) == _PATIENCE:
            overdue = max(0, self._submitted[0] - self._answered)
            _fail(islice(self._waiting, overdue), TimeoutError)
        self._submitted.append(self._answered + len(self._waiting))
        self._tick = self._loop.call_later(_TICK, self._look_at_waiting)

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()
        self.connection_lost(None)

    def connection_lost(self, _problem: Exception | None) -> None:
        if not self.open:
            return
        self.open = False
        if self._tick is not None:
            self._tick.cancel()
            self._tick = None
        waiting, self._waiting = self._waiting, deque()
        _fail(waiting, ConnectionLost)
        self._lost(self)


def _fail(futures: Iterable[asyncio.Future[Reply]], problem: type[Exception]) -> None:
    for future in futures:
        if not future.done():
            future.set_exception(problem(_TOO_SLOW))
            # Whoever asked may be gone already; that is no error.
            future.exception()


class Connection:
    """A connection to a server, kept up from `start` to `close`. `greeting` are commands that it starts with each time; an
    error among their answers fails the attempt and is kept as `problem`.

    When calls in a row had no answer in time, its breaker opens: then nothing is sent but probes, one at a time, until one
    is answered. `window` is how many commands may be on their way at once; others wait here.
    """

    def __init__(
        self,
        address: Address,
        greeting: Sequence[Sequence[Argument]],
        *,
        purpose: str = "calls",
        window: int = MAXIMUM_WAITING,
    ) -> None:
        self.address = address
        self.problem: str | None = "not connected yet"
        self.breaker = Breaker(f"{address} ({purpose})")
        self._sign_in = [pack(command) for command in sign_in(address)]
        self._greeting = [pack(tuple(command)) for command in greeting]
        self._window = window
        self._wire: _Wire | None = None  # none while nothing may be sent
        self._ready = asyncio.Event()
        self._needed = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._closed = False

    def start(self) -> None:
        """Begin to connect, in the background, if nobody has."""
        if self._keeper is None and not self._closed:
            self._needed.set()
            self._keeper = asyncio.get_running_loop().create_task(self._keep(), name=f"store connection {self.address}")

    def submit(self, command: bytes) -> asyncio.Future[Reply]:
        """Send a packed command. The future gives the answer (an error answer too, as a value), or within 0.9 seconds raises
        `ConnectionLost` or, when other answers come but too slowly, `TimeoutError`. Raises `ConnectionLost` or `QueueFull` at
        once when it can't be sent."""
        wire = self._wire
        if wire is None:
            raise ConnectionLost(self.problem or "not connected")
        return wire.submit(command)

    async def ready(self) -> None:
        """Wait until commands can be sent."""
        self.start()
        await self._ready.wait()

    def failed(self) -> None:
        """Somebody's call had no answer in time."""
        self.breaker.failed(self.problem or _TOO_SLOW)
        if self.breaker.open:
            self._put_aside(_TOO_SLOW)

    async def close(self) -> None:
        """End the connection; commands in flight fail."""
        self._closed = True
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
            self._keeper = None

    async def _keep(self) -> None:
        """Whenever nothing may be sent, connect (or, on a connection that was only slow, probe) until it may."""
        wire = self._new_wire()
        try:
            while True:
                await self._needed.wait()
                self._needed.clear()
                pause = 0.0
                while self._wire is None:
                    if pause:
                        await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311
                    try:
                        # Not wait_for: before Python 3.12 it forgets a cancellation that comes as the connection is made.
                        async with asyncio.timeout(CONNECT_TIMEOUT):
                            if wire.open:
                                await _ask(wire, [_PROBE])
                            else:
                                wire = self._new_wire()
                                await self._connect(wire)
                            self._use(wire)
                    except (OSError, TimeoutError, ConnectionLost, QueueFull) as problem:
                        wire.abort()
                        self.problem = str(problem) or _TOO_SLOW
                        pause = min(_LONGEST_PAUSE, pause * 2 or 0.02)
        finally:
            wire.abort()

    def _new_wire(self) -> _Wire:
        return _Wire(asyncio.get_running_loop(), self.breaker, self._window, self._lost)

    async def _connect(self, wire: _Wire) -> None:
        await connect(self.address, lambda: wire)
        # A server takes nothing long from whom it does not know, and one that is slow should be asked for nothing long.
        await _ask(wire, [*self._sign_in, _PROBE])
        await _ask(wire, self._greeting)

    def _use(self, wire: _Wire) -> None:
        if not wire.open:
            raise ConnectionLost("the connection was lost")
        self._wire = wire
        self.problem = None
        self.breaker.close()
        self._ready.set()

    def _lost(self, wire: _Wire) -> None:
        if wire is self._wire:
            self._put_aside("the connection was lost")

    def _put_aside(self, problem: str) -> None:
        """Send nothing more until a probe was answered."""
        if self._wire is not None:
            self._wire = None
            self.problem = problem
            self._ready.clear()
            self._needed.set()


async def _ask(wire: _Wire, commands: Sequence[bytes]) -> None:
    if not wire.open:
        raise ConnectionLost("the connection was lost")
    for reply in await asyncio.gather(*map(wire.submit, commands)):
        if isinstance(reply, hiredis.ReplyError):
            raise ConnectionLost(str(reply))
