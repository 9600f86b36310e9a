import asyncio
from collections.abc import AsyncIterator

import pytest

from core import foreign as foreign_module
from core.clock import ManualClock
from core.core import Core
from core.errors import Failure, Kind
from core.ids import BACKFILL, LIVE, bucket_of, conversation_bucket
from core.model import Tenant
from core.store.keys import partition_of, tenant_key
from tests.core.support import opened, text
from tests.servers import Engine

ODD = ["a", "A", "a\0b", "名前", " ", "x" * 512, "1", "-1", "\udcff".encode("utf-8", "surrogatepass").decode("latin-1")]


@pytest.fixture
async def messages(core: Core, tenant: Tenant) -> list[int]:
    """Ids of messages in three conversations."""
    ada, *others = await core.users.keys(tenant, ["ada", "bob", "eve", "zoë"])
    receipts = [
        (await core.messages.send_direct(tenant, ada, [other], text("ada"), f"client:{number}"))[0]
        for number in range(3)
        for other in others
    ]
    return [receipt.id for receipt in receipts]


async def test_an_id_leads_to_its_message_and_back(core: Core, tenant: Tenant, messages: list[int]) -> None:
    for number, message in enumerate(messages):
        assert await core.foreign.link(tenant, "plain", f"id {number}", message) == message
    for number, message in enumerate(messages):
        assert await core.foreign.find(tenant, "plain", f"id {number}") == message
        assert await core.foreign.of(tenant, "plain", [message]) == [[f"id {number}"]]
    assert await core.foreign.of(tenant, "plain", messages) == [[f"id {number}"] for number in range(9)]
    assert await core.foreign.find(tenant, "plain", "id 10") is None
    assert await core.foreign.of(tenant, "plain", [0, 1 << 62, 7, (1 << 63) - 1]) == [[], [], [], []]
    assert await core.foreign.of(tenant, "plain", []) == []


async def test_a_message_has_several_ids_in_the_order_of_linking(
    core: Core, tenant: Tenant, messages: list[int]
) -> None:
    one, two, *_ = messages
    for foreign in (*ODD, *ODD):
        assert await core.foreign.link(tenant, "plain", foreign, one) == one
    assert await core.foreign.of(tenant, "plain", [one]) == [ODD]
    for foreign in ODD:
        assert await core.foreign.find(tenant, "plain", foreign) == one
    # Each dialect has ids of its own.
    assert await core.foreign.find(tenant, "other", "a") is None
    assert await core.foreign.link(tenant, "other", "a", two) == two
    assert await core.foreign.of(tenant, "other", [one]) == [[]]
    assert (await core.foreign.find(tenant, "plain", "a"), await core.foreign.find(tenant, "other", "a")) == (one, two)


async def test_the_first_message_keeps_an_id(core: Core, tenant: Tenant, messages: list[int]) -> None:
    one, two, *_ = messages
    assert await core.foreign.link(tenant, "plain", "x", one) == one
    assert await core.foreign.link(tenant, "plain", "x", two) == one
    assert await core.foreign.of(tenant, "plain", [one, two]) == [["x"], []]


@pytest.fixture
async def workers(engine: Engine, clock: ManualClock, core: Core) -> AsyncIterator[list[Core]]:
    async with opened(engine.url, clock) as other:
        yield [core, other]


async def test_of_many_that_link_one_id_at_once_one_wins(
    workers: list[Core], tenant: Tenant, messages: list[int]
) -> None:
    firsts = await asyncio.gather(
        *(
            workers[number % 2].foreign.link(tenant, "plain", "x", message)
            for number, message in enumerate(messages * 5)
        )
    )
    assert len(set(firsts)) == 1
    found = await workers[0].foreign.of(tenant, "plain", messages)
    assert found == [["x"] if message == firsts[0] else [] for message in messages]


async def test_what_a_crash_left_out_is_completed_by_linking_again(
    core: Core, tenant: Tenant, messages: list[int]
) -> None:
    one, two, *_ = messages
    place = core.ids(tenant).place(one)
    assert place is not None
    back = f"{tenant_key(partition_of(conversation_bucket(place.conversation)), tenant.number).decode()}:1:ic:{place.conversation}"
    field = "plain\0x"
    partition = partition_of(bucket_of(field))
    forward = f"{tenant_key(partition, tenant.number).decode()}:1:i"
    await core.foreign.link(tenant, "plain", "x", one)
    for again in (one, two):
        await core.store.command(
            partition_of(conversation_bucket(place.conversation)), "HDEL", back, f"plain\0{place.sequence}"
        )
        assert await core.foreign.of(tenant, "plain", [one]) == [[]]
        assert await core.foreign.link(tenant, "plain", "x", again) == one
        assert await core.foreign.of(tenant, "plain", [one, two]) == [["x"], []]
    await core.store.command(partition, "HDEL", forward, field)
    assert await core.foreign.find(tenant, "plain", "x") is None
    assert await core.foreign.link(tenant, "plain", "x", one) == one
    assert await core.foreign.find(tenant, "plain", "x") == one
    assert await core.foreign.of(tenant, "plain", [one]) == [["x"]]


async def test_the_two_lanes_are_kept_apart(core: Core, tenant: Tenant, messages: list[int]) -> None:
    ids = core.ids(tenant)
    place = ids.place(messages[0])
    assert place is not None
    partition = partition_of(conversation_bucket(place.conversation))
    prefix = f"{tenant_key(partition, tenant.number).decode()}:1:"
    # Two messages in the backfill lane, as far as the map can tell.
    await core.store.command(partition, "HSET", f"{prefix}c:{place.conversation}", "b", 2)
    live, old = (ids.message(place.conversation, lane, 2) for lane in (LIVE, BACKFILL))
    await core.foreign.link(tenant, "plain", "live", live)
    await core.foreign.link(tenant, "plain", "old", old)
    assert await core.foreign.of(tenant, "plain", [old, live]) == [["old"], ["live"]]
    assert await core.foreign.find(tenant, "plain", "old") == old
    fields = await core.store.command(partition, "HKEYS", f"{prefix}ic:{place.conversation}")
    assert sorted(fields) == [b"plain\0-2", b"plain\0002"]
    with pytest.raises(Failure):
        await core.foreign.link(tenant, "plain", "older", ids.message(place.conversation, BACKFILL, 3))


async def test_only_what_was_stored_is_linked(core: Core, tenant: Tenant, messages: list[int]) -> None:
    place = core.ids(tenant).place(messages[0])
    assert place is not None
    ids = core.ids(tenant)
    nothing = [
        0,
        1 << 62,
        ids.message(place.conversation, place.lane, 4),
        ids.message(place.conversation, BACKFILL, 1),
        ids.message(place.conversation + 1000, place.lane, 1),
    ]
    for message in nothing:
        with pytest.raises(Failure) as caught:
            await core.foreign.link(tenant, "plain", "x", message)
        assert (caught.value.kind, caught.value.reason) == (Kind.NOT_FOUND, "message")
        assert await core.foreign.find(tenant, "plain", "x") is None
    # It was not spoilt by that.
    assert await core.foreign.link(tenant, "plain", "x", messages[0]) == messages[0]


@pytest.mark.parametrize("foreign", ["", "x" * 513, "名" * 171, "\ud800"])
async def test_an_id_that_cannot_be_held_is_refused(
    core: Core, tenant: Tenant, messages: list[int], foreign: str
) -> None:
    with pytest.raises(Failure) as caught:
        await core.foreign.link(tenant, "plain", foreign, messages[0])
    assert (caught.value.kind, caught.value.reason) == (Kind.BAD_REQUEST, "foreign")
    assert await core.foreign.find(tenant, "plain", foreign) is None


async def test_the_ids_of_a_message_are_bounded(
    core: Core, tenant: Tenant, messages: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foreign_module, "MAXIMUM_OF_A_MESSAGE", 10)
    linked = 0
    for number in range(100):
        foreign = f"id {number}"
        if linked < 10:
            await core.foreign.link(tenant, "plain", foreign, messages[0])
            linked += 1
            continue
        with pytest.raises(Failure) as caught:
            await core.foreign.link(tenant, "plain", foreign, messages[0])
        assert (caught.value.kind, caught.value.reason) == (Kind.BAD_REQUEST, "foreign")
        assert await core.foreign.find(tenant, "plain", foreign) is None
    assert await core.foreign.of(tenant, "plain", [messages[0]]) == [[f"id {number}" for number in range(10)]]


async def test_tenants_and_generations_have_ids_of_their_own(core: Core, tenant: Tenant, messages: list[int]) -> None:
    await core.foreign.link(tenant, "plain", "x", messages[0])
    other = await core.tenants.add(f"{tenant.name} two")
    assert await core.foreign.find(other, "plain", "x") is None
    assert await core.foreign.of(other, "plain", [messages[0]]) == [[]]
    fresh = await core.tenants.reset(tenant.name)
    assert await core.foreign.find(fresh, "plain", "x") is None
    with pytest.raises(Failure):
        await core.foreign.link(fresh, "plain", "x", messages[0])
