"""As the operator runs it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

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
