"""What goes in by this dialect comes out of it as it was; what other dialects sent is readable."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.applozic.content import API, WEB, canonical, read, read_bare, write
from adapters.applozic.wire import whole
from adapters.files import FileAddresses
from core.files import file_reference
from core.ids import new_file_id
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

TENANT = Tenant(7, "test", b"0" * 32)
FILES = FileAddresses(TENANT, "http://gateway.test:8080", "/rest/ws/aws/file/", "secret")

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
whole_numbers = st.integers(-(1 << 63), (1 << 63) - 1)
scalars = st.none() | st.booleans() | whole_numbers | st.floats(allow_nan=False, allow_infinity=False) | texts
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=2), inner, max_size=3)
)
places = st.builds(
    lambda latitude, longitude: f'{{"lat": {latitude}, "lon":"{longitude}"}}',
    st.floats(-90, 90),
    st.integers(-180, 180),
)
own_file = new_file_id(TENANT.number)
addresses = st.sampled_from(
    [
        "https://x.test/a.png",
        FILES.prefix + own_file,
        f"https://other.test{FILES.base}{own_file}",
        f"{FILES.prefix}{own_file}?secret=s%20t",
        "",
    ]
)
file_metas = st.fixed_dictionaries(
    {},
    optional={
        "key": texts,
        "userKey": texts,
        "blobKey": texts | st.just(own_file) | values,
        "thumbnailBlobKey": texts,
        "name": texts | values,
        "url": addresses | values,
        "thumbnailUrl": st.just("https://x.test/t.png") | values,
        "size": whole_numbers | st.just("12") | values,
        "contentType": st.sampled_from(["image/png", "audio/mpeg", "video/mp4", "application/pdf", ""]) | values,
        "createdAtTime": whole_numbers,
        "unknown": values,
    },
)
kinds = st.sampled_from([0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13, 101, 102, 103]) | whole_numbers
metadata = st.dictionaries(
    st.sampled_from(["category", "action", "customEvent", "AL_REPLY", "k"]) | texts,
    st.sampled_from(["HIDDEN", "PUSHNOTIFICATION", "ARCHIVE", "0", "7"]) | texts,
    max_size=4,
)
bodies = st.fixed_dictionaries(
    {"message": texts | places},
    optional={
        "contentType": kinds,
        "metadata": metadata,
        "fileMeta": file_metas,
        "source": whole_numbers,
        "timeToLive": whole_numbers,
        "scheduledAt": whole_numbers,
        "topicId": texts,
        "fileMetaKey": texts,
        "senderName": texts,
        "shared": st.booleans(),
        "sendToDevice": st.booleans(),
        "storeOnDevice": st.booleans(),
    },
)
untidy = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(("message", "contentType", "metadata", "fileMeta", "source", "shared", "topicId"), values),
)
DEFAULTS = {
    "contentType": 0,
    "source": 1,
    "metadata": {},
}
FIELDS = (
    "to",
    "groupId",
    "clientGroupId",
    "key",
    "contentType",
    "metadata",
    "fileMeta",
    "source",
    "timeToLive",
    "scheduledAt",
    "topicId",
    "fileMetaKey",
    "senderName",
    "shared",
    "unknown",
)
SWITCHES = ("shared", "sendToDevice", "storeOnDevice")


def kept(body: dict[str, Any]) -> Message:
    """The message after it lay in the store."""
    said = read(body, FILES, [])
    packed = msgspec.msgpack.encode(
        Message("alice", said.content, "applozic", said.extension, leftovers=said.leftovers)
    )
    return msgspec.msgpack.decode(packed, type=Message)


def shown(body: dict[str, Any], files: FileAddresses = FILES) -> dict[str, Any]:
    losses: list[str] = []
    fields = write(kept(body), files, losses)
    assert losses == []
    return fields


def without_nulls(value: dict[str, Any]) -> dict[str, Any]:
    return {name: part for name, part in value.items() if part is not None}


def exactly(value: Any) -> Any:
    """A form in which equality tells true from 1, and 1 from 1.0."""
    if isinstance(value, dict):
        return {name: exactly(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [exactly(inner) for inner in value]
    return (type(value).__name__, value)


def as_reader_finds_it(meta: dict[str, Any]) -> dict[str, Any]:
    """The file's description, at the address by which the reader called."""
    found = dict(meta)
    for name in ("url", "thumbnailUrl"):
        url = found.get(name)
        if isinstance(url, str) and url.startswith("https://other.test"):
            found[name] = url.replace("https://other.test", FILES.origin)
    return found


@settings(max_examples=500)
@given(bodies)
def test_a_list_gives_back_what_was_sent(body: dict[str, Any]) -> None:
    expected = {name: value for name, value in {**DEFAULTS, **body}.items() if name not in SWITCHES or value}
    meta = without_nulls(expected.pop("fileMeta", {}))
    if meta:
        expected["fileMeta"] = meta if expected["contentType"] == 10 else as_reader_finds_it(meta)
    assert exactly(shown(body)) == exactly(expected)


@settings(max_examples=500)
@given(
    texts | values,
    st.dictionaries(st.sampled_from(FIELDS), texts | whole_numbers | st.just(value=True) | values, max_size=2),
)
def test_the_short_way_says_the_same(text: Any, others: dict[str, Any]) -> None:
    body = {"message": text, **others}
    for source in (API, WEB):
        losses: list[str] = []
        said = read(body, FILES, losses, source=source)
        assert (read_bare(body, source=source) or said) == said
        assert read_bare(body, source=source) is None or not losses


def test_a_bare_text_goes_the_short_way() -> None:
    assert read_bare({"to": "bob", "message": "Hi", "key": "1"}) is not None


@settings(max_examples=500)
@given(untidy)
def test_what_is_sent_untidily_is_kept_in_the_vendors_types(body: dict[str, Any]) -> None:
    expected = canonical(body, [])
    if "fileMeta" in expected and expected["contentType"] != 10:  # a notice is no file
        expected["fileMeta"] = as_reader_finds_it(expected["fileMeta"])
    assert exactly(shown(body)) == exactly(expected)


@pytest.mark.parametrize(
    ("body", "content", "left"),
    [
        ({"message": "hi"}, Text("hi"), None),
        ({"message": "hi", "contentType": 0, "metadata": {}}, Text("hi"), None),
        ({"message": None, "contentType": None, "fileMeta": None, "source": None}, Text(""), None),
        ({"message": 5}, Text("5"), None),
        ({"message": "<b>a</b>", "contentType": "3"}, Html("<b>a</b>"), None),
        ({"message": "http://x", "contentType": 5}, Text("http://x"), {"contentType": 5}),
        ({"message": '{"lat":52.5,"lon":13}', "contentType": 2}, Location(52.5, 13.0), None),
        (
            {"message": '{"lat": "52.5", "lon": 13}', "contentType": 2},
            Location(52.5, 13.0),
            {"message": '{"lat": "52.5", "lon": 13}'},
        ),
        ({"message": "nowhere", "contentType": 2}, Text("nowhere"), {"contentType": 2}),
        ({"message": '{"lat":1e400,"lon":1}', "contentType": 2}, Text('{"lat":1e400,"lon":1}'), {"contentType": 2}),
        ({"message": "m", "contentType": 101}, Custom("custom", None, "m"), None),
        ({"message": "n", "contentType": 101, "metadata": {"customEvent": "order"}}, Custom("order", None, "n"), None),
        ({"message": "m", "contentType": 55}, Custom("type 55", None, "m"), {"contentType": 55}),
        ({"message": "m", "contentType": -1}, Custom("type -1", None, "m"), {"contentType": -1}),
        (
            {"message": "ann left", "contentType": 10, "metadata": {"action": "3"}},
            Event("member_left", None, "ann left"),
            None,
        ),
        ({"message": "m", "source": 3}, Text("m"), {"source": 3}),
        (
            {"contentType": 1, "fileMeta": {"url": "u", "name": "a.png", "size": 5, "contentType": "image/png"}},
            Image("u", "a.png", size_bytes=5, media_type="image/png"),
            None,
        ),
        (
            {"contentType": 1, "fileMeta": {"url": "u", "size": "5", "key": "k"}},
            File("u", size_bytes=5),
            {"fileMeta": {"size": "5", "key": "k"}},
        ),
        ({"contentType": 8, "fileMeta": {"url": "u"}}, Audio("u"), {"contentType": 8}),
        (
            {"contentType": 9, "fileMeta": {"url": "u", "thumbnailUrl": "t"}},
            Video("u", thumbnail_url="t"),
            {"contentType": 9},
        ),
        (
            {"contentType": 1, "fileMeta": {"blobKey": "b"}},
            File("b"),
            {"fileMeta": {"blobKey": "b"}, "absent": ["url"]},
        ),
        (
            {"contentType": 1, "fileMeta": {"blobKey": own_file, "contentType": "image/png"}},
            Image(file_reference(own_file), media_type="image/png"),
            {"absent": ["url", "thumbnailBlobKey", "thumbnailUrl"]},
        ),
    ],
)
def test_other_dialects_get_the_content_that_was_meant(
    body: dict[str, Any], content: Content, left: dict[str, Any] | None
) -> None:
    said = read(body, FILES, [])
    assert (said.content, said.leftovers) == (content, left)


def test_metadata_is_the_extension_and_its_values_are_texts() -> None:
    said = read({"message": "hi", "metadata": {"a": 1, "b": True, "c": {"d": [1]}, "e": None, "f": "x"}}, FILES, [])
    assert said.extension == {"a": "1", "b": "true", "c": '{"d":[1]}', "f": "x"}
    losses: list[str] = []
    assert read({"metadata": [1]}, FILES, losses).extension is None
    assert losses == ["metadata: dropped, it is no map"]


@pytest.mark.parametrize(
    ("body", "hidden", "aside"),
    [
        ({"metadata": {"category": "HIDDEN"}}, True, False),
        ({"metadata": {"category": "PUSHNOTIFICATION"}}, True, False),
        ({"metadata": {"category": "ARCHIVE"}}, False, True),
        ({"metadata": {"category": "hidden"}}, False, False),
        ({"contentType": 11}, True, False),
        ({}, False, False),
    ],
)
def test_who_gets_it(body: dict[str, Any], hidden: bool, aside: bool) -> None:
    audience = read({"message": "m", **body}, FILES, []).audience
    assert (audience.hidden, audience.aside) == (hidden, aside)


def test_files_of_the_gateways_own_are_where_each_reader_called() -> None:
    meta = {
        "url": f"https://other.test{FILES.base}{own_file}?secret=s",
        "thumbnailUrl": f"https://other.test{FILES.base}{own_file}.thumbnail?secret=s",
        "blobKey": own_file,
        "contentType": "image/png",
    }
    body = {"contentType": 1, "fileMeta": meta}
    assert kept(body).content == Image(file_reference(own_file), secret="s", media_type="image/png")
    third = FileAddresses(TENANT, "https://third.test", FILES.base, FILES.secret)
    assert shown(body, third)["fileMeta"] == {name: value.replace("other", "third") for name, value in meta.items()}
    stranger = {"url": FILES.prefix + new_file_id(8)}
    assert kept({"contentType": 1, "fileMeta": stranger}).content == File(stranger["url"])


def test_a_text_beside_a_file_is_said_to_stay_here() -> None:
    losses: list[str] = []
    read({"contentType": 1, "message": "look", "fileMeta": {"url": "u"}}, FILES, losses)
    assert losses == ["message: the text beside a file stays in this dialect"]


FILE_FIELDS = {"message": "", "contentType": 1}
foreign: list[tuple[Content, dict[str, Any], list[str]]] = [
    (Text("hi"), {"message": "hi", "contentType": 0}, []),
    (Html("<i>a</i>"), {"message": "<i>a</i>", "contentType": 3}, []),
    (
        Image("https://x.test/y.jpg", "y.jpg", None, 1024, 480.0, 720.0, "image/jpeg"),
        {
            **FILE_FIELDS,
            "fileMeta": {"url": "https://x.test/y.jpg", "name": "y.jpg", "size": 1024, "contentType": "image/jpeg"},
        },
        ["size in pixels"],
    ),
    (
        Image("https://x.test/y%20z.jpg", secret="s"),
        {**FILE_FIELDS, "fileMeta": {"url": "https://x.test/y%20z.jpg", "name": "y z.jpg", "contentType": "image/*"}},
        ["secret", "fileMeta.contentType", "fileMeta.name"],
    ),
    (
        Audio("u", "a.amr", length_seconds=3.0, media_type="audio/amr"),
        {**FILE_FIELDS, "fileMeta": {"url": "u", "name": "a.amr", "contentType": "audio/amr"}},
        ["length"],
    ),
    (
        Video("u", "a", thumbnail_url="t", thumbnail_secret="s", media_type="video/mp4"),
        {**FILE_FIELDS, "fileMeta": {"url": "u", "thumbnailUrl": "t", "name": "a", "contentType": "video/mp4"}},
        ["thumbnail secret"],
    ),
    (
        File("http://[", "", media_type="a/b"),
        {**FILE_FIELDS, "fileMeta": {"url": "http://[", "name": "", "contentType": "a/b"}},
        [],
    ),
    (
        File("http://["),
        {**FILE_FIELDS, "fileMeta": {"url": "http://[", "name": "file", "contentType": "application/octet-stream"}},
        ["fileMeta.contentType", "fileMeta.name"],
    ),
    (Location(52.5, 13.0), {"message": '{"lat":52.5,"lon":13}', "contentType": 2}, []),
    (
        Location(52.5, 13.4, "Berlin"),
        {"message": '{"lat":52.5,"lon":13.4,"address":"Berlin"}', "contentType": 2},
        ["address"],
    ),
    (
        Custom("order", {"id": "1"}),
        {"message": "order", "contentType": 101, "metadata": {"k": "v", "id": "1", "customEvent": "order"}},
        [],
    ),
    (
        Custom("order", {"n": 1.5, "k": "w"}, "An order"),
        {"message": "An order", "contentType": 101, "metadata": {"n": "1.5", "k": "w", "customEvent": "order"}},
        ["metadata.n", "metadata.k"],
    ),
    (
        Signal("wave", {"n": 1}),
        {"message": "wave", "contentType": 11, "metadata": {"k": "v", "category": "HIDDEN", "n": "1"}},
        ["type", "metadata.n"],
    ),
    (
        Event("member_joined", {"member_id": "B2"}, "B2 added"),
        {"message": "B2 added", "contentType": 10, "metadata": {"k": "v", "member_id": "B2", "action": "7"}},
        [],
    ),
    (
        Event("eclipse"),
        {"message": "eclipse", "contentType": 10, "metadata": {"k": "v", "notice": "eclipse"}},
        ["metadata.action"],
    ),
]


@pytest.mark.parametrize(("content", "expected", "lost"), foreign)
def test_other_dialects_messages_are_readable(content: Content, expected: dict[str, Any], lost: list[str]) -> None:
    message = Message("user1", content, "elsewhere", {"k": "v"}, leftovers={"message": "not for this dialect"})
    losses: list[str] = []
    fields = write(message, FILES, losses)
    assert fields == {**DEFAULTS, "metadata": {"k": "v"}, **expected}
    assert [loss.partition(":")[0] for loss in losses] == lost


def test_another_dialects_file_of_ours_has_an_address_and_its_secret_here() -> None:
    message = Message("user1", Image(file_reference(own_file), "a.png", "s/t", media_type="image/png"), "elsewhere")
    losses: list[str] = []
    assert write(message, FILES, losses)["fileMeta"] == {
        "url": f"{FILES.prefix}{own_file}?secret=s%2Ft",
        "thumbnailUrl": f"{FILES.prefix}{own_file}.thumbnail?secret=s%2Ft",
        "blobKey": own_file,
        "thumbnailBlobKey": f"{own_file}.thumbnail",
        "name": "a.png",
        "contentType": "image/png",
    }
    assert losses == []


GROUP = {"group": "Tea"}


@pytest.mark.parametrize(
    ("event", "action", "words"),
    [
        (Event("group_created", {**GROUP, "by": "ann"}), "0", "ann created group Tea"),
        (Event("member_joined", {**GROUP, "member": "bob", "by": "ann"}), "1", "ann added bob"),
        (Event("members_joined", {**GROUP, "members": 40, "by": "ann"}), "1", "ann added 40 members"),
        (Event("member_joined", {**GROUP, "member": "bob", "by": "bob"}), "7", "bob joined"),
        (Event("member_left", {**GROUP, "member": "bob", "by": "ann"}), "2", "ann removed bob"),
        (Event("member_left", {**GROUP, "member": "bob", "by": "bob"}), "3", "bob left"),
        (Event("members_left", {**GROUP, "members": 40}), "3", "40 members left"),
        (Event("group_deleted", {**GROUP, "by": "ann"}), "4", "ann deleted group Tea"),
        (Event("group_renamed", GROUP), "5", "Group name changed to Tea"),
        (Event("group_image_changed", GROUP), "6", "Group icon changed"),
        (
            Event("member_role_changed", {**GROUP, "member": "bob", "role": "admin"}, "bob is admin"),
            "8",
            "bob is admin",
        ),
        (Event("group_attributes_changed", GROUP, "Changed"), "9", "Changed"),
        (Event("group_renamed", {"x": "y"}, "Renamed"), "5", "Renamed"),
    ],
)
def test_notices_have_the_vendors_words_and_action(event: Event, action: str, words: str) -> None:
    losses: list[str] = []
    fields = write(Message("system", event, "elsewhere"), FILES, losses)
    assert (fields["message"], fields["contentType"], fields["metadata"]["action"]) == (words, 10, action)
    templated = Message("system", event, "applozic", {"hide": "true"}, leftovers={"message": "As the app words it"})
    fields = write(templated, FILES, losses)
    assert (fields["message"], fields["metadata"]["action"]) == ("As the app words it", action)
    assert fields["metadata"]["hide"] == "true"


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (5, 5),
        ("7", 7),
        (" -5 ", -5),
        (5.0, 5),
        (5.5, None),
        (True, None),
        ("", None),
        ("-", None),
        ("--5", None),
        ("٣", None),
        ("9" * 30, None),
        (1 << 63, None),
        (float("inf"), None),
        ([], None),
        (None, None),
    ],
)
def test_whole_numbers(value: Any, number: int | None) -> None:
    assert whole(value) == number
