"""The gateway as its operator runs it: real processes on free ports of 127.0.0.1."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import httpx

from core.store.data_folder import DataFolder

ROOT = Path(__file__).parent.parent.parent
WAIT_SECONDS = 30.0
CREDENTIALS = {"grant_type": "client_credentials", "client_id": "demo-client-id", "client_secret": "demo-client-secret"}
APPLICATION = "/chat-demo/testapp"

Value = TypeVar("Value")


def until(value: Callable[[], Value], seconds: float = WAIT_SECONDS) -> Value:
    """Ask until the answer is true; what can't be asked yet counts as no."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(OSError, httpx.HTTPError, ValueError):
            if found := value():
                return found
        time.sleep(0.02)
    raise TimeoutError(f"not so within {seconds} s")


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """That of the tests, without settings of whoever runs them."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("CHATGATEWAY_")}
    return {**own, "PYTHONPATH": str(ROOT), **more}


class Program:
    """`chatgateway serve`, in a process group of its own."""

    def __init__(
        self, folder: Path, *arguments: str, data: str = "", variables: Mapping[str, str] | None = None
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.data = data or str(folder / "data")
        self.ready_file = folder / "ready.json"
        self.output_file = folder / "output"
        self._log_file = folder / "log"
        defaults = {"--port": "0", "--admin-port": "0", "--data": self.data, "--ready-file": str(self.ready_file)}
        options = [word for name, value in defaults.items() if name not in arguments for word in (name, value)]
        with self.output_file.open("ab") as output, self._log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gateway", "serve", *options, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=log,
                cwd=folder,
                env=environment(variables or {}),
                process_group=0,
            )

    @property
    def output(self) -> str:
        """What it printed, errors and logs last."""
        return self.output_file.read_text() + self._log_file.read_text()

    @property
    def url(self) -> str:
        return str(json.loads(self.ready_file.read_text())["url"])

    @property
    def bound_urls(self) -> dict[str, str]:
        """Where each dialect that has a listener to itself is served."""
        found = json.loads(self.ready_file.read_text())["listeners"]
        return {each["dialect"]: each["url"] for each in found}

    @property
    def admin_url(self) -> str:
        return str(json.loads(self.ready_file.read_text())["admin_url"])

    def wait_ready(self) -> None:
        """Until it accepts requests."""

        def ready() -> bool:
            assert self.process.poll() is None, self.output
            return self.ready_file.exists()

        until(ready)

    def wait(self) -> int:
        """Its exit code."""
        return self.process.wait(WAIT_SECONDS)

    def children(self) -> list[int]:
        """The supervisor's child processes."""
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    @property
    def workers(self) -> list[int]:
        """The workers' processes; those that are being restarted are missing."""
        return [pid for pid in self.children() if b"gateway.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]

    @property
    def worker(self) -> int:
        """The only worker's process, 0 when it is being restarted."""
        return next(iter(self.workers), 0)

    @property
    def server(self) -> int:
        """The embedded server's process."""
        record = DataFolder(Path(self.data)).read_record()
        return record.pid if record else 0

    def readiness(self) -> dict[str, Any]:
        """The answer of `/readyz`."""
        found: dict[str, Any] = httpx.get(f"{self.admin_url}/readyz", timeout=WAIT_SECONDS).json()
        return found

    def token(self) -> str:
        """An administrator's token of the demo tenant."""
        reply = httpx.post(self.url + APPLICATION + "/token", json=CREDENTIALS, timeout=WAIT_SECONDS)
        return str(reply.raise_for_status().json()["access_token"])

    def clean(self) -> None:
        """Leave no process behind, whatever the test did."""
        pids = [*self.children(), self.server] if self.process.poll() is None else [self.server]
        if self.process.poll() is None:
            for pid in (self.process.pid, *filter(None, pids)):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(WAIT_SECONDS)
        self.process.kill()
        self.process.wait()
        for pid in filter(None, pids):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@contextmanager
def running(
    folder: Path, *arguments: str, data: str = "", variables: Mapping[str, str] | None = None
) -> Iterator[Program]:
    """A gateway that accepts requests."""
    program = Program(folder, *arguments, data=data, variables=variables)
    try:
        program.wait_ready()
        yield program
    finally:
        program.clean()


def refused(folder: Path, *arguments: str, data: str = "", variables: Mapping[str, str] | None = None) -> str:
    """What a gateway that can't begin says; it must end with code 1."""
    program = Program(folder, *arguments, data=data, variables=variables)
    try:
        code = program.wait()
    finally:
        program.clean()
    assert code == 1, program.output
    return program.output
