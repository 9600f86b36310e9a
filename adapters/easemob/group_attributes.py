"""Small texts by name: those that a member has in a group, and those that a room has."""

from typing import Any

from adapters.bodies import json_reply
from adapters.contract import Call, Reply
from adapters.easemob.auth import require_administrator
from adapters.easemob.errors import illegal
from adapters.easemob.parties import known_user
from adapters.easemob.target import Needs, Target, no_permission, people, target_of
from adapters.easemob.users import place_users
from adapters.easemob.wire import BODY_LIMIT_BYTES, parse_object, success, text_of
from core.errors import Failure, Kind
from core.model import UserKey

_MAXIMUM_TARGETS = 10
_MAXIMUM_NAMES = 10
_REASONS = {"owner": "permission denied", "limit": "exceeds chatroom user metadata size limit"}


async def change_own(call: Call) -> Reply:
    """`PUT /metadata/chatgroup/{group}/user/{user}`: a member's in a group; an empty value takes one away."""
    given = _values(parse_object(await call.body(BODY_LIMIT_BYTES)))
    target = await target_of(call, Needs.MEMBER)
    key = await _member(call, target)
    changes = {name: value or None for name, value in given.items()}
    await call.core.attributes.set_own(call.tenant, target.number, key, changes)
    return _reply(call, given)


async def own(call: Call) -> Reply:
    """`GET /metadata/chatgroup/{group}/user/{user}`."""
    target = await target_of(call, Needs.MEMBER)
    (person,) = await people(call, [call.parameters["user"]])
    found = await call.core.attributes.own(call.tenant, target.number, [person.key] if person.key else [])
    return _reply(call, found[0] if found else {})


async def own_of_many(call: Call) -> Reply:
    """`POST /metadata/chatgroup/{group}/get`: those of up to 10 members that are asked for, all when none are named."""
    request = parse_object(await call.body(BODY_LIMIT_BYTES))
    targets = _texts(request, "targets", _MAXIMUM_TARGETS, required=True)
    wanted = _texts(request, "properties", _MAXIMUM_NAMES, required=False)
    target = await target_of(call, Needs.MEMBER)
    keys = [await known_user(call, name) for name in targets]
    found = await call.core.attributes.own(call.tenant, target.number, [key for key in keys if key is not None])
    rows = iter(found)
    data = {
        name: {each: value for each, value in (next(rows) if key else {}).items() if not wanted or each in wanted}
        for name, key in zip(targets, keys, strict=True)
    }
    return _reply(call, data)


async def change(call: Call) -> Reply:
    """`PUT /metadata/chatroom/{group}/user/{user}`, with `/forced` also those of others. Each belongs to who set it last; they
    go when that user leaves unless `autoDelete` says otherwise."""
    request = parse_object(await call.body(BODY_LIMIT_BYTES))
    given = _values(request)
    leaves = text_of(request.get("autoDelete", "DELETE"))
    if leaves not in ("DELETE", "NO_DELETE"):
        raise illegal("autoDelete must be DELETE or NO_DELETE", "autoDelete")
    return await _set(call, "put", dict(given), leaves=leaves == "DELETE")


async def delete(call: Call) -> Reply:
    """`DELETE` of the same paths, the names in the body."""
    names = _texts(parse_object(await call.body(BODY_LIMIT_BYTES)), "keys", _MAXIMUM_NAMES, required=True)
    return await _set(call, "delete", dict.fromkeys(names), leaves=False)


async def find(call: Call) -> Reply:
    """`POST /metadata/chatroom/{group}`: those of these names, all without names."""
    request = parse_object(await call.body(BODY_LIMIT_BYTES))
    names = _texts(request, "keys", _MAXIMUM_NAMES, required=False)
    target = await target_of(call, Needs.MEMBER)
    found = await call.core.attributes.find(call.tenant, target.number, names or None)
    data = {name: attribute.value for name, attribute in found.items()}
    return success(call, "post", call.now, {"data": data})


async def _set(call: Call, action: str, changes: dict[str, str | None], *, leaves: bool) -> Reply:
    forced = call.route.path.endswith("/forced")
    if forced:
        require_administrator(call)
    target = await target_of(call, Needs.MEMBER)
    if forced:
        (key,) = await place_users(call, [call.parameters["user"]])
    else:
        key = await _member(call, target)
    try:
        failed = await call.core.attributes.set(call.tenant, target.number, key, changes, forced=forced, leaves=leaves)
    except Failure as failure:
        if failure.reason != "member":
            raise
        raise _no_member(target, call.parameters["user"]) from None
    data = {
        "successKeys": [name for name in changes if name not in failed],
        "errorKeys": {name: _REASONS[why] for name, why in failed.items()},
    }
    return success(call, action, call.now, {"data": data})


async def _member(call: Call, target: Target) -> UserKey:
    """The user of the path, who has to be a member; for a user itself."""
    name = call.parameters["user"]
    key = await known_user(call, name)
    principal = call.authenticated
    if not principal.administrator and (key is None or key.id != principal.user):
        raise no_permission()
    standing = await call.core.members.standing(call.tenant, target.number, key) if key is not None else None
    if key is None or standing is None or standing.member is None:
        raise _no_member(target, name)
    return key


def _no_member(target: Target, name: str) -> Failure:
    if target.group.room:
        return Failure(Kind.UNAUTHENTICATED, "No member of the room", reason="metadata")
    return Failure(Kind.NOT_FOUND, target.lacks(name), reason="group_member")


def _values(request: dict[str, Any]) -> dict[str, str]:
    """Names and values in a body."""
    given = request.get("metaData")
    if not isinstance(given, dict) or not given:
        raise illegal("metaData must be provided", "metaData")
    if len(given) > _MAXIMUM_NAMES:
        raise illegal(f"exceed allowed batch size {_MAXIMUM_NAMES}", "metaData")
    values = {name: text for name, value in given.items() if (text := text_of(value)) is not None}
    if len(values) != len(given):
        raise illegal("metaData must have texts for values", "metaData")
    return values


def _texts(request: dict[str, Any], field: str, maximum: int, *, required: bool) -> list[str]:
    values = request.get(field) or []
    if not isinstance(values, list) or (required and not values):
        raise illegal(f"{field} must be provided", field)
    if len(values) > maximum:
        raise illegal(f"exceed allowed batch size {maximum}", field)
    texts = [text for value in values if (text := text_of(value)) is not None]
    if len(texts) != len(values):
        raise illegal(f"{field} must be an array of strings", field)
    return texts


def _reply(call: Call, data: Any) -> Reply:
    return json_reply(200, {"timestamp": call.now, "data": data, "duration": call.duration_ms})
