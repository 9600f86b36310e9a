"""Content both ways: the same dialect in and out is the identity, other dialects' content is shown with its losses said."""

from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.easemob.content import read, write
from core.errors import Failure, Kind
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
    Signal,
    Text,
    Video,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SCALAR = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
JSON = st.recursive(
    SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=8
)
PIXELS = (
    st.none()
    | st.integers(0, 2**64 - 1)
    | st.floats(0, allow_nan=False, allow_infinity=False)
    | st.integers(0, 9999).map(str)
)
TEXT_MSG = st.fixed_dictionaries({"type": st.sampled_from(["txt", "text"]), "msg": TEXT})
IMAGE_MSG = st.fixed_dictionaries(
    {"type": st.just("img"), "url": TEXT.filter(bool)},
    optional={
        "filename": st.none() | TEXT,
        "secret": st.none() | TEXT,
        "size": st.none() | st.fixed_dictionaries({}, optional={"width": PIXELS, "height": PIXELS, "depth": JSON}),
        "file_length": st.none() | st.integers(0, 2**63 - 1) | st.integers(0, 9999).map(str),
    },
)
UNKNOWN_FIELDS = st.dictionaries(TEXT.filter(lambda name: not name.isascii()), JSON, max_size=2)


def stored(content: Content, dialect: str, leftovers: dict[str, Any] | None = None) -> Message:
    """The message as it comes back from the store."""
    message = Message("ann", content, dialect, leftovers=leftovers)
    return msgspec.msgpack.decode(msgspec.msgpack.encode(message), type=Message)


def canonical(value: Any) -> bytes:
    """JSON text with sorted names: 480 and 480.0 differ."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


@given(TEXT_MSG | IMAGE_MSG, UNKNOWN_FIELDS)
def test_the_same_dialect_in_and_out_is_the_identity(msg: dict[str, Any], unknown: dict[str, Any]) -> None:
    msg = {**unknown, **msg}
    content, leftovers = read(msg)
    losses: list[str] = []
    assert canonical(write(stored(content, "easemob", {"msg": leftovers} if leftovers else None), losses)) == canonical(
        msg
    )
    assert losses == []


@given(TEXT)
def test_what_neutral_words_say_leaves_nothing_over(text: str) -> None:
    assert read({"type": "txt", "msg": text}) == (Text(text), None)


def test_a_picture_in_neutral_words() -> None:
    msg = {
        "type": "img",
        "url": "https://host/chat-demo/testapp/chatfiles/55f12940",
        "filename": "testimg.jpg",
        "secret": "VfEp",
        "size": {"width": 480, "height": 720},
        "file_length": 58103,
    }
    picture = Image(
        url="https://host/chat-demo/testapp/chatfiles/55f12940",
        name="testimg.jpg",
        secret="VfEp",
        size_bytes=58103,
        width=480.0,
        height=720.0,
    )
    assert read(msg) == (picture, None)


@pytest.mark.parametrize(
    ("msg", "left"),
    [
        ({"type": "text", "msg": "hi"}, {"type": "text"}),
        ({"type": "txt", "msg": "hi", "colour": 3}, {"colour": 3}),
        ({"type": "img", "url": "u", "size": {"width": 480.0}}, {"size": {"width": 480.0}}),
        ({"type": "img", "url": "u", "file_length": "12"}, {"file_length": "12"}),
        ({"type": "img", "url": "u", "size": {}}, {"size": {}}),
        ({"type": "img", "url": "u", "secret": None}, {"secret": None}),
    ],
)
def test_what_only_this_dialect_says_is_left_over(msg: dict[str, Any], left: dict[str, Any]) -> None:
    assert read(msg)[1] == left


@pytest.mark.parametrize(
    ("msg", "field"),
    [
        ({}, "type"),
        ({"type": None}, "type"),
        ({"type": 1}, "type"),
        ({"type": "audio", "url": "u"}, "type"),
        ({"type": "sticker"}, "type"),
        ({"type": "txt"}, "msg"),
        ({"type": "txt", "msg": None}, "msg"),
        ({"type": "txt", "msg": {"a": 1}}, "msg"),
        ({"type": "img"}, "url"),
        ({"type": "img", "url": ""}, "url"),
        ({"type": "img", "url": 1}, "url"),
        ({"type": "img", "url": "u", "filename": 1}, "filename"),
        ({"type": "img", "url": "u", "secret": []}, "secret"),
        ({"type": "img", "url": "u", "size": "480x720"}, "size"),
        ({"type": "img", "url": "u", "size": {"width": "wide"}}, "width"),
        ({"type": "img", "url": "u", "size": {"height": -1}}, "height"),
        ({"type": "img", "url": "u", "size": {"height": True}}, "height"),
        ({"type": "img", "url": "u", "file_length": -1}, "file_length"),
        ({"type": "img", "url": "u", "file_length": 1.5}, "file_length"),
        ({"type": "img", "url": "u", "file_length": 2**63}, "file_length"),
    ],
)
def test_fields_that_cannot_be_are_named(msg: dict[str, Any], field: str) -> None:
    with pytest.raises(Failure) as raised:
        read(msg)
    assert (raised.value.kind, raised.value.field) == (Kind.BAD_REQUEST, field)
    assert field in raised.value.text


FOREIGN: list[tuple[Content, dict[str, Any], list[str]]] = [
    (Text("hi"), {"type": "txt", "msg": "hi"}, []),
    (Html("<b>hi</b>"), {"type": "txt", "msg": "<b>hi</b>"}, ["type"]),
    (
        Image(url="https://h/a%20b.png", width=480.0, height=72.5, media_type="image/png", size_bytes=9),
        {
            "type": "img",
            "url": "https://h/a%20b.png",
            "file_length": 9,
            "size": {"width": 480, "height": 72.5},
            "filename": "a b.png",
        },
        ["media_type", "filename"],
    ),
    (
        Image(url="https://h/a", name="a", secret="s"),
        {"type": "img", "url": "https://h/a", "filename": "a", "secret": "s"},
        [],
    ),
    (Image(url="http://[", name=None), {"type": "img", "url": "http://[", "filename": "img"}, ["filename"]),
    (
        File(url="https://h/f/", name="f.pdf", size_bytes=3),
        {"type": "file", "url": "https://h/f/", "filename": "f.pdf", "file_length": 3},
        [],
    ),
    (
        Audio(url="u", name="a.amr", length_seconds=10.0),
        {"type": "audio", "url": "u", "filename": "a.amr", "length": 10},
        [],
    ),
    (Audio(url="u", name="a.amr"), {"type": "audio", "url": "u", "filename": "a.amr", "length": 0}, ["length"]),
    (
        Video("u", "v.mp4", "s", 5, 1.5, "t", "ts", 10.0, 20.0),
        {
            "type": "video",
            "url": "u",
            "filename": "v.mp4",
            "secret": "s",
            "file_length": 5,
            "length": 1.5,
            "thumb": "t",
            "thumb_secret": "ts",
            "size": {"width": 10, "height": 20},
        },
        [],
    ),
    (Location(39.966, 116.0, "here"), {"type": "loc", "lat": 39.966, "lng": 116, "addr": "here"}, []),
    (Location(1.5, 2.5), {"type": "loc", "lat": 1.5, "lng": 2.5, "addr": ""}, ["addr"]),
    (Signal("go", {"a": 1}), {"type": "cmd", "action": "go", "param": {"a": 1}}, []),
    (
        Custom("gift", {"n": 3, "to": "ann"}, "A gift"),
        {"type": "custom", "customEvent": "gift", "customExts": {"n": "3", "to": "ann"}},
        ["text", "customExts.n"],
    ),
    (
        Event("member_joined", {"user": "bob"}, "Bob joined"),
        {"type": "txt", "msg": "Bob joined"},
        ["type", "parameters"],
    ),
    (Event("member_joined"), {"type": "txt", "msg": "member_joined"}, ["type"]),
]


@pytest.mark.parametrize(("content", "msg", "lost"), FOREIGN)
def test_content_of_another_dialect(content: Content, msg: dict[str, Any], lost: list[str]) -> None:
    losses: list[str] = []
    assert write(stored(content, "another", {"msg": {"type": "not ours"}}), losses) == msg
    assert [loss.partition(": ")[0] for loss in losses] == lost
    assert all(loss.partition(": ")[2] for loss in losses)


def test_every_kind_of_content_is_shown() -> None:
    assert {type(content) for content, _, _ in FOREIGN} == set(Content.__args__)
