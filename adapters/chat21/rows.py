"""Messages as the vendor keeps them in timelines: what a row says of the message itself, and what of the place.

A row is kept with its message for as long as that is remembered, as it stood in the timeline that was read last; and so is a
whole page with the messages that are read together.
"""

import zlib
from typing import Any

import msgspec
import orjson

from adapters.chat21.content import ABSENT, DIRECT, GROUP, TOPIC_LOST, write
from adapters.chat21.ids import suffix
from adapters.chat21.options import NAME
from adapters.files import FileAddresses
from core.ids import Ids
from core.model import Audio, Content, File, Image, Stored, Text, Video, Window

SENT = 100
"""Status of the sender's own copy in a direct conversation."""
DELIVERED = 150
"""Status of everybody else's copy, and of all copies in a group, the sender's too."""
_BYTES_A_LOSS = 200


class _Written(msgspec.Struct, frozen=True, gc=False):
    """A row of a timeline as JSON. What it says of the message itself is the same in every timeline, and is cut out of it for
    another one."""

    place: "_Place"
    recipient: str
    files: str
    """What the address in it begins with; empty when no file of ours is in it."""
    row: bytes
    """With a comma behind it."""
    head: int
    """Where the timeline's part of `_id` begins."""
    rest: int
    """Where that ends."""
    end: int
    """Where it is said of the place."""
    check: bytes
    """Four bytes of checksum of what is said of the message."""
    lost: tuple[str, ...]


_Place = tuple[str, str, str, bool]
"""App, whose timeline, with whom, and whether that is a group."""


class Timeline(msgspec.Struct, frozen=True, gc=False):
    """A page of a timeline as it is answered."""

    json: bytes
    """The whole answer: an object with the array of the messages."""
    check: int
    """A checksum of it."""
    losses: tuple[str, ...]
    """What the messages can't say here, each loss once."""


def timeline(
    messages: Window, ids: Ids, files: FileAddresses, *, app: str, owner: str, other: str, group: bool
) -> Timeline:
    """The messages in the timeline that `owner` has with `other`, a user or a group."""
    place, prefix = (app, owner, other, group), files.prefix
    key = (NAME, place, prefix)
    page: Timeline | None = messages.memo(key)
    if page is None:
        page = _write_page(messages, ids, files, place)
        messages.keep(key, page, len(page.json) + len(prefix) + _BYTES_A_LOSS * len(page.losses))
    return page


def _write_page(messages: Window, ids: Ids, files: FileAddresses, place: _Place) -> Timeline:
    app, owner, other, group = place
    own_part = suffix(owner).encode()
    theirs, mine = (
        b"," + orjson.dumps(_place_fields(app, owner, other, status))[1:] + b","
        for status in (DELIVERED, _own_status(owner, other, group))
    )
    pieces, losses = [], dict[str, None]()
    checks = [own_part, theirs, mine]
    known = ("", files.prefix)
    for stored in messages:
        written = stored.memo
        if type(written) is not _Written or written.place != place or written.files not in known:
            is_own = stored.message.sender == owner
            recipient = other if group or is_own else owner
            written = stored.memo = _write(stored, ids, files, place, recipient, own_part, mine if is_own else theirs)
        if written.lost:
            losses.update(dict.fromkeys(written.lost))
        pieces.append(written.row)
        checks.append(written.check)
    if pieces:
        pieces[-1] = pieces[-1][:-1]  # no comma behind the last
    json = b"".join((b'{"success":true,"result":[', *pieces, b"]}"))
    return Timeline(json, zlib.crc32(b"".join(checks)), tuple(losses))


def row(
    stored: Stored,
    ids: Ids,
    files: FileAddresses,
    losses: dict[str, None],
    *,
    app: str,
    owner: str,
    other: str,
    group: str | None,
) -> dict[str, Any]:
    """One message of that array, for a conversation's row; `group` is the name of the group, empty for one that nobody
    created, none for a user."""
    is_own = stored.message.sender == owner
    in_group = group is not None
    recipient = other if in_group or is_own else owner
    lost: list[str] = []
    content = files.shown(stored.message.content)
    fields = _message(stored, content, ids, recipient, group or recipient, in_group, lost)
    losses.update(dict.fromkeys(lost))
    status = _own_status(owner, other, in_group) if is_own else DELIVERED
    return {"_id": f"{stored.id:x}{suffix(owner)}", **fields, **_place_fields(app, owner, other, status)}


def _own_status(owner: str, other: str, group: bool) -> int:
    return DELIVERED if group or owner == other else SENT


def _place_fields(app: str, owner: str, other: str, status: int) -> dict[str, Any]:
    return {"app_id": app, "status": status, "timelineOf": owner, "conversWith": other}


def _write(
    stored: Stored, ids: Ids, files: FileAddresses, place: _Place, recipient: str, own_part: bytes, said: bytes
) -> _Written:
    before = stored.memo
    if type(before) is _Written and before.recipient == recipient and before.files in ("", files.prefix):
        where, check, lost = before.files, before.check, before.lost
        head, rest = before.row[: before.head], before.row[before.rest : before.end]
    else:
        found: list[str] = []
        content = files.shown(stored.message.content)
        where = files.prefix if content is not stored.message.content else ""
        fields = orjson.dumps(_message(stored, content, ids, recipient, recipient, place[3], found))
        head, rest, lost = b'{"_id":"%x' % stored.id, b'",' + fields[1:-1], tuple(found)
        check = zlib.crc32(rest, zlib.crc32(head)).to_bytes(4, "big")
    begins = len(head) + len(own_part)
    row = b"".join((head, own_part, rest, said))
    return _Written(place, recipient, where, row, len(head), begins, begins + len(rest), check, lost)


def _message(
    stored: Stored, content: Content, ids: Ids, recipient: str, recipient_name: str, group: bool, lost: list[str]
) -> dict[str, Any]:
    """The fields of a message whose content has the addresses that its reader is to see."""
    message = stored.message
    fields: dict[str, Any] = {
        "message_id": ids.uuid(stored.id),
        "text": "",
        "type": "text",
        "sender": message.sender,
        "sender_fullname": message.sender_name or message.sender,
        "recipient": recipient,
        "recipient_fullname": recipient_name,
        "channel_type": GROUP if group else DIRECT,
        "timestamp": stored.time,
    }
    if message.topic is not None:
        lost.append(TOPIC_LOST)
    if isinstance(content, Text):
        fields["text"] = content.text
        if message.extension is not None:
            fields["attributes"] = message.extension
    else:
        # Of its own messages a dialect loses nothing: the leftovers have the rest.
        fields |= write(content, message.extension, lost if message.dialect != NAME else [])
    if message.leftovers is not None and message.dialect == NAME:
        fields |= message.leftovers
        for name in fields.pop(ABSENT, ()):
            fields.pop(name, None)
        if isinstance(content, (File, Image, Audio, Video)) and content is not message.content and "metadata" in fields:
            # What else the app says of the file was kept with the address that its sender used.
            fields["metadata"] = fields["metadata"] | {"src": content.url}
    return fields
