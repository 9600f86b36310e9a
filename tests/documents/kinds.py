"""What apps of each dialect send, a message of each kind that it has, with all that it can say of it: on the wire."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from core.model import Message
from tests.documents.ends import from_applozic, from_chat21, from_easemob, from_ozeki_client, from_ozeki_user

URL = "https://files.example/chat/a"
_PIXELS = {"width": 480, "height": 720}


class Sample(NamedTuple):
    """A message as its sender writes it."""

    fields: Any
    extension: dict[str, Any] | None = None


class Sender(NamedTuple):
    """One kind of sender of a dialect."""

    dialect: str
    read: Callable[[Any, dict[str, Any] | None], Message]
    samples: Mapping[str, Sample]

    def message(self, kind: str) -> Message:
        """The neutral message of a sample."""
        sample = self.samples[kind]
        return self.read(sample.fields, sample.extension)


TEXTS = {"name": "tea", "count": "2"}
VALUES = {"name": "tea", "count": 2}

_EASEMOB = {
    "text": Sample({"type": "txt", "msg": "Hello"}),
    "picture": Sample(
        {"type": "img", "url": URL, "filename": "a.jpg", "secret": "s1", "file_length": 1024, "size": _PIXELS}
    ),
    "sound": Sample(
        {"type": "audio", "url": URL, "filename": "a.amr", "secret": "s1", "file_length": 1024, "length": 10}
    ),
    "film": Sample(
        {
            "type": "video",
            "url": URL,
            "filename": "a.mp4",
            "secret": "s1",
            "file_length": 1024,
            "length": 10,
            "thumb": URL + ".jpg",
            "thumb_secret": "s2",
            "size": _PIXELS,
        }
    ),
    "file": Sample({"type": "file", "url": URL, "filename": "a.pdf", "secret": "s1", "file_length": 1024}),
    "place": Sample({"type": "loc", "lat": 39.9, "lng": 116.3, "addr": "Beijing"}),
    "the app's own type": Sample({"type": "custom", "customEvent": "order", "customExts": TEXTS}),
    "the app's own map": Sample({"type": "txt", "msg": "Hello"}, TEXTS),
    "the app's own map, with numbers": Sample({"type": "txt", "msg": "Hello"}, VALUES),
    "a field that nobody knows": Sample({"type": "txt", "msg": "Hello", "mood": "fine"}),
}


def _chat21_file(kind: str, name: str, media_type: str, **more: Any) -> Sample:
    metadata = {"src": URL, "name": name, "type": media_type, "size": 1024, **more}
    return Sample({"type": kind, "text": name, "metadata": metadata})


_CHAT21 = {
    "text": Sample({"text": "Hello"}),
    "HTML": Sample({"type": "html", "text": "<b>Hello</b>"}),
    "picture": _chat21_file("image", "a.jpg", "image/jpeg", **_PIXELS),
    "sound": _chat21_file("file", "a.mp3", "audio/mpeg", duration=10),
    "film": _chat21_file("file", "a.mp4", "video/mp4", duration=10, **_PIXELS),
    "file": _chat21_file("file", "a.pdf", "application/pdf"),
    "the app's own type": Sample({"type": "order", "text": "An order", "metadata": VALUES}),
    "the app's own map": Sample({"text": "Hello"}, TEXTS),
    "the app's own map, with numbers": Sample({"text": "Hello"}, VALUES),
    "text beside a file": Sample({"type": "image", "text": "Look!", "metadata": {"src": URL, **_PIXELS}}),
    "a field that nobody knows": Sample({"text": "Hello", "metadata": {"mood": "fine"}}),
}


def _applozic_file(name: str, media_type: str, message: str = "") -> Sample:
    meta = {"url": URL, "name": name, "size": 1024, "contentType": media_type}
    return Sample({"message": message, "contentType": 1, "fileMeta": meta})


_APPLOZIC = {
    "text": Sample({"message": "Hello"}),
    "HTML": Sample({"message": "<b>Hello</b>", "contentType": 3}),
    "picture": _applozic_file("a.jpg", "image/jpeg"),
    "sound": _applozic_file("a.mp3", "audio/mpeg"),
    "film": _applozic_file("a.mp4", "video/mp4"),
    "file": _applozic_file("a.pdf", "application/pdf"),
    "place": Sample({"message": '{"lat":39.9,"lon":116.3}', "contentType": 2}),
    "the app's own type": Sample({"message": "An order", "contentType": 101}, TEXTS),
    "the app's own map": Sample({"message": "Hello"}, TEXTS),
    "text beside a file": _applozic_file("a.jpg", "image/jpeg", "Look!"),
}
_CLIENT_FILE = {"url": URL, "size_bytes": 1024}
_OZEKI_CLIENT = {
    "text": Sample({"text": "Hello"}),
    "HTML": Sample({"type": "html", "content": {"html": "<b>Hello</b>"}}),
    "picture": Sample(
        {"type": "image", "content": {**_CLIENT_FILE, **_PIXELS, "name": "a.jpg", "media_type": "image/jpeg"}}
    ),
    "sound": Sample(
        {
            "type": "audio",
            "content": {**_CLIENT_FILE, "name": "a.mp3", "length_seconds": 10, "media_type": "audio/mpeg"},
        }
    ),
    "film": Sample(
        {"type": "video", "content": {**_CLIENT_FILE, "name": "a.mp4", "length_seconds": 10, "media_type": "video/mp4"}}
    ),
    "file": Sample({"type": "file", "content": {**_CLIENT_FILE, "name": "a.pdf", "media_type": "application/pdf"}}),
    "place": Sample({"type": "location", "content": {"latitude": 39.9, "longitude": 116.3, "address": "Beijing"}}),
    "the app's own type": Sample(
        {"type": "custom", "content": {"event": "order", "values": VALUES, "text": "An order"}}
    ),
    "the app's own map": Sample({"text": "Hello"}, TEXTS),
    "the app's own map, with numbers": Sample({"text": "Hello"}, VALUES),
    "encrypted by the vendor's client": Sample("bm90IG91cnM="),
}
_OZEKI_USER = {
    "text": Sample({"text": "Hello"}),
    "the app's own map": Sample({"text": "Hello"}, TEXTS),
    "expiring": Sample({"text": "Hello", "valid_until": "2125-06-15 15:06:40"}),
}

SENDERS: Mapping[str, Sender] = {
    "easemob": Sender("easemob", from_easemob, _EASEMOB),
    "chat21": Sender("chat21", from_chat21, _CHAT21),
    "applozic": Sender("applozic", from_applozic, _APPLOZIC),
    "ozeki, HTTP API user": Sender("ozeki", from_ozeki_user, _OZEKI_USER),
    "ozeki, chat client": Sender("ozeki", from_ozeki_client, _OZEKI_CLIENT),
}
