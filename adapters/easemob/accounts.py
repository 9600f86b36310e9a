"""What changes of a user: password, nickname and push settings, whether the user may log in."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from adapters.contract import Call, Reply
from adapters.easemob.auth import require_administrator
from adapters.easemob.errors import illegal
from adapters.easemob.options import NAME
from adapters.easemob.users import (
    MAXIMUM_NICKNAME,
    NOTIFICATION,
    check_password,
    entity_of,
    key_of,
    own_name,
    read_nickname,
    registered,
    subject,
)
from adapters.easemob.wire import BODY_LIMIT_BYTES, boolean_of, integer_of, parse_body, parse_object, success, text_of
from core.errors import Failure, Kind
from core.model import User, leftovers_of, with_leftovers

_MAXIMUM_NICKNAMES = 50
_HOURS = range(24)
_IGNORED_GROUP = NOTIFICATION + "ignore_"
_MAXIMUM_IGNORED_GROUPS = 500


async def set_password(call: Call) -> Reply:
    """`PUT /users/{user}/password`. A user has to bring the old one too."""
    request = parse_object(await call.body(BODY_LIMIT_BYTES))
    try:
        user = await subject(call)
    except Failure as failure:
        if failure.kind is not Kind.NOT_FOUND:
            raise
        raise Failure(Kind.NOT_FOUND, "User null not found", reason="entity") from None
    new, old = text_of(request.get("newpassword")), text_of(request.get("oldpassword"))
    if not new:
        raise illegal("newpassword is required", "newpassword")
    check_password(new, "newpassword")
    if call.authenticated.administrator:
        await call.core.users.set_password(call.tenant, user.id, new)
    elif not old:
        raise illegal("oldPassword is required", "oldpassword")
    elif await call.core.users.change_password(call.tenant, user.id, old, new) is None:
        raise Failure(Kind.BAD_REQUEST, "invalid password", reason="grant", field="oldpassword")
    return success(call, "set user password", call.now, {})


async def update(call: Call) -> Reply:
    """`PUT /users/{user}`: nickname and push settings; what is not named stays. The vendor's browser client sends them within
    `entities`."""
    request = parse_object(await call.body(BODY_LIMIT_BYTES))
    match request.get("entities"):
        case [dict() as within]:
            request = within
    nickname, settings = read_nickname(request), _settings(request)
    user = await subject(call)
    changed = await call.core.users.update(call.tenant, user.id, _change(nickname, settings))
    return success(call, "put", call.now, {"path": "/users", "entities": [entity_of(call, changed)]})


async def set_nicknames(call: Call) -> Reply:
    """`PUT /push/nickname`: the nicknames of up to 50 users. All must be registered, else nothing is changed."""
    rows = parse_body(await call.body(BODY_LIMIT_BYTES))
    require_administrator(call)
    if not isinstance(rows, list) or not rows:
        raise illegal("put user push nicknames illegal empty request body")
    if len(rows) > _MAXIMUM_NICKNAMES:
        raise illegal("put user push nicknames exceeds the limit")
    nicknames: dict[str, str] = {}
    for row in rows:
        name, nickname = (
            text_of(row.get(field)) if isinstance(row, dict) else None for field in ("username", "push_nickname")
        )
        if name is None or nickname is None:
            raise illegal("put user push nicknames illegal empty request body")
        if len(nickname) > MAXIMUM_NICKNAME:
            raise illegal(f"{name} push nickname length exceeds the limit", "push_nickname")
        nicknames[name] = nickname
    users = await registered(call, list(nicknames))
    await asyncio.gather(
        *(
            call.core.users.update(call.tenant, user.id, _change(nickname, {}))
            for user, nickname in zip(users, nicknames.values(), strict=True)
        )
    )
    entities = [
        {"username": own_name(user, name), "push_nickname": nickname}
        for user, (name, nickname) in zip(users, nicknames.items(), strict=True)
    ]
    return success(call, "put", call.now, {"path": "/push", "entities": entities})


async def deactivate(call: Call) -> Reply:
    """`POST /users/{user}/deactivate`: logins are refused, tokens end, who is online is not any more."""
    require_administrator(call)
    user = await subject(call)
    user = await call.core.users.deactivate(call.tenant, user.id)
    await call.core.presence.clear(call.tenant, key_of(user))
    return success(call, "Deactivate user", call.now, {"entities": [entity_of(call, user)]})


async def activate(call: Call) -> Reply:
    """`POST /users/{user}/activate`."""
    require_administrator(call)
    user = await subject(call)
    await call.core.users.activate(call.tenant, user.id)
    return success(call, "activate user", call.now, {})


def _change(nickname: str | None, settings: dict[str, Any]) -> Callable[[User], User]:
    def change(user: User) -> User:
        own = {**leftovers_of(user, NAME), **settings}
        if sum(name.startswith(_IGNORED_GROUP) for name in own) > _MAXIMUM_IGNORED_GROUPS:
            raise illegal(f"notifications of over {_MAXIMUM_IGNORED_GROUPS} groups are ignored")
        # An empty nickname is none.
        named = msgspec.structs.replace(user, name=user.name if nickname is None else nickname or None)
        return with_leftovers(named, NAME, own)

    return change


def _settings(request: dict[str, Any]) -> dict[str, Any]:
    """The push settings in a body, in the types in which replies show them."""
    settings: dict[str, Any] = {}
    for name, value in request.items():
        if value is None or not name.startswith(NOTIFICATION):
            continue
        read: int | None
        if name == "notification_display_style":
            read = integer_of(value)
            read = read if read in (0, 1) else None
        elif name in ("notification_no_disturbing_start", "notification_no_disturbing_end"):
            read = integer_of(value)
            read = read if read in _HOURS else None
        elif name == "notification_no_disturbing" or name.startswith(_IGNORED_GROUP):
            read = boolean_of(value)
        else:
            continue
        if read is None:
            raise illegal(f"{name} is illegal", name)
        settings[name] = read
    return settings
