"""The engines are what the other tests take them for."""

import subprocess
import sys
from pathlib import Path

import pytest
from redis import Redis, RedisCluster

from core.store.embedded import server_binary
from tests.servers import CLUSTER_SLOTS, Engine, ServerEndedError, ServerProcess, free_ports

SCRIPT = "#!lua\nredis.call('SET', KEYS[1], ARGV[1]) return redis.call('GET', KEYS[1])"


def test_each_engine_runs_scripts_and_can_be_emptied(engine: Engine) -> None:
    client = (
        RedisCluster.from_url(engine.url.replace("redis+cluster", "redis"))
        if engine.name == "cluster"
        else Redis.from_url(engine.url)
    )
    with client:
        for number in range(64):
            assert client.eval(SCRIPT, 1, f"{{{number}}}key", "value") == b"value"
        assert client.exists("{0}key") == 1
        engine.flush()
        assert sum(client.exists(f"{{{number}}}key") for number in range(64)) == 0


def test_the_cluster_has_its_slots_spread_evenly(cluster_engine: Engine) -> None:
    with cluster_engine.servers[-1].client() as client:
        shards = client.execute_command("CLUSTER SLOTS")
    owned = sorted(end - start + 1 for start, end, *_ in shards)
    assert sum(owned) == CLUSTER_SLOTS
    assert owned[-1] - owned[0] <= 1
    assert len(owned) == 3


def test_a_server_that_cannot_start_says_why() -> None:
    with (
        ServerProcess(server_binary(), port=free_ports(1)[0]) as first,
        pytest.raises(ServerEndedError, match="bind: Address already in use"),
    ):
        ServerProcess(server_binary(), port=first.port).__enter__()


def test_a_killed_server_comes_back_with_what_it_wrote() -> None:
    with ServerProcess(server_binary(), options={"appendonly": "yes", "appendfsync": "always"}) as server:
        with server.client() as client:
            client.set("greeting", "hello")
        server.kill()
        server.start()
        with server.client() as client:
            assert client.get("greeting") == "hello"


@pytest.mark.parametrize(("required", "outcome"), [("", "1 skipped"), ("1", "1 error")])
def test_a_missing_engine_is_said_plainly(tmp_path: Path, required: str, outcome: str) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-k", "runs_scripts and redis", "-p", "no:cacheprovider", __file__],
        env={"PATH": str(tmp_path), "REQUIRE_ALL_SERVERS": required},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert outcome in run.stdout
    assert "apt-get install redis-server" in run.stdout
    assert (run.returncode == 0) == (not required)
