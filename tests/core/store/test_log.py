"""What the log of a conversation promises beyond what the model's walk reaches."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis import Redis

from core.clock import Clock, ManualClock
from core.core import Core
from core.errors import Failure, Kind
from core.groups import Visibility
from core.ids import BACKFILL, LIVE, bucket_of, group_identity
from core.messages import Query
from core.model import Event, Message, Receipt, Signal, Tenant, Text, UserKey
from core.store import log
from core.store.groups import SMALL_GROUP
from core.store.keys import TAGS, partition_of
from core.store.log import MAXIMUM_MESSAGE_BYTES
from tests.core.store.rows import everything, of_tenant
from tests.core.support import START, opened, text
from tests.servers import Engine, ServerProcess

LONG = 9_000
"""Messages: over two borders of the chunks of 4,096 in which a log is kept."""
HOUR = 3_600_000


async def conversation_of(core: Core, clock: Clock, tenant: Tenant, messages: list[Message]) -> UserKey:
    """A group with these messages, a millisecond apart."""
    ada = await core.users.key(tenant, "ada")
    group = await core.groups.create(tenant, name="group", owner=ada, members=[ada], dialect="plain")
    assert group.number == 1
    assert isinstance(clock, ManualClock)
    for start in range(0, len(messages), 500):
        some = messages[start : start + 500]
        await asyncio.gather(
            *(
                core.messages.send_group(tenant, ada, [1], message, f"request {start + index}")
                for index, message in enumerate(some)
            )
        )
        clock.move(500)
    return ada


@pytest.fixture
async def long(core: Core, clock: ManualClock, tenant: Tenant) -> UserKey:
    return await conversation_of(core, clock, tenant, [text("ada", str(number)) for number in range(1, LONG + 1)])


async def sequences(core: Core, tenant: Tenant, viewer: UserKey, query: Query) -> list[int]:
    page = await core.messages.group_page(tenant, viewer, 1, query)
    assert [one.message.content for one in page.messages] == [Text(str(one.sequence)) for one in page.messages]
    assert all(one.time == START + one.sequence - 1 for one in page.messages)
    return [one.sequence for one in page.messages]


async def test_a_long_log_is_read_over_the_borders_of_its_chunks(core: Core, tenant: Tenant, long: UserKey) -> None:
    assert await sequences(core, tenant, long, Query(3)) == [9000, 8999, 8998]
    assert await sequences(core, tenant, long, Query(4, cursor=START + 8193)) == [8193, 8192, 8191, 8190]
    assert await sequences(core, tenant, long, Query(4, newest_first=False, cursor=START + 4092)) == [
        4094,
        4095,
        4096,
        4097,
    ]
    assert await sequences(core, tenant, long, Query(1000, newest_first=False)) == list(range(1, 1001))
    since, until = START + 4094, START + 4098
    assert await sequences(core, tenant, long, Query(10, since=since, until=until)) == [4098, 4097, 4096, 4095]
    query = Query(10, newest_first=False, since=since, until=until)
    assert await sequences(core, tenant, long, query) == [4095, 4096, 4097, 4098]
    for nothing in (Query(10, since=START + LONG), Query(10, until=START), Query(10, since=until, until=since)):
        assert await sequences(core, tenant, long, nothing) == []
    found = await core.messages.group_page(tenant, long, 1, Query(1, cursor=START + 4096))
    assert await core.messages.get(tenant, found.messages[0].id) == found.messages[0]


async def test_a_page_looks_at_a_thousand_entries_and_says_where_to_go_on(
    core: Core, clock: ManualClock, tenant: Tenant
) -> None:
    signals: list[Message] = [Message("ada", Signal("typing"), "plain")] * 2_500
    ada = await conversation_of(core, clock, tenant, [text("ada", "1"), *signals])
    cursors, found, cursor = [], [], 0
    for _ in range(5):
        page = await core.messages.group_page(tenant, ada, 1, Query(10, cursor=cursor))
        found += [one.sequence for one in page.messages]
        cursor = page.cursor
        cursors.append(cursor)
        if not cursor:
            break
    assert (found, cursors) == ([1], [START + 1501, START + 501, 0])
    # The list still shows the message, however many signals followed.
    rows = await core.conversations.list(tenant, ada, 10)
    assert [(row.time, row.last and row.last.sequence) for row in rows] == [(START, 1)]


async def test_a_former_member_finds_the_last_message_after_thousands_more(
    core: Core, clock: ManualClock, tenant: Tenant
) -> None:
    ada = await conversation_of(core, clock, tenant, [text("ada", "1")])
    bob, eve = await core.users.keys(tenant, ["bob", "eve"])
    await core.messages.send_group(tenant, eve, [1], text("eve"), "client:eve")
    await core.groups.add(tenant, 1, [bob], sees=Visibility.EVERYTHING)
    await core.groups.remove(tenant, 1, [bob])
    for turn in range(3):
        await asyncio.gather(
            *(core.messages.send_group(tenant, ada, [1], text("ada"), f"later {turn} {one}") for one in range(900))
        )
        clock.move(1_000)
    for user in (bob, eve):
        rows = [*await core.conversations.list(tenant, user, 10), await core.conversations.group(tenant, user, 1)]
        assert [row and row.last and row.last.sequence for row in rows] == [2, 2]


async def test_a_member_s_page_does_not_walk_over_what_was_sent_while_away(
    core: Core, clock: ManualClock, tenant: Tenant
) -> None:
    ada = await conversation_of(core, clock, tenant, [text("ada", "1"), text("ada", "2")])
    bob, eve = await core.users.keys(tenant, ["bob", "eve"])

    async def go_on(turn: int) -> None:
        for half in ("a", "b"):
            clock.move(1_000)
            references = [f"{turn} {half} {number}" for number in range(600)]
            await asyncio.gather(
                *(core.messages.send_group(tenant, ada, [1], text("ada"), reference) for reference in references)
            )

    await core.groups.add(tenant, 1, [bob], sees=Visibility.EVERYTHING)  # sees 1 and 2
    await core.groups.remove(tenant, 1, [bob])
    await go_on(0)
    await core.groups.add(tenant, 1, [bob, eve])
    await core.messages.send_group(tenant, ada, [1], text("ada"), "client:1203")
    await core.groups.remove(tenant, 1, [bob])
    await go_on(1)
    for user, seen in ((bob, [1203, 2, 1]), (eve, list(range(2403, 1202, -1)))):
        for newest_first in (True, False):
            page = await core.messages.group_page(tenant, user, 1, Query(100, newest_first))
            expected = seen if newest_first else seen[::-1]
            assert [one.sequence for one in page.messages] == expected[:100]
            assert (page.cursor == 0) == (len(seen) <= 100)
    page = await core.messages.group_page(tenant, bob, 1, Query(100, until=(await time_of(core, tenant, 1203))))
    assert ([one.sequence for one in page.messages], page.cursor) == ([2, 1], 0)
    rows = await core.conversations.list(tenant, bob, 10)
    assert [row.last and row.last.sequence for row in rows] == [1203]


async def time_of(core: Core, tenant: Tenant, sequence: int) -> int:
    page = await core.messages.group_page(tenant, None, 1, Query(1))
    place = core.ids(tenant).place(page.messages[0].id)
    assert place is not None
    found = await core.messages.get(tenant, core.ids(tenant).message(place.conversation, LIVE, sequence))
    assert found is not None
    return found.time


async def test_a_large_group_writes_no_rows_and_shows_the_same(
    engine: Engine, core: Core, clock: ManualClock, tenant: Tenant
) -> None:
    ada, *users = await core.users.keys(tenant, ["ada", *(f"user {number}" for number in range(SMALL_GROUP))])
    group = await core.groups.create(tenant, name="group", owner=ada, members=users, dialect="plain")
    await core.messages.send_group(tenant, ada, [group.number], text("ada", "small"), "request 1")

    async def with_rows() -> set[int]:
        assert {(await core.conversations.list(tenant, user, 1))[0].group for user in users} == {group}
        found = {key.rpartition(b":x:")[2] for key in of_tenant(engine, tenant.number) if b":x:" in key}
        return {int(number) for number in found}

    assert await with_rows() == {ada.number, *(user.number for user in users)}
    # One more makes it large; it stays so.
    await core.groups.add(tenant, group.number, [ada], sees=Visibility.EVERYTHING)
    assert await with_rows() == set()
    clock.move(1)
    await core.messages.send_group(tenant, ada, [group.number], text("ada", "large"), "request 2")
    assert await with_rows() == set()
    await core.groups.remove(tenant, group.number, [ada])
    assert await with_rows() == {ada.number}
    await core.messages.send_group(tenant, users[0], [group.number], text(users[0].id, "later"), "request 3")
    assert await with_rows() == {ada.number}
    shown = {user.id: await core.conversations.list(tenant, user, 1) for user in (ada, users[0])}
    assert [row.time for row in shown["ada"]] == [START + 1]
    assert [row.time for row in shown[users[0].id]] == [START + 2]


async def test_ids_of_the_other_lane_and_of_nothing_lead_nowhere(core: Core, tenant: Tenant) -> None:
    receipt = await send(core, tenant, "client:1")
    ids = core.ids(tenant)
    assert await core.messages.get(tenant, receipt.id) is not None
    for lane, sequence in ((BACKFILL, 1), (LIVE, 2), (LIVE, 0), (LIVE, (1 << 29) - 1)):
        assert await core.messages.get(tenant, ids.message(receipt.conversation, lane, sequence)) is None
    assert await core.messages.get(tenant, ids.message(receipt.conversation + 1, LIVE, 1)) is None


async def send(core: Core, tenant: Tenant, reference: str, words: str = "hello") -> Receipt:
    ada, bob = await core.users.keys(tenant, ["ada", "bob"])
    return (await core.messages.send_direct(tenant, ada, [bob], text("ada", words), reference))[0]


@pytest.mark.parametrize(("reference", "period"), [("client:1", 24 * HOUR), ("request 1", HOUR // 60)])
async def test_a_reference_is_remembered_for_one_to_two_periods(
    core: Core, clock: ManualClock, tenant: Tenant, reference: str, period: int
) -> None:
    clock.move(-(clock.now() % period))  # to the beginning of a period
    first = await send(core, tenant, reference)
    for move in (1, period - 2, 1, period - 1):
        clock.move(move)
        again = await send(core, tenant, reference, "other words")
        assert (again.id, again.time, again.repeated) == (first.id, first.time, True)
    clock.move(1)
    later = await send(core, tenant, reference, "other words")
    assert (later.sequence, later.repeated) == (2, False)


@pytest.mark.parametrize("back", [1, 999, 5_000, 90_000, 3 * HOUR, 40 * HOUR])
async def test_a_repeat_through_a_worker_whose_clock_is_behind_is_a_repeat(
    core: Core, clock: ManualClock, tenant: Tenant, back: int
) -> None:
    clock.move(-(clock.now() % (24 * HOUR)))
    firsts = [await send(core, tenant, reference) for reference in ("client:1", "request 1")]
    clock.move(-back)
    agains = [await send(core, tenant, reference) for reference in ("client:1", "request 1")]
    assert [(one.id, one.repeated) for one in agains] == [(one.id, True) for one in firsts]


async def test_a_reference_is_one_sender_s_in_one_conversation(core: Core, tenant: Tenant) -> None:
    ada, bob, eve = await core.users.keys(tenant, ["ada", "bob", "eve"])
    receipts = [
        *await core.messages.send_direct(tenant, ada, [bob, eve], text("ada"), "client:1"),
        *await core.messages.send_direct(tenant, bob, [ada, eve], text("bob"), "client:1"),
        *await core.messages.send_direct(tenant, ada, [bob], text("ada"), "client:1:1"),
        *await core.messages.send_direct(tenant, ada, [bob], text("ada"), "1"),
    ]
    assert not any(one.repeated for one in receipts)
    assert len({one.id for one in receipts}) == len(receipts)


async def test_time_grows_and_runs_no_more_than_a_second_ahead(core: Core, clock: ManualClock, tenant: Tenant) -> None:
    receipts = [await send(core, tenant, f"request {number}") for number in range(1_001)]
    assert [one.time - START for one in receipts] == list(range(1_001))
    with pytest.raises(Failure) as caught:
        await send(core, tenant, "client:late")
    assert (caught.value.kind, caught.value.retry_after_ms) == (Kind.RATE_LIMITED, 1000)
    clock.move(1)
    late = await send(core, tenant, "client:late")
    assert (late.sequence, late.time, late.repeated) == (1_002, START + 1_001, False)


async def test_a_message_has_a_largest_size(core: Core, tenant: Tenant) -> None:
    ada, bob = await core.users.keys(tenant, ["ada", "bob"])
    await core.messages.send_direct(tenant, ada, [bob], text("ada", "x" * (MAXIMUM_MESSAGE_BYTES - 100)), "client:1")
    with pytest.raises(Failure) as caught:
        await core.messages.send_direct(tenant, ada, [bob], text("ada", "x" * MAXIMUM_MESSAGE_BYTES), "client:2")
    assert caught.value.kind is Kind.TOO_LARGE


@pytest.fixture
async def alone(server: ServerProcess, clock: ManualClock) -> AsyncIterator[tuple[Core, Redis]]:
    """A core with a server of its own: outboxes are one a partition for all tenants."""
    with Redis.from_url(server.url) as client:
        async with opened(server.url, clock) as core:
            yield core, client


async def test_a_tenant_with_a_consumer_queues_what_was_appended(alone: tuple[Core, Redis]) -> None:
    core, client = alone
    await core.tenants.add("quiet")
    await core.tenants.add("loud")
    quiet, loud = await core.tenants.find("quiet"), await core.tenants.set_outbox("loud", True)
    assert quiet is not None
    partition = partition_of(bucket_of(group_identity(1)))
    outbox = f"cg{{{TAGS[partition]}}}:outbox"
    conversations = []
    for tenant in (quiet, loud):
        ada = await conversation_of(core, core.clock, tenant, [text("ada", "1")])
        for message in (Message("ada", Signal("typing"), "plain"), Message("ada", Event("renamed"), "plain")):
            for _ in range(2):  # a repeat is not queued again
                receipts = await core.messages.send_group(tenant, ada, [1], message, f"client:{message.content}")
        conversations.append(receipts[0].conversation)
    entries = [entry for _, entry in client.xrange(outbox) or ()]
    number, conversation = str(loud.number).encode(), str(conversations[1]).encode()
    assert entries == [
        {b"t": number, b"g": b"1", b"c": conversation, b"s": sequence, b"k": b"message"}
        for sequence in (b"1", b"2", b"3")
    ]
    loud = await core.tenants.set_outbox("loud", False)
    await core.messages.send_group(loud, ada, [1], text("ada"), "client:3")
    assert client.xlen(outbox) == 3


async def test_a_full_outbox_refuses_and_nothing_is_half_written(
    alone: tuple[Core, Redis], server: ServerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    core, client = alone
    monkeypatch.setattr(log, "OUTBOX_BOUND", 3)
    await core.tenants.add("loud")
    tenant = await core.tenants.set_outbox("loud", True)
    for number in range(3):
        await send(core, tenant, f"client:{number}")
    before = everything((server,))
    with pytest.raises(Failure) as caught:
        await send(core, tenant, "client:3")
    assert (caught.value.kind, caught.value.reason) == (Kind.STORE_UNAVAILABLE, "full")
    assert everything((server,)) == before
    assert (await send(core, tenant, "client:2")).repeated
    client.delete(*client.scan_iter(match="cg{*}:outbox"))
    assert (await send(core, tenant, "client:3")).sequence == 4
