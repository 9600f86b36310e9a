"""Load on an HTTP server, from another process: wrk where it is installed, else the project's own generator."""

import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec
import orjson

from tests.bench.machine import OTHER_CORES, pin

CONNECTIONS = 32
_WRK = shutil.which("wrk")
_SCRIPT = Path(__file__).with_name("load.lua")
_GRACE_SECONDS = 20


class VoidRunError(Exception):
    """A run whose figures mean nothing: something was not answered as it should be."""


class Load(msgspec.Struct, frozen=True):
    """What came of one run. `failed` counts answers that are not 2xx or 3xx, and connections and answers that were lost;
    `generator_share` is how much of a core the generator used: near 1 it was the limit, not the server."""

    requests: int
    seconds: float
    failed: int
    p50_ms: float
    p99_ms: float
    generator_share: float = 0.0

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


def generator() -> str:
    """Which generator runs here."""
    if _WRK is None:
        return "the project's own generator (wrk is not installed)"
    answer = subprocess.run([_WRK, "--version"], capture_output=True, text=True, check=False, timeout=10).stdout
    return "wrk " + answer.split()[1]


def http_request(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """A whole HTTP/1.1 request."""
    if body:
        headers = {**headers, "Content-Type": "application/json", "Content-Length": str(len(body))}
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Traffic:
    """Requests in a file, which the generator sends in turn. A context manager."""

    def __init__(self, requests: Sequence[bytes]) -> None:
        self._file = tempfile.NamedTemporaryFile(prefix="gateway-bench-")  # noqa: SIM115 closed by __exit__
        for request in requests:
            self._file.write(b"%d\n%b" % (len(request), request))
        self._file.flush()

    def __enter__(self) -> "Traffic":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def send(self, url: str, seconds: float) -> Load:
        """Send as fast as the answers come, on 32 connections. Raises `VoidRunError` when any request failed."""
        if _WRK is not None:
            options = ["-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", "-s", str(_SCRIPT)]
            command = [_WRK, *options, url, "--", self._file.name]
        else:
            command = [sys.executable, "-m", "tests.bench.generator", url, self._file.name, str(seconds)]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        pin(process.pid, OTHER_CORES)
        output, _ = process.communicate(timeout=seconds + _GRACE_SECONDS)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if process.returncode:
            raise VoidRunError(f"the load generator ended with code {process.returncode}")
        load = msgspec.convert(orjson.loads(output.splitlines()[-1]), Load)
        if load.failed or not load.requests:
            raise VoidRunError(f"{load.failed} of {load.requests} requests to {url} failed")
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return msgspec.structs.replace(load, generator_share=used / load.seconds)
