"""Listening sockets: made by the supervisor, inherited by the workers, closed without cutting anybody off."""

import asyncio
import ctypes
import errno
import os
import select
import shutil
import socket
import struct
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from core.store.data_folder import new_socket_path

BACKLOG = 2048
LEAVING_SECONDS = 1.0
_SO_ATTACH_FILTER = 26
_NO_SYN = ((0x30, 0, 0, 13), (0x45, 0, 1, 0x02), (0x06, 0, 0, 0), (0x06, 0, 0, 0xFFFFFFFF))
"""A packet filter: load the byte of TCP's flags; when it has SYN, drop; else take the whole packet."""
_POLL_SECONDS = 0.002
_SETTLE_SECONDS = 0.1
"""How long the end of a handshake may take to arrive that began before: a round trip."""


class ListenError(Exception):
    """An address can't be listened on; the text says why and what to do."""


def listen(host: str, port: int, option: str) -> socket.socket:
    """A listening TCP socket. `option` is the command line option that chooses the port, for the text of `ListenError`."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, UnicodeError):
        raise ListenError(f"{host} is no address of this machine: choose another with --host") from None
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _bind(listener, address)
        listener.setblocking(False)
    except OSError as problem:
        listener.close()
        where = f"Port {port} of {host}"
        if isinstance(problem, PermissionError):
            raise ListenError(f"{where} is not for ordinary users: choose one above 1023 with {option}") from None
        if problem.errno == errno.EADDRINUSE:
            raise ListenError(f"{where} is taken by another program: choose another with {option}") from None
        raise ListenError(f"{where} cannot be used: {problem.strerror}") from None
    return listener


def _bind(listener: socket.socket, address: Any) -> None:
    """Waits a moment for a gateway that is just leaving."""
    deadline = time.monotonic() + LEAVING_SECONDS
    while True:
        try:
            listener.bind(address)
            listener.listen(BACKLOG)
            return
        except OSError as problem:
            if problem.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise
        time.sleep(0.02)


def url_of(listener: socket.socket, *, tls: bool = False) -> str:
    """How this machine reaches a TCP listener."""
    scheme = "https" if tls else "http"
    host, port = listener.getsockname()[:2]
    address = ip_address(host.partition("%")[0])
    if address.is_unspecified:
        address = ip_address("127.0.0.1" if address.version == 4 else "::1")
    return f"{scheme}://{address}:{port}" if address.version == 4 else f"{scheme}://[{address}]:{port}"


def is_loopback(listener: socket.socket) -> bool:
    """Whether only this machine reaches a TCP listener."""
    return ip_address(listener.getsockname()[0].partition("%")[0]).is_loopback


def refuse_new_connections(listener: socket.socket) -> None:
    """Let nobody begin a connection any more; those that were begun can still be accepted.

    Closing a listener resets the connections that nobody accepted yet, with requests already sent on them. A filter that
    drops each SYN to the listening socket leaves the queue to run empty first: the newcomer's SYN is repeated after the
    close, and refused. Linux only; elsewhere the gap stays.
    """
    if sys.platform == "linux":
        code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *each) for each in _NO_SYN))
        program = struct.pack("HP", len(_NO_SYN), ctypes.addressof(code))
        with suppress(OSError):
            listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)


def readable(sockets: Iterable[int]) -> set[int]:
    """The file numbers of those in which something waits: bytes, an end, or in a listener's queue a connection."""
    poller = select.poll()
    for number in sockets:
        poller.register(number, select.POLLIN)
    return {number for number, _ in poller.poll(0)}


async def all_accepted(listeners: Sequence[socket.socket], seconds: float) -> None:
    """Until the accept queues are empty and stay so for a moment, at most `seconds`."""
    numbers = [listener.fileno() for listener in listeners]
    loop = asyncio.get_running_loop()
    begun = emptied = loop.time()
    while (now := loop.time()) - emptied < _SETTLE_SECONDS and now - begun < seconds:
        await asyncio.sleep(_POLL_SECONDS)  # in which the event loop accepts
        if readable(numbers):
            emptied = loop.time()


class PrivateListener:
    """A Unix socket that only this user reaches, in a folder of its own."""

    def __init__(self) -> None:
        self.path = new_socket_path()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.bind(os.fspath(self.path))
        self.socket.listen(BACKLOG)
        self.socket.setblocking(False)

    def close(self) -> None:
        self.socket.close()
        remove_private(self.path)


def remove_private(path: Path) -> None:
    """Remove a private socket with its folder."""
    shutil.rmtree(path.parent, ignore_errors=True)
