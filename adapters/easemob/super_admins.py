"""Super admins of rooms: users who may create rooms themselves. It stands in the user's own profile, so a list of them reads
all profiles."""

from adapters.contract import Call, Reply
from adapters.easemob.auth import find_user, require_administrator
from adapters.easemob.errors import forbidden_operation, illegal, no_such_member_name
from adapters.easemob.ids import unescape, user_name
from adapters.easemob.options import NAME
from adapters.easemob.target import body_name
from adapters.easemob.users import names_of
from adapters.easemob.wire import BODY_LIMIT_BYTES, echoed, integer_of, page_size, parse_object, success
from core.model import User, leftovers_of, with_leftovers

_SUPER_ADMIN = "super_admin"
_DEFAULT_PAGE = 10
_MAXIMUM_PAGE = 100
_USERS_AT_ONCE = 1_000


async def add(call: Call) -> Reply:
    """`POST /chatrooms/super_admin`. Twice is once."""
    require_administrator(call)
    name = body_name(parse_object(await call.body(BODY_LIMIT_BYTES)), "superadmin")
    await _mark(call, await _registered(call, name), True)
    data = {"result": "success", "resource": ""}
    return success(call, "post", call.now, {"entities": [], "data": data})


async def page(call: Call) -> Reply:
    """`GET /chatrooms/super_admin`: pages from 1, in the order in which the users' names came up."""
    require_administrator(call)
    size = page_size(call, "pagesize", _DEFAULT_PAGE, _MAXIMUM_PAGE)
    number = integer_of(call.request.query.get("pagenum") or 1)
    if number is None:
        raise illegal("pagenum must be a number", "pagenum")
    start = max(number - 1, 0) * size
    names = await names_of(call, (await _all(call))[start : start + size])
    return success(call, "get", call.now, {"params": echoed(call), "entities": [], "data": names, "count": len(names)})


async def remove(call: Call) -> Reply:
    """`DELETE /chatrooms/super_admin/{user}`."""
    require_administrator(call)
    name = call.parameters["user"]
    user = await _registered(call, name)
    shown = user_name(user.id, unescape(name) is None)
    if not is_super_admin(user):
        raise forbidden_operation(f"user:{shown} is not super admin of chatroom")
    await _mark(call, user, False)
    # The vendor calls the one who was removed the new one.
    data = {"newSuperAdmin": shown, "resource": ""}
    return success(call, "delete", call.now, {"entities": [], "data": data})


def is_super_admin(user: User) -> bool:
    """Whether the user may create rooms."""
    return bool(leftovers_of(user, NAME).get(_SUPER_ADMIN))


async def _registered(call: Call, name: str) -> User:
    user = await find_user(call.core, call.tenant, name)
    if user is None:
        raise no_such_member_name(name)
    return user


async def _mark(call: Call, user: User, is_one: bool) -> None:
    def changed(found: User) -> User:
        own = {name: value for name, value in leftovers_of(found, NAME).items() if name != _SUPER_ADMIN}
        return with_leftovers(found, NAME, own | ({_SUPER_ADMIN: True} if is_one else {}))

    if is_super_admin(user) != is_one:
        await call.core.users.update(call.tenant, user.id, changed)


async def _all(call: Call) -> list[str]:
    found: list[str] = []
    after = 0
    while users := await call.core.users.page(call.tenant, after, _USERS_AT_ONCE):
        found += [user.id for user in users if is_super_admin(user)]
        after = users[-1].number
    return found
