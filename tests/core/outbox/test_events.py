import asyncio
import random
from collections import Counter, defaultdict
from typing import Any

import msgspec
import pytest

from core import outbox as outbox_module
from core.core import Core
from core.errors import store_unavailable
from core.model import Message, Tenant, Text, UserKey
from core.outbox import Event
from core.store import outbox as outbox_store
from core.store.outbox import TAKE_OVER_MS
from tests.core.outbox.support import (
    DEADLINE,
    GROUP,
    MARGIN_MS,
    Handler,
    age,
    all_rounds,
    consumers_of,
    kill,
    never,
    said,
    send,
    streams,
)
from tests.core.support import new_name, text
from tests.servers import Engine


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


async def test_an_entry_is_removed_after_its_effect(
    core: Core, tenant: Tenant, users: list[UserKey], engine: Engine
) -> None:
    during: list[outbox_store.Counts] = []

    async def look(_: Event) -> None:
        during.append(await core.outbox.counts())

    await send(core, tenant, users, 1)
    consumer = core.outbox.consumer(look)
    await consumer.round()
    await consumer.settled()
    assert [(one.entries, one.in_hand) for one in during] == [(1, 1)]
    assert (await core.outbox.counts()).entries == 0
    with streams(engine) as found:
        pending: list[Any] = [client.xpending(key, GROUP) for client, key in found]
    assert [one["pending"] for one in pending] == [0]


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
