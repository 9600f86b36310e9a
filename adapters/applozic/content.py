"""Message content both ways, as pure functions: the vendor's message fields and the neutral content.

A neutral content has one rendering here, `_write`. A message that came in by this dialect keeps as leftovers exactly what
differs from its own rendering, so that it reads back as it was sent; `metadata` is the extension itself. Nulls are fields
that are not there: the vendor's clients post their whole local object.
"""

from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec
import orjson

from adapters.applozic.events import action_of, event_name, words_of
from adapters.applozic.files import thumbnail_key
from adapters.applozic.options import NAME
from adapters.applozic.wire import flat
from adapters.files import FileAddresses
from core.files import file_reference, referenced_file
from core.ids import file_tenant
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

TEXT, ATTACHMENT, LOCATION, HTML, CONTACT, AUDIO, VIDEO, NOTICE, HIDDEN, CUSTOM = 0, 1, 2, 3, 7, 8, 9, 10, 11, 101
WEB, API = 1, 3
"""Values of `source`: whose session it was sent from."""

ABSENT = "absent"
"""Where leftovers keep the names of fields of `fileMeta` that the rendering has and the message had not."""

_FILE = "fileMeta"
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
_TEXTS = ("topicId", "fileMetaKey", "deviceKey", "senderName")
_SWITCHES = ("shared", "sendToDevice", "storeOnDevice")
"""Mostly false, which they are when they are not there."""
_DEFAULTS: dict[str, Any] = {"source": WEB}
_BESIDE_A_FILE = "message: the text beside a file stays in this dialect"
_EXACT = 1 << 53
_HIGHEST = (1 << 63) - 1


class Said(msgspec.Struct, frozen=True):
    """What the fields of a message say."""

    content: Content
    extension: dict[str, Any] | None
    leftovers: dict[str, Any] | None
    audience: Audience


def read(body: dict[str, Any], files: FileAddresses, losses: list[str], *, source: int = WEB) -> Said:
    """What a body says; `source` is what it has where it does not name one. Files that are kept here become references. What
    other dialects will not read goes to `losses`."""
    wire = canonical(body, losses, source=source)
    metadata: dict[str, str] = wire.pop("metadata")
    content = files.stored(_content(wire, metadata, files))
    if isinstance(content, (File, Image, Audio, Video)) and wire["message"]:
        losses.append(_BESIDE_A_FILE)
    written = _DEFAULTS | _write(files.shown(content), content, files, [])
    left = {name: value for name, value in wire.items() if name != _FILE and written.get(name, ...) != value}
    if _FILE in written:
        left |= _file_leftovers(wire[_FILE], written[_FILE], files)
    elif _FILE in wire:
        left[_FILE] = wire[_FILE]
    audience = _AUDIENCES.get(metadata.get("category", ""), EVERYBODY)
    if wire["contentType"] == HIDDEN:
        audience = _AUDIENCES["HIDDEN"]
    return Said(content, metadata or None, left or None, audience)


def losses(message: Message, files: FileAddresses) -> list[str]:
    """What is lost of a message: see `adapters.contract.Adapter.losses`."""
    if message.dialect == NAME:
        beside = isinstance(message.content, (File, Image, Audio, Video)) and (message.leftovers or {}).get("message")
        return [_BESIDE_A_FILE] if beside else []
    lost: list[str] = []
    write(message, files, lost)
    return lost


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
        _fill(fields, shown, losses)
        fields["metadata"] = _merged(message.extension, metadata, losses)
    else:
        fields["metadata"] = message.extension or {}
    left = message.leftovers
    if left and message.dialect == NAME:
        file_meta = fields.get(_FILE)
        fields |= left
        absent = fields.pop(ABSENT, ())
        if file_meta is not None:
            fields[_FILE] = file_meta | left.get(_FILE, {})
            for name in absent:
                fields[_FILE].pop(name, None)
    return fields


def canonical(body: dict[str, Any], losses: list[str], *, source: int = WEB) -> dict[str, Any]:
    """The fields of a body that the vendor keeps of a message, in the types that it answers them in."""
    text, file_meta = body.get("message"), body.get(_FILE)
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
        wire[_FILE] = kept
    return wire


def _metadata(value: Any, losses: list[str]) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        losses.append("metadata: dropped, it is no map")
        return {}
    return flat(value)


def whole(value: Any) -> int | None:
    """A whole number, also as text; clients send both. None for anything else, and for one over 63 bits."""
    if isinstance(value, str):
        digits = value.strip()
        if not digits.removeprefix("-").isdecimal() or not digits.isascii() or len(digits) > 19:
            return None
        value = int(digits)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if -_HIGHEST - 1 <= value <= _HIGHEST else None


def _content(wire: dict[str, Any], metadata: dict[str, str], files: FileAddresses) -> Content:
    kind, text = wire["contentType"], wire["message"]
    if _FILE in wire and kind not in (NOTICE, HIDDEN):
        return _read_file(kind, wire[_FILE], files)
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


def _read_file(kind: int, given: dict[str, Any], files: FileAddresses) -> File | Image | Audio | Video:
    """A file by its media type. The vendor's own are named by `blobKey` alone, in some clients."""
    url, blob, name, thumbnail = (_text(given, field) for field in ("url", "blobKey", "name", "thumbnailUrl"))
    media_type, size = _text(given, "contentType"), whole(given.get("size"))
    if not url and blob and file_tenant(blob) == files.tenant.number:
        url = file_reference(blob)
    common: dict[str, Any] = {
        "url": url or thumbnail or blob or "",
        "name": name,
        "size_bytes": size if size is not None and size >= 0 else None,
        "media_type": media_type,
    }
    family = (media_type or "").partition("/")[0].lower()
    if family == "image":
        return Image(**common)
    if family == "audio" or (kind == AUDIO and not family):
        return Audio(**common)
    if family == "video" or (kind == VIDEO and not family):
        return Video(**common, thumbnail_url=thumbnail)
    return File(**common)


def _text(given: dict[str, Any], field: str) -> str | None:
    value = given.get(field)
    return value if isinstance(value, str) else None


def _file_leftovers(given: dict[str, Any], written: dict[str, Any], files: FileAddresses) -> dict[str, Any]:
    """What of `fileMeta` the rendering does not say. The addresses of a file that is kept here are each reader's own."""
    kept = {
        name: value
        for name, value in given.items()
        if name not in written or not (_same(value, written[name]) or _is_same_place(value, written[name], files))
    }
    left: dict[str, Any] = {_FILE: kept} if kept else {}
    absent = [name for name in written if name not in given]
    if absent:
        left[ABSENT] = absent
    return left


def _is_same_place(one: Any, other: str, files: FileAddresses) -> bool:
    """Whether these are two addresses of one file that is kept here, at different hosts."""
    if not isinstance(one, str) or not isinstance(other, str) or not other.startswith(files.prefix):
        return False
    return one.startswith("http") and one.partition(files.base)[2] == other[len(files.prefix) :]


def _same(one: Any, other: Any) -> bool:
    return one == other and type(one) is type(other)


def _write(shown: Content, stored: Content, files: FileAddresses, losses: list[str]) -> dict[str, Any]:
    """`message` and `contentType` of a content, with `fileMeta` and `metadata` where they are part of it. `shown` has the
    reader's addresses in place of the references in `stored`."""
    match shown:
        case Text(text):
            return {"message": text, "contentType": TEXT}
        case Html(html):
            return {"message": html, "contentType": HTML}
        case Image() | File() | Audio() | Video():
            return {"message": "", "contentType": ATTACHMENT, _FILE: _write_file(shown, stored, files, losses)}
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


def _write_file(
    shown: File | Image | Audio | Video, stored: Content, files: FileAddresses, losses: list[str]
) -> dict[str, Any]:
    meta: dict[str, Any] = {"url": shown.url}
    file = referenced_file(stored.url) if isinstance(stored, (File, Image, Audio, Video)) else None
    if file is not None and stored is not shown:
        meta["blobKey"] = file
        if isinstance(shown, Image):
            small = meta["thumbnailBlobKey"] = thumbnail_key(file)
            meta["thumbnailUrl"] = shown.url.replace(files.prefix + file, files.prefix + small, 1)
    if shown.secret is not None:
        losses.append("secret: dropped, this dialect opens files by URL alone")
    if isinstance(shown, Video) and shown.thumbnail_url is not None:
        meta["thumbnailUrl"] = shown.thumbnail_url
        if shown.thumbnail_secret is not None:
            losses.append("thumbnail secret: dropped, this dialect opens files by URL alone")
    if isinstance(shown, (Image, Video)) and (shown.width is not None or shown.height is not None):
        losses.append("size in pixels: dropped")
    if isinstance(shown, (Audio, Video)) and shown.length_seconds is not None:
        losses.append("length: dropped")
    meta |= {"name": shown.name, "size": shown.size_bytes, "contentType": shown.media_type}
    return {name: value for name, value in meta.items() if value is not None}


_MEDIA_TYPES = {Image: "image/*", Audio: "audio/*", Video: "video/*", File: "application/octet-stream"}


def _fill(fields: dict[str, Any], shown: Content, losses: list[str]) -> None:
    """What this dialect's clients need to find of a file and another dialect did not give."""
    if not isinstance(shown, (Image, Audio, Video, File)):
        return
    meta = fields[_FILE]
    if "contentType" not in meta:
        meta["contentType"] = _MEDIA_TYPES[type(shown)]
        losses.append(f"fileMeta.contentType: defaulted to {meta['contentType']}")
    if "name" not in meta:
        meta["name"] = unquote(_last_part(shown.url)) or "file"
        losses.append("fileMeta.name: defaulted to the last part of the URL")


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


def _last_part(url: str) -> str:
    try:
        return urlsplit(url).path.rpartition("/")[2]
    except ValueError:  # not a URL at all
        return ""


def _json(value: Any) -> str:
    """The JSON of a value; whole numbers without a fraction, as other programs write them."""
    if isinstance(value, dict):
        value = {name: _trimmed(part) for name, part in value.items()}
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()


def _trimmed(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT else value
