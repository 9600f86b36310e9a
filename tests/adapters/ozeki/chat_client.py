"""A chat client of our own, built from the vendor's pages: nobody publishes one. It takes whatever addresses its login names."""

import secrets
from base64 import b64decode, b64encode
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import orjson

TIMESTAMP = "2025-06-15 15:06:40"
"""NOON of the tests' clock."""


class ChatClient:
    """One station of one user."""

    def __init__(self, http: httpx.AsyncClient, api_key: str, station: str | None = None) -> None:
        self.http = http
        self.api_key = api_key
        self.station = station or secrets.token_hex(16)
        self.user = ""
        self.login_answer: dict[str, Any] = {}
        self.losses = ""

    async def log_in(self, path: str = "/") -> dict[str, Any]:
        """Log in at a path; the later calls go where the answer says."""
        body = {"action": "login", "apikey": self.api_key}
        headers = {"Ozeki-Station": self.station}
        answer = await self.post(f"{path}?srv=chatserver&api=chatlogin", body, headers)
        assert answer["status"] == "OK", answer
        self.login_answer, self.user = answer, answer["userid"]
        return answer

    @property
    def headers(self) -> dict[str, str]:
        """What names the user and the station."""
        return {"Ozeki-Station": self.station, "Ozeki-User": self.user, "Ozeki-Signature": "not made here"}

    async def call(self, url: str, action: str, **fields: Any) -> dict[str, Any]:
        """One call, under the name that the login gave its address; the answer whatever it is."""
        body = {"action": action, **fields, "clientversioncode": 3, "timestamp": TIMESTAMP}
        headers = {"Ozeki-Station": self.station} if url == "notification" else self.headers
        address = urlsplit(self.login_answer["urls"][url])
        return await self.post(f"{address.path}?{address.query}", body, headers)

    async def ask(self, url: str, action: str, **fields: Any) -> dict[str, Any]:
        """The same; it has to go well."""
        answer = await self.call(url, action, **fields)
        assert answer.pop("status") == "OK", answer
        assert answer.pop("errormessage") == ""
        return answer

    async def post(self, address: str, body: Any, headers: dict[str, str]) -> dict[str, Any]:
        """A POST of JSON, answered by JSON."""
        headers = {"Content-Type": "application/json", **headers}
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        response = await self.http.post(address, content=content, headers=headers)
        assert response.status_code == 200, response.text
        assert response.headers["content-type"] == "application/json"
        self.losses = response.headers.get("x-gateway-loss", "")
        answer: dict[str, Any] = response.json()
        return answer

    async def conversations(self) -> list[dict[str, Any]]:
        """The list."""
        rows: list[dict[str, Any]] = (await self.ask("conversation", "list"))["conversations"]
        return rows

    async def conversation(self, other: str) -> dict[str, Any]:
        """The conversation with another user, by the user's id."""
        (row,) = [row for row in await self.conversations() if other in row["participantids"] and not row["isgroup"]]
        return row

    async def add(self, conversation: dict[str, Any], data: str, **fields: Any) -> dict[str, Any]:
        """Send a message; gives it with its data."""
        message = {
            "ID": str(uuid4()),
            "Type": "Message",
            "Created": TIMESTAMP,
            "ValidUntil": "2025-06-22 15:06:40",
            "Data": data,
            **fields,
        }
        answer = await self.ask(
            "conversation",
            "add",
            conversationid=conversation["id"],
            instance=conversation["instance"],
            message=orjson.dumps(message).decode(),
        )
        assert answer["message"] == {name: value for name, value in message.items() if name != "Data"}
        return message

    async def download(self, conversation: dict[str, Any], **fields: Any) -> dict[str, Any]:
        """Everything, or from the cursors on."""
        here = {"conversationid": conversation["id"], "instance": conversation["instance"]}
        return await self.ask("conversation", "download", **here, **fields)

    async def notification(self) -> dict[str, Any]:
        """What changed."""
        return await self.ask("notification", "download")


def plain(text: str, **fields: Any) -> str:
    """`Data` in the codec `plain`."""
    return b64encode(orjson.dumps({"text": text, "sender": "", "time": TIMESTAMP, **fields})).decode()


def said(answer: dict[str, Any]) -> list[str]:
    """The texts of downloaded messages in the codec `plain`."""
    return [orjson.loads(b64decode(message["Data"]))["text"] for message in answer["messages"]]
