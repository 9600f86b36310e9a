"""Recalling messages: the endpoint for one, and the older one for a list, which says of each what became of it."""

import asyncio
from typing import Any

from adapters.contract import Call, Reply
from adapters.easemob.auth import require_administrator
from adapters.easemob.delivery import DEFAULT_SENDER
from adapters.easemob.errors import invalid_request, unopened
from adapters.easemob.options import Options
from adapters.easemob.parties import CHAT_TYPES, known_message, known_target, lies_in
from adapters.easemob.wire import BODY_LIMIT_BYTES, boolean_of, parse_request, success, text_of
from core.errors import Failure, Kind

_AT_ONCE = 50


async def recall(options: Options, call: Call) -> Reply:
    """`POST /messages/msg_recall`: what can't be recalled fails."""
    request = await _read(options, call)
    message, to, chat_type = (_needed(request, field) for field in ("msg_id", "to", "chat_type"))
    force = request.get("force")
    if force is None:
        raise _refused(Kind.BAD_REQUEST, "param force can't be empty", "force")
    if request.get("recallMessageExtensionInfo") is not None:
        call.losses.append("recallMessageExtensionInfo: dropped")
    await _recall(options, call, message, to, chat_type, force=_switch(force))
    data = _recalled(request, message, to, chat_type)
    return success(call, "post", call.now, {"path": "/messages/msg_recall", "data": data})


async def recall_list(options: Options, call: Call) -> Reply:
    """`POST /messages/recall`: always answers, with what became of each message."""
    request = await _read(options, call)
    rows = request.get("msgs")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise invalid_request()
    if not rows:
        raise _refused(Kind.BAD_REQUEST, "param msgs can't be empty", "msgs")
    found: list[dict[str, Any]] = []
    for start in range(0, len(rows), _AT_ONCE):
        found += await asyncio.gather(*(_recall_row(options, call, row) for row in rows[start : start + _AT_ONCE]))
    return success(call, "post", call.now, {"path": "/messages/recall", "entities": [], "data": {"msgs": found}})


async def _read(options: Options, call: Call) -> dict[str, Any]:
    require_administrator(call)
    if not options.recall:
        raise unopened("message recall")
    return parse_request(await call.body(BODY_LIMIT_BYTES))


async def _recall_row(options: Options, call: Call, row: dict[str, Any]) -> dict[str, Any]:
    message, force = text_of(row.get("msg_id")), row.get("force")
    try:
        message, to, chat_type = (_needed(row, field) for field in ("msg_id", "to", "chat_type"))
        await _recall(options, call, message, to, chat_type, force=force is not None and _switch(force))
    except Failure as failure:
        if failure.reason != "recall":
            raise
        return {"msg_id": message, "recalled": failure.text}
    return _recalled(row, message, to, chat_type)


def _recalled(request: dict[str, Any], message: str, to: str, chat_type: str) -> dict[str, Any]:
    by = text_of(request.get("from")) or DEFAULT_SENDER
    return {"recalled": "yes", "chattype": chat_type, "from": by, "to": to, "msg_id": message}


async def _recall(options: Options, call: Call, message: str, to: str, chat_type: str, *, force: bool) -> None:
    """Make the message a tombstone. With `force` its age does not matter, and one that is not there any more is no failure:
    the vendor recalls it from the receivers' devices."""
    number = await known_message(call, message)
    stored = await call.core.messages.get(call.tenant, number) if number is not None else None
    if stored is None:
        if force:
            return
        raise _refused(Kind.FORBIDDEN, "not_found msg", "msg_id")
    target = await known_target(call, chat_type, to)
    if target is None or not await lies_in(call, stored, target):
        raise _refused(Kind.BAD_REQUEST, "can't find msg to", "to")
    if not force and call.now - stored.time > options.recall_limit_seconds * 1000:
        raise _refused(Kind.FORBIDDEN, "exceed recall time limit", "msg_id")
    await call.core.messages.recall(call.tenant, stored.id)


def _needed(request: dict[str, Any], field: str) -> str:
    value = text_of(request.get(field))
    if not value:
        raise _refused(Kind.BAD_REQUEST, f"param {field} can't be empty", field)
    if field == "chat_type" and value not in CHAT_TYPES:
        raise _refused(Kind.BAD_REQUEST, "param chat_type is not legal", field)
    return value


def _switch(value: object) -> bool:
    switch = boolean_of(value)
    if switch is None:
        raise invalid_request()
    return switch


def _refused(kind: Kind, text: str, field: str) -> Failure:
    return Failure(kind, text, reason="recall", field=field)
