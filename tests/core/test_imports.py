"""Imports: the backfill lane beside the live one."""

import asyncio
from collections.abc import AsyncIterator
from itertools import islice, pairwise

import msgspec
import pytest

from core.clock import ManualClock
from core.core import Core
from core.errors import Failure, Kind
from core.imports import Import
from core.messages import Query
from core.model import Stored, Tenant, UserKey
from core.store import backfill
from tests.core.proxy import Proxy, proxied
from tests.core.store.rows import of_tenant
from tests.core.support import START, old, opened, text, words
from tests.servers import Engine, ServerProcess

HOUR = 3_600_000
Two = list[UserKey]


@pytest.fixture
async def users(core: Core, tenant: Tenant) -> Two:
    return await core.users.keys(tenant, ["ada", "bob"])


async def test_an_import_stands_at_its_time(core: Core, clock: ManualClock, tenant: Tenant, users: Two) -> None:
    ada, bob = users
    for number in range(3):
        await core.messages.send_direct(tenant, ada, [bob], text("ada", f"live {number}"), f"client:{number}")
        clock.move(10)
    imports = [old("b", START + 5, bob), old("a", START - 5, ada), old("c", START + 25, bob)]
    receipts = await core.imports.direct(tenant, ada, bob, imports)
    assert [(one.sequence, one.time, one.repeated) for one in receipts] == [
        (-1, START + 5, False),
        (-2, START - 5, False),
        (-3, START + 25, False),
    ]
    page = await core.messages.direct_page(tenant, "bob", "ada", Query(10, newest_first=False), bob)
    assert words(page) == ["a", "live 0", "b", "live 1", "live 2", "c"]
    assert [one.id for one in page.messages if one.sequence < 0] == [receipts[1].id, receipts[0].id, receipts[2].id]
    for receipt, each in zip(receipts, imports, strict=True):
        assert await core.messages.get(tenant, receipt.id, ada) == Stored(
            receipt.id, receipt.sequence, each.time, 0, each.message
        )
    query = Query(10, since=START - 5, until=START + 10)
    assert words(await core.messages.direct_page(tenant, "ada", "bob", query)) == ["b", "live 0", "a"]


async def test_the_next_live_message_comes_after_all_imports(
    core: Core, clock: ManualClock, tenant: Tenant, users: Two
) -> None:
    ada, bob = users
    await core.imports.direct(tenant, ada, bob, [old("now", START, ada)])
    receipt = (await core.messages.send_direct(tenant, ada, [bob], text("ada"), "client:1"))[0]
    assert (receipt.sequence, receipt.time) == (1, START + 1)
    clock.move(100)
    await core.imports.direct(tenant, ada, bob, [old("later", START + 100, ada)])
    clock.move(-50)
    receipt = (await core.messages.send_direct(tenant, ada, [bob], text("ada"), "client:2"))[0]
    assert (receipt.sequence, receipt.time) == (2, START + 101)


async def test_no_two_messages_have_one_time(core: Core, clock: ManualClock, tenant: Tenant, users: Two) -> None:
    ada, bob = users
    for number in range(5):  # START to START + 4
        await core.messages.send_direct(tenant, ada, [bob], text("ada"), f"client:{number}")
    await core.imports.direct(tenant, ada, bob, [old("x", START - 1000, bob), old("y", START + 5 - 12, bob)])
    clock.move(1)
    await core.messages.send_direct(tenant, ada, [bob], text("ada"), "client:later")
    clock.move(1_000)
    times = [START, START, START + 5, START, START - 1000, START - 999, START - 1000, START + 2]
    receipts = await core.imports.direct(
        tenant, ada, bob, [old(str(number), time, bob) for number, time in enumerate(times)]
    )
    taken = [START + 6, START + 7, START + 8, START + 9, START - 999, START - 998, START - 997, START + 10]
    assert [one.time for one in receipts] == taken
    page = await core.messages.direct_page(tenant, "ada", "bob", Query(100, newest_first=False))
    assert all(one.time < two.time for one, two in pairwise(page.messages))
    assert len(page.messages) == 16


async def test_thousands_of_one_time_keep_their_order(core: Core, tenant: Tenant, users: Two) -> None:
    ada, bob = users
    await core.messages.send_direct(tenant, ada, [bob], text("ada", "live"), "client:1")
    await core.imports.direct(tenant, ada, bob, [old("between", START - 1_000, bob)])
    imports = [old(str(number), START - 2_300, bob) for number in range(2_500)]
    receipts = await core.imports.direct(tenant, ada, bob, imports)
    free = (time for time in range(START - 2_300, START + 500) if time not in (START - 1_000, START))
    assert [one.time for one in receipts] == list(islice(free, 2_500))


async def test_what_would_run_ahead_of_the_clock_comes_later(
    core: Core, clock: ManualClock, tenant: Tenant, users: Two
) -> None:
    ada, bob = users
    imports = [old(str(number), START, bob) for number in range(550)]
    with pytest.raises(Failure) as caught:
        await core.imports.direct(tenant, ada, bob, imports)
    assert (caught.value.kind, caught.value.retry_after_ms) == (Kind.RATE_LIMITED, 1000)
    # What had a time is there, and nobody is kept from sending.
    receipt = (await core.messages.send_direct(tenant, ada, [bob], text("ada"), "client:1"))[0]
    assert receipt.time == START + 501
    clock.move(100)
    receipts = await core.imports.direct(tenant, ada, bob, imports)
    assert [one.repeated for one in receipts] == [True] * 501 + [False] * 49
    assert [one.time for one in receipts] == [START + number for number in (*range(501), *range(502, 551))]


async def test_a_repeat_gives_the_first_result_and_changes_nothing(
    engine: Engine, core: Core, clock: ManualClock, tenant: Tenant, users: Two
) -> None:
    ada, bob = users
    group = (await core.groups.create(tenant, name="group", owner=ada, members=users, dialect="plain")).number
    topic, _ = await core.topics.create(tenant, ("ada", "bob"), creator=ada, dialect="plain")
    about = msgspec.structs.replace(text("bob"), topic=topic.number)
    imports = [
        old("a", START - 9, ada),
        Import("b", START - 9, bob, about),
        old("c", START, bob),
        old("a", START - 3, ada),
    ]
    firsts = [
        await core.imports.direct(tenant, ada, bob, imports),
        await core.imports.group(tenant, group, imports[::3]),
        await core.imports.group(tenant, group + 1, imports[:1]),
    ]
    assert [one.repeated for one in firsts[0]] == [False, False, False, True]
    assert firsts[0][3].id == firsts[0][0].id
    for number in range(3):
        await core.messages.send_direct(tenant, ada, [bob], text("ada"), f"client:{number}")
    await core.messages.recall(tenant, firsts[0][2].id)
    before = of_tenant(engine, tenant.number)
    clock.move(HOUR)
    other = [msgspec.structs.replace(one, message=text(one.sender.id, "other"), time=one.time - 1) for one in imports]
    agains = [
        await core.imports.direct(tenant, bob, ada, other),
        await core.imports.group(tenant, group, other[::3]),
        await core.imports.group(tenant, group + 1, other[:1]),
    ]
    for first, again in zip(firsts, agains, strict=True):
        assert again == [msgspec.structs.replace(one, repeated=True) for one in first]
    assert of_tenant(engine, tenant.number) == before


async def test_an_external_id_is_one_of_its_conversation(core: Core, tenant: Tenant, users: Two) -> None:
    ada, bob = users
    eve = await core.users.key(tenant, "eve")
    receipts = [
        *await core.imports.direct(tenant, ada, bob, [old("1", START, ada)]),
        *await core.imports.direct(tenant, ada, eve, [old("1", START, ada)]),
        *await core.imports.direct(tenant, ada, ada, [old("1", START, ada)]),
        *await core.imports.group(tenant, 1, [old("1", START, ada)]),
    ]
    assert not any(one.repeated for one in receipts)
    assert len({one.id for one in receipts}) == 4


@pytest.mark.parametrize("turns", range(0, 24, 3))
async def test_an_import_that_was_broken_off_is_repeated(
    core: Core, tenant: Tenant, users: Two, monkeypatch: pytest.MonkeyPatch, turns: int
) -> None:
    monkeypatch.setattr(backfill, "MESSAGES_AT_ONCE", 7)
    ada, bob = users
    imports = [old(str(number), START - 1_000 + number // 2, bob) for number in range(100)]
    task = asyncio.create_task(core.imports.direct(tenant, ada, bob, imports))
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    receipts = await core.imports.direct(tenant, ada, bob, imports)
    assert [one.sequence for one in receipts] == list(range(-1, -101, -1))
    page = await core.messages.direct_page(tenant, "ada", "bob", Query(1_000, newest_first=False))
    assert words(page) == [str(number) for number in range(100)]


@pytest.fixture
async def cut_off(server: ServerProcess, clock: ManualClock) -> AsyncIterator[tuple[Core, Proxy]]:
    """A core whose answers can be lost."""
    async with proxied(server.socket) as proxy, opened(proxy.url, clock) as core:
        yield core, proxy


async def test_an_import_whose_answers_are_lost_is_repeated(
    cut_off: tuple[Core, Proxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    core, proxy = cut_off
    monkeypatch.setattr(backfill, "MESSAGES_AT_ONCE", 7)
    tenant = await core.tenants.add("cut off")
    ada, bob = await core.users.keys(tenant, ["ada", "bob"])
    imports = [old(str(number), START - 1_000 + number // 2, bob) for number in range(100)]
    for passing in (0, 1, 3, 8):
        proxy.swallow(passing)
        task = asyncio.create_task(core.imports.direct(tenant, ada, bob, imports))
        await proxy.swallowed.wait()
        with pytest.raises(Failure) as caught:
            await task
        assert caught.value.kind is Kind.STORE_UNAVAILABLE
        proxy.cut()
        await core.store.ping()
    receipts = await core.imports.direct(tenant, ada, bob, imports)
    assert [one.sequence for one in receipts] == list(range(-1, -101, -1))
    page = await core.messages.direct_page(tenant, "ada", "bob", Query(1_000, newest_first=False))
    assert words(page) == [str(number) for number in range(100)]


async def test_workers_that_import_the_same_store_it_once(
    engine: Engine, core: Core, clock: ManualClock, tenant: Tenant, users: Two
) -> None:
    ada, bob = users
    imports = [old(str(number), START - number % 7, bob) for number in range(300)]
    async with opened(engine.url, clock) as other:
        done = await asyncio.gather(
            core.imports.direct(tenant, ada, bob, imports),
            other.imports.direct(tenant, ada, bob, imports),
            other.imports.direct(tenant, ada, bob, imports[::-1]),
        )
    ids = [[one.id for one in receipts] for receipts in done]
    assert ids[0] == ids[1] == ids[2][::-1]
    assert sum(not one.repeated for receipts in done for one in receipts) == len(set(ids[0])) == 300


async def test_what_cannot_be_imported_is_refused_before_anything_is_stored(
    engine: Engine, core: Core, tenant: Tenant, users: Two
) -> None:
    ada, bob = users
    eve = await core.users.key(tenant, "eve")
    topic, _ = await core.topics.create(tenant, ("ada", "eve"), creator=ada, dialect="plain")
    before = of_tenant(engine, tenant.number)
    good = old("good", START, ada)
    refused: list[tuple[Import, Kind, str]] = [
        (old("bad", START + 1, ada), Kind.BAD_REQUEST, "time"),
        (old("bad", 0, ada), Kind.BAD_REQUEST, "time"),
        (old("bad", -1, ada), Kind.BAD_REQUEST, "time"),
        (old("bad", START, eve), Kind.BAD_REQUEST, "sender"),
        (old("", START, ada), Kind.BAD_REQUEST, "external_id"),
        (old("x" * 513, START, ada), Kind.BAD_REQUEST, "external_id"),
        (old("\ud800", START, ada), Kind.BAD_REQUEST, "external_id"),
        (old("bad", START, ada, "x" * (1 << 20)), Kind.TOO_LARGE, ""),
        (
            Import("bad", START, ada, msgspec.structs.replace(text("ada"), topic=topic.number)),
            Kind.NOT_FOUND,
            "topic",
        ),
    ]
    for bad, kind, reason in refused:
        with pytest.raises(Failure) as caught:
            await core.imports.direct(tenant, ada, bob, [good, bad])
        assert (caught.value.kind, caught.value.reason) == (kind, reason)
    assert of_tenant(engine, tenant.number) == before
    assert await core.imports.direct(tenant, ada, bob, []) == []
    assert of_tenant(engine, tenant.number) == before


async def test_an_import_is_not_unread_and_nobody_is_told(server: ServerProcess, clock: ManualClock) -> None:
    async with opened(server.url, clock) as core:
        name = (await core.tenants.add("loud")).name
        tenant = await core.tenants.set_outbox(name, True)
        ada, bob = await core.users.keys(tenant, ["ada", "bob"])
        sent = (await core.messages.send_direct(tenant, ada, [bob], text("ada"), "client:1"))[0]
        row = await core.conversations.direct(tenant, bob, "ada")
        assert row is not None
        assert (row.unread, row.is_new) == (1, True)
        await core.conversations.read(tenant, bob, "ada")
        with server.client() as client:
            (outbox,) = client.scan_iter(match="cg{*}:outbox")
            before = client.xlen(outbox)
            await core.imports.direct(tenant, ada, bob, [old("1", START - 5, ada), old("2", START, ada)])
            await core.imports.group(tenant, 1, [old("1", START - 5, ada)])
            assert client.xlen(outbox) == before
            assert len(list(client.scan_iter(match="cg{*}:outbox"))) == 1
        row = await core.conversations.direct(tenant, bob, "ada")
        assert row is not None
        assert row.last is not None
        assert (row.unread, row.is_new, row.read, row.last.sequence) == (0, False, sent.sequence, -2)
