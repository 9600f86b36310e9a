"""Two gateways on one store, each with processes and listeners of its own."""

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from core.core import Core
from core.model import Credential
from core.store.embedded import server_binary
from core.store.store import Store
from core.tenants import credentials_of
from gateway.development import DEMO
from tests.gateway.callers import Answer, ask_once, chat21_history, chat21_send, easemob_send, load, stored
from tests.gateway.program import APPLICATION, CREDENTIALS, WAIT_SECONDS, Program, running, until
from tests.servers import ServerProcess, free_ports

HONOURED_SECONDS = 1.5
"""A second, and what a busy machine takes to ask."""


@dataclass
class Together:
    store_url: str
    first: Program
    second: Program

    @property
    def both(self) -> tuple[Program, Program]:
        return self.first, self.second


@pytest.fixture
def together(tmp_path: Path) -> Iterator[Together]:
    with ServerProcess(server_binary(), port=free_ports(1)[0], options={"appendonly": "yes"}) as server:
        arguments = ("--dev", "--redis", server.url)
        with (
            running(tmp_path / "first", *arguments) as first,
            running(tmp_path / "second", *arguments, "--workers", "2") as second,
        ):
            yield Together(server.url, first, second)


@asynccontextmanager
async def operator(together: Together) -> AsyncIterator[Core]:
    """Somebody who changes tenants, as the command line does: directly in the store."""
    store = await Store.open(together.store_url)
    try:
        yield Core(store)
    finally:
        await store.close()


def texts(answer: Answer) -> list[str]:
    assert answer.status == 200, answer.text
    return [message["text"] for message in json.loads(answer.text)["result"]]


def logs_in(program: Program, secret: str) -> bool:
    credentials = {**CREDENTIALS, "client_secret": secret}
    return httpx.post(f"{program.url}{APPLICATION}/token", json=credentials, timeout=WAIT_SECONDS).status_code == 200


def test_what_is_sent_through_one_is_read_through_the_other(together: Together) -> None:
    first, second = together.both
    token = first.token()
    assert ask_once(first.url, easemob_send(token, "through the first")).status == 200
    assert texts(ask_once(second.url, chat21_history())) == ["through the first"]
    # A token of one is good at the other: nothing of it is kept in a process alone.
    assert ask_once(second.url, easemob_send(token, "through the second")).status == 200
    assert sorted(texts(ask_once(first.url, chat21_history()))) == ["through the first", "through the second"]

    calls = [easemob_send(token), chat21_send()]
    with load(first, calls, keeping=2, fresh=1) as one, load(second, calls, keeping=2, fresh=1) as other:
        one.goes_on()
        other.goes_on()
    assert (one.broken, one.failures, other.broken, other.failures) == ([], [], [], [])
    found = asyncio.run(stored(together.store_url))
    assert [message.sequence for message in found] == list(range(1, one.sent() + other.sent() + 3))
    assert len({message.id for message in found}) == len(found)


async def honoured(together: Together, holds: Callable[[Program], bool]) -> None:
    """Wait until both gateways have noticed a change that was just made; they have a second for it."""

    def wait() -> None:
        began = time.monotonic()
        for program in together.both:
            until(lambda: holds(program))  # noqa: B023
        assert time.monotonic() - began < HONOURED_SECONDS

    await asyncio.to_thread(wait)


async def test_a_change_of_a_tenant_is_honoured_by_both_within_a_second(together: Together) -> None:
    send, history = chat21_send(), chat21_history()
    old, another = CREDENTIALS["client_secret"], "another"

    def status(program: Program) -> int:
        return ask_once(program.url, send).status

    async with operator(together) as core:
        for program in together.both:  # both know the tenant as it is
            assert logs_in(program, old)
            assert status(program) == 200
            assert texts(ask_once(program.url, history))

        client = Credential("client", CREDENTIALS["client_id"], another)
        await core.tenants.add_credential(DEMO, "easemob", "chat-demo#testapp", client)
        await honoured(together, lambda program: logs_in(program, another) and not logs_in(program, old))

        tenant = await core.tenants.find(DEMO)
        assert tenant is not None
        (verifies,) = credentials_of(tenant, "chat21", "default", "jwt")
        await core.tenants.add_credential(DEMO, "chat21", "default", Credential("jwt", verifies.name, another))
        await honoured(together, lambda program: status(program) == 403)
        await core.tenants.add_credential(DEMO, "chat21", "default", verifies)
        await honoured(together, lambda program: status(program) == 200)

        await core.tenants.reset(DEMO)
        await honoured(together, lambda program: texts(ask_once(program.url, history)) == [])

        await core.tenants.remove(DEMO)
        await honoured(together, lambda program: status(program) == 403 and not logs_in(program, another))


def test_when_one_is_killed_the_other_serves_on(together: Together) -> None:
    first, second = together.both
    calls = [easemob_send(first.token()), chat21_send()]
    with load(first, calls, keeping=2, fresh=0) as lost, load(second, calls, keeping=2, fresh=1) as served:
        lost.goes_on()
        for pid in (*first.children(), first.process.pid):
            os.kill(pid, signal.SIGKILL)
        lost.end()
        served.goes_on(200)
    assert (served.broken, served.failures, served.unready) == ([], [], [])
    found = asyncio.run(stored(together.store_url))
    acknowledged = lost.sent() + served.sent()
    # What was cut off may have been stored.
    assert acknowledged <= len(found) <= acknowledged + len(lost.broken)
