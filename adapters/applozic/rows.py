"""Messages as the vendor shows them to one viewer. The same message has two keys in a one-to-one thread, and for each of the two
another type, status and counterpart; in a group it has one key and names its sender.

What depends on the viewer is put together for each row, all else is written once and kept with the message for as long as
that is remembered. So is the last page that began with a message: clients ask for the same one again and again.
"""

from collections.abc import Mapping, Sequence

import msgspec
import orjson

from adapters.applozic.content import write
from adapters.applozic.ids import user_key
from adapters.files import FileAddresses
from core.ids import Ids
from core.model import Stored

_NOBODY = 0
"""The number of a sender who is being erased: the name may be somebody else's by now."""
_KEPT_BYTES = 32 << 20
"""About how much memory a worker gives to pages that it has written; one that takes a sixteenth of it is not kept."""
_BYTES_A_MESSAGE = 600
"""About what is kept of a message with a page, beside the JSON of both."""
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


class _Written(msgspec.Struct, eq=False, gc=False):
    """What a row says of the message itself, as JSON. Only `page` ever changes."""

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
    page: "_Page | None" = None
    """The last page that began with this message."""


class _Page(msgspec.Struct, frozen=True, eq=False, gc=False):
    """A page as it was written, and what of: it holds as long as all of that is the same."""

    thread: Thread
    files: str
    rest: list[_Written]
    """What follows the first message. References go to older messages alone, never round."""
    json: bytes
    losses: dict[str, None]
    topics: dict[int, None]


class _Pages:
    """The pages that are kept with their first messages, up to so many bytes: a user can ask for one that begins with any message,
    and they are no part of what the memory of messages is bounded by."""

    def __init__(self) -> None:
        self._firsts: dict[_Written, int] = {}
        self._room = _KEPT_BYTES

    def keep(self, first: _Written, page: _Page) -> None:
        """Keep a page with its first message, in the place of those that were written before all others."""
        size = 2 * len(page.json) + _BYTES_A_MESSAGE * len(page.rest)
        if size > _KEPT_BYTES // 16:
            return
        first.page = page
        self._firsts[first] = size
        self._room -= size
        while self._room < 0:
            self.drop(next(iter(self._firsts)))

    def drop(self, first: _Written) -> None:
        """Let go of the page that begins with a message, if there is one."""
        first.page = None
        self._room += self._firsts.pop(first, 0)


_pages = _Pages()


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


def array(
    messages: Sequence[Stored], thread: Thread, readers: Readers, losses: dict[str, None], topics: dict[int, None]
) -> bytes:
    """The JSON array of messages of a thread, in their order. What they can't say here is added to `losses`, and the topics that
    they belong to to `topics`, each once."""
    first, *rest = [stored.memo for stored in messages] or (None,)
    page = first.page if type(first) is _Written else None
    if page is None or page.thread != thread or page.files != readers.files.prefix or page.rest != rest:
        page = _write_page(messages, thread, readers)
    losses.update(page.losses)
    topics.update(page.topics)
    return page.json


def _write_page(messages: Sequence[Stored], thread: Thread, readers: Readers) -> _Page:
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
    pieces, memos = [b"["], list[_Written]()
    losses, topics = dict[str, None](), dict[int, None]()
    for stored in messages:
        written = stored.memo
        if type(written) is not _Written or written.files not in known:
            written = stored.memo = _write(stored, readers)
        if written.page is not None:
            _pages.drop(written)
        memos.append(written)
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
    if memos:
        pieces[-1] = pieces[-1][:-1]  # no comma behind the last
    pieces.append(b"]")
    page = _Page(thread, readers.files.prefix, memos[1:], b"".join(pieces), losses, topics)
    if len(memos) > 1:
        _pages.keep(memos[0], page)
    return page


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
