"""A slow server: whoever asks is told so in time, soon at once, and nothing is lost or doubled."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from core.core import Core
from core.errors import Failure, Kind
from core.ids import bucket_of, direct_identity
from core.messages import Query
from core.model import Credential
from core.store import tenants
from core.store.breaker import FAILURES
from core.store.keys import PARTITIONS, TAGS, partition_of, slot_of
from core.store.store import Store
from tests import servers
from tests.core.proxy import Proxy, proxied
from tests.core.support import new_name, opened, text
from tests.servers import ServerProcess, wait_until

SLOW = 5.0
"""Seconds that a slow server takes for an answer."""
WITHIN_A_SECOND = 1.5
"""Seconds: the promise, and what a busy machine adds."""
AT_ONCE = 0.5
HEALED = 10.0
PAUSE = 0.02
"""Between two looks whether it is so."""


async def echo(store: Store, partition: int) -> bool:
    return bool(await store.command(partition, "ECHO", f"{partition:02}") == f"{partition:02}".encode())


async def all_fail(store: Store, count: int, seconds: float) -> None:
    started = time.monotonic()
    results = await asyncio.gather(*(echo(store, number % 64) for number in range(count)), return_exceptions=True)
    assert time.monotonic() - started < seconds
    for result in results:
        assert isinstance(result, Failure)
        assert (result.kind, result.retryable) == (Kind.STORE_UNAVAILABLE, True)


async def heals(store: Store) -> None:
    async with asyncio.timeout(HEALED):
        while True:
            try:
                return await store.ping()
            except Failure:
                await asyncio.sleep(PAUSE)


async def test_a_few_calls_wait_and_all_others_fail_at_once_until_it_answers_again(proxy: Proxy, through: Core) -> None:
    store = through.store
    with capture_logs() as lines:
        proxy.slow(SLOW)
        for _ in range(FAILURES):
            assert store.answers(0)
            await all_fail(store, 1, WITHIN_A_SECOND)
        assert not store.answers(0)
        tasks, before, proxy.at_once = len(asyncio.all_tasks()), proxy.accepted, 0
        until = time.monotonic() + 2
        while time.monotonic() < until:
            await all_fail(store, 20, AT_ONCE)
            with pytest.raises(Failure):
                await store.ping()
            assert len(asyncio.all_tasks()) < tasks + 10  # the proxy's, for each connection
        assert before < proxy.accepted < before + 9
        assert proxy.at_once == 1
        proxy.slow(0)
        await heals(store)
        assert all([await echo(store, number) for number in range(64)])
    assert [(line["event"], line["log_level"]) for line in lines] == [
        ("store_breaker_opened", "warning"),
        ("store_breaker_closed", "info"),
    ]
    assert lines[0]["server"] == f"127.0.0.1:{proxy.port} (calls)"


async def test_what_was_sent_meanwhile_is_there_once(proxy: Proxy, through: Core) -> None:
    tenant = await through.tenants.add(new_name())
    ada, bob = await through.users.keys(tenant, ["ada", "bob"])

    async def send(number: int) -> int | None:
        try:
            sent = await through.messages.send_direct(tenant, ada, [bob], text("ada"), f"client:{number}")
        except Failure:
            return None
        return sent[0].id

    first = {number: await send(number) for number in range(5)}
    proxy.slow(SLOW)
    results = await asyncio.gather(*map(send, range(50)))
    assert results == [None] * 50
    proxy.slow(0)
    await heals(through.store)
    # Most of them were carried out, only nobody heard of it.
    again = {number: await send(number) for number in range(50)}
    assert again.items() >= first.items()
    page = await through.messages.direct_page(tenant, "ada", "bob", Query(200))
    assert sorted(one.id for one in page.messages) == sorted(filter(None, again.values()))
    assert len(page.messages) == 50


async def test_only_failures_in_a_row_count(proxy: Proxy, through: Core) -> None:
    store = through.store
    with capture_logs() as lines:
        for _ in range(3):
            for _ in range(FAILURES - 1):
                store._topology.failed(0)
            assert store.answers(0)
            assert await echo(store, 0)
        assert lines == []
        for _ in range(FAILURES):
            store._topology.failed(0)
        assert not store.answers(0)
        await heals(store)
    assert len(lines) == 2
    assert proxy.accepted == 1  # it was asked on the same connection


async def test_answers_that_come_but_too_slowly_fail_the_calls_and_not_the_connection(
    proxy: Proxy, through: Core
) -> None:
    store = through.store
    assert await echo(store, 0)
    answer = len("$2\r\n00\r\n")
    proxy.slow(0.15, answer)  # one answer at a time
    started = time.monotonic()
    results = await asyncio.gather(*(echo(store, number) for number in range(64)), return_exceptions=True)
    assert time.monotonic() - started < WITHIN_A_SECOND
    in_time = results.index(next(result for result in results if result is not True))
    assert 1 <= in_time <= 6
    assert all(isinstance(result, Failure) for result in results[in_time:])
    assert not store.answers(0)
    proxy.slow(0)
    await heals(store)
    assert all(await asyncio.gather(*(echo(store, number) for number in range(64))))
    assert proxy.accepted == 1


async def test_a_store_that_never_was_there_fails_at_once_as_well(module_server: ServerProcess) -> None:
    async with proxied(module_server.socket) as proxy:
        proxy.slow(SLOW)
        store = await Store.open(proxy.url, wait=False)
        try:
            await all_fail(store, FAILURES, WITHIN_A_SECOND)
            await all_fail(store, 100, AT_ONCE)
            proxy.slow(0)
            await heals(store)
        finally:
            await store.close()


@pytest.fixture
async def half_slow() -> AsyncIterator[tuple[Core, Proxy, list[int]]]:
    """A core on a cluster whose first node, that of partition 0, says that it is to be reached through a proxy; and the
    partitions of that node."""
    with servers.cluster_engine() as engine:
        first = engine.servers[0]
        assert first.port is not None
        async with proxied(first.port) as proxy:
            await asyncio.to_thread(announce, engine, proxy.port)
            async with opened(engine.url) as core:
                with first.client() as client:
                    ranges = client.execute_command("CLUSTER SLOTS")
                low, high = next((low, high) for low, high, master, *_ in ranges if master[1] == proxy.port)
                yield core, proxy, [number for number in range(PARTITIONS) if low <= slot_of(TAGS[number]) <= high]


def announce(engine: servers.Engine, port: int) -> None:
    """Let the first node announce another port, and wait until all nodes know it."""
    with engine.servers[0].client() as client:
        client.config_set("cluster-announce-port", port)

    def known_to_all() -> bool:
        known = []
        for server in engine.servers:
            with server.client() as client:
                known += [master[1] for _, _, master, *_ in client.execute_command("CLUSTER SLOTS")]
        return known.count(port) == len(engine.servers)

    wait_until(known_to_all)


async def test_a_slow_node_of_a_cluster_does_not_close_the_others(
    half_slow: tuple[Core, Proxy, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    core, proxy, slow = half_slow
    store = core.store
    others = sorted(set(range(PARTITIONS)) - set(slow))
    assert 0 in slow
    assert others
    tenant = await core.tenants.add(new_name())
    await core.tenants.add_credential(tenant.name, "plain", "application", Credential("kind", "name", "secret"))
    (tenant,) = await core.tenants.owners("plain", "application")
    ada, *users = await core.users.keys(tenant, ["ada", *(f"user {number}" for number in range(30))])
    proxy.slow(SLOW)
    started = time.monotonic()
    results = await asyncio.gather(*(echo(store, number) for number in range(PARTITIONS)), return_exceptions=True)
    assert time.monotonic() - started < WITHIN_A_SECOND
    assert [number for number, result in enumerate(results) if result is True] == others
    for number in slow:
        started = time.monotonic()
        with pytest.raises(Failure):
            await echo(store, number)
        assert time.monotonic() - started < AT_ONCE
    assert all([await echo(store, number) for number in others])
    with pytest.raises(Failure):
        await store.ping()
    monkeypatch.setattr(tenants, "_FRESH_SECONDS", 0)  # what is remembered of the tenant would be read anew
    sent = 0
    for user in users:
        (known,) = await core.tenants.owners("plain", "application")
        if partition_of(bucket_of(direct_identity("ada", user.id))) in others:
            assert await core.messages.send_direct(known, ada, [user], text("ada"), "client:1")
            sent += 1
    assert sent
    proxy.slow(0)
    await heals(store)
    assert all(await asyncio.gather(*(echo(store, number) for number in range(PARTITIONS))))
