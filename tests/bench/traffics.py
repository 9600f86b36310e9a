"""What the gateway is asked in each dialect: sends of a body of the same size, and pages of 50 messages."""

import asyncio
import random
import string
from collections.abc import Callable
from typing import Any

import httpx
import jwt
import orjson

from adapters.applozic.auth import basic
from core.core import Core
from core.messages import Query
from core.model import Credential, Message, Tenant, Text
from core.store.store import Store
from tests.bench.load import Traffic, VoidRunError, http_request
from tests.bench.servers import SEND_PATH

USERS = 1000
BODY_BYTES = 300
ALL_PEERS = 1000
"""More conversations of 50 than a worker remembers."""
PAGE = 50
READER = "reader"
SECRET = "a secret of the benchmark, long enough"
CREDENTIALS = (
    ("easemob", "bench#app", Credential("client", "bench", SECRET)),
    ("chat21", "bench", Credential("jwt", "", SECRET)),
    ("applozic", "bench-key", Credential("bot", "bot", SECRET)),
    ("ozeki", "bench.example", Credential("http_user", "sender", SECRET, sends=True)),
    ("ozeki", "bench.example", Credential("apikey", "default", SECRET)),
)
_STATION = "801c91e6466a1ab34945d73ae4f762c6"

_random = random.Random(20)  # noqa: S311


def text_of(length: int) -> str:
    """A text of letters and spaces."""
    return "".join(_random.choices(string.ascii_lowercase + " ", k=length))


async def add_tenant(store_url: str) -> None:
    """The tenant `bench`, with an application in each dialect and registered users."""
    store = await Store.open(store_url)
    try:
        core = Core(store)
        tenant = await core.tenants.add("bench")
        for dialect, application, credential in CREDENTIALS:
            tenant = await core.tenants.add_credential("bench", dialect, application, credential)
        await asyncio.gather(*(core.users.register(tenant, f"user{number}") for number in range(USERS)))
    finally:
        await store.close()


async def add_conversations(store_url: str) -> None:
    """Conversations of one reader with many peers, 50 messages each."""
    store = await Store.open(store_url)
    try:
        core = Core(store)
        tenant = await core.tenants.find("bench")
        assert tenant is not None
        await _fill(core, tenant)
    finally:
        await store.close()


async def _fill(core: Core, tenant: Tenant) -> None:
    reader, *peers = await core.users.keys(tenant, [READER, *(f"peer{number}" for number in range(ALL_PEERS))])
    for turn in range(PAGE):
        message = Message(reader.id, Text(text_of(BODY_BYTES)), "chat21")
        await core.messages.send_direct(tenant, reader, peers, message, f"request:{turn}")
    page = await core.messages.direct_page(tenant, READER, "peer7", Query(limit=2 * PAGE))
    assert len(page.messages) == PAGE


def easemob_sends(origin: str) -> Traffic:
    """Between a thousand pairs of users; a valid token, made by the vendor's login."""
    login = {"grant_type": "client_credentials", "client_id": "bench", "client_secret": SECRET}
    answer = httpx.post(f"{origin}/bench/app/token", json=login).raise_for_status()
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}

    def body(sender: str, recipient: str, text: str) -> dict[str, Any]:
        message = {"type": "txt", "msg": text}
        return {"target_type": "users", "target": [recipient], "msg": message, "from": sender}

    return _sends(SEND_PATH, body, lambda _: headers)


def chat21_sends(_origin: str) -> Traffic:
    """Each user with a token of the app's."""

    def headers(user: str) -> dict[str, str]:
        return {"Authorization": jwt.encode({"sub": user, "app_id": "bench"}, SECRET, algorithm="HS256")}

    def body(_sender: str, recipient: str, text: str) -> dict[str, Any]:
        names = {"recipient_fullname": "Recipient", "sender_fullname": "Sender"}
        return {"recipient_id": recipient, **names, "text": text}

    return _sends("/api/bench/messages", body, headers)


def applozic_sends(_origin: str) -> Traffic:
    """The application's bot on behalf of each user."""

    def headers(user: str) -> dict[str, str]:
        return {"Application-Key": "bench-key", "Authorization": basic("bot", SECRET), "Of-User-Id": user}

    return _sends("/rest/ws/message/v2/send", lambda _, to, text: {"to": to, "message": text}, headers)


def ozeki_sends(_origin: str) -> Traffic:
    """An HTTP API user to each user."""
    headers = {"Authorization": basic("sender", SECRET)}

    def body(_sender: str, recipient: str, text: str) -> dict[str, Any]:
        return {"messages": [{"to_address": f"{recipient}@bench.example@%", "text": text}]}

    return _sends("/api?action=sendmsg", body, lambda _: headers)


def chat21_pages(origin: str, peers: int) -> Traffic:
    """The reader's conversations in turn."""
    token = jwt.encode({"sub": READER, "app_id": "bench"}, SECRET, algorithm="HS256")
    paths = [f"/api/bench/{READER}/conversations/peer{number}/messages" for number in range(peers)]
    return _pages(origin, paths, {"Authorization": token}, lambda found: found["result"])


def applozic_pages(origin: str, peers: int) -> Traffic:
    """The same as an Applozic client reads them; nothing is marked as read, as nothing is new."""
    headers = {"Application-Key": "bench-key", "Authorization": basic("bot", SECRET), "Of-User-Id": READER}
    paths = [f"/rest/ws/message/v2/list?userId=peer{number}&pageSize={PAGE}" for number in range(peers)]
    return _pages(origin, paths, headers, lambda found: found["message"])


def ozeki_pages(origin: str, peers: int) -> Traffic:
    """The same as a chat client downloads them when it opens a conversation."""
    url, headers = f"{origin}/?srv=chatserver&api=", {"Ozeki-Station": _STATION}
    login = httpx.post(url + "chatlogin", json={"action": "login", "apikey": f"{SECRET}:{READER}"}, headers=headers)
    headers |= {"Ozeki-User": login.raise_for_status().json()["userid"], "Ozeki-Signature": "none"}
    listed = httpx.post(url + "chatconversation", json={"action": "list"}, headers=headers, timeout=30)
    path = "/?srv=chatserver&api=chatconversation"
    requests = []
    for row in listed.raise_for_status().json()["conversations"][:peers]:
        body = {"action": "downloadpartial", "conversationid": row["id"], "instance": row["instance"], "limit": PAGE}
        requests.append(http_request("POST", path, headers, orjson.dumps(body)))
        if len(requests) == 1:
            found = httpx.post(origin + path, json=body, headers=headers).raise_for_status().json()["messages"]
            _check(len(found), PAGE)
    _check(len(requests), peers)
    return Traffic(requests)


def _sends(
    path: str, body: Callable[[str, str, str], dict[str, Any]], headers: Callable[[str], dict[str, str]]
) -> Traffic:
    """One text each, between a thousand pairs of users."""
    requests = []
    for number in range(USERS):
        sender, recipient = f"user{number}", f"user{(number * 7 + 3) % USERS}"
        text = text_of(BODY_BYTES - len(orjson.dumps(body(sender, recipient, ""))))
        content = orjson.dumps(body(sender, recipient, text))
        requests.append(http_request("POST", path, {"Accept": "application/json"} | headers(sender), content))
    return Traffic(requests)


def _pages(origin: str, paths: list[str], headers: dict[str, str], messages_in: Callable[[Any], list[Any]]) -> Traffic:
    """Reads; checked once to be whole pages."""
    headers = {"Accept": "application/json"} | headers
    _check(len(messages_in(httpx.get(origin + paths[0], headers=headers).raise_for_status().json())), PAGE)
    return Traffic([http_request("GET", path, headers) for path in paths])


def _check(found: int, wanted: int) -> None:
    if found != wanted:
        raise VoidRunError(f"{found} where {wanted} are to be read")
