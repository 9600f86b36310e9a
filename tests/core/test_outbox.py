import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest
from redis import Redis

from core import outbox as outbox_module
from core.clock import ManualClock
from core.core import Core
from core.errors import Failure, Kind, store_unavailable
from core.model import Message, Tenant, Text, UserKey
from core.outbox import Consumer, Dead, Event
from core.store import log as log_module
from core.store import outbox as outbox_store
from core.store.outbox import FIRST_DELAY_MS, LONGEST_DELAY_MS, TAKE_OVER_MS, TRIES
from tests.core.support import new_name, opened, text
from tests.servers import Engine

DEADLINE = 30
MARGIN_MS = 10_000
"""How slow a machine may be here."""
GROUP = "gateway"


@pytest.fixture(autouse=True)
def _empty(engine: Engine) -> None:
    """Outboxes are of all tenants, other tests' too."""
    engine.flush()


@pytest.fixture
async def tenant(core: Core) -> Tenant:
    name = new_name()
    await core.tenants.add(name)
    return await core.tenants.set_outbox(name, True)


@pytest.fixture
async def users(core: Core, tenant: Tenant) -> list[UserKey]:
    return await core.users.keys(tenant, ["ada", "bob", "eve", "zoë"])


@pytest.fixture
async def other(engine: Engine, clock: ManualClock, core: Core) -> AsyncIterator[Core]:
    """Another worker."""
    async with opened(engine.url, clock) as found:
        yield found


class Handler:
    """Notes what it is given; `act` may raise, or wait."""

    def __init__(self, act: Callable[[Event], Awaitable[None]] | None = None) -> None:
        self.act = act
        self.begun: list[Event] = []
        self.done: list[Event] = []

    async def __call__(self, event: Event) -> None:
        self.begun.append(event)
        if self.act is not None:
            await self.act(event)
        self.done.append(event)


async def never(_: Event) -> None:
    await asyncio.Event().wait()


async def refuse(_: Event) -> None:
    raise ValueError("no")


async def all_rounds(*consumers: Consumer) -> None:
    """Let consumers take and do all that there is, at once."""

    async def work(consumer: Consumer) -> None:
        for _ in range(1000):
            more = await consumer.round()
            await consumer.settled()
            if not more:
                return
        raise AssertionError("there is always more")

    async with asyncio.timeout(DEADLINE):
        await asyncio.gather(*map(work, consumers))


async def send(core: Core, tenant: Tenant, users: list[UserKey], count: int, first: int = 0) -> None:
    """Messages from the first user to each of the others in turn."""
    sender, *others = users
    for number in range(first, first + count):
        peer = others[number % len(others)]
        await core.messages.send_direct(tenant, sender, [peer], text(sender.id, str(number)), f"client:{number}")


def said(events: list[Event]) -> list[str]:
    contents = [one.message.message.content for one in events if one.message]
    return [content.text for content in contents if isinstance(content, Text)]


@contextmanager
def streams(engine: Engine) -> Iterator[list[tuple["Redis", str]]]:
    """Every outbox, with a client of its server."""
    clients = [server.client() for server in engine.servers]
    try:
        yield [(client, key) for client in clients for key in client.scan_iter(match="cg{*}:outbox")]
    finally:
        for client in clients:
            client.close()


def age(engine: Engine, milliseconds: int) -> None:
    """As if nothing had happened to any entry in hand, or waiting, for so long."""
    with streams(engine) as found:
        for client, key in found:
            for row in client.xpending_range(key, GROUP, "-", "+", 10_000):
                client.xclaim(
                    key, GROUP, str(row["consumer"]), 0, [str(row["message_id"])], idle=milliseconds, justid=True
                )


def consumers_of(engine: Engine) -> list[str]:
    with streams(engine) as found:
        return sorted({row["name"] for client, key in found for row in client.xinfo_consumers(key, GROUP)})


def kill(consumer: Consumer) -> None:
    """End it without a chance to leave."""
    for task in consumer._tasks:
        task.cancel()


async def all_dead(core: Core) -> list[Dead]:
    found, cursor = [], ""
    for _ in range(1000):
        rows, cursor = await core.outbox.dead(limit=3, cursor=cursor)
        found += rows
        if not cursor:
            return found
    raise AssertionError("the list never ends")


async def test_an_event_says_what_happened_and_to_what(core: Core, tenant: Tenant, users: list[UserKey]) -> None:
    ada, bob, *_ = users
    group = await core.groups.create(tenant, name="g", owner=ada, members=[ada, bob], dialect="plain")
    direct = (await core.messages.send_direct(tenant, ada, [bob], text("ada", "one"), "client:1"))[0]
    grouped = (await core.messages.send_group(tenant, bob, [group.number], text("bob", "two"), "client:2"))[0]
    quiet = await core.tenants.add(new_name())
    await core.messages.send_direct(quiet, ada, [bob], text("ada", "unheard"), "client:1")
    assert (await core.outbox.counts()).entries == 2

    handler = Handler()
    consumer = core.outbox.consumer(handler)
    await all_rounds(consumer)
    assert (await core.outbox.counts()) == outbox_store.Counts(0, 0, 0, 0, 0)
    by_group = {event.group: event for event in handler.done}
    one, two = by_group[None], by_group[group.number]
    assert (one.tenant, one.users, one.what, one.tries) == (tenant, ("ada", "bob"), "message", 1)
    assert (one.conversation, one.sequence, one.id) == (direct.conversation, 1, direct.id)
    assert one.message == await core.messages.get(tenant, direct.id)
    assert (two.users, two.conversation, two.id) == ((), grouped.conversation, grouped.id)

    handler.done.clear()
    await core.messages.edit(tenant, direct.id, lambda old: msgspec.structs.replace(old, content=Text("edited")))
    await all_rounds(consumer)
    await core.messages.recall(tenant, direct.id)
    await all_rounds(consumer)
    assert [(one.what, one.id) for one in handler.done] == [("edited", direct.id), ("recalled", direct.id)]
    assert said(handler.done) == ["edited"]
    assert handler.done[1].message is None


async def test_an_entry_is_removed_after_its_effect(core: Core, tenant: Tenant, users: list[UserKey]) -> None:
    during: list[outbox_store.Counts] = []

    async def look(_: Event) -> None:
        during.append(await core.outbox.counts())

    await send(core, tenant, users, 1)
    await all_rounds(core.outbox.consumer(look))
    assert [(one.entries, one.in_hand) for one in during] == [(1, 1)]
    assert (await core.outbox.counts()).entries == 0


async def test_events_of_a_conversation_come_in_their_order_and_once(
    core: Core, other: Core, tenant: Tenant, users: list[UserKey]
) -> None:
    rng = random.Random(7)  # noqa: S311
    orders: dict[int, list[int]] = defaultdict(list)
    busy: set[int] = set()
    by: Counter[str] = Counter()

    def handler(name: str) -> Handler:
        async def act(event: Event) -> None:
            assert event.conversation not in busy
            busy.add(event.conversation)
            for _ in range(rng.randrange(20)):
                await asyncio.sleep(0)
            orders[event.conversation].append(event.sequence)
            busy.remove(event.conversation)
            by[name] += 1

        return Handler(act)

    peers = await core.users.keys(tenant, [f"user {number}" for number in range(40)])
    await send(core, tenant, [users[0], *peers], 400)
    consumers = [core.outbox.consumer(handler("one")), other.outbox.consumer(handler("two"))]
    first = 400
    for _ in range(10):
        await asyncio.gather(all_rounds(*consumers), send(core, tenant, [users[0], *peers], 40, first))
        first += 40
    await all_rounds(*consumers)
    assert len(orders) == 40
    assert all(sequences == list(range(1, 21)) for sequences in orders.values())
    assert (await core.outbox.counts()).entries == 0


async def test_only_one_consumer_has_entries_of_a_stream_in_hand(
    core: Core, other: Core, tenant: Tenant, users: list[UserKey], engine: Engine
) -> None:
    pair = users[:2]
    await send(core, tenant, pair, 1)
    slow, second = Handler(never), Handler()
    one, two = core.outbox.consumer(slow), other.outbox.consumer(second)
    assert await one.round() is True
    await send(core, tenant, pair, 5, first=1)
    assert await two.round() is False
    # However long it takes, as long as its worker lives.
    for _ in range(3):
        age(engine, 2 * TAKE_OVER_MS)
        await one.round()
        assert await two.round() is False
    await one.stop()
    await all_rounds(two)
    assert said(second.done) == ["0", "1", "2", "3", "4", "5"]
    assert [event.tries for event in second.done] == [1] * 6


async def test_what_a_dead_consumer_had_is_taken_over(
    core: Core, other: Core, tenant: Tenant, users: list[UserKey], engine: Engine
) -> None:
    pair = users[:2]
    await send(core, tenant, pair, 10)
    dying, heir = core.outbox.consumer(Handler(never)), Handler()
    second = other.outbox.consumer(heir)
    await dying.round()
    kill(dying)
    await send(core, tenant, pair, 10, first=10)
    age(engine, TAKE_OVER_MS - MARGIN_MS)
    assert await second.round() is False
    age(engine, TAKE_OVER_MS)
    await all_rounds(second)
    assert said(heir.done) == [str(number) for number in range(20)]
    assert [event.tries for event in heir.done] == [2] * 10 + [1] * 10
    await second.round()
    assert consumers_of(engine) == []


async def test_what_a_dead_consumer_had_comes_before_anything_new(
    core: Core, other: Core, tenant: Tenant, users: list[UserKey], engine: Engine
) -> None:
    pair, heir = users[:2], Handler()
    await send(core, tenant, pair, 40)
    dying, second = core.outbox.consumer(Handler(never)), other.outbox.consumer(heir)
    await dying.round()
    await dying.round()
    kill(dying)
    age(engine, TAKE_OVER_MS)
    await all_rounds(second)
    assert said(heir.done) == [str(number) for number in range(40)]


async def test_an_effect_that_was_not_noted_comes_again(
    core: Core, tenant: Tenant, users: list[UserKey], engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await send(core, tenant, users, 5)
    handler = Handler()
    consumer = core.outbox.consumer(handler)

    async def lost(_: object) -> None:
        raise store_unavailable()

    monkeypatch.setattr(consumer._store, "finish", lost)
    await consumer.round()
    await consumer.settled()
    monkeypatch.undo()
    await all_rounds(consumer)
    assert Counter(said(handler.done)) == dict.fromkeys("01234", 2)
    assert {event.tries for event in handler.done} == {1, 2}
    assert (await core.outbox.counts()).entries == 0


async def test_entries_whose_answer_was_lost_are_given_again(core: Core, tenant: Tenant, users: list[UserKey]) -> None:
    await send(core, tenant, users, 5)
    handler = Handler()
    consumer = core.outbox.consumer(handler)
    store = outbox_store.OutboxStore(core.store)
    assert len(await store.take(consumer.name, 16, {})) == 5
    await all_rounds(consumer)
    assert sorted(said(handler.done)) == list("01234")


async def test_a_failed_event_is_tried_again_after_growing_delays_and_then_given_up(
    core: Core,
    tenant: Tenant,
    users: list[UserKey],
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(outbox_store, "FIRST_DELAY_MS", 2 * MARGIN_MS)

    async def act(event: Event) -> None:
        if said([event]) == ["1"]:
            raise ValueError("no")

    handler = Handler(act)
    consumer = core.outbox.consumer(handler)
    await send(core, tenant, users[:2], 3)
    await all_rounds(consumer)
    # The others of the conversation did not wait for it.
    assert said(handler.done) == ["0", "2"]
    counts = await core.outbox.counts()
    assert (counts.entries, counts.in_hand, counts.waiting, counts.dead) == (1, 0, 1, 0)
    delay = 2 * MARGIN_MS
    for tries in range(2, TRIES + 1):
        age(engine, delay - MARGIN_MS)
        assert await consumer.round() is False
        age(engine, delay)
        await all_rounds(consumer)
        assert [event.tries for event in handler.begun if said([event]) == ["1"]] == list(range(1, tries + 1))
        delay = min(delay * 4, LONGEST_DELAY_MS)
    counts = await core.outbox.counts()
    assert (counts.entries, counts.waiting, counts.dead) == (0, 0, 1)
    dead = await all_dead(core)
    assert [(one.entry.tenant, one.entry.sequence, one.entry.what, one.entry.tries, one.reason) for one in dead] == [
        (tenant.number, 2, "message", TRIES, "ValueError")
    ]
    conversation = handler.done[0].conversation
    assert [record.getMessage() for record in caplog.records] == [
        f"event message {conversation}/2 of tenant {tenant.number} was given up (try {TRIES}): ValueError"
    ]

    handler.act = None
    assert await core.outbox.redrive(dead) == 1
    assert await core.outbox.redrive(dead) == 0
    await all_rounds(consumer)
    assert said(handler.done) == ["0", "2", "1"]
    assert handler.done[-1].tries == 1
    assert await all_dead(core) == []


async def test_an_event_that_cannot_succeed_is_given_up_at_once(
    core: Core, tenant: Tenant, users: list[UserKey]
) -> None:
    async def act(event: Event) -> None:
        raise Failure(Kind.FORBIDDEN if event.sequence % 2 else Kind.UPSTREAM_FAILED, "no")

    await send(core, tenant, users[:2], 10)
    await all_rounds(core.outbox.consumer(act))
    counts = await core.outbox.counts()
    assert (counts.waiting, counts.dead) == (5, 5)
    dead = await all_dead(core)
    assert [(one.entry.sequence, one.reason) for one in dead] == [(number, "forbidden") for number in (1, 3, 5, 7, 9)]
    assert await core.outbox.discard(dead[1:]) == 4
    assert await all_dead(core) == dead[:1]


async def test_an_event_that_kills_every_consumer_is_given_up(
    core: Core, tenant: Tenant, users: list[UserKey], engine: Engine
) -> None:
    await send(core, tenant, users[:2], 1)
    for _ in range(TRIES):
        consumer = core.outbox.consumer(never)
        assert await consumer.round() is True
        kill(consumer)
        age(engine, TAKE_OVER_MS)
    assert await core.outbox.consumer(never).round() is False
    assert [(one.entry.tries, one.reason) for one in await all_dead(core)] == [(TRIES, "tries")]


async def test_a_handler_that_does_not_return_has_failed(
    core: Core, tenant: Tenant, users: list[UserKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_module, "HANDLER_SECONDS", 0.01)
    await send(core, tenant, users, 3)
    await all_rounds(core.outbox.consumer(never))
    assert (await core.outbox.counts()).waiting == 3


async def test_failing_events_do_not_hold_up_new_ones(
    core: Core, tenant: Tenant, users: list[UserKey], engine: Engine
) -> None:
    async def act(event: Event) -> None:
        if int(said([event])[0]) < 100:
            raise ValueError("no")

    handler = Handler(act)
    consumer = core.outbox.consumer(handler)
    await send(core, tenant, users[:2], 100)
    await all_rounds(consumer)
    assert (await core.outbox.counts()).waiting == 100
    age(engine, FIRST_DELAY_MS)
    await send(core, tenant, users[:2], 5, first=100)
    await consumer.round()
    await consumer.settled()
    assert said(handler.done) == ["100", "101", "102", "103", "104"]
    await all_rounds(consumer)
    assert Counter(event.tries for event in handler.begun) == {1: 105, 2: 100}


async def test_events_of_a_reset_or_removed_tenant_are_dropped(
    core: Core, other: Core, tenant: Tenant, users: list[UserKey]
) -> None:
    handler = Handler()
    consumer = core.outbox.consumer(handler)
    await send(core, tenant, users, 1)
    await all_rounds(consumer)
    await send(core, tenant, users, 5, first=1)
    fresh = await other.tenants.reset(tenant.name)
    users = await other.users.keys(fresh, ["ada", "bob"])
    await send(other, fresh, users, 3, first=100)
    await all_rounds(consumer)
    assert sorted(said(handler.done)) == ["0", "100", "101", "102"]
    assert handler.done[-1].tenant == fresh
    await send(other, fresh, users, 3, first=200)
    assert await other.tenants.remove(tenant.name)
    await all_rounds(consumer)
    assert len(handler.done) == 4
    assert (await core.outbox.counts()).entries == 0


async def test_a_changed_tenant_is_read_anew(core: Core, other: Core, tenant: Tenant, users: list[UserKey]) -> None:
    handler = Handler()
    consumer = core.outbox.consumer(handler)
    await send(core, tenant, users, 1)
    await all_rounds(consumer)
    changed = await other.tenants.rotate_signing_key(tenant.name)
    await send(core, changed, users, 1, first=1)
    await all_rounds(consumer)
    assert [event.tenant for event in handler.done] == [tenant, changed]


async def test_an_outbox_is_bounded_and_drains(
    core: Core, tenant: Tenant, users: list[UserKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "OUTBOX_BOUND", 10)
    outcomes = await asyncio.gather(
        *(send(core, tenant, users[:2], 1, first=number) for number in range(100)), return_exceptions=True
    )
    failures = [one for one in outcomes if isinstance(one, Failure)]
    assert {(one.kind, one.reason) for one in failures} == {(Kind.STORE_UNAVAILABLE, "full")}
    assert len(failures) == 90
    counts = await core.outbox.counts()
    assert counts.entries == 10
    handler = Handler()
    await all_rounds(core.outbox.consumer(handler))
    assert [event.sequence for event in handler.done] == list(range(1, 11))
    await send(core, tenant, users[:2], 10, first=100)


async def test_the_dead_are_bounded(
    core: Core, tenant: Tenant, users: list[UserKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(_: Event) -> None:
        raise Failure(Kind.NOT_FOUND, "no")

    monkeypatch.setattr(outbox_store, "DEAD_BOUND", 5)
    await send(core, tenant, users[:2], 50)
    await all_rounds(core.outbox.consumer(act))
    dead = await all_dead(core)
    assert [one.entry.sequence for one in dead] == [46, 47, 48, 49, 50]
    # Redriving them has a bound too.
    monkeypatch.setattr(outbox_store, "OUTBOX_BOUND", 3)
    assert await core.outbox.redrive(dead) == 3
    assert [one.entry.sequence for one in await all_dead(core)] == [49, 50]


async def test_what_a_consumer_has_in_hand_is_bounded(
    core: Core, tenant: Tenant, users: list[UserKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_module, "_ENOUGH_IN_HAND", 20)
    monkeypatch.setattr(outbox_module, "HANDLERS_AT_ONCE", 2)
    running = 0
    most = 0
    gate = asyncio.Event()

    async def act(_: Event) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await gate.wait()
        running -= 1

    handler = Handler(act)
    consumer = core.outbox.consumer(handler)
    await send(core, tenant, users[:2], 200)
    await send(core, tenant, [users[2], users[3], users[0]], 200, first=1000)
    for _ in range(20):
        await consumer.round()
    in_hand = (await core.outbox.counts()).in_hand
    assert 20 <= in_hand < 20 + 3 * 16
    gate.set()
    await consumer.settled()
    await all_rounds(consumer)
    assert len(handler.done) == 400
    assert most == 2


async def test_run_delivers_until_it_is_cancelled_and_leaves_the_rest(
    core: Core, other: Core, tenant: Tenant, users: list[UserKey], engine: Engine
) -> None:
    begun = asyncio.Event()

    async def act(event: Event) -> None:
        if event.sequence == 3:
            begun.set()
            await asyncio.Event().wait()

    first, second = Handler(act), Handler()
    running = asyncio.create_task(core.outbox.consumer(first).run())
    await send(core, tenant, users[:2], 6)
    async with asyncio.timeout(DEADLINE):
        await begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await all_rounds(other.outbox.consumer(second))
    assert (said(first.done), said(second.done)) == (["0", "1"], ["2", "3", "4", "5"])
    assert {event.tries for event in second.done} == {1}


async def test_run_waits_for_the_store_and_survives_what_it_does_not_expect(
    core: Core,
    tenant: Tenant,
    users: list[UserKey],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(outbox_module, "INTERVAL_SECONDS", 0.01)
    done = asyncio.Event()
    problems: list[Exception] = [store_unavailable(), ValueError("odd"), store_unavailable()]

    async def act(_: Event) -> None:
        done.set()

    consumer = core.outbox.consumer(act)
    take = consumer._store.take

    async def failing(*arguments: Any) -> Any:
        if problems:
            raise problems.pop()
        return await take(*arguments)

    monkeypatch.setattr(consumer._store, "take", failing)
    running = asyncio.create_task(consumer.run())
    await send(core, tenant, users, 1)
    async with asyncio.timeout(DEADLINE):
        await done.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert [record.getMessage() for record in caplog.records] == ["the outbox could not be read"]


async def test_the_age_of_the_oldest_is_told(core: Core, tenant: Tenant, users: list[UserKey], engine: Engine) -> None:
    await send(core, tenant, users[:2], 1)
    with streams(engine) as found:
        client, key = found[0]
        entries: Any = client.xrange(key)
        ((name, fields),) = entries
        client.delete(key)
        earlier = int(str(name).partition("-")[0]) - 60_000
        client.xadd(key, fields, id=f"{earlier}-0")
    assert 60_000 <= (await core.outbox.counts()).oldest_ms < 60_000 + DEADLINE * 1000
    handler = Handler()
    await all_rounds(core.outbox.consumer(handler))
    assert said(handler.done) == ["0"]


async def test_a_message_that_is_gone_meanwhile_is_absent(core: Core, tenant: Tenant, users: list[UserKey]) -> None:
    ada, bob, *_ = users
    message = Message("ada", Text("gone"), "plain")
    receipt = (await core.messages.send_direct(tenant, ada, [bob], message, "client:1"))[0]
    await core.messages.recall(tenant, receipt.id)
    handler = Handler()
    await all_rounds(core.outbox.consumer(handler))
    assert [(event.what, event.id, event.message) for event in handler.done] == [
        ("message", receipt.id, None),
        ("recalled", receipt.id, None),
    ]


@pytest.mark.parametrize("cursor", ["x", "1", "1:", "1:x", ":1-1", "1:-"])
async def test_a_cursor_of_nobody_is_refused(core: Core, cursor: str) -> None:
    with pytest.raises(Failure) as caught:
        await core.outbox.dead(cursor=cursor)
    assert (caught.value.kind, caught.value.reason) == (Kind.BAD_REQUEST, "cursor")
