"""Message content both ways, as pure functions: the vendor's `msg` object and the neutral content.

What neutral words can't say of a `msg` becomes leftovers, so that the same dialect in and out is the identity: the
leftovers are by construction whatever the neutral content would not be written as. A field that only this dialect knows,
an unusual spelling (`"width": 480.0`, `"lat": "39.9"`) and the alias `text` all travel there.
"""

from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec
import orjson

from adapters.easemob.errors import illegal
from adapters.easemob.msg_fields import READERS
from adapters.easemob.options import NAME
from adapters.files import FileAddresses
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

MSG = "msg"
"""Where a message's leftovers keep the fields of its `msg` that its content would not be written as."""
ABSENT = "absent"
"""Where they keep the names of fields that its content would be written with, and which it had not."""
_STAYING = ("need_group_ack", "chatroom_msg_level", "msg_timestamp", "env")
"""Options of a message that mean something to this dialect's readers alone. The others say who gets it."""
_MAXIMUM_EXACT = 1 << 53


def read(msg: dict[str, Any], *, strict: bool = True) -> tuple[Content, dict[str, Any] | None]:
    """The neutral content of a `msg`, and what the message keeps of it as leftovers. Raises *bad request* for fields that
    are missing or of a wrong type; when `strict`, also for a type that is not known and for a custom event or a number of
    custom values that the vendor's documents don't allow."""
    kind = msg.get("type")
    if kind == "txt" and len(msg) == 2:
        text = msg.get("msg")
        if isinstance(text, str):
            return Text(text), None
    reader = READERS.get(kind) if isinstance(kind, str) else None
    if reader is not None:
        content = reader(msg, strict)
    elif kind is None:
        raise illegal("msg.type must be provided", "type")
    elif not isinstance(kind, str):
        raise illegal("msg.type must be a string", "type")
    elif strict:
        raise illegal(f"msg.type [{kind}] is not supported", "type")
    else:
        content = Custom(kind, {name: value for name, value in msg.items() if name != "type"} or None)
    return content, _leftovers(msg, _write(content, []))


def losses(message: Message) -> list[str]:
    """What is lost of a message: see `adapters.contract.Adapter.losses`."""
    lost: list[str] = []
    if message.dialect != NAME:
        write(message, lost)
        return lost
    left = message.leftovers or {}
    written = _write(message.content, [])
    # Names of what the content says, too: the rest are unusual spellings.
    lost = [f"msg.{name}: stays in this dialect" for name in left.get(MSG, ()) if name.lower() not in written]
    return lost + [f"{name}: stays in this dialect" for name in _STAYING if left.get(name)]


def write(message: Message, losses: list[str]) -> dict[str, Any]:
    """The `msg` of a stored message. What another dialect's content holds and this one can't express goes to `losses`,
    one `field: what happened` each."""
    if message.dialect != NAME:
        if message.topic is not None:
            losses.append("topic: dropped")
        return _fill(_write(message.content, losses), message.content, losses)
    msg, left = _write(message.content, []), message.leftovers
    if left:
        msg |= left.get(MSG, {})
        for name in left.get(ABSENT, ()):
            msg.pop(name, None)
    return msg


def record_body(message: Message, files: FileAddresses, losses: list[str]) -> dict[str, Any]:
    """The same as the vendor's history shows it: files where they are for the reader, places as numbers, custom values both as a
    map and as the list that older clients read."""
    content = files.shown(message.content)
    body = write(message if content is message.content else msgspec.structs.replace(message, content=content), losses)
    if isinstance(content, Text):
        body["type"] = "txt"
    elif isinstance(content, Location):
        body |= {"lat": _number(content.latitude), "lng": _number(content.longitude)}
    elif isinstance(content, Custom) and body["type"] == "custom":
        values = _strings(content.values, []) or {}
        body |= {"v2:customExts": values, "customExts": [{name: value} for name, value in values.items()]}
    return body


def _leftovers(msg: dict[str, Any], written: dict[str, Any]) -> dict[str, Any] | None:
    left: dict[str, Any] = {}
    other = {name: value for name, value in msg.items() if name not in written or not _same(value, written[name])}
    if other:
        left[MSG] = other
    absent = [name for name in written if name not in msg]
    if absent:
        left[ABSENT] = absent
    return left or None


def _same(one: object, other: object) -> bool:
    if isinstance(one, str):
        return one == other
    return orjson.dumps(one) == orjson.dumps(other)  # 480 is not 480.0, 1 is not true


def _write(content: Content, losses: list[str]) -> dict[str, Any]:
    match content:
        case Text(text):
            return {"type": "txt", "msg": text}
        case Html(html):
            losses.append("type: html became txt, its markup stands in the text")
            return {"type": "txt", "msg": html}
        case Image():
            return _file("img", content, losses) | _written_size(content)
        case File():
            return _file("file", content, losses)
        case Audio():
            return _file("audio", content, losses) | _present(length=_number(content.length_seconds))
        case Video():
            return (
                _file("video", content, losses)
                | _present(
                    thumb=content.thumbnail_url,
                    thumb_secret=content.thumbnail_secret,
                    length=_number(content.length_seconds),
                )
                | _written_size(content)
            )
        case Location(latitude, longitude, address):
            return {"type": "loc", "lat": _number(latitude), "lng": _number(longitude), **_present(addr=address)}
        case Signal(action, parameters):
            return {"type": "cmd", "action": action, **_present(param=parameters)}
        case Custom(event, values, text):
            if text is not None:
                losses.append("text: dropped, a custom message has none")
            return {"type": "custom", "customEvent": event, **_present(customExts=values)}
        case Event(name, parameters, text):
            losses.append("type: system notice became txt")
            if parameters:
                losses.append("parameters: dropped")
            return {"type": "txt", "msg": name if text is None else text}


def _fill(msg: dict[str, Any], content: Content, losses: list[str]) -> dict[str, Any]:
    """What this dialect's clients need to find and another dialect did not give, in the form in which they expect it."""
    if isinstance(content, File | Image | Audio | Video) and "filename" not in msg:
        losses.append("filename: defaulted to the last part of the URL")
        msg["filename"] = unquote(_last_part(content.url)) or msg["type"]
    if isinstance(content, Audio | Video) and "length" not in msg:
        losses.append("length: defaulted to 0")
        msg["length"] = 0
    if isinstance(content, Location) and "addr" not in msg:
        losses.append("addr: defaulted to nothing")
        msg["addr"] = ""
    if isinstance(content, Custom):
        msg |= _present(customExts=_strings(content.values, losses))
    return msg


def _file(kind: str, content: File | Image | Audio | Video, losses: list[str]) -> dict[str, Any]:
    if content.media_type is not None:
        losses.append("media_type: dropped")
    return {
        "type": kind,
        "url": content.url,
        **_present(filename=content.name, secret=content.secret, file_length=content.size_bytes),
    }


def _written_size(content: Image | Video) -> dict[str, Any]:
    size = _present(width=_number(content.width), height=_number(content.height))
    return {"size": size} if size else {}


def _present(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _number(value: float | None) -> float | None:
    """A number as most clients write it: whole ones without a fraction."""
    if value is not None and float(value).is_integer() and abs(value) < _MAXIMUM_EXACT:
        return int(value)
    return value


def _strings(values: dict[str, Any] | None, losses: list[str]) -> dict[str, str] | None:
    """Custom values are texts here; others become their JSON."""
    if values is None:
        return None
    others = [name for name, value in values.items() if not isinstance(value, str)]
    losses.extend(f"customExts.{name}: became text" for name in others)
    return {
        name: value if isinstance(value, str) else msgspec.json.encode(value).decode() for name, value in values.items()
    }


def _last_part(url: str) -> str:
    try:
        return urlsplit(url).path.rpartition("/")[2]
    except ValueError:  # not a URL at all
        return ""
