"""What becomes of events that fail, and what has a bound."""

import asyncio
from collections import Counter

import pytest

from core import outbox as outbox_module
from core.core import Core
from core.errors import Failure, Kind
from core.model import Tenant, UserKey
from core.outbox import Event
from core.store import log as log_module
from core.store import outbox as outbox_store
from core.store.outbox import FIRST_DELAY_MS, LONGEST_DELAY_MS, TAKE_OVER_MS, TRIES
from tests.core.outbox.support import MARGIN_MS, Handler, age, all_dead, all_rounds, kill, never, said, send
from tests.servers import Engine


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


@pytest.mark.parametrize("cursor", ["x", "1", "1:", "1:x", ":1-1", "1:-"])
async def test_a_cursor_of_nobody_is_refused(core: Core, cursor: str) -> None:
    with pytest.raises(Failure) as caught:
        await core.outbox.dead(cursor=cursor)
    assert (caught.value.kind, caught.value.reason) == (Kind.BAD_REQUEST, "cursor")
