import msgspec
import pytest

from core.clock import ManualClock
from core.core import Core
from core.errors import Failure, Kind
from core.imports import Import
from core.messages import Query
from core.model import (
    EVERY_KIND,
    Audience,
    Box,
    Message,
    MessageKind,
    Overview,
    Progress,
    Signal,
    Tenant,
    Text,
    UserKey,
)
from tests.core.support import START, text, words


@pytest.fixture
async def ada(core: Core, tenant: Tenant) -> UserKey:
    return await core.users.key(tenant, "ada")


async def test_who_has_no_message_has_no_list(core: Core, tenant: Tenant, ada: UserKey) -> None:
    await core.groups.create(tenant, name="empty", owner=ada, members=[ada], dialect="plain")
    assert await core.conversations.list(tenant, ada, 10) == []
    assert await core.conversations.direct(tenant, ada, "bob") is None
    assert await core.conversations.group(tenant, ada, 1) is None


async def test_a_list_is_paged_by_time_without_splitting_equal_times(
    core: Core, clock: ManualClock, tenant: Tenant, ada: UserKey
) -> None:
    times = {}
    for number in range(60):
        peer = await core.users.key(tenant, f"peer {number}")
        await core.messages.send_direct(tenant, peer, [ada], text(peer.id), "client:1")
        times[peer.id] = clock.now()
        if number % 7 == 0:
            clock.move(1)
    found: list[Overview] = []
    before = None
    for _ in range(len(times)):
        page = await core.conversations.list(tenant, ada, 5, before)
        if not page:
            break
        assert len(page) >= min(5, len(times) - len(found))
        assert not found or page[0].time < found[-1].time
        found += page
        before = page[-1].time
    assert {row.peer: row.time for row in found} == times
    assert [row.time for row in found] == sorted(times.values(), reverse=True)
    assert await core.conversations.list(tenant, ada, 1000) == found


async def test_a_signal_moves_nothing(core: Core, clock: ManualClock, tenant: Tenant, ada: UserKey) -> None:
    bob, eve = await core.users.keys(tenant, ["bob", "eve"])
    for peer in (bob, eve):
        await core.messages.send_direct(tenant, peer, [ada], text(peer.id), "client:1")
        clock.move(1)
    before = await core.conversations.list(tenant, ada, 10)
    await core.messages.send_direct(tenant, bob, [ada], Message("bob", Signal("typing"), "plain"), "client:2")
    assert await core.conversations.list(tenant, ada, 10) == before
    assert [row.peer for row in before] == ["eve", "bob"]
    lurker = await core.users.key(tenant, "lurker")
    await core.messages.send_direct(tenant, lurker, [ada], Message("lurker", Signal("typing"), "plain"), "client:1")
    assert await core.conversations.list(tenant, ada, 10) == before
    assert await core.conversations.direct(tenant, ada, "lurker") is None


async def test_paging_by_time_skips_no_conversation_whatever_came_after_what_is_shown(
    core: Core, clock: ManualClock, tenant: Tenant, ada: UserKey
) -> None:
    # The newest entry of the large group is a signal, that of the left and of the rejoined group is not for this user.
    bob, *crowd = await core.users.keys(tenant, ["bob", *(f"user {number}" for number in range(40))])
    groups = [
        (await core.groups.create(tenant, name=name, owner=bob, members=[*members, ada, bob], dialect="plain")).number
        for name, members in (("large", crowd), ("left", []), ("rejoined", crowd))
    ]
    for group in groups:
        await core.messages.send_group(tenant, bob, [group], text("bob"), "client:1")
        clock.move(10)
    await core.groups.remove(tenant, groups[1], [ada])
    await core.groups.remove(tenant, groups[2], [ada])
    await core.messages.send_direct(tenant, bob, [ada], text("bob"), "client:1")
    clock.move(10)
    signal = Message("bob", Signal("typing"), "plain")
    await core.messages.send_group(tenant, bob, groups[:1], signal, "client:2")
    await core.messages.send_group(tenant, bob, groups[1:], text("bob"), "client:2")
    await core.groups.add(tenant, groups[2], [ada])
    seen: list[tuple[int, str | int | None]] = []
    before = None
    for _ in range(10):
        page = await core.conversations.list(tenant, ada, 1, before)
        if not page:
            break
        seen += [(row.time - START, row.peer or row.group_number) for row in page]
        before = page[-1].time
    assert seen == [(30, "bob"), (20, groups[2]), (10, groups[1]), (0, groups[0])]


async def test_notes_that_the_store_could_not_give_back_are_refused(core: Core, tenant: Tenant, ada: UserKey) -> None:
    bob = await core.users.key(tenant, "bob")
    await core.messages.send_direct(tenant, bob, [ada], text("bob"), "client:1")
    for muted_until in (2**48, 2**63, 2**64, -2):
        with pytest.raises(Failure) as caught:
            await core.conversations.mark(tenant, ada, "bob", muted_until=muted_until)
        assert (caught.value.kind, caught.value.reason) == (Kind.BAD_REQUEST, "muted_until")
    with pytest.raises(Failure) as caught:
        await core.conversations.mark(tenant, ada, "bob", colour="r" * 256)
    assert (caught.value.kind, caught.value.reason) == (Kind.BAD_REQUEST, "colour")
    assert await core.conversations.mark(tenant, ada, "bob", muted_until=2**48 - 1)
    assert [row.marks.muted_until for row in await core.conversations.list(tenant, ada, 5)] == [2**48 - 1]


async def test_what_is_said_aside_is_read_and_stands_in_no_list(
    core: Core, clock: ManualClock, tenant: Tenant, ada: UserKey
) -> None:
    (bob,) = await core.users.keys(tenant, ["bob"])
    aside = Audience(aside=True)
    await core.messages.send_direct(tenant, bob, [ada], text("bob", "aside"), "client:1", aside)
    assert await core.conversations.list(tenant, ada, 10) == []
    await core.messages.send_direct(tenant, bob, [ada], text("bob", "said"), "client:2")
    clock.move(5)
    before = await core.conversations.list(tenant, ada, 10)
    (receipt,) = await core.messages.send_direct(tenant, bob, [ada], text("bob", "aside"), "client:3", aside)
    assert await core.conversations.list(tenant, ada, 10) == before
    assert [(row.unread, row.is_new) for row in before] == [(1, True)]
    page = await core.messages.direct_page(tenant, "ada", "bob", Query(10), ada)
    assert [stored.message.content for stored in page.messages] == [Text("aside"), Text("said"), Text("aside")]
    # What is seen of the list after the newest message is gone is not the one that stands in none.
    clock.move(5)
    (newest,) = await core.messages.send_direct(tenant, bob, [ada], text("bob", "later"), "client:4")
    await core.messages.hide(tenant, ada, [newest.id])
    assert await core.conversations.list(tenant, ada, 10) == before
    edited = await core.messages.edit(tenant, receipt.id, lambda old: msgspec.structs.replace(old, content=Text("new")))
    assert (edited.kind, edited.message.content) == (MessageKind.ASIDE, Text("new"))


async def test_a_conversation_leaves_everybodys_list_until_something_comes(
    core: Core, clock: ManualClock, tenant: Tenant, ada: UserKey
) -> None:
    bob, left, stranger = await core.users.keys(tenant, ["bob", "left", "stranger"])
    crowd = await core.users.keys(tenant, [f"user {number}" for number in range(60)])
    for members in ([ada, bob, left], [ada, bob, left, *crowd]):
        group = await core.groups.create(tenant, name="g", owner=ada, members=members, dialect="plain")
        for sender in (bob, stranger):
            clock.move(1)
            await core.messages.send_group(tenant, sender, [group.number], text(sender.id), "client:1")
        await core.groups.remove(tenant, group.number, [left])
        users = [*members, stranger]
        assert all([await core.conversations.list(tenant, user, 10) for user in users])
        assert await core.conversations.put_for_all(tenant, ada, group.number, Box.HIDDEN)
        assert not any([await core.conversations.list(tenant, user, 10) for user in users])
        assert len((await core.messages.group_page(tenant, bob, group.number, Query(10))).messages) == 2
        clock.move(1)
        await core.messages.send_group(tenant, bob, [group.number], text("bob"), "client:2")
        there = [bool(await core.conversations.list(tenant, user, 10)) for user in users]
        assert there == [user not in (left, stranger) for user in users]
        assert await core.conversations.put_for_all(tenant, ada, group.number, Box.HIDDEN)
    assert not await core.conversations.put_for_all(tenant, ada, 99, Box.HIDDEN)
    await core.messages.send_direct(tenant, bob, [ada], text("bob"), "client:9")
    assert await core.conversations.put_for_all(tenant, ada, "bob", Box.ARCHIVED)
    for user in (ada, bob):
        assert len(await core.conversations.list(tenant, user, 10, box=Box.ARCHIVED)) == 1


async def test_what_is_older_than_a_time_is_cleared_for_one_user_also_on_a_long_way(
    core: Core, clock: ManualClock, tenant: Tenant, ada: UserKey
) -> None:
    (bob,) = await core.users.keys(tenant, ["bob"])
    times = []
    for number in range(9_000):
        clock.move(1)
        sender, other = (ada, bob) if number % 3 == 0 else (bob, ada)
        (receipt,) = await core.messages.send_direct(tenant, sender, [other], text(sender.id), f"client:{number}")
        times.append(receipt.time)
    for place in (10, 4_500, 8_990):
        assert await core.conversations.clear_before(tenant, ada, "bob", times[place])
        row = await core.conversations.direct(tenant, ada, "bob")
        assert row is not None
        assert row.unread == sum(number % 3 != 0 for number in range(place, 9_000))
        page = await core.messages.direct_page(tenant, "ada", "bob", Query(20, newest_first=False), ada)
        assert page.messages[0].time == times[place]
    theirs = await core.messages.direct_page(tenant, "ada", "bob", Query(1, newest_first=False), bob)
    assert theirs.messages[0].time == times[0]
    assert not await core.conversations.clear_before(tenant, ada, "nobody", clock.now())


async def test_what_is_hidden_is_for_programs(core: Core, tenant: Tenant, ada: UserKey) -> None:
    (bob,) = await core.users.keys(tenant, ["bob"])
    hidden = Audience(hidden=True)
    await core.messages.send_direct(tenant, bob, [ada], text("bob", "hidden"), "client:1", hidden)
    one = Import("old", 5, bob, text("bob", "hidden long ago"), hidden=True)
    await core.imports.direct(tenant, ada, bob, [one])
    assert await core.conversations.list(tenant, ada, 10) == []
    assert (await core.messages.direct_page(tenant, "ada", "bob", Query(10), ada)).messages == []
    page = await core.messages.direct_page(tenant, "ada", "bob", Query(10, kinds=EVERY_KIND, progress=True), ada)
    assert words(page) == ["hidden", "hidden long ago"]
    assert [stored.kind for stored in page.messages] == [MessageKind.HIDDEN] * 2
    assert page.progress == Progress(head=1)


async def test_a_page_tells_how_far_both_have_come(core: Core, tenant: Tenant, ada: UserKey) -> None:
    (bob,) = await core.users.keys(tenant, ["bob"])
    query = Query(1, progress=True)
    assert (await core.messages.direct_page(tenant, "ada", "bob", query, ada)).progress is None
    receipts = []
    for number in range(4):
        receipts += await core.messages.send_direct(tenant, ada, [bob], text("ada"), f"client:{number}")
    await core.conversations.delivered(tenant, bob, "ada", 3)
    await core.conversations.read(tenant, bob, "ada", 2)
    await core.conversations.read(tenant, bob, "ada", 4, receipt=False)
    seen = [(await core.messages.direct_page(tenant, "ada", "bob", query, who)).progress for who in (ada, bob, None)]
    assert seen == [Progress(0, 0, 4, 3, 2), Progress(4, 0, 4), Progress(head=4)]
    assert await core.messages.parties(tenant, receipts[0].id) == ("ada", "bob")
    assert await core.messages.parties(tenant, 5) is None
