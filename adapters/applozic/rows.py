"""Messages as the vendor shows them to one viewer. The same message has two keys in a one-to-one thread, and for each of the two
another type, status and counterpart; in a group it has one key and names its sender.

What depends on the viewer is put together for each row, all else is written once and kept with the message for as long as
that is remembered. So is a whole page with the messages that are read together: clients ask for the same one again and again.
"""

from collections.abc import Mapping, Sequence

import msgspec
import orjson

from adapters.applozic.content import write
from adapters.applozic.ids import user_key
from adapters.applozic.options import NAME
from adapters.files import FileAddresses
from core.ids import Ids
from core.model import Stored, Window

_NOBODY = 0
"""The number of a sender who is being erased: the name may be somebody else's by now."""
_BYTES_A_NOTE = 200
"""About what a loss or a topic takes that is kept with a page."""
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
    own: bytes
    """The two keys of a one-to-one message for who sent it."""
    theirs: bytes
    """The same for who got it."""
    number: bytes
    """The end of a group message's key."""
    sender: bytes
    """`to` and `contactIds` of whoever did not send it."""
    rest: bytes
    """What follows them, with the closing brace and a comma."""
    topic: int | None
    lost: tuple[str, ...]
    is_plain: bool
    """Whether it has no topic and loses nothing."""


class Written(msgspec.Struct, frozen=True, gc=False):
    """Messages of a thread as they were written."""

    json: bytes
    """An array."""
    losses: tuple[str, ...]
    """What the messages can't say here, each loss once."""
    topics: tuple[int, ...]
    """Those that they belong to, each once."""


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


def page(messages: Window, thread: Thread, readers: Readers) -> Written:
    """Messages of a thread that were read together, in their order."""
    prefix = readers.files.prefix
    key = (NAME, thread, prefix)
    written: Written | None = messages.memo(key)
    if written is None:
        written = array(messages, thread, readers)
        notes = len(written.losses) + len(written.topics)
        messages.keep(key, written, len(written.json) + len(prefix) + _BYTES_A_NOTE * notes)
    return written


def array(messages: Sequence[Stored], thread: Thread, readers: Readers) -> Written:
    """Messages of a thread, in their order."""
    viewer, read, delivered, seen = thread.viewer, thread.read, thread.peer_delivered, thread.peer_read
    known = ("", readers.files.prefix)
    group = thread.group
    if group:
        head = b'{"key":"5-%d-' % group
        fields = orjson.dumps({"groupId": group, "clientGroupId": thread.client_group_id})[1:-1] + b","
        sent = _OWN[SENT]
        received = _RECEIVED
    else:
        to = _names(thread.peer)  # who sends what the viewer gets is the peer, too
        sent_only, reached, both = (_OWN[status] + to for status in (SENT, DELIVERED, DELIVERED_AND_READ))
        received = (_RECEIVED[0] + to, _RECEIVED[1] + to)
    pieces = [b"["]
    losses, topics = dict[str, None](), dict[int, None]()
    for stored in messages:
        written = stored.memo
        if type(written) is not _Written or written.files not in known:
            written = stored.memo = _write(stored, readers)
        if not written.is_plain:
            losses.update(dict.fromkeys(written.lost))
            if written.topic is not None:
                topics[written.topic] = None
        own, sequence = stored.message.sender == viewer, stored.sequence
        if group:
            state = sent if own else received[sequence <= read]
            pieces += (head, written.number, state, written.sender, fields, written.rest)
        elif own:
            # What was imported counts as read by both.
            state = both if sequence <= seen else reached if sequence <= delivered else sent_only
            pieces += (written.own, state, written.rest)
        else:
            pieces += (written.theirs, received[sequence <= read], written.rest)
    if messages:
        pieces[-1] = pieces[-1][:-1]  # no comma behind the last
    pieces.append(b"]")
    return Written(b"".join(pieces), tuple(losses), tuple(topics))


def _write(stored: Stored, readers: Readers) -> _Written:
    message, lost, files = stored.message, list[str](), readers.files
    sender_key = user_key(readers.ids, readers.numbers.get(message.sender, _NOBODY))
    fields = {"userKey": sender_key, "createdAtTime": stored.time, **write(message, files, lost)}
    if message.topic is not None:
        fields["conversationId"] = message.topic
    tail = f"{sender_key}-{stored.id}"
    return _Written(
        files=files.prefix if files.shown(message.content) is not message.content else "",
        own=f'{{"key":"5-{tail}","pairedMessageKey":"4-{tail}",'.encode(),
        theirs=f'{{"key":"4-{tail}","pairedMessageKey":"5-{tail}",'.encode(),
        number=b'%d",' % stored.id,
        sender=_names(message.sender),
        rest=orjson.dumps(fields)[1:] + b",",
        topic=message.topic,
        lost=tuple(lost),
        is_plain=not lost and message.topic is None,
    )


def _names(user: str) -> bytes:
    return orjson.dumps({"to": user, "contactIds": user})[1:-1] + b","
