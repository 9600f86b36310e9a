"""Messages as the vendor keeps them in timelines: what a row says of the message itself, and what of the place.

What it says of the message is the same in every timeline of a conversation, so it is written once and kept with the
message for as long as that is remembered.
"""

import zlib
from collections.abc import Iterable
from typing import Any

import msgspec
import orjson

from adapters.chat21.content import ABSENT, DIRECT, GROUP, TOPIC_LOST, write
from adapters.chat21.ids import suffix
from adapters.chat21.options import NAME
from adapters.files import FileAddresses
from core.ids import Ids
from core.model import Audio, Content, File, Image, Stored, Text, Video

SENT = 100
"""Status of the sender's own copy in a direct conversation."""
DELIVERED = 150
"""Status of everybody else's copy, and of all copies in a group, the sender's too."""


class _Written(msgspec.Struct, frozen=True, gc=False):
    """What a row says of the message itself, as JSON."""

    recipient: str
    files: str
    """What the address in it begins with; empty when no file of ours is in it."""
    head: bytes
    """Up to the timeline's part of `_id`."""
    rest: bytes
    """From there to what is said of the place."""
    check: bytes
    """Four bytes of checksum."""
    lost: tuple[str, ...]


def timeline(
    messages: Iterable[Stored],
    ids: Ids,
    files: FileAddresses,
    losses: dict[str, None],
    *,
    app: str,
    owner: str,
    other: str,
    group: bool,
) -> tuple[bytes, int]:
    """The JSON array of the messages in the timeline that `owner` has with `other`, a user or a group; and a checksum of it.
    What they can't say here is added to `losses`, each loss once."""
    own_part = suffix(owner).encode()
    theirs, mine = (
        b"," + orjson.dumps(_place(app, owner, other, status))[1:] + b","
        for status in (DELIVERED, _own_status(owner, other, group))
    )
    pieces = [b"["]
    checks = [own_part, theirs, mine]
    known = ("", files.prefix)
    for stored in messages:
        is_own = stored.message.sender == owner
        recipient = other if group or is_own else owner
        written = stored.memo
        if type(written) is not _Written or written.recipient != recipient or written.files not in known:
            written = stored.memo = _write(stored, ids, files, recipient, group)
        if written.lost:
            losses.update(dict.fromkeys(written.lost))
        pieces += (written.head, own_part, written.rest, mine if is_own else theirs)
        checks.append(written.check)
    if len(pieces) > 1:
        pieces[-1] = pieces[-1][:-1]  # no comma behind the last
    pieces.append(b"]")
    return b"".join(pieces), zlib.crc32(b"".join(checks))


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
    return {"_id": f"{stored.id:x}{suffix(owner)}", **fields, **_place(app, owner, other, status)}


def _own_status(owner: str, other: str, group: bool) -> int:
    return DELIVERED if group or owner == other else SENT


def _place(app: str, owner: str, other: str, status: int) -> dict[str, Any]:
    return {"app_id": app, "status": status, "timelineOf": owner, "conversWith": other}


def _write(stored: Stored, ids: Ids, files: FileAddresses, recipient: str, group: bool) -> _Written:
    lost: list[str] = []
    content = files.shown(stored.message.content)
    where = files.prefix if content is not stored.message.content else ""
    fields = orjson.dumps(_message(stored, content, ids, recipient, recipient, group, lost))
    head, rest = b'{"_id":"%x' % stored.id, b'",' + fields[1:-1]
    return _Written(recipient, where, head, rest, zlib.crc32(rest, zlib.crc32(head)).to_bytes(4, "big"), tuple(lost))


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
