"""Message content both ways, as pure functions: the vendor's `msg` object and the neutral content.

What neutral words can't say of a `msg` becomes leftovers, so that the same dialect in and out is the identity: the
leftovers are by construction whatever the neutral content would not be written as. A field that only this dialect knows,
an unusual spelling (`"width": 480.0`, `"lat": "39.9"`) and the alias `text` all travel there.
"""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec
import orjson

from adapters.easemob.errors import illegal
from adapters.easemob.options import NAME
from adapters.easemob.wire import integer_of
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
MAXIMUM_CUSTOM_VALUES = 16
_CUSTOM_EVENT = re.compile(r"[a-zA-Z0-9\-_/. ]{1,32}")
_DECIMAL = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_MAXIMUM_EXACT = 1 << 53
_HIGHEST_SIZE = (1 << 63) - 1


def read(msg: dict[str, Any], *, strict: bool = True) -> tuple[Content, dict[str, Any] | None]:
    """The neutral content of a `msg`, and what the message keeps of it as leftovers. Raises *bad request* for fields that
    are missing or of a wrong type; when `strict`, also for a type that is not known and for a custom event or a number of
    custom values that the vendor's documents don't allow."""
    kind = msg.get("type")
    if kind == "txt" and len(msg) == 2:
        text = msg.get("msg")
        if isinstance(text, str):
            return Text(text), None
    reader = _READERS.get(kind) if isinstance(kind, str) else None
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


def _read_text(msg: dict[str, Any], _: bool) -> Text:
    text = msg.get("msg")
    if not isinstance(text, str):
        raise illegal("msg.msg must be provided and be a string", "msg")
    return Text(text)


def _read_image(msg: dict[str, Any], _: bool) -> Image:
    width, height = _size(msg)
    return Image(**_file_fields(msg), width=width, height=height)


def _read_audio(msg: dict[str, Any], _: bool) -> Audio:
    return Audio(**_file_fields(msg), length_seconds=_seconds(msg))


def _read_video(msg: dict[str, Any], _: bool) -> Video:
    width, height = _size(msg)
    return Video(
        **_file_fields(msg),
        length_seconds=_seconds(msg),
        thumbnail_url=_text(msg, "thumb"),
        thumbnail_secret=_text(msg, "thumb_secret"),
        width=width,
        height=height,
    )


def _read_file(msg: dict[str, Any], _: bool) -> File:
    return File(**_file_fields(msg))


def _read_location(msg: dict[str, Any], _: bool) -> Location:
    return Location(_degrees(msg, "lat"), _degrees(msg, "lng"), _text(msg, "addr"))


def _read_signal(msg: dict[str, Any], _: bool) -> Signal:
    action, parameters = _text(msg, "action"), msg.get("param")
    if action is None:
        raise illegal("msg.action must be provided", "action")
    return Signal(action, parameters if isinstance(parameters, dict) else None)


def _read_custom(msg: dict[str, Any], strict: bool) -> Custom:
    """The event may be missing where the newer endpoints allow it. Values that are no texts are taken: the vendor's own
    clients send numbers. Old clients send a list of maps of one value each."""
    event, given = msg.get("customEvent"), msg.get("customExts")
    if event is not None and (not isinstance(event, str) or (strict and not _CUSTOM_EVENT.fullmatch(event))):
        raise illegal("customEvent is not legal", "customEvent")
    parts = given if isinstance(given, list) else [given] if given is not None else []
    if not all(isinstance(part, dict) for part in parts):
        raise illegal("customExts must be a map", "customExts")
    if strict and sum(map(len, parts)) > MAXIMUM_CUSTOM_VALUES:
        raise illegal(f"customExts size can't exceed {MAXIMUM_CUSTOM_VALUES}", "customExts")
    values = {name: value for part in parts for name, value in part.items()} if given is not None else None
    return Custom(event or "custom", values)


_READERS: dict[str, Callable[[dict[str, Any], bool], Content]] = {
    "txt": _read_text,
    "text": _read_text,
    "img": _read_image,
    "audio": _read_audio,
    "video": _read_video,
    "file": _read_file,
    "loc": _read_location,
    "cmd": _read_signal,
    "custom": _read_custom,
}


def _file_fields(msg: dict[str, Any]) -> dict[str, Any]:
    url = _text(msg, "url")
    if not url:
        raise illegal("msg.url must be provided", "url")
    return {
        "url": url,
        "name": _text(msg, "filename"),
        "secret": _text(msg, "secret"),
        "size_bytes": _bytes(msg, "file_length"),
    }


def _text(msg: dict[str, Any], field: str) -> str | None:
    value = msg.get(field)
    if value is not None and not isinstance(value, str):
        raise illegal(f"msg.{field} must be a string", field)
    return value


def _bytes(msg: dict[str, Any], field: str) -> int | None:
    value = msg.get(field)
    if value is None:
        return None
    size = integer_of(value)
    if size is None or not 0 <= size <= _HIGHEST_SIZE:
        raise illegal(f"msg.{field} must be a number of bytes", field)
    return size


def _size(msg: dict[str, Any]) -> tuple[float | None, float | None]:
    size = msg.get("size")
    if size is not None and not isinstance(size, dict):
        raise illegal("msg.size must be JSONObject", "size")
    return (_measure(size, "width", "size.width"), _measure(size, "height", "size.height")) if size else (None, None)


def _seconds(msg: dict[str, Any]) -> float | None:
    # A table of the vendor's prints the field in upper case, its example in lower.
    field = "length" if msg.get("length") is not None else "Length"
    return _measure(msg, field, field)


def _measure(fields: dict[str, Any], field: str, shown: str) -> float | None:
    value = fields.get(field)
    if value is None:
        return None
    number = _decimal(value)
    if number is None or number < 0:
        raise illegal(f"msg.{shown} must be a number", field)
    return number


def _degrees(msg: dict[str, Any], field: str) -> float:
    number = _decimal(msg.get(field))
    if number is None:
        raise illegal(f"msg.{field} must be a number", field)
    return number


def _decimal(value: object) -> float | None:
    """A number, also as text."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        value = float(value)
    return float(value) if isinstance(value, (int, float)) and abs(value) < float("inf") else None


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
