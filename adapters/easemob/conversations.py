"""A user's conversations: the list, deleting one, and clearing of what lies in them. All of it concerns this user alone."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import orjson

from adapters.bodies import json_reply
from adapters.contract import Call, Reply
from adapters.easemob.auth import application_of
from adapters.easemob.content import record_body
from adapters.easemob.errors import illegal, invalid_request
from adapters.easemob.files import addresses
from adapters.easemob.parties import (
    CHAT,
    CHAT_TYPES,
    GROUP,
    known_message,
    known_target,
    shown_group,
    shown_time,
)
from adapters.easemob.users import key_of, names_of, subject
from adapters.easemob.wire import (
    BODY_LIMIT_BYTES,
    boolean_of,
    cursor_number,
    cursor_text,
    integer_of,
    needed,
    page_size,
    parse_request,
    success,
)
from core.errors import Failure, Kind
from core.messages import Query
from core.model import Box, MessageKind, Overview, UserKey

MAXIMUM_LISTED = 1_000
MAXIMUM_DELETED = 50
_DEFAULT_PAGE = 20
_MAXIMUM_PAGE = 50


async def list_all(call: Call) -> Reply:
    """`GET /users/{user}/user_channels`, also under `/user/{user}`: the newest first, with the last message of each."""
    user = key_of(await subject(call))
    listed = (await call.core.conversations.list(call.tenant, user, MAXIMUM_LISTED))[:MAXIMUM_LISTED]
    found, names = await _shown(call, user, listed)
    losses: dict[str, None] = {}
    rows = [_row(call, user, overview, names, losses) for overview in found]
    call.losses.extend(losses)
    fields = {"path": "/users/user_channels", "entities": [], "data": {"channel_infos": rows}}
    return success(call, "get", call.now, fields)


async def page(call: Call) -> Reply:
    """`GET /sdk/user/{user}/user_channels/list`: the same some at a time, with the other side's plain name or the group's id. Of
    what can be pinned or marked at the vendor nothing is: `is_top` finds none."""
    user = key_of(await subject(call))
    limit = page_size(call, "limit", _DEFAULT_PAGE, _MAXIMUM_PAGE)
    fields: dict[str, Any] = {"channel_infos": []}
    if not boolean_of(call.request.query.get("is_top")):
        found = await call.core.conversations.list(call.tenant, user, limit, cursor_number(call) or None)
        shown, names = await _shown(call, user, found)
        losses: dict[str, None] = {}
        fields["channel_infos"] = [_session(call, user, overview, names, losses) for overview in shown]
        call.losses.extend(losses)
        if len(found) >= limit:
            fields["cursor"] = cursor_text(found[-1].time)
    return success(call, "get", call.now, {"path": "/users/user_channels", "entities": [], "data": fields})


async def delete(call: Call) -> Reply:
    """`DELETE /users/{user}/user_channel`: takes a conversation off the list, and with `delete_roam` clears it. The next
    message brings it back. One that is not there is deleted, too."""
    user = key_of(await subject(call))
    request = parse_request(await call.body(BODY_LIMIT_BYTES))
    channel, chat_type = (
        needed(request, field, f"field {field} cannot be null or empty") for field in ("channel", "type")
    )
    if chat_type not in CHAT_TYPES:
        raise illegal("field type is not legal", "type")
    if request.get("delete_roam") is None:
        raise illegal("field delete_roam cannot be null", "delete_roam")
    clears = boolean_of(request["delete_roam"])
    if clears is None:
        raise invalid_request()
    target = await known_target(call, chat_type, channel)
    if target is not None and clears:
        await call.core.conversations.clear(call.tenant, user, target)
    elif target is not None:
        await call.core.conversations.put(call.tenant, user, target, Box.HIDDEN)
    fields = {"path": "/users/user_channel", "entities": [], "data": {"result": "ok"}}
    return success(call, "delete", call.now, fields)


async def clear_direct(call: Call) -> Reply:
    """`DELETE /rest/message/roaming/chat/user/{user}/time?userId=…&delTime=…`"""
    return await _clear(call, CHAT, "userId")


async def clear_group(call: Call) -> Reply:
    """`DELETE /rest/message/roaming/group/user/{user}/time?groupId=…&delTime=…`, for groups and rooms."""
    return await _clear(call, GROUP, "groupId")


async def clear_all(call: Call) -> Reply:
    """`POST /rest/message/roaming/user/{user}/delete/all`: everything up to now, in all of the user's lists."""
    user = key_of(await subject(call))
    for box in Box:
        before: int | None = None
        while found := await call.core.conversations.list(call.tenant, user, MAXIMUM_LISTED, before, box=box):
            for overview in found:
                target = overview.peer if overview.peer is not None else overview.group_number
                if target is not None:
                    await call.core.conversations.clear(call.tenant, user, target)
            before = found[-1].time
    return _done(call)


async def delete_direct_messages(call: Call) -> Reply:
    """`DELETE /rest/message/roaming/chat/user/{user}?userId=…&msgIdList=…`"""
    return await _delete_messages(call, "userId")


async def delete_group_messages(call: Call) -> Reply:
    """`DELETE /rest/message/roaming/group/user/{user}?groupId=…&msgIdList=…`"""
    return await _delete_messages(call, "groupId")


async def _clear(call: Call, chat_type: str, field: str) -> Reply:
    """Clear a conversation up to a time, that millisecond included."""
    user = key_of(await subject(call))
    time = integer_of(call.request.query.get("delTime"))
    target = await known_target(call, chat_type, _parameter(call, field))
    if time is None:
        raise _bad("delTime")
    if target is None:
        return _done(call)
    if time >= call.now:
        await call.core.conversations.clear(call.tenant, user, target)
    else:
        await call.core.conversations.clear_before(call.tenant, user, target, time + 1)
    return _done(call)


async def _delete_messages(call: Call, field: str) -> Reply:
    """Delete messages by their ids. What the user does not see anyway is passed over."""
    user = key_of(await subject(call))
    _parameter(call, field)
    texts = [text for text in _parameter(call, "msgIdList").split(",") if text]
    if len(texts) > MAXIMUM_DELETED:
        text = f"delete msg list limit can not greater than {MAXIMUM_DELETED}"
        raise Failure(Kind.BAD_REQUEST, text, reason="roaming_list", field="msgIdList")
    numbers = [await known_message(call, text) for text in texts]
    await call.core.messages.hide(call.tenant, user, [number for number in numbers if number is not None])
    return _done(call)


async def _shown(call: Call, user: UserKey, listed: Sequence[Overview]) -> tuple[list[Overview], dict[str, str]]:
    """What this dialect shows of these conversations, and the names of all users in them, by neutral id."""
    shown = await asyncio.gather(*(_without_notices(call, user, overview) for overview in listed))
    found = [overview for overview in shown if overview is not None]
    users = [user.id, *(overview.peer for overview in found if overview.peer is not None)]
    users = list(dict.fromkeys([*users, *(overview.last.message.sender for overview in found if overview.last)]))
    return found, dict(zip(users, await names_of(call, users), strict=True))


async def _without_notices(call: Call, user: UserKey, overview: Overview) -> Overview | None:
    """The conversation as it is without what other dialects say of changes in a group; none when there is nothing else."""
    if overview.last is None or overview.last.kind != MessageKind.EVENT:
        return overview
    query = Query(1, kinds=1 << MessageKind.MESSAGE)
    page = await call.core.messages.group_page(call.tenant, user, overview.group_number or 0, query)
    return msgspec.structs.replace(overview, last=page.messages[0]) if page.messages else None


def _row(
    call: Call, user: UserKey, overview: Overview, names: Mapping[str, str], losses: dict[str, None]
) -> dict[str, Any]:
    """A conversation; ids have the form of the vendor's addresses, and the last message's payload is JSON in a text. `names`
    are those of all users in it, by neutral id."""
    application = application_of(call.request)

    def address(name: str, *, in_group: bool = False) -> str:
        return f"{application}_{name}@{'conference.' if in_group else ''}easemob.com"

    if overview.peer is not None:
        name, chat_type = names[overview.peer], CHAT
    else:
        name, chat_type = shown_group(call, overview.group_number or 0, overview.group)
    channel = address(name, in_group=overview.peer is None)
    row: dict[str, Any] = {"channel_id": channel, "unread_num": overview.unread, "meta": {}}
    if overview.last is None:
        return row
    message, lost = overview.last.message, list[str]()
    sender = names[message.sender]
    receiver = name if overview.peer is None or message.sender == user.id else names[user.id]
    payload = {
        "bodies": [record_body(message, addresses(call), lost)],
        "ext": message.extension or {},
        "from": sender,
        "to": receiver,
        "type": chat_type,
    }
    losses |= dict.fromkeys(lost)
    row["meta"] = {
        "id": str(overview.last.id),
        "from": address(sender),
        "to": address(receiver, in_group=overview.peer is None),
        "timestamp": shown_time(overview.last),
        "payload": orjson.dumps(payload).decode(),
    }
    return row


def _session(
    call: Call, user: UserKey, overview: Overview, names: Mapping[str, str], losses: dict[str, None]
) -> dict[str, Any]:
    """The same as the page has it."""
    if overview.peer is not None:
        name, chat_type = names[overview.peer], CHAT
    else:
        name, chat_type = shown_group(call, overview.group_number or 0, overview.group)
    row = _row(call, user, overview, names, losses)
    return {**row, "session_to": name, "session_type": chat_type, "is_top": False, "marks": []}


def _parameter(call: Call, name: str) -> str:
    value = call.request.query.get(name)
    if not value:
        raise _bad(name)
    return value


def _bad(name: str) -> Failure:
    return Failure(Kind.BAD_REQUEST, "Bad Request", reason="roaming", field=name)


def _done(call: Call) -> Reply:
    return json_reply(200, {"requestStatusCode": "ok", "timestamp": call.now})
