"""User attributes: small texts by name that every user of the application may read.

They are the app's own map of the user, so other dialects see them too. This service has no envelope, and writes come as a
form.
"""

from typing import Any
from urllib.parse import parse_qsl

import msgspec
import orjson

from adapters.bodies import json_reply
from adapters.contract import Call, Reply
from adapters.easemob.auth import require_administrator
from adapters.easemob.errors import illegal
from adapters.easemob.users import find_users, read_names, subject
from adapters.easemob.wire import BODY_LIMIT_BYTES, parse_object, text_of
from core.errors import Failure, Kind
from core.model import User

MAXIMUM_BYTES = 2_048
"""Names and values of one user together."""
_MAXIMUM_TARGETS = 100
_USERS_AT_ONCE = 1_000
_FORM = "application/x-www-form-urlencoded"


async def change(call: Call) -> Reply:
    """`PUT /metadata/user/{user}`: change those that are given; an empty value takes one away."""
    body = await call.body(BODY_LIMIT_BYTES)
    user = await subject(call)
    given = _form(call, body)

    def changed(found: User) -> User:
        old = found.attributes or {}
        new = {name: value for name, value in {**old, **given}.items() if value != ""}
        if _size(new) > max(MAXIMUM_BYTES, _size(old)):
            raise illegal(f"user attributes exceed the limit of {MAXIMUM_BYTES} bytes")
        return msgspec.structs.replace(found, attributes=new or None)

    await call.core.users.update(call.tenant, user.id, changed)
    return _reply(call, given)


async def get(call: Call) -> Reply:
    """`GET /metadata/user/{user}`, of anybody. Who does not exist has none."""
    (user,) = await find_users(call, [call.parameters["user"]])
    return _reply(call, _attributes(user))


async def get_many(call: Call) -> Reply:
    """`POST /metadata/user/get`: those of up to 100 users that are asked for, all when none are named."""
    body = await call.body(BODY_LIMIT_BYTES)
    if not call.request.headers.get("content-type"):
        raise _unsupported()
    request = parse_object(body)
    targets = read_names(request, "targets", _MAXIMUM_TARGETS, f"targets size exceeds max limit : {_MAXIMUM_TARGETS}")
    properties = request.get("properties") or []
    if not isinstance(properties, list):
        raise illegal("properties must be an array", "properties")
    wanted = {name for name in map(text_of, properties) if name is not None}
    data = {
        target: {name: value for name, value in _attributes(user).items() if not wanted or name in wanted}
        for target, user in zip(targets, await find_users(call, targets), strict=True)
    }
    return _reply(call, data)


async def delete(call: Call) -> Reply:
    """`DELETE /metadata/user/{user}`: all of them. Who does not exist has none already."""
    try:
        user = await subject(call)
    except Failure as failure:
        if failure.kind is not Kind.NOT_FOUND:
            raise
    else:
        await call.core.users.update(
            call.tenant, user.id, lambda found: msgspec.structs.replace(found, attributes=None)
        )
    return _reply(call, True)


async def capacity(call: Call) -> Reply:
    """`GET /metadata/user/capacity`: how many bytes the attributes of all users take. All profiles are read for it."""
    require_administrator(call)
    total = after = 0
    while page := await call.core.users.page(call.tenant, after, _USERS_AT_ONCE):
        total += sum(_size(user.attributes or {}) for user in page)
        after = page[-1].number
    return _reply(call, total)


def _form(call: Call, body: bytes) -> dict[str, str]:
    if call.request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise _unsupported()
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=1_000)
    except ValueError:
        raise illegal("this is an invalid request.") from None
    if not pairs or any(not name for name, _ in pairs):
        raise illegal("this is an invalid request.")
    return dict(pairs)


def _unsupported() -> Failure:
    return Failure(Kind.UNSUPPORTED, "Unsupported Media Type", reason="media_type")


def _attributes(user: User | None) -> dict[str, str]:
    """A user's attributes as texts: other dialects have values of other types."""
    found = user.attributes or {} if user is not None else {}
    return {name: _text(value) for name, value in found.items()}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _size(attributes: dict[str, Any]) -> int:
    return sum(len(name.encode()) + len(_text(value).encode()) for name, value in attributes.items())


def _reply(call: Call, data: Any) -> Reply:
    return json_reply(200, {"timestamp": call.now, "data": data, "duration": call.duration_ms})
