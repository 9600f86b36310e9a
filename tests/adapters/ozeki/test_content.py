"""Content both ways."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.ozeki import dates as client_dates
from adapters.ozeki.content import REPORTS, given_fields, own_addresses, plain_text, read, write
from adapters.ozeki.content import losses as losses_of
from adapters.ozeki.files import nowhere
from adapters.ozeki.wire import parse_lenient, read_date, write_date
from core.errors import Failure
from core.model import Audio, Content, Custom, Event, Html, Image, Location, Message, Signal, Tenant, Text, Video
from tests.harness import NOON

UTC_ZONE = ZoneInfo("UTC")
BUDAPEST = ZoneInfo("Europe/Budapest")
SENT = datetime.fromtimestamp(NOON // 1000, UTC).replace(tzinfo=None)

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
dates = st.integers(0, 220_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None))
FIELDS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(
            (
                "message_id",
                "from_connection",
                "from_address",
                "from_station",
                "to_connection",
                "to_address",
                "to_station",
                "text",
            ),
            texts,
        ),
        **dict.fromkeys(("create_date", "valid_until", "time_to_send"), dates),
        **dict.fromkeys(REPORTS, st.booleans()),
        "tags": st.lists(st.tuples(texts, texts), max_size=4),
    },
)


@settings(max_examples=300)
@given(fields=FIELDS, style=st.sampled_from([" ", "T"]), node=st.booleans())
def test_a_message_reads_back_as_it_was_sent(fields: dict[str, Any], style: str, node: bool) -> None:
    wire = {name: value.isoformat(style) if isinstance(value, datetime) else value for name, value in fields.items()}
    if "tags" in wire:
        wire["tags"] = [{n: v} if node and n != "name" else {"name": n, "value": v} for n, v in fields["tags"]]
    losses: list[str] = []
    packed = msgspec.msgpack.encode(read(given_fields(wire, UTC_ZONE, losses), "me"))
    message = msgspec.msgpack.decode(packed, type=Message)
    shown = {**own_addresses(message), **write(message, message.content, NOON, UTC_ZONE, losses)}
    created = fields.get("create_date", SENT)
    defaults = {
        "from_station": "%",
        "to_station": "%",
        "text": "",
        "create_date": created,
        "valid_until": created + timedelta(days=7),
        "time_to_send": SENT,
        "tags": [("Type", "SMS:TEXT")],
        **REPORTS,
    }
    expected = {**defaults, **fields}
    message_id = expected.pop("message_id", None)
    assert message.reference == message_id
    expected["tags"] = [{"name": name, "value": value} for name, value in expected["tags"]]
    assert shown == {
        name: value.isoformat(" ") if isinstance(value, datetime) else value for name, value in expected.items()
    }
    assert losses == []


@pytest.mark.parametrize(
    ("text", "zone", "time"),
    [
        ("2025-06-15 15:06:40", UTC_ZONE, NOON),
        ("2025-06-15T15:06:40", UTC_ZONE, NOON),
        ("2025.06.15. 15:06:40", UTC_ZONE, NOON),
        ("2025-06-15 17:06:40", BUDAPEST, NOON),
        ("2025-06-15T15:06:40Z", BUDAPEST, NOON),
        ("2025-06-15T15:06:40.123", UTC_ZONE, NOON),
        ("2025-06-15T15:06:40+00:00", BUDAPEST, NOON),
        ("1969-12-31 23:59:59", UTC_ZONE, None),
        ("0001-01-01 00:00:00", BUDAPEST, None),
        ("9999-12-31 23:59:59", UTC_ZONE, None),
        ("tomorrow", UTC_ZONE, None),
        ("2025-13-01 00:00:00", UTC_ZONE, None),
    ],
)
def test_a_date_is_read_in_the_servers_zone(text: str, zone: ZoneInfo, time: int | None) -> None:
    assert read_date(text, zone) == time


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2024-03-08 11:50:45", 1709898645),
        ("2024-03-08 14:12:48", 1709907168),
        ("2024-03-11 07:23:46", 1710141826),
        ("2024-03-11 07:30:05", 1710142205),
    ],
)
def test_dates_of_chat_clients_are_in_utc(text: str, seconds: int) -> None:
    assert client_dates.read_date(text) == seconds * 1000
    assert client_dates.written_date(seconds * 1000) == text


def test_a_date_is_written_in_the_servers_zone() -> None:
    assert write_date(NOON + 999, UTC_ZONE) == "2025-06-15 15:06:40"
    assert write_date(NOON, BUDAPEST) == "2025-06-15 17:06:40"
    assert write_date((1 << 53) - 1, BUDAPEST).startswith("9987-")


@pytest.mark.parametrize(
    ("content", "text", "losses"),
    [
        (Text("a\nb"), "a\nb", []),
        (Html("a<br>b<p>c</p>d"), "a\nbc\nd", ["html: became text without markup"]),
        (
            Html("<style>x{}</style>1 < 2 &lt; 3<!-- no --><script>a<b</script>!"),
            "1 < 2 < 3!",
            ["html: became text without markup"],
        ),
        (Image("https://x/y"), "[picture] https://x/y", ["picture: became text"]),
        (Audio("u", length_seconds=3), "[sound] u", ["sound: became text", "length_seconds: dropped"]),
        (Video("u", thumbnail_url="t"), "[film] u", ["film: became text", "thumbnail_url: dropped"]),
        (Location(1.5, 2, "Here"), "[place] Here 1.5, 2", ["location: became text"]),
        (Location(1.5, 2), "[place] 1.5, 2", ["location: became text"]),
        (Custom("a", {"b": 1}), "[a]", ["event: became text", "values: dropped"]),
        (Event("member_joined", {}, "Ann joined"), "Ann joined", ["notice: became text"]),
        (Event("member_joined"), "member_joined", ["notice: became text"]),
        (Signal("run", {"a": 1}), "[run]", ["signal: became text", "parameters: dropped"]),
    ],
    ids=str,
)
def test_content_in_words(content: Content, text: str, losses: list[str]) -> None:
    said: list[str] = []
    assert plain_text(content, said) == text
    assert said == losses


def test_a_page_of_open_tags_is_read_in_one_pass() -> None:
    said: list[str] = []
    assert plain_text(Html("<!--" * 200_000), said) == ""
    assert len(plain_text(Html("<script" * 200_000), said)) > 0


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'{"a": "x\ny\tz"}', {"a": "x\ny\tz"}),
        (b'{"a": 1}', {"a": 1}),
        (rb'{"a": "\ud800"}', {"a": "?"}),
    ],
)
def test_what_perl_writes_is_read(raw: bytes, value: Any) -> None:
    assert parse_lenient(raw) == value


@pytest.mark.parametrize("raw", [b"", b"{", b'"\xff"', b"[" * 100_000, b"NaN", b'{"a": ' + b"9" * 5000 + b"}"])
def test_what_nobody_can_read_is_refused(raw: bytes) -> None:
    with pytest.raises(Failure):
        parse_lenient(raw)


@pytest.mark.parametrize(
    ("fields", "lost"),
    [
        ({}, []),
        ({"create_date": "2025-06-15T15:06:40", "valid_until": "2025-06-22T15:06:40"}, []),
        ({"create_date": "2025-06-15T15:06:40", "valid_until": "2025-06-22T15:06:41"}, []),
        (
            {"create_date": "2025-06-15T15:06:40", "valid_until": "2025-06-16T15:06:40"},
            ["valid_until: stays in this dialect"],
        ),
        ({"valid_until": "2025-06-22T15:06:40"}, ["valid_until: stays in this dialect"]),
        ({"tags": [{"name": "a", "value": "1"}]}, []),
        (
            {"tags": [{"name": "a", "value": "1"}, {"name": "a", "value": "2"}]},
            ["tags: of those with one name the last is shown by other dialects"],
        ),
    ],
)
def test_what_no_other_dialect_shows_is_said(fields: dict[str, Any], lost: list[str]) -> None:
    message = read(given_fields(fields, UTC_ZONE, []), "me")
    assert losses_of(message, nowhere(Tenant(1, "shop", b""))) == lost
