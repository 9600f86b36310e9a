"""Users: profiles, lists, deletion, and what other endpoints ask of user names."""

import asyncio
from collections.abc import Sequence
from typing import Any

from adapters.contract import Call, Reply
from adapters.easemob.auth import find_user, require_administrator
from adapters.easemob.errors import illegal, illegal_name, no_user
from adapters.easemob.ids import ESCAPE, MAXIMUM_USER_NAME, is_user_name, unescape, user_name
from adapters.easemob.options import NAME
from adapters.easemob.wire import cursor_number, cursor_text, echoed, page_size, success, text_of
from core.errors import Failure, Kind
from core.ids import USER
from core.model import User, UserKey, leftovers_of
from core.names import fold, is_legal, is_reserved

NOTIFICATION = "notification_"
"""What the names of a user's push settings begin with."""
MAXIMUM_PASSWORD = 64
MAXIMUM_NICKNAME = 100
_DEFAULT_PAGE = 10
_MAXIMUM_PAGE = 100
_GROUPS_AT_ONCE = 100
_MAXIMUM_GROUP_PAGES = 1_000


async def get(call: Call) -> Reply:
    """`GET /users/{user}`: for an administrator anybody, for a user itself."""
    entities = [entity_of(call, await subject(call))]
    return success(call, "get", call.now, {"path": "/users", "entities": entities, "count": 1})


async def page(call: Call) -> Reply:
    """`GET /users`: all users in the order in which their names came up."""
    require_administrator(call)
    users, cursor = await _page(call)
    fields = {"path": "/users", "params": echoed(call), "entities": await entities(call, users), **cursor}
    return success(call, "get", call.now, {**fields, "count": len(users)})


async def delete(call: Call) -> Reply:
    """`DELETE /users/{user}`, with the groups and rooms that the user owns and all that the user wrote."""
    require_administrator(call)
    user = await subject(call)
    deleted = {**entity_of(call, user), "activated": False}
    await _erase(call, [user])
    return success(call, "delete", call.now, {"path": "/users", "entities": [deleted]})


async def delete_many(call: Call) -> Reply:
    """`DELETE /users`: as many users as `limit` says, whoever they are: the earliest, or those behind the cursor."""
    require_administrator(call)
    users, cursor = await _page(call)
    deleted = [{**one, "activated": False} for one in await entities(call, users)]
    await _erase(call, users)
    fields = {"path": "/users", "params": echoed(call), "entities": deleted, **cursor, "count": len(users)}
    return success(call, "delete", call.now, fields)


async def _page(call: Call) -> tuple[list[User], dict[str, str]]:
    limit = page_size(call, "limit", _DEFAULT_PAGE, _MAXIMUM_PAGE)
    users = await call.core.users.page(call.tenant, cursor_number(call), limit + 1)
    if len(users) <= limit:
        return users, {}
    return users[:limit], {"cursor": cursor_text(users[limit - 1].number)}


async def _erase(call: Call, users: Sequence[User]) -> None:
    """Nothing of the tenant may be asked for after this: it has another version then."""
    for user in users:
        await _delete_owned_groups(call, user)
    await call.core.erase.users(call.tenant, [key_of(user) for user in users])


async def _delete_owned_groups(call: Call, user: User) -> None:
    key = key_of(user)
    for rooms in (False, True):
        cursor = ""
        for _ in range(_MAXIMUM_GROUP_PAGES):
            found = await call.core.groups.joined(call.tenant, key, rooms=rooms, limit=_GROUPS_AT_ONCE, cursor=cursor)
            for group in [counted.group for counted in found.groups if counted.group.owner == user.id]:
                await call.core.groups.delete(call.tenant, group.number)
            cursor = found.cursor
            if not cursor:
                break


async def subject(call: Call) -> User:
    """The registered user of the path: for an administrator anybody, for a user itself. Raises what the vendor answers for
    anybody else."""
    name = call.parameters["user"]
    user = await find_user(call.core, call.tenant, name)
    principal = call.authenticated
    if not principal.administrator and (user is None or user.id != principal.user):
        raise Failure(Kind.UNAUTHENTICATED, "Not this user's")
    if user is None:
        raise no_user(name)
    return user


async def registered(call: Call, names: Sequence[str]) -> list[User]:
    """The users behind names, in their order. Raises *not found* for the first who is not registered."""
    found = []
    for name, user in zip(names, await find_users(call, names), strict=True):
        if user is None:
            raise no_user(name)
        found.append(user)
    return found


async def place_users(call: Call, names: Sequence[str]) -> list[UserKey]:
    """The places of user names, in their order; made where there are none. Raises *bad request* for a name that can't be
    one, before any is placed."""
    folded = [fold(name) for name in names]
    for name in folded:
        if name.startswith(ESCAPE):
            return await _place_escaped(call, folded)
    try:
        return await call.core.users.keys(call.tenant, folded, folded=True)
    except Failure as failure:
        raise _named(failure, folded) from None


async def _place_escaped(call: Call, folded: list[str]) -> list[UserKey]:
    """Like `place_users`, where some of the names are, or look, escaped."""
    for name in folded:
        if not is_legal(name):
            raise illegal_name(name)
    escaped = {name: neutral for name in folded if (neutral := unescape(name)) is not None}
    plain = list(dict.fromkeys(name for name in folded if name not in escaped))
    keys = dict(zip(plain, await call.core.users.keys(call.tenant, plain, folded=True), strict=True))
    keys |= zip(escaped, await call.core.users.keys(call.tenant, list(escaped.values())), strict=True)
    return [keys[name] for name in folded]


def _named(failure: Failure, names: Sequence[str]) -> Failure:
    """The failure, with the first of these names that can't be one."""
    illegal_names = (name for name in names if not is_legal(name))
    return illegal_name(next(illegal_names)) if failure.reason == "name" else failure


async def find_users(call: Call, names: Sequence[str]) -> list[User | None]:
    """The registered users behind user names, in their order."""
    return list(await asyncio.gather(*(find_user(call.core, call.tenant, name) for name in names)))


async def names_of(call: Call, ids: Sequence[str]) -> list[str]:
    """The names by which apps of this dialect know users, in the order of the neutral ids, registered or not."""
    owners = await call.core.users.find_many(call.tenant, [fold(neutral) for neutral in ids], folded=True)
    return [
        user_name(neutral, owner.id == neutral if owner is not None else fold(neutral) == neutral)
        for neutral, owner in zip(ids, owners, strict=True)
    ]


def key_of(user: User) -> UserKey:
    """The place of a user's name."""
    return UserKey(user.id, user.number)


def own_name(user: User, name: str) -> str:
    """The name by which apps of this dialect know a user whom they called `name`."""
    return user_name(user.id, unescape(name) is None)


def read_names(request: dict[str, Any], field: str, maximum: int, too_many: str) -> list[str]:
    """A list of user names in a body. Raises *bad request*, with the text `too_many` for more than `maximum`."""
    values = request.get(field)
    if not isinstance(values, list) or not values:
        raise illegal(f"{field} must be provided", field)
    if len(values) > maximum:
        raise illegal(too_many, field)
    names = [name for name in map(text_of, values) if name is not None]
    if len(names) != len(values):
        raise illegal(f"{field} must be an array of strings", field)
    return names


def check_new_name(name: str) -> None:
    """Raises *bad request* for a name that nobody can register."""
    if len(name) > MAXIMUM_USER_NAME:
        raise illegal("USERNAME_TOO_LONG", "username")
    if not is_user_name(name) or is_reserved(name):
        raise illegal_name(name)


def check_password(password: str, field: str = "password") -> None:
    """Raises *bad request* for a password that is too long."""
    if len(password) > MAXIMUM_PASSWORD:
        raise illegal("PASSWORD_TOO_LONG", field)


def read_nickname(row: dict[str, Any]) -> str | None:
    """The nickname in a body; none for none."""
    nickname = text_of(row.get("nickname"))
    if nickname is None and row.get("nickname") is not None:
        raise illegal("nickname must be a string", "nickname")
    if nickname is not None and len(nickname) > MAXIMUM_NICKNAME:
        raise illegal("NICKNAME_TOO_LONG", "nickname")
    return nickname


async def entities(call: Call, users: Sequence[User]) -> list[dict[str, Any]]:
    """Users as replies show them, whatever they were found by."""
    names = await names_of(call, [user.id for user in users])
    return [{**entity(call, user, True), "username": name} for user, name in zip(users, names, strict=True)]


def entity_of(call: Call, user: User) -> dict[str, Any]:
    """The user of the path as replies show it."""
    return entity(call, user, unescape(call.parameters["user"]) is None)


def entity(call: Call, user: User, owns_folded: bool) -> dict[str, Any]:
    """A user as replies show it."""
    entity = {
        "uuid": call.core.ids(call.tenant).uuid(USER | user.number),
        "type": "user",
        "created": user.created,
        "modified": user.modified,
        "username": user_name(user.id, owns_folded),
        "activated": user.active,
    }
    if user.name is not None:
        entity["nickname"] = user.name
    entity.update((name, value) for name, value in leftovers_of(user, NAME).items() if name.startswith(NOTIFICATION))
    return entity
