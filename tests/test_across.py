"""Sent in one dialect, read in the other: over real HTTP, on each engine."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from adapters.easemob import content as easemob_content
from core.clock import SystemClock
from core.messages import Query
from core.model import Application
from gateway.adapters_list import load_adapters
from tests.harness import House, new_tenant, open_house, serve
from tests.servers import Engine

PICTURE = {
    "type": "img",
    "filename": "testimg.jpg",
    "secret": "VfEpSmSvEeS7yU8dwa9rAQc-DIL2HhmpujTNfSTsrDt6eNb_",
    "url": "https://a1.example.com/chat-demo/testapp/chatfiles/55f12940-64af-11e4-8a5b-ff2336f03252",
    "size": {"width": 480, "height": 720},
}


FILES = "https://a1.example.com/chat-demo/testapp/chatfiles/"
# What Easemob's documents show of each kind; what Chat21 shows of it, and what it says is lost.
KINDS: list[tuple[dict[str, Any], dict[str, Any], set[str]]] = [
    (
        {"type": "audio", "url": FILES + "1", "filename": "testaudio.amr", "length": 10, "secret": "s"},
        {
            "type": "file",
            "text": "testaudio.amr",
            "metadata": {"src": FILES + "1", "duration": 10, "name": "testaudio.amr", "type": "audio/*"},
        },
        {"secret", "metadata.type"},
    ),
    (
        {
            "type": "video",
            "url": FILES + "2",
            "thumb": FILES + "3",
            "filename": "test.avi",
            "length": 0,
            "file_length": 58103,
            "secret": "s",
            "thumb_secret": "s",
        },
        {
            "type": "file",
            "text": "test.avi",
            "metadata": {
                "src": FILES + "2",
                "duration": 0,
                "thumbnail": FILES + "3",
                "name": "test.avi",
                "type": "video/*",
                "size": 58103,
            },
        },
        {"secret", "metadata.type"},
    ),
    (
        {"type": "file", "url": FILES + "4", "filename": "test.txt", "secret": "s"},
        {
            "type": "file",
            "text": "test.txt",
            "metadata": {"src": FILES + "4", "name": "test.txt", "type": "application/octet-stream"},
        },
        {"secret", "metadata.type"},
    ),
    (
        {"type": "loc", "lat": "39.966", "lng": "116.322", "addr": "Beijing"},
        {"type": "text", "text": "Beijing", "metadata": {"latitude": 39.966, "longitude": 116.322}},
        {"location"},
    ),
    (
        {"type": "custom", "customEvent": "gift", "customExts": {"name": "flower", "size": "16"}},
        {"type": "gift", "text": "gift", "metadata": {"name": "flower", "size": "16"}},
        set(),
    ),
]
# What Chat21's apps send, and what Easemob's show of it.
BACK: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        {"type": "image", "text": "", "metadata": {"src": "https://x/y.png", "width": 200, "height": 100}},
        {"type": "img", "url": "https://x/y.png", "filename": "y.png", "size": {"width": 200, "height": 100}},
    ),
    (
        {"type": "file", "metadata": {"src": "https://x/a.mp3", "name": "a.mp3", "type": "audio/mpeg"}},
        {"type": "audio", "url": "https://x/a.mp3", "filename": "a.mp3", "length": 0},
    ),
    (
        {"type": "file", "metadata": {"src": "https://x/a.pdf", "name": "a.pdf", "type": "application/pdf", "size": 9}},
        {"type": "file", "url": "https://x/a.pdf", "filename": "a.pdf", "file_length": 9},
    ),
    ({"type": "text", "text": "hi"}, {"type": "txt", "msg": "hi"}),
    (
        {"type": "frame", "text": "t", "metadata": {"src": "https://x"}},
        {"type": "custom", "customEvent": "frame", "customExts": {"src": "https://x"}},
    ),
]


@dataclass
class Both:
    """One tenant behind a real server, spoken to in both dialects."""

    house: House
    http: httpx.AsyncClient

    def application(self, dialect: str) -> Application:
        return self.house.application(dialect)

    async def token(self, dialect: str, user: str | None) -> str:
        adapter = self.house.adapters[dialect]
        application = self.application(dialect).name
        return await adapter.mint(self.house.core, self.house.tenant, application, user, user is None, 600)

    async def easemob(self, path: str, body: dict[str, Any] | None, *, method: str = "POST", **headers: str) -> Any:
        """The answer to a request with an application's token."""
        base = "/" + self.application("easemob").name.replace("#", "/")
        token = {"Authorization": f"Bearer {await self.token('easemob', None)}", **headers}
        response = await self.http.request(method, base + path, json=body, headers=token)
        assert response.status_code == 200, response.text
        return response.json()

    async def send(self, message: dict[str, Any], *targets: str, to: str = "users", **headers: str) -> Any:
        """The answer to Easemob's send, with ids."""
        body = {"target_type": to, "target": list(targets), "msg": message, "from": "user1", "ext": {"attr1": "test"}}
        return await self.easemob("/messages?useMsgId=true", body, **headers)

    async def chat21(self, method: str, user: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """The answer to a request of a user's."""
        path = f"/api/{self.application('chat21').name}{path}"
        response = await self.http.request(
            method, path, json=body, headers={"Authorization": await self.token("chat21", user)}
        )
        assert response.status_code in (200, 201), response.text
        return response.json()

    async def newest(self) -> dict[str, Any]:
        """The newest message as Easemob's history shows it."""
        path = "/chatmessages?ql=select%20*%20order%20by%20timestamp%20desc&limit=1"
        found: dict[str, Any] = (await self.easemob(path, None, method="GET"))["entities"][0]
        return found

    async def history(self, user: str, other: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.chat21("GET", user, f"/{user}/conversations/{other}/messages"))[
            "result"
        ]
        return found


@pytest.fixture
async def both(engine: Engine) -> AsyncIterator[Both]:
    async with (
        open_house(engine.url, load_adapters({}), clock=SystemClock()) as house,
        serve(house.app) as url,
        httpx.AsyncClient(base_url=url, timeout=30) as http,
    ):
        for name in ("user1", "user2", "user3"):
            await house.core.users.register(house.tenant, name)
        yield Both(house, http)


async def test_a_text_to_two_users(both: Both) -> None:
    ids = (await both.send({"type": "txt", "msg": "testmessage"}, "user2", "user3"))["data"]
    assert len(set(ids.values())) == 2
    for user in ("user2", "user3"):
        (row,) = await both.history(user, "user1")
        assert (row["text"], row["type"], row["sender"], row["recipient"]) == ("testmessage", "text", "user1", user)
        assert row["attributes"] == {"attr1": "test"}
        (listed,) = (await both.chat21("GET", user, f"/{user}/conversations"))["result"]
        assert (listed["last_message_text"], listed["conversWith"]) == ("testmessage", "user1")
    (row,) = await both.history("user1", "user2")
    assert (row["status"], row["recipient"]) == (100, "user2")


async def test_a_picture(both: Both) -> None:
    await both.send(PICTURE, "user2")
    (row,) = await both.history("user2", "user1")
    assert (row["type"], row["text"]) == ("image", "testimg.jpg")
    assert {name: row["metadata"][name] for name in ("src", "width", "height")} == {
        "src": PICTURE["url"], "width": 480, "height": 720,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("sent", "shown", "lost"), KINDS, ids=lambda value: value.get("type") if "type" in value else ""
)
async def test_every_kind_that_easemob_sends(
    both: Both, sent: dict[str, Any], shown: dict[str, Any], lost: set[str]
) -> None:
    await both.send(sent, "user2")
    (row,) = await both.history("user2", "user1")
    assert {name: row[name] for name in ("type", "text", "metadata")} == shown
    assert row["attributes"] == {"attr1": "test"}
    assert {loss.partition(":")[0] for loss in both.house.log.requests[-1].get("losses", [])} == lost


async def test_a_command_is_in_no_history(both: Both) -> None:
    await both.send({"type": "cmd", "action": "action1"}, "user2")
    assert await both.history("user2", "user1") == []
    assert (await both.chat21("GET", "user2", "/user2/conversations"))["result"] == []


@pytest.mark.parametrize(("sent", "shown"), BACK, ids=lambda value: value["type"])
async def test_every_kind_that_chat21_sends(both: Both, sent: dict[str, Any], shown: dict[str, Any]) -> None:
    names = {"sender_fullname": "One", "recipient_id": "user2", "recipient_fullname": "Two"}
    await both.chat21("POST", "user1", "/messages", {**names, **sent})
    core, tenant = both.house.core, both.house.tenant
    (stored,) = (await core.messages.direct_page(tenant, "user1", "user2", Query(10))).messages
    assert easemob_content.write(stored.message, []) == shown


@pytest.mark.parametrize("sent", [PICTURE, *(sent for sent, _, _ in KINDS)], ids=lambda value: value["type"])
async def test_every_kind_there_and_back(both: Both, sent: dict[str, Any]) -> None:
    """What Chat21 shows of a message is sent back as it stands there."""
    await both.send(sent, "user2")
    (row,) = await both.history("user2", "user1")
    fields = {name: row[name] for name in ("type", "text", "metadata", "attributes")}
    names = {"sender_fullname": "Two", "recipient_id": "user1", "recipient_fullname": "One"}
    await both.chat21("POST", "user2", "/messages", {**names, **fields})
    record = await both.newest()
    assert (record["from"], record["to"], record["chat_type"]) == ("user2", "user1", "chat")
    back: dict[str, Any] = {
        name: value for name, value in sent.items() if name not in ("secret", "thumb", "thumb_secret")
    }
    if sent["type"] == "loc":
        back = {"type": "txt", "msg": sent["addr"]}
    elif sent["type"] == "custom":
        values = sent["customExts"]
        back |= {"v2:customExts": values, "customExts": [{name: value} for name, value in values.items()]}
    assert record["payload"] == {"bodies": [back], "ext": {"attr1": "test"}, "from": "user2", "to": "user1"}


async def test_what_is_recalled_or_edited_is_so_in_both(both: Both) -> None:
    (edited,) = (await both.send({"type": "txt", "msg": "first"}, "user2"))["data"].values()
    (recalled,) = (await both.send({"type": "txt", "msg": "second"}, "user2"))["data"].values()
    body = {"msg_id": recalled, "to": "user2", "chat_type": "chat", "force": False}
    await both.easemob("/messages/msg_recall", body)
    await both.easemob(f"/messages/rewrite/{edited}", {"new_msg": {"type": "txt", "msg": "third"}}, method="PUT")
    assert [row["text"] for row in await both.history("user2", "user1")] == ["third"]


async def test_what_is_imported_into_one_is_history_in_the_other(both: Both) -> None:
    body = {
        "from": "user1",
        "target": "user2",
        "type": "txt",
        "body": {"msg": "old"},
        "msg_timestamp": 1_600_000_000_000,
    }
    await both.easemob("/messages/users/import", body)
    await both.send({"type": "txt", "msg": "new"}, "user2")
    found = await both.history("user2", "user1")
    assert [(row["text"], row["timestamp"] == body["msg_timestamp"]) for row in found] == [
        ("new", False),
        ("old", True),
    ]


async def test_a_group_made_in_one_dialect_is_written_to_in_the_other(both: Both) -> None:
    body = {"groupname": "g", "public": True, "owner": "user1", "members": ["user2"]}
    group = (await both.easemob("/chatgroups", body))["data"]["groupid"]
    await both.send({"type": "txt", "msg": "to all"}, group, to="chatgroups")
    (listed,) = (await both.chat21("GET", "user2", "/user2/conversations"))["result"]
    row, *notices = await both.history("user2", listed["conversWith"])
    assert (row["text"], row["channel_type"], row["status"]) == ("to all", "group", 150)
    assert {notice["sender"] for notice in notices} == {"system"}
    assert await both.history("user3", listed["conversWith"]) == []
    answer = {
        "sender_fullname": "Two",
        "recipient_id": listed["conversWith"],
        "recipient_fullname": "g",
        "text": "back",
    }
    await both.chat21("POST", "user2", "/messages", {**answer, "channel_type": "group"})
    texts = [row["text"] for row in await both.history("user1", listed["conversWith"])]
    assert texts[:2] == ["back", "to all"]


async def test_one_key_fifty_times_at_once_is_one_message(both: Both) -> None:
    key = {"Idempotency-Key": "one-and-the-same"}
    replies = await asyncio.gather(*(both.send({"type": "txt", "msg": "once"}, "user2", **key) for _ in range(50)))
    for reply in replies:
        reply.pop("duration")  # how long each took is its own
    assert all(reply == replies[0] for reply in replies)
    assert [row["text"] for row in await both.history("user2", "user1")] == ["once"]


async def test_two_tenants_with_equal_names_never_meet(both: Both) -> None:
    other = await new_tenant(both.house.core, list(both.house.adapters.values()))
    await both.send({"type": "txt", "msg": "mine"}, "user2")
    own, both.house.tenant = both.house.tenant, other
    await both.send({"type": "txt", "msg": "theirs"}, "user2")
    assert [row["text"] for row in await both.history("user2", "user1")] == ["theirs"]
    both.house.tenant = own
    assert [row["text"] for row in await both.history("user2", "user1")] == ["mine"]
