"""Sending messages with the newer API: an endpoint for each kind of conversation, with a wording of its own."""

from hashlib import blake2b
from typing import Any

import msgspec

from adapters.contract import Call, Reply
from adapters.easemob import content, delivery, messages
from adapters.easemob.auth import require_administrator
from adapters.easemob.errors import illegal, invalid_request, send_error, unopened
from adapters.easemob.limits import take_messages
from adapters.easemob.options import Options
from adapters.easemob.wire import parse_request, success, text_of
from core.errors import Failure, Kind
from core.model import Content

MAXIMUM_DIRECTED = 20


class Endpoint(msgspec.Struct, frozen=True):
    """Where messages of one kind of conversation are sent. `maximum` is how many receivers `to` may name; `directed`:
    only the members in `users` get the message."""

    path: str
    maximum: int
    to_users: bool = False
    directed: bool = False


ENDPOINTS = (
    Endpoint("/messages/users", 600, to_users=True),
    Endpoint("/messages/chatgroups", 3),
    Endpoint("/messages/chatrooms", 10),
    Endpoint("/messages/chatgroups/users", 1, directed=True),
    Endpoint("/messages/chatrooms/users", 1, directed=True),
)


async def send(options: Options, endpoint: Endpoint, call: Call) -> Reply:
    """`POST /messages/users`, …: the reply is always a map of message ids."""
    require_administrator(call)
    request = await read_message(options, call)
    sender = read_sender(request)
    targets = _names(request, "to", endpoint.maximum)
    neutral, left = read_content(request, options)
    extension = read_extension(request)
    only = _names(request, "users", MAXIMUM_DIRECTED) if endpoint.directed else []
    if options.rate_limits:
        await take_messages(options, call, len(targets))
    left = delivery.options_of(request) | left
    if endpoint.to_users:
        delivery.report_ignored(left, call.losses)
        sent = await delivery.to_users(call, sender, targets, neutral, extension, left)
    else:
        without = [] if only else delivery.ignored(left, call.losses)
        sent = await delivery.to_groups(call, sender, targets, neutral, extension, left, only=only, without=without)
    return success(call, "post", sent.time, {"path": endpoint.path, "data": sent.ids})


async def broadcast(options: Options, call: Call) -> Reply:
    """`POST /messages/chatrooms/broadcast`: to every room that has a member. What is sent has an id of the broadcast, and its
    fields are those of the classic endpoint."""
    require_administrator(call)
    if not options.broadcast:
        raise unopened("message broadcast")
    request = await read_message(options, call)
    sender, msg, extension = messages.read_sender(request), request.get("msg"), request.get("ext")
    if not isinstance(msg, dict):
        raise illegal("msg must be provided", "msg")
    if "ext" in request and not isinstance(extension, dict):
        raise illegal("ext must be JSONObject", "ext")
    neutral, leftovers = messages.read_content(msg, options)
    left = delivery.options_of(request) | (leftovers or {})
    await delivery.to_rooms(call, sender, neutral, extension, left)
    number = int.from_bytes(blake2b(call.reference.encode(), digest_size=8).digest()) >> 2 | 1 << 60
    return success(call, "post", call.now, {"path": "/messages/chatrooms/broadcast", "data": {"id": number}})


async def read_message(options: Options, call: Call) -> dict[str, Any]:
    """The body of a message to be sent; one that is too large is said to be in the wording of these endpoints."""
    try:
        body = await call.body(options.message_body_limit_bytes)
    except Failure as failure:
        if failure.kind is Kind.TOO_LARGE:
            raise Failure(Kind.TOO_LARGE, failure.text, reason="send") from None
        raise
    return parse_request(body)


def read_sender(request: dict[str, Any]) -> str:
    """Who sends; the administrator when nobody is named."""
    sender = request.get("from")
    if sender is None:
        return delivery.DEFAULT_SENDER
    name = text_of(sender)
    if name is None:
        raise invalid_request()
    if not name:
        raise send_error("param from can't be empty", "from")
    return name


def read_content(request: dict[str, Any], options: Options) -> tuple[Content, dict[str, Any]]:
    """The neutral content of `type` and `body`, and its leftovers."""
    kind, body = request.get("type"), request.get("body")
    if kind is None or kind == "":
        raise send_error("param type can't be empty", "type")
    if body is None or body == {}:
        raise send_error("param body can't be empty", "body")
    if not isinstance(kind, str) or not isinstance(body, dict):
        raise invalid_request()
    try:
        neutral, leftovers = content.read({**body, "type": kind}, strict=options.strict)
    except Failure as failure:
        raise send_error(failure.text, failure.field or "body") from None
    return neutral, leftovers or {}


def read_extension(request: dict[str, Any]) -> dict[str, Any] | None:
    """The app's own map. The vendor's Go client always sends it, as null when there is none."""
    extension = request.get("ext")
    if extension is None or isinstance(extension, dict):
        return extension
    raise send_error("param ext must be JSONObject", "ext")


def _names(request: dict[str, Any], field: str, maximum: int) -> list[str]:
    names = request.get(field)
    if names is None or names == []:
        raise send_error(f"param {field} can't be empty", field)
    if not isinstance(names, list):
        raise invalid_request()
    if len(names) > maximum:
        raise send_error(f"params {field}'s size can't exceed limit {maximum}", field)
    found = [text_of(name) for name in names]
    if not all(isinstance(name, str) for name in found):
        raise invalid_request()
    return [name for name in found if name is not None]
