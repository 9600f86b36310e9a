"""Message content both ways, as pure functions: the vendor's `msg` object and the neutral content.

What neutral words can't say of a `msg` becomes leftovers, so that the same dialect in and out is the identity: the
leftovers are by construction whatever the neutral content would not be written as. A field that only this dialect knows,
an unusual spelling (`"width": 480.0`) and the alias `text` all travel there.
"""

from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec
import orjson

from adapters.easemob.errors import illegal
from adapters.easemob.options import NAME
from adapters.easemob.wire import integer_of
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

_MAXIMUM_EXACT = 1 << 53
_HIGHEST_SIZE = (1 << 63) - 1


def read(msg: dict[str, Any]) -> tuple[Content, dict[str, Any] | None]:
    """The neutral content of a `msg`, and its leftovers. Raises *bad request* for a type that is not carried and for
    fields that are missing or of a wrong type."""
    kind = msg.get("type")
    if kind == "txt" or kind == "text":
        text = msg.get("msg")
        if not isinstance(text, str):
            raise illegal("msg.msg must be provided and be a string", "msg")
        content: Content = Text(text)
        if kind == "txt" and len(msg) == 2:
            return content, None
    elif kind == "img":
        content = _read_image(msg)
    elif kind is None:
        raise illegal("msg.type must be provided", "type")
    else:
        raise illegal(
            f"msg.type [{kind}] is not supported" if isinstance(kind, str) else "msg.type must be a string", "type"
        )
    return content, _leftovers(msg, _write(content, []))


def write(message: Message, losses: list[str]) -> dict[str, Any]:
    """The `msg` of a stored message. What another dialect's content holds and this one can't express goes to `losses`,
    one `field: what happened` each."""
    if message.dialect == NAME:
        own = (message.leftovers or {}).get("msg")
        return {**_write(message.content, []), **own} if own else _write(message.content, [])
    return _fill(_write(message.content, losses), message.content, losses)


def _leftovers(msg: dict[str, Any], written: dict[str, Any]) -> dict[str, Any] | None:
    left = {name: value for name, value in msg.items() if name not in written or not _same(value, written[name])}
    return left or None


def _same(one: object, other: object) -> bool:
    if isinstance(one, str):
        return one == other
    return orjson.dumps(one) == orjson.dumps(other)  # 480 is not 480.0, 1 is not true


def _read_image(msg: dict[str, Any]) -> Image:
    url = _text(msg, "url")
    if not url:
        raise illegal("msg.url must be provided", "url")
    size = msg.get("size")
    if size is not None and not isinstance(size, dict):
        raise illegal("msg.size must be JSONObject", "size")
    return Image(
        url=url,
        name=_text(msg, "filename"),
        secret=_text(msg, "secret"),
        size_bytes=_bytes(msg, "file_length"),
        width=_pixels(size, "width") if size else None,
        height=_pixels(size, "height") if size else None,
    )


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


def _pixels(size: dict[str, Any], field: str) -> float | None:
    value = size.get(field)
    if value is None:
        return None
    number = value if isinstance(value, float) else integer_of(value)
    if number is None or number < 0:
        raise illegal(f"msg.size.{field} must be a number", field)
    return float(number)


def _write(content: Content, losses: list[str]) -> dict[str, Any]:
    match content:
        case Text(text):
            return {"type": "txt", "msg": text}
        case Html(html):
            losses.append("type: html became txt, its markup stands in the text")
            return {"type": "txt", "msg": html}
        case Image():
            size = _present(width=_number(content.width), height=_number(content.height))
            return _file("img", content, losses) | ({"size": size} if size else {})
        case File():
            return _file("file", content, losses)
        case Audio():
            return _file("audio", content, losses) | _present(length=_number(content.length_seconds))
        case Video():
            size = _present(width=_number(content.width), height=_number(content.height))
            return (
                _file("video", content, losses)
                | _present(
                    thumb=content.thumbnail_url,
                    thumb_secret=content.thumbnail_secret,
                    length=_number(content.length_seconds),
                )
                | ({"size": size} if size else {})
            )
        case Location(latitude, longitude, address):
            return {"type": "loc", "lat": _number(latitude), "lng": _number(longitude), **_present(addr=address)}
        case Signal(action, parameters):
            return {"type": "cmd", "action": action, **_present(param=parameters)}
        case Custom(event, values, text):
            if text is not None:
                losses.append("text: dropped, a custom message has none")
            return {"type": "custom", "customEvent": event, **_present(customExts=_strings(values, losses))}
        case Event(name, parameters, text):
            losses.append("type: system notice became txt")
            if parameters:
                losses.append("parameters: dropped")
            return {"type": "txt", "msg": name if text is None else text}


def _fill(msg: dict[str, Any], content: Content, losses: list[str]) -> dict[str, Any]:
    """What this dialect's clients need to find and another dialect did not give."""
    if isinstance(content, File | Image | Audio | Video) and "filename" not in msg:
        losses.append("filename: defaulted to the last part of the URL")
        msg["filename"] = unquote(_last_part(content.url)) or msg["type"]
    if isinstance(content, Audio | Video) and "length" not in msg:
        losses.append("length: defaulted to 0")
        msg["length"] = 0
    if isinstance(content, Location) and "addr" not in msg:
        losses.append("addr: defaulted to nothing")
        msg["addr"] = ""
    return msg


def _file(kind: str, content: File | Image | Audio | Video, losses: list[str]) -> dict[str, Any]:
    if content.media_type is not None:
        losses.append("media_type: dropped")
    return {
        "type": kind,
        "url": content.url,
        **_present(filename=content.name, secret=content.secret, file_length=content.size_bytes),
    }


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
