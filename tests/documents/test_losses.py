"""Nothing vanishes silently: what a message says is shown to a reader, or the reader's dialect says that it is lost, or the
sender's that it stays there; and what is said to be dropped is dropped.

Each field has a value that stands nowhere else, so that it is found wherever a rendering has it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.model import Audio, Content, Custom, Event, File, Html, Image, Location, Message, Signal, Text, Video
from gateway.adapters_list import BUILT_IN
from tests.documents.ends import ANOTHER, READERS
from tests.documents.kinds import SENDERS

_FILE = {"url": "https://x.test/canary-url", "name": "canary-name", "secret": "canary-secret", "size_bytes": 7000001}
_TYPED = {**_FILE, "media_type": "canary/media"}
_PIXELS = {"width": 7000002, "height": 7000003}
_LENGTH = {"length_seconds": 7000004}
_THUMBNAIL = {"thumbnail_url": "https://x.test/canary-small", "thumbnail_secret": "canary-opener"}
_INNER = {"canary-key": "canary-value", "canary-number": 7000005}
FIELDS: Mapping[type[Content], dict[str, Any]] = {
    Text: {"text": "canary-text"},
    Html: {"html": "canary-html"},
    File: _TYPED,
    Image: {**_TYPED, **_PIXELS},
    Audio: {**_TYPED, **_LENGTH},
    Video: {**_TYPED, **_LENGTH, **_THUMBNAIL, **_PIXELS},
    Location: {"latitude": 39.1234567, "longitude": 116.7654321, "address": "canary-address"},
    Signal: {"action": "canary-action", "parameters": _INNER},
    Custom: {"event": "canary-event", "values": _INNER, "text": "canary-text"},
    Event: {"name": "canary-notice", "parameters": _INNER, "text": "canary-text"},
}
"""Every content with every field."""
NAMES: Mapping[str, tuple[str, ...]] = {
    "thumbnail secret": ("thumbnail_secret",),
    "size in pixels": ("width", "height"),
    "length": ("length_seconds",),
    "type": ("name",),
    "notice": ("name", "parameters"),
}
"""What a loss names in other words than the field's."""
LABELS = frozenset({"sender", "dialect", "sender_name", "reference", "edited", "leftovers"})
"""Of a message, what is no part of what it says: who, when, and what the dialect that sent it keeps for itself."""


@st.composite
def contents(draw: st.DrawFn) -> Content:
    """A content with any of its fields."""
    kind = draw(st.sampled_from(list(FIELDS)))
    needed = {field.name for field in msgspec.structs.fields(kind) if field.required}
    more = draw(st.sets(st.sampled_from(sorted(FIELDS[kind]))))
    if "thumbnail_url" not in more:
        more.discard("thumbnail_secret")  # it opens nothing
    content: Content = kind(**{name: value for name, value in FIELDS[kind].items() if name in needed | more})
    return content


extensions = st.none() | st.dictionaries(
    st.sampled_from(["canary-a", "canary-b"]), st.sampled_from(["canary-c", 7000006, True]), min_size=1
)


def leaves(value: Any) -> Iterator[Any]:
    """All values and names in a JSON value, and in texts that are JSON."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield name
            yield from leaves(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from leaves(part)
    else:
        yield value
        if isinstance(value, str) and value.startswith("{"):
            yield from leaves(orjson.loads(value))


def is_in(value: Any, shown: Any) -> bool:
    """Whether all of a value stands in what is shown, be it within a text."""
    there = list(leaves(shown))
    return all(
        any(
            part == leaf or str(part) == str(leaf) or (isinstance(leaf, str) and str(part).lower() in leaf.lower())
            for leaf in there
        )
        for part in leaves(value)
    )


def named(loss: str, dialect: str) -> tuple[str, ...]:
    """The fields that a loss is about."""
    word = loss.partition(":")[0]
    if word == "secret" and dialect == "chat21":
        return ("secret", "thumbnail_secret")
    return NAMES.get(word, (word.removeprefix("metadata.").removeprefix("customExts.").removeprefix("ext."),))


@pytest.mark.parametrize("reader", READERS)
@settings(max_examples=200)
@given(content=contents(), extension=extensions, topic=st.none() | st.just(7000007))
def test_what_is_not_shown_is_declared_and_what_is_dropped_is_not_shown(
    reader: str, content: Content, extension: dict[str, Any] | None, topic: int | None
) -> None:
    end = READERS[reader]
    message = Message("ann", content, ANOTHER, extension, topic=topic)
    shown, losses = end.shown(message), end.losses(message)
    said = msgspec.structs.asdict(content) | {"topic": topic} | (extension or {})
    given_fields = {name: value for name, value in said.items() if value is not None}
    lost = {name for loss in losses for name in named(loss, end.dialect)}
    silent = {name for name, value in given_fields.items() if not is_in(value, shown)} - lost
    assert silent == set(), (losses, shown)
    for loss in losses:
        if ": dropped" in loss:
            for name in set(named(loss, end.dialect)) & given_fields.keys():
                assert not is_in(given_fields[name], shown), (loss, shown)


_CANARY_URL = "https://x.test/canary-url"
_KINDS = ("image", "audio", "video", "application")
_METADATA = {
    "src": _CANARY_URL,
    "name": "canary-name",
    "size": 7000001,
    "width": 7000002,
    "height": 7000003,
    "duration": 7000004,
    "uid": "canary-uid",
}
_META = {
    "url": _CANARY_URL,
    "name": "canary-name",
    "size": 7000001,
    "thumbnailUrl": "https://x.test/canary-small",
    "mood": "canary-mood",
}
_MSG = {
    "url": _CANARY_URL,
    "filename": "canary-name",
    "secret": "canary-secret",
    "file_length": 7000001,
    "length": 7000004,
    "thumb": "https://x.test/canary-small",
    "thumb_secret": "canary-opener",
    "size": {"width": 7000002, "height": 7000003},
    "mood": "canary-mood",
}
_OPTIONS = {"timeToLive": 7000009, "topicId": "canary-topic"}
WIRES: Mapping[str, list[dict[str, Any]]] = {
    "easemob": [
        {"type": "txt", "msg": "canary-text", "mood": "canary-mood"},
        {"type": "loc", "lat": 39.1234567, "lng": "116.7654321", "addr": "canary-address", "mood": "canary-mood"},
        {"type": "cmd", "action": "canary-action", "param": _INNER, "mood": "canary-mood"},
        {"type": "custom", "customEvent": "canary-event", "customExts": _INNER, "mood": "canary-mood"},
        *({"type": kind, **_MSG} for kind in ("img", "audio", "video", "file")),
    ],
    "chat21": [
        {"text": "canary-text", "metadata": _INNER, "timestamp": 7000008},
        {"type": "html", "text": "canary-text", "metadata": _INNER},
        {"type": "canary-event", "text": "canary-text", "metadata": _INNER},
        {"type": "canary-event", "text": "canary-text", "metadata": ["canary-value"]},
        {"type": "image", "text": "canary-text", "metadata": _METADATA},
        *(
            {"type": "file", "text": "canary-text", "metadata": {**_METADATA, "type": f"{kind}/canary"}}
            for kind in _KINDS
        ),
    ],
    "applozic": [
        *({"message": "canary-text", "contentType": kind, **_OPTIONS} for kind in (0, 3, 4, 7, 11, 101, 102, 104)),
        {"message": '{"lat":39.1234567,"lon":"116.7654321","address":"canary-address"}', "contentType": 2},
        *(
            {"message": "canary-text", "contentType": 1, "fileMeta": {**_META, "contentType": f"{kind}/canary"}}
            for kind in _KINDS
        ),
    ],
    "ozeki, HTTP API user": [
        {
            "text": "canary-text",
            "valid_until": "2125-06-15 15:06:40",
            "tags": [{"name": "canary-a", "value": "canary-c"}, {"name": "canary-a", "value": "canary-d"}],
        }
    ],
    "ozeki, chat client": [
        {"text": "canary-text"},
        *(
            {"type": kind.__name__.lower(), "content": FIELDS[kind]}
            for kind in (Html, File, Image, Audio, Video, Location, Custom)
        ),
    ],
}
"""What apps send, each kind of message with each field that it may have, and one that nobody knows where the vendor takes it."""
_NEEDED = frozenset({"type", "contentType", "url", "action", "lat", "lng", "customEvent", "msg", "fileMeta", "content"})
_TYPES = frozenset({"type", "contentType", "sender", "time"})
"""Names of fields that say what kind of message it is, and by whom."""


def fields_in(value: Any, *names: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The values in a message of the wire, each with the names that lead to it; what holds nothing but the app's own is one."""
    if isinstance(value, str) and value.startswith("{"):
        value = orjson.loads(value)
    if isinstance(value, dict) and value is not _INNER:
        for name, part in value.items():
            yield from fields_in(part, *names, name)
    else:
        yield names, value


@pytest.mark.parametrize("sender", SENDERS)
@settings(max_examples=200)
@given(data=st.data())
def test_what_the_neutral_message_has_no_word_for_is_declared(sender: str, data: st.DataObject) -> None:
    end = SENDERS[sender]
    whole = data.draw(st.sampled_from(WIRES[sender]))
    wire = {name: whole[name] for name in whole if name in _NEEDED or data.draw(st.booleans(), name)}
    message = end.read(wire, None)
    neutral = msgspec.to_builtins((message.content, message.extension))
    losses = next(each for each in READERS.values() if each.dialect == end.dialect).losses(message)
    staying = {part for loss in losses for part in loss.partition(":")[0].split(".")}
    for names, value in fields_in(wire):
        if not _TYPES.intersection(names) and not is_in(value, neutral):
            assert staying.intersection(names), (names, neutral, losses)


def test_nothing_else_is_in_a_message() -> None:
    said = {"content", "extension", "topic"}
    assert {field.name for field in msgspec.structs.fields(Message)} == said | LABELS


def test_every_kind_of_content_is_walked_with_every_field() -> None:
    assert set(FIELDS) == set(Content.__args__)
    for kind, fields in FIELDS.items():
        assert fields.keys() == {field.name for field in msgspec.structs.fields(kind)}
    assert {end.dialect for end in READERS.values()} == {end.dialect for end in SENDERS.values()} == set(BUILT_IN)
