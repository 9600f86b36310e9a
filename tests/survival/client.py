"""The demo tenant spoken to in both dialects, over connections that are made anew whenever they are lost."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

import orjson

from adapters.chat21 import auth
from adapters.chat21.ids import number_id
from adapters.easemob.ids import own_number
from core.clock import SystemClock
from core.core import Core
from core.ids import Ids
from core.model import Tenant
from core.store.data_folder import running_url
from core.store.store import Store
from gateway.development import DEMO
from tests.bench.load import http_request
from tests.gateway.load import ANSWER_SECONDS, read_reply
from tests.gateway.program import APPLICATION, Program

CHAT21_APP = "default"
_CHAT21_SECRET = "tokenKey"
_TOKEN_SECONDS = 7 * 24 * 3600


class LostError(Exception):
    """No whole answer came; whether the request was carried out is not known."""


class UnexpectedAnswerError(Exception):
    """An answer that this request must never get."""


class Answer(NamedTuple):
    status: int
    body: bytes

    def json(self) -> Any:
        return orjson.loads(self.body)


class Client:
    """One connection to the gateway."""

    def __init__(self, url: str) -> None:
        self._place = urlsplit(url)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> Answer:
        """The answer to a whole request. Raises `LostError`."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                reader, writer = await self.connected()
                writer.write(request)
                status, body, goes_on = await read_reply(reader)
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as problem:
            self.close()
            raise LostError from problem
        if not goes_on:
            self.close()
        return Answer(status, body)

    async def connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The connection, made if there is none."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._place.hostname, self._place.port)
        return self._streams

    def close(self) -> None:
        """End the connection at once, whatever is under way on it."""
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None


class Chat:
    """Requests of the demo tenant, as bytes."""

    def __init__(self, tenant: Tenant, easemob_token: str) -> None:
        self.tenant = tenant
        self.ids = Ids(tenant.secret, tenant.generation)
        self._easemob_token = easemob_token
        self._chat21_tokens: dict[str, str] = {}

    @classmethod
    async def of(cls, program: Program) -> Self:
        """That of a gateway that serves with `--dev`."""
        store = await open_store(program.data)
        try:
            tenant = await Core(store).tenants.find(DEMO)
        finally:
            await store.close()
        assert tenant is not None
        return cls(tenant, await asyncio.to_thread(program.token))

    def easemob(self, method: str, path: str, body: object = None, *, key: str = "", token: str = "") -> bytes:
        """With the application's token, or another."""
        return _request(method, APPLICATION + path, f"Bearer {token or self._easemob_token}", body, key)

    def chat21(self, user: str, method: str, path: str, body: object = None, *, key: str = "") -> bytes:
        """With the user's token."""
        if user not in self._chat21_tokens:
            self._chat21_tokens[user] = new_chat21_token(user)
        return _request(method, f"/api/{CHAT21_APP}{path}", self._chat21_tokens[user], body, key)

    def history(self, user: str, other: str) -> bytes:
        """A user's newest 200 messages with another user or a group."""
        return self.chat21(user, "GET", f"/{user}/conversations/{other}/messages")

    def easemob_text(self, sender: str, targets: Sequence[str], text: str, *, group: bool = False) -> dict[str, Any]:
        """The body of Easemob's send."""
        message = {"type": "txt", "msg": text}
        kind = "chatgroups" if group else "users"
        return {"from": sender, "target_type": kind, "target": list(targets), "msg": message}

    def chat21_text(self, sender: str, recipient: str, text: str, *, group: bool = False) -> dict[str, Any]:
        """The body of Chat21's send."""
        return {
            "sender_fullname": sender,
            "recipient_id": recipient,
            "recipient_fullname": recipient,
            "text": text,
            "channel_type": "group" if group else "direct",
        }

    def chat21_group(self, easemob_group: str) -> str:
        """The id in Chat21 of a group that was made in Easemob."""
        number = own_number(self.tenant, easemob_group)
        assert number is not None, easemob_group
        return number_id(self.ids, number)


def new_chat21_token(user: str) -> str:
    """A user's token as an app's own server signs it; no two are alike."""
    return auth.sign(SystemClock().now(), _CHAT21_SECRET, CHAT21_APP, user, False, _TOKEN_SECONDS)


async def open_store(data: str) -> Store:
    """The store of the gateway that runs on this folder."""
    url = running_url(Path(data))
    assert url is not None, f"no server runs on {data}"
    return await Store.open(url)


def _request(method: str, path: str, token: str, body: object, key: str) -> bytes:
    headers = {"Authorization": token}
    if key:
        headers["Idempotency-Key"] = key
    return http_request(method, path, headers, b"" if body is None else orjson.dumps(body))
