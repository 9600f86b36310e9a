"""The machine that figures are taken on: its cores, what processes use of them, and the versions that run. Linux only."""

import os
import platform
import resource
import subprocess
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from core.store.embedded import server_binary
from tests.servers import redis_binary

_CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE = {_CORES[0]}
"""Where the server under test runs, alone."""
OTHER_CORES = set(_CORES[1:]) or SERVER_CORE
"""Where everything else runs: load generator, message store, this program."""
_TICKS = os.sysconf("SC_CLK_TCK")
_PACKAGES = ("uvicorn", "httptools", "uvloop", "starlette", "orjson", "msgspec", "redis", "hiredis", "PyJWT")


def pin(pid: int, cores: set[int]) -> None:
    """Keep all threads of a process on these cores."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), cores)


def descendants(pid: int) -> list[int]:
    """A process and everything below it, parents first."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int(_stat(int(entry.name))[1])
            except FileNotFoundError:
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found = [pid]
    for each in found:
        found += children.get(each, [])
    return found


def command_line(pid: int) -> str:
    """How a process was started."""
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")


def cpu_seconds(pid: int) -> float:
    """What a process has used so far, user and system, in steps of a hundredth of a second."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _busy_seconds() -> float:
    """What all processes, and a hypervisor's other guests, have used of all cores."""
    user, nice, system, _idle, _wait, irq, softirq, steal = map(
        int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    )
    return (user + nice + system + irq + softirq + steal) / _TICKS


def foreign_seconds() -> float:
    """What everybody but this program and its processes has used of all cores, the kernel's own work included."""
    reaped = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = reaped.ru_utime + reaped.ru_stime
    for pid in descendants(os.getpid()):
        with suppress(FileNotFoundError):
            own += cpu_seconds(pid)
    return _busy_seconds() - own


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name, which may hold anything."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def processor() -> str:
    """The processor's own name."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def versions() -> str:
    """Everything that has a part in the figures."""
    servers = [server_binary(), *filter(None, [redis_binary()])]
    names = [f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in _PACKAGES)]
    return ", ".join(names + [_server_version(binary) for binary in servers])


def _server_version(binary: Path) -> str:
    text = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True, timeout=10).stdout
    number = next(word[2:] for word in text.split() if word.startswith("v="))
    return f"{binary.name} {number}"


def commit() -> str:
    """The commit that runs, with a mark when files differ from it."""

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments],  # noqa: S607
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        ).stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", "core", "adapters", "gateway", "tests/bench")
    return git("rev-parse", "--short", "HEAD") + (" with uncommitted changes" if changed else "")


def core_count() -> int:
    """How many cores this program may use."""
    return len(_CORES)
