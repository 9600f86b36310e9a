"""Clients in threads of their own, which repeat nothing and remember every answer."""

import itertools
import json
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx

from adapters.chat21 import auth
from core.clock import SystemClock
from core.core import Core
from core.messages import Query
from core.model import Stored
from core.store.embedded import EmbeddedServer
from core.store.store import Store
from gateway.development import DEMO
from tests.gateway.program import APPLICATION, WAIT_SECONDS, Program, until

_CHAT21 = "/api/default"


class Call(NamedTuple):
    """One request."""

    method: str
    path: str
    authorization: str
    body: bytes | None = None


class Answer(NamedTuple):
    call: Call
    status: int
    text: str
    seconds: float


def easemob_send(token: str, text: str = "hello") -> Call:
    """From `user1` to `user2`."""
    message = {"from": "user1", "target_type": "users", "target": ["user2"], "msg": {"type": "txt", "msg": text}}
    return Call("POST", f"{APPLICATION}/messages", f"Bearer {token}", json.dumps(message).encode())


def chat21_send(text: str = "hello") -> Call:
    """From `user1` to `user2`."""
    message: dict[str, Any] = {"recipient_id": "user2", "text": text, "channel_type": "direct"}
    message |= {"sender_fullname": "user1", "recipient_fullname": "user2"}
    return Call("POST", f"{_CHAT21}/messages", chat21_token("user1"), json.dumps(message).encode())


def chat21_history() -> Call:
    """What `user2` has of the conversation with `user1`."""
    return Call("GET", f"{_CHAT21}/user2/conversations/user1/messages", chat21_token("user2"))


def chat21_token(user: str) -> str:
    """As an app's own server signs it for the demo tenant."""
    return auth.sign(SystemClock().now(), "tokenKey", "default", user, False, 3600)


def ask(connection: HTTPConnection, call: Call, *, keeps: bool = True) -> Answer:
    """Raises `OSError` or `HTTPException` when no whole answer comes."""
    headers = {"Authorization": call.authorization, "Content-Type": "application/json"}
    began = time.monotonic()
    connection.request(call.method, call.path, call.body, headers if keeps else {**headers, "Connection": "close"})
    reply = connection.getresponse()
    text = reply.read().decode()
    return Answer(call, reply.status, text, time.monotonic() - began)


def ask_once(url: str, call: Call, trusted: ssl.SSLContext | None = None) -> Answer:
    """The answer over a connection of its own."""
    connection = _connection(url, trusted)
    try:
        return ask(connection, call, keeps=False)
    finally:
        connection.close()


@dataclass
class Load:
    """What became of the requests: answered, or `broken` with no whole answer. `reconnected`: how often a connection that a
    client wanted to keep was ended by an answer. `unready`: what `/readyz` had against the gateway meanwhile."""

    answers: list[Answer] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    reconnected: int = 0
    unready: list[str] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    @property
    def failures(self) -> list[Answer]:
        """Answers that refuse."""
        return [answer for answer in self.answers if answer.status != 200]

    def sent(self) -> int:
        """How many messages were acknowledged."""
        return sum(answer.call.method == "POST" and answer.status == 200 for answer in self.answers)

    def goes_on(self, more: int = 100) -> None:
        """Wait until so many more requests were answered well."""
        wanted = more + sum(answer.status == 200 for answer in self.answers)
        until(lambda: self.broken or sum(answer.status == 200 for answer in self.answers) >= wanted)

    def send(self, url: str, calls: Sequence[Call], trusted: ssl.SSLContext | None, *, keeps: bool) -> None:
        """One client: no pause between requests, one connection for as long as the gateway keeps it or a fresh one each
        time."""
        connection = _connection(url, trusted)
        for call in itertools.cycle(calls):
            if self._over.is_set():
                break
            try:
                self.answers.append(ask(connection, call, keeps=keeps))
                self.reconnected += keeps and connection.sock is None
            except (OSError, HTTPException) as problem:
                self.broken.append(f"{call.method} {call.path}: {problem!r}")
                connection.close()
        connection.close()

    def watch(self, admin_url: str) -> None:
        """Ask for readiness again and again."""
        with httpx.Client(timeout=WAIT_SECONDS) as client:
            while not self._over.wait(0.02):
                try:
                    reply = client.get(f"{admin_url}/readyz")
                except httpx.HTTPError as problem:
                    self.unready.append(repr(problem))
                else:
                    self.unready += [reply.text] if reply.status_code != 200 else []

    def end(self) -> None:
        self._over.set()


@contextmanager
def load(
    program: Program,
    calls: Sequence[Call],
    *,
    keeping: int,
    fresh: int,
    url: str = "",
    trusted: ssl.SSLContext | None = None,
) -> Iterator[Load]:
    """So many clients that keep their connection, and so many that make a fresh one for each request. `url`: not the main
    listener's."""
    found = Load()
    threads = [
        threading.Thread(
            target=found.send, args=(url or program.url, calls, trusted), kwargs={"keeps": number < keeping}
        )
        for number in range(keeping + fresh)
    ]
    threads.append(threading.Thread(target=found.watch, args=(program.admin_url,)))
    for thread in threads:
        thread.start()
    try:
        yield found
    finally:
        found.end()
        for thread in threads:
            thread.join(WAIT_SECONDS)
    assert not any(thread.is_alive() for thread in threads)


async def stored(url: str, others: Sequence[str] = ("user2",)) -> list[Stored]:
    """All that user1 has exchanged with each of the others, oldest first, read from the store itself."""
    store = await Store.open(url)
    try:
        core = Core(store)
        tenant = await core.tenants.find(DEMO)
        assert tenant is not None
        found: list[Stored] = []
        for other in others:
            cursor, ended = 0, False
            while not ended:
                query = Query(limit=500, newest_first=False, cursor=cursor)
                page = await core.messages.direct_page(tenant, "user1", other, query)
                found += page.messages
                cursor = page.cursor
                ended = not cursor
        return found
    finally:
        await store.close()


async def stored_in(data: str, others: Sequence[str] = ("user2",)) -> list[Stored]:
    """The same, from the data folder of a gateway that has stopped."""
    server = EmbeddedServer(Path(data))
    try:
        return await stored(await server.start(), others)
    finally:
        await server.stop()


def _connection(url: str, trusted: ssl.SSLContext | None = None) -> HTTPConnection:
    place = urlsplit(url)
    if trusted is not None:
        return HTTPSConnection(str(place.hostname), place.port, timeout=WAIT_SECONDS, context=trusted)
    return HTTPConnection(str(place.hostname), place.port, timeout=WAIT_SECONDS)
