"""What users see of imports: in pages, in lists, and after changes."""

import random
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from core.clock import ManualClock
from core.core import Core
from core.groups import Visibility
from core.ids import Parties
from core.imports import Import
from core.messages import Page, Query
from core.model import EVERY_KIND, Audience, Box, Message, Overview, Receipt, Signal, Stored, Tenant, Text, UserKey
from core.store.groups import SMALL_GROUP
from tests.core.support import START, old, text, words

Two = list[UserKey]
Read = Callable[[Query], Awaitable[Page]]


@pytest.fixture
async def users(core: Core, tenant: Tenant) -> Two:
    return await core.users.keys(tenant, ["ada", "bob"])


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
