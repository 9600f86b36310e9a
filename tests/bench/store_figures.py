"""What a stored message costs in Python and inside the server, and what reading costs there."""

import asyncio
import gc
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import msgspec
import uvloop
from redis.asyncio import Redis

from core.core import Core
from core.ids import direct_identity
from core.messages import Query
from core.model import Message, MessageKind, Tenant, Text, UserKey
from core.store import log
from core.store.keys import tenant_key
from core.store.store import Store
from tests.bench import machine
from tests.bench.report import Goal, Section
from tests.bench.rounds import ratio, spread
from tests.bench.traffics import text_of
from tests.servers import Engine

TASKS = 64
PAIRS = 1000
TEXT_BYTES = 300
READ_TIMES = 2000
LISTED = 1000
LISTS = 50
OURS, THEIRS = "core.messages.send_direct", "redis-py EVALSHA"

Result = TypeVar("Result")
Send = Callable[[int], Awaitable[object]]


class Cost(msgspec.Struct, frozen=True):
    """Of one message: this process's time on the processor and the time that passed, in microseconds."""

    cpu_us: float
    wall_us: float


class House:
    """A tenant with pairs of users, on a store."""

    def __init__(self, core: Core, tenant: Tenant, users: list[UserKey], address: str) -> None:
        self.core = core
        self.tenant = tenant
        self.users = users
        self.address = address
        self.messages = [Message(user.id, Text(text_of(TEXT_BYTES)), "bench") for user in users]

    def pair(self, number: int) -> tuple[UserKey, UserKey]:
        """The two users of a conversation."""
        first = number % PAIRS
        return self.users[first], self.users[(first * 7 + 3) % PAIRS]


@asynccontextmanager
async def house(engine: Engine) -> AsyncIterator[House]:
    """A fresh tenant with its users placed."""
    store = await Store.open(engine.url)
    try:
        core = Core(store)
        tenant = await core.tenants.add("costs")
        users = await core.users.keys(tenant, [f"user{number}" for number in range(PAIRS)])
        yield House(core, tenant, users, engine.url)
    finally:
        await store.close()


def on_server_core(work: Coroutine[Any, Any, Result]) -> Result:
    """Run it here, as a worker would: uvloop, a core of its own."""
    before = os.sched_getaffinity(0)
    machine.pin(os.getpid(), machine.SERVER_CORE)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(work)
    finally:
        machine.pin(os.getpid(), before)


def store_figures(engine: Engine, rounds: int, messages: int) -> list[Section]:
    """The cost of a stored message beside redis-py's, at 64 tasks and at one; then the server's own times."""
    machine.pin(engine.servers[0].pid, machine.OTHER_CORES)
    return on_server_core(_figures(engine, rounds, messages))


async def _figures(engine: Engine, rounds: int, messages: int) -> list[Section]:
    async with house(engine) as home:
        found: dict[tuple[str, int], list[Cost]] = {}
        async with Redis.from_url(engine.url) as client:
            names = [OURS, THEIRS]
            for turn in range(rounds + 1):
                for tasks, count in ((TASKS, messages), (1, messages // 10)):
                    for name in names:
                        reference = f"request:{turn}-{tasks}-{name}-"
                        send = _ours(home, reference) if name == OURS else _theirs(home, client, reference, count)
                        cost = await _cost(send, count, tasks)
                        if turn:  # the first round places the conversations and warms up
                            found.setdefault((name, tasks), []).append(cost)
                names.reverse()
        return [_cost_section(found), await _times(engine, home)]


def _ours(home: House, reference: str) -> Send:
    send = home.core.messages.send_direct

    def one(number: int) -> Awaitable[object]:
        sender, recipient = home.pair(number)
        return send(home.tenant, sender, [recipient], home.messages[number % PAIRS], f"{reference}{number}")

    return one


def _theirs(home: House, client: "Redis", reference: str, count: int) -> Send:
    """The same script with the same arguments, made ready beforehand: only the client's work is counted."""
    commands = []
    for number in range(count):
        sender, recipient = home.pair(number)
        append = log.Append(
            direct_identity(sender.id, recipient.id),
            sender.number,
            (sender.number, recipient.number),
            MessageKind.MESSAGE,
            home.messages[number % PAIRS],
            f"{reference}{number}",
        )
        packed = msgspec.msgpack.encode(append.message)
        script, partition, arguments = log._append_work(home.tenant, append, packed, home.core.clock.now())
        key = tenant_key(partition, home.tenant.number)
        commands.append((script.sha, 1, key, home.tenant.version, home.tenant.generation, *arguments))
    evalsha = client.evalsha

    def one(number: int) -> Awaitable[object]:
        command: Any = commands[number]
        return evalsha(*command)

    return one


async def _cost(send: Send, count: int, tasks: int) -> Cost:
    numbers = iter(range(count))

    async def run() -> None:
        for number in numbers:
            await send(number)

    gc.collect()
    gc.freeze()
    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*(run() for _ in range(tasks)))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    gc.unfreeze()
    return Cost(cpu / count * 1e6, wall / count * 1e6)


def _cost_section(found: dict[tuple[str, int], list[Cost]]) -> Section:
    rows = [["", "tasks", "Python CPU µs", "/ redis-py", "wall µs", "n"]]
    for (name, tasks), costs in found.items():
        cpu = [cost.cpu_us for cost in costs]
        theirs = [cost.cpu_us for cost in found[THEIRS, tasks]]
        rows.append(
            [
                name,
                str(tasks),
                spread(cpu).text(".1f"),
                "1" if name == THEIRS else ratio(cpu, theirs).text(),
                spread([cost.wall_us for cost in costs]).text(".1f"),
                str(len(costs)),
            ]
        )
    goal = ratio(*([cost.cpu_us for cost in found[name, TASKS]] for name in (OURS, THEIRS)))
    text = (
        f"One text of {TEXT_BYTES} bytes to one user, {PAIRS} pairs in turn, on the embedded server's Unix socket. Ours is the "
        "whole use case: packing, arguments, the script, the receipt with its id. Redis-py is given finished arguments for "
        "the same script. Time on the processor of the whole client process."
    )
    goals = (Goal(f"Python's cost a stored message / redis-py EVALSHA, {TASKS} tasks", goal, 0.5, at_least=False),)
    return Section("Python's cost of a stored message", text, rows, goals)


async def _times(engine: Engine, home: House) -> Section:
    """How long the server itself is busy with one call."""
    core, tenant = home.core, home.tenant
    reader, *peers = await core.users.keys(tenant, ["reader", *(f"peer{number}" for number in range(LISTED))])
    await core.messages.send_direct(tenant, reader, peers, home.messages[0], "request:list")
    for turn in range(50):
        await core.messages.send_direct(tenant, reader, peers[:1], home.messages[1], f"request:page-{turn}")

    async def append(number: int) -> object:
        return await _ours(home, "request:times-")(number)

    async def page(_: int) -> object:
        return await core.messages.direct_page(tenant, reader.id, peers[0].id, Query(limit=50))

    async def overview(_: int) -> object:
        return await core.conversations.list(tenant, reader, LISTED)

    rows = [["", "scripts a call", "server µs a call", "answer after µs, one at a time"]]
    for name, call, count in (
        ("append", append, READ_TIMES),
        ("page of 50", page, READ_TIMES),
        (f"list of {LISTED} conversations", overview, LISTS),
    ):
        engine.servers[0].client().config_resetstat()
        cost = await _cost(call, count, 1)
        with engine.servers[0].client() as client:
            statistics = client.info("commandstats")["cmdstat_evalsha"]
        calls, busy = int(statistics["calls"]), float(statistics["usec"])
        rows.append([name, f"{calls / count:.0f}", f"{busy / count:.1f}", f"{cost.wall_us:.0f}"])
    text = "From the server's own statistics of its scripts; for information."
    return Section("Inside the server", text, rows)
