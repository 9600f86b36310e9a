"""Messages of chat clients both ways, pure.

What a client sends is kept to the byte, under its own id and dates. Its `Data` is encrypted in a way that the vendor does not
publish, so other dialects show a placeholder. The codec `plain` is our own: Base64 of a JSON object with `text`, `sender` (the
vendor's id of a user), `sendername` and `time`, of what is more than text with `type` and `content`, and with the app's own map
as `extension`. Messages of other dialects are served so, and what a client sends so is text, or more, for all.
"""

from base64 import b64decode, b64encode
from contextlib import suppress
from typing import Any, Literal

import msgspec
import orjson

from adapters.bodies import parse_json
from adapters.files import FileAddresses
from adapters.ozeki.content import ENCRYPTED, PLACEHOLDER, TOPIC_LOST, VALID_MS, plain_text
from adapters.ozeki.dates import written_date
from adapters.ozeki.ids import user_id
from adapters.ozeki.options import NAME
from adapters.ozeki.wire import parse_lenient
from core.errors import Failure, Kind
from core.ids import Ids
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
    Stored,
    Text,
    Video,
    Window,
)
from core.names import fits

Codec = Literal["plain", "opaque"]
MESSAGE = "Message"
LEFT_OUT = "messages: left out, they came from other dialects and the codec is opaque"
STATION = "station"
"""Where leftovers keep where a message was sent, veiled."""

_FIELDS = ("ID", "Type", "Created", "ValidUntil", "Data")
_MAXIMUM_ID = 128
_MAXIMUM_DATE = 32
_BYTES_A_LOSS = 200
_TYPES: dict[str, type[Content]] = {
    "html": Html,
    "image": Image,
    "audio": Audio,
    "video": Video,
    "file": File,
    "location": Location,
    "custom": Custom,
}
"""What clients may send, too. Notices and signals are for nobody to send as messages."""
_NAMES = {kind: name for name, kind in _TYPES.items()} | {Event: "event", Signal: "signal"}


class ClientMessage(msgspec.Struct, frozen=True):
    """A message as its client made it: dates as texts, `data` as it is."""

    id: str
    type: str
    created: str
    valid_until: str
    data: str

    @property
    def head(self) -> dict[str, str]:
        """All of it but `Data`: what the sender is answered."""
        return {"ID": self.id, "Type": self.type, "Created": self.created, "ValidUntil": self.valid_until}


class Written(msgspec.Struct, frozen=True, gc=False):
    """A message as JSON, with what else is asked for."""

    reader: tuple[str, str]
    """What it depends on beside the message: the domain, and what addresses of files begin with."""
    head: dict[str, str]
    """All of it but `Data`."""
    fields: bytes
    lost: tuple[str, ...]


class WrittenPage(msgspec.Struct, frozen=True, gc=False):
    """Messages as JSON, the oldest first, and what they can't say."""

    rows: bytes
    """Objects, with commas between them."""
    losses: tuple[str, ...]
    """Each once."""


def given_message(value: Any, now: int) -> ClientMessage:
    """The message in a request: an object, or a text that is one, with line breaks as they are. Raises *bad request*."""
    if isinstance(value, str):
        value = parse_lenient(value.encode(errors="replace"))
    if not isinstance(value, dict):
        raise Failure(Kind.BAD_REQUEST, "message must be a JSON object", reason="body", field="message")
    created = _text(value, "Created", _MAXIMUM_DATE, written_date(now))
    return ClientMessage(
        _text(value, "ID", _MAXIMUM_ID, None),
        _text(value, "Type", _MAXIMUM_ID, MESSAGE),
        created,
        _text(value, "ValidUntil", _MAXIMUM_DATE, written_date(now + VALID_MS)),
        _text(value, "Data", None, None),
    )


def to_message(
    given: ClientMessage, sender: str, codec: Codec, station: str, files: FileAddresses, losses: list[str]
) -> Message:
    """The neutral message; `station` is where it is sent, veiled."""
    content, extension = _read(given.data, files) if codec == "plain" else (None, None)
    if content is None:
        losses.append(ENCRYPTED)
        content = PLACEHOLDER
    values = (given.id, given.type, given.created, given.valid_until, given.data)
    leftovers = dict(zip(_FIELDS, values, strict=True)) | {STATION: station}
    return Message(sender, content, NAME, extension, leftovers=leftovers)


def own_message(message: Message) -> ClientMessage | None:
    """What a chat client made; none for what came another way."""
    left = message.leftovers
    if message.dialect != NAME or left is None or "Data" not in left:
        return None
    return ClientMessage(*(left[name] for name in _FIELDS))


def message_id(stored: Stored, ids: Ids) -> str:
    """The id of any message here: its client's, else ours."""
    left = stored.message.leftovers
    own = left.get("ID") if left is not None and stored.message.dialect == NAME and "Data" in left else None
    return own if own is not None else ids.uuid(stored.id)


def written(stored: Stored, ids: Ids, domain: str, files: FileAddresses) -> Written:
    """A message for a chat client."""
    known = stored.memo
    if type(known) is Written and known.reader == (domain, files.prefix):
        return known
    made = stored.memo = _write(stored, ids, domain, files)
    return made


def written_page(
    messages: Window, ids: Ids, domain: str, files: FileAddresses, codec: Codec, *, newest_first: bool
) -> WrittenPage:
    """Messages that were read together, for a chat client: those that this codec can say."""
    prefix = files.prefix
    key = (NAME, domain, prefix, codec, newest_first)
    page: WrittenPage | None = messages.memo(key)
    if page is not None:
        return page
    rows, losses = list[bytes](), dict[str, None]()
    for stored in reversed(messages) if newest_first else messages:
        if codec == "opaque" and own_message(stored.message) is None:
            losses[LEFT_OUT] = None
            continue
        row = written(stored, ids, domain, files)
        rows.append(row.fields)
        if row.lost:
            losses.update(dict.fromkeys(row.lost))
    page = WrittenPage(b",".join(rows), tuple(losses))
    messages.keep(key, page, len(page.rows) + len(prefix) + _BYTES_A_LOSS * len(losses))
    return page


def _write(stored: Stored, ids: Ids, domain: str, files: FileAddresses) -> Written:
    message, lost = stored.message, list[str]()
    given = own_message(message)
    if given is not None:
        head, data = given.head, given.data
    else:
        if message.topic is not None:
            lost += TOPIC_LOST
        created, valid_until = written_date(stored.time), written_date(stored.time + VALID_MS)
        head = {"ID": ids.uuid(stored.id), "Type": MESSAGE, "Created": created, "ValidUntil": valid_until}
        data = _data(message, files.shown(message.content), created, domain)
    return Written((domain, files.prefix), head, orjson.dumps({**head, "Data": data}), tuple(lost))


def _data(message: Message, content: Content, created: str, domain: str) -> str:
    fields: dict[str, Any] = {
        "text": plain_text(content, []),
        "sender": user_id(message.sender, domain),
        "sendername": message.sender_name or message.sender,
        "time": created,
    }
    if not isinstance(content, Text):
        fields["type"] = _NAMES[type(content)]
        values = msgspec.structs.asdict(content)
        fields["content"] = {name: value for name, value in values.items() if value is not None}
    if message.extension is not None:
        fields["extension"] = message.extension
    return b64encode(orjson.dumps(fields)).decode()


def _read(data: str, files: FileAddresses) -> tuple[Content | None, dict[str, Any] | None]:
    """What `Data` in the codec `plain` says; nothing for what is not in it."""
    try:
        value = parse_json(b64decode(data, validate=True))
    except (ValueError, Failure):
        return None, None
    if not isinstance(value, dict) or not isinstance(value.get("text"), str):
        return None, None
    extension = value.get("extension")
    content: Content = Text(value["text"])
    kind, values = _TYPES.get(str(value.get("type"))), value.get("content")
    if kind is not None and isinstance(values, dict):
        given = {name: values[name] for name in kind.__struct_fields__ if name in values}
        with suppress(TypeError, msgspec.ValidationError):
            # Checks the types of the fields, as the constructor does not.
            content = msgspec.convert(msgspec.to_builtins(kind(**given)), kind)
    return files.stored(content), extension if isinstance(extension, dict) else None


def _text(value: dict[str, Any], name: str, maximum: int | None, default: str | None) -> str:
    text = value.get(name)
    if text is None or (text == "" and default is not None):
        text = default
    legal = isinstance(text, str) and (maximum is None or (text and fits(text, maximum) and text.isprintable()))
    if not isinstance(text, str) or not legal:
        raise Failure(Kind.BAD_REQUEST, f"message.{name} is not valid", reason="body", field=name)
    return text
