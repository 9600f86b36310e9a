"""What listeners are told when connections fail, go silent or have to go elsewhere."""

import asyncio
import os
import random
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from itertools import count

import pytest

from core.clock import SystemClock
from core.core import Core
from core.errors import Failure, Kind
from core.ids import bucket_of, direct_identity, group_identity
from core.live import Announced, Gap, Listener
from core.messages import Query
from core.model import Receipt, Tenant, UserKey
from core.store import live
from core.store.embedded import server_binary
from core.store.keys import PARTITIONS, TAGS, partition_of, slot_of
from core.store.store import Store
from tests import servers
from tests.core.listening import BOUNDED, Follower, next_event, next_gap
from tests.core.proxy import Proxy
from tests.core.store.test_cluster import Mover
from tests.core.support import new_name, opened, text
from tests.servers import Engine, ServerProcess, wait_until

DISCONNECTS = 1_000
NOTICED_SECONDS = 5.0
WITHIN_A_SECOND = 1.5
AT_ONCE = 0.5
GROUPS = (1, 2)


class Chat:
    """A tenant with two users and two groups, and a core that writes there."""

    def __init__(self, core: Core, tenant: Tenant, ada: UserKey, bob: UserKey) -> None:
        self.core, self.tenant, self.ada, self.bob = core, tenant, ada, bob
        self.direct = direct_identity(ada.id, bob.id)
        self.heads = dict.fromkeys((self.direct, *map(group_identity, GROUPS)), 0)

    @classmethod
    async def begin(cls, core: Core) -> "Chat":
        tenant = await core.tenants.add(new_name())
        return cls(core, tenant, *await core.users.keys(tenant, ["ada", "bob"]))

    async def send(self, identity: str) -> Receipt:
        messages, reference = self.core.messages, new_name()
        if identity == self.direct:
            receipts = await messages.send_direct(self.tenant, self.bob, [self.ada], text("bob"), reference)
        else:
            receipts = await messages.send_group(self.tenant, self.bob, [int(identity[1:])], text("bob"), reference)
        self.heads[identity] = receipts[0].sequence
        return receipts[0]


@pytest.fixture
async def chat(module_server: ServerProcess) -> AsyncIterator[Chat]:
    async with opened(module_server.url, SystemClock()) as core:
        yield await Chat.begin(core)


@pytest.fixture
async def through(proxy: Proxy) -> AsyncIterator[Core]:
    """A core whose only way to the server is the proxy."""
    async with opened(proxy.url, SystemClock()) as core:
        yield core
        proxy.release()


async def until_healthy(core: Core, healthy: bool) -> None:
    await asyncio.to_thread(wait_until, lambda: core.live.healthy is healthy, BOUNDED)


async def test_a_connection_that_went_silent_is_noticed_and_made_anew(chat: Chat, proxy: Proxy, through: Core) -> None:
    async with through.live.listen(chat.tenant, users=[chat.ada], groups=GROUPS) as listener:
        first = await chat.send(chat.direct)
        assert isinstance(await next_event(listener), Announced)
        proxy.swallow_present()
        silenced = time.monotonic()
        missed = await chat.send(chat.direct)
        event = await next_event(listener)
        assert time.monotonic() - silenced < NOTICED_SECONDS
        assert isinstance(event, Gap)
        assert event.since <= missed.time
        page = await through.messages.direct_page(chat.tenant, "ada", "bob", Query(10, since=event.since))
        assert [one.id for one in page.messages] == [missed.id, first.id]
        last = await chat.send(chat.direct)
        assert await next_event(listener) == Announced("message", last.conversation, 3, last.time, chat.direct)
        assert through.live.healthy


async def test_health_is_red_while_nothing_is_heard(
    chat: Chat, proxy: Proxy, through: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "PROBE_INTERVAL", 0.1)
    monkeypatch.setattr(live, "PROBE_ANSWER", 0.3)
    async with through.live.listen(chat.tenant, groups=GROUPS) as listener:
        assert through.live.healthy
        proxy.hold()
        await until_healthy(through, False)
        proxy.cut()
        with pytest.raises(Failure) as caught:
            async with through.live.listen(chat.tenant, users=[chat.ada]):
                pass
        assert caught.value.kind is Kind.STORE_UNAVAILABLE
        await until_healthy(through, False)
        proxy.release()
        await next_gap(listener)
        assert through.live.healthy


async def test_a_server_that_was_gone_is_listened_to_again() -> None:
    with ServerProcess(server_binary(), options={"appendonly": "yes", "appendfsync": "always"}) as server:
        async with opened(server.url, SystemClock()) as core:
            chat = await Chat.begin(core)
            async with core.live.listen(chat.tenant, users=[chat.ada]) as listener:
                await chat.send(chat.direct)
                assert isinstance(await next_event(listener), Announced)
                server.kill()
                await until_healthy(core, False)
                await asyncio.to_thread(server.start)
                assert isinstance(await next_event(listener), Gap)
                second = await chat.send(chat.direct)
                assert await next_event(listener) == Announced(
                    "message", second.conversation, 2, second.time, chat.direct
                )


async def disconnect(chat: Chat, core: Core, times: int, proxy: Proxy | None = None) -> Follower:
    """Kill the connections of a core that follows the chat so often, at random, while somebody writes."""
    dice = random.Random(times)  # noqa: S311
    follower = Follower(core, chat.tenant, list(chat.heads))
    enough = asyncio.Event()

    async def write() -> None:
        while not enough.is_set():
            await chat.send(dice.choice(list(chat.heads)))
            await asyncio.sleep(0.001)  # a conversation takes no more than a message a millisecond

    async def follow(listener: Listener) -> None:
        while True:
            await follower.take(await next_event(listener))

    async def kill() -> None:
        killed = 0
        while killed < times:
            if proxy is not None and dice.random() < 0.1:
                proxy.cut()
            partition = dice.randrange(PARTITIONS)
            killed += await chat.core.store.command(partition, "CLIENT", "KILL", "TYPE", "pubsub")
            # Sometimes while the connection is just being made anew, mostly a little after.
            wanted = follower.gaps + dice.choice((0, 1, 1, 1))
            while follower.gaps < wanted:
                await follower.moved.wait()
            for _ in range(dice.randrange(5)):
                await follower.moved.wait()

    async with core.live.listen(chat.tenant, users=[chat.ada], groups=GROUPS) as listener, asyncio.TaskGroup() as tasks:
        writing = tasks.create_task(write())
        following = tasks.create_task(follow(listener))
        await kill()
        enough.set()
        await writing
        async with asyncio.timeout(BOUNDED):
            while not follower.has_seen(chat.heads):
                await follower.moved.wait()
        following.cancel()
    return follower


async def test_a_thousand_disconnects_leave_no_gap_unsaid(chat: Chat, proxy: Proxy, through: Core) -> None:
    follower = await disconnect(chat, through, DISCONNECTS, proxy)
    assert follower.unsaid == []
    assert follower.has_seen(chat.heads)
    assert follower.gaps > DISCONNECTS / 2
    assert follower.announced > DISCONNECTS


async def test_disconnects_leave_no_gap_unsaid_on_any_engine(engine: Engine) -> None:
    async with opened(engine.url, SystemClock()) as core, opened(engine.url, SystemClock()) as other:
        chat = await Chat.begin(core)
        follower = await disconnect(chat, other, 30)
        assert follower.unsaid == []
        assert follower.has_seen(chat.heads)


@pytest.fixture(scope="module")
def own_cluster() -> Iterator[Engine]:
    with servers.cluster_engine() as engine:
        yield engine


async def test_nobody_listens_while_a_server_of_many_is_silent(own_cluster: Engine) -> None:
    async with opened(own_cluster.url, SystemClock()) as core:
        chat = await Chat.begin(core)
        silent = own_cluster.servers[2].pid
        os.kill(silent, signal.SIGSTOP)
        try:
            with pytest.raises(Failure) as caught:
                await listen_once(core, chat)
        finally:
            os.kill(silent, signal.SIGCONT)
        assert caught.value.kind is Kind.STORE_UNAVAILABLE
        async with asyncio.timeout(BOUNDED):
            while True:
                try:
                    return await listen_once(core, chat)
                except Failure:
                    continue


async def test_a_partition_that_moves_to_another_server_is_heard_there(own_cluster: Engine) -> None:
    async with opened(own_cluster.url, SystemClock()) as core, opened(own_cluster.url, SystemClock()) as other:
        chat = await Chat.begin(core)
        partition = partition_of(bucket_of(chat.direct))
        group = next(number for number in count(1) if partition_of(bucket_of(group_identity(number))) == partition)
        chat.heads[group_identity(group)] = 0
        everywhere, there = (
            Follower(core, chat.tenant, list(chat.heads)),
            Follower(other, chat.tenant, list(chat.heads)),
        )
        async with (
            core.live.listen(chat.tenant, users=[chat.ada], groups=[group]) as hearing_all,
            # With one connection, to the server that loses the partition.
            other.live.listen(chat.tenant, groups=[group]) as hearing_one,
        ):
            await chat.send(chat.direct)
            await chat.send(group_identity(group))
            with ExitStack() as stack:
                mover = Mover(own_cluster, slot_of(TAGS[partition]), stack)
                mover.begin()
                for key in mover.keys(mover.source):
                    mover.move(key)
                mover.end()
            await chat.send(chat.direct)
            await chat.send(group_identity(group))
            for follower, listener in ((everywhere, hearing_all), (there, hearing_one)):
                while follower.gaps == 0 or not follower.has_seen(chat.heads):
                    await follower.take(await next_event(listener))
            await chat.send(group_identity(group))
            for follower, listener in ((everywhere, hearing_all), (there, hearing_one)):
                while not follower.has_seen(chat.heads):
                    await follower.take(await next_event(listener))
                assert (follower.gaps, follower.unsaid) == (1, [])
            assert core.live.healthy
            assert other.live.healthy


async def test_a_server_that_refuses_is_not_asked_without_end(module_server: ServerProcess, proxy: Proxy) -> None:
    with module_server.client() as client:
        client.execute_command("ACL SETUSER limited on >secret ~* +@all resetchannels &cg{*}:!p*")
    async with opened(proxy.url.replace("//", "//limited:secret@"), SystemClock()) as core:
        chat = await Chat.begin(core)
        with pytest.raises(Failure) as caught:
            await listen_once(core, chat)
        assert caught.value.kind is Kind.STORE_UNAVAILABLE
    assert proxy.accepted < 20


async def test_who_comes_while_another_goes_misses_nothing(chat: Chat, through: Core) -> None:
    for turns in [*range(12)] * 10:
        going = asyncio.create_task(listen_once(through, chat))
        for _ in range(turns):
            await asyncio.sleep(0)
        going.cancel()
        async with through.live.listen(chat.tenant, users=[chat.ada]) as listener:
            receipt = await chat.send(chat.direct)
            event = await next_event(listener)
            assert isinstance(event, Announced)
            assert event.sequence == receipt.sequence
        await asyncio.wait([going])


async def listen_once(core: Core, chat: Chat) -> None:
    async with core.live.listen(chat.tenant, users=[chat.ada]):
        pass


async def test_an_old_confirmation_is_not_taken_for_a_new_one(chat: Chat, proxy: Proxy, through: Core) -> None:
    async with through.live.listen(chat.tenant, groups=[1]) as other:
        proxy.hold_answers()
        going = asyncio.create_task(listen_once(through, chat))
        await until_channels(chat, PARTITIONS)
        going.cancel()
        await until_channels(chat, 0)
        proxy.hold_commands()
        coming = asyncio.create_task(listen_once(through, chat))
        await asyncio.sleep(0)
        proxy.release_answers()
        # What this one hears comes behind all that was held.
        await chat.send(group_identity(1))
        assert isinstance(await next_event(other), Announced)
        assert not coming.done()
        proxy.release()
        await coming


async def until_channels(chat: Chat, count: int) -> None:
    """Wait until the server knows so many channels of users."""
    pattern = f"cg{{*}}{chat.tenant.number}:*:!u*"
    async with asyncio.timeout(BOUNDED):
        while len(await chat.core.store.command(0, "PUBSUB", "SHARDCHANNELS", pattern)) != count:
            pass


async def test_it_can_be_closed_at_any_moment_of_its_beginning(module_server: ServerProcess, chat: Chat) -> None:
    tasks = asyncio.all_tasks()
    for turns in range(40):
        store = await Store.open(module_server.url)
        core = Core(store)
        beginning = asyncio.create_task(listen_once(core, chat))
        for _ in range(turns):
            await asyncio.sleep(0)
        async with asyncio.timeout(BOUNDED):
            await core.close()
        done, _ = await asyncio.wait([beginning], timeout=AT_ONCE)
        assert done
        assert isinstance(beginning.exception(), Failure | None)
        await store.close()
        assert asyncio.all_tasks() == tasks


async def test_nobody_listens_to_a_store_that_is_not_there(chat: Chat) -> None:
    store = await Store.open("redis://127.0.0.1:1", wait=False)
    core = Core(store)
    started = time.monotonic()
    with pytest.raises(Failure) as caught:
        await listen_once(core, chat)
    assert time.monotonic() - started < WITHIN_A_SECOND
    assert (caught.value.kind, caught.value.retryable) == (Kind.STORE_UNAVAILABLE, True)
    assert core.live.healthy  # nobody listens
    await core.close()
    await store.close()
