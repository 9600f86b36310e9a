"""Receipts: what became of a message, and the log of reports."""

import asyncio

import pytest

from core.clock import ManualClock
from core.core import Core
from core.errors import Failure, Kind
from core.imports import Import
from core.messages import Query
from core.model import Audience, Report, Tenant, UserKey, UserReceipt
from tests.core.support import START, opened, text
from tests.servers import ServerProcess

Two = list[UserKey]


@pytest.fixture
async def users(core: Core, tenant: Tenant) -> Two:
    return await core.users.keys(tenant, ["ada", "bob"])


async def send(core: Core, tenant: Tenant, sender: UserKey, to: UserKey | int, count: int) -> list[int]:
    """Ids of so many messages."""
    found = []
    for number in range(count):
        message, reference = text(sender.id), f"client:{core.clock.now()} {number}"
        if isinstance(to, int):
            found += await core.messages.send_group(tenant, sender, [to], message, reference)
        else:
            found += await core.messages.send_direct(tenant, sender, [to], message, reference)
    return [one.id for one in found]


async def states(core: Core, tenant: Tenant, message: int) -> dict[str, tuple[int | None, int | None]]:
    """Of each user when it was delivered and read, since the start."""
    found = await core.receipts.of(tenant, message)
    assert [one.user.number for one in found] == sorted(one.user.number for one in found)
    for one in found:
        assert await core.users.key(tenant, one.user.id) == one.user
    return {
        one.user.id: (
            one.delivered - START if one.delivered is not None else None,
            one.read - START if one.read is not None else None,
        )
        for one in found
    }


async def test_a_direct_message_s_receipt(core: Core, clock: ManualClock, tenant: Tenant, users: Two) -> None:
    ada, bob = users
    ids = await send(core, tenant, ada, bob, 4)
    for message in ids:
        assert await states(core, tenant, message) == {"bob": (None, None)}
    clock.move(10)
    await core.conversations.delivered(tenant, bob, "ada", 3)
    clock.move(10)
    await core.conversations.read(tenant, bob, "ada", 2)
    clock.move(10)
    await core.conversations.delivered(tenant, bob, "ada")
    clock.move(10)
    await core.conversations.read(tenant, bob, "ada", 1)  # never back
    expected = [(10, 20), (10, 20), (10, None), (30, None)]
    assert [await states(core, tenant, message) for message in ids] == [{"bob": each} for each in expected]
    # What the sender has of the other's messages is another matter.
    back = await send(core, tenant, bob, ada, 1)
    await core.conversations.read(tenant, ada, "bob")
    assert await states(core, tenant, back[0]) == {"ada": (40, 40)}
    assert await states(core, tenant, ids[3]) == {"bob": (30, None)}


async def test_what_was_read_was_delivered_then_at_the_latest(
    core: Core, clock: ManualClock, tenant: Tenant, users: Two
) -> None:
    ada, bob = users
    (message,) = await send(core, tenant, ada, bob, 1)
    clock.move(10)
    await core.conversations.read(tenant, bob, "ada")
    assert await states(core, tenant, message) == {"bob": (10, 10)}
    clock.move(10)
    await core.conversations.delivered(tenant, bob, "ada")
    assert await states(core, tenant, message) == {"bob": (10, 10)}


async def test_reading_without_a_receipt_tells_nobody(core: Core, tenant: Tenant, users: Two) -> None:
    ada, bob = users
    (message,) = await send(core, tenant, ada, bob, 1)
    await core.conversations.read(tenant, bob, "ada", receipt=False)
    assert await states(core, tenant, message) == {"bob": (None, None)}
    assert (await core.receipts.reports(tenant, "ada", "bob"))[0] == []
    await core.conversations.read(tenant, bob, "ada")
    assert await states(core, tenant, message) == {"bob": (0, 0)}


async def test_a_message_to_oneself_has_no_receipts(core: Core, tenant: Tenant, users: Two) -> None:
    (message,) = await send(core, tenant, users[0], users[0], 1)
    assert await states(core, tenant, message) == {}


async def test_a_group_s_receipts_are_those_of_who_could_get_the_message(
    core: Core, clock: ManualClock, tenant: Tenant, users: Two
) -> None:
    ada, bob = users
    left, late, back, stranger = await core.users.keys(tenant, ["left", "late", "back", "stranger"])
    group = (
        await core.groups.create(tenant, name="group", owner=ada, members=[ada, bob, left, back], dialect="plain")
    ).number
    ids = await send(core, tenant, ada, group, 2)
    await core.groups.remove(tenant, group, [left, back])
    await core.groups.add(tenant, group, [late])
    ids += await send(core, tenant, stranger, group, 1)
    await core.groups.add(tenant, group, [back])
    ids += await send(core, tenant, bob, group, 1)
    for audience in (Audience(to=(bob, late)), Audience(without=(bob, back)), Audience(to=(bob,), without=(bob,))):
        sent = await core.messages.send_group(tenant, ada, [group], text("ada"), f"client:{audience}", audience)
        ids.append(sent[0].id)
    clock.move(10)
    await core.conversations.read(tenant, bob, group)
    clock.move(10)
    for user in (left, back, late):
        await core.conversations.delivered(tenant, user, group)
    # What one deleted for oneself one got; whether one cleared it changes nothing either.
    assert await core.messages.hide(tenant, bob, [ids[0]]) == [True]
    await core.conversations.clear(tenant, late, group)
    read, got = (10, 10), (20, None)
    assert [await states(core, tenant, message) for message in ids] == [
        {"bob": read, "left": got, "back": got},
        {"bob": read, "left": got, "back": got},
        {"ada": (None, None), "bob": read, "late": got},
        {"ada": (None, None), "late": got, "back": got},
        {"bob": read, "late": got},
        {"late": got},
        {},
    ]


async def test_what_is_known_of_a_message_to_a_number_without_group(core: Core, tenant: Tenant, users: Two) -> None:
    (message,) = await send(core, tenant, users[0], 7, 1)
    assert await states(core, tenant, message) == {}


async def test_a_room_s_receipts(core: Core, clock: ManualClock, tenant: Tenant, users: Two) -> None:
    ada, bob = users
    eve = await core.users.key(tenant, "eve")
    room = (
        await core.groups.create(tenant, name="room", owner=ada, members=[*users, eve], dialect="plain", room=True)
    ).number
    (message,) = await send(core, tenant, ada, room, 1)
    clock.move(10)
    await core.conversations.read(tenant, bob, room)
    assert await states(core, tenant, message) == {"bob": (10, 10), "eve": (None, None)}
    await core.groups.remove(tenant, room, [bob])
    assert await states(core, tenant, message) == {"eve": (None, None)}


async def test_receipts_of_many_members_come_in_pages(core: Core, clock: ManualClock, tenant: Tenant) -> None:
    owner, *members = await core.users.keys(tenant, ["owner", *(f"user {number}" for number in range(450))])
    group = (
        await core.groups.create(tenant, name="group", owner=owner, members=[owner, *members], dialect="plain")
    ).number
    (message,) = await send(core, tenant, owner, group, 1)
    clock.move(10)
    for member in members[::50]:
        await core.conversations.read(tenant, member, group)
    whole = await core.receipts.of(tenant, message)
    by_number = sorted(members, key=lambda member: member.number)
    assert [one.user for one in whole] == by_number
    readers = {member.id for member in members[::50]}
    assert {one.user.id for one in whole if one.read} == readers
    for limit in (1, 7, 200, 201, 449, 450, 500):
        found: list[UserReceipt] = []
        for _ in range(451):
            page = await core.receipts.of(tenant, message, after=found[-1].user.number if found else 0, limit=limit)
            found += page
            if len(page) < limit:
                break
        assert found == whole


async def test_of_an_import_it_is_known_who_could_get_it(
    core: Core, clock: ManualClock, tenant: Tenant, users: Two
) -> None:
    ada, bob = users
    late = await core.users.key(tenant, "late")
    group = (await core.groups.create(tenant, name="group", owner=ada, members=users, dialect="plain")).number
    await send(core, tenant, ada, group, 1)
    await core.groups.add(tenant, group, [late])
    receipts = await core.imports.group(tenant, group, [Import("1", START - 5, ada, text("ada"))])
    receipts += await core.imports.direct(tenant, ada, bob, [Import("1", START - 5, ada, text("ada"))])
    await core.conversations.read(tenant, bob, group)
    for receipt in receipts:
        assert await states(core, tenant, receipt.id) == {"bob": (None, None)}


async def test_what_is_no_message_has_no_receipts(core: Core, tenant: Tenant, users: Two) -> None:
    ada, bob = users
    (message,) = await send(core, tenant, ada, bob, 1)
    await core.messages.recall(tenant, message)
    ids = core.ids(tenant)
    place = ids.place(message)
    assert place is not None
    for wrong in (
        message,
        1,
        ids.message(place.conversation, 0, 2),
        ids.message(place.conversation, 1, 1),
        ids.message(place.conversation + 1, 0, 1),
    ):
        with pytest.raises(Failure) as caught:
            await core.receipts.of(tenant, wrong)
        assert (caught.value.kind, caught.value.reason) == (Kind.NOT_FOUND, "message")


async def test_times_of_messages_older_than_the_kept_steps(
    core: Core, clock: ManualClock, tenant: Tenant, users: Two
) -> None:
    ada, bob = users
    ids = await send(core, tenant, ada, bob, 510)
    for sequence in range(1, 511):
        clock.move(1)
        await core.conversations.read(tenant, bob, "ada", sequence)
    assert await states(core, tenant, ids[0]) == {"bob": (11, 11)}
    assert await states(core, tenant, ids[10]) == {"bob": (11, 11)}
    assert await states(core, tenant, ids[11]) == {"bob": (12, 12)}
    assert await states(core, tenant, ids[509]) == {"bob": (510, 510)}


async def test_reports_are_numbered_and_paged_both_ways(
    core: Core, clock: ManualClock, tenant: Tenant, users: Two
) -> None:
    ada, bob = users
    assert await core.receipts.reports(tenant, "ada", "bob") == ([], 1, 0)
    ids = await send(core, tenant, ada, bob, 4)
    ids += await send(core, tenant, bob, ada, 1)
    expected: list[Report] = []
    for user, what, sequence, station in (
        (bob, "delivered", 2, "phone"),
        (bob, "read", 1, "desk"),
        (bob, "read", 4, ""),
        (ada, "delivered", 5, "phone"),
        (ada, "read", 5, "phone"),
    ):
        clock.move(10)
        move = core.conversations.read if what == "read" else core.conversations.delivered
        for _ in range(2):  # again is no new report
            await move(tenant, user, "bob" if user is ada else "ada", sequence, station=station)
        expected.append(Report(len(expected) + 1, user.id, station, what, ids[sequence - 1], sequence, clock.now()))
    assert await core.receipts.reports(tenant, "bob", "ada") == (expected, 1, 5)
    for limit in range(1, 7):
        for newest_first in (False, True):
            found: list[Report] = []
            for _ in range(7):
                cursor = found[-1].number if found else 0
                page, first, last = await core.receipts.reports(
                    tenant, "ada", "bob", cursor=cursor, limit=limit, newest_first=newest_first
                )
                assert (first, last) == (1, 5)
                if not page or (newest_first and cursor == 1):
                    break
                found += page
            assert found == (expected[::-1] if newest_first else expected), (limit, newest_first)
    for cursor, newest_first, numbers in ((5, False, []), (9, False, []), (1, True, []), (9, True, [5, 4, 3, 2, 1])):
        page, _, _ = await core.receipts.reports(tenant, "ada", "bob", cursor=cursor, newest_first=newest_first)
        assert [one.number for one in page] == numbers
    message = (await core.messages.direct_page(tenant, "ada", "bob", Query(1))).messages[0]
    assert message.id == expected[-1].message


async def test_the_newest_ten_thousand_reports_are_kept(server: ServerProcess, clock: ManualClock) -> None:
    async with opened(server.url, clock) as core:
        tenant = await core.tenants.add("one")
        ada, bob = await core.users.keys(tenant, ["ada", "bob"])
        for start in range(1, 5_101, 100):
            some = range(start, start + 100)
            await asyncio.gather(
                *(core.messages.send_direct(tenant, ada, [bob], text("ada"), f"request {number}") for number in some)
            )
            await asyncio.gather(
                *(
                    move(tenant, bob, "ada", number)
                    for number in some
                    for move in (core.conversations.delivered, core.conversations.read)
                )
            )
            clock.move(100)
        reports, first, last = await core.receipts.reports(tenant, "ada", "bob", limit=3)
        assert (first, last) == (201, 10_200)
        assert [(one.number, one.sequence) for one in reports] == [(201, 101), (202, 101), (203, 102)]
        reports, *_ = await core.receipts.reports(tenant, "ada", "bob", cursor=100, limit=1)
        assert reports[0].number == 201
        reports, *_ = await core.receipts.reports(tenant, "ada", "bob", cursor=202, newest_first=True)
        assert [one.number for one in reports] == [201]
        reports, *_ = await core.receipts.reports(tenant, "ada", "bob", cursor=10_199)
        assert [(one.number, one.sequence, one.what) for one in reports] == [(10_200, 5_100, "read")]
