"""The commands, on a store of their own, on a running gateway's, and on a folder that nobody uses."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from click.testing import Result

from core.clock import SystemClock
from core.model import Relation
from core.store.data_folder import running_url
from core.store.embedded import server_binary
from core.store.keys import PARTITIONS, SCHEMA_VERSION, system_key
from gateway import store_check
from tests.core.support import opened
from tests.gateway.conftest import Run
from tests.gateway.program import running, until
from tests.servers import Engine, ServerProcess, free_ports


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    with ServerProcess(server_binary()) as server:
        yield server.url


def error(result: Result) -> str:
    assert result.stdout == ""
    return result.stderr


def test_the_first_tenant_in_a_few_commands(run: Run, tmp_path: Path) -> None:
    data = ("--data", str(tmp_path / "data"))
    assert run("tenant", "list", *data).output == ""
    assert run("tenant", "add", "acme", *data).output == "Tenant acme is made.\n"
    added = run("credential", "add", "acme", "easemob", "acme#chat", "--name", "acme-client", *data)
    secret = added.stdout.strip()
    assert len(secret) >= 32
    assert "shown only this once" in added.stderr
    assert run("user", "add", "acme", "alice", *data).output == "User alice is registered.\n"
    assert run("user", "add", "acme", "bob", "--display-name", "Bob B.", *data).exit_code == 0
    assert run("user", "list", "acme", *data).output == "alice\nbob\tBob B.\n"
    assert run("tenant", "list", *data).output == "acme\n  easemob  acme#chat  (client acme-client)\n"
    token = run("token", "mint", "acme", "easemob", "acme#chat", *data).stdout.strip()
    assert running_url(tmp_path / "data") is None

    with running(tmp_path / "gateway", data=data[1]) as program:
        assert "There is no tenant" not in program.output
        url = f"{program.url}/acme/chat"
        headers = {"Authorization": f"Bearer {token}"}
        assert httpx.get(f"{url}/users/alice", headers=headers).status_code == 200
        login = {"grant_type": "client_credentials", "client_id": "acme-client", "client_secret": secret}
        assert httpx.post(f"{url}/token", json=login).status_code == 200
        # The commands find the running gateway's store by its folder, and it sees at once what they change.
        run("tenant", "add", "second", *data)
        run("credential", "rotate", "acme", *data)
        assert httpx.get(f"{url}/users/alice", headers=headers).status_code == 200
        run("credential", "rotate", "acme", *data)
        assert httpx.get(f"{url}/users/alice", headers=headers).status_code == 401
        fresh = {"Authorization": f"Bearer {httpx.post(f'{url}/token', json=login).json()['access_token']}"}
        assert httpx.get(f"{url}/users/alice", headers=fresh).status_code == 200
        run("tenant", "remove", "acme", "--yes", *data)
        assert httpx.get(f"{url}/users/alice", headers=fresh).status_code == 404
        until(lambda: httpx.post(f"{url}/token", json=login).status_code == 404)
        assert "a gateway runs on it" in run("doctor", *data).output
        assert program.readiness() == {"status": "ready"}
    assert run("tenant", "list", *data).output == "second\n"


def test_secrets_come_from_files_and_standard_input_and_are_not_printed(run: Run, store: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("canary-from-file\n")
    run("tenant", "add", "secrets", "--redis", store)
    words = ("credential", "add", "secrets", "chat21", "app", "--redis", store, "--secret-file")
    from_file = run(*words, str(tmp_path / "secret"))
    from_input = run(*words, "-", "--name", "second", given="canary-from-input\n")
    listed = run("tenant", "list", "--redis", store)
    assert "chat21  app  (jwt default, jwt second)" in listed.output
    for result in (from_file, from_input, listed):
        assert "canary" not in result.output
    assert from_file.stdout == ""
    assert "The file of the secret is empty" in error(run(*words, "-", given="\n", code=1))
    run("user", "add", "secrets", "carol", "--redis", store, "--password-file", "-", given="canary-password\n")


def test_a_dialect_has_several_kinds_of_credentials(run: Run, store: str) -> None:
    on = ("--redis", store)
    run("tenant", "add", "kinds", *on)
    added = run("credential", "add", "kinds", "ozeki", "kinds.example", "--name", "alerts", *on)
    assert "ozeki kinds.example: http_user alerts opens it now." in added.stderr
    run("credential", "add", "kinds", "ozeki", "kinds.example", "--kind", "http_user", "--name", "reports", *on)
    run("credential", "add", "kinds", "ozeki", "kinds.example", "--kind", "apikey", *on)
    listed = "ozeki  kinds.example  (http_user alerts, http_user reports, apikey default)"
    assert listed in run("tenant", "list", *on).output
    # A program's name is nobody else's.
    assert "This name is reserved" in error(run("user", "add", "kinds", "Alerts", *on, code=1))


def test_a_minted_token_is_of_the_kind_that_was_asked_for(run: Run, store: str) -> None:
    run("tenant", "add", "minting", "--redis", store)
    run("credential", "add", "minting", "chat21", "mint-app", "--redis", store)
    words = ("token", "mint", "minting", "chat21", "mint-app", "--redis", store)
    tokens = [run(*words, *more).stdout.strip() for more in (("--user", "u"), (), ("--user", "u", "--admin"))]
    assert len(set(tokens)) == 3
    assert all(token.count(".") == 2 for token in tokens)


def test_users_are_made_contacts(run: Run, store: str) -> None:
    on = ("--redis", store)
    run("tenant", "add", "friends", *on)
    run("credential", "add", "friends", "ozeki", "friends.example", "--kind", "http_user", "--name", "alerts", *on)
    for name in ("ann", "ben"):
        run("user", "add", "friends", name, *on)
    for _ in range(2):
        added = run("user", "friend", "friends", "ann", "ben", *on)
        assert added.output == "ann and ben are contacts of each other.\n"
    run("user", "friend", "friends", "alerts", "ann", *on)
    assert asyncio.run(contacts(store, "friends", "ann")) == ["ben", "alerts"]
    assert asyncio.run(contacts(store, "friends", "ben")) == ["ann"]


async def contacts(url: str, tenant: str, name: str) -> list[str]:
    """A user's contacts, the earliest first."""
    async with opened(url, SystemClock()) as core:
        found = await core.tenants.find(tenant)
        assert found is not None
        rows, _ = await core.relations.page(found, await core.users.key(found, name), Relation.CONTACT, 10)
        return [row.user.id for row in rows]


def test_what_can_not_be_is_one_line(run: Run, store: str) -> None:
    on = ("--redis", store)
    run("tenant", "add", "taken", *on)
    run("credential", "add", "taken", "easemob", "org#app", *on)
    run("user", "add", "taken", "dave", *on)
    for words, text in {
        ("tenant", "add", "taken"): "There is a tenant 'taken' already",
        ("tenant", "remove", "nobody", "--yes"): "There is no tenant 'nobody'",
        ("user", "add", "nobody", "x"): "There is no tenant 'nobody': chatgateway tenant add nobody",
        ("user", "list", "nobody"): "There is no tenant 'nobody': chatgateway tenant add nobody",
        ("user", "add", "taken", "dave"): "The user exists already",
        ("user", "add", "taken", "admin"): "This name is reserved",
        ("user", "friend", "taken", "dave", "eve"): "taken has no user 'eve': chatgateway user add taken eve",
        ("user", "friend", "taken", "eve", "dave"): "taken has no user 'eve': chatgateway user add taken eve",
        ("user", "friend", "taken", "dave", "dave"): "Nobody has a relation with himself",
        ("user", "friend", "nobody", "dave", "dave"): "There is no tenant 'nobody': chatgateway tenant add nobody",
        ("credential", "add", "nobody", "easemob", "a#b"): "There is no tenant 'nobody'",
        ("credential", "add", "taken", "icq", "a"): "There is no dialect 'icq'; there are: easemob, chat21",
        ("credential", "add", "taken", "chat21", "a", "--kind", "key"): "chat21 has no credentials 'key'; it has: jwt",
        ("credential", "add", "taken", "ozeki", "a.example", "--name", "dave"): "taken has a user 'dave' already",
        ("credential", "add", "taken", "ozeki", "a.example", "--name", "a@b"): "The name of an HTTP API user",
        ("credential", "add", "taken", "ozeki", "A b"): "A domain has",
        ("credential", "rotate", "nobody"): "There is no tenant 'nobody'",
        ("token", "mint", "taken", "easemob", "x#y"): "taken has no application 'x#y' in easemob; it has: org#app",
        ("token", "mint", "taken", "chat21", "x"): "taken has no application 'x' in chat21",
    }.items():
        message = error(run(*words, *on, code=1))
        assert message.startswith(f"Error: {text}")
        assert len(message.splitlines()) == 1


@pytest.mark.parametrize("application", ["no-hash", "api#x", "a#b#c", ""])
def test_an_application_that_can_not_be_reached_is_refused(run: Run, store: str, application: str) -> None:
    run("tenant", "list", "--redis", store)
    assert error(run("credential", "add", "taken", "easemob", application, "--redis", store, code=1))


def test_how_long_messages_are_kept_is_set_and_changed(run: Run, store: str) -> None:
    on = ("--redis", store)
    assert run("tenant", "add", "keeping", "--retention-days", "30", *on).output == "Tenant keeping is made.\n"
    assert run("tenant", "retention", "keeping", "7", *on).output == "Messages of keeping are kept for 7 days.\n"
    assert run("tenant", "retention", "keeping", "0", *on).output == "Messages of keeping are kept for ever.\n"
    assert "There is no tenant 'nobody'" in error(run("tenant", "retention", "nobody", "7", *on, code=1))
    run("tenant", "add", "other", "--retention-days", "0", *on, code=2)


def test_removing_asks_first(run: Run, store: str) -> None:
    run("tenant", "add", "kept", "--redis", store)
    run("tenant", "remove", "kept", "--redis", store, given="n\n", code=1)
    assert "kept" in run("tenant", "list", "--redis", store).output


def test_all_users_are_listed_page_by_page(run: Run, store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.commands.tenants._PAGE", 2)
    run("tenant", "add", "many", "--redis", store)
    names = [f"user{number}" for number in range(5)]
    for name in names:
        run("user", "add", "many", name, "--redis", store)
    assert run("user", "list", "many", "--redis", store).output.split() == names


def test_doctor_has_a_line_for_each_topic(run: Run, store: str, tmp_path: Path) -> None:
    lines = run("doctor", "--data", str(tmp_path / "data")).output.splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["ok", "server:"],
        ["ok", "persistence:"],
        ["ok", "eviction:"],
        ["ok", "schema:"],
        ["ok", "data:"],
    ]
    assert "on disk within a second" in lines[1]
    lines = run("doctor", "--redis", store).output.splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["ok", "server:"],
        ["unsafe", "persistence:"],
        ["ok", "eviction:"],
        ["ok", "schema:"],
    ]


def test_doctor_looks_at_every_engine(run: Run, engine: Engine) -> None:
    output = run("doctor", "--redis", engine.url).output
    assert output.count("server:") == len(engine.servers)
    assert f"schema:       version {SCHEMA_VERSION}, {PARTITIONS} partitions" in output


def test_doctor_says_what_can_not_be_used(run: Run, cluster_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    (port,) = free_ports(1)
    assert "cannot be reached" in error(run("doctor", "--redis", f"redis://127.0.0.1:{port}", code=1))
    single = f"redis://127.0.0.1:{cluster_engine.servers[0].port}"
    assert "needs a URL with redis+cluster://" in error(run("doctor", "--redis", single, code=1))
    with ServerProcess(server_binary(), port=port) as server:
        assert "refuses CLUSTER SLOTS" in error(run("doctor", "--redis", f"redis+cluster://127.0.0.1:{port}", code=1))
        with monkeypatch.context() as patch:
            patch.setattr(store_check, "OLDEST", (99, 0))
            assert "99.0 or newer is needed" in error(run("doctor", "--redis", server.url, code=1))
        with server.client() as client:
            client.set(system_key("schema"), "7 128")
        assert "has schema version 7" in error(run("doctor", "--redis", server.url, code=1))
        assert "has schema version 7" in error(run("tenant", "list", "--redis", server.url, code=1))


def test_config(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text("port = 1\n")
    assert run("config", "check", "--config", str(path)).output == "The settings are right.\n"
    assert f"port = 1  # {path}: port\n" in run("config", "show", "--config", str(path)).output
    path.write_text('port = "x"\nprot = 1\n')
    assert error(run("config", "check", "--config", str(path), code=1)).splitlines() == [
        "Error: The settings are wrong.",
        f"  {path}: port: Expected `int`, got `str`",
        f"  {path}: prot: there is no such setting (did you mean port?)",
    ]


def test_more_than_one_worker_is_refused(run: Run) -> None:
    assert "--workers: must be 1 to 64" in error(run("serve", "--workers", "65", code=1))


def test_help_names_every_command(run: Run) -> None:
    output = run("--help").output
    for command in ("serve", "config", "tenant", "user", "credential", "token", "backup", "restore", "doctor"):
        assert f"  {command} " in output
