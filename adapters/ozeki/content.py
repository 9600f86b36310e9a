"""Messages both ways, pure: the fields of an HTTP API user's message -> neutral message, neutral message -> fields.

A message here is a text with dates, wishes for reports and tags. Tags travel as the app's own map. What else was given stays as
leftovers under the vendor's names, dates as epoch milliseconds, so that a message reads back as it was sent.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from adapters.files import FileAddresses
from adapters.ozeki.ids import EVERY_STATION
from adapters.ozeki.options import NAME
from adapters.ozeki.wire import read_date, write_date
from core.model import Audio, Content, Custom, Event, File, Html, Image, Location, Message, Signal, Text, Video

CREATED = "create_date"
VALID_UNTIL = "valid_until"
SEND_AT = "time_to_send"
TAGS = "tags"
VALID_MS = 7 * 86_400_000
"""How long a message is valid that does not say so itself."""
DEFAULT_TYPE = "SMS:TEXT"
REPORTS = {"submit_report_requested": True, "delivery_report_requested": False, "view_report_requested": False}
"""The wishes for reports, and what stands for those that a message does not name."""
ADDRESSES = ("from_connection", "from_address", "from_station", "to_connection", "to_address", "to_station")
"""What says from and to whom a message is."""

PLACEHOLDER = Custom("encrypted", None, "[encrypted message]")
"""What other dialects are shown of what a chat client encrypted."""
ENCRYPTED = "Data: kept as it is, other dialects show a placeholder"
TOPIC_LOST = ("topic: dropped",)

_TYPE = "Type"
_TEXTS = frozenset({"message_id", *ADDRESSES, "text"})
_DATES = (CREATED, VALID_UNTIL, SEND_AT)
_NODE_VALID_UNTIL = "vaild_date"
"""What the vendor's Node client calls it."""
_NO_TEXTS = frozenset({*_DATES, _NODE_VALID_UNTIL, *REPORTS, TAGS})
_EVERY_STATION = {"from_station": EVERY_STATION, "to_station": EVERY_STATION}
_WORDS = {Image: "picture", Audio: "sound", Video: "film", File: "file"}
_FILE_FIELDS = (
    "secret", "size_bytes", "width", "height", "length_seconds", "media_type", "thumbnail_url", "thumbnail_secret",
)  # fmt: skip
_TAG = re.compile("/?[a-z0-9]*", re.IGNORECASE)
_BREAKS = frozenset({"br", "/p", "/div", "/li", "/tr", "/h1", "/h2", "/h3"})
_UNSEEN = frozenset({"script", "style"})


def given_fields(entry: Mapping[str, Any], zone: ZoneInfo, losses: list[str]) -> dict[str, Any]:
    """What a message of the wire really says: null and empty are unset, dates are epoch milliseconds, tags are pairs; of the
    wishes for reports those that are not the usual ones. What can't be read is as if it were not there."""
    fields: dict[str, Any] = {}
    for name, value in entry.items():
        if name not in _TEXTS:
            continue
        if isinstance(value, str):
            if value:
                fields[name] = value
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            fields[name] = str(value)
    if _NO_TEXTS.isdisjoint(entry):
        return fields
    for name in _DATES:
        value = entry.get(name) or (entry.get(_NODE_VALID_UNTIL) if name == VALID_UNTIL else None)
        if value:
            time = read_date(value, zone) if isinstance(value, str) else None
            if time is None:
                losses.append(f"{name}: dropped, it is no date")
            else:
                fields[name] = time
    for name, default in REPORTS.items():
        value = entry.get(name)
        if value is None:
            continue
        if isinstance(value, str):
            value = value.lower() in ("true", "1", "yes") if value else None
        if isinstance(value, (bool, int)) and bool(value) != default:
            fields[name] = bool(value)
    if isinstance(entry.get(TAGS), list):
        fields[TAGS] = list(_pairs(entry[TAGS]))
    return fields


def read(fields: Mapping[str, Any], sender: str) -> Message:
    """The neutral message of `given_fields`."""
    left = dict(fields)
    text, reference, tags = left.pop("text", ""), left.pop("message_id", None), left.pop(TAGS, None)
    extension: dict[str, Any] | None = None
    if tags is not None and tags != [(_TYPE, DEFAULT_TYPE)]:
        extension = dict(tags) or None
        if not tags or len(dict(tags)) != len(tags):
            left[TAGS] = [list(pair) for pair in tags]
    return Message(sender, Text(text), NAME, extension, reference=reference, leftovers=left or None)


def losses(message: Message, files: FileAddresses) -> list[str]:
    """What is lost of a message: see `adapters.contract.Adapter.losses`. Of others' it is what HTTP API users lose, who are shown
    the least; chat clients lose the topic alone."""
    if message.dialect == NAME:
        return staying(message)
    lost = list(TOPIC_LOST) if message.topic is not None else []
    plain_text(files.shown(message.content), lost)
    _tags(message, {}, lost)
    return lost


def size_of(message: Message) -> int:
    """About how many bytes a message takes."""
    return len(msgspec.msgpack.encode(message))


def staying(message: Message) -> list[str]:
    """What no other dialect shows of a message that this one sent. Who it was sent from and to, when, and with which reports says
    where it goes; a validity as long as that of others is none."""
    left = message.leftovers or {}
    if message.content == PLACEHOLDER and "Data" in left:
        return [ENCRYPTED]
    found = []
    # The vendor's clients give every message the usual validity, and read the clock twice for it.
    if VALID_UNTIL in left and abs(left[VALID_UNTIL] - left.get(CREATED, 0) - VALID_MS) > 1_000:
        found.append(f"{VALID_UNTIL}: stays in this dialect")
    if left.get(TAGS):
        found.append("tags: of those with one name the last is shown by other dialects")
    return found


def write(message: Message, content: Content, time: int, zone: ZoneInfo, losses: list[str]) -> dict[str, Any]:
    """What a message says of itself: everything but its id, and who sent it to whom. `content` is the message's with the
    addresses of files, `time` when it was, or will be, sent."""
    if message.topic is not None:
        losses += TOPIC_LOST
    left = message.leftovers if message.dialect == NAME and message.leftovers else {}
    fields: dict[str, Any] = {"text": plain_text(content, losses)}
    fields |= unsaid(time // 1000, zone)
    if not _NO_TEXTS.isdisjoint(left):
        if CREATED in left:
            fields[VALID_UNTIL] = write_date(left[CREATED] + VALID_MS, zone)
        for name in _DATES:
            if name in left:
                fields[name] = write_date(left[name], zone)
        for name in REPORTS:
            if name in left:
                fields[name] = left[name]
    if message.extension or TAGS in left:
        fields[TAGS] = _tags(message, left, losses)
    return fields


@lru_cache(1024)
def unsaid(second: int, zone: ZoneInfo) -> Mapping[str, Any]:
    """What a message says, besides its text, that says nothing of it itself: what is sent has this second's, over and over."""
    date, valid_until = write_date(second * 1000, zone), write_date(second * 1000 + VALID_MS, zone)
    return {CREATED: date, VALID_UNTIL: valid_until, SEND_AT: date, **REPORTS, TAGS: type_tags(DEFAULT_TYPE)}


def own_addresses(message: Message) -> dict[str, str]:
    """From and to whom a message was sent, as its sender wrote it."""
    left = message.leftovers if message.dialect == NAME and message.leftovers else {}
    found = dict(_EVERY_STATION)
    for name in ADDRESSES:
        if name in left:
            found[name] = left[name]
    return found


def plain_text(content: Content, losses: list[str]) -> str:
    """The content in plain words, as much of it as they say; the rest is added to `losses`."""
    if isinstance(content, Text):  # as nearly all are
        return content.text
    match content:
        case Html(html):
            losses.append("html: became text without markup")
            return unescape("".join(_words(html))).strip()
        case Image() | Audio() | Video() | File():
            return _file_text(content, losses)
        case Location(latitude, longitude, address):
            losses.append("location: became text")
            return " ".join(filter(None, ("[place]", address, f"{latitude}, {longitude}")))
        case Custom(event, values, text):
            losses.append("event: became text" if text is None else "event: dropped, its text is shown")
            if values:
                losses.append("values: dropped")
            return f"[{event}]" if text is None else text
        case Event(name, _, text):
            losses.append("notice: became text")
            return text or name
        case Signal(action, parameters):
            losses.append("signal: became text")
            if parameters:
                losses.append("parameters: dropped")
            return f"[{action}]"


def message_type(tags: list[dict[str, str]]) -> str:
    """The type that the tags name."""
    return next((tag["value"] for tag in tags if tag["name"] == _TYPE), DEFAULT_TYPE)


def type_tags(kind: str) -> list[dict[str, str]]:
    """Tags that name a type."""
    return [{"name": _TYPE, "value": kind}]


def _words(html: str) -> Iterator[str]:
    """What a person reads of HTML, still with entities; in one pass, as anybody may send it."""
    first, *parts = html.split("<")
    yield first
    unseen = ""
    for part in parts:
        tag, end, text = part.partition(">")
        name = _TAG.match(tag).group().lower()  # type: ignore[union-attr]  # it matches nothing at least
        if unseen and name != f"/{unseen}":
            continue
        if tag.startswith("!--"):
            yield part.rpartition("-->")[2] if "-->" in part else ""
        elif not end or (name in ("", "/") and not tag.startswith("!")):
            yield f"<{part}"
        elif name in _UNSEEN:
            unseen = name
        else:
            unseen = ""
            yield "\n" + text if name in _BREAKS else text


def _file_text(content: Image | Audio | Video | File, losses: list[str]) -> str:
    word = _WORDS[type(content)]
    losses.append(f"{word}: became text")
    losses += [f"{field}: dropped" for field in _FILE_FIELDS if getattr(content, field, None) is not None]
    return " ".join(filter(None, (f"[{word}]", content.name, content.url)))


def _pairs(tags: list[Any]) -> list[tuple[str, str]]:
    """The vendor's Node client writes `{"key": "value"}`, all others `{"name": "key", "value": "value"}`."""
    found = []
    for tag in tags:
        if isinstance(tag, dict):
            named = [(tag["name"], tag.get("value"))] if "name" in tag else list(tag.items())
            found += [(_text(name), _text(value)) for name, value in named]
    return found


def _tags(message: Message, left: Mapping[str, Any], losses: list[str]) -> list[dict[str, str]]:
    if TAGS in left:
        return [{"name": name, "value": value} for name, value in left[TAGS]]
    found = []
    for name, value in (message.extension or {}).items():
        if not isinstance(value, str):
            losses.append(f"ext.{name}: became text")
        found.append({"name": name, "value": _text(value)})
    return found


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
