"""The servers under test as processes: started, pinned to their core, held still while another is measured."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import orjson

from core.store.data_folder import running_url
from tests.bench.load import Load, Traffic
from tests.bench.machine import OTHER_CORES, SERVER_CORE, command_line, cpu_seconds, descendants, foreign_seconds, pin
from tests.servers import wait_until

_STOP_SECONDS = 20
_READY_SECONDS = 30


class Target:
    """A running server. `origin` is where it answers, `worker` the process that does; `pids` are all of its processes,
    parents first."""

    def __init__(self, origin: str, worker: int, pids: Sequence[int]) -> None:
        self.origin = origin
        self.worker = worker
        self._pids = list(pids)
        for pid in pids:
            pin(pid, SERVER_CORE if pid == worker else OTHER_CORES)

    def hold(self) -> None:
        """Stop all processes where they are."""
        for pid in self._pids:
            os.kill(pid, signal.SIGSTOP)

    def let_go(self) -> None:
        """Go on; a child before its parent, so that nobody is missed."""
        for pid in reversed(self._pids):
            os.kill(pid, signal.SIGCONT)


class Measured:
    """What one run showed: the load, the server's processor time a request in microseconds, and how much of a core
    everybody else used."""

    def __init__(self, load: Load, cpu_us: float, foreign_share: float) -> None:
        self.load = load
        self.cpu_us = cpu_us
        self.foreign_share = foreign_share


def measure(target: Target, traffic: Traffic, seconds: float) -> Measured:
    """Let the target go on, load it, hold it again."""
    target.let_go()
    used, foreign = cpu_seconds(target.worker), foreign_seconds()
    load = traffic.send(target.origin, seconds)
    used, foreign = cpu_seconds(target.worker) - used, foreign_seconds() - foreign
    target.hold()
    return Measured(load, used / load.requests * 1e6, max(0.0, foreign / load.seconds))


@contextmanager
def server(kind: str, *arguments: str) -> Iterator[Target]:
    """One of tests.bench.servers."""
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        number = listener.fileno()
        command = [sys.executable, "-m", "tests.bench.servers", kind, str(number), *arguments]
        process = subprocess.Popen(command, pass_fds=[number], stderr=subprocess.DEVNULL)
        origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with _ended(process):
            wait_until(lambda: _answers(process, origin), _READY_SECONDS)
            yield Target(origin, process.pid, [process.pid])


def _answers(process: subprocess.Popen[bytes], origin: str) -> bool:
    if process.poll() is not None:
        raise RuntimeError(f"a server did not start: {process.args!r}")
    try:
        httpx.get(origin, timeout=1)  # any answer says that it serves
    except httpx.TransportError:
        return False
    return True


@contextmanager
def gateway() -> Iterator[tuple[Target, str]]:
    """The product as its user starts it: one worker, embedded server, log lines to a file. With its store's URL."""
    with tempfile.TemporaryDirectory(prefix="gateway-bench-") as name:
        folder = Path(name)
        data, ready, config = folder / "data", folder / "ready", folder / "gateway.toml"
        # Chat clients of Ozeki's get what others sent in the gateway's own codec, as anybody who wants that has to say.
        config.write_text('[dialects.ozeki]\ncodec = "plain"\n')
        options = ["--host", "127.0.0.1", "--port", "0", "--admin-port", "0"]
        options += ["--data", str(data), "--ready-file", str(ready), "--config", str(config)]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "gateway", "serve", *options], stdout=log, stderr=subprocess.STDOUT
            )
        with _ended(process):
            wait_until(lambda: ready.exists() or process.poll() is not None, _READY_SECONDS)
            if process.poll() is not None:
                raise RuntimeError("the gateway did not start:\n" + (folder / "log").read_text())
            pids = descendants(process.pid)
            worker = next(pid for pid in pids if "gateway.worker" in command_line(pid))
            url = running_url(data)
            assert url is not None
            yield Target(orjson.loads(ready.read_bytes())["url"], worker, pids), url


@contextmanager
def _ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        for pid in descendants(process.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
