"""Rounds of SIGKILL in mid-load: one process or all of them at a random moment, while clients of both dialects send."""

import asyncio
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.survival.client import Chat
from tests.survival.messages import Found, Repeated, Sending
from tests.survival.victim import Disk, Victim, victim

_EARLIEST, _LATEST = 0.05, 0.8
"""Which part of a round's messages is acknowledged when the kill comes."""
_LONGEST_DELAY_SECONDS = 0.02
_ON_THE_WAY_SECONDS = 0.1


class Way(NamedTuple):
    """What is killed. `stalled`: on a disk that takes 1.5 s for a write. `must_hold`: nothing acknowledged may be lost.
    `share`: of the messages that are asked for, since every round waits for a start."""

    name: str
    kill: Callable[[Victim], None]
    durable: bool = False
    stalled: bool = False
    must_hold: bool = True
    share: float = 0.2


WAYS = {
    "worker": Way("a worker", Victim.kill_worker, share=1.0),
    "durable": Way("the server, `--durable`", Victim.kill_server, durable=True),
    "durable-stalled": Way("the server, `--durable`, stalled disk", Victim.kill_server, durable=True, stalled=True),
    "everysec": Way("the server", Victim.kill_server, must_hold=False),
    "everysec-stalled": Way("the server, stalled disk", Victim.kill_server, stalled=True, must_hold=False),
    "gateway": Way("supervisor and workers", Victim.kill_gateway),
}


class Outcome(NamedTuple):
    """What came of all rounds of one way."""

    way: Way
    rounds: int
    found: Found
    repeated: Repeated
    longest_seconds: float
    seconds: float
    oldest_lost_seconds: float
    """How long before the kill the oldest lost message was acknowledged."""
    disk: Disk

    @property
    def held(self) -> bool:
        """Whether what must hold did."""
        return not (self.way.must_hold and (self.found.lost or self.found.doubled))


async def kill_rounds(way: Way, folder: Path, *, rounds: int, acknowledged: int, seed: int) -> Outcome:
    """Send at least so many messages in so many rounds, with one kill in each, and read all of them back at the end."""
    began = time.monotonic()
    chance = random.Random(seed)  # noqa: S311
    each = -(-acknowledged // rounds)
    with victim(folder, chance, durable=way.durable, stalled=way.stalled) as killed:
        # A group whose creation is lost would make later sends to it fail, where only messages are to be counted.
        sending = Sending(await Chat.of(killed.program), killed.url, groups=way.must_hold)
        try:
            for _ in range(rounds):
                at = len(sending.acknowledged) + int(each * chance.uniform(_EARLIEST, _LATEST))
                delay = chance.uniform(0, _LONGEST_DELAY_SECONDS)
                done = asyncio.Event()
                async with asyncio.TaskGroup() as group:
                    group.create_task(sending.send(each, done))
                    group.create_task(_kill(way, killed, sending, at, delay, done))
            seconds = time.monotonic() - began
            await asyncio.to_thread(killed.wait_healed)
            found = await sending.read_back(killed.program.data)
        finally:
            sending.close()
        lost_at = [sending.acknowledged[text].at for text in found.lost]
        oldest = max((_seconds_to_kill(killed.kills, at) for at in lost_at), default=0.0)
        return Outcome(way, rounds, found, sending.repeated, sending.longest_seconds, seconds, oldest, killed.disk)


def _seconds_to_kill(kills: list[float], acknowledged: float) -> float:
    """From an acknowledgement to the next kill; below 0 for one that was still on its way to the client."""
    return min((kill - acknowledged for kill in kills if kill > acknowledged - _ON_THE_WAY_SECONDS), default=0.0)


async def _kill(way: Way, killed: Victim, sending: Sending, at: int, delay: float, done: asyncio.Event) -> None:
    if way.kill is Victim.kill_server:
        await asyncio.to_thread(killed.probe_disk)
    await sending.until_acknowledged(at)
    await asyncio.sleep(delay)  # not just after an answer each time
    await asyncio.to_thread(way.kill, killed)
    done.set()


def render(outcomes: list[Outcome]) -> str:
    """The outcomes for people."""
    lines = [
        "| killed | rounds | acknowledged | lost | doubled | requests repeated | longest wait s | seconds |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {one.way.name} | {one.rounds} | {one.found.acknowledged:,} | {len(one.found.lost):,} | "
        f"{len(one.found.doubled):,} | {one.repeated} | {one.longest_seconds:.1f} | {one.seconds:.0f} |"
        for one in outcomes
    ]
    return "\n".join([*lines, *(_disk_line(one) for one in outcomes if one.disk.loaded_ms)])


def _disk_line(outcome: Outcome) -> str:
    disk = outcome.disk
    oldest = f"; the oldest lost was acknowledged {outcome.oldest_lost_seconds:.1f} s before the kill"
    return (
        f"\n{outcome.way.name}: a write to the disk took {_latency(disk.idle_ms)} before the load, {_latency(disk.loaded_ms)} "
        f"under it{', those of the server up to 1.5 s more' if outcome.way.stalled else ''}; aof_delayed_fsync of the killed "
        f"servers: {disk.delayed}; aof_last_write_status: {', '.join(sorted(disk.write_status))}"
        f"{oldest if outcome.found.lost else ''}"
    )


def _latency(found: list[float]) -> str:
    return f"{statistics.median(found):.1f} ms (longest {max(found):.1f})"
