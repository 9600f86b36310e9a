"""Message content both ways, pure: the vendor's message fields -> neutral message, neutral message -> fields.

A neutral message has one rendering here, `write`. A message that came in by this dialect keeps as leftovers
exactly what differs from its own default rendering, so that it reads back as it was sent: values under their field's name,
and under `absent` the fields that the default has and the original had not.
"""

from typing import Any

from adapters.chat21 import notices
from adapters.chat21.options import NAME
from adapters.chat21.wire import truthy
from adapters.files import FileAddresses
from core.model import Audio, Content, Custom, Event, File, Html, Image, Location, Message, Signal, Text, Video

DIRECT = "direct"
GROUP = "group"

TOPIC_LOST = "topic: dropped"
ABSENT = "absent"
"""Where leftovers keep the names of fields that the default rendering has and the message had not."""

_AS_THEY_ARE = ("sender_fullname", "recipient_fullname", "text", "type")
_IF_TRUTHY = ("channel_type", "attributes", "metadata", "timestamp")
_PLAIN = frozenset(
    {"sender_id", "sender_fullname", "recipient_id", "recipient_fullname", "channel_type", "text", "type"}
)
"""What says nothing beside a text and names."""
_MAY_STAY = frozenset({"text", "metadata", "attributes", "timestamp"})
_EXACT = 1 << 53
_FILES = {"image": Image, "file": File, "audio": Audio, "video": Video}
# The vendor's clients know images and files, tell a sound by its media type, and fail on a file that has none.
_MEDIA_TYPES = {File: "application/octet-stream", Audio: "audio/*", Video: "video/*"}
_TYPES = frozenset({*_FILES, "text", "html"})


def read(
    body: dict[str, Any], files: FileAddresses, sender: str, recipient: str, *, group: bool, chosen: bool
) -> Message:
    """The neutral message for the body of a send, whose mandatory fields are there. `chosen`: the recipient is an id that
    an app chose for a group.

    Like the vendor's this reads the documented fields only: a `group`, `language` or `status` in the body is ignored.
    """
    wire: dict[str, Any] = {"channel_type": DIRECT}
    for name in _AS_THEY_ARE:
        if name in body:
            wire[name] = body[name]
    for name in _IF_TRUTHY:
        if name in body and truthy(body[name]):
            wire[name] = body[name]
    attributes, sender_name = wire.get("attributes"), wire["sender_fullname"]
    content = _content(wire)
    extension = attributes if isinstance(attributes, dict) else None
    display_name = sender_name if isinstance(sender_name, str) else None
    default = write(content, extension, [])
    default |= {
        "sender_fullname": display_name or sender,
        "recipient_fullname": recipient,
        "channel_type": GROUP if group else DIRECT,
    }
    leftovers = {name: value for name, value in wire.items() if name not in default or default[name] != value}
    absent = [name for name in default if name not in wire]
    if absent:
        leftovers[ABSENT] = absent
    if chosen:
        # Until somebody creates the group, nothing else knows what the app calls it.
        leftovers["recipient"] = recipient
    return Message(sender, files.stored(content), NAME, extension, display_name, leftovers=leftovers or None)


def read_plain(body: dict[str, Any], sender: str, recipient: str) -> Message | None:
    """The same as `read`, at a fraction of its cost, of a text to a user, as most bodies are: nothing of it is lost. None for any
    other body."""
    text, sender_name, recipient_name = body.get("text"), body["sender_fullname"], body["recipient_fullname"]
    if not (isinstance(text, str) and isinstance(sender_name, str) and body.keys() <= _PLAIN):
        return None
    if body.get("type", "text") != "text" or body.get("channel_type", DIRECT) != DIRECT:
        return None
    leftovers: dict[str, Any] = {}
    if recipient_name != recipient:
        leftovers["recipient_fullname"] = recipient_name
    if "type" not in body:
        leftovers[ABSENT] = ["type"]
    return Message(sender, Text(text), NAME, None, sender_name, leftovers=leftovers or None)


def losses(message: Message, files: FileAddresses) -> list[str]:
    """What is lost of a message: see `adapters.contract.Adapter.losses`."""
    if message.dialect == NAME:
        return _staying(message)
    lost = [TOPIC_LOST] if message.topic is not None else []
    write(files.shown(message.content), message.extension, lost)
    return lost


def _staying(message: Message) -> list[str]:
    """What no other dialect shows of a message that this one sent. Names that it gives are labels, and the rest of its
    leftovers are unusual spellings of what the neutral message says."""
    left, content = message.leftovers, message.content
    if not left or _MAY_STAY.isdisjoint(left):
        return []
    text, metadata, staying = left.get("text"), left.get("metadata"), []
    if isinstance(content, (File, Image, Audio, Video)):
        said = _metadata(content, [])
        staying += [f"metadata.{name}" for name in metadata or () if name not in said]
        text_stays = bool(text)
    else:
        staying += ["metadata"] if metadata is not None else []
        text_stays = not (text is None or isinstance(text, str) or _number(text) is not None)
    staying += ["text"] if text_stays else []
    staying += [name for name in ("attributes", "timestamp") if name in left]
    return [f"{name}: stays in this dialect" for name in staying]


def write(content: Content, extension: dict[str, Any] | None, losses: list[str]) -> dict[str, Any]:
    """`text`, `type`, `attributes` and `metadata` of a neutral message, and of a notice the group's name; what can't be said is
    added to `losses`."""
    match content:
        case Text(text):
            fields: dict[str, Any] = {"text": text, "type": "text"}
        case Html(html):
            fields = {"text": html, "type": "html"}
        case Image() | File() | Audio() | Video():
            kind = "image" if isinstance(content, Image) else "file"
            fields = {"text": content.name or "", "type": kind, "metadata": _metadata(content, losses)}
        case Location(latitude, longitude, address):
            losses.append("location: shown as text")
            place = {"latitude": latitude, "longitude": longitude}
            fields = {"text": address or f"{latitude}, {longitude}", "type": "text", "metadata": place}
        case Custom(given, values, text):
            event = given
            if event in _TYPES:
                # This dialect's clients would look for what is not there.
                losses.append("type: became custom, as this dialect has a type of that name")
                event = "custom"
            fields = {"text": given if text is None else text, "type": event}
            if values is not None:
                fields["metadata"] = values
        case Event():
            text, label = notices.shown(content)
            info = {"subtype": "info", "updateconversation": True, "messagelabel": label}
            fields = {"text": text, "type": "text", "attributes": {**(extension or {}), **info}}
            group = (content.parameters or {}).get("group")
            if group is not None:
                fields["recipient_fullname"] = group
        case Signal(action, parameters):
            losses.append("signal: shown as text")
            fields = {"text": action, "type": "text", "metadata": parameters or {}}
    if extension is not None:
        fields.setdefault("attributes", extension)
    return fields


def _content(wire: dict[str, Any]) -> Content:
    kind, text, metadata = wire.get("type", "text"), wire.get("text"), wire.get("metadata")
    words = text if isinstance(text, str) else "" if _number(text) is None else str(text)
    if not isinstance(kind, str) or kind == "text":
        return Text(words)
    if kind == "html":
        return Html(words)
    source = metadata.get("src") if isinstance(metadata, dict) else None
    if kind in _FILES and isinstance(metadata, dict) and isinstance(source, str):
        media_type = metadata.get("type")
        family = media_type.partition("/")[0] if kind == "file" and isinstance(media_type, str) else ""
        return _file(family if family in ("audio", "video") else kind, source, metadata)
    values = metadata if isinstance(metadata, dict) else None
    return Custom(kind or "custom", values, text if isinstance(text, str) else None)


def _file(kind: str, source: str, metadata: dict[str, Any]) -> Content:
    name, media_type, size = metadata.get("name"), metadata.get("type"), metadata.get("size")
    known: dict[str, Any] = {
        "name": name if isinstance(name, str) else None,
        "media_type": media_type if isinstance(media_type, str) else None,
        "size_bytes": size if isinstance(size, int) and not isinstance(size, bool) else None,
    }
    if kind in ("image", "video"):
        known |= {"width": _number(metadata.get("width")), "height": _number(metadata.get("height"))}
    if kind in ("audio", "video"):
        known["length_seconds"] = _number(metadata.get("duration"))
    made: Image | File | Audio | Video = _FILES[kind](source, **known)
    return made


def _metadata(content: Image | File | Audio | Video, losses: list[str]) -> dict[str, Any]:
    metadata: dict[str, Any] = {"src": content.url}
    if isinstance(content, (Image, Video)):
        metadata["width"], metadata["height"] = _whole(content.width), _whole(content.height)
    if isinstance(content, (Audio, Video)):
        metadata["duration"] = _whole(content.length_seconds)
    if isinstance(content, Video) and content.thumbnail_url is not None:
        metadata["thumbnail"] = content.thumbnail_url
    if content.secret is not None or (isinstance(content, Video) and content.thumbnail_secret is not None):
        losses.append("secret: dropped, this dialect opens files by URL alone")
    media_type = content.media_type
    if media_type is None and not isinstance(content, Image):
        media_type = _MEDIA_TYPES[type(content)]
        losses.append(f"metadata.type: defaulted to {media_type}")
    metadata |= {"name": content.name, "type": media_type, "size": content.size_bytes}
    return {name: value for name, value in metadata.items() if value is not None}


def _number(value: Any) -> float | None:
    """A JSON number that a float holds exactly."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < _EXACT
    return value if number else None


def _whole(value: float | None) -> float | None:
    """A float as JSON's one kind of number shows it: 200.0 is 200. Larger ones stay, as no JSON writer takes any integer."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT else value
