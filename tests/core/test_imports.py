"""Imports: the backfill lane beside the live one."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import islice, pairwise

import msgspec
import pytest

from core.clock import ManualClock
from core.core import Core
from core.errors import Failure, Kind
from core.groups import Visibility
from core.ids import Parties
from core.imports import Import
from core.messages import Page, Query
from core.model import EVERY_KIND, Audience, Box, Message, Overview, Receipt, Signal, Stored, Tenant, Text, UserKey
from core.store import backfill
from core.store.groups import SMALL_GROUP
from tests.core.proxy import Proxy, proxied
from tests.core.store.rows import of_tenant
from tests.core.support import START, opened, text
from tests.servers import Engine, ServerProcess

HOUR = 3_600_000
Two = list[UserKey]
Read = Callable[[Query], Awaitable[Page]]


@pytest.fixture
async def users(core: Core, tenant: Tenant) -> Two:
    return await core.users.keys(tenant, ["ada", "bob"])


def old(name: str, time: int, sender: UserKey, words: str = "") -> Import:
    return Import(name, time, sender, text(sender.id, words or name))


def words(page: Page) -> list[str]:
    return [one.message.content.text for one in page.messages if isinstance(one.message.content, Text)]


async def all_pages(read: Read, query: Query) -> list[Stored]:
    """Page after page to the end."""
    found: list[Stored] = []
    for _ in range(1_000):
        page = await read(query)
        assert len(page.messages) <= query.limit
        found += page.messages
        if not page.cursor:
            return found
        query = msgspec.structs.replace(query, cursor=page.cursor)
    raise AssertionError("the pages have no end")


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


async def shown(core: Core, tenant: Tenant, user: UserKey, box: Box = Box.ACTIVE) -> list[tuple[int, str]]:
    """A user's list: times since the start, and texts."""
    rows = await core.conversations.list(tenant, user, 100, box=box)
    found = []
    for row in rows:
        assert row.last is not None
        assert isinstance(row.last.message.content, Text)
        assert (row.box, row.last.time) == (box, row.time)
        assert row == await one_row(core, tenant, user, row)
        found.append((row.time - START, row.last.message.content.text))
    return found


async def one_row(core: Core, tenant: Tenant, user: UserKey, row: Overview) -> Overview | None:
    if row.group_number is not None:
        return await core.conversations.group(tenant, user, row.group_number)
    return await core.conversations.direct(tenant, user, row.peer or "")


async def test_an_import_is_in_the_lists_where_it_is_the_last(
    core: Core, clock: ManualClock, tenant: Tenant, users: Two
) -> None:
    ada, bob = users
    assert await shown(core, tenant, bob) == []
    await core.imports.direct(tenant, ada, bob, [old("b", START - 10, ada), old("a", START - 20, ada)])
    assert await shown(core, tenant, ada) == await shown(core, tenant, bob) == [(-10, "b")]
    await core.messages.send_direct(tenant, ada, [bob], text("ada", "live"), "client:1")
    clock.move(100)
    await core.imports.direct(tenant, ada, bob, [old("c", START - 5, ada)])
    assert await shown(core, tenant, bob) == [(0, "live")]
    signal = Import("signal", START + 90, ada, Message("ada", Signal("wave"), "plain"))
    await core.imports.direct(tenant, ada, bob, [old("e", START + 80, ada), old("d", START + 70, ada), signal])
    assert await shown(core, tenant, ada) == await shown(core, tenant, bob) == [(80, "e")]


@pytest.mark.parametrize("box", [Box.ARCHIVED, Box.HIDDEN])
@pytest.mark.parametrize("large", [False, True])
async def test_an_import_leaves_a_conversation_in_its_box(
    core: Core, clock: ManualClock, tenant: Tenant, box: Box, large: bool
) -> None:
    ada, bob, *crowd = await core.users.keys(tenant, ["ada", "bob", *(f"user {n}" for n in range(SMALL_GROUP))])
    members = [ada, bob, *crowd] if large else [ada, bob]
    group = (await core.groups.create(tenant, name="group", owner=ada, members=members, dialect="plain")).number
    await core.messages.send_group(tenant, ada, [group], text("ada", "live"), "client:1")
    await core.conversations.put(tenant, bob, group, box)
    clock.move(100)
    # Many, so that their sequences are beyond that of the live message.
    await core.imports.group(tenant, group, [old(str(number), START + number, ada) for number in range(1, 10)])
    assert await shown(core, tenant, bob, box) == [(9, "9")]
    assert await shown(core, tenant, bob) == []
    assert await shown(core, tenant, ada) == [(9, "9")]
    await core.messages.send_group(tenant, ada, [group], text("ada", "back"), "client:2")
    await core.imports.group(tenant, group, [old("10", START + 90, ada)])
    assert await shown(core, tenant, bob, box) == []
    assert await shown(core, tenant, bob) == [(100, "back")]


@pytest.mark.parametrize("large", [False, True])
async def test_a_group_s_imports_are_seen_by_who_sees_the_place(
    core: Core, clock: ManualClock, tenant: Tenant, large: bool
) -> None:
    names = ["ada", "left", "newcomer", "late", "all", "stranger", *(f"user {n}" for n in range(SMALL_GROUP))]
    ada, left, newcomer, late, everything, stranger, *crowd = await core.users.keys(tenant, names)
    members = [ada, left, *crowd] if large else [ada, left]
    group = (await core.groups.create(tenant, name="group", owner=ada, members=members, dialect="plain")).number
    for number in range(3):
        if number == 1:
            await core.groups.remove(tenant, group, [left])
            await core.groups.add(tenant, group, [newcomer])
        await core.messages.send_group(tenant, ada, [group], text("ada", f"live {number}"), f"client:{number}")
        clock.move(100)
    await core.groups.add(tenant, group, [late])
    await core.groups.add(tenant, group, [everything], sees=Visibility.EVERYTHING)
    times = {"before": -50, "first": 50, "second": 150, "end": 250}
    await core.imports.group(tenant, group, [old(name, START + time, stranger) for name, time in times.items()])
    every = ["before", "live 0", "first", "live 1", "second", "live 2", "end"]
    expected = {
        ada: every,
        everything: every,
        left: ["before", "live 0", "first"],
        newcomer: ["live 1", "second", "live 2", "end"],
        late: [],
        stranger: ["before", "first", "second", "end"],
    }
    for user, seen in expected.items():
        page = await core.messages.group_page(tenant, user, group, Query(100, newest_first=False))
        assert words(page) == seen, user
        assert [content for _, content in await shown(core, tenant, user)] == seen[-1:], user


async def test_imports_to_a_reserved_number_wait_for_the_group(
    core: Core, clock: ManualClock, tenant: Tenant, users: Two
) -> None:
    ada, bob = users
    group = await core.groups.place(tenant, "plain", "lobby")
    await core.imports.group(tenant, group, [old("a", START - 20, ada), old("b", START - 10, bob)])
    assert await shown(core, tenant, ada) == [(-20, "a")]
    assert await shown(core, tenant, bob) == [(-10, "b")]
    await core.messages.send_group(tenant, ada, [group], text("ada", "live"), "client:1")
    clock.move(10)
    await core.imports.group(tenant, group, [old("c", START + 5, bob)])
    assert await shown(core, tenant, ada) == [(0, "live")]
    assert await shown(core, tenant, bob) == [(5, "c")]
    eve = await core.users.key(tenant, "eve")
    await core.groups.create(tenant, name="lobby", owner=eve, members=[eve, ada], dialect="plain", alias="lobby")
    assert await shown(core, tenant, eve) == await shown(core, tenant, ada) == [(5, "c")]
    assert await shown(core, tenant, bob) == [(5, "c")]
    page = await core.messages.group_page(tenant, eve, group, Query(10))
    assert words(page) == ["c", "live", "b", "a"]
    assert words(await core.messages.group_page(tenant, bob, group, Query(10))) == ["c", "b"]


async def test_what_is_cleared_stays_so(core: Core, clock: ManualClock, tenant: Tenant, users: Two) -> None:
    ada, bob = users
    await core.messages.send_direct(tenant, ada, [bob], text("ada", "live"), "client:1")
    await core.imports.direct(tenant, ada, bob, [old("a", START - 10, ada)])
    await core.conversations.clear(tenant, bob, "ada")
    await core.imports.direct(tenant, ada, bob, [old("b", START - 5, ada)])
    assert await shown(core, tenant, bob) == []
    assert (await core.messages.direct_page(tenant, "ada", "bob", Query(10), bob)).messages == []
    assert words(await core.messages.direct_page(tenant, "ada", "bob", Query(10), ada)) == ["live", "b", "a"]
    clock.move(100)
    await core.messages.send_direct(tenant, ada, [bob], text("ada", "new"), "client:2")
    clock.move(100)
    await core.imports.direct(tenant, ada, bob, [old("c", START + 150, ada)])
    assert await shown(core, tenant, bob) == [(150, "c")]
    assert words(await core.messages.direct_page(tenant, "ada", "bob", Query(10), bob)) == ["c", "new"]


async def test_an_import_is_edited_recalled_and_hidden_like_any_message(core: Core, tenant: Tenant, users: Two) -> None:
    ada, bob = users
    imports = [old(name, START - 100 + number, ada) for number, name in enumerate("abcd")]
    receipts = await core.imports.direct(tenant, ada, bob, imports)

    def changed(message: Message) -> Message:
        return msgspec.structs.replace(message, content=Text("changed"))

    edited = await core.messages.edit(tenant, receipts[0].id, changed)
    assert (edited.sequence, edited.time, edited.message.edited) == (-1, START - 100, START)
    assert await core.messages.hide(tenant, bob, [receipts[1].id, receipts[3].id]) == [True, True]
    assert await core.messages.hide(tenant, bob, [receipts[1].id]) == [False]
    assert await shown(core, tenant, bob) == [(-98, "c")]
    assert await shown(core, tenant, ada) == [(-97, "d")]
    assert await core.messages.recall(tenant, receipts[2].id)
    assert not await core.messages.recall(tenant, receipts[2].id)
    assert await shown(core, tenant, bob) == [(-100, "changed")]
    for user, expected in ((ada, ["d", "b", "changed"]), (bob, ["changed"])):
        assert words(await core.messages.direct_page(tenant, "ada", "bob", Query(10), user)) == expected
    assert await core.messages.get(tenant, receipts[1].id, bob) is None
    assert await core.messages.get(tenant, receipts[1].id, ada) is not None
    row = await core.conversations.direct(tenant, bob, "ada")
    assert row is not None
    assert row.unread == 0
    await core.messages.recall(tenant, receipts[0].id)
    assert await shown(core, tenant, bob) == []


def mixed(rng: random.Random, users: Two, count: int) -> list[tuple[int, Import | None]]:
    """What happens after how many ms: a live message, or an import of some earlier time."""
    steps: list[tuple[int, Import | None]] = []
    now = START
    for number in range(count):
        move = rng.choice((0, 0, 1, 5, 40))
        now += move
        if rng.random() < 0.5:
            steps.append((move, None))
        else:
            time = now if rng.random() < 0.2 else rng.randrange(START - 50, now + 1)
            steps.append((move, old(f"import {number}", time, rng.choice(users))))
    return steps


@pytest.mark.parametrize("seed", range(4))
async def test_pages_give_each_message_of_both_lanes_once_in_order_of_time(
    core: Core, clock: ManualClock, tenant: Tenant, users: Two, seed: int
) -> None:
    rng = random.Random(seed)  # noqa: S311
    ada, bob = users
    group = (await core.groups.create(tenant, name="group", owner=ada, members=users, dialect="plain")).number
    targets: list[Parties] = [("ada", "bob"), group]
    expected: dict[str, int] = {}

    async def import_to(target: Parties, imports: list[Import]) -> list[Receipt]:
        if isinstance(target, int):
            return await core.imports.group(tenant, target, imports)
        return await core.imports.direct(tenant, ada, bob, imports)

    for target in targets:
        expected.clear()
        waiting: list[Import] = []
        for number, (move, each) in enumerate(mixed(rng, users, 60)):
            clock.move(move)
            if each is None:
                send = (
                    core.messages.send_group(tenant, ada, [target], text("ada", str(number)), f"client:{number}")
                    if isinstance(target, int)
                    else core.messages.send_direct(tenant, ada, [bob], text("ada", str(number)), f"client:{number}")
                )
                expected[str(number)] = (await send)[0].time
            else:
                waiting.append(each)
            if waiting and rng.random() < 0.3:
                for one, receipt in zip(waiting, await import_to(target, waiting), strict=True):
                    expected[one.external_id] = receipt.time
                    assert receipt.time >= one.time
                waiting = []
        for one, receipt in zip(waiting, await import_to(target, waiting), strict=True):
            expected[one.external_id] = receipt.time
        order = sorted(expected, key=expected.__getitem__)
        assert len(set(expected.values())) == len(order) == 60

        async def read(query: Query, target: Parties = target) -> Page:
            if isinstance(target, int):
                return await core.messages.group_page(tenant, bob, target, query)
            return await core.messages.direct_page(tenant, *target, query, bob)

        for limit in range(1, len(order) + 2):
            for newest_first in (False, True):
                found = await all_pages(read, Query(limit, newest_first, kinds=EVERY_KIND))
                texts = [one.message.content.text for one in found if isinstance(one.message.content, Text)]
                assert texts == (order[::-1] if newest_first else order), (limit, newest_first)
        for _ in range(20):
            since, until = sorted(rng.choice(list(expected.values())) + rng.randrange(-1, 2) for _ in range(2))
            inside = [name for name in order if since <= expected[name] < until]
            query = Query(rng.randrange(1, 20), rng.random() < 0.5, since=since, until=until)
            found = await all_pages(read, query)
            texts = [one.message.content.text for one in found if isinstance(one.message.content, Text)]
            assert texts == (inside[::-1] if query.newest_first else inside)


async def test_pages_go_on_past_a_thousand_entries_of_either_lane_that_are_not_shown(
    core: Core, clock: ManualClock, tenant: Tenant, users: Two
) -> None:
    ada, bob = users
    signal = Message("ada", Signal("wave"), "plain")
    await core.messages.send_direct(tenant, ada, [bob], text("ada", "live"), "client:1")
    for number in range(1_200):
        clock.move(4)
        await core.messages.send_direct(tenant, ada, [bob], signal, f"request {number}")
    clock.move(10_000)
    imports = [Import(str(number), START + 2 + 4 * number, ada, signal) for number in range(1_200)]
    imports += [old("first", START - 1, ada), old("last", START + 9_000, ada)]
    await core.imports.direct(tenant, ada, bob, imports)

    async def read(query: Query) -> Page:
        return await core.messages.direct_page(tenant, "ada", "bob", query, bob)

    for limit in (1, 2, 50):
        for newest_first in (False, True):
            texts = [
                one.message.content.text
                for one in await all_pages(read, Query(limit, newest_first))
                if isinstance(one.message.content, Text)
            ]
            assert texts == ["first", "live", "last"][:: -1 if newest_first else 1]
            found = await all_pages(read, Query(500, newest_first, kinds=EVERY_KIND))
            assert len({one.id for one in found}) == len(found) == 2_403


async def test_imports_that_are_not_for_a_viewer_hide_no_row(core: Core, tenant: Tenant, users: Two) -> None:
    """Whoever never was a member, and whose own message lies behind thousands of others' imports."""
    ada, bob = users
    group = (await core.groups.create(tenant, name="group", owner=ada, members=[ada], dialect="plain")).number
    await core.imports.group(tenant, group, [old("own", START - 5_000, bob)])
    await core.imports.group(tenant, group, [old(str(number), START - 4_000 + number, ada) for number in range(2_000)])
    assert await shown(core, tenant, bob) == [(-5_000, "own")]
    assert await shown(core, tenant, ada) == [(-2_001, "1999")]
    await core.messages.send_group(tenant, ada, [group], text("ada", "to ada"), "client:1", Audience(to=(ada,)))
    assert await shown(core, tenant, bob) == [(-5_000, "own")]
