"""What hangs or dies, and what its clients see of it."""

import asyncio
import json
import os
import re
import signal
import socket
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from core.store.data_folder import running_url
from tests.gateway.callers import Answer, ask_once, chat21_history, chat21_send, easemob_send, load, stored
from tests.gateway.load import request
from tests.gateway.program import WAIT_SECONDS, Program, running, until
from tests.servers import is_alive

ANSWER_SECONDS = 2.0
"""About a second, on a busy machine."""


def kill_worker(program: Program) -> None:
    """Kill the only worker, and wait until it is said when the next one is started."""
    ended = program.output.count("worker_ended")
    os.kill(until(lambda: program.worker), signal.SIGKILL)
    until(lambda: program.output.count("worker_ended") > ended)


def test_a_worker_that_hangs_is_replaced_and_one_without_store_is_not(tmp_path: Path) -> None:
    with running(tmp_path / "store", "--dev") as storeless, running(tmp_path / "worker", "--dev") as program:
        patient = storeless.worker
        os.kill(storeless.server, signal.SIGSTOP)
        until(lambda: storeless.readiness()["status"] == "not ready")
        hanging = program.worker
        os.kill(hanging, signal.SIGSTOP)
        assert program.readiness() == {"status": "not ready", "problems": ["worker 1 does not answer"]}
        until(lambda: not is_alive(hanging))
        until(lambda: program.readiness() == {"status": "ready"})
        assert re.search(rf"worker_hangs +pid={hanging} ", program.output)
        assert ask_once(program.url, easemob_send(program.token())).status == 200
        # This one could not reach the store all the while, but it answered; and it needs no restart to go on.
        assert storeless.readiness() == {
            "status": "not ready",
            "problems": ["worker 1: the message store does not answer"],
        }
        os.kill(storeless.server, signal.SIGCONT)
        until(lambda: storeless.readiness() == {"status": "ready"})
        assert storeless.worker == patient
        assert "worker_hangs" not in storeless.output


def test_one_of_several_workers_hangs_while_the_others_serve(tmp_path: Path) -> None:
    with running(tmp_path, "--dev", "--workers", "2") as program:
        hanging, other = program.workers
        os.kill(hanging, signal.SIGSTOP)
        until(lambda: not is_alive(hanging))
        until(lambda: program.readiness() == {"status": "ready"})
        assert other in until(lambda: program.workers)


def test_who_waits_while_the_only_worker_is_away_is_answered_even_when_a_stop_comes(tmp_path: Path) -> None:
    with running(tmp_path, "--dev") as program:
        message = request(program.url, program.token(), keep_alive=False)
        while "restart_in_seconds=1.6" not in program.output:
            kill_worker(program)
        assert program.output.count("restart_in_seconds=0.0") == 1
        # Nobody accepts now, but the socket is the supervisor's.
        place = urlsplit(program.url)
        waiting = [socket.create_connection((place.hostname, place.port), timeout=WAIT_SECONDS) for _ in range(10)]
        for connection in waiting:
            connection.sendall(message)
        program.process.terminate()
        for connection in waiting:
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
            connection.close()
        assert program.wait() == 0


def is_retryable(answer: Answer) -> bool:
    """Whether it is the vendor's own form of a failure to be repeated later."""
    body = json.loads(answer.text)
    if answer.call.path.startswith("/api/"):
        return answer.status == 503 and body["success"] is False
    return answer.status == 503 and body["error"] == "service_unavailable"


def test_while_the_embedded_server_is_away_each_request_gets_the_vendors_retryable_error_in_time(
    tmp_path: Path,
) -> None:
    with running(tmp_path, "--dev", "--durable", "--workers", "2") as program:
        workers = sorted(program.workers)
        both = [easemob_send(program.token()), chat21_send(), chat21_history()]
        with load(program, both, keeping=3, fresh=3) as clients:
            clients.goes_on()
            # Again and again, until it is away for longer than a request may take.
            while "delay_seconds=1.6" not in program.output:
                restarts = program.output.count("embedded_server_ended")
                os.kill(program.server, signal.SIGKILL)
                until(lambda: program.output.count("embedded_server_ended") > restarts)  # noqa: B023
                until(lambda: is_alive(program.server) or "delay_seconds=1.6" in program.output)
            until(lambda: len({answer.call.path for answer in clients.failures}) == 3)
            clients.goes_on()
        assert clients.broken == []
        assert [answer for answer in clients.failures if not is_retryable(answer)] == []
        assert max(answer.seconds for answer in clients.answers) < ANSWER_SECONDS
        until(lambda: program.readiness() == {"status": "ready"})
        assert sorted(program.workers) == workers
        found = asyncio.run(stored(str(running_url(Path(program.data)))))
        # What was answered with an error may have been stored all the same.
        refused = sum(answer.call.method == "POST" for answer in clients.failures)
        assert clients.sent() <= len(found) <= clients.sent() + refused
        assert httpx.get(f"{program.admin_url}/healthz").status_code == 200
