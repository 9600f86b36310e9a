"""Opening a store, and what its servers may answer."""

import asyncio
import io
import re
import time
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import ResponseError

from core.clock import ManualClock
from core.core import Core
from core.errors import Failure, Kind
from core.ids import bucket_of, direct_identity
from core.messages import Query
from core.model import Tenant
from core.retention import DAY_MS
from core.store import scripts, store
from core.store.breaker import FAILURES
from core.store.embedded import server_binary
from core.store.keys import PARTITIONS, TAGS, partition_of, system_key
from core.store.records import HEADER
from core.store.store import Store
from tests.core.store.rows import everything, of_tenant
from tests.core.support import START, new_name, opened, text
from tests.servers import Engine, ServerProcess, free_ports


def test_every_script_declares_itself() -> None:
    written = re.compile(rb"call\('(SET|HSET|HDEL|HSETNX|HINCRBY|ZADD|ZREM|SADD|SREM|SETBIT|XADD|PEXPIRE|UNLINK)'")
    files = {file.stem: file.read_bytes() for file in Path(scripts.__file__).parent.glob("lua/*.lua")}
    for script in scripts.ALL:
        first = script.text.split(b"\n")[0]
        assert first in (b"#!lua", b"#!lua flags=allow-oom", b"#!lua flags=no-writes")
        writes = first != b"#!lua flags=no-writes"
        # Of the parts that others use not everything is called.
        assert (written.search(script.text if writes else files[script.name]) is not None) == writes, script.name
    for name in files.keys() - {script.name for script in scripts.ALL}:
        assert any(files[name] in script.text for script in scripts.ALL), name


async def test_scripts_come_back_after_a_flush(engine: Engine, core: Core, tenant: Tenant) -> None:
    ada, *others = await core.users.keys(tenant, ["ada", *(f"user {number}" for number in range(60))])
    for flushes in range(3):
        for server in engine.servers:
            with server.client() as client:
                client.script_flush()
        receipts = await core.messages.send_direct(tenant, ada, others, text("ada"), f"request {flushes}")
        assert [one.sequence for one in receipts] == [flushes + 1] * 60
        assert not any(one.repeated for one in receipts)
    assert len(await core.conversations.list(tenant, ada, 100)) == 60


async def test_every_key_lies_in_the_partition_of_its_tag(engine: Engine, core: Core, tenant: Tenant) -> None:
    ada, *others = await core.users.keys(tenant, ["ada", *(f"user {number}" for number in range(100))])
    await core.users.register(tenant, "ada")
    await core.groups.create(tenant, name="group", owner=ada, members=others, dialect="plain", alias="chosen")
    await core.messages.send_direct(tenant, ada, others, text("ada"), "client:1")
    keys = of_tenant(engine, tenant.number)
    assert len(keys) > 5 * PARTITIONS
    tags = {re.match(rb"cg{(\w+)}", key)[1].decode() for key in keys}  # type: ignore[index]
    assert tags == set(TAGS[:PARTITIONS])


@pytest.mark.parametrize("first_line", ["#!lua", "#!lua flags=no-writes"])
def test_a_cluster_refuses_a_script_that_leaves_its_slot(cluster_engine: Engine, first_line: str) -> None:
    # One server alone has no slots to keep apart; that all engines run the same scripts makes the cluster their judge.
    node = cluster_engine.servers[0]
    with node.client() as client:
        first, last = client.execute_command("CLUSTER SLOTS")[0][:2]
        mine = [tag for tag in TAGS if first <= client.execute_command("CLUSTER KEYSLOT", f"{{{tag}}}") <= last][:2]
        act = "redis.call('GET', ARGV[1])" if "no-writes" in first_line else "redis.call('SET', ARGV[1], 1)"
        with pytest.raises(ResponseError, match=r"do not hash to the same slot|non local key"):
            client.eval(f"{first_line}\nreturn {act}", 1, f"{{{mine[0]}}}a", f"{{{mine[1]}}}b")
        assert client.exists(f"{{{mine[1]}}}b") == 0


async def test_a_ping_reaches_every_server(engine: Engine, core: Core) -> None:
    async def calls() -> list[int]:
        return [await asyncio.to_thread(pings, server) for server in engine.servers]

    before = await calls()
    await core.store.ping()
    assert [after - earlier for earlier, after in zip(before, await calls(), strict=True)] == [1] * len(before)


def pings(server: ServerProcess) -> int:
    with server.client() as client:
        return int(client.info("commandstats").get("cmdstat_ping", {"calls": 0})["calls"])


async def test_no_store_is_said_and_without_waiting_it_may_come_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_OPEN_DEADLINE", 0.3)
    with pytest.raises(Failure, match=f"No store at {tmp_path}/none: ") as caught:
        await Store.open(f"unix://{tmp_path}/none")
    assert (caught.value.kind, caught.value.retryable) == (Kind.STORE_UNAVAILABLE, True)

    with ServerProcess(server_binary()) as server:
        server.stop()
        found = await Store.open(server.url, wait=False)
        started = time.monotonic()
        with pytest.raises(Failure) as caught:
            await found.ping()
        assert time.monotonic() - started < 1.5
        assert caught.value.kind is Kind.STORE_UNAVAILABLE
        await asyncio.to_thread(server.start)
        async with asyncio.timeout(20):
            await found._topology.opened()
        await found.ping()
        await found.close()


async def test_a_password_is_needed_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_OPEN_DEADLINE", 0.5)
    with ServerProcess(server_binary(), port=free_ports(1)[0]) as server:
        with server.client() as client:
            client.config_set("requirepass", "the right one")
        for wrong, says in (
            (":the%20wrong%20one@", "WRONGPASS"),
            ("", "NOAUTH"),
            ("nobody:the%20right%20one@", "WRONGPASS"),
        ):
            with pytest.raises(Failure, match=says) as caught:
                await Store.open(f"redis://{wrong}127.0.0.1:{server.port}")
            assert caught.value.kind is Kind.STORE_UNAVAILABLE
            assert "one" not in caught.value.text
        for right in (":the%20right%20one@", "default:the%20right%20one@"):
            async with opened(f"redis://{right}127.0.0.1:{server.port}/3") as core:
                assert await core.tenants.list() == []
                await core.store.ping()


async def test_an_empty_store_gets_our_schema_and_another_schema_is_refused(server: ServerProcess) -> None:
    async with opened(server.url) as core:
        await core.store.ping()
    with server.client() as client:
        assert client.get(system_key("schema")) == "4 64"
        for other, says in (
            ("5 64", "schema version 5.*Use a newer gateway"),
            ("1 64", "schema version 1, made before the first release.* start with an empty data folder .* or another"),
            ("2 64", "schema version 2, made before the first release"),
            ("3 64", "schema version 3, made before the first release"),
            ("4 128", "128 partitions"),
            ("?", "[?]"),
        ):
            client.set(system_key("schema"), other)
            with pytest.raises(Failure, match=says) as caught:
                await Store.open(server.url)
            assert (caught.value.kind, caught.value.reason) == (Kind.STORE_UNAVAILABLE, "schema")
            waiting = await Store.open(server.url, wait=False)
            for _ in range(FAILURES + 1):
                with pytest.raises(Failure, match=says):
                    await waiting.ping()
            assert waiting.answers(0)
            await waiting.close()
            assert client.get(system_key("schema")) == other
        assert client.dbsize() == 1


async def test_a_full_server_takes_nothing_loses_nothing_and_can_be_read(server: ServerProcess) -> None:
    async with opened(server.url) as core:
        tenant = await core.tenants.add(new_name())
        ada, bob = await core.users.keys(tenant, ["ada", "bob"])
        group = await core.groups.create(tenant, name="group", owner=ada, members=[ada, bob], dialect="plain")
        receipt = (await core.messages.send_direct(tenant, ada, [bob], text("ada"), "client:1"))[0]
        before = everything((server,))
        with server.client() as client:
            client.config_set("maxmemory", 1)
        for act in (
            core.messages.send_direct(tenant, ada, [bob], text("ada"), "client:2"),
            core.messages.send_group(tenant, ada, [group.number], text("ada"), "client:2"),
            core.groups.create(tenant, name="other", owner=ada, members=[ada], dialect="plain", alias="chosen"),
            core.groups.remove(tenant, group.number, [bob]),
            core.users.register(tenant, "eve"),
            core.tenants.add(new_name()),
        ):
            with pytest.raises(Failure) as caught:
                await act
            assert (caught.value.kind, caught.value.reason) == (Kind.STORE_UNAVAILABLE, "full")
        assert everything((server,)) == before
        page = await core.messages.direct_page(tenant, "ada", "bob", Query(10))
        assert [one.id for one in page.messages] == [receipt.id]
        assert len(await core.conversations.list(tenant, ada, 10)) == 1
        async with opened(server.url) as another:
            assert await another.messages.get(tenant, receipt.id) == page.messages[0]
        with server.client() as client:
            client.config_set("maxmemory", 0)
        assert (await core.messages.send_direct(tenant, ada, [bob], text("ada"), "client:2"))[0].sequence == 2


async def test_what_makes_room_is_done_on_a_full_server(server: ServerProcess) -> None:
    clock = ManualClock(START)
    async with opened(server.url, clock) as core:
        name = new_name()
        tenant = await core.tenants.add(name)
        ada, bob, eve = await core.users.keys(tenant, ["ada", "bob", "eve"])
        for peer in (bob, eve):
            receipts = await core.messages.send_direct(tenant, ada, [peer], text("ada"), "client:1")
            await core.foreign.link(tenant, "plain", f"of {peer.id}", receipts[0].id)
        with server.client() as client:
            client.config_set("maxmemory", 1)
        assert await core.conversations.clear_for_all(tenant, ada, "bob")
        assert await core.foreign.find(tenant, "plain", "of bob") is None
        clock.move(2 * DAY_MS)
        tenant = await core.tenants.set_retention(name, 1)
        for _ in range(100):
            if not await core.retention.round():
                break
        assert await core.foreign.find(tenant, "plain", "of eve") is None
        await core.tenants.reset(name)
        assert await core.tenants.remove(name)
        for _ in range(100):
            if not await core.reclaim.round():
                break
        left = everything((server,), f"cg{{*}}{tenant.number}:*")
        assert {key.rpartition(b":")[2][:2] for key in left} <= {b"rc", b"ro"}  # these end by themselves


async def test_a_server_that_fills_up_keeps_what_it_acknowledged(server: ServerProcess) -> None:
    async with opened(server.url) as core:
        tenant = await core.tenants.add(new_name())
        ada, bob = await core.users.keys(tenant, ["ada", "bob"])
        with server.client() as client:
            client.config_set("maxmemory", int(client.info("memory")["used_memory"]) + (1 << 20))
        sequences = []
        for number in range(1_000):
            try:
                message = text("ada", "x" * 10_000)
                sequences += [
                    receipt.sequence
                    for receipt in await core.messages.send_direct(tenant, ada, [bob], message, f"client:{number}")
                ]
            except Failure as failure:
                if failure.reason != "full":
                    raise
                break
        assert sequences == list(range(1, len(sequences) + 1))
        assert 10 < len(sequences) < 1_000
        page = await core.messages.direct_page(tenant, "ada", "bob", Query(1_000, newest_first=False))
        assert [one.sequence for one in page.messages] == sequences


async def test_the_record_is_frozen(engine: Engine, core: Core, tenant: Tenant) -> None:
    ada, bob = await core.users.keys(tenant, ["ada", "bob"])
    receipt = (await core.messages.send_direct(tenant, ada, [bob], text("ada"), "client:1"))[0]
    partition = partition_of(bucket_of(direct_identity("ada", "bob")))
    key = f"cg{{{TAGS[partition]}}}{tenant.number}:1:l:{receipt.conversation}:0"
    for server in engine.servers:
        with Redis.from_url(server.url) as client:
            try:
                rows = client.hgetall(key)
            except ResponseError:  # of another node
                continue
        # 48 bits of time, 32 of ordinal, kind, 16 of flags, 48 of the sender's number, then the message as msgpack arrays.
        header = START.to_bytes(6, "big") + bytes((0, 0, 0, 1, 0, 0, 8)) + ada.number.to_bytes(6, "big")
        assert len(header) == HEADER.size
        body = b"\x99\xa3ada\x92\xa1t\xa5hello\xa5plain\xc0\xc0\xc0\xc0\xc0\xc0"
        assert rows == {b"1": header + body}
        return
    raise AssertionError("no node has the key")


async def test_a_server_that_takes_the_right_away_is_unavailable(server: ServerProcess) -> None:
    async with opened(server.url) as core:
        tenant = await core.tenants.add(new_name())
        with server.client() as client:
            client.execute_command("ACL", "SETUSER", "default", "-evalsha")
        with pytest.raises(Failure) as caught:
            await core.users.key(tenant, "ada")
    assert caught.value.kind is Kind.STORE_UNAVAILABLE
    assert "NOPERM" in caught.value.text


async def test_a_user_is_erased_on_a_full_server(server: ServerProcess) -> None:
    async with opened(server.url) as core:
        tenant = await core.tenants.add(new_name())
        ada, bob = await core.users.keys(tenant, ["ada", "bob"])
        group = (await core.groups.create(tenant, name="", owner=ada, members=[ada, bob], dialect="plain")).number
        topic, _ = await core.topics.create(tenant, group, creator=ada, dialect="plain")
        await core.messages.send_group(tenant, ada, [group], text("ada"), "client:1")
        await core.messages.send_direct(tenant, ada, [bob], text("ada"), "client:2")
        await core.relations.add(tenant, ada, [bob])
        await core.due.send_direct(tenant, ada, [bob], text("ada"), "client:3", 1)
        with server.client() as client:
            client.config_set("maxmemory", 1)
        assert await core.erase.user(tenant, "ada")
        for _ in range(1_000):
            if not await core.erase.round():
                break
        now = (await core.tenants.numbered([tenant.number]))[tenant.number]
        found, left = await core.groups.find(now, group), await core.topics.find(now, topic.number)
        assert found is not None
        assert left is not None
        assert (found.owner, left.creator) == ("", "")
        assert not (await core.messages.group_page(now, bob, group, Query(10))).messages
        await core.backup.write(io.BytesIO())
