"""SIGUSR1: new workers in the place of the old ones, and no client notices."""

import asyncio
import json
import os
import shutil
import signal
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from core.store.data_folder import running_url
from tests.gateway.callers import chat21_history, easemob_send, load, stored, stored_in
from tests.gateway.load import Outcome, readers, request, send_until_refused
from tests.gateway.program import ROOT, WAIT_SECONDS, Program, running, until
from tests.servers import is_alive


def restart(program: Program) -> None:
    """Ask for it, and wait until every process is another one and the former ones are gone."""
    former = set(program.workers)
    program.process.send_signal(signal.SIGUSR1)

    def replaced() -> bool:
        now = set(program.workers)
        return len(now) == len(former) and not now & former and not any(map(is_alive, former))

    until(replaced)


def held_by(program: Program, temporary: Path) -> tuple[int, int]:
    """How many files the supervisor has open, and how many folders of sockets there are."""
    files = Path(f"/proc/{program.process.pid}/fd")
    return len(list(files.iterdir())), len(list(temporary.glob("chatgateway-*")))


def logged(program: Program, event: str) -> list[str]:
    return [line for line in program.output.splitlines() if event in line]


@pytest.mark.parametrize("workers", [1, 2])
def test_no_request_fails_while_all_processes_are_replaced(tmp_path: Path, workers: int) -> None:
    with running(tmp_path, "--dev", "--workers", str(workers), variables={"TMPDIR": str(tmp_path)}) as program:
        server, held = program.server, held_by(program, tmp_path)
        both = [easemob_send(program.token()), chat21_history()]
        with load(program, both, keeping=4, fresh=2) as clients:
            for _ in range(4):
                clients.goes_on()
                restart(program)
            clients.goes_on()
        assert (clients.broken, clients.failures, clients.unready) == ([], [], [])
        # Each restart ended every connection that was kept, with a reply that said so.
        assert clients.reconnected >= 4 * 4
        assert program.server == server
        until(lambda: held_by(program, tmp_path) == held)
        assert len(asyncio.run(stored(str(running_url(Path(program.data)))))) == clients.sent()
        assert len(logged(program, "worker_left")) == 4 * workers
        assert logged(program, "worker_ended") == logged(program, "worker_killed") == []


def connected(program: Program) -> socket.socket:
    place = urlsplit(program.url)
    return socket.create_connection((place.hostname, place.port), timeout=WAIT_SECONDS)


def ask(connection: socket.socket, message: bytes) -> bytes:
    connection.sendall(message)
    return read_reply(connection)


def read_reply(connection: socket.socket) -> bytes:
    reply = b""
    while b"\r\n\r\n" not in reply:
        part = connection.recv(65536)
        assert part, "the connection ended"
        reply += part
    head, _, body = reply.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65536)
    return head.lower()


def test_connections_that_were_idle_and_requests_that_were_begun_are_answered_by_the_process_that_leaves(
    tmp_path: Path,
) -> None:
    with running(tmp_path, "--dev") as program:
        former = program.worker
        message = request(program.url, program.token(), keep_alive=True)
        idle = [connected(program) for _ in range(20)]
        for connection in idle:
            assert b"connection: close" not in ask(connection, message)
        fresh, begun, pipelined = (connected(program) for _ in range(3))
        begun.sendall(message[:-10])
        program.process.send_signal(signal.SIGUSR1)
        until(lambda: len(program.workers) == 2 and logged(program, "restarted"))
        # Whoever comes now is served by the new process; the old one still answers whom it has.
        with connected(program) as newcomer:
            assert b"connection: close" not in ask(newcomer, message)
        for connection in (*idle, fresh):
            head = ask(connection, message)
            assert head.startswith(b"http/1.1 200 ")
            assert b"connection: close" in head
            assert connection.recv(1) == b""
        pipelined.sendall(message * 3)
        begun.sendall(message[-10:])
        head = read_reply(begun)
        assert head.startswith(b"http/1.1 200 ")
        assert b"connection: close" in head
        replies = b""
        while part := pipelined.recv(65536):
            replies += part
        assert replies.count(b"HTTP/1.1 200 ") == 3
        assert replies.lower().count(b"connection: close") == 1
        until(lambda: not is_alive(former))
        for connection in (*idle, fresh, begun, pipelined):
            connection.close()


def test_an_idle_connection_ends_in_its_own_time_and_the_process_with_it(tmp_path: Path) -> None:
    variables = {"CHATGATEWAY_LIMITS__KEEP_ALIVE_SECONDS": "3"}
    with running(tmp_path, "--dev", variables=variables) as program, connected(program) as idle:
        former = program.worker
        message = request(program.url, program.token(), keep_alive=True)
        asked = time.monotonic()
        ask(idle, message)
        program.process.send_signal(signal.SIGUSR1)
        until(lambda: logged(program, "restarted"))
        assert is_alive(former)
        assert idle.recv(1) == b""
        assert time.monotonic() - asked > 2.9
        until(lambda: not is_alive(former))
        assert logged(program, "worker_killed") == []


def test_a_stop_does_not_wait_for_a_process_that_leaves(tmp_path: Path) -> None:
    with running(tmp_path, "--dev") as program, connected(program) as idle:
        ask(idle, request(program.url, program.token(), keep_alive=True))
        program.process.send_signal(signal.SIGUSR1)
        until(lambda: logged(program, "restarted"))
        children = program.children()
        assert len(children) == 3
        program.process.terminate()
        assert idle.recv(1) == b""
        assert program.wait() == 0
        assert not any(map(is_alive, children))
        assert logged(program, "worker_killed") == []


@pytest.mark.parametrize("event", ["restart_begins", "worker_ready", "restarted"])
async def test_a_stop_in_the_middle_of_a_restart_under_load_cuts_nobody_off(tmp_path: Path, event: str) -> None:
    with running(tmp_path, "--dev", "--workers", "2") as program:
        token, url = program.token(), program.url
        outcome = Outcome(wanted=200)
        clients = [
            asyncio.create_task(send_until_refused(url, token, outcome, to=reader, keep_alive=number % 2 == 0))
            for number, reader in enumerate(readers(8))
        ]
        await asyncio.wait_for(outcome.reached.wait(), WAIT_SECONDS)
        before = len(logged(program, event))
        program.process.send_signal(signal.SIGUSR1)
        await asyncio.to_thread(until, lambda: len(logged(program, event)) > before)
        program.process.terminate()
        await asyncio.wait_for(asyncio.gather(*clients), WAIT_SECONDS)
        assert await asyncio.to_thread(program.wait) == 0
        assert logged(program, "worker_killed") == logged(program, "worker_ended") == []
    assert (outcome.cut, outcome.others) == ([], [])
    assert len(await stored_in(program.data, readers(8))) == outcome.stored


def test_a_signal_during_a_restart_is_remembered(tmp_path: Path) -> None:
    with running(tmp_path, "--workers", "2") as program:
        program.process.send_signal(signal.SIGUSR1)
        until(lambda: logged(program, "restart_begins"))
        for _ in range(5):
            program.process.send_signal(signal.SIGUSR1)
        until(lambda: len(logged(program, '"restarted"')) >= 2)
        program.process.terminate()
        assert program.wait() == 0
        turns = [json.loads(line)["event"] for line in logged(program, '"restart')]
    # Never two at once; and the signals that came during one made one more of them.
    assert turns[:4] == ["restart_begins", "restarted"] * 2
    assert len(turns) < 12


def test_new_processes_have_the_settings_as_they_are_now(tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text("drain_seconds = 9.0\n")
    with running(tmp_path, "--dev", "--config", str(config)) as program:
        first, port = program.worker, urlsplit(program.url).port
        message = request(program.url, program.token(), keep_alive=False)

        config.write_text("drain_seconds = 'long'\nlimits.body_bytes = 0\n")
        program.process.send_signal(signal.SIGUSR1)
        (line,) = until(lambda: logged(program, "restart_refused"))
        assert f"{config}: drain_seconds" in line
        assert f"{config}: limits.body_bytes" in line
        assert program.readiness() == {"status": "ready"}
        assert program.worker == first

        config.write_text("durable = true\n[limits]\nbody_bytes = 20\n")
        restart(program)
        (line,) = logged(program, "settings_need_a_stop_and_a_start")
        assert "durable" in line
        assert urlsplit(program.url).port == port
        with connected(program) as connection:
            assert ask(connection, message).startswith(b"http/1.1 413 ")

        # It was started with these settings; a crash doesn't bring in others.
        config.write_text("")
        second = program.worker
        os.kill(second, signal.SIGKILL)
        until(lambda: program.worker not in (0, second))
        until(lambda: program.readiness() == {"status": "ready"})
        with connected(program) as connection:
            assert ask(connection, message).startswith(b"http/1.1 413 ")


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """The gateway's code in a folder of its own, to be changed."""
    copy = tmp_path / "code"
    for package in ("core", "adapters", "gateway"):
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def test_new_processes_run_the_code_as_it_is_now_and_broken_code_changes_nothing(tmp_path: Path, code: Path) -> None:
    worker = code / "gateway" / "worker.py"
    sound = worker.read_text()
    with running(tmp_path, "--dev", "--workers", "2", variables={"PYTHONPATH": str(code)}) as program:
        former = program.workers
        worker.write_text("raise SystemExit(7)\n")
        program.process.send_signal(signal.SIGUSR1)
        (line,) = until(lambda: logged(program, "restart_failed"))
        assert "worker 1 ended while starting, with code 7" in line
        assert program.workers == former
        assert program.readiness() == {"status": "ready"}
        with connected(program) as connection:
            message = request(program.url, program.token(), keep_alive=True)
            assert ask(connection, message).startswith(b"http/1.1 200 ")
        worker.write_text(f"import sys\nprint('the new code', file=sys.stderr)\n{sound}")
        restart(program)
        assert len(logged(program, "the new code")) == 2


def test_the_data_folder_names_the_process_to_signal(tmp_path: Path) -> None:
    with running(tmp_path) as program:
        former = set(program.workers)
        os.kill(int((Path(program.data) / "lock").read_text()), signal.SIGUSR1)
        until(lambda: former.isdisjoint(program.workers))
        assert len(logged(program, '"restarted"')) == len(program.workers) == len(former)


def test_a_restart_in_the_middle_of_a_start_comes_after_it(tmp_path: Path) -> None:
    program = Program(tmp_path)
    try:
        until(lambda: program.server)
        program.process.send_signal(signal.SIGUSR1)
        until(lambda: logged(program, '"restarted"'))
        assert program.readiness() == {"status": "ready"}
        program.process.terminate()
        assert program.wait() == 0
    finally:
        program.clean()


def test_settings_that_no_worker_starts_with_can_be_mended_by_a_restart(tmp_path: Path, code: Path) -> None:
    worker, config = code / "gateway" / "worker.py", tmp_path / "gateway.toml"
    config.write_text("drain_seconds = 1.0\n")
    variables = {"PYTHONPATH": str(code)}
    with running(tmp_path, "--dev", "--config", str(config), variables=variables) as program:
        begin = "    settings = task.settings\n"
        sound = worker.read_text()
        assert begin in sound
        worker.write_text(sound.replace(begin, begin + "    if settings.drain_seconds == 1:\n        sys.exit(7)\n"))
        os.kill(program.worker, signal.SIGKILL)
        until(lambda: logged(program, "exit_code=7 restart_in_seconds=0.4"))
        assert program.readiness() == {"status": "not ready", "problems": ["worker 1 is not running"]}
        config.write_text("drain_seconds = 2.0\n")
        program.process.send_signal(signal.SIGUSR1)
        until(lambda: logged(program, "restarted"))
        assert program.readiness() == {"status": "ready"}
        program.process.terminate()
        assert program.wait() == 0


def test_a_restart_while_the_store_is_away_changes_nothing(tmp_path: Path) -> None:
    with running(tmp_path, "--dev") as program:
        first = program.worker
        os.kill(program.server, signal.SIGSTOP)
        program.process.send_signal(signal.SIGUSR1)
        until(lambda: logged(program, "restart_failed"))
        assert logged(program, "worker_without_store")
        assert program.worker == first
        os.kill(program.server, signal.SIGCONT)
        until(lambda: program.readiness() == {"status": "ready"})
        restart(program)
