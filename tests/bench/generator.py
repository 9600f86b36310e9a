"""The project's own load generator, for machines without wrk: `python -m tests.bench.generator URL FILE SECONDS`.

It sends the requests of a file in turn, one at a time on each of 32 connections, and prints one line of JSON.
"""

import asyncio
import sys
import time
from itertools import cycle
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import msgspec
import uvloop

from tests.bench.load import CONNECTIONS, Load


class _Connection(asyncio.Protocol):
    """One connection: the next request goes out when the answer is there."""

    def __init__(self, requests: "cycle[bytes]", run: "_Run") -> None:
        self._requests = requests
        self._run = run
        self._received = b""
        self._sent_at = 0.0
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def _send(self) -> None:
        self._sent_at = time.perf_counter()
        self._transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        data = self._received + data if self._received else data
        end = data.find(b"\r\n\r\n")
        if end < 0 or len(data) < end + 4 + _content_length(data[:end]):
            self._received = data
            return
        self._received = b""
        now = time.perf_counter()
        self._run.latencies.append(now - self._sent_at)
        if data[9:10] not in (b"2", b"3"):
            self._run.failed += 1
        if now < self._run.end:
            self._send()
        else:
            self._run.left(self._transport)

    def connection_lost(self, _problem: Exception | None) -> None:
        if not self._transport.is_closing() or time.perf_counter() < self._run.end:
            self._run.failed += 1
            self._run.left(self._transport)


class _Run:
    """What all connections share."""

    def __init__(self, seconds: float) -> None:
        self.latencies: list[float] = []
        self.failed = 0
        self.began = time.perf_counter()
        self.end = self.began + seconds
        self.over = asyncio.Event()
        self._open = CONNECTIONS

    def left(self, transport: asyncio.Transport) -> None:
        transport.close()
        self._open -= 1
        if self._open == 0:
            self.over.set()

    def load(self) -> Load:
        passed = time.perf_counter() - self.began
        ordered = sorted(self.latencies) or [0.0]
        p50, p99 = (ordered[int(len(ordered) * share)] * 1000 for share in (0.5, 0.99))
        return Load(len(self.latencies), passed, self.failed, p50, p99)


def _content_length(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"\r\ncontent-length:")
    return int(rest.split(b"\r\n", 1)[0]) if found else 0


def _read_requests(path: Path) -> list[bytes]:
    data, requests = path.read_bytes(), []
    while data:
        length, _, rest = data.partition(b"\n")
        requests.append(rest[: int(length)])
        data = rest[int(length) :]
    return requests


async def _generate(url: str, requests: list[bytes], seconds: float) -> Load:
    place = urlsplit(url)
    run = _Run(seconds)
    turns = cycle(requests)
    loop = asyncio.get_running_loop()
    for _ in range(CONNECTIONS):
        await loop.create_connection(lambda: _Connection(turns, run), place.hostname or "", place.port or 80)
    await asyncio.wait_for(run.over.wait(), seconds + 10)
    return run.load()


def main() -> None:
    url, path, seconds = sys.argv[1:]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        load = runner.run(_generate(url, _read_requests(Path(path)), float(seconds)))
    print(msgspec.json.encode(load).decode())


if __name__ == "__main__":
    main()
