"""Sending messages with the classic API: one endpoint for users and groups."""

from typing import Any

import orjson

from adapters.contract import Call, Reply
from adapters.easemob import content
from adapters.easemob.auth import require_administrator
from adapters.easemob.errors import illegal
from adapters.easemob.groups import check_group_id, place_groups
from adapters.easemob.options import NAME, Options
from adapters.easemob.users import place_users
from adapters.easemob.wire import parse_object, success, text_of
from core.errors import Failure, Kind
from core.model import EVERYBODY, Audience, Message, Text

MAXIMUM_TARGETS = 600
MAXIMUM_IGNORED = 20
_DEFAULT_SENDER = "admin"
_TARGET_TYPES = ("users", "chatgroups", "chatrooms")
_DELIVERY_OPTIONS = frozenset({"routetype", "sync_device", "roam_ignore_users", "need_group_ack", "chatroom_msg_level"})


async def send(options: Options, call: Call) -> Reply:
    """`POST /messages`. Receivers need not exist and the sender need not be a member, as at the vendor's. Checks run in
    the vendor's order, all of them before anything is written."""
    require_administrator(call)
    body = await call.body(options.message_body_limit_bytes)
    request = parse_object(body)
    target_type = _target_type(request)
    sender = _sender(request)
    targets = _targets(request)
    msg = _msg(request)
    extension = _extension(request, options)
    if target_type == "chatrooms":
        # There are no rooms here, and a success would lose the message silently.
        raise Failure(Kind.NOT_FOUND, "No such chat room", reason="group", subject=targets[0])
    neutral, leftovers = content.read(msg)
    if len(body) > options.message_content_limit_bytes:  # else its parts can't be over the limit either
        _check_size(neutral, extension, options)
    left: dict[str, Any] = {}
    if not _DELIVERY_OPTIONS.isdisjoint(request):
        left = {name: value for name, value in request.items() if name in _DELIVERY_OPTIONS}
        _report_options(left, call.losses)
    if leftovers:
        left["msg"] = leftovers
    if target_type == "users":
        key, *receivers = await place_users(call, [sender, *targets])
        numbers = [receiver.number for receiver in receivers]
        distinct = list(dict(zip(numbers, receivers, strict=True)).values())
        message = Message(key.id, neutral, NAME, extension, leftovers=left or None)
        receipts = await call.core.messages.send_direct(call.tenant, key, distinct, message, call.reference)
    else:
        for target in targets:
            check_group_id(target)
        key, *ignored = await place_users(call, [sender, *_ignored(request, call.losses)])
        numbers = await place_groups(call, targets)
        message = Message(key.id, neutral, NAME, extension, leftovers=left or None)
        groups = list(dict.fromkeys(numbers))
        audience = Audience(without=tuple(ignored)) if ignored else EVERYBODY
        receipts = await call.core.messages.send_group(call.tenant, key, groups, message, call.reference, audience)
    shows_ids = "useMsgId" in call.request.query_string and call.request.query.get("useMsgId") == "true"
    if shows_ids:
        ids = {number: str(receipt.id) for number, receipt in zip(dict.fromkeys(numbers), receipts, strict=True)}
        data = {target: ids[number] for target, number in zip(targets, numbers, strict=True)}
    else:
        data = dict.fromkeys(targets, "success")
    # The time of what was stored, so that a repeated send with the same key gets the same reply.
    timestamp = max([receipt.time for receipt in receipts])
    return success(call, "post", timestamp, {"path": "/messages", "entities": [], "data": data})


def _extension(request: dict[str, Any], options: Options) -> dict[str, Any] | None:
    extension = request.get("ext")
    if isinstance(extension, dict) or (extension is None and not (options.strict and "ext" in request)):
        return extension
    raise illegal("param ext must be JSONObject", "ext")


def _check_size(neutral: object, extension: dict[str, Any] | None, options: Options) -> None:
    """The limit of text and extension together; the vendor states none for files, whose message is a reference."""
    if isinstance(neutral, Text):
        size = len(neutral.text.encode()) + (len(orjson.dumps(extension)) if extension else 0)
        if size > options.message_content_limit_bytes:
            raise illegal("message is too large", "msg")


def _target_type(request: dict[str, Any]) -> str:
    target_type = request.get("target_type")
    if target_type is None:
        raise illegal("target_type must be provided", "target_type")
    if target_type not in _TARGET_TYPES:
        raise illegal("target_type can only be 'users' or 'chatgroups' or 'chatrooms'", "target_type")
    return str(target_type)


def _sender(request: dict[str, Any]) -> str:
    sender = request.get("from")
    if sender is None:
        return _DEFAULT_SENDER
    name = text_of(sender)
    if name is None:
        raise illegal("from must be a string", "from")
    if not name:
        raise illegal("from can't be empty", "from")
    return name


def _targets(request: dict[str, Any]) -> list[str]:
    targets = request.get("target")
    if not isinstance(targets, list) or not targets:
        raise illegal("target must be provided", "target")
    if len(targets) > MAXIMUM_TARGETS:
        raise illegal(f"params to's size can't exceed limit {MAXIMUM_TARGETS}", "target")
    names = [text_of(target) for target in targets]
    found = [name for name in names if name is not None]
    if len(found) != len(names):
        raise illegal("target must be an array of strings", "target")
    return found


def _msg(request: dict[str, Any]) -> dict[str, Any]:
    msg = request.get("msg")
    if not isinstance(msg, dict):
        raise illegal("msg must be provided", "msg")
    # A client library puts the size of a picture beside `msg`.
    size = request.get("size")
    return {**msg, "size": size} if isinstance(size, dict) and "size" not in msg and msg.get("type") == "img" else msg


def _ignored(request: dict[str, Any], losses: list[str]) -> list[str]:
    """The members of a group who do not get the message. The vendor names no error for a list that is none."""
    names = request.get("roam_ignore_users")
    found = [name for name in names if isinstance(name, str) and name] if isinstance(names, list) else []
    if names and (not isinstance(names, list) or len(found) != len(names) or len(found) > MAXIMUM_IGNORED):
        losses.append(f"roam_ignore_users: only the first {MAXIMUM_IGNORED} user names are taken")
    return list(dict.fromkeys(found))[:MAXIMUM_IGNORED]


def _report_options(options: dict[str, Any], losses: list[str]) -> None:
    if options.get("routetype") == "ROUTE_ONLINE":
        losses.append("routetype: kept for receivers that are offline too")
    if options.get("need_group_ack"):
        losses.append("need_group_ack: no read receipts are asked for")
