"""Whether users are online and where, and what waits for them."""

from adapters.contract import Call, Reply
from adapters.easemob.auth import require_administrator
from adapters.easemob.users import find_users, key_of, own_name, read_names, subject
from adapters.easemob.wire import BODY_LIMIT_BYTES, parse_object, success
from core.errors import Failure, Kind
from core.model import User

_MAXIMUM_BATCH = 100
_TOO_MANY = f"request body exceeds maximum limit, maximum limit is {_MAXIMUM_BATCH}"
_HIGHEST_MESSAGE = (1 << 63) - 1


async def status(call: Call) -> Reply:
    """`GET /users/{user}/status`."""
    user = await subject(call)
    (found,) = await _statuses(call, [user])
    return success(call, "get", call.now, {"entities": [], "data": {_name(call, user): found}, "count": 0})


async def statuses(call: Call) -> Reply:
    """`POST /users/batch/status`: of up to 100 users, in their order. Who does not exist is offline."""
    request = parse_object(await call.body(BODY_LIMIT_BYTES))
    if not call.authenticated.administrator:
        raise Failure(Kind.UNAUTHENTICATED, "Not for users", reason="organization")
    names = read_names(request, "usernames", _MAXIMUM_BATCH, _TOO_MANY)
    users = await find_users(call, names)
    known = [user for user in users if user is not None]
    by_number = dict(zip([user.number for user in known], await _statuses(call, known), strict=True))
    data = [
        {name: by_number[user.number] if user is not None else "offline"}
        for name, user in zip(names, users, strict=True)
    ]
    return success(call, "get batch user status", call.now, {"data": data})


async def stations(call: Call) -> Reply:
    """`GET /users/{user}/resources`: the devices at which a user is online."""
    user = await subject(call)
    (found,) = await call.core.presence.read(call.tenant, [key_of(user)])
    data = [
        {
            "res": station.name,
            "device_uuid": station.name.partition("_")[2] or station.name,
            "device_name": station.name,
        }
        for station in found.stations
    ]
    return success(call, "get", call.now, {"path": _path(call), "entities": [], "data": data})


async def disconnect(call: Call) -> Reply:
    """`GET /users/{user}/disconnect`, of all devices, or `…/{resource}`, of one."""
    require_administrator(call)
    user = await subject(call)
    await call.core.presence.clear(call.tenant, key_of(user), call.parameters.get("resource"))
    return success(call, "Disconnect user", call.now, {"entities": [], "data": {"result": True}})


async def offline_count(call: Call) -> Reply:
    """`GET /users/{user}/offline_msg_count`: what the user has not read yet, since a message waits in the conversation."""
    user = await subject(call)
    count = await call.core.conversations.unread(call.tenant, key_of(user))
    return success(call, "get", call.now, {"entities": [], "data": {_name(call, user): count}, "count": 0})


async def offline_status(call: Call) -> Reply:
    """`GET /users/{user}/offline_msg_status/{message}`: whether a message has reached the user. One that could not is not
    found."""
    user = await subject(call)
    text = call.parameters["message"]
    message = int(text) if text.isascii() and text.isdigit() and len(text) <= 19 else 0
    if not 0 < message <= _HIGHEST_MESSAGE:
        raise Failure(Kind.NOT_FOUND, "No such message", reason="message", subject=text)
    receipts = await call.core.receipts.of(call.tenant, message, after=user.number - 1, limit=1)
    own = next((receipt for receipt in receipts if receipt.user.number == user.number), None)
    if own is None:
        raise Failure(Kind.NOT_FOUND, "No such message", reason="message", subject=text)
    data = {text: "undelivered" if own.delivered is None else "delivered"}
    return success(call, "get", call.now, {"entities": [], "data": data, "count": 0})


async def _statuses(call: Call, users: list[User]) -> list[str]:
    found = await call.core.presence.read(call.tenant, [key_of(user) for user in users])
    return ["online" if presence.online else "offline" for presence in found]


def _name(call: Call, user: User) -> str:
    return own_name(user, call.parameters["user"])


def _path(call: Call) -> str:
    return "/" + "/".join(call.request.segments[2:])
