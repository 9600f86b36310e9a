"""Who listens hears what happens, once, and nothing of others."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import pytest
from msgspec.structs import replace

from core import live
from core.core import Core
from core.errors import Failure, Kind
from core.ids import bucket_of, direct_identity, group_identity
from core.live import Announced, Ended, Gap, Listener
from core.model import Credential, Receipt, Tenant, Text, UserKey
from core.store.keys import partition_of, tenant_key
from core.store.store import Store
from tests.core.listening import next_event, next_message
from tests.core.support import START, new_name, text
from tests.servers import Engine, wait_until

GROUP = 77


@pytest.fixture
async def ada(core: Core, tenant: Tenant) -> UserKey:
    return await core.users.key(tenant, "ada")


@pytest.fixture
async def bob(core: Core, tenant: Tenant) -> UserKey:
    return await core.users.key(tenant, "bob")


@pytest.fixture
async def listener(core: Core, tenant: Tenant, ada: UserKey) -> AsyncIterator[Listener]:
    """Ada's, with a group."""
    async with core.live.listen(tenant, users=[ada], groups=[GROUP]) as found:
        yield found


async def send(core: Core, tenant: Tenant, sender: UserKey, recipient: UserKey) -> Receipt:
    return (await core.messages.send_direct(tenant, sender, [recipient], text(sender.id), new_name()))[0]


async def send_group(core: Core, tenant: Tenant, sender: UserKey, group: int = GROUP) -> Receipt:
    return (await core.messages.send_group(tenant, sender, [group], text(sender.id), new_name()))[0]


def announced(receipt: Receipt, identity: str) -> Announced:
    return Announced("message", receipt.conversation, receipt.sequence, receipt.time, identity)


async def publish(core: Core, tenant: Tenant, payload: str, group: int = GROUP) -> None:
    """Say something on a group's channel, as another gateway may."""
    partition = partition_of(bucket_of(group_identity(group)))
    channel = tenant_key(partition, tenant.number) + f":{tenant.generation}:!g{group}".encode()
    await core.store.command(partition, "SPUBLISH", channel, payload)


async def test_a_message_is_announced_to_whom_it_concerns(
    core: Core, tenant: Tenant, listener: Listener, ada: UserKey, bob: UserKey
) -> None:
    cyd = await core.users.key(tenant, "cyd")
    sharing = await of_the_same_channel(core, tenant, ada)
    for sender, recipient in ((bob, cyd), (bob, sharing), (sharing, cyd)):
        await send(core, tenant, sender, recipient)
    await send_group(core, tenant, ada, GROUP + 1)
    identity = direct_identity("ada", "bob")
    for sender, recipient in ((ada, bob), (bob, ada)):
        receipt = await send(core, tenant, sender, recipient)
        assert await next_event(listener) == announced(receipt, identity)
    receipt = await send_group(core, tenant, bob)
    assert await next_event(listener) == announced(receipt, group_identity(GROUP))
    receipt = await send(core, tenant, ada, sharing)
    assert await next_event(listener) == announced(receipt, direct_identity("ada", sharing.id))
    receipt = await send(core, tenant, ada, ada)
    assert await next_event(listener) == announced(receipt, direct_identity("ada", "ada"))


async def of_the_same_channel(core: Core, tenant: Tenant, user: UserKey) -> UserKey:
    for start in range(0, 4_000, 200):
        for other in await core.users.keys(tenant, [f"user {number}" for number in range(start, start + 200)]):
            if other.number % live.USER_CHANNELS == user.number % live.USER_CHANNELS:
                return other
    raise AssertionError


async def test_what_concerns_a_listener_twice_is_said_once(
    core: Core, tenant: Tenant, ada: UserKey, bob: UserKey
) -> None:
    sharing = await of_the_same_channel(core, tenant, ada)
    everybody = [ada, bob, sharing]
    async with core.live.listen(tenant, users=everybody) as listener, core.live.listen(tenant, users=[bob]) as bobs:
        pairs = [(ada, bob), (ada, sharing), (sharing, bob), (bob, bob)] * 20
        for sender, recipient in pairs:
            receipt = await send(core, tenant, sender, recipient)
            wanted = announced(receipt, direct_identity(sender.id, recipient.id))
            assert await next_event(listener) == wanted
            if bob in (sender, recipient):
                assert await next_event(bobs) == wanted


async def test_equal_things_that_happen_one_after_the_other_are_each_said(
    core: Core, tenant: Tenant, ada: UserKey, bob: UserKey
) -> None:
    async with core.live.listen(tenant, users=[ada, bob], groups=[GROUP]) as listener:
        for sending in (send(core, tenant, ada, bob), send_group(core, tenant, ada)):
            receipt = await sending
            assert (await next_message(listener)).what == "message"
            for words in ("one", "one", "two"):
                # The clock stands still.
                await core.messages.edit(tenant, receipt.id, partial(replace, content=Text(words)))
            said = [await next_message(listener) for _ in range(3)]
            assert said == [Announced("edited", receipt.conversation, 1, START, said[0].identity)] * 3


async def test_what_happens_to_a_message_is_announced_too(
    core: Core, tenant: Tenant, listener: Listener, ada: UserKey, bob: UserKey
) -> None:
    receipt = await send(core, tenant, ada, bob)
    await core.messages.recall(tenant, receipt.id)
    said = [await next_message(listener) for _ in range(2)]
    assert [(event.what, event.conversation, event.sequence) for event in said] == [
        ("message", receipt.conversation, 1),
        ("recalled", receipt.conversation, 1),
    ]


async def test_words_of_later_versions_are_passed_on(core: Core, tenant: Tenant, listener: Listener) -> None:
    await publish(core, tenant, f"painted 5 17 {START} g{GROUP}")
    assert await next_event(listener) == Announced("painted", 5, 17, START, f"g{GROUP}")


@pytest.mark.parametrize("payload", ["", "message 1 2 3", f"message x 2 3 g{GROUP}"])
async def test_what_can_not_be_read_is_a_gap(core: Core, tenant: Tenant, listener: Listener, payload: str) -> None:
    await publish(core, tenant, payload)
    event = await next_event(listener)
    assert isinstance(event, Gap)
    assert event.since < START


async def test_a_jump_in_a_conversation_is_a_gap_there(core: Core, tenant: Tenant, listener: Listener) -> None:
    for sequence in (7, 8, 10, 11):
        await publish(core, tenant, f"message 5 {sequence} {START + sequence} g{GROUP}")
        await publish(core, tenant, f"read 5 {sequence - 3} {START} g{GROUP}")
    said = [await next_event(listener) for _ in range(9)]
    assert [event.sequence for event in said if isinstance(event, Announced) and event.what == "message"] == [
        7,
        8,
        10,
        11,
    ]
    assert said[4] == Gap(START + 8, 5, f"g{GROUP}", 8)


async def test_a_slow_listener_is_told_a_gap_and_holds_up_nobody(
    core: Core, tenant: Tenant, listener: Listener, ada: UserKey
) -> None:
    count = live.MAXIMUM_EVENTS + 200
    async with core.live.listen(tenant, groups=[GROUP]) as quick:
        for number in range(1, count + 1):
            await publish(core, tenant, f"message 5 {number} {START + number} g{GROUP}")
            assert (await next_message(quick)).sequence == number
        assert await next_event(listener) == Gap(START + 1)
        # What came after the overflow is there.
        assert [(await next_message(listener)).sequence for _ in range(199)] == [*range(count - 198, count + 1)]
        receipt = await send(core, tenant, ada, ada)
        assert await next_event(listener) == announced(receipt, direct_identity("ada", "ada"))


async def test_tenants_with_equal_names_never_hear_each_other(
    core: Core, tenant: Tenant, ada: UserKey, bob: UserKey
) -> None:
    other = await core.tenants.add(new_name())
    others = await core.users.keys(other, ["ada", "bob"])
    assert others == [ada, bob]
    async with (
        core.live.listen(tenant, users=[ada, bob], groups=[GROUP]) as here,
        core.live.listen(other, users=others, groups=[GROUP]) as there,
    ):
        for _ in range(10):
            for listener, own in ((here, tenant), (there, other)):
                receipt = await send(core, own, ada, bob)
                assert await next_event(listener) == announced(receipt, direct_identity("ada", "bob"))
                receipt = await send_group(core, own, ada)
                assert await next_event(listener) == announced(receipt, group_identity(GROUP))


async def test_what_is_listened_to_can_change(core: Core, tenant: Tenant, listener: Listener, ada: UserKey) -> None:
    dan, eve = await core.users.keys(tenant, ["dan", "eve"])
    for _ in range(20):
        await listener.add(users=[dan], groups=[GROUP + 1])
        receipt = await send(core, tenant, dan, eve)
        assert await next_event(listener) == announced(receipt, direct_identity("dan", "eve"))
        receipt = await send_group(core, tenant, dan, GROUP + 1)
        assert await next_event(listener) == announced(receipt, group_identity(GROUP + 1))
        listener.remove(users=[dan], groups=[GROUP + 1])
        await send(core, tenant, dan, eve)
        await send_group(core, tenant, dan, GROUP + 1)
        receipt = await send_group(core, tenant, ada)
        assert await next_event(listener) == announced(receipt, group_identity(GROUP))


async def test_a_channel_is_heard_as_long_as_anybody_needs_it(
    core: Core, tenant: Tenant, engine: Engine, ada: UserKey, bob: UserKey
) -> None:
    async with core.live.listen(tenant, users=[ada], groups=[GROUP]) as first:
        async with core.live.listen(tenant, users=[ada, bob], groups=[GROUP, GROUP + 1]):
            assert await asyncio.to_thread(channels, engine, tenant) == 64 + 64 + 2
        await asyncio.to_thread(wait_until, lambda: channels(engine, tenant) == 64 + 1)
        receipt = await send(core, tenant, ada, bob)
        assert await next_event(first) == announced(receipt, direct_identity("ada", "bob"))
    await asyncio.to_thread(wait_until, lambda: channels(engine, tenant) == 0)


def channels(engine: Engine, tenant: Tenant) -> int:
    """How many of the tenant's channels the servers know."""
    count = 0
    for server in engine.servers:
        with server.client() as client:
            count += len(client.execute_command("PUBSUB", "SHARDCHANNELS", f"cg{{*}}{tenant.number}:*"))
    return count


async def test_a_reset_ends_the_listeners_of_what_was_before(
    core: Core, ada: UserKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "_LOOK_SECONDS", 0.02)
    tenant, kept = await core.tenants.add(new_name()), await core.tenants.add(new_name())
    async with core.live.listen(tenant, groups=[1]) as before, core.live.listen(kept, groups=[1]) as other:
        changed = await core.tenants.add_credential(tenant.name, "plain", new_name(), Credential("key", "", "secret"))
        receipt = await send_group(core, changed, ada, 1)
        assert await next_event(before) == announced(receipt, "g1")
        emptied = await core.tenants.reset(tenant.name)
        assert isinstance(await next_event(before), Ended)
        assert isinstance(await next_event(before), Ended)
        async with core.live.listen(emptied, groups=[1]) as after:
            # By a worker that has not heard of the reset.
            async with core.live.listen(tenant, groups=[1]) as late:
                assert isinstance(await next_event(late), Ended)
            receipt = await send_group(core, emptied, ada, 1)
            assert await next_event(after) == announced(receipt, "g1")
            await core.tenants.remove(tenant.name)
            assert isinstance(await next_event(after), Ended)
        receipt = await send_group(core, kept, ada, 1)
        assert await next_event(other) == announced(receipt, "g1")
        assert core.live.healthy


async def test_closing_ends_everything(engine: Engine) -> None:
    tasks = asyncio.all_tasks()
    store = await Store.open(engine.url)
    core = Core(store)
    tenant = await core.tenants.add(new_name())
    ada = await core.users.key(tenant, "ada")
    connections = await asyncio.to_thread(subscribers, engine)
    async with core.live.listen(tenant, users=[ada]) as listener:
        assert await asyncio.to_thread(subscribers, engine) == connections + len(engine.servers)
        waiting = asyncio.create_task(next_event(listener))
        await asyncio.sleep(0)
        await core.close()
        assert isinstance(await waiting, Ended)
        with pytest.raises(Failure) as caught:
            async with core.live.listen(tenant, users=[ada]):
                pass
        assert caught.value.kind is Kind.STORE_UNAVAILABLE
    await store.close()
    assert asyncio.all_tasks() == tasks
    await asyncio.to_thread(wait_until, lambda: subscribers(engine) == connections)


def subscribers(engine: Engine) -> int:
    count = 0
    for server in engine.servers:
        with server.client() as client:
            count += len(client.client_list(_type="pubsub"))
    return count
