"""Sending and reading over HTTP, against servers that do nothing but HTTP."""

import asyncio
from collections.abc import Mapping
from contextlib import ExitStack

from redis import Redis

from core.store.embedded import server_binary
from tests.bench import targets, traffics
from tests.bench.load import Traffic, VoidRunError, http_request
from tests.bench.report import Goal, Section
from tests.bench.rounds import in_turns, ratio, spread
from tests.bench.servers import WITHOUT_FREEZE, WITHOUT_TOKENS
from tests.bench.targets import Measured, Target
from tests.servers import ServerProcess

PEERS = 100
WARM_UP_SECONDS = 1.0
BARE, STARLETTE, EMPTY = "bare uvicorn echo", "starlette echo", "empty starlette GET"
SENDS = {
    "Easemob": traffics.easemob_sends,
    "Chat21": traffics.chat21_sends,
    "Applozic": traffics.applozic_sends,
    "Ozeki": traffics.ozeki_sends,
}
PAGES = {
    "Chat21": traffics.chat21_pages,
    "Applozic": traffics.applozic_pages,
    "Ozeki": traffics.ozeki_pages,
}
UNREAD = "Chat21, not read before"
AS_SERVED, NO_FREEZE, NO_TOKENS = "as served", "collector not frozen", "tokens verified anew each time"


def stored_messages(store_url: str) -> int:
    """All messages in a store, counted at the heads of its conversations."""
    with Redis(unix_socket_path=store_url.removeprefix("unix://")) as client:
        return sum(int(client.hget(key, "h") or 0) for key in client.scan_iter("cg{*:c:*", count=1000))


def send_figures(rounds: int, seconds: float) -> tuple[list[Section], list[float]]:
    """Sending, in each dialect."""
    with ExitStack() as stack:
        gateway, store_url = stack.enter_context(targets.gateway())
        asyncio.run(traffics.add_tenant(store_url))
        sends = {name: stack.enter_context(make(gateway.origin)) for name, make in SENDS.items()}
        echoes = {BARE: "echo", STARLETTE: "starlette"}
        compared = {name: stack.enter_context(targets.server(kind)) for name, kind in echoes.items()}
        compared |= dict.fromkeys(sends, gateway)
        found = _compare(compared, dict.fromkeys(echoes, sends["Easemob"]) | sends, rounds, seconds)
        gateway.let_go()
        answered = sum(one.load.requests for name in sends for one in found[name])
        stored = stored_messages(store_url)
        gateway.hold()
    if stored < answered:
        raise VoidRunError(f"{answered} sends were answered, {stored} messages stored")
    rates = {name: [one.load.rate for one in runs] for name, runs in found.items()}
    goals = tuple(
        Goal(f"send in {name} / bare uvicorn echo", ratio(rates[name], rates[BARE]), 0.25, at_least=True)
        for name in sends
    )
    text = (
        f"One text to one user, bodies of {traffics.BODY_BYTES} bytes. Easemob: a valid token, {traffics.USERS} pairs of users; "
        "Chat21: each user with a token of the app's; Applozic: its bot on behalf of each user; Ozeki: an HTTP API user to each "
        "user, in JSON. One worker as `chatgateway serve` starts it, the embedded server with its append-only file, one log line "
        "a request into a file. The echoes parse and write the same body as Easemob's with orjson and log nothing. "
        f"{answered:,} sends were answered; {stored:,} messages are stored, those of the first second, which warms up and is "
        "not counted, among them."
    )
    return [Section("Sending", text, _rows(found, BARE, STARLETTE), goals)], _foreign(found)


def page_figures(rounds: int, seconds: float) -> tuple[list[Section], list[float]]:
    """Reading a page of 50, in each dialect that has such a thing."""
    with ExitStack() as stack:
        gateway, store_url = stack.enter_context(targets.gateway())
        asyncio.run(traffics.add_tenant(store_url))
        asyncio.run(traffics.add_conversations(store_url))
        pages = {name: stack.enter_context(make(gateway.origin, PEERS)) for name, make in PAGES.items()}
        pages[UNREAD] = stack.enter_context(traffics.chat21_pages(gateway.origin, traffics.ALL_PEERS))
        nothing = stack.enter_context(Traffic([http_request("GET", "/", {"Accept": "application/json"})]))
        compared = {EMPTY: stack.enter_context(targets.server("empty"))} | dict.fromkeys(pages, gateway)
        found = _compare(compared, {EMPTY: nothing} | pages, rounds, seconds)
    rates = {name: [one.load.rate for one in runs] for name, runs in found.items()}
    goals = tuple(
        Goal(
            f"page of {traffics.PAGE} in {name}, read before / empty Starlette GET",
            ratio(rates[name], rates[EMPTY]),
            0.18,
            at_least=True,
        )
        for name in PAGES
    )
    text = (
        f"A conversation of {traffics.PAGE} messages with texts of {traffics.BODY_BYTES} bytes: Chat21's history, Applozic's "
        f"`v2/list` of a user, Ozeki's `downloadpartial`. {PEERS} conversations in turn, so that the worker has read the "
        f"messages before; and {traffics.ALL_PEERS} in turn, more than it remembers. Against a Starlette endpoint that answers "
        "a GET with nothing."
    )
    return [Section(f"A page of {traffics.PAGE}", text, _rows(found, EMPTY), goals)], _foreign(found)


def ablation_figures(rounds: int, seconds: float) -> tuple[list[Section], list[float]]:
    """What the frozen collector and the memory of tokens are worth, on the same send."""
    with ExitStack() as stack:
        store = stack.enter_context(ServerProcess(server_binary(), options={"appendonly": "yes"}))
        asyncio.run(traffics.add_tenant(store.url))
        variants = {AS_SERVED: "", NO_FREEZE: WITHOUT_FREEZE, NO_TOKENS: WITHOUT_TOKENS}
        compared = {
            name: stack.enter_context(targets.server("gateway", store.url, variant))
            for name, variant in variants.items()
        }
        traffic = stack.enter_context(traffics.easemob_sends(compared[AS_SERVED].origin))
        found = _compare(compared, dict.fromkeys(compared, traffic), rounds, seconds)
    text = "Easemob's send to the gateway's application on a store of its own, with one measure left out at a time."
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
