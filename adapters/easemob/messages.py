"""Sending messages with the classic API: one endpoint for users, groups and rooms."""

from typing import Any

import orjson

from adapters.contract import Call, Reply
from adapters.easemob import content, delivery
from adapters.easemob.auth import require_administrator
from adapters.easemob.errors import illegal
from adapters.easemob.options import Options
from adapters.easemob.wire import parse_object, success, text_of
from core.model import Content, Custom, Location, Text

MAXIMUM_TARGETS = 600
_TARGET_TYPES = ("users", "chatgroups", "chatrooms")


async def send(options: Options, call: Call) -> Reply:
    """`POST /messages`. Receivers need not exist and the sender need not be a member, as at the vendor's. Checks run in
    the vendor's order, all of them before anything is written."""
    require_administrator(call)
    body = await call.body(options.message_body_limit_bytes)
    request = parse_object(body)
    target_type = _target_type(request)
    sender = read_sender(request)
    targets = _targets(request)
    msg = _msg(request)
    extension = read_extension(request, options)
    neutral, leftovers = read_content(msg, options)
    if len(body) > options.message_content_limit_bytes:  # else its parts can't be over the limit either
        _check_size(neutral, extension, options)
    left = delivery.options_of(request)
    if leftovers:
        left |= leftovers
    if target_type == "users":
        if left:
            delivery.report_ignored(left, call.losses)
        sent = await delivery.to_users(call, sender, targets, neutral, extension, left)
    else:
        without = delivery.ignored(left, call.losses) if left else []
        sent = await delivery.to_groups(call, sender, targets, neutral, extension, left, without=without)
    shows_ids = "useMsgId" in call.request.query_string and call.request.query.get("useMsgId") == "true"
    data = sent.ids if shows_ids else dict.fromkeys(targets, "success")
    return success(call, "post", sent.time, {"path": "/messages", "entities": [], "data": data})


def read_sender(request: dict[str, Any]) -> str:
    """Who sends, in the classic wording."""
    sender = request.get("from")
    if sender is None:
        return delivery.DEFAULT_SENDER
    name = text_of(sender)
    if name is None:
        raise illegal("from must be a string", "from")
    if not name:
        raise illegal("from can't be empty", "from")
    return name


def read_extension(request: dict[str, Any], options: Options) -> dict[str, Any] | None:
    """The app's own map. Its keys for push notifications (`em_…`) are kept like all others."""
    extension = request.get("ext")
    if isinstance(extension, dict) or (extension is None and not (options.strict and "ext" in request)):
        return extension
    raise illegal("param ext must be JSONObject", "ext")


def read_content(msg: dict[str, Any], options: Options) -> tuple[Content, dict[str, Any] | None]:
    """The neutral content of a `msg` and its leftovers, where a custom message must name its event."""
    neutral, leftovers = content.read(msg, strict=options.strict)
    if options.strict and isinstance(neutral, Custom) and msg.get("customEvent") is None:
        raise illegal("customEvent is not legal", "customEvent")
    return neutral, leftovers


def _check_size(neutral: Content, extension: dict[str, Any] | None, options: Options) -> None:
    """The limit of what is written and the extension together; the vendor states it for texts and places."""
    if isinstance(neutral, Text):
        written = neutral.text
    elif isinstance(neutral, Location):
        written = neutral.address or ""
    else:
        return
    size = len(written.encode()) + (len(orjson.dumps(extension)) if extension else 0)
    if size > options.message_content_limit_bytes:
        raise illegal("message is too large", "msg")


def _target_type(request: dict[str, Any]) -> str:
    target_type = request.get("target_type")
    if target_type is None:
        raise illegal("target_type must be provided", "target_type")
    if target_type not in _TARGET_TYPES:
        raise illegal("target_type can only be 'users' or 'chatgroups' or 'chatrooms'", "target_type")
    return str(target_type)


def _targets(request: dict[str, Any]) -> list[str]:
    targets = request.get("target")
    if not isinstance(targets, list) or not targets:
        raise illegal("target must be provided", "target")
    if len(targets) > MAXIMUM_TARGETS:
        raise illegal(f"params to's size can't exceed limit {MAXIMUM_TARGETS}", "target")
    names = [name for name in map(text_of, targets) if name is not None]
    if len(names) != len(targets):
        raise illegal("target must be an array of strings", "target")
    return names


def _msg(request: dict[str, Any]) -> dict[str, Any]:
    msg = request.get("msg")
    if not isinstance(msg, dict):
        raise illegal("msg must be provided", "msg")
    # A client library puts the size of a picture beside `msg`.
    size = request.get("size")
    return {**msg, "size": size} if isinstance(size, dict) and "size" not in msg and msg.get("type") == "img" else msg
