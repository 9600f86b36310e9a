"""A gateway under a mixed load for as long as one likes: does what its processes hold stay the same?"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from tests.gateway.program import WAIT_SECONDS, Program, running
from tests.survival.calls import PEERS, WRITER, Caller
from tests.survival.client import Chat
from tests.survival.samples import Process, Sample, Trend, held_problems, memory_problems, together, trend

WORKERS = 2
CALLERS = 16
CAPACITY_SECONDS = 10.0
SAMPLE_SECONDS = 2.0
STEADY_SAMPLES = 5
_STEADY_PAUSE_SECONDS = 0.5
MESSAGES_EACH = 200
"""Messages that the writer has with each peer beforehand, as many as one read of a history answers: with 300 peers more
than the workers remember."""
NEW_TOKENS = 120_000
"""Tokens that were seen before the soak begins: each worker remembers 50,000."""
_NEW_TOKENS_A_CONNECTION = 250
_REGISTRATIONS = 3
_USERS_A_CALL = 60
_SERVER = "embedded server"


class Report(NamedTuple):
    """What a soak found. By process: the trend of its samples, its sample before the load and after it."""

    capacity: float
    """Calls a second, as fast as they are answered."""
    rate: float
    """Calls a second during the soak."""
    samples: int
    trends: dict[str, Trend]
    idle: dict[str, Sample]
    after: dict[str, Sample]
    made: Counter[str]
    stored: int
    unexpected: list[str]

    @property
    def problems(self) -> list[str]:
        """Why the soak did not pass; empty when it did."""
        found = [f"{len(self.unexpected)} unexpected answers, first: {self.unexpected[0]}"] if self.unexpected else []
        for name, each in self.trends.items():
            if name != _SERVER:  # it holds what is stored
                found += memory_problems(name, each)
        own = [name for name in self.trends if name != _SERVER]
        for name, parts in (("gateway", own), (_SERVER, [_SERVER])):
            whole = Trend(*(together(rows) for rows in zip(*(self.trends[part] for part in parts), strict=True)))
            idle, after = (together([rows[part] for part in parts]) for rows in (self.idle, self.after))
            found += held_problems(name, whole, idle, after, CALLERS)
        return found


async def soak(folder: Path, minutes: float, seed: int) -> Report:
    """Serve a mixture of calls at half of what the gateway can for so many minutes."""
    with running(folder, "--dev", "--workers", str(WORKERS)) as program:
        chat = await Chat.of(program)
        callers = [Caller(chat, program.url, number, seed) for number in range(CALLERS)]
        processes = _processes(program)
        try:
            await _prepare(chat, callers)
            await _fill(callers)
            capacity = await _load(callers, CAPACITY_SECONDS)
            idle = await _idle(callers, processes)
            stored = sum(caller.stored for caller in callers)
            async with _sampling(processes) as samples:
                rate = await _load(callers, minutes * 60, capacity / 2)
            after = await _idle(callers, processes)
        finally:
            for caller in callers:
                caller.close()
            for process in processes:
                process.close()
    return Report(
        capacity=capacity,
        rate=rate,
        samples=len(samples[_SERVER]),
        trends={name: trend(rows) for name, rows in samples.items()},
        idle=idle,
        after=after,
        made=sum((caller.made for caller in callers), Counter[str]()),
        stored=sum(caller.stored for caller in callers) - stored,
        unexpected=[problem for caller in callers for problem in caller.unexpected],
    )


def _processes(program: Program) -> list[Process]:
    workers = [Process(f"worker {number}", pid, worker=True) for number, pid in enumerate(program.workers, 1)]
    return [Process("supervisor", program.process.pid), *workers, Process(_SERVER, program.server)]


async def _prepare(chat: Chat, callers: Sequence[Caller]) -> None:
    """Users, groups, and conversations with a whole page each."""
    names = [WRITER, *PEERS]
    for start in range(0, len(names), _USERS_A_CALL):
        entries = [{"username": name} for name in names[start : start + _USERS_A_CALL]]
        await callers[0].ask(chat.easemob("POST", "/users", entries))
    await asyncio.gather(*(caller.prepare() for caller in callers))
    for _ in range(MESSAGES_EACH):
        await callers[0].send_to_all(PEERS)


async def _fill(callers: Sequence[Caller]) -> None:
    """Let the workers remember as much as they ever will: threads for passwords, tokens, paths, messages."""

    async def fill(caller: Caller) -> None:
        for _ in range(_REGISTRATIONS):
            await caller.register()
        for number in range(NEW_TOKENS // len(callers)):
            if number % _NEW_TOKENS_A_CONNECTION == 0:
                caller.close()  # to come to another worker
            await caller.read_with_new_token()
        for peer in PEERS:
            await caller.ask(caller.chat.history(peer, WRITER))

    await asyncio.gather(*map(fill, callers))


async def _load(callers: Sequence[Caller], seconds: float, rate: float = 0) -> float:
    """Calls for so many seconds, evenly at a rate (0: as fast as they are answered); returns how many a second there were."""
    began, before = time.monotonic(), sum(caller.made.total() for caller in callers)
    pause = len(callers) / rate if rate else 0.0

    async def keep_calling(caller: Caller, first: float) -> None:
        due = first
        while (now := time.monotonic()) < began + seconds:
            if due > now:
                await asyncio.sleep(due - now)
            due = max(due, now) + pause
            await caller.one()

    await asyncio.gather(
        *(keep_calling(caller, began + pause * place / len(callers)) for place, caller in enumerate(callers))
    )
    return (sum(caller.made.total() for caller in callers) - before) / (time.monotonic() - began)


@asynccontextmanager
async def _sampling(processes: Sequence[Process]) -> AsyncIterator[dict[str, list[Sample]]]:
    """The samples by process, filled while inside. Raises OSError when a process has ended."""
    found: dict[str, list[Sample]] = {process.name: [] for process in processes}

    async def keep_sampling() -> None:
        while True:
            for name, sample in (await _samples(processes)).items():
                found[name].append(sample)
            await asyncio.sleep(SAMPLE_SECONDS)

    task = asyncio.create_task(keep_sampling())
    try:
        yield found
    finally:
        task.cancel()
        await asyncio.wait({task})
    if not task.cancelled():
        task.result()


async def _samples(processes: Sequence[Process]) -> dict[str, Sample]:
    return {process.name: await asyncio.to_thread(process.sample) for process in processes}


async def _idle(callers: Sequence[Caller], processes: Sequence[Process]) -> dict[str, Sample]:
    """What the processes hold when nobody calls, once that has stayed the same for a while."""
    for caller in callers:
        caller.close()
    deadline = time.monotonic() + WAIT_SECONDS
    before, same = await _samples(processes), 0
    while same < STEADY_SAMPLES and time.monotonic() < deadline:
        await asyncio.sleep(_STEADY_PAUSE_SECONDS)
        now = await _samples(processes)
        steady = all(now[name][1:] == row[1:] for name, row in before.items())  # but for memory
        before, same = now, same + 1 if steady else 0
    return before


def render(report: Report) -> str:
    """The report for people."""
    calls = ", ".join(f"{name} {number:,}" for name, number in report.made.most_common())
    lines = [
        (
            f"{report.capacity:.0f} calls a second were answered at full speed, {report.rate:.0f} were made during the soak. "
            f"{report.samples} samples; first and last: medians of the first and the last fifth after the warm-up."
        ),
        "",
        "| process | memory MB: idle, first, last, after | first to last | files: idle, first, last, after | threads | tasks |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, found in report.trends.items():
        rows = (report.idle[name], *found, report.after[name])
        memory = ", ".join(f"{row.memory_bytes / 1e6:.1f}" for row in rows)
        held = " | ".join(", ".join(str(row[place]) for row in rows) for place in range(1, 4))
        lines.append(f"| {name} | {memory} | {found.memory_growth:+.1%} | {held} |")
    grown = report.after[_SERVER].memory_bytes - report.idle[_SERVER].memory_bytes
    lines += [
        "",
        f"{report.stored:,} messages were stored: {grown / max(1, report.stored):.0f} bytes of the embedded server's memory each.",
        f"Calls, full speed included: {calls}.",
        *(f"Problem: {problem}" for problem in report.problems),
    ]
    return "\n".join(lines)
