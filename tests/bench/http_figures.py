"""Sending and reading over HTTP, against servers that do nothing but HTTP."""

import asyncio
import random
import string
from collections.abc import Mapping
from contextlib import ExitStack

import httpx
import jwt
import orjson
from redis import Redis

from core.core import Core
from core.messages import Query
from core.model import Credential, Message, Text
from core.store.embedded import server_binary
from core.store.store import Store
from tests.bench import targets
from tests.bench.load import Traffic, VoidRunError, http_request
from tests.bench.report import Goal, Section
from tests.bench.rounds import in_turns, ratio, spread
from tests.bench.servers import SEND_PATH, WITHOUT_FREEZE, WITHOUT_TOKENS
from tests.bench.targets import Measured, Target
from tests.servers import ServerProcess

USERS = 1000
BODY_BYTES = 300
PEERS = 100
ALL_PEERS = 1000
"""More conversations of 50 than a worker remembers."""
PAGE = 50
SECRET = "a secret of the benchmark, long enough"
WARM_UP_SECONDS = 1.0
READER = "reader"
BARE, STARLETTE, EMPTY, GATEWAY = "bare uvicorn echo", "starlette echo", "empty starlette GET", "gateway"
UNREAD = "gateway, not read before"
CHAT21 = "gateway, Chat21"
AS_SERVED, NO_FREEZE, NO_TOKENS = "as served", "collector not frozen", "tokens verified anew each time"

random_words = random.Random(20)  # noqa: S311


def text_of(length: int) -> str:
    """A text of letters and spaces."""
    return "".join(random_words.choices(string.ascii_lowercase + " ", k=length))


async def add_tenant(store_url: str) -> None:
    """The tenant `bench`, with an application in both dialects and registered users."""
    store = await Store.open(store_url)
    try:
        core = Core(store)
        await core.tenants.add("bench")
        await core.tenants.add_credential("bench", "easemob", "bench#app", Credential("client", "bench", SECRET))
        tenant = await core.tenants.add_credential("bench", "chat21", "bench", Credential("jwt", "", SECRET))
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
        reader, *peers = await core.users.keys(tenant, [READER, *(f"peer{number}" for number in range(ALL_PEERS))])
        for turn in range(PAGE):
            message = Message(reader.id, Text(text_of(BODY_BYTES)), "chat21")
            await core.messages.send_direct(tenant, reader, peers, message, f"request:{turn}")
        page = await core.messages.direct_page(tenant, READER, "peer7", Query(limit=2 * PAGE))
        assert len(page.messages) == PAGE
    finally:
        await store.close()


def send_traffic(origin: str) -> Traffic:
    """Sends of one text each, between a thousand pairs of users; a valid token, made by the vendor's login."""
    login = {"grant_type": "client_credentials", "client_id": "bench", "client_secret": SECRET}
    answer = httpx.post(f"{origin}/bench/app/token", json=login).raise_for_status()
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}", "Accept": "application/json"}
    requests = []
    for number in range(USERS):
        body = {
            "target_type": "users",
            "target": [f"user{(number * 7 + 3) % USERS}"],
            "msg": {"type": "txt", "msg": ""},
            "from": f"user{number}",
        }
        body["msg"] = {"type": "txt", "msg": text_of(BODY_BYTES - len(orjson.dumps(body)))}
        requests.append(http_request("POST", SEND_PATH, headers, orjson.dumps(body)))
    return Traffic(requests)


def chat21_traffic() -> Traffic:
    """The same sends in the other dialect, each user with a token of the app's."""
    requests = []
    for number in range(USERS):
        token = jwt.encode({"sub": f"user{number}", "app_id": "bench"}, SECRET, algorithm="HS256")
        headers = {"Authorization": token, "Accept": "application/json"}
        body = {
            "recipient_id": f"user{(number * 7 + 3) % USERS}",
            "recipient_fullname": "Recipient",
            "sender_fullname": "Sender",
            "text": "",
        }
        body["text"] = text_of(BODY_BYTES - len(orjson.dumps(body)))
        requests.append(http_request("POST", "/api/bench/messages", headers, orjson.dumps(body)))
    return Traffic(requests)


def page_traffic(origin: str, peers: int) -> Traffic:
    """Reads of so many of the reader's conversations in turn; checked once to be whole pages."""
    token = jwt.encode({"sub": READER, "app_id": "bench"}, SECRET, algorithm="HS256")
    headers = {"Authorization": token, "Accept": "application/json"}
    paths = [f"/api/bench/{READER}/conversations/peer{number}/messages" for number in range(peers)]
    found = httpx.get(origin + paths[0], headers=headers).raise_for_status().json()["result"]
    if len(found) != PAGE:
        raise VoidRunError(f"a page has {len(found)} messages")
    return Traffic([http_request("GET", path, headers) for path in paths])


def stored_messages(store_url: str) -> int:
    """All messages in a store, counted at the heads of its conversations."""
    with Redis(unix_socket_path=store_url.removeprefix("unix://")) as client:
        return sum(int(client.hget(key, "h") or 0) for key in client.scan_iter("cg{*:c:*", count=1000))


def send_figures(rounds: int, seconds: float) -> tuple[list[Section], list[float]]:
    """Sending, and what two measures are worth."""
    with ExitStack() as stack:
        gateway, store_url = stack.enter_context(targets.gateway())
        asyncio.run(add_tenant(store_url))
        traffic = stack.enter_context(send_traffic(gateway.origin))
        compared = {
            BARE: stack.enter_context(targets.server("echo")),
            STARLETTE: stack.enter_context(targets.server("starlette")),
            GATEWAY: gateway,
            CHAT21: gateway,
        }
        traffics = dict.fromkeys(compared, traffic) | {CHAT21: stack.enter_context(chat21_traffic())}
        found = _compare(compared, traffics, rounds, seconds)
        gateway.let_go()
        answered = sum(one.load.requests for name in (GATEWAY, CHAT21) for one in found[name])
        stored = stored_messages(store_url)
        gateway.hold()
    if stored < answered:
        raise VoidRunError(f"{answered} sends were answered, {stored} messages stored")
    rates = {name: [one.load.rate for one in runs] for name, runs in found.items()}
    goals = (
        Goal("send / bare uvicorn echo", ratio(rates[GATEWAY], rates[BARE]), 0.25, at_least=True),
        Goal("send in Chat21 / bare uvicorn echo", ratio(rates[CHAT21], rates[BARE]), 0.25, at_least=True),
    )
    text = (
        f"Easemob's `POST /messages`: one text to one user, a body of {BODY_BYTES} bytes, a valid token, {USERS} pairs of "
        "users; and Chat21's send of a body of the same size, each user with a token of the app's. One worker as `chatgateway serve` starts it, "
        "the embedded server with its append-only file, one log line a request into a file. The echoes parse and write the same body with orjson and log nothing. "
        f"{answered:,} sends were answered; {stored:,} messages are stored, those of the first second, which warms up and is "
        "not counted, among them."
    )
    return [Section("Sending", text, _rows(found, BARE, STARLETTE), goals)], _foreign(found)


def page_figures(rounds: int, seconds: float) -> tuple[list[Section], list[float]]:
    """Reading a page of 50."""
    with ExitStack() as stack:
        gateway, store_url = stack.enter_context(targets.gateway())
        asyncio.run(add_tenant(store_url))
        asyncio.run(add_conversations(store_url))
        pages = stack.enter_context(page_traffic(gateway.origin, PEERS))
        new_pages = stack.enter_context(page_traffic(gateway.origin, ALL_PEERS))
        nothing = stack.enter_context(Traffic([http_request("GET", "/", {"Accept": "application/json"})]))
        compared = {EMPTY: stack.enter_context(targets.server("empty")), GATEWAY: gateway, UNREAD: gateway}
        found = _compare(compared, {EMPTY: nothing, GATEWAY: pages, UNREAD: new_pages}, rounds, seconds)
    rates = {name: [one.load.rate for one in runs] for name, runs in found.items()}
    goals = (
        Goal("page of 50, read before / empty Starlette GET", ratio(rates[GATEWAY], rates[EMPTY]), 0.18, at_least=True),
    )
    text = (
        f"Chat21's history of a conversation of {PAGE} messages with texts of {BODY_BYTES} bytes, {PEERS} conversations in "
        f"turn, so that the worker has read the messages before; and {ALL_PEERS} in turn, more than it remembers. Against a "
        "Starlette endpoint that answers a GET with nothing."
    )
    return [Section(f"A page of {PAGE}", text, _rows(found, EMPTY), goals)], _foreign(found)


def ablation_figures(rounds: int, seconds: float) -> tuple[list[Section], list[float]]:
    """What the frozen collector and the memory of tokens are worth, on the same send."""
    with ExitStack() as stack:
        store = stack.enter_context(ServerProcess(server_binary(), options={"appendonly": "yes"}))
        asyncio.run(add_tenant(store.url))
        variants = {AS_SERVED: "", NO_FREEZE: WITHOUT_FREEZE, NO_TOKENS: WITHOUT_TOKENS}
        compared = {
            name: stack.enter_context(targets.server("gateway", store.url, variant))
            for name, variant in variants.items()
        }
        traffic = stack.enter_context(send_traffic(compared[AS_SERVED].origin))
        found = _compare(compared, dict.fromkeys(compared, traffic), rounds, seconds)
    text = "The same send to the gateway's application on a store of its own, with one measure left out at a time."
    return [Section("What two measures are worth", text, _rows(found, AS_SERVED))], _foreign(found)


def _compare(
    compared: Mapping[str, Target], traffic: Mapping[str, Traffic], rounds: int, seconds: float
) -> dict[str, list[Measured]]:
    for name, target in compared.items():
        target.let_go()
        traffic[name].send(target.origin, WARM_UP_SECONDS)
        target.hold()
    return in_turns(list(compared), rounds, lambda name: targets.measure(compared[name], traffic[name], seconds))


def _rows(found: Mapping[str, list[Measured]], *references: str) -> list[list[str]]:
    head = ["", "requests/s", *(f"/ {name}" for name in references), "server CPU µs", "p50 ms", "p99 ms", "generator"]
    rows = [[*head, "n"]]
    for name, runs in found.items():
        rates = [one.load.rate for one in runs]
        ratios = [ratio(rates, [one.load.rate for one in found[reference]]) for reference in references]
        rows.append(
            [
                name,
                spread(rates).text(".0f"),
                *("1" if other == name else each.text() for other, each in zip(references, ratios, strict=True)),
                spread([one.cpu_us for one in runs]).text(".1f"),
                f"{spread([one.load.p50_ms for one in runs]).median:.2f}",
                f"{spread([one.load.p99_ms for one in runs]).median:.2f}",
                f"{spread([one.load.generator_share for one in runs]).median:.0%}",
                str(len(runs)),
            ]
        )
    return rows


def _foreign(found: Mapping[str, list[Measured]]) -> list[float]:
    return [one.foreign_share for runs in found.values() for one in runs]
