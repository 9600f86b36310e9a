"""The development mode: the tenant demo, and curl lines that work as they are printed."""

import asyncio
import shlex
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.core import Core
from core.store.embedded import server_binary
from core.store.store import Store
from gateway.adapters_list import load_adapters
from gateway.development import ensure_demo
from tests.gateway.program import running
from tests.servers import ServerProcess


async def test_the_demo_tenant_is_made_once_and_then_left_alone() -> None:
    adapters = load_adapters({})
    with ServerProcess(server_binary()) as server:
        store = await Store.open(server.url)
        try:
            core = Core(store)
            first, second = await asyncio.gather(ensure_demo(core, adapters), ensure_demo(core, adapters))
            again = await ensure_demo(core, adapters)
            assert [tenant.name for tenant in await core.tenants.list()] == ["demo"]
            assert again == await core.tenants.find("demo")
            assert again.version == max(first.version, second.version)
            wanted = {(a.dialect, a.name, c) for adapter in adapters for a in adapter.demo for c in a.credentials}
            assert {(a.dialect, a.name, c) for a in again.applications for c in a.credentials} == wanted
        finally:
            await store.close()


def curl(line: str) -> Any:
    """What a shell and curl would do with a line."""
    words = shlex.split(line)
    assert words.pop(0) == "curl"
    method, headers, body, urls = "", {}, None, []
    while words:
        match words.pop(0):
            case "-X":
                method = words.pop(0)
            case "-H":
                name, _, value = words.pop(0).partition(": ")
                headers[name] = value
            case "-d":
                body = words.pop(0)
            case word:
                assert not word.startswith("-"), word
                urls.append(word)
    reply = httpx.request(method or ("POST" if body else "GET"), *urls, headers=headers, content=body)
    return reply.raise_for_status().json()


def curl_lines(output: str) -> dict[str, str]:
    lines = output.splitlines()
    return {before.removeprefix("# "): line for before, line in pairwise(lines) if line.startswith("curl ")}


def test_the_printed_lines_work_one_after_the_other(tmp_path: Path) -> None:
    with running(tmp_path, "--dev") as program:
        lines = curl_lines(program.output)
        assert list(lines) == [adapter.name for adapter in load_adapters({})]
        sent = curl(lines["easemob"])
        assert set(sent["data"]) == {"user2", "user3"}
        read = curl(lines["chat21"])
        assert [message["text"] for message in read["result"]] == ["testmessage"]
        sent = curl(lines["applozic"])
        assert sent["messageKey"] == sent["response"]["messageKey"]
        assert [message["text"] for message in curl(lines["chat21"])["result"]] == ["Hi user2", "testmessage"]


def test_only_the_development_mode_has_credentials_or_prints_a_token(tmp_path: Path) -> None:
    with running(tmp_path) as program:
        assert "curl" not in program.output
        assert "There is no tenant yet" in program.output
        body = {
            "grant_type": "client_credentials",
            "client_id": "demo-client-id",
            "client_secret": "demo-client-secret",
        }
        reply = httpx.post(f"{program.url}/chat-demo/testapp/token", json=body)
        assert reply.status_code in (401, 404)


def test_a_demo_tenant_that_is_left_over_is_warned_of(tmp_path: Path) -> None:
    with running(tmp_path, "--dev") as program:
        assert "tenant remove" not in program.output
        data = program.data
    with running(tmp_path / "later", data=data) as program:
        assert "Unsafe: everybody knows the credentials of tenant demo." in program.output


@pytest.mark.parametrize(("host", "warned"), [("127.0.0.1", False), ("0.0.0.0", True)])  # noqa: S104
def test_well_known_credentials_on_an_open_port_are_warned_of(tmp_path: Path, host: str, warned: bool) -> None:
    with running(tmp_path, "--dev", "--host", host) as program:
        assert ("whoever reaches this port knows the credentials" in program.output) == warned
        assert program.url.startswith("http://127.0.0.1:")
        assert program.readiness() == {"status": "ready"}
