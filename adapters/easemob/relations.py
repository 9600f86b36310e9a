"""What users are to each other: contacts with remarks, requests to become one, blocks.

A block stops what users send to each other; sends by the application don't look at it, as the vendor's don't.
"""

from collections.abc import Sequence
from typing import Any

from adapters.contract import Call, Reply
from adapters.easemob.errors import illegal
from adapters.easemob.ids import unescape
from adapters.easemob.users import entity, key_of, names_of, own_name, read_names, registered, subject
from adapters.easemob.wire import (
    BODY_LIMIT_BYTES,
    boolean_of,
    cursor_number,
    cursor_text,
    integer_of,
    parse_object,
    success,
    text_of,
)
from core.errors import Failure, Kind
from core.ids import USER
from core.model import Related, Relation, User

_MAXIMUM_BLOCKS = 500
_DEFAULT_PAGE = 10
_MAXIMUM_PAGE = 50
_MAXIMUM_REMARK = 100
_AT_ONCE = 500
_MAXIMUM_PAGES = 1_000
_MAXIMUM_REQUESTS = 100


async def add(call: Call) -> Reply:
    """`POST /users/{user}/contacts/users/{friend}`: contacts of each other, without asking. Twice is once."""
    owner, friend = await _pair(call, "friend")
    await call.core.relations.add(call.tenant, key_of(owner), [key_of(friend)])
    return _changed(call, "post", owner, friend, "friend", "contacts")


async def remove(call: Call) -> Reply:
    """`DELETE /users/{user}/contacts/users/{friend}`, for both."""
    owner, friend = await _pair(call, "friend")
    await call.core.relations.remove(call.tenant, key_of(owner), [key_of(friend)])
    return _changed(call, "delete", owner, friend, "friend", "contacts")


async def contacts(call: Call) -> Reply:
    """`GET /users/{user}/contacts/users`: all of them."""
    return await _list(call, Relation.CONTACT)


async def contacts_page(call: Call) -> Reply:
    """`GET /user/{user}/contacts`: the earliest first, with the user's remarks where they are asked for. Contacts that were
    added in the same millisecond stay on one page."""
    query = call.request.query
    limit = integer_of(query.get("limit") or _DEFAULT_PAGE)
    if not limit:
        raise illegal("limit must be a number of at least 1", "limit")
    if limit > _MAXIMUM_PAGE:
        raise illegal(f"page size more than max limit : {_MAXIMUM_PAGE}", "limit")
    after = cursor_number(call)
    owner = await subject(call)
    rows, following = await call.core.relations.page(call.tenant, key_of(owner), Relation.CONTACT, limit, after)
    names = await names_of(call, [row.user.id for row in rows])
    shows_remarks = boolean_of(query.get("needReturnRemark"))
    found: list[dict[str, Any]] = [
        {"username": name, "remark": row.remark} if shows_remarks else {"username": name}
        for name, row in zip(names, rows, strict=True)
    ]
    cursor = {"cursor": cursor_text(following)} if following else {}
    # Some clients look for the cursor beside the contacts, some above them.
    fields = {"entities": [], "data": {"contacts": found, **cursor}, **cursor, "count": len(found)}
    return success(call, "get", call.now, fields)


async def remark(call: Call) -> Reply:
    """`PUT /user/{user}/contacts/users/{friend}`: the user's own note on a contact; an empty one is none."""
    request = parse_object(await call.body(BODY_LIMIT_BYTES))
    text = text_of(request.get("remark"))
    if text is None:
        raise illegal("remark must be provided", "remark")
    if len(text) > _MAXIMUM_REMARK:
        raise illegal(f"remark length exceeds max limit : {_MAXIMUM_REMARK}", "remark")
    owner, friend = await _pair(call, "friend")
    if not await call.core.relations.remark(call.tenant, key_of(owner), key_of(friend), text):
        raise illegal("updateRemark they are not friends, please add as a friend first.", "remark")
    return success(call, "put", call.now, {"status": "ok"})


async def apply(call: Call) -> Reply:
    """`POST /users/{user}/contacts/apply`: ask others to be contacts. Who has asked the user becomes one at once."""
    request = parse_object(await call.body(BODY_LIMIT_BYTES))
    owner = await subject(call)
    names = _names(request, _MAXIMUM_REQUESTS)
    others = await registered(call, names)
    _check_others(owner, others)
    for other in others:
        await call.core.relations.request(call.tenant, key_of(owner), key_of(other))
    data = {"applyContacts": _own_names(others, names)}
    return success(call, "post", call.now, {"entities": [], "data": data})


async def accept(call: Call) -> Reply:
    """`POST /users/{user}/contacts/accept/users/{friend}`: what the friend has asked. The reply names nobody when nothing
    was asked."""
    owner, friend = await _pair(call, "friend")
    done = await call.core.relations.accept(call.tenant, key_of(owner), key_of(friend))
    return _answered(call, friend, "acceptContacts", done)


async def decline(call: Call) -> Reply:
    """`POST /users/{user}/contacts/decline/users/{friend}`, like `accept`."""
    owner, friend = await _pair(call, "friend")
    done = await call.core.relations.decline(call.tenant, key_of(owner), key_of(friend))
    return _answered(call, friend, "declineContacts", done)


async def block(call: Call) -> Reply:
    """`POST /users/{user}/blocks/users`: up to 500 in all."""
    request = parse_object(await call.body(BODY_LIMIT_BYTES))
    owner = await subject(call)
    names = _names(request, _MAXIMUM_BLOCKS)
    others = await registered(call, names)
    _check_others(owner, others)
    blocked = {row.user.number for row in await _all(call, owner, Relation.BLOCK)}
    if len(blocked.union(other.number for other in others)) > _MAXIMUM_BLOCKS:
        raise Failure(Kind.FORBIDDEN, "user block number exceed limit", reason="limit")
    await call.core.relations.block(call.tenant, key_of(owner), [key_of(other) for other in others])
    return success(call, "post", call.now, {"entities": [], "data": _own_names(others, names)})


async def blocks(call: Call) -> Reply:
    """`GET /users/{user}/blocks/users`: all of them."""
    return await _list(call, Relation.BLOCK)


async def unblock(call: Call) -> Reply:
    """`DELETE /users/{user}/blocks/users/{blocked}`."""
    owner, blocked = await _pair(call, "blocked")
    await call.core.relations.unblock(call.tenant, key_of(owner), [key_of(blocked)])
    return _changed(call, "delete", owner, blocked, "blocked", "blocks")


async def unblock_many(call: Call) -> Reply:
    """`DELETE /sdk/user/{user}/blocks`: several, in the body."""
    request = parse_object(await call.body(BODY_LIMIT_BYTES))
    owner = await subject(call)
    names = _names(request, _MAXIMUM_BLOCKS)
    others = await registered(call, names)
    await call.core.relations.unblock(call.tenant, key_of(owner), [key_of(other) for other in others])
    return success(call, "delete", call.now, {"entities": [], "data": _own_names(others, names)})


async def _pair(call: Call, parameter: str) -> tuple[User, User]:
    """The user of the path and the other one."""
    owner = await subject(call)
    (other,) = await registered(call, [call.parameters[parameter]])
    _check_others(owner, [other])
    return owner, other


async def _list(call: Call, relation: Relation) -> Reply:
    rows = await _all(call, await subject(call), relation)
    names = await names_of(call, [row.user.id for row in rows])
    return success(call, "get", call.now, {"entities": [], "data": names, "count": len(names)})


async def _all(call: Call, owner: User, relation: Relation) -> list[Related]:
    found: list[Related] = []
    after = 0
    for _ in range(_MAXIMUM_PAGES):
        rows, after = await call.core.relations.page(call.tenant, key_of(owner), relation, _AT_ONCE, after)
        found += rows
        if not after:
            break
    return found


def _changed(call: Call, action: str, owner: User, other: User, parameter: str, what: str) -> Reply:
    owner_uuid = call.core.ids(call.tenant).uuid(USER | owner.number)
    shown = entity(call, other, unescape(call.parameters[parameter]) is None)
    return success(call, action, call.now, {"path": f"/users/{owner_uuid}/{what}", "entities": [shown]})


def _answered(call: Call, friend: User, field: str, done: bool) -> Reply:
    data = {field: _own_names([friend], [call.parameters["friend"]]) if done else []}
    return success(call, "post", call.now, {"entities": [], "data": data})


def _names(request: dict[str, Any], maximum: int) -> list[str]:
    return read_names(request, "usernames", maximum, f"usernames size exceeds max limit : {maximum}")


def _check_others(owner: User, others: Sequence[User]) -> None:
    if any(other.number == owner.number for other in others):
        raise illegal("this is an invalid request.", "usernames")


def _own_names(users: Sequence[User], names: Sequence[str]) -> list[str]:
    return [own_name(user, name) for user, name in zip(users, names, strict=True)]
