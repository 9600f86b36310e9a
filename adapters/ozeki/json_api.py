"""The JSON style: `sendmsg`, `receivemsg`, `deletemsg`, `markmsg`."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from adapters.bodies import json_reply
from adapters.contract import Call, Reply
from adapters.ozeki.asked import Asked
from adapters.ozeki.folders import MAXIMUM_ROWS, Folder, delete, filed, folder_named, mark, waiting
from adapters.ozeki.messages import send
from adapters.ozeki.rows import Rows, sent_row
from core.errors import Failure, Kind

_MAXIMUM_IDS = 5_000


class JsonApi:
    """Handlers that know the zone of dates."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone

    async def send(self, call: Call) -> Reply:
        """POST ?action=sendmsg"""
        entries = _asked(call).body.get("messages")
        if not isinstance(entries, list) or [entry for entry in entries if not isinstance(entry, dict)]:
            raise Failure(Kind.BAD_REQUEST, "messages must be an array of messages", reason="body", field="messages")
        messages, failed = [], 0
        for sent in await send(call, entries, self._zone):
            messages.append(sent_row(sent, self._zone))
            if sent.problem:
                failed += 1
        data = {
            "total_count": len(messages),
            "success_count": len(messages) - failed,
            "failed_count": failed,
            "messages": messages,
        }
        return _success("Messages queued for delivery.", data)

    async def receive(self, call: Call) -> Reply:
        """GET ?action=receivemsg&folder=…: the newest messages of a folder, oldest first. Nothing is removed by it."""
        folder, limit = folder_and_limit(call)
        rows = Rows(call, self._zone)
        found: list[Any] = []
        if folder in (Folder.OUTBOX, Folder.NOT_SENT):
            found = [rows.waiting(one) for one in await waiting(call, folder, limit)]
        else:
            found = [rows.written(one) for one in await filed(call, folder, limit)]
        call.losses.extend(dict.fromkeys(rows.losses))
        # The limit is a text: the vendor's Java and C# clients fail on a number.
        return _success("Messages received.", {"folder": folder, "limit": str(limit), "data": found})

    async def delete(self, call: Call) -> Reply:
        """POST ?action=deletemsg"""
        folder, ids = _folder_and_ids(call)
        return _success("Messages deleted.", {"folder": folder, "message_ids": await delete(call, folder, ids)})

    async def mark(self, call: Call) -> Reply:
        """POST ?action=markmsg"""
        folder, ids = _folder_and_ids(call)
        return _success("Messages marked.", {"folder": folder, "message_ids": await mark(call, folder, ids)})


def folder_and_limit(call: Call) -> tuple[Folder, int]:
    """Which folder is asked for, and how many of its messages at most."""
    asked = _asked(call)
    given: Mapping[str, Any] = {**asked.body, **asked.parameters}
    try:
        limit = int(str(given.get("limit") or MAXIMUM_ROWS))
    except ValueError:
        limit = MAXIMUM_ROWS
    return folder_named(str(given.get("folder") or "")), min(max(limit, 1), MAXIMUM_ROWS)


def _folder_and_ids(call: Call) -> tuple[Folder, list[str]]:
    asked = _asked(call)
    ids = asked.body.get("message_ids")
    if ids is None:
        ids = []
    if not isinstance(ids, list) or len(ids) > _MAXIMUM_IDS:
        raise Failure(
            Kind.BAD_REQUEST, f"message_ids must be an array of up to {_MAXIMUM_IDS} ids", field="message_ids"
        )
    folder = folder_named(str(asked.body.get("folder") or asked.parameters.get("folder") or ""))
    return folder, [name for name in ids if isinstance(name, str)]


def _asked(call: Call) -> Asked:
    asked: Asked = call.parsed
    return asked


def _success(text: str, data: Mapping[str, Any]) -> Reply:
    return json_reply(200, {"http_code": 200, "response_code": "SUCCESS", "response_msg": text, "data": data})
