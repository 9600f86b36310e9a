"""A cluster whose slots move while it is used."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack

import pytest
from redis import Redis

from core.clock import ManualClock
from core.core import Core
from core.errors import Failure, Kind
from core.ids import bucket_of, direct_identity
from core.messages import Query
from core.model import Tenant, UserKey
from core.store.keys import TAGS, partition_of, slot_of, tenant_key
from tests import servers
from tests.core.support import new_name, opened, text
from tests.servers import Engine

BOUNDED = 20
PAUSE = 0.02
"""Between two looks whether it is so."""
WITHIN_A_SECOND = 1.5


class Mover:
    """Moves one slot from the node that has it to another, step by step, as redis-cli does."""

    def __init__(self, engine: Engine, slot: int, stack: ExitStack) -> None:
        self.slot = slot
        self.nodes = [stack.enter_context(Redis.from_url(server.url)) for server in engine.servers]
        self.ports = [server.port for server in engine.servers]
        self.ids = [node.execute_command("CLUSTER MYID").decode() for node in self.nodes]
        owner = next(
            master[1]
            for first, last, master, *_ in self.nodes[0].execute_command("CLUSTER SLOTS")
            if first <= slot <= last
        )
        self.source = self.ports.index(owner)
        self.target = (self.source + 1) % len(self.nodes)

    def begin(self) -> None:
        self.nodes[self.target].execute_command("CLUSTER SETSLOT", self.slot, "IMPORTING", self.ids[self.source])
        self.nodes[self.source].execute_command("CLUSTER SETSLOT", self.slot, "MIGRATING", self.ids[self.target])

    def keys(self, node: int) -> list[str]:
        found: list[str] = self.nodes[node].execute_command("CLUSTER GETKEYSINSLOT", self.slot, 1000)
        return found

    def move(self, key: str) -> None:
        self.nodes[self.source].execute_command("MIGRATE", "127.0.0.1", self.ports[self.target], key, 0, 5000)

    def end(self) -> None:
        others = [node for node in range(len(self.nodes)) if node not in (self.source, self.target)]
        for node in (self.target, self.source, *others):
            self.nodes[node].execute_command("CLUSTER SETSLOT", self.slot, "NODE", self.ids[self.target])


@pytest.fixture(scope="module")
def own_cluster() -> Iterator[Engine]:
    with servers.cluster_engine() as engine:
        yield engine


@pytest.fixture
async def cluster_core(own_cluster: Engine, clock: ManualClock) -> AsyncIterator[Core]:
    async with opened(own_cluster.url, clock) as core:
        yield core


class Chat:
    """A direct conversation and the slot in which it lies."""

    def __init__(self, core: Core, tenant: Tenant, ada: UserKey, bob: UserKey) -> None:
        self.core, self.tenant, self.ada, self.bob = core, tenant, ada, bob
        partition = partition_of(bucket_of(direct_identity(ada.id, bob.id)))
        self.slot = slot_of(TAGS[partition])
        self.version_row = tenant_key(partition, tenant.number).decode()

    async def send(self, words: str) -> tuple[int, bool]:
        message = text(self.ada.id, words)
        sent = await self.core.messages.send_direct(self.tenant, self.ada, [self.bob], message, f"client:{words}")
        return sent[0].sequence, sent[0].repeated

    async def read(self) -> list[str]:
        page = await self.core.messages.direct_page(self.tenant, self.ada.id, self.bob.id, Query(100))
        return [str(one.message.content.text) for one in page.messages]  # type: ignore[union-attr]


@pytest.fixture
async def chat(cluster_core: Core) -> Chat:
    tenant = await cluster_core.tenants.add(new_name())
    ada, bob = await cluster_core.users.keys(tenant, ["ada", "bob"])
    return Chat(cluster_core, tenant, ada, bob)


async def test_a_moved_partition_is_found(own_cluster: Engine, chat: Chat) -> None:
    assert await chat.send("one") == (1, False)
    with ExitStack() as stack:
        mover = Mover(own_cluster, chat.slot, stack)
        mover.begin()
        for key in mover.keys(mover.source):
            mover.move(key)
        mover.end()
        assert mover.keys(mover.source) == []
        assert await chat.send("two") == (2, False)
        assert await chat.send("one") == (1, True)
        assert await chat.read() == ["two", "one"]


async def test_a_half_moved_partition_is_waited_for_and_nothing_is_written_twice(
    own_cluster: Engine, chat: Chat
) -> None:
    assert await chat.send("one") == (1, False)
    with ExitStack() as stack:
        mover = Mover(own_cluster, chat.slot, stack)
        mover.begin()
        # The tenant's version row first, which every script names: from now on the server says ASK.
        keys = mover.keys(mover.source)
        mover.move(chat.version_row)
        with pytest.raises(Failure) as caught:
            await chat.send("two")
        assert (caught.value.kind, caught.value.retryable) == (Kind.STORE_UNAVAILABLE, True)
        assert mover.keys(mover.target) == [chat.version_row]

        waiting = asyncio.create_task(chat.send("two"))
        await asyncio.sleep(0)
        for key in keys:
            if key != chat.version_row:
                mover.move(key)
        mover.end()
        assert await asyncio.wait_for(waiting, BOUNDED) == (2, False)
        assert await chat.read() == ["two", "one"]


async def test_a_partition_that_has_lost_keys_to_another_node_says_so(own_cluster: Engine, chat: Chat) -> None:
    assert await chat.send("one") == (1, False)
    with ExitStack() as stack:
        mover = Mover(own_cluster, chat.slot, stack)
        mover.begin()
        keys = mover.keys(mover.source)
        names = f"{chat.version_row}:1:n"
        mover.move(names)
        for act in (chat.send("two"), chat.read()):
            with pytest.raises(Failure, match="is moving") as caught:
                await act
            assert (caught.value.kind, caught.value.retryable) == (Kind.STORE_UNAVAILABLE, True)
        for key in keys:
            if key != names:
                mover.move(key)
        mover.end()
        assert await chat.read() == ["one"]
        assert await chat.send("two") == (2, False)


async def test_a_lost_node_fails_its_partitions_in_time_and_they_are_found_where_they_reappear() -> None:
    with servers.cluster_engine() as engine:
        async with opened(engine.url) as core:
            tenant = await core.tenants.add(new_name())
            ada, *others = await core.users.keys(tenant, ["ada", *(f"user {number}" for number in range(40))])
            first = servers.CLUSTER_SLOTS * 2 // 3  # of the slots of the third node; the URL names the first
            chat = next(chat for user in others if (chat := Chat(core, tenant, ada, user)).slot >= first)
            assert await chat.send("one") == (1, False)
            await asyncio.to_thread(engine.servers[2].kill)
            started = time.monotonic()
            with pytest.raises(Failure) as caught:
                await chat.send("two")
            assert time.monotonic() - started < WITHIN_A_SECOND
            assert caught.value.kind is Kind.STORE_UNAVAILABLE

            for server in engine.servers[:2]:
                with server.client() as client:
                    client.execute_command("CLUSTER DELSLOTSRANGE", first, servers.CLUSTER_SLOTS - 1)
            with engine.servers[0].client() as client:
                client.execute_command("CLUSTER ADDSLOTSRANGE", first, servers.CLUSTER_SLOTS - 1)

            async with asyncio.timeout(BOUNDED):
                while True:
                    try:
                        # This node keeps nothing on disk: the partition begins anew.
                        assert await chat.send("two") == (1, False)
                        return
                    except Failure:
                        await asyncio.sleep(PAUSE)
