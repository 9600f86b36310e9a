"""Clients that send without pause until the gateway takes no more connections, and know what became of each request."""

import asyncio
import json
import ssl
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.gateway.program import APPLICATION

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 20.0


@dataclass
class Outcome:
    """What became of the requests: answered with 200, answered otherwise, cut off. `reached`: `wanted` were answered."""

    wanted: int
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    stored: int = 0
    others: list[int] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)


def request(url: str, token: str, *, keep_alive: bool, to: str = "user2") -> bytes:
    """One message from `user1`, as bytes."""
    body = json.dumps(
        {"from": "user1", "target_type": "users", "target": [to], "msg": {"type": "txt", "msg": "hello"}}
    ).encode()
    head = (
        f"POST {APPLICATION}/messages HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        f"Connection: {'keep-alive' if keep_alive else 'close'}\r\n\r\n"
    )
    return head.encode() + body


def readers(count: int) -> list[str]:
    """To whom so many clients write."""
    return [f"reader{number}" for number in range(count)]


async def read_reply(reader: asyncio.StreamReader) -> tuple[int, bytes, bool]:
    """A whole reply: its status, its body, and whether the connection goes on."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = next(int(line.split(":")[1]) for line in head.split("\r\n") if line.startswith("content-length:"))
    body = await reader.readexactly(length)
    return int(head.split(" ", 2)[1]), body, "connection: close" not in head


async def send_until_refused(
    url: str, token: str, outcome: Outcome, *, to: str, keep_alive: bool, trusted: ssl.SSLContext | None = None
) -> None:
    """One client. Without `keep_alive` each request has a connection of its own. `to`: each client writes to somebody else,
    for a conversation takes no more than a thousand messages a second over a longer time."""
    host, port = urlsplit(url).hostname, urlsplit(url).port
    message = request(url, token, keep_alive=keep_alive, to=to)
    while True:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                reader, writer = await asyncio.open_connection(host, port, ssl=trusted)
        except (OSError, TimeoutError):
            return  # nothing was begun
        try:
            goes_on = True
            while goes_on:
                async with asyncio.timeout(ANSWER_SECONDS):
                    writer.write(message)
                    status, _, goes_on = await read_reply(reader)
                if status == 200:
                    outcome.stored += 1
                    if outcome.stored == outcome.wanted:
                        outcome.reached.set()
                else:
                    outcome.others.append(status)
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as problem:
            outcome.cut.append(repr(problem))
            return
        finally:
            writer.close()
