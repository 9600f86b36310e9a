"""Start, stop and crashes of the whole program, as its operator sees them."""

import asyncio
import json
import os
import resource
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from core.store.data_folder import running_url
from core.store.embedded import server_binary
from core.store.keys import SCHEMA_VERSION, system_key
from tests.gateway.callers import stored_in
from tests.gateway.load import Outcome, readers, request, send_until_refused
from tests.gateway.program import APPLICATION, WAIT_SECONDS, Program, refused, running, until
from tests.servers import ServerProcess, free_ports, is_alive

PATIENT = {
    "CHATGATEWAY_DRAIN_SECONDS": "60",
    "CHATGATEWAY_LIMITS__BODY_IDLE_SECONDS": "60",
    "CHATGATEWAY_LIMITS__BODY_SECONDS": "60",
    "CHATGATEWAY_LIMITS__HEADER_SECONDS": "60",
}


def send(program: Program, token: str) -> httpx.Response:
    body = {"from": "user1", "target_type": "users", "target": ["user2"], "msg": {"type": "txt", "msg": "hello"}}
    return httpx.post(
        f"{program.url}{APPLICATION}/messages",
        headers={"Authorization": f"Bearer {token}"},
        json=body,
        timeout=WAIT_SECONDS,
    )


def test_it_starts_serves_and_stops(tmp_path: Path) -> None:
    with running(tmp_path, "--dev") as program:
        assert json.loads(program.ready_file.read_text()).keys() == {"url", "admin_url", "listeners"}
        assert program.readiness() == {"status": "ready"}
        assert httpx.get(f"{program.admin_url}/healthz").json() == {"status": "alive"}
        assert send(program, program.token()).status_code == 200
        assert f"Serving at {program.url}" in program.output
        assert f"Messages are kept in {program.data}" in program.output
        children = program.children()
        assert len(children) == 2
        program.process.terminate()
        assert program.wait() == 0
        assert not program.ready_file.exists()
        assert not any(map(is_alive, children))
    assert running_url(Path(program.data)) is None
    assert len(asyncio.run(stored_in(program.data))) == 1


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("stop", ["SIGTERM", "SIGINT to the whole group"])
async def test_a_stop_under_load_cuts_nobody_off_and_loses_nothing(tmp_path: Path, stop: str, workers: int) -> None:
    with running(tmp_path, "--dev", "--workers", str(workers)) as program:
        token, url = program.token(), program.url
        outcome = Outcome(wanted=500)
        clients = [
            asyncio.create_task(send_until_refused(url, token, outcome, to=reader, keep_alive=number % 2 == 0))
            for number, reader in enumerate(readers(16))
        ]
        await asyncio.wait_for(outcome.reached.wait(), WAIT_SECONDS)
        if stop == "SIGTERM":
            program.process.terminate()
        else:
            os.killpg(program.process.pid, signal.SIGINT)
        await asyncio.wait_for(asyncio.gather(*clients), WAIT_SECONDS)
        assert await asyncio.to_thread(program.wait) == 0
    assert outcome.cut == []
    assert outcome.others == []
    assert len(await stored_in(program.data, readers(16))) == outcome.stored


def connected(program: Program) -> socket.socket:
    address = urlsplit(program.url)
    return socket.create_connection((address.hostname, address.port), timeout=WAIT_SECONDS)


def is_stopping(admin_url: str) -> Callable[[], bool]:
    return lambda: httpx.get(f"{admin_url}/readyz").json().get("problems") == ["stopping"]


def refuses_connections(url: str) -> Callable[[], bool]:
    def refuses() -> bool:
        try:
            socket.create_connection((urlsplit(url).hostname, urlsplit(url).port), timeout=0.1).close()
        except (ConnectionRefusedError, TimeoutError):
            return True
        return False

    return refuses


@pytest.mark.parametrize("sent", ["half of the head", "half of the body"])
def test_a_request_that_was_begun_is_answered_while_new_connections_are_refused(tmp_path: Path, sent: str) -> None:
    with running(tmp_path, "--dev", variables=PATIENT) as program, connected(program) as connection:
        message = request(program.url, program.token(), keep_alive=True)
        middle = message.index(b"\r\nHost") if sent == "half of the head" else len(message) - 10
        connection.sendall(message[:middle])
        url, admin_url = program.url, program.admin_url
        program.process.terminate()
        until(is_stopping(admin_url))
        until(refuses_connections(url))
        connection.sendall(message[middle:])
        reply = b""
        while part := connection.recv(65536):
            reply += part
        assert reply.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"connection: close\r\n" in reply
        assert program.wait() == 0


def test_a_low_soft_limit_on_files_does_not_limit_connections(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, before[1]))
    try:
        with running(tmp_path, "--dev") as program:
            limits = Path(f"/proc/{program.worker}/limits").read_text()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    soft, hard = next(line for line in limits.splitlines() if line.startswith("Max open files")).split()[3:5]
    assert soft == hard != "512"


def test_an_idle_connection_does_not_delay_the_stop(tmp_path: Path) -> None:
    with running(tmp_path, variables=PATIENT) as program, connected(program) as connection:
        program.process.terminate()
        assert connection.recv(1) == b""
        assert program.wait() == 0


def test_what_takes_longer_than_the_drain_time_is_cut_off(tmp_path: Path) -> None:
    variables = {**PATIENT, "CHATGATEWAY_DRAIN_SECONDS": "0.5"}
    with running(tmp_path, "--dev", variables=variables) as program, connected(program) as connection:
        connection.sendall(request(program.url, program.token(), keep_alive=True)[:-1])
        program.process.terminate()
        assert program.wait() == 0


def test_a_second_signal_hurries(tmp_path: Path) -> None:
    with running(tmp_path, "--dev", variables=PATIENT) as program, connected(program) as connection:
        connection.sendall(request(program.url, program.token(), keep_alive=True)[:-1])
        admin_url = program.admin_url
        program.process.terminate()
        until(is_stopping(admin_url))
        program.process.terminate()
        assert program.wait() == 0
    assert len(asyncio.run(stored_in(program.data))) == 0


def test_a_stop_while_it_starts_leaves_nothing(tmp_path: Path) -> None:
    program = Program(tmp_path)
    try:
        until(lambda: program.server)
        program.process.terminate()
        assert program.wait() == 0
    finally:
        program.clean()
    assert running_url(Path(program.data)) is None
    assert not program.ready_file.exists()


def test_a_killed_worker_comes_back(tmp_path: Path) -> None:
    with running(tmp_path, "--dev") as program:
        token, first = program.token(), program.worker
        assert send(program, token).status_code == 200
        os.kill(first, signal.SIGKILL)
        # The listening socket is the supervisor's: whoever comes meanwhile waits.
        until(lambda: send(program, token).status_code == 200)
        assert program.worker != first
        assert program.readiness() == {"status": "ready"}
        assert "restart_in_seconds=0.0" in program.output


async def test_of_several_workers_one_may_be_killed(tmp_path: Path) -> None:
    with running(tmp_path, "--dev", "--workers", "2") as program:
        assert len(program.workers) == 2
        token, url = program.token(), program.url

        def load(outcome: Outcome) -> list[asyncio.Task[None]]:
            return [
                asyncio.create_task(send_until_refused(url, token, outcome, to=reader, keep_alive=False))
                for reader in readers(4)
            ]

        before, after = Outcome(wanted=100), Outcome(wanted=100)
        clients = load(before)
        await asyncio.wait_for(before.reached.wait(), WAIT_SECONDS)
        killed = program.workers[0]
        os.kill(killed, signal.SIGKILL)
        clients += load(after)
        await asyncio.wait_for(after.reached.wait(), WAIT_SECONDS)
        await asyncio.to_thread(until, lambda: len({*program.workers} - {killed}) == 2)
        await asyncio.to_thread(until, lambda: program.readiness() == {"status": "ready"})
        program.process.terminate()
        await asyncio.wait_for(asyncio.gather(*clients), WAIT_SECONDS)
        assert await asyncio.to_thread(program.wait) == 0
    acknowledged = before.stored + after.stored
    assert [*before.others, *after.others] == []
    assert after.cut == []
    assert acknowledged <= len(await stored_in(program.data, readers(4))) <= acknowledged + len(before.cut)


def test_the_worker_of_a_killed_supervisor_ends_and_the_next_start_has_the_data(tmp_path: Path) -> None:
    variables = {"TMPDIR": str(tmp_path)}
    with running(tmp_path, "--dev", variables=variables) as program:
        token, port = program.token(), urlsplit(program.url).port
        assert send(program, token).status_code == 200
        worker, server = program.worker, program.server
        program.process.kill()
        program.process.wait()
        # The same port at once: the worker that is just leaving gives it up.
        arguments = ("--dev", "--port", str(port))
        with running(tmp_path / "next", *arguments, data=program.data, variables=variables) as following:
            until(lambda: not is_alive(worker))
            assert following.server == server
            assert send(following, token).status_code == 200
            following.process.terminate()
            assert following.wait() == 0
        assert not list(tmp_path.glob("chatgateway-*"))
    assert len(asyncio.run(stored_in(program.data))) == 2


def test_a_killed_embedded_server_comes_back_and_requests_are_answered_meanwhile(tmp_path: Path) -> None:
    with running(tmp_path, "--dev", "--durable") as program:
        token = program.token()
        assert send(program, token).status_code == 200
        first = program.server
        os.kill(first, signal.SIGKILL)
        replies = []

        def works_again() -> bool:
            replies.append(send(program, token))
            return replies[-1].status_code == 200

        until(works_again)
        assert program.server != first
        assert {reply.status_code for reply in replies} <= {200, 503}
        assert max(reply.elapsed.total_seconds() for reply in replies) < 2
        until(lambda: program.readiness() == {"status": "ready"})
    assert len(asyncio.run(stored_in(program.data))) == 2


def test_health_answers_while_the_store_hangs_and_requests_get_a_retryable_error(tmp_path: Path) -> None:
    with running(tmp_path, "--dev") as program:
        token = program.token()
        os.kill(program.server, signal.SIGSTOP)
        reply = send(program, token)
        assert reply.status_code == 503
        assert reply.elapsed.total_seconds() < 2
        assert program.readiness() == {
            "status": "not ready",
            "problems": ["worker 1: the message store does not answer"],
        }
        assert httpx.get(f"{program.admin_url}/healthz").status_code == 200
        os.kill(program.server, signal.SIGCONT)
        until(lambda: program.readiness() == {"status": "ready"})
        assert send(program, token).status_code == 200


def test_health_answers_while_the_worker_hangs(tmp_path: Path) -> None:
    with running(tmp_path) as program:
        os.kill(program.worker, signal.SIGSTOP)
        reply = httpx.get(f"{program.admin_url}/readyz", timeout=WAIT_SECONDS)
        assert reply.status_code == 503
        assert reply.json() == {"status": "not ready", "problems": ["worker 1 does not answer"]}
        assert reply.elapsed.total_seconds() < 4
        assert httpx.get(f"{program.admin_url}/healthz").status_code == 200
        os.kill(program.worker, signal.SIGCONT)
        until(lambda: program.readiness() == {"status": "ready"})


def test_two_gateways_on_one_folder(tmp_path: Path) -> None:
    with running(tmp_path / "one") as program:
        text = refused(tmp_path / "two", data=program.data)
        assert text == (
            f"Error: {program.data} is in use by another gateway (process {program.process.pid}): "
            "stop that one, or give this one a data folder of its own with --data\n"
        )
        assert program.readiness() == {"status": "ready"}


@pytest.mark.parametrize("option", ["--port", "--admin-port"])
def test_a_taken_port_is_one_line(tmp_path: Path, option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        text = refused(tmp_path, option, str(port))
    assert text == f"Error: Port {port} of 127.0.0.1 is taken by another program: choose another with {option}\n"


def test_a_host_that_is_not_ours(tmp_path: Path) -> None:
    assert "Port 0 of 203.0.113.1 cannot be used" in refused(tmp_path, "--host", "203.0.113.1")
    assert "is no address of this machine" in refused(tmp_path, "--host", "no such host")


def test_a_very_long_data_path(tmp_path: Path) -> None:
    data = str(tmp_path / ("long" * 50) / ("longer" * 40))
    with running(tmp_path, "--dev", data=data) as program:
        assert send(program, program.token()).status_code == 200
        program.process.terminate()
        assert program.wait() == 0


def test_memory_is_said_plainly_and_leaves_nothing(tmp_path: Path) -> None:
    with running(tmp_path, data=":memory:", variables={"TMPDIR": str(tmp_path)}) as program:
        assert "kept for this run only" in program.output
        assert list(tmp_path.glob("chatgateway-memory-*"))
        program.process.terminate()
        assert program.wait() == 0
    assert not list(tmp_path.glob("chatgateway-*"))


@pytest.mark.parametrize(("name", "why"), [("none/ready", "No such file or directory"), ("", "Is a directory")])
def test_a_ready_file_that_cannot_be_written(tmp_path: Path, name: str, why: str) -> None:
    path = tmp_path / name
    text = refused(tmp_path, "--ready-file", str(path))
    assert f"Error: The ready file {path} cannot be written: {why}\n" in text


def test_a_password_of_the_store_stays_between_the_processes(tmp_path: Path) -> None:
    password = "canary-4b7d0e"
    (tmp_path / "password").write_text(f"{password}\n")
    with ServerProcess(server_binary(), port=free_ports(1)[0]) as server:
        with server.client() as client:
            client.config_set("requirepass", password)
        url = server.url
        assert "refuses the password" in refused(tmp_path / "wrong", "--redis", url.replace("://", "://:wrong@"))
        assert "wants a password" in refused(tmp_path / "none", "--redis", url)
        given = {
            "in a file": {"CHATGATEWAY_REDIS": url, "CHATGATEWAY_REDIS_PASSWORD_FILE": str(tmp_path / "password")},
            "in the URL": {"CHATGATEWAY_REDIS": url.replace("://", f"://:{password}@")},
        }
        for how, variables in given.items():
            with running(tmp_path / how, "--dev", variables=variables) as program:
                assert send(program, program.token()).status_code == 200
                worker = Path(f"/proc/{program.worker}")
                assert password.encode() not in (worker / "cmdline").read_bytes()
                assert password.encode() not in (worker / "environ").read_bytes()
                program.process.terminate()
                assert program.wait() == 0
                assert password not in program.output


def test_a_store_that_is_away_at_start_is_waited_for(tmp_path: Path) -> None:
    port = free_ports(1)[0]
    with running(tmp_path, "--redis", f"redis://127.0.0.1:{port}") as program:
        assert "cannot be reached" in program.output
        assert program.readiness()["status"] == "not ready"
        with ServerProcess(server_binary(), port=port):
            until(lambda: program.readiness() == {"status": "ready"})


def test_a_replica_is_refused_and_lack_of_persistence_said(tmp_path: Path) -> None:
    first, second = free_ports(2)
    with ServerProcess(server_binary(), port=first) as primary, ServerProcess(server_binary(), port=second) as replica:
        with replica.client() as client:
            client.replicaof("127.0.0.1", str(first))
        text = refused(tmp_path, "--redis", replica.url)
        assert text == f"Error: The server at 127.0.0.1:{second} is a read-only replica: name the primary\n"
        with primary.client() as client:
            client.config_set("maxmemory-policy", "allkeys-lru")
        with running(tmp_path, "--redis", primary.url) as program:
            assert "Unsafe persistence: none: a restart of the server loses everything\n" in program.output
            assert "Unsafe eviction: allkeys-lru: a full server drops messages silently\n" in program.output
            assert "chatgateway tenant add NAME" in program.output


def test_a_store_of_a_newer_schema_is_refused(tmp_path: Path) -> None:
    with ServerProcess(server_binary(), port=free_ports(1)[0]) as server:
        with server.client() as client:
            client.set(system_key("schema"), f"{SCHEMA_VERSION + 1} 64")
        text = refused(tmp_path, "--redis", server.url)
    assert len(text.splitlines()) == 1
    assert f"The store has schema version {SCHEMA_VERSION + 1}; this gateway knows {SCHEMA_VERSION}" in text
