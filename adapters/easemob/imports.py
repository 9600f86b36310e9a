"""Importing messages of another system, one a call, with the times that they had there."""

from hashlib import blake2b
from typing import Any

import orjson

from adapters.contract import Call, Reply
from adapters.easemob import content
from adapters.easemob.auth import require_administrator
from adapters.easemob.delivery import options_of
from adapters.easemob.errors import illegal, invalid_request
from adapters.easemob.files import addresses
from adapters.easemob.groups import check_group_id, place_groups
from adapters.easemob.options import NAME, Options
from adapters.easemob.users import place_users
from adapters.easemob.wire import BODY_LIMIT_BYTES, boolean_of, integer_of, needed, parse_request, success
from core.ids import CLIENT_REFERENCE
from core.imports import Import
from core.model import Message


async def to_user(options: Options, call: Call) -> Reply:
    """`POST /messages/users/import`"""
    return await _import(options, call, "/messages/users/import", to_group=False)


async def to_group(options: Options, call: Call) -> Reply:
    """`POST /messages/chatgroups/import`"""
    return await _import(options, call, "/messages/chatgroups/import", to_group=True)


async def _import(options: Options, call: Call, path: str, *, to_group: bool) -> Reply:
    require_administrator(call)
    request = parse_request(await call.body(BODY_LIMIT_BYTES))
    sender, target = (needed(request, field, f"{field} not allow empty") for field in ("from", "target"))
    neutral, left = content.read(_msg(request), strict=options.strict)
    extension = request.get("ext")
    if extension is not None and not isinstance(extension, dict):
        raise illegal("param ext must be JSONObject", "ext")
    left = options_of(request) | (left or {})
    left.pop("msg_timestamp", None)  # it is the message's time here
    time = _time(request, call)
    if boolean_of(request.get("is_ack_read", True)) is False:
        call.losses.append("is_ack_read: an imported message counts as read")
    if boolean_of(request.get("need_download", False)):
        call.losses.append("need_download: the file stays where it is")
    if to_group:
        check_group_id(target)
    names = [sender] if to_group else [sender, target]
    key, *others = await place_users(call, names)
    message = Message(key.id, addresses(call).stored(neutral), NAME, extension, leftovers=left or None)
    call.losses += content.losses(message)
    one = Import(_external_id(call, request, time), time, key, message)
    if to_group:
        (number,) = await place_groups(call, [target])
        (receipt,) = await call.core.imports.group(call.tenant, number, [one])
    else:
        (receipt,) = await call.core.imports.direct(call.tenant, key, others[0], [one])
    return success(call, "post", call.now, {"path": path, "entities": [], "data": {"msg_id": str(receipt.id)}})


def _msg(request: dict[str, Any]) -> dict[str, Any]:
    """Type and fields together: the documents have `type` and `body`, the vendor's Java client `msg`."""
    msg, kind, body = request.get("msg"), request.get("type"), request.get("body")
    if isinstance(msg, dict) and body is None:
        kind, body = msg.get("type"), msg
    if kind is None or kind == "":
        raise illegal("type not allow empty", "type")
    if body is None or body == {}:
        raise illegal("message body not allow empty", "body")
    if not isinstance(kind, str) or not isinstance(body, dict):
        raise invalid_request()
    return {**body, "type": kind}


def _time(request: dict[str, Any], call: Call) -> int:
    """When the message was sent; now, when that is not said."""
    given = request.get("msg_timestamp")
    if given is None:
        return call.now
    time = integer_of(given)
    if time is None or time <= 0:
        raise illegal("msg_timestamp must be a number of milliseconds", "msg_timestamp")
    if time > call.now:
        call.losses.append("msg_timestamp: in the future, became now")
    return min(time, call.now)


def _external_id(call: Call, request: dict[str, Any], time: int) -> str:
    """What makes a repeated import one. The vendor's imports have no ids, and a migration that was broken off begins again:
    so a message with a time of its own is known by all that it says."""
    if call.reference.startswith(CLIENT_REFERENCE) or request.get("msg_timestamp") is None:
        return call.reference
    said = [time, request.get("from"), request.get("type"), request.get("body"), request.get("msg"), request.get("ext")]
    return "said:" + blake2b(orjson.dumps(said, option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()
