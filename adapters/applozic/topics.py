"""Topics: conversations about something, within one of two users or of a group. The vendor calls each a conversation."""

from collections import deque
from collections.abc import AsyncIterator
from typing import Any

import orjson

from adapters.applozic.errors import bad_request, no_group, no_user
from adapters.applozic.group_objects import DETAIL, GroupRow, group_objects, topic_object, virtual_object
from adapters.applozic.group_target import caller_key, find, require, user_key_of
from adapters.applozic.options import NAME
from adapters.applozic.wire import Fields, read, success
from adapters.bodies import parse_json
from adapters.contract import Call, Reply
from core.errors import Failure
from core.ids import Parties
from core.model import Topic, UserKey, leftovers_of
from core.names import is_legal

_NEW, _OPEN = "NEW", "OPEN"
_ENDS = "ends"
"""The topic that a new one took the place of."""
_PAGE = 10
_LONGEST_PAGE = _AT_ONCE = 1_000
_MAXIMUM_TURNS = 1_000


async def find_or_make(call: Call) -> Reply:
    """POST conversation/v2/id, conversation/id: the conversation about a topic, with another user or in a group. `status` NEW
    ends the one there is, OPEN opens it again if need be, DEFAULT leaves it as it is; all make one where there is none."""
    fields = await read(call)
    user = await user_key_of(call, fields)
    alias = _topic_id(fields)
    parties = await _parties(call, fields, user)
    topic, created = await place(
        call, user, parties, alias, _detail(fields), (fields.text("status") or "").strip().upper()
    )
    return success(call, await _around(call, topic, user, created))


async def place(
    call: Call, user: UserKey, parties: Parties, alias: str, detail: str | None, status: str = ""
) -> tuple[Topic, bool]:
    """The topic that the app calls `alias`, of two users or of a group by number; and whether this request made it. `status` as
    in `find_or_make`, in capitals; `detail` is the app's own text, kept as it is."""
    topics = call.core.topics
    old = await topics.newest(call.tenant, parties, alias) if status == _NEW else None
    leftovers: dict[str, Any] = {DETAIL: detail} if detail is not None else {}
    if old is not None:
        leftovers[_ENDS] = old.number
    said = _said(detail)
    title = said.pop("title", None)
    topic, created = await topics.create(
        call.tenant,
        parties,
        creator=user,
        dialect=NAME,
        title=title if isinstance(title, str) else None,
        alias=alias,
        attributes=said or None,
        leftovers=leftovers or None,
        once=status != _NEW,
        reference=call.reference,
    )
    if status == _NEW:
        ended = leftovers_of(topic, NAME).get(_ENDS)
        if ended is not None:
            # Also when this is a repeat, whose first try may not have come this far.
            await topics.update(call.tenant, ended, open=False)
    elif status == _OPEN and not topic.open:
        topic = await topics.update(call.tenant, topic.number, open=True)
    return topic, created


async def close(call: Call) -> Reply:
    """GET conversation/close: for everybody who takes part. Twice is once."""
    fields = await read(call)
    topic = await _topic(call, fields)
    await _close(call, topic)
    return success(call)


async def close_all(call: Call) -> Reply:
    """GET conversation/closeall: all about these topics with another user. An administrator also names both users, or, to close
    them wherever they are, none."""
    fields = await read(call)
    chosen, other = fields.texts("topicId"), fields.text("withUserId")
    if not chosen:
        raise bad_request("topicId is missing")
    if other is None:
        if not call.authenticated.administrator:
            raise bad_request("withUserId is missing")
        for alias in dict.fromkeys(chosen):
            await _close_named(call, alias)
        return success(call)
    user = fields.text("userId") if call.authenticated.administrator else None
    user = user or (await user_key_of(call, fields)).id
    if not (is_legal(user) and is_legal(other)):
        raise no_user()
    async for topic in _all_of(call, (user, other)):
        if topic.alias in chosen:
            await _close(call, topic)
    return success(call)


async def get(call: Call) -> Reply:
    """GET conversation/topicId: one, by its number."""
    fields = await read(call)
    topic = await _topic(call, fields)
    user = await caller_key(call, fields)
    return success(call, topic_object(topic, user.id if user is not None else None))


async def page(call: Call) -> Reply:
    """GET conversation/get: the conversations with another user or in a group, about one topic or any, the newest first."""
    fields = await read(call)
    user = await user_key_of(call, fields)
    parties = await _parties(call, fields, user)
    alias = fields.text("topic", "topicId")
    size = min(max(fields.integer("pageSize") or _PAGE, 1), _LONGEST_PAGE)
    found: deque[Topic] = deque(maxlen=size)
    async for topic in _all_of(call, parties):
        if alias is None or topic.alias == alias:
            found.append(topic)
    return success(call, [topic_object(topic, user.id) for topic in reversed(found)])


async def _all_of(call: Call, parties: Parties) -> AsyncIterator[Topic]:
    """The topics of a conversation, the oldest first."""
    after = 0
    for _ in range(_MAXIMUM_TURNS):
        page = await call.core.topics.list(call.tenant, parties, after, _AT_ONCE)
        for topic in page:
            yield topic
        if len(page) < _AT_ONCE:
            return
        after = page[-1].number


async def _close_named(call: Call, alias: str) -> None:
    after = 0
    for _ in range(_MAXIMUM_TURNS):
        page, after = await call.core.topics.named(call.tenant, alias, after, _AT_ONCE)
        for topic in page:
            await _close(call, topic)
        if not after:
            return


async def _close(call: Call, topic: Topic) -> None:
    if topic.open:
        await call.core.topics.update(call.tenant, topic.number, open=False)


async def _around(call: Call, topic: Topic, user: UserKey, created: bool) -> GroupRow:
    """The group object that a topic is answered in: its group, or what stands for one around two users."""
    if isinstance(topic.parties, int):
        rows = await group_objects(call, user, [topic.parties])
        if not rows:
            raise no_group()
        return {**rows[0], "conversationPxy": topic_object(topic, user.id, created=created)}
    first, second = topic.parties
    row = await call.core.conversations.direct(call.tenant, user, second if first == user.id else first)
    return virtual_object(topic, user.id, row.unread if row is not None else 0, created=created)


async def _parties(call: Call, fields: Fields, user: UserKey) -> Parties:
    """Whose conversation a request means: with another user, who need not be one yet, or in a group of the caller's."""
    other = fields.text("userId")
    if other is not None:
        if not is_legal(other):
            raise no_user()
        return user.id, (await call.core.users.key(call.tenant, other)).id
    if fields.text("groupId", "clientGroupId") is None:
        raise bad_request("userId, groupId or clientGroupId is needed")
    group = await find(call, fields)
    if group is None:
        raise no_group()
    if not call.authenticated.administrator:
        require((await call.core.members.standing(call.tenant, group.number, user)).member is not None)
    return group.number


async def _topic(call: Call, fields: Fields) -> Topic:
    """The topic of a number, for those who take part in its conversation."""
    number = fields.integer("id", "conversationId")
    topic = await call.core.topics.find(call.tenant, number) if number is not None and number > 0 else None
    if topic is None:
        raise bad_request("conversation not found")
    if not call.authenticated.administrator:
        user = await user_key_of(call, fields)
        if isinstance(topic.parties, tuple):
            require(user.id in topic.parties)
        else:
            standing = await call.core.members.standing(call.tenant, topic.parties, user)
            require(standing.member is not None)
    return topic


def _topic_id(fields: Fields) -> str:
    alias = fields.text("topicId")
    if alias is None:
        raise bad_request("topicId is missing")
    return alias


def _detail(fields: Fields) -> str | None:
    """The app's text, byte for byte; what it should have written as one is kept as its JSON."""
    value = fields.value("topicDetail")
    return value if value is None or isinstance(value, str) else orjson.dumps(value).decode()


def _said(detail: str | None) -> dict[str, Any]:
    """What other dialects read of it: a map, where it is one."""
    try:
        said = parse_json(detail.encode()) if detail is not None else None
    except Failure:
        return {}
    return said if isinstance(said, dict) else {}
