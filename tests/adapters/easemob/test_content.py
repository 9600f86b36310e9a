"""Content both ways: the same dialect in and out is the identity, other dialects' content is shown with its losses said."""

from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.easemob.content import read, record_body, write
from adapters.files import FileAddresses
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
    Tenant,
    Text,
    Video,
)

FILES = FileAddresses(Tenant(7, "tenant", b"0" * 32), "http://here", "/org/app/chatfiles/")
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
SECONDS = st.none() | st.integers(0, 9999) | st.floats(0, 1e6) | st.integers(0, 9999).map(str)
LENGTH = st.none() | st.integers(0, 2**63 - 1) | st.integers(0, 9999).map(str)
OPTIONAL_TEXT = st.none() | TEXT
DEGREES = st.floats(-180, 180) | st.integers(-180, 180) | st.floats(-180, 180).map(str)
SIZE = st.none() | st.fixed_dictionaries({}, optional={"width": PIXELS, "height": PIXELS, "depth": JSON})
FILE = {"filename": OPTIONAL_TEXT, "secret": OPTIONAL_TEXT, "file_length": LENGTH}
CUSTOM_VALUES = st.dictionaries(TEXT, JSON, max_size=4)


def kind(name: str, needed: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"type": st.just(name), **needed}, optional=optional)


URL = {"url": TEXT.filter(bool)}
ANY_MSG = st.one_of(
    kind("txt", {"msg": TEXT}, {}),
    kind("text", {"msg": TEXT}, {}),
    kind("img", URL, {**FILE, "size": SIZE}),
    kind("audio", URL, {**FILE, "length": SECONDS, "Length": SECONDS}),
    kind(
        "video", URL, {**FILE, "length": SECONDS, "thumb": OPTIONAL_TEXT, "thumb_secret": OPTIONAL_TEXT, "size": SIZE}
    ),
    kind("file", URL, FILE),
    kind("loc", {"lat": DEGREES, "lng": DEGREES}, {"addr": OPTIONAL_TEXT}),
    kind("cmd", {"action": TEXT}, {"param": JSON}),
    kind(
        "custom",
        {},
        {
            "customEvent": st.none() | st.from_regex(r"[a-zA-Z0-9\-_/. ]{1,32}", fullmatch=True),
            "customExts": st.none() | CUSTOM_VALUES | st.lists(CUSTOM_VALUES, max_size=3),
        },
    ),
)
UNKNOWN_FIELDS = st.dictionaries(TEXT.filter(lambda name: not name.isascii()), JSON, max_size=2)


def stored(content: Content, dialect: str, leftovers: dict[str, Any] | None = None) -> Message:
    """The message as it comes back from the store."""
    message = Message("ann", content, dialect, leftovers=leftovers)
    return msgspec.msgpack.decode(msgspec.msgpack.encode(message), type=Message)


def canonical(value: Any) -> bytes:
    """JSON text with sorted names: 480 and 480.0 differ."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


@given(ANY_MSG, UNKNOWN_FIELDS)
def test_the_same_dialect_in_and_out_is_the_identity(msg: dict[str, Any], unknown: dict[str, Any]) -> None:
    msg = {**unknown, **msg}
    content, leftovers = read(msg)
    losses: list[str] = []
    assert canonical(write(stored(content, "easemob", leftovers), losses)) == canonical(msg)
    assert losses == []


@given(TEXT, st.dictionaries(TEXT, JSON, max_size=4))
def test_a_type_that_nobody_knows_is_kept_where_it_is_allowed(name: str, fields: dict[str, Any]) -> None:
    msg = {**fields, "type": "x" + name}
    content, leftovers = read(msg, strict=False)
    assert isinstance(content, Custom)
    assert canonical(write(stored(content, "easemob", leftovers), [])) == canonical(msg)


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


SEEDED: list[tuple[dict[str, Any], Content]] = [
    (
        {"type": "audio", "url": "u", "filename": "testaudio.amr", "length": 10, "secret": "s"},
        Audio(url="u", name="testaudio.amr", secret="s", length_seconds=10.0),
    ),
    (
        {
            "type": "video", "filename": "testvideo.mp4", "thumb": "t", "length": 0, "secret": "s", "file_length": 58103,
            "thumb_secret": "ts", "url": "u",
        },
        Video("u", "testvideo.mp4", "s", 58103, 0.0, "t", "ts"),
    ),
    ({"type": "file", "url": "u", "filename": "f", "secret": "s", "file_length": 3}, File("u", "f", "s", 3)),
    ({"type": "loc", "lat": 39.966, "lng": 116.322, "addr": "中国"}, Location(39.966, 116.322, "中国")),
    ({"type": "cmd", "action": "action1"}, Signal("action1")),
    ({"type": "cmd", "action": "a", "param": {"a": True, "b": 1}}, Signal("a", {"a": True, "b": 1})),
    (
        {"type": "custom", "customEvent": "gift_1", "customExts": {"name": "flower", "size": 16}},
        Custom("gift_1", {"name": "flower", "size": 16}),
    ),
    ({"type": "custom", "customEvent": "a-B_9/. c"}, Custom("a-B_9/. c")),
]  # fmt: skip


@pytest.mark.parametrize(("msg", "content"), SEEDED)
def test_what_the_vendor_documents_is_said_in_neutral_words(msg: dict[str, Any], content: Content) -> None:
    assert read(msg) == (content, None)
    assert write(stored(content, "easemob"), []) == msg


@pytest.mark.parametrize(
    ("msg", "content", "left"),
    [
        ({"type": "text", "msg": "hi"}, Text("hi"), {"msg": {"type": "text"}}),
        ({"type": "txt", "msg": "hi", "colour": 3}, Text("hi"), {"msg": {"colour": 3}}),
        ({"type": "img", "url": "u", "size": {"width": 480.0}}, Image("u", width=480.0), {"msg": {"size": {"width": 480.0}}}),
        ({"type": "img", "url": "u", "file_length": "12"}, Image("u", size_bytes=12), {"msg": {"file_length": "12"}}),
        ({"type": "img", "url": "u", "size": {}}, Image("u"), {"msg": {"size": {}}}),
        ({"type": "img", "url": "u", "secret": None}, Image("u"), {"msg": {"secret": None}}),
        ({"type": "audio", "url": "u", "Length": 10}, Audio("u", length_seconds=10.0), {"msg": {"Length": 10}, "absent": ["length"]}),
        ({"type": "loc", "lat": "39.9", "lng": "-1e1", "addr": "a"}, Location(39.9, -10.0, "a"), {"msg": {"lat": "39.9", "lng": "-1e1"}}),
        ({"type": "cmd", "action": "a", "param": [1]}, Signal("a"), {"msg": {"param": [1]}}),
        ({"type": "custom"}, Custom("custom"), {"absent": ["customEvent"]}),
        (
            {"type": "custom", "customEvent": "e", "customExts": [{"a": "1"}, {"b": 2}]},
            Custom("e", {"a": "1", "b": 2}),
            {"msg": {"customExts": [{"a": "1"}, {"b": 2}]}},
        ),
    ],
)  # fmt: skip
def test_what_only_this_dialect_says_is_left_over(msg: dict[str, Any], content: Content, left: dict[str, Any]) -> None:
    assert read(msg) == (content, left)


@pytest.mark.parametrize(
    ("msg", "field"),
    [
        ({}, "type"),
        ({"type": None}, "type"),
        ({"type": 1}, "type"),
        ({"type": "audio"}, "url"),
        ({"type": "audio", "url": "u", "length": "long"}, "length"),
        ({"type": "audio", "url": "u", "length": -1}, "length"),
        ({"type": "audio", "url": "u", "Length": []}, "Length"),
        ({"type": "video", "url": "u", "thumb": 1}, "thumb"),
        ({"type": "video", "url": "u", "size": []}, "size"),
        ({"type": "file", "filename": "f"}, "url"),
        ({"type": "loc", "lng": 1}, "lat"),
        ({"type": "loc", "lat": "north", "lng": 1}, "lat"),
        ({"type": "loc", "lat": "nan", "lng": 1}, "lat"),
        ({"type": "loc", "lat": "1_0", "lng": 1}, "lat"),
        ({"type": "loc", "lat": "1e999", "lng": 1}, "lat"),
        ({"type": "loc", "lat": 1, "lng": True}, "lng"),
        ({"type": "loc", "lat": 1, "lng": 1, "addr": 5}, "addr"),
        ({"type": "cmd"}, "action"),
        ({"type": "cmd", "action": {}}, "action"),
        ({"type": "custom", "customEvent": 1}, "customEvent"),
        ({"type": "custom", "customEvent": ""}, "customEvent"),
        ({"type": "custom", "customEvent": "x" * 33}, "customEvent"),
        ({"type": "custom", "customEvent": "a:b"}, "customEvent"),
        ({"type": "custom", "customEvent": "a\n"}, "customEvent"),
        ({"type": "custom", "customEvent": "é"}, "customEvent"),
        ({"type": "custom", "customEvent": "e", "customExts": "x"}, "customExts"),
        ({"type": "custom", "customEvent": "e", "customExts": ["x"]}, "customExts"),
        ({"type": "custom", "customEvent": "e", "customExts": {str(n): "" for n in range(17)}}, "customExts"),
        ({"type": "custom", "customEvent": "e", "customExts": [{str(n): ""} for n in range(17)]}, "customExts"),
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


@pytest.mark.parametrize(
    ("msg", "field"),
    [
        ({"type": "custom", "customEvent": 1}, "customEvent"),
        ({"type": "custom", "customExts": 1}, "customExts"),
        ({"type": 1}, "type"),
        ({}, "type"),
    ],
)
def test_what_can_be_read_in_no_way_is_refused_though_all_else_is_allowed(msg: dict[str, Any], field: str) -> None:
    with pytest.raises(Failure) as raised:
        read(msg, strict=False)
    assert raised.value.field == field


def test_more_is_allowed_where_the_documents_are_not_enforced() -> None:
    values = {str(number): number for number in range(40)}
    assert read({"type": "custom", "customEvent": "a:b", "customExts": values}, strict=False) == (
        Custom("a:b", values),
        None,
    )


RECORDED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"type": "text", "msg": "hi"}, {"type": "txt", "msg": "hi"}),
    ({"type": "loc", "lat": "39.90", "lng": "116", "addr": "a"}, {"type": "loc", "lat": 39.9, "lng": 116, "addr": "a"}),
    (
        {"type": "custom", "customEvent": "gift_1", "customExts": {"name": "flower", "size": 16}},
        {
            "type": "custom",
            "customEvent": "gift_1",
            "customExts": [{"name": "flower"}, {"size": "16"}],
            "v2:customExts": {"name": "flower", "size": "16"},
        },
    ),
    ({"type": "cmd", "action": "run"}, {"type": "cmd", "action": "run"}),
]


@pytest.mark.parametrize(("msg", "body"), RECORDED)
def test_history_has_a_form_of_its_own(msg: dict[str, Any], body: dict[str, Any]) -> None:
    content, leftovers = read(msg)
    assert record_body(stored(content, "easemob", leftovers), FILES, []) == body


def test_every_kind_of_content_is_shown() -> None:
    assert {type(content) for content, _, _ in FOREIGN} == set(Content.__args__)
