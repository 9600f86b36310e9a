"""What a connection does when the way to the server, or the server, fails."""

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from core.core import Core
from core.errors import Failure, Kind
from core.messages import Query
from core.model import Tenant, UserKey
from core.store import connection
from core.store.address import parse_url
from core.store.embedded import server_binary
from core.store.keys import PARTITIONS
from core.store.store import Store
from tests.core.proxy import Proxy
from tests.core.support import new_name, opened, text
from tests.servers import ServerProcess

WITHIN_A_SECOND = 1.5
"""Seconds: the promise, and what a busy machine adds."""
BOUNDED = 20
LONG = 1000
"""Rows of a list that is long work."""
PAUSE = 0.02
"""Between two looks whether it is so."""

Result = TypeVar("Result")


async def echo(store: Store, number: int) -> bool:
    return bool(await store.command(number % 64, "ECHO", f"{number}") == f"{number}".encode())


async def until_it_works(store: Store) -> None:
    async with asyncio.timeout(BOUNDED):
        while True:
            try:
                return await store.ping()
            except Failure:
                await asyncio.sleep(PAUSE)


async def fails_in_time(store: Store, count: int = 20) -> None:
    started = time.monotonic()
    results = await asyncio.gather(*(echo(store, number) for number in range(count)), return_exceptions=True)
    assert time.monotonic() - started < WITHIN_A_SECOND
    for result in results:
        assert isinstance(result, Failure)
        assert (result.kind, result.retryable) == (Kind.STORE_UNAVAILABLE, True)


async def test_a_server_that_says_nothing_costs_a_second_and_the_connection(proxy: Proxy, through: Core) -> None:
    assert await echo(through.store, 0)
    before = proxy.accepted
    proxy.hold()
    await fails_in_time(through.store)
    await fails_in_time(through.store)
    assert proxy.accepted > before
    proxy.release()
    await until_it_works(through.store)
    assert all(await asyncio.gather(*(echo(through.store, number) for number in range(500))))


async def test_nobody_gets_the_answer_of_somebody_who_left(proxy: Proxy, through: Core) -> None:
    for _ in range(20):
        proxy.hold()
        calls = [asyncio.create_task(echo(through.store, number)) for number in range(100)]
        await asyncio.sleep(0)  # they are all sent, or about to be
        for call in calls[::3]:
            call.cancel()
        later = [asyncio.create_task(echo(through.store, number)) for number in range(100, 200)]
        proxy.release()
        for call in calls[::3]:
            with pytest.raises(asyncio.CancelledError):
                await call
        assert all(await asyncio.gather(*calls[1::3], *calls[2::3], *later))
    assert proxy.accepted == 1


async def test_calls_survive_a_cut_connection(proxy: Proxy, through: Core) -> None:
    for number in range(10):
        calls = [asyncio.create_task(echo(through.store, index)) for index in range(50)]
        if number % 2:
            await asyncio.sleep(0)
        proxy.cut()
        assert all(await asyncio.gather(*calls))


async def with_an_answer_lost(proxy: Proxy, lost: int, acting: Coroutine[Any, Any, Result]) -> Result:
    """What comes of it when an answer of the server (0: the first) is lost together with the connection."""
    proxy.swallow(after=lost)
    task = asyncio.create_task(acting)
    async with asyncio.timeout(BOUNDED):
        await proxy.swallowed.wait()
        proxy.cut()
        return await task


async def test_a_message_whose_answer_was_lost_is_stored_once(proxy: Proxy, through: Core) -> None:
    tenant = await through.tenants.add(new_name())
    ada, bob = await through.users.keys(tenant, ["ada", "bob"])
    sending = through.messages.send_direct(tenant, ada, [bob], text("ada"), "request 1")
    receipt = (await with_an_answer_lost(proxy, 0, sending))[0]
    assert receipt.repeated
    page = await through.messages.direct_page(tenant, "ada", "bob", Query(10))
    assert [one.id for one in page.messages] == [receipt.id]


# Each takes a number first, then writes.
@pytest.mark.parametrize("lost", [0, 1])
async def test_a_group_whose_answer_was_lost_is_created_once(proxy: Proxy, through: Core, lost: int) -> None:
    tenant = await through.tenants.add(new_name())
    ada = await through.users.key(tenant, "ada")
    creating = through.groups.create(tenant, name="group", owner=ada, members=[ada], dialect="plain")
    group = await with_an_answer_lost(proxy, lost, creating)
    assert await through.groups.find(tenant, group.number) == group


# The name is looked up, numbered and placed before it is registered.
@pytest.mark.parametrize("lost", [0, 1, 2, 3])
async def test_a_registration_whose_answer_was_lost_is_done_once(proxy: Proxy, through: Core, lost: int) -> None:
    tenant = await through.tenants.add(new_name())
    user = await with_an_answer_lost(proxy, lost, through.users.register(tenant, "ada", password="secret"))
    assert await through.users.check_password(tenant, "ada", "secret") == user
    with pytest.raises(Failure) as caught:
        await through.users.register(tenant, "ada", password="secret")
    assert caught.value.kind is Kind.CONFLICT


@pytest.mark.parametrize("lost", [0, 1])
async def test_a_tenant_whose_answer_was_lost_is_added_once(proxy: Proxy, through: Core, lost: int) -> None:
    name = new_name()
    tenant = await with_an_answer_lost(proxy, lost, through.tenants.add(name))
    assert await through.tenants.find(name) == tenant


async def test_a_full_queue_refuses_at_once(proxy: Proxy, through: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MAXIMUM_WAITING", 100)
    proxy.hold()
    calls = [asyncio.create_task(echo(through.store, number)) for number in range(100)]
    await asyncio.sleep(0)
    started = time.monotonic()
    with pytest.raises(Failure, match="Too many requests wait") as caught:
        await echo(through.store, 100)
    assert time.monotonic() - started < 0.5
    assert caught.value.kind is Kind.STORE_UNAVAILABLE
    proxy.release()
    assert all(await asyncio.gather(*calls))
    assert await echo(through.store, 101)


async def test_long_work_goes_its_own_way_and_holds_up_nobody(proxy: Proxy, through: Core) -> None:
    tenant = await through.tenants.add(new_name())
    ada, bob = await through.users.keys(tenant, ["ada", "bob"])
    await send(through, tenant, ada, bob, "client:0")
    assert len(await through.conversations.list(tenant, ada, 10)) == 1
    assert proxy.accepted == 1  # that was short
    assert len(await through.conversations.list(tenant, ada, LONG)) == 1
    assert proxy.accepted == 2
    proxy.hold(connection=2)
    listing = asyncio.create_task(through.conversations.list(tenant, ada, LONG))
    sent = [await send(through, tenant, ada, bob, f"client:{number}") for number in range(100)]
    page = await through.messages.direct_page(tenant, "ada", "bob", Query(100))
    assert [one.id for one in page.messages] == sent[::-1]
    assert not listing.done()
    proxy.release()
    # Given up in time, unless a new connection answered before.
    (result,) = await asyncio.gather(listing, return_exceptions=True)
    assert isinstance(result, list) or (isinstance(result, Failure) and result.kind is Kind.STORE_UNAVAILABLE)
    assert len(await through.conversations.list(tenant, ada, LONG)) == 1


async def test_a_full_queue_of_long_work_refuses_only_that(
    proxy: Proxy, through: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = await through.tenants.add(new_name())
    ada = await through.users.key(tenant, "ada")
    assert await through.conversations.list(tenant, ada, LONG) == []
    monkeypatch.setattr(connection, "MAXIMUM_WAITING", 2 * PARTITIONS)
    proxy.hold(connection=2)
    lists = [asyncio.create_task(through.conversations.list(tenant, ada, LONG)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Failure, match="Too many requests wait"):
        await through.conversations.list(tenant, ada, LONG)
    assert await echo(through.store, 1)
    proxy.release()
    assert await asyncio.gather(*lists) == [[], []]


async def test_no_more_commands_are_on_their_way_than_a_connection_may_have() -> None:
    most = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal most
        while data := await reader.read(1 << 16):
            most = max(most, received := data.count(b"\r\n$4\r\n"))  # the length of a command's name
            writer.write(b"+OK\r\n" * received)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        address = parse_url(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}").address
        narrow = connection.Connection(address, [], window=4)
        await asyncio.wait_for(narrow.ready(), BOUNDED)
        echo = connection.pack(("ECHO", "me"))
        assert await asyncio.gather(*(narrow.submit(echo) for _ in range(1000))) == [b"OK"] * 1000
        assert most == 4
        await narrow.close()


async def test_a_killed_server_fails_calls_in_time_and_heals() -> None:
    with ServerProcess(server_binary(), options={"appendonly": "yes", "appendfsync": "always"}) as server:
        async with opened(server.url) as core:
            tenant = await core.tenants.add(new_name())
            ada, bob = await core.users.keys(tenant, ["ada", "bob"])
            first = await send(core, tenant, ada, bob, "client:1")
            server.kill()
            started = time.monotonic()
            with pytest.raises(Failure) as caught:
                await send(core, tenant, ada, bob, "client:2")
            assert time.monotonic() - started < WITHIN_A_SECOND
            assert caught.value.kind is Kind.STORE_UNAVAILABLE
            await asyncio.to_thread(server.start)
            await until_it_works(core.store)
            second = await send(core, tenant, ada, bob, "client:2")
            assert await send(core, tenant, ada, bob, "client:1") == first
            page = await core.messages.direct_page(tenant, "ada", "bob", Query(10))
            assert [one.id for one in page.messages] == [second, first]


async def send(core: Core, tenant: Tenant, sender: UserKey, recipient: UserKey, reference: str) -> int:
    return (await core.messages.send_direct(tenant, sender, [recipient], text(sender.id), reference))[0].id


async def test_a_closed_store_fails_calls_and_leaves_nothing_running(module_server: ServerProcess) -> None:
    before = asyncio.all_tasks()
    async with opened(module_server.url) as core:
        tenant = await core.tenants.add(new_name())
        ada = await core.users.key(tenant, "ada")
        assert await core.conversations.list(tenant, ada, LONG) == []
        other = await Store.open(module_server.url)
        await other.close()
    with pytest.raises(Failure) as caught:
        await echo(core.store, 2)
    assert caught.value.kind is Kind.STORE_UNAVAILABLE
    # Its connection for long work was never made, and is not made any more.
    with pytest.raises(Failure):
        await Core(other).conversations.list(tenant, ada, LONG)
    assert asyncio.all_tasks() == before


async def test_a_connection_can_be_closed_at_any_moment_of_its_beginning(module_server: ServerProcess) -> None:
    address = parse_url(module_server.url).address
    for turns in [*range(40)] * 20:  # the moment that matters is not always met
        begun = connection.Connection(address, [("PING",)])
        begun.start()
        for _ in range(turns):
            await asyncio.sleep(0)
        done, _ = await asyncio.wait({asyncio.create_task(begun.close())}, timeout=BOUNDED)
        assert done, f"closed after {turns} turns of the loop, it never ended"
