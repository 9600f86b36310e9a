"""A gateway that is killed in parts or whole, and goes on."""

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from redis import Redis

from core.store.data_folder import running_url
from tests.gateway.program import Program, until
from tests.servers import is_alive

WORKERS = 2
COMPILER = shutil.which("cc")
"""What a stalled disk takes."""
_PROBE_BYTES = 4096
_PROBES = 100


@dataclass
class Disk:
    """How fast the disk of the data folder was, in milliseconds, and what the killed servers said of it: how often a write
    had to wait for the disk (`aof_delayed_fsync`), and what was answered for `aof_last_write_status`."""

    idle_ms: list[float]
    loaded_ms: list[float] = field(default_factory=list)
    delayed: int = 0
    write_status: set[str] = field(default_factory=set)


class Victim:
    """A gateway with two workers on the embedded server, whose disk may be made to stall. The calls wait, so they belong in
    a thread."""

    def __init__(self, folder: Path, chance: random.Random, *, durable: bool, stalled: bool) -> None:
        self._folder = folder
        self._chance = chance
        # What a killed process leaves in the temporary folder goes with this one.
        self._variables = {"TMPDIR": str(folder)}
        if stalled:
            self._variables["LD_PRELOAD"] = str(_stalled_disk(folder))
        self._arguments = ["--dev", "--workers", str(WORKERS), *(["--durable"] if durable else [])]
        self._starts = 0
        self._killed_server = 0
        self.kills: list[float] = []
        """When they were done (monotonic seconds)."""
        self.program = self._start()
        self.url = self.program.url
        self._arguments += ["--port", str(urlsplit(self.url).port)]
        self.disk = Disk(fsync_latency(self._data))

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def probe_disk(self) -> None:
        """Measure the disk under load."""
        self.disk.loaded_ms += fsync_latency(self._data)

    def kill_worker(self) -> None:
        """Kill one of the workers that live."""
        os.kill(self._chance.choice(until(lambda: self.program.workers)), signal.SIGKILL)
        self.kills.append(time.monotonic())

    def kill_server(self) -> None:
        """Kill the embedded server, after it has said how its disk does. The supervisor starts it again."""
        until(lambda: self.program.server not in (0, self._killed_server))
        said: dict[str, Any] = until(self._persistence)
        self.disk.delayed += int(said["aof_delayed_fsync"])
        self.disk.write_status.add(str(said["aof_last_write_status"]))
        self._killed_server = self.program.server
        os.kill(self._killed_server, signal.SIGKILL)
        self.kills.append(time.monotonic())

    def kill_gateway(self) -> None:
        """Kill supervisor and workers, and start a gateway on the same folder and port. It must take over the server."""
        server = self.program.server
        workers = [pid for pid in self.program.children() if pid != server]
        self.program.process.kill()
        for pid in workers:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.kills.append(time.monotonic())
        self.program.process.wait()
        self.program = self._start()
        assert self.program.server == server, f"server {self.program.server} was started beside {server}"
        assert not any(map(is_alive, workers))

    def wait_healed(self) -> None:
        """Until every part runs and answers."""
        until(lambda: self.program.readiness() == {"status": "ready"})

    def clean(self) -> None:
        """Leave no process behind."""
        self.program.clean()

    def _start(self) -> Program:
        self._starts += 1
        folder = self._folder / f"start{self._starts}"
        program = Program(folder, *self._arguments, data=str(self._data), variables=self._variables)
        try:
            program.wait_ready()
        except BaseException:
            program.clean()
            raise
        return program

    def _persistence(self) -> dict[str, Any]:
        url = running_url(self._data)
        if url is None:
            return {}
        with Redis.from_url(url, socket_timeout=5) as client:
            found: dict[str, Any] = client.info("persistence")
        return {} if found["loading"] else found


@contextmanager
def victim(folder: Path, chance: random.Random, *, durable: bool, stalled: bool) -> Iterator[Victim]:
    """A gateway that serves."""
    found = Victim(folder, chance, durable=durable, stalled=stalled)
    try:
        yield found
    finally:
        found.clean()


def _stalled_disk(folder: Path) -> Path:
    assert COMPILER is not None
    library = folder / "stalled_disk.so"
    source = Path(__file__).with_name("stalled_disk.c")
    subprocess.run([COMPILER, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return library


def fsync_latency(folder: Path) -> list[float]:
    """How long each of a hundred small writes took to reach the disk, in milliseconds."""
    path = folder / "probe"
    found = []
    with path.open("wb", buffering=0) as file:
        for _ in range(_PROBES):
            file.write(bytes(_PROBE_BYTES))
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            found.append((time.perf_counter() - began) * 1000)
    path.unlink()
    return found
