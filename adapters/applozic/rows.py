"""Messages as the vendor shows them to one viewer. The same message has two keys in a one-to-one thread, and for each of the two
another type, status and counterpart; in a group it has one key and names its sender.

What depends on the viewer is put together for each row, all else is written once and kept with the message for as long as
that is remembered.
"""

from collections.abc import Iterable, Mapping

import msgspec
import orjson

from adapters.applozic.content import write
from adapters.applozic.ids import user_key
from adapters.files import FileAddresses
from core.ids import Ids
from core.model import Stored

UNREAD, READ, SENT, DELIVERED, DELIVERED_AND_READ = 0, 1, 3, 4, 5
"""Of `status`: the first two of what was received, the others of what was sent."""


class Thread(msgspec.Struct, frozen=True):
    """A conversation as one viewer sees it: with a `peer`, or a group's. The positions are sequences: what the viewer has read,
    and what the peer was delivered and has read."""

    viewer: str
    peer: str = ""
    group: int = 0
    client_group_id: str = ""
    read: int = 0
    peer_delivered: int = 0
    peer_read: int = 0


class Readers(msgspec.Struct, frozen=True):
    """What rows are written with: the tenant's id forms, the numbers of those who sent them, where files are for whoever reads
    them."""

    ids: Ids
    numbers: Mapping[str, int]
    files: FileAddresses


class _Written(msgspec.Struct, frozen=True, gc=False):
    """What a row says of the message itself, as JSON."""

    files: str
    """What the address in it begins with; empty when no file of ours is in it."""
    tail: bytes
    """The key of a one-to-one message behind its first digit and the dash."""
    number: bytes
    sender: bytes
    """`to` and `contactIds` of whoever did not send it."""
    rest: bytes
    """What follows them, with the closing brace."""
    lost: tuple[str, ...]


def _state(kind: int, status: int) -> bytes:
    own = kind == 5
    fields = {
        "type": kind,
        "status": status,
        "sent": own,
        "delivered": not own or status >= DELIVERED,
        "read": status in (READ, DELIVERED_AND_READ),
    }
    return orjson.dumps(fields)[1:-1] + b","


_RECEIVED = tuple(_state(4, status) for status in (UNREAD, READ))
_OWN = {status: _state(5, status) for status in (SENT, DELIVERED, DELIVERED_AND_READ)}


def rows(messages: Iterable[Stored], thread: Thread, readers: Readers, losses: dict[str, None]) -> list[bytes]:
    """The JSON of messages of a thread, in their order. What they can't say here is added to `losses`, each loss once."""
    viewer, read, delivered, seen = thread.viewer, thread.read, thread.peer_delivered, thread.peer_read
    known = ("", readers.files.prefix)
    to_peer, group_head, group_fields = _names(thread.peer), b"", b""
    if thread.group:
        group_head = b'{"key":"5-%d-' % thread.group
        group_fields = orjson.dumps({"groupId": thread.group, "clientGroupId": thread.client_group_id})[1:-1] + b","
    found = []
    for stored in messages:
        written = stored.memo
        if type(written) is not _Written or written.files not in known:
            written = stored.memo = _write(stored, readers)
        if written.lost:
            losses.update(dict.fromkeys(written.lost))
        own, sequence = stored.message.sender == viewer, stored.sequence
        if group_head:
            state = _OWN[SENT] if own else _RECEIVED[sequence <= read]
            found.append(
                b"".join((group_head, written.number, b'",', state, written.sender, group_fields, written.rest))
            )
        elif own:
            # What was imported counts as read by both.
            status = DELIVERED_AND_READ if sequence <= seen else DELIVERED if sequence <= delivered else SENT
            pair = (b'{"key":"5-', written.tail, b'","pairedMessageKey":"4-', written.tail, b'",')
            found.append(b"".join((*pair, _OWN[status], to_peer, written.rest)))
        else:
            pair = (b'{"key":"4-', written.tail, b'","pairedMessageKey":"5-', written.tail, b'",')
            found.append(b"".join((*pair, _RECEIVED[sequence <= read], written.sender, written.rest)))
    return found


def array(written: Iterable[bytes]) -> bytes:
    """A JSON array of what is JSON already."""
    return b"[" + b",".join(written) + b"]"


def _write(stored: Stored, readers: Readers) -> _Written:
    message, lost, files = stored.message, list[str](), readers.files
    sender_key = user_key(readers.ids, readers.numbers[message.sender])
    fields = {"userKey": sender_key, "createdAtTime": stored.time, **write(message, files, lost)}
    if message.topic is not None:
        fields["conversationId"] = message.topic
    where = files.prefix if files.shown(message.content) is not message.content else ""
    number = b"%d" % stored.id
    tail = sender_key.encode() + b"-" + number
    return _Written(where, tail, number, _names(message.sender), orjson.dumps(fields)[1:], tuple(lost))


def _names(user: str) -> bytes:
    return orjson.dumps({"to": user, "contactIds": user})[1:-1] + b","
