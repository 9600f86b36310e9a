"""Message content both ways, as pure functions: the vendor's message fields and the neutral content.

A neutral content has one rendering here, `_write`. A message that came in by this dialect keeps as leftovers exactly what
differs from its own rendering, so that it reads back as it was sent; `metadata` is the extension itself. Nulls are fields
that are not there: the vendor's clients post their whole local object.
"""

from typing import Any

import msgspec
import orjson

from adapters.applozic.attachments import ABSENT, AUDIO, FILE, VIDEO, fill, read_file, write_file
from adapters.applozic.attachments import leftovers as file_leftovers
from adapters.applozic.events import action_of, event_name, words_of
from adapters.applozic.options import NAME
from adapters.applozic.wire import flat, whole
from adapters.files import FileAddresses
from core.model import (
    EVERYBODY,
    Audience,
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

TEXT, ATTACHMENT, LOCATION, HTML, CONTACT, NOTICE, HIDDEN, CUSTOM = 0, 1, 2, 3, 7, 10, 11, 101
WEB, API = 1, 3
"""Values of `source`: whose session it was sent from."""

_TEXTUAL = frozenset({TEXT, 4, 5, 12, 13})
"""Besides text: a price, a text with an address, a text for the receiver alone, a notice of blocking. All are read as text."""
_NAMED = {CONTACT: "contact", CUSTOM: "custom", 102: "call", 103: "call"}
_AUDIENCES = {
    # Delivered to programs, for them to act upon or to notify of; never shown, never unread.
    "HIDDEN": Audience(hidden=True),
    "PUSHNOTIFICATION": Audience(hidden=True),
    # The vendor's clients leave the list of conversations as it is.
    "ARCHIVE": Audience(aside=True),
}
_NUMBERS = ("source", "timeToLive", "scheduledAt")
_TEXTS = ("topicId", "fileMetaKey", "senderName")
"""Not `deviceKey`, which clients post too: whoever knows it is the sender."""
_SWITCHES = ("shared", "sendToDevice", "storeOnDevice")
"""Mostly false, which they are when they are not there."""
_DEFAULTS: dict[str, Any] = {"source": WEB}
_BESIDE_A_FILE = "message: the text beside a file stays in this dialect"
_STAYING = ("timeToLive", "scheduledAt", "topicId")
"""Of `_NUMBERS` and `_TEXTS`, what says something that no other dialect shows."""
_OF_THE_STORE = frozenset({"blobKey", "thumbnailBlobKey", "createdAtTime", "createdAt", "key", "userKey"})
"""Of `fileMeta`, what the vendor's own store says of a file that it keeps."""
_BARE = frozenset({"message", "to", "groupId", "clientGroupId", "key"})
"""What says nothing beside a text."""
_EXACT = 1 << 53


class Said(msgspec.Struct, frozen=True):
    """What the fields of a message say."""

    content: Content
    extension: dict[str, Any] | None
    leftovers: dict[str, Any] | None
    audience: Audience


def read_bare(body: dict[str, Any], *, source: int = WEB) -> Said | None:
    """The same as `read`, at a fraction of its cost, of a body that says a text and nothing else, as most bodies of servers do;
    none for any other."""
    text = body.get("message")
    if not isinstance(text, str) or not body.keys() <= _BARE:
        return None
    return Said(Text(text), None, None if source == WEB else {"source": source}, EVERYBODY)


def read(body: dict[str, Any], files: FileAddresses, losses: list[str], *, source: int = WEB) -> Said:
    """What a body says; `source` is what it has where it does not name one. Files that are kept here become references. What
    other dialects will not read goes to `losses`."""
    wire = canonical(body, losses, source=source)
    metadata: dict[str, str] = wire.pop("metadata")
    content = files.stored(_content(wire, metadata, files))
    written = _DEFAULTS | _write(files.shown(content), content, files, [])
    left = {name: value for name, value in wire.items() if name != FILE and written.get(name, ...) != value}
    if FILE in written:
        left |= file_leftovers(wire[FILE], written[FILE], files)
    elif FILE in wire:
        left[FILE] = wire[FILE]
    losses += _staying(content, left, files)
    audience = _AUDIENCES.get(metadata.get("category", ""), EVERYBODY)
    if wire["contentType"] == HIDDEN:
        audience = _AUDIENCES["HIDDEN"]
    return Said(content, metadata or None, left or None, audience)


def losses(message: Message, files: FileAddresses) -> list[str]:
    """What is lost of a message: see `adapters.contract.Adapter.losses`."""
    if message.dialect == NAME:
        return _staying(message.content, message.leftovers or {}, files)
    lost: list[str] = []
    write(message, files, lost)
    return lost


def _staying(content: Content, left: dict[str, Any], files: FileAddresses) -> list[str]:
    """What no other dialect shows of a message of this one; the rest of its leftovers are other spellings, and what clients keep
    for themselves."""
    staying = [f"{name}: stays in this dialect" for name in _STAYING if name in left]
    if isinstance(content, (File, Image, Audio, Video)):
        said = _OF_THE_STORE | write_file(content, content, files, []).keys()
        staying += [f"{FILE}.{name}: stays in this dialect" for name in left.get(FILE, ()) if name not in said]
        return [_BESIDE_A_FILE, *staying] if left.get("message") else staying
    return [*staying, f"{FILE}: stays in this dialect"] if FILE in left else staying


def write(message: Message, files: FileAddresses, losses: list[str]) -> dict[str, Any]:
    """The fields of a stored message that say what it says, for whoever looks. What another dialect's message holds and this
    one can't express goes to `losses`."""
    stored = message.content
    shown = files.shown(stored)
    if message.dialect == NAME:
        losses = []
    fields = _DEFAULTS | _write(shown, stored, files, losses)
    metadata = fields.pop("metadata", None)
    # A notice with parameters is one that the gateway made: it never was a body.
    if message.dialect != NAME or (isinstance(stored, Event) and stored.parameters is not None):
        fill(fields, shown, losses)
        fields["metadata"] = _merged(message.extension, metadata, losses)
    else:
        fields["metadata"] = message.extension or {}
    left = message.leftovers
    if left and message.dialect == NAME:
        file_meta = fields.get(FILE)
        fields |= left
        absent = fields.pop(ABSENT, ())
        if file_meta is not None:
            fields[FILE] = file_meta | left.get(FILE, {})
            for name in absent:
                fields[FILE].pop(name, None)
    return fields


def canonical(body: dict[str, Any], losses: list[str], *, source: int = WEB) -> dict[str, Any]:
    """The fields of a body that the vendor keeps of a message, in the types that it answers them in."""
    text, file_meta = body.get("message"), body.get(FILE)
    wire: dict[str, Any] = {
        "message": text if isinstance(text, str) else "" if text is None else _json(text),
        "contentType": whole(body.get("contentType")) or TEXT,
        "source": source,
        "metadata": _metadata(body.get("metadata"), losses),
    }
    wire |= {name: number for name in _NUMBERS if (number := whole(body.get(name))) is not None}
    wire |= {name: value for name in _TEXTS if isinstance(value := body.get(name), str)}
    wire |= {name: True for name in _SWITCHES if body.get(name) is True}
    if isinstance(file_meta, dict) and (kept := {name: part for name, part in file_meta.items() if part is not None}):
        wire[FILE] = kept
    return wire


def _metadata(value: Any, losses: list[str]) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        losses.append("metadata: dropped, it is no map")
        return {}
    return flat(value)


def _content(wire: dict[str, Any], metadata: dict[str, str], files: FileAddresses) -> Content:
    kind, text = wire["contentType"], wire["message"]
    if FILE in wire and kind != NOTICE:
        return read_file(kind, wire[FILE], files)
    if kind == HTML:
        return Html(text)
    if kind == LOCATION:
        return _read_location(text) or Text(text)
    if kind == NOTICE:
        return Event(event_name(metadata.get("action", "")), None, text)
    if kind in _TEXTUAL or kind in (ATTACHMENT, AUDIO, VIDEO, HIDDEN):
        return Text(text)
    name = metadata.get("customEvent") if kind == CUSTOM else None
    return Custom(name or _NAMED.get(kind, f"type {kind}"), None, text)


def _read_location(text: str) -> Location | None:
    try:
        place = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(place, dict):
        return None
    latitude, longitude, address = _degrees(place.get("lat")), _degrees(place.get("lon")), place.get("address")
    if latitude is None or longitude is None:
        return None
    return Location(latitude, longitude, address if isinstance(address, str) else None)


def _degrees(value: Any) -> float | None:
    try:
        number = float(value) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else None
    except (ValueError, OverflowError):
        return None
    return number if number is not None and abs(number) <= 360 else None


def _write(shown: Content, stored: Content, files: FileAddresses, losses: list[str]) -> dict[str, Any]:
    """`message` and `contentType` of a content, with `fileMeta` and `metadata` where they are part of it. `shown` has the
    reader's addresses in place of the references in `stored`."""
    match shown:
        case Text(text):
            return {"message": text, "contentType": TEXT}
        case Html(html):
            return {"message": html, "contentType": HTML}
        case Image() | File() | Audio() | Video():
            return {"message": "", "contentType": ATTACHMENT, FILE: write_file(shown, stored, files, losses)}
        case Location(latitude, longitude, address):
            place: dict[str, Any] = {"lat": latitude, "lon": longitude}
            if address is not None:
                losses.append("address: carried in the message, where clients do not look for it")
                place["address"] = address
            return {"message": _json(place), "contentType": LOCATION}
        case Signal(action, parameters):
            metadata = _named(parameters, "category", "HIDDEN", losses)
            losses.append("type: signal became a hidden message")
            return {"message": action, "contentType": HIDDEN, "metadata": metadata}
        case Custom(event, values, text):
            metadata = _named(values, "customEvent", event, losses)
            return {"message": event if text is None else text, "contentType": CUSTOM, "metadata": metadata}
        case Event(name, parameters):
            known = action_of(shown)
            if known is None:
                losses.append("metadata.action: dropped, the vendor has no such notice")
            metadata = _named(parameters, *(("action", known) if known is not None else ("notice", name)), losses)
            return {"message": words_of(shown), "contentType": NOTICE, "metadata": metadata}


def _named(values: dict[str, Any] | None, name: str, value: str, losses: list[str]) -> dict[str, Any]:
    """Values beside a field that the vendor's clients look at."""
    if values is not None and name in values:
        losses.append(f"metadata.{name}: dropped, the vendor has a field of that name")
    return {**(values or {}), name: value}


def _merged(extension: dict[str, Any] | None, metadata: dict[str, Any] | None, losses: list[str]) -> dict[str, str]:
    """The app's own map, and what the content says beside its text, as texts. Where both have a name the app's is dropped."""
    merged: dict[str, str] = {}
    for part in (extension or {}, metadata or {}):
        for name, value in part.items():
            if name in merged:
                losses.append(f"metadata.{name}: dropped, the content has a field of that name")
            if not isinstance(value, str):
                losses.append(f"metadata.{name}: became text")
            merged[name] = value if isinstance(value, str) else _json(value)
    return merged


def _json(value: Any) -> str:
    """The JSON of a value; whole numbers without a fraction, as other programs write them."""
    if isinstance(value, dict):
        value = {name: _trimmed(part) for name, part in value.items()}
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()


def _trimmed(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT else value
