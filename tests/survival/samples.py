"""What processes hold: memory, open files, threads, tasks; and whether that is flat. Linux only."""

import os
import re
import statistics
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import httpx

WARM_UP = 0.2
"""Which part of the samples is not judged."""
MEMORY_GROWTH = 0.05
_PAGE = os.sysconf("SC_PAGE_SIZE")
_SECONDS = 5.0


class Sample(NamedTuple):
    """One process, or several together. `tasks` are those of a worker's event loop; 0 for other processes."""

    memory_bytes: int
    files: int
    threads: int
    tasks: int = 0


class Process:
    """A process that is looked at from outside. A worker is also asked over its private socket."""

    def __init__(self, name: str, pid: int, *, worker: bool = False) -> None:
        self.name = name
        self._folder = Path(f"/proc/{pid}")
        self._client: httpx.Client | None = None
        if worker:
            transport = httpx.HTTPTransport(
                uds=self._private_socket(), limits=httpx.Limits(max_keepalive_connections=0)
            )
            self._client = httpx.Client(transport=transport, timeout=_SECONDS)

    def sample(self) -> Sample:
        """Raises OSError when the process is gone."""
        pages = int((self._folder / "statm").read_text().split()[1])
        files, threads = (len(list((self._folder / name).iterdir())) for name in ("fd", "task"))
        return Sample(pages * _PAGE, files, threads, self._tasks())

    def close(self) -> None:
        if self._client is not None:
            self._client.close()

    def _tasks(self) -> int:
        if self._client is None:
            return 0
        text = self._client.get("http://worker/").raise_for_status().text
        found = re.search(r"(\d+) tasks", text)
        assert found is not None, text
        return int(found[1])

    def _private_socket(self) -> str:
        """Where the worker listens for the supervisor's question: the only Unix socket with a name that it has open."""
        own = set()
        for file in (self._folder / "fd").iterdir():
            with suppress(FileNotFoundError):
                own.add(file.readlink().name)
        rows = (line.split() for line in Path("/proc/net/unix").read_text().splitlines()[1:])
        return next(row[7] for row in rows if len(row) == 8 and f"socket:[{row[6]}]" in own)


def together(samples: Sequence[Sample]) -> Sample:
    """The sums."""
    return Sample(*map(sum, zip(*samples, strict=True)))


class Trend(NamedTuple):
    """The medians at the beginning and at the end of what is judged."""

    first: Sample
    last: Sample

    @property
    def memory_growth(self) -> float:
        return self.last.memory_bytes / self.first.memory_bytes - 1


def trend(samples: Sequence[Sample]) -> Trend:
    """The first and the last fifth of what comes after the warm-up."""
    judged = samples[int(len(samples) * WARM_UP) :]
    fifth = max(1, len(judged) // 5)
    return Trend(_median(judged[:fifth]), _median(judged[-fifth:]))


def _median(samples: Sequence[Sample]) -> Sample:
    return Sample(*(round(statistics.median(values)) for values in zip(*samples, strict=True)))


def held_problems(name: str, found: Trend, idle: Sample, after: Sample, under_way: int) -> list[str]:
    """What is not flat among files, threads and tasks: more calls than `under_way` can't explain a growth, and when the load
    is over, they must be what they were before it."""
    problems = []
    for what in ("files", "threads", "tasks"):
        first, last, before, since = (getattr(sample, what) for sample in (*found, idle, after))
        if last > first + under_way:
            problems.append(f"{name}: {what} grew from {first} to {last}")
        if since > before:
            problems.append(f"{name}: {what} were {before} before the load and are {since} after it")
    return problems


def memory_problems(name: str, found: Trend) -> list[str]:
    """What is not flat in memory."""
    if found.memory_growth <= MEMORY_GROWTH:
        return []
    return [f"{name}: memory grew by {found.memory_growth:.1%}"]
