"""What goes in by this dialect comes out of it as it was; what other dialects sent is readable."""

from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.chat21 import content
from adapters.chat21.rows import Timeline, row, timeline
from adapters.files import FileAddresses
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
    Window,
)

IDS = Ids(b"0" * 32, 1)
FILES = FileAddresses(Tenant(7, "tenant", b"0" * 32), "http://here", "/api/default/files?id=", "secret")
TIME = 1_750_000_000_000
ASSIGNED = {"_id", "message_id", "sender", "recipient", "app_id", "status", "timelineOf", "conversWith"}

numbers = st.integers(-(1 << 63), (1 << 64) - 1) | st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
scalars = st.none() | st.booleans() | numbers | texts
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=2), inner, max_size=3)
)
truthy_values = values.filter(lambda value: bool(value) or isinstance(value, (dict, list)))
kinds = st.sampled_from(["text", "image", "file", "audio", "video", "html", "frame", "custom", ""]) | values
descriptions = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("src", "width", "height", "duration", "name", "type", "size", "uid"), scalars)
)
bodies = st.fixed_dictionaries(
    {
        "sender_fullname": st.just("Andrea Leo") | truthy_values,
        "recipient_id": st.just("B2"),
        "recipient_fullname": st.just("B2") | truthy_values,
    },
    optional={
        "text": values,
        "type": kinds,
        "channel_type": st.sampled_from(["direct", "group", "weird"]) | values,
        "attributes": st.dictionaries(st.text("ab", max_size=2), values, max_size=3) | values,
        "metadata": descriptions | values,
        "timestamp": numbers | values,
        # What the vendor's route does not read.
        "group": values,
        "status": values,
        "message_id": values,
        "timelineOf": values,
        "absent": values,
        "recipient": values,
    },
)


FIELDS = (
    "sender_fullname",
    "recipient_fullname",
    "sender_id",
    "channel_type",
    "type",
    "attributes",
    "metadata",
    "timestamp",
    "unknown",
)


def as_the_vendor_keeps_it(body: dict[str, Any]) -> dict[str, Any]:
    """The fields that the vendor's server takes out of a body and stores."""
    kept: dict[str, Any] = {
        name: body[name] for name in ("text", "type", "sender_fullname", "recipient_fullname") if name in body
    }
    kept["channel_type"] = "direct"
    for name in ("channel_type", "attributes", "metadata", "timestamp"):
        value = body.get(name)
        if value or isinstance(value, (dict, list)):
            kept[name] = value
    return kept


def stored(message: Message) -> Stored:
    """The message after it lay in the store."""
    packed = msgspec.msgpack.encode(message)
    return Stored(IDS.message(77, 0, 1), 1, TIME, MessageKind.MESSAGE, msgspec.msgpack.decode(packed, type=Message))


def rows_of(page: Timeline) -> list[Any]:
    answer: dict[str, Any] = orjson.loads(page.json)
    assert answer.pop("success") is True
    (rows,) = answer.values()
    return list(rows)


def read(message: Message, *, owner: str = "A1", other: str = "B2", group: bool = False) -> dict[str, Any]:
    """What the history answers for it, read as JSON."""
    kept = stored(message)
    page = timeline(Window([kept]), IDS, FILES, app="default", owner=owner, other=other, group=group)
    result: dict[str, Any] = rows_of(page)[0]
    # A conversation's row says the same, and so does the message when it is read again.
    named = "" if group else None
    assert result == orjson.loads(
        orjson.dumps(row(kept, IDS, FILES, {}, app="default", owner=owner, other=other, group=named))
    )
    assert timeline(Window([kept]), IDS, FILES, app="default", owner=owner, other=other, group=group) == page
    return result


def exactly(value: Any) -> Any:
    """A form in which equality tells true from 1, but not 1.0 from 1, as JSON's one kind of number."""
    if isinstance(value, dict):
        return {name: exactly(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [exactly(inner) for inner in value]
    return ("bool", value) if isinstance(value, bool) else value


@settings(max_examples=400)
@given(bodies, st.booleans(), st.booleans())
def test_history_gives_back_what_was_sent(body: dict[str, Any], group: bool, chosen: bool) -> None:
    message = content.read(body, FILES, "A1", "B2", group=group, chosen=chosen and group)
    row = read(message, group=group)
    expected = {"timestamp": TIME, **as_the_vendor_keeps_it(body)}
    assert exactly({name: value for name, value in row.items() if name not in ASSIGNED}) == exactly(expected)
    assert (row["sender"], row["recipient"], row["app_id"]) == ("A1", "B2", "default")
    assert (row["timelineOf"], row["conversWith"], row["status"]) == ("A1", "B2", 150 if group else 100)


@settings(max_examples=400)
@given(
    texts | values,
    st.dictionaries(st.sampled_from(FIELDS), st.sampled_from(["text", "direct", "B2"]) | truthy_values, max_size=2),
)
def test_the_short_way_says_the_same(text: Any, others: dict[str, Any]) -> None:
    body = {"sender_fullname": "A One", "recipient_id": "B2", "recipient_fullname": "B Two", "text": text, **others}
    message = content.read(body, FILES, "A1", "B2", group=False, chosen=False)
    short = content.read_plain(body, "A1", "B2")
    if short is not None:
        assert exactly(msgspec.structs.asdict(short)) == exactly(msgspec.structs.asdict(message))
        assert content.losses(message, FILES) == []


@pytest.mark.parametrize("fields", [{}, {"type": "text"}, {"channel_type": "direct"}, {"recipient_fullname": "B2"}])
def test_a_plain_text_goes_the_short_way(fields: dict[str, str]) -> None:
    names = {"sender_fullname": "A One", "recipient_id": "B2", "recipient_fullname": "B Two"}
    body = {**names, "text": "Hi", **fields}
    short = content.read_plain(body, "A1", "B2")
    assert short is not None
    assert short == content.read(body, FILES, "A1", "B2", group=False, chosen=False)


def send(**fields: Any) -> Message:
    body = {"sender_fullname": "A One", "recipient_id": "B2", "recipient_fullname": "B Two", **fields}
    return content.read(body, FILES, "A1", "B2", group=False, chosen=False)


@pytest.mark.parametrize(
    ("fields", "content"),
    [
        ({"text": "hello", "type": "text"}, Text("hello")),
        ({"text": "hello"}, Text("hello")),
        ({}, Text("")),
        ({"text": None, "type": None}, Text("")),
        ({"text": 5}, Text("5")),
        ({"text": ["a"]}, Text("")),
        ({"text": "<b>a</b>", "type": "html"}, Html("<b>a</b>")),
        (
            {"type": "image", "metadata": {"src": "https://x/y.png", "width": 200, "height": 100.5}},
            Image("https://x/y.png", width=200, height=100.5),
        ),
        (
            {"type": "image", "metadata": {"src": "u", "width": True, "height": "3", "name": 4, "type": "image/png"}},
            Image("u", media_type="image/png"),
        ),
        ({"type": "image", "text": "no picture"}, Custom("image", None, "no picture")),
        ({"type": "image", "metadata": {"src": 5}}, Custom("image", {"src": 5})),
        ({"type": "file", "metadata": {"src": "u", "name": "a.pdf", "size": 9}}, File("u", "a.pdf", size_bytes=9)),
        ({"type": "audio", "metadata": {"src": "u", "duration": 3}}, Audio("u", length_seconds=3)),
        ({"type": "file", "metadata": {"src": "u", "type": "audio/mpeg"}}, Audio("u", media_type="audio/mpeg")),
        ({"type": "file", "metadata": {"src": "u", "type": "video/mp4"}}, Video("u", media_type="video/mp4")),
        ({"type": "file", "metadata": {"src": "u", "type": 5}}, File("u")),
        ({"type": "image", "metadata": {"src": "u", "type": "audio/x"}}, Image("u", media_type="audio/x")),
        ({"type": "video", "metadata": {"src": "u", "duration": 3, "width": 4}}, Video("u", length_seconds=3, width=4)),
        ({"type": "frame", "text": "t", "metadata": {"src": "u"}}, Custom("frame", {"src": "u"}, "t")),
    ],
)
def test_other_dialects_get_the_content_that_was_meant(fields: dict[str, Any], content: Content) -> None:
    assert send(**fields).content == content


def test_attributes_names_and_nothing_twice_are_stored() -> None:
    message = send(text="hi", type="text", attributes={"x": 1})
    assert message.extension == {"x": 1}
    assert message.sender_name == "A One"
    assert message.leftovers == {"recipient_fullname": "B Two"}
    image = send(type="image", text="", metadata={"src": "u", "width": 200, "height": 200})
    assert image.leftovers == {"recipient_fullname": "B Two"}


foreign: list[tuple[Content, dict[str, Any], str]] = [
    (Text("testmessage"), {"text": "testmessage", "type": "text"}, ""),
    (Html("<i>a</i>"), {"text": "<i>a</i>", "type": "html"}, ""),
    (
        Image("https://x/y.jpg", "y.jpg", None, 1024, 480.0, 720.0),
        {
            "text": "y.jpg",
            "type": "image",
            "metadata": {"src": "https://x/y.jpg", "width": 480, "height": 720, "name": "y.jpg", "size": 1024},
        },
        "",
    ),
    (
        Image("u", width=1e308, height=float(1 << 64)),
        {"text": "", "type": "image", "metadata": {"src": "u", "width": 1e308, "height": float(1 << 64)}},
        "",
    ),
    (Image("u", secret="s"), {"text": "", "type": "image", "metadata": {"src": "u"}}, "secret"),
    (
        File("u", "a.pdf", media_type="application/pdf"),
        {"text": "a.pdf", "type": "file", "metadata": {"src": "u", "name": "a.pdf", "type": "application/pdf"}},
        "",
    ),
    (
        Audio("u", length_seconds=10.0),
        {"text": "", "type": "file", "metadata": {"src": "u", "duration": 10, "type": "audio/*"}},
        "metadata.type",
    ),
    (
        Audio("u", media_type="audio/amr"),
        {"text": "", "type": "file", "metadata": {"src": "u", "type": "audio/amr"}},
        "",
    ),
    (
        File("u"),
        {"text": "", "type": "file", "metadata": {"src": "u", "type": "application/octet-stream"}},
        "metadata.type",
    ),
    (
        Video("u", thumbnail_url="t", thumbnail_secret="s", width=1.5, media_type="video/mp4"),
        {"text": "", "type": "file", "metadata": {"src": "u", "width": 1.5, "thumbnail": "t", "type": "video/mp4"}},
        "secret",
    ),
    (
        Location(52.5, 13.4, "Berlin"),
        {"text": "Berlin", "type": "text", "metadata": {"latitude": 52.5, "longitude": 13.4}},
        "location",
    ),
    (
        Location(52.5, 13.4),
        {"text": "52.5, 13.4", "type": "text", "metadata": {"latitude": 52.5, "longitude": 13.4}},
        "location",
    ),
    (Custom("card", {"id": 1}), {"text": "card", "type": "card", "metadata": {"id": 1}}, ""),
    (Custom("image", None, "words"), {"text": "words", "type": "custom"}, "type"),
    (Signal("wave", {"n": 1}), {"text": "wave", "type": "text", "metadata": {"n": 1}}, "signal"),
]


@pytest.mark.parametrize(("content", "expected", "loss"), foreign)
def test_other_dialects_messages_are_readable(content: Content, expected: dict[str, Any], loss: str) -> None:
    message = Message("user1", content, "elsewhere", {"k": "v"}, leftovers={"text": "not for this dialect"})
    twice = Window([stored(message), stored(message)])
    page = timeline(twice, IDS, FILES, app="default", owner="user2", other="user1", group=False)
    row = rows_of(page)[1]
    common = {"sender": "user1", "sender_fullname": "user1", "recipient": "user2", "recipient_fullname": "user2"}
    assert {name: row[name] for name in common} == common
    assert (row["status"], row["channel_type"], row["attributes"]) == (150, "direct", {"k": "v"})
    assert {name: row[name] for name in ("text", "type", "metadata") if name in row} == expected
    assert [text.partition(":")[0] for text in page.losses] == ([loss] if loss else [])


def test_nothing_is_lost_of_own_messages() -> None:
    message = send(type="file", metadata={"src": "u"})
    page = timeline(Window([stored(message)]), IDS, FILES, app="default", owner="A1", other="B2", group=False)
    assert rows_of(page)[0]["metadata"] == {"src": "u"}
    assert page.losses == ()


def test_a_notice_carries_the_vendors_label() -> None:
    event = Event("member_joined", {"group": "G", "member": "B2", "name": "Bea Two"}, "Bea Two joined")
    fields = content.write(event, {"k": 1}, [])
    parameters = {"member_id": "B2", "fullname": "Bea Two", "firstname": "Bea", "lastname": "Two"}
    label = {"key": "MEMBER_JOINED_GROUP", "parameters": parameters}
    assert fields == {
        "text": "Bea added to group",
        "type": "text",
        "recipient_fullname": "G",
        "attributes": {"k": 1, "subtype": "info", "updateconversation": True, "messagelabel": label},
    }
    assert content.write(Event("renamed"), None, [])["attributes"]["messagelabel"] == {
        "key": "RENAMED",
        "parameters": {},
    }


def test_copies_of_one_message_share_its_id_and_differ_in_their_own() -> None:
    message = send(text="hi")
    sent, received = read(message), read(message, owner="B2", other="A1")
    assert sent["message_id"] == received["message_id"]
    assert IDS.from_uuid(sent["message_id"]) == IDS.message(77, 0, 1)
    assert sent["_id"] != received["_id"]
    assert len(sent["_id"]) == len(received["_id"]) == 24
    assert (sent["status"], received["status"]) == (100, 150)
    assert (received["sender"], received["recipient"]) == ("A1", "B2")


def test_a_message_to_oneself_ends_as_delivered() -> None:
    row = read(
        content.read({"sender_fullname": "A", "recipient_fullname": "A"}, FILES, "A1", "A1", group=False, chosen=False),
        other="A1",
    )
    assert (row["sender"], row["recipient"], row["status"]) == ("A1", "A1", 150)


def test_a_groups_copies_are_all_delivered_and_name_the_group() -> None:
    message = Message("user1", Text("hi"), "elsewhere")
    row = read(message, owner="user1", other="group-7", group=True)
    assert (row["recipient"], row["recipient_fullname"], row["conversWith"]) == ("group-7", "group-7", "group-7")
    assert (row["channel_type"], row["status"]) == ("group", 150)


def test_both_sides_of_a_conversation_read_one_remembered_message() -> None:
    kept = stored(Message("A1", Text("hi"), "elsewhere"))
    own_page = timeline(Window([kept]), IDS, FILES, app="default", owner="A1", other="B2", group=False)
    their_page = timeline(Window([kept]), IDS, FILES, app="tilechat", owner="B2", other="A1", group=False)
    assert own_page.check != their_page.check
    (own,), (theirs,) = rows_of(own_page), rows_of(their_page)
    assert (own["status"], own["timelineOf"], own["conversWith"], own["app_id"]) == (100, "A1", "B2", "default")
    assert (theirs["status"], theirs["timelineOf"], theirs["conversWith"], theirs["app_id"]) == (
        150,
        "B2",
        "A1",
        "tilechat",
    )
    assert own["recipient"] == theirs["recipient"] == "B2"
    assert own["message_id"] == theirs["message_id"]
    assert own["_id"] != theirs["_id"]


def test_an_empty_timeline() -> None:
    page = timeline(Window(), IDS, FILES, app="default", owner="A1", other="B2", group=False)
    assert page.json == b'{"success":true,"result":[]}'
