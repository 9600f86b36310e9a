"""A TCP proxy before a server that can stop or delay what it forwards, swallow answers and cut connections."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path


class Proxy:
    """Between a client and the server on a Unix socket, or on a port of 127.0.0.1."""

    def __init__(self, server: Path | int) -> None:
        self._target = server
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._open: set[int] = set()
        # By whether they are answers.
        self._flows = {False: asyncio.Event(), True: asyncio.Event()}
        self.release()
        self._held: int | None = None
        self._passing: int | None = None
        self._delay = 0.0
        self._piece = 0
        self._swallowed: set[asyncio.StreamWriter] = set()
        self.swallowed = asyncio.Event()
        self.accepted = 0
        """How many connections there were."""
        self.at_once = 0
        """How many there were at the same time at most."""
        self.url = ""

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = "redis://{}:{}".format(*self._server.sockets[0].getsockname()[:2])

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    def hold(self, connection: int | None = None) -> None:
        """Forward nothing more, neither way, on old and new connections, or on one of them (the first that was made is
        1)."""
        self._held = connection
        self.hold_commands()
        self.hold_answers()

    def hold_commands(self) -> None:
        """Forward nothing more to the server."""
        self._flows[False].clear()

    def hold_answers(self) -> None:
        """Forward nothing more from the server."""
        self._flows[True].clear()

    def release_answers(self) -> None:
        """Forward what comes from the server, what was held too."""
        self._flows[True].set()

    def slow(self, seconds: float, piece: int = 1 << 16) -> None:
        """Let answers through in pieces of so many bytes, each after so many seconds; 0 seconds: all at once."""
        self._delay, self._piece = seconds, piece

    def release(self) -> None:
        """Forward everything, what was held too."""
        for flow in self._flows.values():
            flow.set()

    def swallow(self, after: int = 0) -> None:
        """Let so many answers through, then throw away all that follow, until `cut`."""
        self._passing = after
        self.swallowed.clear()

    def swallow_present(self) -> None:
        """Throw away all further answers on the connections that are open now; new ones are as before."""
        self._swallowed |= self._writers

    def cut(self) -> None:
        """Cut all connections."""
        self._passing = None
        for writer in list(self._writers):
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        number = self.accepted
        if isinstance(self._target, Path):
            there_reader, there_writer = await asyncio.open_unix_connection(str(self._target))
        else:
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers |= {writer, there_writer}
        self._open.add(number)
        self.at_once = max(self.at_once, len(self._open))
        for source, target, answers in ((reader, there_writer, False), (there_reader, writer, True)):
            task = asyncio.create_task(self._pump(source, target, number, answers))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, number: int, answers: bool
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(1 << 16):
                if self._held in (None, number):
                    await self._flows[answers].wait()
                if answers and target in self._swallowed:
                    continue
                if answers and self._passing is not None:
                    self._passing -= 1
                    if self._passing < 0:
                        self.swallowed.set()
                        continue
                while answers and self._delay and data:
                    await asyncio.sleep(self._delay)
                    target.write(data[: self._piece])
                    data = data[self._piece :]
                target.write(data)
                await target.drain()
        target.transport.abort()
        self._writers.discard(target)
        self._open.discard(number)
        self._swallowed.discard(target)


@asynccontextmanager
async def proxied(server: Path | int) -> AsyncIterator[Proxy]:
    proxy = Proxy(server)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.stop()
