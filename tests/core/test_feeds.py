"""Feeds: everything of an hour, and where something happened."""

import asyncio
import random

import msgspec
import pytest

from core import feeds
from core.clock import ManualClock
from core.core import Core
from core.errors import Failure, Kind
from core.feeds import HOUR_MS
from core.imports import Import
from core.model import Audience, Event, Message, Portion, Receipt, Signal, Tenant, UserKey
from tests.core.support import START, text

HOUR = START // HOUR_MS
Two = list[UserKey]


@pytest.fixture
async def users(core: Core, tenant: Tenant) -> Two:
    return await core.users.keys(tenant, ["ada", "bob"])


async def whole(core: Core, tenant: Tenant, hour: int) -> list[Portion]:
    found = [portion async for portion in core.feeds.hour(tenant, hour)]
    assert all(portion.messages for portion in found)
    return found


def ids(portions: list[Portion]) -> list[int]:
    return [one.id for portion in portions for one in portion.messages]


async def test_an_hour_has_every_kind_of_both_lanes_and_for_whomever(
    core: Core, clock: ManualClock, tenant: Tenant, users: Two
) -> None:
    ada, bob = users
    group = (await core.groups.create(tenant, name="group", owner=ada, members=users, dialect="plain")).number
    direct: list[Receipt] = []
    for number, message in enumerate(
        (text("ada"), Message("ada", Signal("wave"), "plain"), Message("ada", Event("e"), "plain"))
    ):
        direct += await core.messages.send_direct(tenant, ada, [bob], message, f"client:{number}")
    clock.move(10)
    direct += await core.imports.direct(tenant, ada, bob, [Import("1", START + 5, bob, text("bob"))])
    in_group: list[Receipt] = []
    for number, audience in enumerate((Audience(to=(bob,)), Audience(online_only=True), Audience(station="phone"))):
        in_group += await core.messages.send_group(tenant, ada, [group], text("ada"), f"client:{number}", audience)
    gone = (await core.messages.send_group(tenant, ada, [group], text("ada"), "client:gone"))[0]
    await core.messages.recall(tenant, gone.id)
    await core.messages.hide(tenant, bob, [direct[0].id])
    await core.conversations.clear(tenant, ada, "bob")
    found = await whole(core, tenant, HOUR)
    assert {(portion.conversation, portion.parties) for portion in found} == {
        (direct[0].conversation, ("ada", "bob")),
        (in_group[0].conversation, group),
    }
    by_conversation = {portion.conversation: [one.id for one in portion.messages] for portion in found}
    assert by_conversation[direct[0].conversation] == [one.id for one in direct]
    assert by_conversation[in_group[0].conversation] == [one.id for one in in_group]
    assert await whole(core, tenant, HOUR - 1) == await whole(core, tenant, HOUR + 1) == []


async def test_a_message_is_in_the_feed_of_its_hour_alone(
    core: Core, clock: ManualClock, tenant: Tenant, users: Two
) -> None:
    ada, bob = users
    clock.move(-(START % HOUR_MS) - 1)
    sent: dict[int, list[int]] = {}
    for number in range(12):
        receipt = (await core.messages.send_direct(tenant, ada, [bob], text("ada"), f"client:{number}"))[0]
        sent.setdefault(receipt.time // HOUR_MS, []).append(receipt.id)
        clock.move((1, HOUR_MS - 1, HOUR_MS // 2)[number % 3])
    assert len(sent) > 3
    for hour, expected in sent.items():
        assert ids(await whole(core, tenant, hour)) == expected


async def test_imports_are_in_the_feed_of_their_time(core: Core, tenant: Tenant, users: Two) -> None:
    ada, bob = users
    imports = [Import(str(number), START - number * HOUR_MS, ada, text("ada")) for number in (3, 40, 1_000)]
    receipts = await core.imports.direct(tenant, ada, bob, imports)
    for each, receipt in zip(imports, receipts, strict=True):
        assert ids(await whole(core, tenant, each.time // HOUR_MS)) == [receipt.id]
    assert await whole(core, tenant, HOUR) == []


async def test_a_full_hour_comes_in_portions_in_order_of_time(
    core: Core, clock: ManualClock, tenant: Tenant, users: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "_MESSAGES_AT_ONCE", 7)
    monkeypatch.setattr(feeds, "_CONVERSATIONS_AT_ONCE", 2)
    rng = random.Random(1)  # noqa: S311
    ada, *others = await core.users.keys(tenant, ["ada", *(f"user {number}" for number in range(150))])
    clock.move(-(START % HOUR_MS) + 1_000)
    receipts = await core.messages.send_direct(tenant, ada, others, text("ada"), "client:all")
    for number in range(300):
        other = rng.choice(others[:4])
        clock.move(1)
        if rng.random() < 0.3:
            each = Import(str(number), clock.now() - rng.randrange(900), other, text(other.id))
            receipts += await core.imports.direct(tenant, ada, other, [each])
        else:
            receipts += await core.messages.send_direct(tenant, ada, [other], text("ada"), f"client:{number}")
    portions = await whole(core, tenant, clock.now() // HOUR_MS)
    assert sorted(ids(portions)) == sorted(one.id for one in receipts)
    assert max(len(portion.messages) for portion in portions) == 7
    times: dict[int, list[int]] = {}
    for portion in portions:
        times.setdefault(portion.conversation, []).extend(one.time for one in portion.messages)
    assert len(times) == 150
    assert all(each == sorted(each) for each in times.values())
    parties = {portion.conversation: portion.parties for portion in portions}
    assert sorted(map(str, parties.values())) == sorted(str(("ada", other.id)) for other in others)


async def test_what_was_active_in_a_span_of_hours(core: Core, clock: ManualClock, tenant: Tenant, users: Two) -> None:
    ada, bob = users
    eve = await core.users.key(tenant, "eve")
    group = (await core.groups.create(tenant, name="group", owner=ada, members=users, dialect="plain")).number
    await core.messages.send_direct(tenant, ada, [bob], text("ada"), "client:1")
    clock.move(2 * HOUR_MS)
    await core.messages.send_direct(tenant, ada, [eve, bob], text("ada"), "client:2")
    clock.move(HOUR_MS)
    await core.messages.send_group(tenant, ada, [group], Message("ada", Signal("wave"), "plain"), "client:3")
    await core.imports.direct(tenant, bob, eve, [Import("1", START - HOUR_MS, bob, text("bob"))])

    async def parties(first: int, last: int) -> list[str]:
        found = await core.feeds.active(tenant, first, last)
        assert [one.conversation for one in found] == sorted({one.conversation for one in found})
        return sorted(str(one.parties) for one in found)

    ada_bob, ada_eve, bob_eve = str(("ada", "bob")), str(("ada", "eve")), str(("bob", "eve"))
    assert await parties(HOUR, HOUR) == [ada_bob]
    assert await parties(HOUR + 1, HOUR + 1) == []
    assert await parties(HOUR + 1, HOUR + 2) == [ada_bob, ada_eve]
    assert await parties(HOUR - 1, HOUR + 3) == [ada_bob, ada_eve, bob_eve, str(group)]
    assert await parties(HOUR + 3, HOUR + 3 + feeds.MAXIMUM_HOURS - 1) == [str(group)]
    for first, last in ((HOUR, HOUR - 1), (HOUR, HOUR + feeds.MAXIMUM_HOURS)):
        with pytest.raises(Failure) as caught:
            await core.feeds.active(tenant, first, last)
        assert (caught.value.kind, caught.value.reason) == (Kind.BAD_REQUEST, "time")


async def test_feeds_of_tenants_and_generations_stay_apart(core: Core, tenant: Tenant, users: Two) -> None:
    ada, bob = users
    await core.messages.send_direct(tenant, ada, [bob], text("ada"), "client:1")
    assert len(await whole(core, tenant, HOUR)) == 1
    reset = await core.tenants.reset(tenant.name)
    assert await whole(core, reset, HOUR) == []
    assert await core.feeds.active(reset, HOUR, HOUR) == []
    other = msgspec.structs.replace(reset, number=reset.number + 1)
    assert await core.feeds.active(other, HOUR, HOUR) == []


async def test_an_export_beside_senders_has_everything_that_was_there(
    core: Core, clock: ManualClock, tenant: Tenant, users: Two
) -> None:
    ada, bob = users
    before = [
        (await core.messages.send_direct(tenant, ada, [bob], text("ada"), f"request {number}"))[0].id
        for number in range(300)
    ]

    async def go_on() -> None:
        for number in range(300):
            await core.messages.send_direct(tenant, ada, [bob], text("ada"), f"later {number}")

    sending = asyncio.create_task(go_on())
    found = ids(await whole(core, tenant, HOUR))
    await sending
    assert found[:300] == before
    assert len(set(found)) == len(found)
