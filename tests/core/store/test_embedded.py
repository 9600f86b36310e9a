"""Real servers on real folders, ended the hard way."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from core.store import embedded
from core.store.data_folder import EmbeddedServerError, new_socket_path, opened_data, running_url
from core.store.embedded import EmbeddedServer
from tests.servers import is_alive

WAIT_SECONDS = 30.0

# A gateway in a process of its own: says its server's URL and process, then waits to be killed.
HOLDER = """
import asyncio, sys
from pathlib import Path
from core.store.data_folder import opened_data
from core.store.embedded import EmbeddedServer

async def main(name):
    with opened_data(name) as data:
        server = EmbeddedServer(data)
        print(await server.start(), server.pid, data, flush=True)
        await asyncio.Event().wait()

asyncio.run(main(sys.argv[1]))
"""


@contextlib.contextmanager
def holder(data: str) -> Iterator[tuple[subprocess.Popen[str], str, int, Path]]:
    with subprocess.Popen([sys.executable, "-c", HOLDER, data], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url, pid, folder = process.stdout.readline().rstrip("\n").split(" ", 2)
        try:
            yield process, url, int(pid), Path(folder)
        finally:
            process.kill()
            if is_alive(int(pid)):  # only where a test failed
                os.kill(int(pid), signal.SIGKILL)


@asynccontextmanager
async def running(data: Path, *, durable: bool = False) -> AsyncIterator[EmbeddedServer]:
    server = EmbeddedServer(data, durable=durable)
    await server.start()
    supervision = asyncio.create_task(server.supervise())
    try:
        yield server
    finally:
        await server.stop()
        await asyncio.wait_for(supervision, WAIT_SECONDS)


@asynccontextmanager
async def client_of(url: str) -> AsyncIterator["Redis"]:
    client = Redis.from_url(url, decode_responses=True)
    try:
        yield client
    finally:
        await client.aclose()


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Until it holds; fails after WAIT_SECONDS. A server that is away does not count as an answer."""
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            with contextlib.suppress(RedisError, OSError):
                if await condition():
                    return
            await asyncio.sleep(0.02)


async def gone(pid: int) -> None:
    async def ended() -> bool:
        return not is_alive(pid)

    await until(ended)


async def test_stop_leaves_the_data_and_nothing_else(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o755)
    async with running(data) as server:
        pid, socket = server.pid, Path(server.url.removeprefix("unix://"))
        assert stat.S_IMODE(data.stat().st_mode) == 0o700
        assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
        assert running_url(data) == server.url
        async with client_of(server.url) as client:
            await client.set("greeting", "hello")
            assert (await client.config_get("appendfsync"))["appendfsync"] == "everysec"
            assert (await client.config_get("maxmemory-policy"))["maxmemory-policy"] == "noeviction"
    assert not is_alive(pid)
    assert not socket.parent.exists()
    assert sorted(path.name for path in data.iterdir()) == ["appendonlydir", "lock", "valkey.log"]
    assert running_url(data) is None
    async with running(data) as server, client_of(server.url) as client:
        assert await client.get("greeting") == "hello"


async def test_the_server_has_a_session_of_its_own(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        assert os.getsid(server.pid) == server.pid != os.getsid(0)


async def test_durable_writes_reach_the_disk_before_they_are_acknowledged(tmp_path: Path) -> None:
    async with running(tmp_path, durable=True) as server, client_of(server.url) as client:
        assert (await client.config_get("appendfsync"))["appendfsync"] == "always"


async def test_a_second_gateway_on_the_folder_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path) as first, client_of(first.url) as client:
        await client.set("greeting", "hello")
        with pytest.raises(EmbeddedServerError) as refused:
            await EmbeddedServer(tmp_path).start()
        assert str(tmp_path) in str(refused.value)
        assert f"process {os.getpid()}" in str(refused.value)
        assert await client.get("greeting") == "hello"
        assert running_url(tmp_path) == first.url


async def test_only_one_of_many_gateways_started_at_once_gets_the_folder(tmp_path: Path) -> None:
    servers = [EmbeddedServer(tmp_path) for _ in range(8)]
    outcomes = await asyncio.gather(*(server.start() for server in servers), return_exceptions=True)
    assert sum(isinstance(outcome, str) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, EmbeddedServerError) for outcome in outcomes) == 7
    for server in servers:
        await server.stop()
    assert running_url(tmp_path) is None


async def test_the_server_of_a_killed_gateway_is_adopted_with_its_data(tmp_path: Path) -> None:
    with holder(str(tmp_path)) as (gateway, url, pid, _):
        with pytest.raises(EmbeddedServerError, match=f"process {gateway.pid}"):
            await EmbeddedServer(tmp_path).start()
        async with client_of(url) as client:
            await client.set("greeting", "hello")
            gateway.kill()
            gateway.wait(WAIT_SECONDS)
            async with running(tmp_path, durable=True) as adopted:
                assert (adopted.url, adopted.pid) == (url, pid)
                assert await client.get("greeting") == "hello"
                assert (await client.config_get("appendfsync"))["appendfsync"] == "always"
        await gone(pid)
    assert running_url(tmp_path) is None


async def test_an_adopted_server_that_is_killed_is_restarted(tmp_path: Path) -> None:
    with holder(str(tmp_path)) as (gateway, url, pid, _):
        gateway.kill()
        gateway.wait(WAIT_SECONDS)
        async with running(tmp_path) as adopted, client_of(url) as client:
            await client.set("greeting", "hello")
            os.kill(pid, signal.SIGKILL)
            await gone(pid)
            await until(lambda: answers(client, "greeting", "hello"))
            assert adopted.pid != pid
            assert adopted.url == url


async def test_a_gateway_killed_while_it_started_the_server_leaves_one_that_is_adopted(tmp_path: Path) -> None:
    with holder(str(tmp_path)) as (gateway, url, pid, _):
        gateway.kill()
        gateway.wait(WAIT_SECONDS)
        # As it stands between the start of the process and the note of its number.
        (tmp_path / "server.json").write_text(json.dumps({"socket": url.removeprefix("unix://"), "pid": 0}))
        async with running(tmp_path) as adopted:
            assert (adopted.url, adopted.pid) == (url, pid)


async def test_the_server_of_a_killed_gateway_may_be_on_its_way_out(tmp_path: Path) -> None:
    with holder(str(tmp_path)) as (gateway, url, pid, _):
        async with client_of(url) as client:
            await client.set("greeting", "hello")
        gateway.kill()
        gateway.wait(WAIT_SECONDS)
        os.kill(pid, signal.SIGSTOP)
        os.kill(pid, signal.SIGTERM)
        asyncio.get_running_loop().call_later(0.2, os.kill, pid, signal.SIGCONT)
        async with running(tmp_path) as server:
            await gone(pid)
            async with client_of(server.url) as client:
                await until(lambda: answers(client, "greeting", "hello"))
            assert server.pid != pid


async def test_a_server_of_another_process_number_is_not_adopted(tmp_path: Path) -> None:
    with holder(str(tmp_path)) as (gateway, _, pid, _):
        gateway.kill()
        gateway.wait(WAIT_SECONDS)
        record = (tmp_path / "server.json").read_text()
        (tmp_path / "server.json").write_text(record.replace(str(pid), str(os.getpid())))
        with pytest.raises(EmbeddedServerError, match="is not the one of"):
            await EmbeddedServer(tmp_path).start()
        assert is_alive(pid)
        (tmp_path / "server.json").write_text(record)
        async with running(tmp_path) as adopted:
            assert adopted.pid == pid


async def test_a_live_server_whose_record_is_damaged_is_not_joined_by_a_second(tmp_path: Path) -> None:
    with holder(str(tmp_path)) as (gateway, _, pid, _):
        gateway.kill()
        gateway.wait(WAIT_SECONDS)
        record = (tmp_path / "server.json").read_text()
        (tmp_path / "server.json").write_text("{")
        with pytest.raises(EmbeddedServerError, match=r"still runs on .*end that process"):
            await EmbeddedServer(tmp_path).start()
        assert is_alive(pid)
        (tmp_path / "server.json").write_text(record)
        async with running(tmp_path) as adopted:
            assert adopted.pid == pid


async def test_the_server_of_another_folder_is_not_adopted(tmp_path: Path) -> None:
    mine, other = tmp_path / "mine", tmp_path / "other"
    with holder(str(mine)) as (gateway, _, pid, _):
        gateway.kill()
        gateway.wait(WAIT_SECONDS)
        record = (mine / "server.json").read_text()
        async with running(other) as stranger:
            (mine / "server.json").write_text((other / "server.json").read_text())
            with pytest.raises(EmbeddedServerError, match="is not the one of"):
                await EmbeddedServer(mine).start()
            assert is_alive(stranger.pid)
        assert is_alive(pid)
        (mine / "server.json").write_text(record)
        async with running(mine) as adopted:
            assert adopted.pid == pid


async def test_a_killed_server_is_restarted_on_the_same_socket_with_its_data(tmp_path: Path) -> None:
    async with running(tmp_path, durable=True) as server, client_of(server.url) as client:
        url, pid = server.url, server.pid
        await client.set("greeting", "hello")
        os.kill(pid, signal.SIGKILL)
        await gone(pid)
        await until(lambda: answers(client, "greeting", "hello"))
        assert server.url == url
        assert server.pid != pid
        assert (await client.config_get("appendfsync"))["appendfsync"] == "always"


async def test_a_server_killed_while_it_rewrote_its_file_is_restarted(tmp_path: Path) -> None:
    async with running(tmp_path, durable=True) as server, client_of(server.url) as client:
        pid = server.pid
        await client.mset({f"key {number}": "value" for number in range(1000)})
        await client.config_set("rdb-key-save-delay", 1_000_000)  # microseconds a key: the rewrite takes minutes
        await client.bgrewriteaof()
        await until(lambda: rewrites(client))
        os.kill(pid, signal.SIGKILL)
        await gone(pid)
        await until(lambda: answers(client, "key 999", "value"))
        assert server.pid != pid


async def test_a_socket_folder_that_a_cleaner_removed_is_made_again(tmp_path: Path) -> None:
    async with running(tmp_path, durable=True) as server, client_of(server.url) as client:
        await client.set("greeting", "hello")
        socket = Path(server.url.removeprefix("unix://"))
        shutil.rmtree(socket.parent)
        os.kill(server.pid, signal.SIGKILL)
        await until(lambda: answers(client, "greeting", "hello"))
        assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700


async def test_the_data_folder_may_have_a_very_long_and_odd_path(tmp_path: Path) -> None:
    data = tmp_path / "with space, \"quotes\" and 'more' \\x41 ü" / ("long" * 50) / ("longer" * 40)
    async with running(data) as server:
        assert len(server.url.removeprefix("unix://")) < 104
        async with client_of(server.url) as client:
            await client.set("greeting", "hello")
    async with running(data) as server, client_of(server.url) as client:
        assert await client.get("greeting") == "hello"


def test_a_long_temporary_folder_does_not_make_a_long_socket_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("long" * 30)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    socket = new_socket_path()
    socket.parent.rmdir()
    assert len(os.fsencode(socket)) < 104


async def test_a_folder_of_damaged_data_is_refused_with_what_the_server_says(tmp_path: Path) -> None:
    async with running(tmp_path) as server, client_of(server.url) as client:
        await client.set("greeting", "hello")
    for path in (tmp_path / "appendonlydir").glob("*.rdb"):
        path.write_bytes(b"this is no data")
    with pytest.raises(EmbeddedServerError, match=r"valkey\.log says:\n(.|\n)*Bad file format"):
        await EmbeddedServer(tmp_path).start()
    assert running_url(tmp_path) is None
    assert not (tmp_path / "server.json").exists()


async def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EmbeddedServerError, match="cannot be used: Not a directory"):
        await EmbeddedServer(tmp_path / "file" / "data").start()


async def test_a_platform_without_a_binary_is_told_of_redis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "machine", lambda: "vax")
    with pytest.raises(EmbeddedServerError, match="--redis"):
        await EmbeddedServer(tmp_path / "data").start()
    assert not (tmp_path / "data").exists()


async def test_memory_is_a_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with opened_data(":memory:") as data:
        async with running(data):
            assert data.is_dir()
    assert not data.exists()


async def test_what_a_killed_gateway_left_of_its_temporary_folder_is_swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with holder(":memory:") as (gateway, _, pid, left), opened_data(":memory:") as data:
        async with running(data):
            assert left.is_dir()
            gateway.kill()
            gateway.wait(WAIT_SECONDS)
            with opened_data(":memory:"):
                assert not left.exists()
                assert data.is_dir()
            await gone(pid)


async def answers(client: "Redis", key: str, value: str) -> bool:
    return bool(await client.get(key) == value)


async def rewrites(client: "Redis") -> bool:
    return bool((await client.info("persistence"))["aof_rewrite_in_progress"] == 1)
