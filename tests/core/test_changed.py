"""What changed in a user's conversations, whole conversations, and conversations under other names."""

from hashlib import md5

import pytest

from core.clock import ManualClock
from core.core import Core
from core.imports import Import
from core.model import Box, Change, Marks, Overview, Tenant, UserKey
from tests.core.support import START, text


@pytest.fixture
async def ada(core: Core, tenant: Tenant) -> UserKey:
    return await core.users.key(tenant, "ada")


@pytest.fixture
async def bob(core: Core, tenant: Tenant) -> UserKey:
    return await core.users.key(tenant, "bob")


async def send(core: Core, tenant: Tenant, sender: UserKey, recipient: UserKey, reference: str = "1") -> int:
    (receipt,) = await core.messages.send_direct(
        tenant, sender, [recipient], text(sender.id, reference), f"client:{reference}"
    )
    return receipt.time


async def changes(core: Core, tenant: Tenant, user: UserKey, since: int = 0) -> list[tuple[str, str, bool]]:
    found = await core.conversations.changed(tenant, user, since)
    assert [change.time for change in found] == sorted(change.time for change in found)
    return [(change.what, change.station, change.is_new) for change in found]


async def test_messages_change_a_conversation_for_both(
    core: Core, clock: ManualClock, tenant: Tenant, ada: UserKey, bob: UserKey
) -> None:
    assert await changes(core, tenant, ada) == []
    first = await send(core, tenant, ada, bob)
    for user in (ada, bob):
        (change,) = await core.conversations.changed(tenant, user, first - 1)
        expected = Change(change.conversation, ("ada", "bob"), first, "message", is_new=True)
        assert change == expected
        assert await changes(core, tenant, user, first) == []
    clock.move(5)
    second = await send(core, tenant, bob, ada, "2")
    assert await changes(core, tenant, ada, first) == [("message", "", False)]
    assert await changes(core, tenant, ada, first - 1) == [("message", "", True)]
    assert await changes(core, tenant, ada, second) == []


async def test_archived_and_hidden_conversations_change_too(
    core: Core, clock: ManualClock, tenant: Tenant, ada: UserKey, bob: UserKey
) -> None:
    sent = await send(core, tenant, ada, bob)
    clock.move(5)
    for box in (Box.ARCHIVED, Box.HIDDEN, Box.ACTIVE):
        await core.conversations.put(tenant, ada, "bob", box, station="phone")
        assert await changes(core, tenant, ada, sent - 1) == [("message", "", True), ("notes", "phone", False)]
    assert await changes(core, tenant, bob, sent) == []


async def test_reports_change_it_for_both_and_notes_for_who_has_them(
    core: Core, clock: ManualClock, tenant: Tenant, ada: UserKey, bob: UserKey
) -> None:
    sent = await send(core, tenant, ada, bob)
    clock.move(5)
    await core.conversations.delivered(tenant, bob, "ada", station="phone")
    clock.move(5)
    await core.conversations.read(tenant, bob, "ada", station="desk")
    expected = [("report", "phone", False), ("report", "desk", False)]
    assert await changes(core, tenant, ada, sent) == expected
    assert await changes(core, tenant, bob, sent) == expected
    clock.move(5)
    assert await core.conversations.read(tenant, bob, "ada", station="again") is False
    await core.conversations.mark(tenant, ada, "bob", favourite=True, station="desk")
    assert await changes(core, tenant, ada, START + 11) == [("notes", "desk", False)]
    assert await changes(core, tenant, bob, START + 11) == []


async def test_clearing_for_all_changes_it_for_all(
    core: Core, clock: ManualClock, tenant: Tenant, ada: UserKey, bob: UserKey
) -> None:
    await send(core, tenant, ada, bob)
    clock.move(5)
    group = await core.groups.create(tenant, name="both", owner=ada, members=[ada, bob], dialect="plain")
    await core.messages.send_group(tenant, ada, [group.number], text("ada"), "client:1")
    clock.move(5)
    for target in ("bob", group.number):
        assert await core.conversations.clear_for_all(tenant, ada, target, station="desk")
    for user in (ada, bob):
        found = await core.conversations.changed(tenant, user, START + 6)
        assert {(change.parties, change.what, change.station) for change in found} == {
            (("ada", "bob"), "cleared", "desk"),
            (group.number, "cleared", "desk"),
        }


@pytest.mark.parametrize("members", [3, 40])
async def test_groups_change_for_their_members(
    core: Core, clock: ManualClock, tenant: Tenant, ada: UserKey, bob: UserKey, members: int
) -> None:
    crowd = await core.users.keys(tenant, [f"user {number}" for number in range(members)])
    group = await core.groups.create(tenant, name="crowd", owner=ada, members=[ada, *crowd], dialect="plain")
    (receipt,) = await core.messages.send_group(tenant, ada, [group.number], text("ada"), "client:1")
    for user in (ada, crowd[0]):
        (change,) = await core.conversations.changed(tenant, user, receipt.time - 1)
        assert (change.parties, change.what, change.time) == (group.number, "message", receipt.time)
        assert await changes(core, tenant, user, receipt.time) == []
    assert await changes(core, tenant, bob) == []


async def test_imports_of_old_are_no_news(core: Core, tenant: Tenant, ada: UserKey, bob: UserKey) -> None:
    await core.imports.direct(tenant, ada, bob, [Import("1", START - 1_000, ada, text("ada"))])
    assert await changes(core, tenant, bob, START - 1_000) == []


async def test_a_whole_conversation_is_there_without_a_message(
    core: Core, tenant: Tenant, ada: UserKey, bob: UserKey
) -> None:
    eve = await core.users.key(tenant, "eve")
    assert await core.conversations.whole(tenant, ada, ["bob", "eve", 1]) == [None, None, None]
    await core.relations.add(tenant, ada, [bob])
    found, none = await core.conversations.whole(tenant, ada, ["bob", "eve"])
    assert none is None
    assert found is not None
    assert (found.peer, found.last, found.time, found.epoch, found.reports) == ("bob", None, 0, 0, 0)
    time = await send(core, tenant, ada, eve)
    found, other = await core.conversations.whole(tenant, ada, ["eve", "bob"])
    assert found is not None
    assert found.last is not None
    assert (found.peer, found.time, found.last.time) == ("eve", time, time)
    assert other is not None
    assert [row.conversation for row in await core.conversations.list(tenant, ada, 10)] == [found.conversation]


async def test_groups_are_whole_for_who_was_a_member_alone(
    core: Core, tenant: Tenant, ada: UserKey, bob: UserKey
) -> None:
    group = await core.groups.create(tenant, name="ours", owner=ada, members=[ada], dialect="plain")
    (mine,) = await core.conversations.whole(tenant, ada, [group.number])
    assert mine is not None
    assert (mine.group_number, mine.last) == (group.number, None)
    assert await core.conversations.whole(tenant, bob, [group.number]) == [None]


async def test_an_epoch_ends_with_each_clearing(core: Core, tenant: Tenant, ada: UserKey, bob: UserKey) -> None:
    async def epoch(user: UserKey) -> int:
        (found,) = await core.conversations.whole(tenant, user, ["bob" if user is ada else "ada"])
        assert found is not None
        return found.epoch

    time = await send(core, tenant, ada, bob)
    first = await epoch(ada)
    assert first == await epoch(bob)
    await core.conversations.read(tenant, bob, "ada")
    (listed,) = await core.conversations.list(tenant, bob, 10, whole=True)
    assert (listed.epoch, listed.reports) == (first, 1)
    await core.conversations.clear_for_all(tenant, ada, "bob")
    second = await epoch(ada)
    assert second != first
    assert second == await epoch(bob)
    (found,) = await core.conversations.whole(tenant, ada, ["bob"])
    assert found is not None
    assert (found.last, found.time, found.reports) == (None, time, 0)
    await core.conversations.clear_for_all(tenant, ada, "bob")
    third = await epoch(ada)
    assert third not in (first, second)
    await send(core, tenant, ada, bob, "2")
    assert await epoch(ada) == third
    await core.conversations.clear(tenant, ada, "bob")
    assert await epoch(ada) != third == await epoch(bob)


async def test_a_word_for_what_is_hidden_is_kept_and_taken_away(
    core: Core, tenant: Tenant, ada: UserKey, bob: UserKey
) -> None:
    await send(core, tenant, ada, bob)
    await core.conversations.mark(tenant, ada, "bob", hidden_as="a;b", colour="#bae1ff")
    (mine,) = await core.conversations.list(tenant, ada, 10)
    assert mine.marks == Marks(hidden_as="a;b", colour="#bae1ff")
    (theirs,) = await core.conversations.list(tenant, bob, 10)
    assert theirs.marks == Marks()
    await core.conversations.mark(tenant, ada, "bob", hidden_as="")
    (mine,) = await core.conversations.list(tenant, ada, 10)
    assert mine.marks == Marks(colour="#bae1ff")


async def test_a_conversation_is_found_by_what_is_made_of_its_peer(
    core: Core, tenant: Tenant, ada: UserKey, bob: UserKey
) -> None:
    eve, friend, stranger = await core.users.keys(tenant, ["eve", "friend", "stranger"])
    asked: list[str] = []

    def handle(peer: str) -> str:
        return md5(peer.encode(), usedforsecurity=False).hexdigest()

    def counted(peer: str) -> str:
        asked.append(peer)
        return handle(peer)

    async def find(user: UserKey, peer: str) -> str | None:
        return await core.handles.peer(tenant, user, handle(peer), counted)

    await send(core, tenant, ada, bob)
    await send(core, tenant, eve, ada)
    await core.conversations.put(tenant, ada, "eve", Box.HIDDEN)
    await core.relations.add(tenant, ada, [friend])
    for peer in ("bob", "eve", "friend", "ada"):
        assert await find(ada, peer) == peer
    assert await find(ada, "stranger") is None
    assert await find(stranger, "ada") is None
    asked.clear()
    assert await find(ada, "bob") == "bob"
    assert asked == []


async def test_a_list_of_all_boxes_is_all_lists_in_order(
    core: Core, clock: ManualClock, tenant: Tenant, ada: UserKey
) -> None:
    peers = await core.users.keys(tenant, [f"peer {number}" for number in range(90)])
    for number, peer in enumerate(peers):
        await send(core, tenant, peer, ada)
        clock.move(0 if number % 5 == 0 else 1)
        await core.conversations.put(tenant, ada, peer.id, list(Box)[number % 3])
    apart = [row for box in Box for row in await core.conversations.list(tenant, ada, 100, box=box)]
    whole = await core.conversations.list(tenant, ada, 100, box=None)
    assert sorted(whole, key=lambda row: row.conversation) == sorted(apart, key=lambda row: row.conversation)
    found: list[Overview] = []
    before: int | None = None
    for _ in range(len(peers)):
        page = await core.conversations.list(tenant, ada, 7, before, box=None)
        if not page:
            break
        assert len(page) >= min(7, len(peers) - len(found))
        found += page
        before = page[-1].time
    assert found == whole
    assert [row.time for row in found] == sorted((row.time for row in apart), reverse=True)
