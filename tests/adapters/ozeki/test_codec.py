"""Messages of chat clients both ways, without a gateway."""

from base64 import b64decode, b64encode
from typing import Any

import orjson
import pytest

from adapters.files import FileAddresses
from adapters.ozeki.codec import ClientMessage, to_message, written
from adapters.ozeki.content import ENCRYPTED, PLACEHOLDER
from adapters.ozeki.ids import user_id
from core.ids import Ids
from core.model import (
    Audio,
    Content,
    Custom,
    Event,
    File,
    Html,
    Image,
    Location,
    Message,
    MessageKind,
    Signal,
    Stored,
    Tenant,
    Text,
    Video,
)
from tests.adapters.ozeki.chat_client import plain

TENANT = Tenant(1, "one", b"x" * 32)
FILES = FileAddresses(TENANT, "http://gateway.test", "/api?action=getfile&id=", "secret")
IDS = Ids(TENANT.secret, 1)
DOMAIN = "localhost"
TIME = 1_709_907_168_123
EXTENSION = {"order": 5, "list": [1, {"a": None}], "text": "ü"}
FILE: dict[str, Any] = {"name": "a.png", "secret": "s", "size_bytes": 5, "media_type": "image/png"}
CONTENTS: list[Content] = [
    Text("hello"),
    Text(""),
    Text("ünïcode 🎈\n"),
    Html("<b>bold</b>"),
    Image("http://elsewhere.test/a.png", width=5.0, height=6.5, **FILE),
    Image("http://elsewhere.test/a.png"),
    Audio("http://elsewhere.test/a.mp3", length_seconds=3.0, **FILE),
    Video("http://elsewhere.test/a.mp4", length_seconds=3.0, thumbnail_url="http://elsewhere.test/t.png", **FILE),
    File("http://elsewhere.test/a.pdf", **FILE),
    Location(47.5, 19.0, "Budapest"),
    Custom("order", {"number": 5}, "An order"),
    Custom("order"),
]


def stored(message: Message) -> Stored:
    return Stored(1 << 62 | 5, 1, TIME, MessageKind.MESSAGE, message)


def shown(message: Message) -> dict[str, Any]:
    row: dict[str, Any] = orjson.loads(written(stored(message), IDS, DOMAIN, FILES).fields)
    return row


def given(data: str) -> ClientMessage:
    return ClientMessage("id", "Message", "2024-03-08 14:12:48", "2024-03-15 14:12:48", data)


def read(data: str, codec: Any = "plain") -> tuple[Message, list[str]]:
    losses: list[str] = []
    return to_message(given(data), "alice", codec, "veiled", FILES, losses), losses


@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("extension", [None, EXTENSION])
def test_what_other_dialects_sent_is_the_same_when_it_comes_back(
    content: Content, extension: dict[str, Any] | None
) -> None:
    row = shown(Message("bob", content, "another", extension, "Bob"))
    assert {name: row[name] for name in ("ID", "Type", "Created", "ValidUntil")} == {
        "ID": IDS.uuid(1 << 62 | 5),
        "Type": "Message",
        "Created": "2024-03-08 14:12:48",
        "ValidUntil": "2024-03-15 14:12:48",
    }
    fields = orjson.loads(b64decode(row["Data"]))
    assert fields["sender"] == user_id("bob", DOMAIN)
    assert (fields["sendername"], fields["time"]) == ("Bob", "2024-03-08 14:12:48")
    assert isinstance(fields["text"], str)
    message, losses = read(row["Data"])
    assert (message.content, message.extension, losses) == (content, extension, [])


@pytest.mark.parametrize("content", [Event("member_joined", {"user": "x"}, "x joined"), Signal("typing", {"a": 1})])
def test_notices_and_signals_are_shown_but_nobody_makes_them(content: Content) -> None:
    row = shown(Message("bob", content, "another"))
    fields = orjson.loads(b64decode(row["Data"]))
    assert fields["type"] in ("event", "signal")
    message, _ = read(row["Data"])
    assert message.content == Text(fields["text"])


@pytest.mark.parametrize(
    "data",
    [
        "",
        "uwR...A==",
        "RrO=",
        b64encode(b"text").decode(),
        b64encode(b"[]").decode(),
        b64encode(b'{"text": 5}').decode(),
        b64encode(b'{"words": "hi"}').decode(),
        b64encode(b"\xff").decode(),
        b64encode(b"[" * 500).decode(),
    ],
)
@pytest.mark.parametrize("codec", ["plain", "opaque"])
def test_what_is_encrypted_is_kept_and_has_a_placeholder(codec: str, data: str) -> None:
    message, losses = read(data, codec)
    assert (message.content, message.extension, losses) == (PLACEHOLDER, None, [ENCRYPTED])
    assert shown(message) == {**given(data).head, "Data": data}


def test_the_codec_opaque_reads_nothing() -> None:
    message, losses = read(plain("hello"), "opaque")
    assert (message.content, losses) == (PLACEHOLDER, [ENCRYPTED])


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "image"},
        {"type": "image", "content": {}},
        {"type": "image", "content": {"url": 5}},
        {"type": "image", "content": {"url": "u", "width": "wide"}},
        {"type": "location", "content": {"latitude": "north", "longitude": 0}},
        {"type": "custom", "content": []},
        {"type": "nonsense", "content": {"url": "u"}},
        {"type": ["image"], "content": {"url": "u"}},
        {"type": "event", "content": {"name": "group_deleted"}},
        {"extension": "none"},
    ],
)
def test_what_is_not_understood_is_a_text_and_goes_back_as_it_was(fields: dict[str, Any]) -> None:
    data = plain("hello", **fields)
    message, losses = read(data)
    assert (message.content, message.extension, losses) == (Text("hello"), None, [])
    assert shown(message)["Data"] == data


def test_a_topic_is_lost() -> None:
    row = stored(Message("bob", Text("hi"), "another", topic=5))
    assert written(row, IDS, DOMAIN, FILES).lost == ("topic: dropped",)


def test_what_was_written_is_written_anew_for_another_address() -> None:
    row = stored(Message("bob", Text("hi"), "another"))
    first = written(row, IDS, DOMAIN, FILES)
    assert written(row, IDS, DOMAIN, FILES) is first
    assert written(row, IDS, "elsewhere.test", FILES).fields != first.fields
    other = FileAddresses(TENANT, "http://other.test", "/api?action=getfile&id=", "secret")
    assert written(row, IDS, DOMAIN, other) is not first
