"""Registration of users, one or many."""

import asyncio
from typing import Any

from adapters.contract import Call, Reply
from adapters.easemob.auth import authenticate, bearer, require_administrator
from adapters.easemob.errors import illegal, unknown_application
from adapters.easemob.options import Options
from adapters.easemob.users import check_new_name, check_password, entity, read_nickname
from adapters.easemob.wire import BODY_LIMIT_BYTES, parse_body, success, text_of
from core.errors import Failure, Kind
from core.model import Principal, User
from core.names import fold

MAXIMUM_BATCH = 60


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
    fields: dict[str, Any] = {"path": "/users", "entities": [entity(call, user, True) for user in users]}
    if isinstance(body, list):
        fields["data"] = [{"username": name, "registerUserFailReason": f"the {name} already exists"} for name in taken]
    return success(call, "post", call.now, fields)


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


def _entry(row: object, by_administrator: bool) -> tuple[str, str | None, str | None]:
    """Name, password and nickname of one user to register."""
    if not isinstance(row, dict):
        raise illegal("this is an invalid request.")
    name = text_of(row.get("username"))
    if name is None:
        raise illegal("Entity user requires a property named username", "username")
    check_new_name(name)
    # Without a password only the application can make tokens for the user, so it takes the application's token.
    password = text_of(row.get("password"))
    if not password and ("password" in row or not by_administrator):
        raise illegal("password or pin must provided", "password")
    if password is not None:
        check_password(password)
    return fold(name), password, read_nickname(row)


def _distinct(
    entries: list[tuple[str, str | None, str | None]],
) -> list[tuple[str, str | None, str | None]]:
    """The entries with every name once."""
    by_name: dict[str, tuple[str, str | None, str | None]] = {}
    for entry in entries:
        if by_name.setdefault(entry[0], entry)[1] != entry[1]:
            raise illegal(f"the same user {entry[0]} has a different password", "password")
    return list(by_name.values())
