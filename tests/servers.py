"""The real engines that tests run against, started by the tests themselves.

Three of them: the embedded server's binary on a Unix socket, a cluster of three masters made of the same binary, and
Debian's redis-server where it is installed. The first two keep nothing on disk; durability is tested on servers of a
test's own (`ServerProcess`, or `core.store.embedded`).
"""

import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from core.store.embedded import server_binary

START_SECONDS = 30.0
STOP_SECONDS = 10.0
CLUSTER_SLOTS = 16384
CLUSTER_NODES = 3
HOW_TO_GET_REDIS = "redis-server 7.0 or newer is not installed: tests on it were skipped (apt-get install redis-server)"


@dataclass(frozen=True)
class Engine:
    """A running engine. Tests keep apart by tenants of their own; `flush` is for those that count everything."""

    name: str
    url: str
    servers: tuple["ServerProcess", ...]

    def flush(self) -> None:
        """Empty it, at every node."""
        for server in self.servers:
            with server.client() as client:
                client.flushall()


class ServerProcess:
    """One server in a temporary folder, from entering the context to leaving it.

    Listens on 127.0.0.1:`port`, or on a Unix socket when `port` is None. `options` are further ones of the server's,
    without the dashes: `{"appendonly": "yes"}`.
    """

    def __init__(self, binary: Path, *, port: int | None = None, options: dict[str, str] | None = None) -> None:
        self.port = port
        self.options = options or {}
        self.folder = Path(tempfile.mkdtemp(prefix="gateway-test-"))
        self.socket = self.folder / "s"
        self.url = f"unix://{self.socket}" if port is None else f"redis://127.0.0.1:{port}"
        listen = {"port": "0", "unixsocket": str(self.socket)} if port is None else {"port": str(port)}
        settings = {"bind": "127.0.0.1", "save": "", "appendonly": "no", "dir": str(self.folder), **listen}
        settings |= {"maxmemory-policy": "noeviction", "logfile": str(self.folder / "log"), **self.options}
        self._command = [str(binary), *(word for name, value in settings.items() for word in (f"--{name}", value))]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def pid(self) -> int:
        assert self._process is not None, "not started"
        return self._process.pid

    def start(self) -> None:
        """Start it (again) and wait until it answers with its data loaded."""
        process = subprocess.Popen(
            self._command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._process = process

        def answers() -> bool:
            if process.poll() is not None:
                raise ServerEndedError(f"{self._command[0]} ended while starting:\n{self._last_lines()}")
            with self.client() as client:
                # On a taken port it would be the other server that answers.
                return int(client.info("server")["process_id"]) == process.pid and bool(client.ping())

        wait_until(answers)

    def stop(self) -> None:
        """Ask it to save and end, and insist after ten seconds."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it with no chance to save."""
        assert self._process is not None, "not started"
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(STOP_SECONDS)

    def client(self) -> "Redis":
        """A blocking client that does not retry; a context manager."""
        return Redis.from_url(self.url, socket_timeout=5, retry=Retry(NoBackoff(), 0), decode_responses=True)

    def _last_lines(self) -> str:
        with suppress(FileNotFoundError):
            return "\n".join((self.folder / "log").read_text(errors="replace").splitlines()[-5:])
        return "(it logged nothing)"


class ServerEndedError(Exception):
    """A server ended while it started; mostly another process took its port."""


def wait_until(holds: Callable[[], bool], seconds: float = START_SECONDS) -> None:
    """Ask again and again until it holds; an engine that does not answer yet counts as no."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(RedisError, OSError):
            if holds():
                return
        time.sleep(0.02)
    raise TimeoutError(f"not so within {seconds} s")


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that ended and was not waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody listens on just now, all different."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


@contextmanager
def embedded_engine() -> Iterator[Engine]:
    with ServerProcess(server_binary()) as server:
        yield Engine("embedded", server.url, (server,))


@contextmanager
def redis_engine(binary: Path) -> Iterator[Engine]:
    with ExitStack() as stack:
        server = _first_that_starts(lambda: stack.enter_context(ServerProcess(binary, port=free_ports(1)[0])))
        yield Engine("redis", server.url, (server,))


@contextmanager
def cluster_engine() -> Iterator[Engine]:
    with ExitStack() as stack:
        nodes = [_first_that_starts(lambda: stack.enter_context(_cluster_node())) for _ in range(CLUSTER_NODES)]
        _join(nodes)
        yield Engine("cluster", f"redis+cluster://127.0.0.1:{nodes[0].port}", tuple(nodes))


def redis_binary() -> Path | None:
    """redis-server where a new enough one is installed."""
    found = shutil.which("redis-server")
    if found is None:
        return None
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=True, timeout=START_SECONDS)
    number = re.search(r"v=(\d+)\.", version.stdout)
    return Path(found) if number and int(number[1]) >= 7 else None


def _first_that_starts(start: Callable[[], ServerProcess]) -> ServerProcess:
    """A free port may be taken by the time the server wants it: then another."""
    for _ in range(4):
        with suppress(ServerEndedError):
            return start()
    return start()


def _cluster_node() -> ServerProcess:
    port, bus_port = free_ports(2)
    options = {
        "cluster-enabled": "yes",
        "cluster-port": str(bus_port),  # by default port + 10000, which does not exist above 55535
        "cluster-announce-ip": "127.0.0.1",
        "cluster-node-timeout": "5000",
    }
    return ServerProcess(server_binary(), port=port, options=options)


def _join(nodes: list[ServerProcess]) -> None:
    first_slots = [CLUSTER_SLOTS * number // len(nodes) for number in range(len(nodes) + 1)]
    for number, node in enumerate(nodes):
        with node.client() as client:
            client.execute_command("CLUSTER SET-CONFIG-EPOCH", number + 1)
            client.execute_command("CLUSTER ADDSLOTSRANGE", first_slots[number], first_slots[number + 1] - 1)
    with nodes[0].client() as client:
        for node in nodes[1:]:
            client.execute_command("CLUSTER MEET", "127.0.0.1", node.port, node.options["cluster-port"])
    wait_until(lambda: all(_sees_whole_cluster(node) for node in nodes))


def _sees_whole_cluster(node: ServerProcess) -> bool:
    with node.client() as client:
        info = client.execute_command("CLUSTER INFO")
    return bool(
        info["cluster_state"] == "ok"
        and int(info["cluster_slots_ok"]) == CLUSTER_SLOTS
        and int(info["cluster_known_nodes"]) == CLUSTER_NODES
    )
