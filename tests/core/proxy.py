"""A TCP proxy before a server that can stop forwarding, swallow answers and cut connections."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path


class Proxy:
    """Between a client and the server on a Unix socket."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._flows = asyncio.Event()
        self._flows.set()
        self._passing: int | None = None
        self._swallowed: set[asyncio.StreamWriter] = set()
        self.swallowed = asyncio.Event()
        self.accepted = 0
        """How many connections there were."""
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

    def hold(self) -> None:
        """Forward nothing more, neither way, on old and new connections."""
        self._flows.clear()

    def release(self) -> None:
        """Forward everything, what was held too."""
        self._flows.set()

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
        there_reader, there_writer = await asyncio.open_unix_connection(str(self._socket))
        self._writers |= {writer, there_writer}
        for source, target, answers in ((reader, there_writer, False), (there_reader, writer, True)):
            task = asyncio.create_task(self._pump(source, target, answers))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, answers: bool) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(1 << 16):
                await self._flows.wait()
                if answers and target in self._swallowed:
                    continue
                if answers and self._passing is not None:
                    self._passing -= 1
                    if self._passing < 0:
                        self.swallowed.set()
                        continue
                target.write(data)
                await target.drain()
        target.transport.abort()
        self._writers.discard(target)
        self._swallowed.discard(target)


@asynccontextmanager
async def proxied(socket: Path) -> AsyncIterator[Proxy]:
    proxy = Proxy(socket)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.stop()
