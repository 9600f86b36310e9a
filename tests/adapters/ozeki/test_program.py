"""As the operator runs it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from tests.gateway.certificates import new_certificate
from tests.gateway.program import running, until

LOGIN = ("http_user", "demo-http-password")


def rows(url: str, folder: str) -> list[dict[str, Any]]:
    answer = httpx.get(f"{url}/api", params={"action": "receivemsg", "folder": folder}, auth=LOGIN).json()
    found: list[dict[str, Any]] = answer["data"]["data"]
    return found


def test_a_message_is_sent_when_its_time_has_come(tmp_path: Path) -> None:
    with running(tmp_path, "--dev") as program:
        at = (datetime.now(UTC) + timedelta(seconds=3)).strftime("%Y-%m-%d %H:%M:%S")
        message = {"message_id": "later", "to_address": "ann@localhost@%", "text": "Hello", "time_to_send": at}
        answer = httpx.post(
            f"{program.url}/api", params={"action": "sendmsg"}, json={"messages": [message]}, auth=LOGIN
        ).json()
        assert answer["data"]["success_count"] == 1
        assert [row["message_id"] for row in rows(program.url, "outbox")] == ["later"]
        assert rows(program.url, "sent") == []
        (sent,) = until(lambda: rows(program.url, "sent"))
        assert (sent["message_id"], sent["time_to_send"]) == ("later", at)
        assert rows(program.url, "outbox") == []
        assert datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S") >= at


def test_both_apis_are_served_with_tls_on_a_port_of_their_own(tmp_path: Path) -> None:
    certificate = new_certificate(tmp_path)
    config = tmp_path / "ozeki.toml"
    config.write_text(
        '[[listeners]]\ndialect = "ozeki"\nport = 0\n'
        f'tls_cert = "{certificate.file}"\ntls_key = "{certificate.key_file}"\n'
    )
    with (
        running(tmp_path, "--dev", "--config", str(config)) as program,
        httpx.Client(verify=certificate.trusted) as client,
    ):
        own = program.bound_urls["ozeki"]
        assert own.startswith("https://")
        body = {"messages": [{"to_address": "ann@localhost@%", "text": "Hello"}]}
        for path in ("/api", "/"):
            answer = client.post(own + path, params={"action": "sendmsg"}, json=body, auth=LOGIN).json()
            assert answer["data"]["success_count"] == 1
        wrong = client.post(f"{own}/api", params={"action": "sendmsg"}, json=body, auth=("http_user", "no"))
        assert (wrong.status_code, wrong.json()["response"]["data"]["errorcode"]) == (200, 1157)
        station = {"Ozeki-Station": "801c91e6466a1ab34945d73ae4f762c6"}
        login = {"action": "login", "apikey": "demo-apikey:ann"}
        answer = client.post(f"{own}/ozeki/index.php?srv=chatserver&api=chatlogin", json=login, headers=station).json()
        headers = {**station, "Ozeki-User": answer["userid"]}
        assert answer["urls"]["conversation"] == f"{own}/ozeki/index.php?srv=chatserver&api=chatconversation"
        listed = client.post(answer["urls"]["conversation"], json={"action": "list"}, headers=headers).json()
        (conversation,) = listed["conversations"]
        asked = {"action": "download", "conversationid": conversation["id"], "instance": conversation["instance"]}
        assert len(client.post(answer["urls"]["conversation"], json=asked, headers=headers).json()["messages"]) == 2
