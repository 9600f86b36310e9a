"""Listeners of one dialect each, and TLS: what is answered there, and that nobody is cut off."""

import asyncio
import json
import signal
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from core.store.data_folder import running_url
from gateway.adapters_list import load_adapters
from gateway.app import create_bound_app
from gateway.limits import Limits
from gateway.listeners import CertificateError, fields_of, tls_context
from tests.gateway.callers import ask_once, chat21_history, chat21_send, easemob_send, load, stored, stored_in
from tests.gateway.certificates import Certificate, new_certificate
from tests.gateway.load import Outcome, readers, send_until_refused
from tests.gateway.program import APPLICATION, CREDENTIALS, WAIT_SECONDS, refused, running, until
from tests.gateway.test_restart import logged, restart
from tests.gateway.vendor import OpenVendor, Vendor
from tests.harness import House, open_house
from tests.servers import Engine

VENDORS = (Vendor("acme"), OpenVendor("other"))
ANYTHING = ("/", "/x", "/api", "/api/", "/api/x/y", "/rest/ws/x", "/a/b/c", "/easemob/x", "/?srv=1&api=2", "/%ff", "//")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return new_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
async def house(embedded_engine: Engine) -> AsyncIterator[House]:
    async with open_house(embedded_engine.url, VENDORS) as house:
        yield house


def bound(house: House, dialect: str) -> httpx.AsyncClient:
    app = create_bound_app(house.core, house.adapters[dialect], Limits())
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bound.test")


async def test_a_path_of_another_dialect_is_the_own_dialects_there(house: House) -> None:
    path, application = "/acme/x/whoami", house.application("acme")
    assert (await house.client.get(path)).json()["why"] == "application"
    async with bound(house, "other") as client:
        # The other one has no such row; and it answers OPTIONS itself.
        assert (await client.get(path)).json()["why"] == "route"
        assert (await client.options(path)).headers["access-control-allow-origin"] == "*"
    async with bound(house, "acme") as client:
        key = {"Authorization": f"Key {application.credentials[0].secret}"}
        found = await client.get(f"/acme/{application.name}/whoami", headers=key)
        assert found.json()["tenant"] == house.tenant.name
        assert (await client.get("/nothing")).json() == {"acme": "not_found", "why": "route", "now": house.clock.now()}


@pytest.mark.parametrize("dialect", [adapter.name for adapter in load_adapters({})])
async def test_every_path_there_gets_an_answer_of_that_dialect(embedded_engine: Engine, dialect: str) -> None:
    async with open_house(embedded_engine.url, load_adapters({})) as house, bound(house, dialect) as client:
        for path in ANYTHING:
            for method in ("GET", "POST", "DELETE", "OPTIONS"):
                found = await client.request(method, path)
                assert found.status_code < 500, (method, path, found.text)
                assert b"No dialect" not in found.content
        assert {line["dialect"] for line in house.log.requests} == {dialect}


def test_every_listener_is_served_and_named(tmp_path: Path, certificate: Certificate) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text(
        '[[listeners]]\ndialect = "chat21"\nport = 0\n'
        f'[[listeners]]\ndialect = "easemob"\nport = 0\ntls_cert = "{certificate.file}"\n'
        f'tls_key = "{certificate.key_file}"\n'
    )
    with running(tmp_path, "--dev", "--config", str(config), "--workers", "2") as program:
        chat21, easemob = program.bound_urls["chat21"], program.bound_urls["easemob"]
        assert (urlsplit(chat21).scheme, urlsplit(easemob).scheme) == ("http", "https")
        for dialect, url in program.bound_urls.items():
            assert f"Serving {dialect} alone at {url}" in program.output
        assert ask_once(chat21, chat21_send()).status == 200
        trusted = certificate.trusted
        with httpx.Client(verify=trusted, timeout=WAIT_SECONDS) as client:
            token = client.post(easemob + APPLICATION + "/token", json=CREDENTIALS).json()["access_token"]
            # Chat21's everywhere else; here an organisation named api, which nobody has.
            assert client.get(easemob + "/api/default/users").json()["error"] == "organization_application_not_found"
        sent = ask_once(easemob, easemob_send(token), trusted)
        assert json.loads(sent.text)["uri"].startswith(easemob)
        assert ask_once(chat21, easemob_send(token)).text.startswith("<!DOCTYPE html>")
        # What is sent at one is read at the others.
        for url in (chat21, program.url):
            assert len(json.loads(ask_once(url, chat21_history()).text)["result"]) == 2
        with pytest.raises(httpx.HTTPError):
            httpx.get(easemob.replace("https", "http"), timeout=WAIT_SECONDS)
        with pytest.raises(httpx.ConnectError, match="certificate"):
            httpx.get(easemob, timeout=WAIT_SECONDS)
        assert logged(program, "Traceback") == []


def test_the_main_listener_speaks_tls(tmp_path: Path, certificate: Certificate) -> None:
    with running(tmp_path, "--dev", *certificate.options) as program:
        assert program.url.startswith("https://")
        assert f"'{program.url}{APPLICATION}/messages'" in program.output
        with httpx.Client(verify=certificate.trusted, timeout=WAIT_SECONDS) as client:
            token = client.post(program.url + APPLICATION + "/token", json=CREDENTIALS).json()["access_token"]
        sent = ask_once(program.url, easemob_send(token), certificate.trusted)
        assert json.loads(sent.text)["uri"].startswith("https://")
        assert program.readiness() == {"status": "ready"}


@pytest.mark.parametrize("workers", [1, 2])
def test_no_request_fails_at_any_listener_while_all_processes_are_replaced(
    tmp_path: Path, certificate: Certificate, workers: int
) -> None:
    options = ("--dev", "--workers", str(workers), "--listen", "chat21=0", *certificate.options)
    with running(tmp_path, *options) as program:
        with httpx.Client(verify=certificate.trusted, timeout=WAIT_SECONDS) as client:
            token = client.post(program.url + APPLICATION + "/token", json=CREDENTIALS).json()["access_token"]
        calls = [chat21_send(), chat21_history()]
        with (
            load(program, [easemob_send(token)], keeping=1, fresh=1, trusted=certificate.trusted) as at_main,
            load(program, calls, keeping=1, fresh=1, url=program.bound_urls["chat21"]) as at_bound,
        ):
            for _ in range(3):
                for clients in (at_main, at_bound):
                    clients.goes_on()
                restart(program)
            for clients in (at_main, at_bound):
                clients.goes_on()
        for clients in (at_main, at_bound):
            assert (clients.broken, clients.failures, clients.unready) == ([], [], [])
            assert clients.reconnected >= 3
        found = asyncio.run(stored(str(running_url(Path(program.data)))))
        assert len(found) == at_main.sent() + at_bound.sent()
        assert logged(program, "worker_ended") == logged(program, "worker_killed") == logged(program, "Traceback") == []


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_stop_under_load_cuts_nobody_off_at_any_listener(
    tmp_path: Path, certificate: Certificate, workers: int
) -> None:
    config = tmp_path / "gateway.toml"
    files = f'tls_cert = "{certificate.file}"\ntls_key = "{certificate.key_file}"\n'
    config.write_text(f'[[listeners]]\ndialect = "easemob"\nport = 0\n{files}')
    options = ("--dev", "--workers", str(workers), "--config", str(config))
    with running(tmp_path, *options) as program:
        token, outcome = program.token(), Outcome(wanted=300)
        places = [(program.url, None), (program.bound_urls["easemob"], certificate.trusted)]
        clients = [
            asyncio.create_task(
                send_until_refused(url, token, outcome, to=reader, keep_alive=number % 4 < 2, trusted=trusted)
            )
            for number, reader in enumerate(readers(12))
            for url, trusted in [places[number % 2]]
        ]
        await asyncio.wait_for(outcome.reached.wait(), WAIT_SECONDS)
        program.process.terminate()
        await asyncio.wait_for(asyncio.gather(*clients), WAIT_SECONDS)
        assert await asyncio.to_thread(program.wait) == 0
    assert (outcome.cut, outcome.others) == ([], [])
    assert len(await stored_in(program.data, readers(12))) == outcome.stored


def connect(url: str) -> socket.socket:
    return socket.create_connection((urlsplit(url).hostname, urlsplit(url).port), timeout=WAIT_SECONDS)


def test_who_was_accepted_and_begins_tls_late_is_served_by_the_process_that_leaves(
    tmp_path: Path, certificate: Certificate
) -> None:
    with running(tmp_path, "--dev", *certificate.options) as program:
        former, late = program.worker, connect(program.url)
        # Whoever comes behind is answered: the late one was accepted before.
        assert ask_once(program.url, chat21_history(), certificate.trusted).status == 200
        program.process.send_signal(signal.SIGUSR1)
        until(lambda: logged(program, "restarted"))
        assert len(program.workers) == 2
        with certificate.trusted.wrap_socket(late, server_hostname="127.0.0.1") as connection:
            connection.sendall(b"GET /verify HTTP/1.1\r\nHost: h\r\n\r\n")
            reply = connection.recv(65536).lower()
            assert b"connection: close" in reply
        until(lambda: program.workers == [program.worker] and program.worker != former)


def test_who_never_begins_tls_or_speaks_something_else_is_let_go(tmp_path: Path, certificate: Certificate) -> None:
    variables = {"CHATGATEWAY_LIMITS__HEADER_SECONDS": "1"}
    with running(tmp_path, *certificate.options, variables=variables) as program:
        silent, plain, half = (connect(program.url) for _ in range(3))
        plain.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        half.sendall(b"\x16\x03\x01")
        for connection in (silent, plain, half):
            while connection.recv(1000):
                pass
            connection.close()
        assert ask_once(program.url, chat21_history(), certificate.trusted).status in (401, 403)
        waiting = connect(program.url)
        program.process.terminate()
        assert program.wait() == 0
        waiting.close()
        assert logged(program, "Traceback") == logged(program, "exception") == []


def shown_certificate(url: str) -> str:
    place = urlsplit(url)
    return ssl.get_server_certificate((str(place.hostname), int(place.port or 0)), timeout=WAIT_SECONDS)


def test_a_restart_takes_a_renewed_certificate_and_refuses_a_broken_one(tmp_path: Path) -> None:
    certificate = new_certificate(tmp_path)
    with running(tmp_path, "--dev", *certificate.options) as program:
        first = shown_certificate(program.url)
        assert first == certificate.file.read_text()
        certificate.file.write_text("no certificate")
        program.process.send_signal(signal.SIGUSR1)
        (line,) = until(lambda: logged(program, "restart_refused"))
        assert f"{certificate.file} is no certificate" in line
        assert shown_certificate(program.url) == first
        new_certificate(tmp_path)
        restart(program)
        assert shown_certificate(program.url) == certificate.file.read_text() != first


def test_other_listeners_need_a_stop_and_a_start(tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text('[[listeners]]\ndialect = "chat21"\nport = 0\n')
    with running(tmp_path, "--dev", "--config", str(config)) as program:
        config.write_text('[[listeners]]\ndialect = "easemob"\nport = 0\n')
        restart(program)
        (line,) = logged(program, "settings_need_a_stop_and_a_start")
        assert "listeners" in line
        assert ask_once(program.bound_urls["chat21"], chat21_history()).status == 200


def test_a_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        said = refused(tmp_path, "--listen", f"chat21={port}")
    assert said == f"Error: Port {port} of 127.0.0.1 is taken by another program: choose another with --listen\n"


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("ozeki=9509", {"dialect": "ozeki", "port": "9509"}),
        ("ozeki=10.1.2.3:9509", {"dialect": "ozeki", "host": "10.1.2.3", "port": "9509"}),
        ("ozeki=[::1]:9509", {"dialect": "ozeki", "host": "::1", "port": "9509"}),
        ("ozeki=gateway.test:x", {"dialect": "ozeki", "host": "gateway.test", "port": "x"}),
        ("=1", {"dialect": "", "port": "1"}),
        ("ozeki", None),
        ("ozeki=", None),
        ("ozeki=::1:9509", None),
        ("", None),
    ],
)
def test_a_listener_in_a_word(text: str, fields: dict[str, str] | None) -> None:
    assert fields_of(text) == fields


def test_what_is_no_certificate_is_said(tmp_path: Path, certificate: Certificate) -> None:
    key = str(certificate.key_file)
    both = tmp_path / "both"
    both.write_text(certificate.file.read_text() + certificate.key_file.read_text())
    assert tls_context(None, None) is None
    assert tls_context(str(both), None) is not None
    for file, key_file, text in (
        (None, key, "there is a key without a certificate"),
        (str(tmp_path / "no"), key, "/no cannot be read: No such file or directory"),
        (str(certificate.file), str(tmp_path), "cannot be read: Is a directory"),
        (str(certificate.file), None, "is no certificate in PEM with its key, unencrypted"),
        (key, key, "is no certificate in PEM with its key, unencrypted"),
    ):
        with pytest.raises(CertificateError, match=text):
            tls_context(file, key_file)
