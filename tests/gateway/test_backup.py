"""`backup` and `restore` as an operator uses them, on stores of their own and beside a running gateway."""

import stat
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from click.testing import Result

from core.store.data_folder import running_url
from core.store.embedded import server_binary
from tests.gateway.conftest import Run
from tests.gateway.program import APPLICATION, running
from tests.servers import ServerProcess


@pytest.fixture
def store() -> Iterator[str]:
    with ServerProcess(server_binary()) as server:
        yield server.url


@pytest.fixture
def empty() -> Iterator[str]:
    with ServerProcess(server_binary()) as server:
        yield server.url


def one_line(result: Result) -> str:
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    return result.stderr


def test_what_one_gateway_served_another_one_serves(run: Run, tmp_path: Path) -> None:
    """Sent in one dialect before, read in another afterwards, with the tokens of before."""
    message = {"from": "user1", "target_type": "users", "target": ["user2"], "msg": {"type": "txt", "msg": "before"}}
    file = tmp_path / "saved"
    with running(tmp_path / "one", "--dev") as program:
        token = {"Authorization": f"Bearer {program.token()}"}
        sent = httpx.post(f"{program.url}{APPLICATION}/messages", headers=token, json=message)
        assert sent.status_code == 200
        jwt = run(
            "token", "mint", "demo", "chat21", "default", "--user", "user2", "--data", program.data
        ).stdout.strip()
        made = run("backup", str(file), "--data", program.data)
        assert program.readiness() == {"status": "ready"}
    assert made.stdout.startswith(f"{file}: tenants 1, conversations 1, messages 1, bytes ")
    assert "keep it safe" in made.stderr
    data = str(tmp_path / "two")
    assert run("restore", str(file), "--data", data).output == f"{file} is restored.\n"
    assert running_url(Path(data)) is None
    with running(tmp_path / "gateway", data=data) as program:
        url = f"{program.url}/api/default/user2/conversations/user1/messages"
        read = httpx.get(url, headers={"Authorization": jwt}).json()["result"]
        assert [row["text"] for row in read] == ["before"]
        again = httpx.post(f"{program.url}{APPLICATION}/messages", headers=token, json=message)
        assert again.status_code == 200
        assert len(httpx.get(url, headers={"Authorization": jwt}).json()["result"]) == 2


def test_a_file_is_for_its_owner_alone_and_replaced_whole(run: Run, store: str, tmp_path: Path) -> None:
    run("tenant", "add", "acme", "--redis", store)
    file = tmp_path / "saved"
    file.write_text("older")
    file.chmod(0o644)
    run("backup", str(file), "--redis", store)
    whole = file.read_bytes()
    assert whole.startswith(b"chatgateway backup")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["saved"]


def test_a_backup_that_fails_leaves_what_was_there(
    run: Run, store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("tenant", "add", "acme", "--redis", store)
    file = tmp_path / "saved"
    run("backup", str(file), "--redis", store)
    whole = file.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("core.store.backup_file.Writer.end", full)
        said = one_line(run("backup", str(file), "--redis", store, code=1))
    assert said == f"Error: {file} can't be written: No space left on device\n"
    assert file.read_bytes() == whole
    assert [path.name for path in tmp_path.iterdir()] == ["saved"]


def test_what_can_not_be_is_one_line(run: Run, store: str, empty: str, tmp_path: Path) -> None:
    run("tenant", "add", "acme", "--redis", store)
    file = tmp_path / "saved"
    run("backup", str(file), "--redis", store)
    assert "The store is not empty" in one_line(run("restore", str(file), "--redis", store, code=1))
    assert "can't be read: No such file" in one_line(run("restore", "missing", "--redis", empty, code=1))
    assert "can't be written: No such file" in one_line(run("backup", "no/folder", "--redis", store, code=1))
    (tmp_path / "cut").write_bytes(file.read_bytes()[:-40])
    assert "The backup is damaged" in one_line(run("restore", str(tmp_path / "cut"), "--redis", empty, code=1))
    (tmp_path / "other").write_text("something else")
    assert "This is no backup" in one_line(run("restore", str(tmp_path / "other"), "--redis", empty, code=1))
    run("restore", str(file), "--redis", empty)
    assert run("tenant", "list", "--redis", empty).output == "acme\n"


def test_help_says_what_is_in_the_file(run: Run) -> None:
    assert "SECRETS: credentials, signing keys" in " ".join(run("backup", "--help").output.split())
    assert "empty store" in run("restore", "--help").output
