"""Users: registration, profiles, and the places of the names that other endpoints are given."""

import asyncio
from collections.abc import Sequence
from typing import Any

from adapters.contract import Call, Reply
from adapters.easemob.auth import authenticate, bearer, find_user, require_administrator
from adapters.easemob.errors import illegal, illegal_name, unknown_application
from adapters.easemob.ids import ESCAPE, MAXIMUM_USER_NAME, is_user_name, unescape, user_name
from adapters.easemob.options import Options
from adapters.easemob.wire import BODY_LIMIT_BYTES, parse_body, success, text_of
from core.errors import Failure, Kind
from core.ids import USER
from core.model import Principal, User, UserKey
from core.names import fold, is_legal, is_reserved

MAXIMUM_BATCH = 60
_MAXIMUM_PASSWORD = 64
_MAXIMUM_NICKNAME = 100


async def register(options: Options, call: Call) -> Reply:
    """`POST /users` with one user or a list of up to 60. In a list, names that are taken fail each for itself; only when
    all are taken the call fails, as it does for any illegal entry."""
    by_administrator = await _authorize_registration(options, call)
    body = parse_body(await call.body(BODY_LIMIT_BYTES))
    rows = body if isinstance(body, list) else [body]
    if len(rows) > MAXIMUM_BATCH:
        raise illegal(
            f"Request body array size[{len(rows)}] had almost reached or been greater than the upper range"
            f" value[{MAXIMUM_BATCH}]"
        )
    if not rows:
        raise illegal("Entity user requires a property named username", "username")
    entries = _distinct([_entry(row, by_administrator) for row in rows])
    results = await asyncio.gather(
        *(
            call.core.users.register(
                call.tenant, name, folded=True, password=password, display_name=nickname, reference=call.reference
            )
            for name, password, nickname in entries
        ),
        return_exceptions=True,
    )
    users, taken = [], []
    for (name, _, _), result in zip(entries, results, strict=True):
        if isinstance(result, User):
            users.append(result)
        elif isinstance(result, Failure) and result.kind is Kind.CONFLICT:
            taken.append(name)
        else:
            raise result
    if not users:
        raise Failure(Kind.CONFLICT, "The user exists already", reason="user", subject=taken[0])
    fields: dict[str, Any] = {"path": "/users", "entities": [_entity(call, user, True) for user in users]}
    if isinstance(body, list):
        fields["data"] = [{"username": name, "registerUserFailReason": f"the {name} already exists"} for name in taken]
    return success(call, "post", call.now, fields)


async def get(call: Call) -> Reply:
    """`GET /users/{user}`: for an administrator anybody, for a user itself."""
    name = call.parameters["user"]
    user = (await find_users(call, [name]))[0]
    principal = call.authenticated
    if not principal.administrator and (user is None or user.id != principal.user):
        raise Failure(Kind.UNAUTHENTICATED, "Not this user's")
    if user is None:
        raise Failure(Kind.NOT_FOUND, "No such user", reason="user", subject=name)
    entity = _entity(call, user, unescape(name) is None)
    return success(call, "get", call.now, {"path": "/users", "entities": [entity], "count": 1})


async def _authorize_registration(options: Options, call: Call) -> bool:
    """Whether an administrator registers. With open registration nobody looks at the token; else whoever brings none is
    told so before anything else is looked at."""
    if not call.tenants:
        raise unknown_application()
    # Of several tenants with this application only a token tells which one is meant.
    is_open = options.open_registration and len(call.tenants) == 1
    if bearer(call.request) is None and not is_open:
        raise Failure(Kind.UNAUTHENTICATED, "Registration is closed", reason="registration")
    try:
        call.principal = await authenticate(call)
        require_administrator(call)
    except Failure as failure:
        if not is_open or failure.kind is not Kind.UNAUTHENTICATED:
            raise
        call.principal = Principal(call.tenants[0])
        return False
    return True


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


def _entry(row: object, by_administrator: bool) -> tuple[str, str | None, str | None]:
    """Name, password and nickname of one user to register."""
    if not isinstance(row, dict):
        raise illegal("this is an invalid request.")
    name = text_of(row.get("username"))
    if name is None:
        raise illegal("Entity user requires a property named username", "username")
    if len(name) > MAXIMUM_USER_NAME:
        raise illegal("USERNAME_TOO_LONG", "username")
    if not is_user_name(name) or is_reserved(name):
        raise illegal_name(name)
    # Without a password only the application can make tokens for the user, so it takes the application's token.
    password = text_of(row.get("password"))
    if not password and ("password" in row or not by_administrator):
        raise illegal("password or pin must provided", "password")
    if password is not None and len(password) > _MAXIMUM_PASSWORD:
        raise illegal("PASSWORD_TOO_LONG", "password")
    nickname = text_of(row.get("nickname"))
    if nickname is None and row.get("nickname") is not None:
        raise illegal("nickname must be a string", "nickname")
    if nickname is not None and len(nickname) > _MAXIMUM_NICKNAME:
        raise illegal("NICKNAME_TOO_LONG", "nickname")
    return fold(name), password, nickname


def _distinct(
    entries: list[tuple[str, str | None, str | None]],
) -> list[tuple[str, str | None, str | None]]:
    """The entries with every name once."""
    by_name: dict[str, tuple[str, str | None, str | None]] = {}
    for entry in entries:
        if by_name.setdefault(entry[0], entry)[1] != entry[1]:
            raise illegal(f"the same user {entry[0]} has a different password", "password")
    return list(by_name.values())


def _entity(call: Call, user: User, owns_folded: bool) -> dict[str, Any]:
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
    return entity
