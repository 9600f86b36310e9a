"""The folders of an HTTP API user, and the messages in them.

They are views of the user's conversations: what others wrote is in the inbox, what the user wrote in `sent`; what waits for its
time is in the outbox, what could not be sent when that came in `notsent`. What the user deleted in the inbox or in `sent` lies
in `deleted` for a while; what is deleted there is gone.
"""

import asyncio
import heapq
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum

import msgspec

from adapters.contract import Call
from adapters.ozeki.content import size_of
from adapters.ozeki.messages import sender_of
from adapters.ozeki.options import NAME
from core.bin import MAXIMUM_IN_BIN
from core.conversations import Target, parties_with
from core.due import Scheduled
from core.errors import Failure, Kind
from core.messages import Query
from core.model import MessageKind, Overview, Stored, UserKey

MAXIMUM_ROWS = 1_000
"""Of one answer: the vendor recommends to ask for no more."""
_CONVERSATIONS = 200
_LISTS = 50
"""How often as many conversations are listed: those of the latest 10,000 are looked into."""
_MAXIMUM_BYTES = 16 << 20
"""Of the messages of one answer, but for the newest: anybody may send a thousand large ones."""
_PAGE = 100
_PAGES_AT_ONCE = 16
_ROUNDS = 200
_SEARCHED = 10_000
"""Of the latest messages in `sent`, when one is looked for by the id that it was sent with."""
_SHOWN = 1 << MessageKind.MESSAGE


class Folder(StrEnum):
    INBOX = "inbox"
    OUTBOX = "outbox"
    SENT = "sent"
    NOT_SENT = "notsent"
    DELETED = "deleted"


class Filed(msgspec.Struct, frozen=True):
    """A message in the inbox, in `sent` or in `deleted`."""

    stored: Stored
    target: Target | None
    """Whose conversation it is of; unknown of a deleted one."""


def folder_named(name: str) -> Folder:
    """The folder of this name, the inbox for none. Raises *bad request* for an unknown one."""
    try:
        return Folder(name.lower() or Folder.INBOX)
    except ValueError:
        raise Failure(Kind.BAD_REQUEST, "There is no such folder", reason="folder", field="folder") from None


async def filed(call: Call, folder: Folder, limit: int) -> list[Filed]:
    """The newest messages of the inbox, of `sent` or of `deleted`, oldest first."""
    own = sender_of(call)
    user = await call.core.users.known_key(call.tenant, own)
    if user is None:
        return []
    if folder is Folder.DELETED:
        return await _deleted(call, user, limit)
    if folder is Folder.INBOX:
        return await _Search(call, user, lambda stored: stored.message.sender != own, True).run(limit)
    return await _Search(call, user, lambda stored: stored.message.sender == own, False).run(limit)


async def _deleted(call: Call, user: UserKey, limit: int) -> list[Filed]:
    """Those that were deleted last and are still there for anybody else."""
    core, tenant = call.core, call.tenant
    ids = await core.bin.latest(tenant, user, limit)
    found = await asyncio.gather(*(core.messages.get(tenant, message) for message in ids))
    there = [Filed(stored, None) for stored in found if stored is not None]
    return sorted(there, key=lambda one: (one.stored.time, one.stored.id))


async def waiting(call: Call, folder: Folder, limit: int) -> list[Scheduled]:
    """The messages of the outbox or of `notsent`, by time."""
    user = await call.core.users.known_key(call.tenant, sender_of(call))
    found: list[Scheduled] = []
    cursor = ""
    while user is not None and len(found) < limit:
        rows, cursor = await call.core.due.list(
            call.tenant, user, limit=limit - len(found), cursor=cursor, failed=folder is Folder.NOT_SENT
        )
        found += rows
        if not cursor:
            break
    return found


class _Search:
    """Looks through the conversations of a user, those with the latest messages first, page by page."""

    def __init__(self, call: Call, user: UserKey, wanted: Callable[[Stored], bool], inbox: bool) -> None:
        self._call = call
        self._user = user
        self._wanted = wanted
        self._inbox = inbox
        self._found: list[Filed] = []
        self._bytes = 0
        self._floor = 0
        """The time before which there was too much."""
        self._waiting: list[tuple[int, int, Overview, int, int]] = []
        """A heap of what may have more: the time below which it goes on, negative; conversation; its row; cursor; how many
        of its messages are known to be left (-1: unknown)."""
        self._before: int | None = None
        self._listed = 0

    async def run(self, limit: int) -> list[Filed]:
        await self._list()
        for _ in range(_ROUNDS):
            oldest = self._oldest(limit)
            turn: list[tuple[int, int, Overview, int, int]] = []
            while self._waiting and len(turn) < _PAGES_AT_ONCE and -self._waiting[0][0] > oldest:
                turn.append(heapq.heappop(self._waiting))
            if turn:
                await asyncio.gather(*(self._page(limit, *one[2:]) for one in turn))
            elif self._before is not None and self._before > oldest:
                await self._list()
            else:
                break
        self._oldest(limit)
        found = [one for one in self._found if one.stored.time >= self._floor]
        return sorted(found, key=lambda one: (one.stored.time, one.stored.id))

    def _oldest(self, limit: int) -> int:
        """The time before which nothing is wanted any more; 0 while there are too few, of too few bytes."""
        if len(self._found) < limit and self._bytes <= _MAXIMUM_BYTES:
            return self._floor
        self._found.sort(key=lambda one: -one.stored.time)
        while len(self._found) > limit or (self._bytes > _MAXIMUM_BYTES and len(self._found) > 1):
            self._floor = self._found[-2].stored.time
            self._bytes -= size_of(self._found.pop().stored.message)
        return self._found[-1].stored.time

    async def _list(self) -> None:
        """The next conversations."""
        rows = await self._call.core.conversations.list(self._call.tenant, self._user, _CONVERSATIONS, self._before)
        self._listed += 1
        full = len(rows) >= _CONVERSATIONS and self._listed < _LISTS
        self._before = rows[-1].time if full else None
        for row in rows:
            # As long as nothing is marked as read, the unread are the inbox: it is known when there are no more.
            left = row.unread if self._inbox and not row.read else -1
            if left:
                heapq.heappush(self._waiting, (-row.time - 1, row.conversation, row, 0, left))

    async def _page(self, limit: int, row: Overview, cursor: int, left: int) -> None:
        core, tenant, user = self._call.core, self._call.tenant, self._user
        query = Query(min(limit, _PAGE), cursor=cursor, kinds=_SHOWN)
        target: Target = row.peer if row.peer is not None else row.group_number or 0
        page = await core.messages.page(tenant, parties_with(user, target), query, user)
        found = [Filed(stored, target) for stored in page.messages if stored.sequence > 0 and self._wanted(stored)]
        self._found += found
        self._bytes += sum(size_of(one.stored.message) for one in found)
        if left > 0:
            left = max(left - len(found), 0)
        if page.cursor and left:
            heapq.heappush(self._waiting, (-page.cursor, row.conversation, row, page.cursor, left))


async def delete(call: Call, folder: Folder, ids: Sequence[str]) -> list[str]:
    """Take messages out of a folder; the ids of those that were there."""
    if not ids:
        return []
    if folder in (Folder.OUTBOX, Folder.NOT_SENT):
        return await _cancel(call, folder, ids)
    core, tenant = call.core, call.tenant
    user = await core.users.known_key(tenant, sender_of(call))
    if user is None:
        return []
    found = await _message_ids(call, folder, ids)
    messages = list(found.values())
    if folder is Folder.DELETED:
        done = await core.bin.take(tenant, user, messages)
    else:
        done = await core.messages.hide(tenant, user, messages)
        await core.bin.put(tenant, user, [message for message, hidden in zip(messages, done, strict=True) if hidden])
    return [name for name, was_there in zip(found, done, strict=True) if was_there]


async def _cancel(call: Call, folder: Folder, ids: Sequence[str]) -> list[str]:
    """Take messages out of the outbox or of `notsent`; the ids of those that were there, and will not be sent."""
    wanted = set(ids)
    rows = [row for row in await waiting(call, folder, MAXIMUM_ROWS) if waiting_id(row) in wanted]
    done = await asyncio.gather(*(call.core.due.cancel(call.tenant, row.id) for row in rows))
    # One that was given up was tried, so nobody says that nothing of it was sent.
    gone = {waiting_id(row) for row, cancelled in zip(rows, done, strict=True) if cancelled or row.failed}
    return [name for name in dict.fromkeys(ids) if name in gone]


async def mark(call: Call, folder: Folder, ids: Sequence[str]) -> list[str]:
    """Mark messages of the inbox as read, with all before them in their conversations; the ids of those that are there. In the
    other folders there is nothing to mark."""
    if not ids:
        return []
    wanted = set(ids)
    if folder in (Folder.OUTBOX, Folder.NOT_SENT):
        there = {waiting_id(row) for row in await waiting(call, folder, MAXIMUM_ROWS)}
    else:
        rows = [row for row in await filed(call, folder, MAXIMUM_ROWS) if filed_id(call, row.stored) in wanted]
        there = {filed_id(call, row.stored) for row in rows}
        if folder is Folder.INBOX:
            await _read(call, rows)
    return [name for name in dict.fromkeys(ids) if name in there]


async def _read(call: Call, rows: Iterable[Filed]) -> None:
    core, tenant = call.core, call.tenant
    user = await core.users.key(tenant, sender_of(call))
    up_to: dict[Target, int] = {}
    for row in rows:
        if row.target is not None:
            up_to[row.target] = max(row.stored.sequence, up_to.get(row.target, 0))
    await asyncio.gather(
        *(core.conversations.read(tenant, user, target, sequence) for target, sequence in up_to.items())
    )


def filed_id(call: Call, stored: Stored) -> str:
    """What the user calls a message: the id that it was sent with when it is the user's own, else ours."""
    message = stored.message
    if message.dialect == NAME and message.reference and message.sender == sender_of(call):
        return message.reference
    return call.core.ids(call.tenant).uuid(stored.id)


def waiting_id(row: Scheduled) -> str:
    """What the user calls a message that waits."""
    return row.message.reference or row.id


async def _message_ids(call: Call, folder: Folder, ids: Sequence[str]) -> dict[str, int]:
    """The messages that these ids are said to be, by id."""
    found: dict[str, int] = {}
    for name in dict.fromkeys(ids):
        number = call.core.ids(call.tenant).from_uuid(name)
        if number is not None:
            found[name] = number
    if folder is not Folder.INBOX and len(found) < len(set(ids)):
        # Ids of the sender's own choice are kept with the messages alone: to note them at every send would take three times as
        # long, and they are seldom asked for.
        rows = await filed(call, folder, _SEARCHED if folder is Folder.SENT else MAXIMUM_IN_BIN)
        there = {filed_id(call, row.stored): row.stored.id for row in rows}
        found |= {name: there[name] for name in ids if name not in found and name in there}
    return found
