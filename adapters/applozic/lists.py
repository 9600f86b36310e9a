"""Lists of messages: the newest of each thread, or those of one thread, newest first, with whatever clients show beside them.

A list of one thread sets what its caller has unread there to zero and tells nobody; `skipRead` keeps that from happening.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import orjson

from adapters.applozic import lookup, rows, threads, wire
from adapters.applozic.auth import acting_user
from adapters.applozic.contacts import block_lists
from adapters.applozic.group_objects import OPEN, TYPE, GroupRow, TopicRow, feeds
from adapters.applozic.options import NAME
from adapters.applozic.profiles import stranger, user_object, user_objects
from adapters.applozic.wire import Fields
from adapters.contract import Call, Reply
from core.conversations import Target
from core.ids import Parties
from core.messages import Page, Query
from core.model import READABLE, MessageKind, Overview, Progress, UserKey, Window, leftovers_of

DEFAULT_THREADS = 60
DEFAULT_MESSAGES = 50
MAXIMUM_THREADS = 1_000
MAXIMUM_MESSAGES = 1_000
_MAXIMUM_SKIPPED = 10_000
_TURNS = 20
"""A page may come short when much of what it passed is not shown: how often it is gone on from."""
_TOPICS = 100
"""Of one conversation, that have a row each where they are asked for."""
_KINDS = READABLE | 1 << MessageKind.HIDDEN
"""What is hidden is for the client to hide."""
_BOUNDS = frozenset({"endTime", "startTime", "conversationId"})
_NO_BLOCKS: dict[str, list[Any]] = {"blockedToUserList": [], "blockedByUserList": []}


class Listed(msgspec.Struct):
    """A list, and what stands beside it."""

    messages: bytes = b"[]"
    users: list[dict[str, Any]] = []
    groups: list[GroupRow] = []
    topics: list[TopicRow] = []
    blocks: dict[str, list[Any]] = msgspec.field(default_factory=lambda: _NO_BLOCKS)

    def written(self) -> tuple[bytes, ...]:
        """The fields as JSON, in pieces, without the braces around them. Clients break when one is missing."""
        beside = {
            "userDetails": self.users,
            "groupFeeds": self.groups,
            "conversationPxys": self.topics,
            "connectedUsers": [],
            "blockedUserPxyList": self.blocks,
        }
        return b'"message":', self.messages, b",", orjson.dumps(beside)[1:-1]


async def list_bare(call: Call) -> Reply:
    """GET message/list: the bare object."""
    return wire.written_reply(b"".join((b"{", *(await _list(call)).written(), b"}")))


async def list_both(call: Call) -> Reply:
    """GET message/v2/list: documents show it bare, clients read the envelope."""
    written = (await _list(call)).written()
    head = b'{"status":"success","generatedAt":%d,"response":{' % call.now
    return wire.written_reply(b"".join((head, *written, b"},", *written, b"}")))


async def _list(call: Call) -> Listed:
    fields = await wire.read(call)
    target = await lookup.conversation(call, fields)
    user = await call.core.users.known_key(call.tenant, acting_user(call, fields))
    if user is None:
        return Listed()  # nobody wrote to or for this name
    if target is None:
        return await _overview(call, user, fields)
    return await _thread(call, user, target, fields)


async def _thread(call: Call, user: UserKey, target: Target, fields: Fields) -> Listed:
    query = Query(_size(fields, "pageSize", DEFAULT_MESSAGES, MAXIMUM_MESSAGES), kinds=_KINDS, progress=True)
    if not fields.isdisjoint(_BOUNDS):
        query = msgspec.structs.replace(
            query,
            until=_number(fields, "endTime"),
            since=_number(fields, "startTime"),
            topic=_number(fields, "conversationId"),
        )
    skipped, listed, name = _skipped(fields), Listed(), ""
    if isinstance(target, int):
        page, (listed.groups, _) = await asyncio.gather(
            _page(call, user, target, query, skipped), feeds(call, user, (target,))
        )
        if not page.member and await _is_open(call, listed.groups):
            guest = msgspec.structs.replace(query, progress=False, guest=True)
            page = await _page(call, user, target, guest, skipped)
        name = listed.groups[0]["clientGroupId"] if listed.groups else ""
        senders = {stored.message.sender for stored in page.messages}
        others = sorted(senders - {user.id})
        listed.users = await user_objects(call, others) if others else []
        readers = await threads.readers_of(call, senders)
        counted = listed.groups
    else:
        peer = await call.core.users.known_key(call.tenant, target)
        if peer is None:
            return Listed(users=[stranger(target, 0)])
        page, shown = await _opened(call, user, peer, query, skipped)
        counted = listed.users = [shown]
        readers = threads.readers(call, {user.id: user.number, peer.id: peer.number})
    progress = page.progress or Progress()
    unread = progress.unread
    if unread and not fields.flag("skipRead"):
        await call.core.conversations.read(call.tenant, user, target, progress.head, receipt=False)
        unread = 0
    for row in counted:
        row["unreadCount"] = unread
    written = rows.page(page.messages, threads.thread(user, target, name, progress), readers)
    listed.messages = written.json
    call.losses.extend(written.losses)
    if written.topics:
        _, listed.topics = await feeds(call, user, (), [(_parties(user, target), topic) for topic in written.topics])
    return listed


async def _is_open(call: Call, shown: Sequence[GroupRow]) -> bool:
    """Whether the group is one of this dialect's that everybody writes in, and reads."""
    if not shown or shown[0]["type"] != OPEN:
        return False
    group = await call.core.groups.find(call.tenant, shown[0]["id"])
    return group is not None and leftovers_of(group, NAME).get(TYPE) == OPEN


async def _overview(call: Call, user: UserKey, fields: Fields) -> Listed:
    skipped = _skipped(fields)
    size = _size(fields, "mainPageSize", DEFAULT_THREADS, MAXIMUM_THREADS)
    since, until = _number(fields, "startTime"), _number(fields, "endTime")
    limit = min(skipped + size, 5_000)
    found, blocks = await asyncio.gather(
        call.core.conversations.list(call.tenant, user, limit, until or None), block_lists(call, user)
    )
    shown = [row for row in found[skipped : skipped + size] if row.time >= since and row.last is not None]
    latest = {
        (lookup.target_of_row(row), row.last.id): (lookup.target_of_row(row), row.last) for row in shown if row.last
    }
    if fields.flag("conversationReq"):
        for target, stored in await _latest_of_topics(call, user, shown):
            latest[target, stored.id] = (target, stored)
    ordered = sorted(latest.values(), key=lambda one: -one[1].time)
    peers = {row.peer: row.unread for row in shown if row.peer is not None}
    senders = {stored.message.sender for target, stored in ordered if isinstance(target, int)} - {user.id, *peers}
    labels = [(_parties(user, target), stored.message.topic) for target, stored in ordered if stored.message.topic]
    groups = [row.group_number for row in shown if row.group_number is not None]
    users, (group_rows, topic_rows), progress = await asyncio.gather(
        user_objects(call, [*peers, *sorted(senders)], user, unread=peers),
        feeds(call, user, groups, labels),
        _progress(call, user, ordered, shown),
    )
    messages = await threads.rows_of(call, user, ordered, progress)
    return Listed(messages, users, group_rows, topic_rows, blocks)


async def _page(call: Call, user: UserKey, target: Target, query: Query, skipped: int) -> Page:
    """As many messages as are asked for, if there are so many, behind those that are to be skipped."""
    page = await threads.page(call, user, target, _longer(query, skipped))
    return await _whole(call, user, target, query, skipped, page)


async def _whole(call: Call, user: UserKey, target: Target, query: Query, skipped: int, page: Page) -> Page:
    """The same, whose first page is there."""
    if not skipped and (not page.cursor or len(page.messages) == query.limit):
        return page
    found, cursor = page.messages, page.cursor
    for _ in range(_TURNS):
        missing = query.limit + skipped - len(found)
        if not cursor or missing <= 0:
            break
        more = await threads.page(call, user, target, msgspec.structs.replace(query, limit=missing, cursor=cursor))
        found, cursor = Window([*found, *more.messages]), more.cursor
    return Page(Window(found[skipped:]), cursor, page.member, page.progress)


def _longer(query: Query, skipped: int) -> Query:
    return msgspec.structs.replace(query, limit=query.limit + skipped) if skipped else query


async def _opened(call: Call, user: UserKey, peer: UserKey, query: Query, skipped: int) -> tuple[Page, dict[str, Any]]:
    """Such a page of the conversation with a user, and that user's object, in one turn if one page is enough."""
    opened = await call.core.threads.open(call.tenant, user, peer, _longer(query, skipped))
    shown = user_object(opened.peer, opened.presence) if opened.peer is not None else stranger(peer.id)
    return await _whole(call, user, peer.id, query, skipped, opened.page), shown


async def _latest_of_topics(call: Call, user: UserKey, shown: Sequence[Overview]) -> list[threads.Row]:
    """The newest message of each topic of these conversations."""
    targets = [lookup.target_of_row(row) for row in shown]
    topics = await asyncio.gather(
        *(call.core.topics.list(call.tenant, _parties(user, target), 0, _TOPICS) for target in targets)
    )
    labels = [(target, topic.number) for target, some in zip(targets, topics, strict=True) for topic in some]
    pages = await asyncio.gather(
        *(threads.page(call, user, target, Query(1, kinds=_KINDS, topic=topic)) for target, topic in labels)
    )
    return [(target, stored) for (target, _), page in zip(labels, pages, strict=True) for stored in page.messages]


async def _progress(
    call: Call, user: UserKey, found: Sequence[threads.Row], shown: Sequence[Overview]
) -> dict[Target, Progress | None]:
    """How far the user has come in each conversation; and the other one, where the user sent what is shown."""
    progress: dict[Target, Progress | None] = {
        lookup.target_of_row(row): Progress(read=row.read, unread=row.unread) for row in shown
    }
    own = {target for target, stored in found if isinstance(target, str) and stored.message.sender == user.id}
    pages = await asyncio.gather(*(threads.page(call, user, target, Query(1, progress=True)) for target in own))
    return progress | {target: page.progress for target, page in zip(own, pages, strict=True)}


def _parties(user: UserKey, target: Target) -> Parties:
    return target if isinstance(target, int) else (user.id, target)


def _skipped(fields: Fields) -> int:
    return min(_number(fields, "startIndex"), _MAXIMUM_SKIPPED)


def _number(fields: Fields, name: str) -> int:
    """A number; 0 for none, and for one below."""
    return max(fields.integer(name) or 0, 0) if name in fields else 0


def _size(fields: Fields, name: str, default: int, maximum: int) -> int:
    """A number of rows; the documents call it required, few clients send it."""
    return min(_number(fields, name) or default, maximum)
