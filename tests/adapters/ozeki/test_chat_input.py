"""What chat clients send that is wrong, or odd: a clear answer, and nothing changed."""

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from tests.adapters.ozeki.chat_client import ChatClient, plain, said
from tests.adapters.ozeki.chats import chat_house, talking
from tests.harness import House
from tests.servers import Engine

CONVERSATION = "/?srv=chatserver&api=chatconversation"
ID = "1d1f2f6e-5a5c-4b1e-9a3e-000000000001"


@pytest.fixture
async def house(embedded_engine: Engine) -> AsyncIterator[House]:
    async with chat_house(embedded_engine) as house:
        yield house


def error(text: str) -> dict[str, str]:
    return {"status": "ERROR", "errormessage": text}


async def state(alice: ChatClient, bob: ChatClient, conversation: dict[str, Any]) -> list[Any]:
    """All that could have changed."""
    rows = [*await alice.conversations(), *await bob.conversations()]
    kept = [{name: value for name, value in row.items() if name != "displayname"} for row in rows]
    return [kept, await alice.download(conversation), await alice.ask("friends", "list")]


@pytest.mark.parametrize(
    ("url", "body"),
    [
        ("/?srv=chatserver&api=chatconversation", {"action": "nonsense"}),
        ("/?srv=chatserver&api=chatconversation", {"action": ""}),
        ("/?srv=chatserver&api=chatconversation", {"action": None}),
        ("/?srv=chatserver&api=chatconversation", {"action": ["list"]}),
        ("/?srv=chatserver&api=chatconversation", {}),
        ("/?srv=chatserver&api=chatconversation", {"action": "LIST"}),
        ("/?srv=chatserver&api=chatconversation", {"action": "workspaceregister"}),
        ("/?srv=chatserver&api=chatconversationgroup", {"action": "list"}),
        ("/?srv=chatserver&api=chatfileserver", {"action": "download"}),
        ("/?srv=chatserver&api=", {"action": "list"}),
        ("/?srv=&api=chatconversation", {"action": "list"}),
        ("/?srv=chatowner&api=chatconversation", {"action": "list"}),
        ("/?srv=nonsense&api=nonsense", {"action": "nonsense"}),
    ],
)
async def test_an_unknown_call_is_an_error(house: House, url: str, body: dict[str, Any]) -> None:
    alice, bob, conversation = await talking(house)
    before = await state(alice, bob, conversation)
    assert await alice.post(url, body, alice.headers) == error("There is no such call")
    assert await state(alice, bob, conversation) == before


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_other_methods_are_errors(house: House, method: str) -> None:
    alice, _, _ = await talking(house)
    body = orjson.dumps({"action": "list"})
    response = await house.client.request(method, CONVERSATION, content=body, headers=alice.headers)
    assert (response.status_code, response.json()) == (200, error("This call does not take this method"))


@pytest.mark.parametrize("raw", [b"{", b"[]", b'"list"', b"5", b"null", b"\xff\xfe", b'{"action": "list"', b"[" * 500])
async def test_a_body_that_is_no_object_is_an_error(house: House, raw: bytes) -> None:
    alice, bob, conversation = await talking(house)
    before = await state(alice, bob, conversation)
    answer = await alice.post(CONVERSATION, raw, alice.headers)
    assert answer["status"] == "ERROR"
    assert answer["errormessage"]
    assert await state(alice, bob, conversation) == before


ACTIONS: list[tuple[str, dict[str, Any]]] = [
    ("add", {"message": {"ID": ID, "Data": "x"}}),
    ("clear", {"instance": ""}),
    ("favorite", {}),
    ("unfavorite", {}),
    ("setlistitembackgroundcolor", {"color": "#bae1ff"}),
    ("download", {}),
    ("downloadpartial", {"limit": 50}),
    ("mute", {}),
    ("unmute", {}),
    ("hide", {"hideid": "7sSwU2VoFM;"}),
    ("unhide", {}),
]


@pytest.mark.parametrize(("action", "fields"), ACTIONS)
async def test_an_unknown_conversation_is_an_error(house: House, action: str, fields: dict[str, Any]) -> None:
    alice, bob, conversation = await talking(house)
    (carol,) = await house.core.users.keys(house.tenant, ["carol"])
    await house.core.relations.add(house.tenant, await house.core.users.key(house.tenant, "bob"), [carol])
    (theirs,) = [row["id"] for row in await bob.conversations() if row["id"] != conversation["id"]]
    before = await state(alice, bob, conversation)
    unknown = ("8ca16186c36a4e0a1ef2096e6c60b613", "", "nonsense", theirs, "0" * 32, bob.user)
    for name in unknown:
        answer = await alice.call("conversation", action, conversationid=name, **fields)
        assert answer == error("There is no such conversation")
    values: list[Any] = [None, 5, ["x"], {}]
    for value in values:
        answer = await alice.call("conversation", action, conversationid=value, **fields)
        assert answer == error("conversationid is missing")
    answer = await alice.call("reports", "viewed", conversationid=theirs, messageids=[ID])
    assert answer == error("There is no such conversation")
    assert await state(alice, bob, conversation) == before


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (None, "message must be a JSON object"),
        ([], "message must be a JSON object"),
        (5, "message must be a JSON object"),
        ("[]", "message must be a JSON object"),
        ({}, "message.ID is not valid"),
        ({"ID": "", "Data": "x"}, "message.ID is not valid"),
        ({"ID": 5, "Data": "x"}, "message.ID is not valid"),
        ({"ID": "x" * 129, "Data": "x"}, "message.ID is not valid"),
        ({"ID": "\U0001f600" * 128, "Data": "x"}, "message.ID is not valid"),
        ({"ID": "a\nb", "Data": "x"}, "message.ID is not valid"),
        ({"ID": ID}, "message.Data is not valid"),
        ({"ID": ID, "Data": 5}, "message.Data is not valid"),
        ({"ID": ID, "Data": {"text": "x"}}, "message.Data is not valid"),
        ({"ID": ID, "Data": "x", "Created": "x" * 33}, "message.Created is not valid"),
        ({"ID": ID, "Data": "x", "ValidUntil": 5}, "message.ValidUntil is not valid"),
        ({"ID": ID, "Data": "x", "Type": []}, "message.Type is not valid"),
    ],
)
async def test_a_message_that_is_none_is_an_error(house: House, message: Any, text: str) -> None:
    alice, bob, conversation = await talking(house)
    before = await state(alice, bob, conversation)
    answer = await alice.call("conversation", "add", conversationid=conversation["id"], message=message)
    assert answer == error(text)
    assert await state(alice, bob, conversation) == before


async def test_a_text_that_is_no_json_is_an_error(house: House) -> None:
    alice, _, conversation = await talking(house)
    answer = await alice.call("conversation", "add", conversationid=conversation["id"], message="nonsense")
    assert answer["status"] == "ERROR"


async def test_an_id_that_only_we_make_is_refused(house: House) -> None:
    alice, bob, conversation = await talking(house)
    before = await state(alice, bob, conversation)
    name = house.core.ids(house.tenant).uuid(1 << 62 | 12345)
    message = {"ID": name, "Data": "x"}
    answer = await alice.call("conversation", "add", conversationid=conversation["id"], message=message)
    assert answer == error("message.ID is one of the server's own")
    assert await state(alice, bob, conversation) == before


async def test_line_breaks_in_the_message_are_read_and_dates_default(house: House) -> None:
    alice, bob, conversation = await talking(house)
    raw = f'{{\n\t"ID": "{ID}",\r\n\t"Type": "Message",\n\t"Data": "a\nb"\n}}'
    answer = await alice.ask("conversation", "add", conversationid=conversation["id"], message=raw)
    head = {"ID": ID, "Type": "Message", "Created": "2025-06-15 15:06:40", "ValidUntil": "2025-06-22 15:06:40"}
    assert answer == {"message": head}
    assert (await bob.download(conversation))["messages"] == [{**head, "Data": "a\nb"}]


@pytest.mark.parametrize("data", ["", "=", "text", "5g", "ünïcode 🎈", "x" * 100_000, plain("hi"), plain("") + "\n"])
async def test_data_is_kept_to_the_letter(house: House, data: str) -> None:
    alice, bob, conversation = await talking(house)
    message = await alice.add(conversation, data)
    assert (await bob.download(conversation))["messages"] == [message]


async def test_what_is_too_large_is_an_error(house: House) -> None:
    alice, bob, conversation = await talking(house)
    before = await state(alice, bob, conversation)
    for length in ((1 << 20) + 1, 3 << 20):
        message = {"ID": ID, "Data": "x" * length}
        answer = await alice.call("conversation", "add", conversationid=conversation["id"], message=message)
        assert answer["status"] == "ERROR"
        assert "large" in answer["errormessage"] or "more than" in answer["errormessage"]
    assert await state(alice, bob, conversation) == before


@pytest.mark.parametrize(("action", "field"), [("setlistitembackgroundcolor", "color"), ("hide", "hideid")])
@pytest.mark.parametrize("value", [None, "", 5, [], "x" * 256])
async def test_a_note_that_is_none_is_an_error(house: House, action: str, field: str, value: Any) -> None:
    alice, bob, conversation = await talking(house)
    before = await state(alice, bob, conversation)
    answer = await alice.call("conversation", action, conversationid=conversation["id"], **{field: value})
    assert answer == error(f"{field} must be a text of 1 to 255 bytes")
    assert await state(alice, bob, conversation) == before


async def test_the_content_type_does_not_matter(house: House) -> None:
    alice, bob, conversation = await talking(house)
    message = {"ID": ID, "Data": plain("hi")}
    body = {"action": "add", "conversationid": conversation["id"], "message": message}
    headers = {**alice.headers, "Content-Type": "text/plain; charset=utf-16"}
    assert (await alice.post(CONVERSATION, body, headers))["status"] == "OK"
    assert said(await bob.download(conversation)) == ["hi"]


async def test_a_page_of_another_origin_may_ask(house: House) -> None:
    alice, _, _ = await talking(house)
    asked = {
        "Origin": "https://chat.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,ozeki-signature,ozeki-station,ozeki-user",
    }
    response = await house.client.options(CONVERSATION, headers=asked)
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["access-control-allow-origin"] == "*"
    allowed = response.headers["access-control-allow-headers"].lower().split(", ")
    assert {*asked["Access-Control-Request-Headers"].split(",")} == {*allowed}
    for action in ("list", "nonsense"):
        response = await house.client.post(CONVERSATION, json={"action": action}, headers=alice.headers)
        assert response.headers["access-control-allow-origin"] == "*"
    response = await house.client.options("/api?action=sendmsg")
    assert (response.status_code, response.headers["allow"]) == (204, "GET, HEAD, OPTIONS, POST")
    assert "access-control-allow-origin" not in response.headers
