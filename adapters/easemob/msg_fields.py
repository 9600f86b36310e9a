"""What the fields of the vendor's `msg` say: a neutral content for each of its types, read leniently and refused as the vendor
does."""

import re
from collections.abc import Callable
from typing import Any

from adapters.easemob.errors import illegal
from adapters.easemob.wire import integer_of
from core.model import Audio, Content, Custom, File, Image, Location, Signal, Text, Video

_MAXIMUM_CUSTOM_VALUES = 16
_CUSTOM_EVENT = re.compile(r"[a-zA-Z0-9\-_/. ]{1,32}")
_DECIMAL = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_HIGHEST_SIZE = (1 << 63) - 1


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
    if strict and sum(map(len, parts)) > _MAXIMUM_CUSTOM_VALUES:
        raise illegal(f"customExts size can't exceed {_MAXIMUM_CUSTOM_VALUES}", "customExts")
    values = {name: value for part in parts for name, value in part.items()} if given is not None else None
    return Custom(event or "custom", values)


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


READERS: dict[str, Callable[[dict[str, Any], bool], Content]] = {
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
"""By type, each given the `msg` and whether what the documents don't allow is refused. They raise *bad request* for fields that
are missing or of a wrong type."""
