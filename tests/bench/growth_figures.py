"""What long lists and full tenants cost: a page of the list of a user with 20,000 conversations, and the reset of a tenant
with 100,000 messages."""

import time

import msgspec

from core.clock import ManualClock
from core.core import Core
from core.model import Message, Tenant, Text, UserKey
from core.store.store import Store
from tests.bench import machine
from tests.bench.report import Goal, Section
from tests.bench.rounds import spread
from tests.bench.store_figures import on_server_core
from tests.bench.traffics import text_of
from tests.servers import Engine, ServerProcess

CONVERSATIONS = 20_000
MESSAGES = 100_000
AT_ONCE = 500
PAGES = (20, 50, 100, 1_000)
PAGE_OF_GOAL = 100
REPEATS = 20
TEXT_BYTES = 300
START = 1_800_000_000_000


class Cost(msgspec.Struct, frozen=True):
    """Of one call, in ms: while the server was busy with it, and until its answer."""

    busy: float
    wall: float


def growth_figures(engine: Engine, rounds: int, scale: int) -> list[Section]:
    """Both; `scale` divides how much is stored."""
    machine.pin(engine.servers[0].pid, machine.OTHER_CORES)
    return on_server_core(_figures(engine, rounds, scale))


async def _figures(engine: Engine, rounds: int, scale: int) -> list[Section]:
    store = await Store.open(engine.url)
    try:
        clock = ManualClock(START)
        core = Core(store, clock)
        return [
            await _lists(core, clock, engine.servers[0], CONVERSATIONS // scale, rounds),
            await _resets(core, engine.servers[0], MESSAGES // scale, rounds),
        ]
    finally:
        await store.close()


async def _lists(core: Core, clock: ManualClock, server: ServerProcess, conversations: int, rounds: int) -> Section:
    tenant = await core.tenants.add("lists")
    reader = await core.users.key(tenant, "reader")
    # Rows of equal time stay on one page, so each has a time of its own.
    for peer in await _peers(core, tenant, conversations):
        clock.move(1)
        message = Message(peer.id, Text(text_of(TEXT_BYTES)), "bench")
        await core.messages.send_direct(tenant, peer, [reader], message, "request:1")
    found: dict[int, list[Cost]] = {}
    for _ in range(rounds):
        for limit in PAGES:
            server.client().config_resetstat()
            began = time.perf_counter()
            for _ in range(REPEATS):
                await core.conversations.list(tenant, reader, limit)
            wall = (time.perf_counter() - began) / REPEATS * 1e3
            found.setdefault(limit, []).append(Cost(_busy_ms(server) / REPEATS, wall))
    rows = [["rows a page", "server ms a page", "answer after ms", "n"]]
    for limit, costs in found.items():
        busy = spread([cost.busy for cost in costs]).text()
        rows.append([f"{limit:,}", busy, spread([cost.wall for cost in costs]).text(), str(len(costs))])
    text = (
        f"The newest conversations of a user who has {conversations:,} direct ones, each row with its last message and how "
        "much in it is unread. The server's time is that of all its scripts, from its own statistics."
    )
    busy_of_goal = spread([cost.busy for cost in found[PAGE_OF_GOAL]])
    name = f"ms of the server for {PAGE_OF_GOAL} rows of a list of {conversations:,} conversations"
    return Section("A long list", text, rows, (Goal(name, busy_of_goal, 5, at_least=False),))


async def _resets(core: Core, server: ServerProcess, messages: int, rounds: int) -> Section:
    costs = []
    for turn in range(rounds):
        name = f"resets {turn}"
        tenant = await core.tenants.add(name)
        users = await _peers(core, tenant, AT_ONCE)
        for start in range(0, messages, AT_ONCE):
            user = users[start // AT_ONCE % len(users)]
            message = Message(user.id, Text(text_of(TEXT_BYTES)), "bench")
            await core.messages.send_direct(tenant, user, users, message, f"request:{start}")
        server.client().config_resetstat()
        began = time.perf_counter()
        await core.tenants.reset(name)
        costs.append(Cost(_busy_ms(server), (time.perf_counter() - began) * 1e3))
    wall = spread([cost.wall for cost in costs])
    rows = [
        ["messages", "server ms", "done after ms", "n"],
        [f"{messages:,}", spread([cost.busy for cost in costs]).text(), wall.text(), str(len(costs))],
    ]
    text = (
        "From the call until every partition refuses the generation before. What that one stored is deleted later, in "
        "small steps."
    )
    goal = Goal(f"ms until a tenant with {messages:,} messages is reset", wall, 50, at_least=False)
    return Section("A reset", text, rows, (goal,))


async def _peers(core: Core, tenant: Tenant, count: int) -> list[UserKey]:
    keys: list[UserKey] = []
    for start in range(0, count, AT_ONCE):
        names = [f"peer{number}" for number in range(start, min(start + AT_ONCE, count))]
        keys += await core.users.keys(tenant, names)
    return keys


def _busy_ms(server: ServerProcess) -> float:
    with server.client() as client:
        statistics = client.info("commandstats")["cmdstat_evalsha"]
    return int(statistics["usec"]) / 1e3
