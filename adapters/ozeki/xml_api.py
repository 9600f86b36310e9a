"""The older styles, which are answered in XML: query, command and OzML."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from adapters.contract import Call, Reply
from adapters.ozeki.asked import Asked
from adapters.ozeki.content import DEFAULT_TYPE, message_type, type_tags
from adapters.ozeki.folders import Folder, delete, filed, waiting
from adapters.ozeki.json_api import folder_and_limit
from adapters.ozeki.messages import MAXIMUM_MESSAGES, Sent, send, too_many
from adapters.ozeki.rows import Rows
from adapters.ozeki.style import Style
from adapters.ozeki.wire import Element, xml_reply
from core.errors import Failure, Kind

_ACCEPTED = "Message accepted for delivery"
_DONE = "Command successfully executed"
_REFUSED_STATUS = 1
_SUCCEEDED = 200
_FAILED = 300
_UNSERVED = ("reporturl", "continueurl")


class XmlApi:
    """Handlers that know the zone of dates."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone

    async def send(self, call: Call) -> Reply:
        """action=sendmessage, command=SendMessage, and an OzML document."""
        asked: Asked = call.parsed
        if asked.style is Style.OZML:
            entries = [_ozml_entry(one.attributes, one.text) for one in asked.sends]
        else:
            entries = _entries(asked.parameters)
        for name in _UNSERVED:
            if asked.parameters.get(name):
                call.losses.append(f"{name}: dropped, nobody is called")
        sent = await send(call, entries, self._zone)
        reports: list[Element] = [("acceptreport", _report(one)) for one in sent]
        if asked.style is Style.QUERY:
            return xml_reply(("response", [("action", "sendmessage"), ("data", reports)]))
        problem = next((one.problem for one in sent if one.problem), "")
        return _command(_FAILED if problem else _SUCCEEDED, problem or _DONE, reports)

    async def receive(self, call: Call) -> Reply:
        """action=receivemessage and command=ReceiveMessage."""
        asked: Asked = call.parsed
        folder, limit = folder_and_limit(call)
        rows = Rows(call, self._zone)
        if folder in (Folder.OUTBOX, Folder.NOT_SENT):
            found = [rows.waiting(one) for one in await waiting(call, folder, limit)]
        else:
            found = [rows.filed(one) for one in await filed(call, folder, limit)]
        call.losses.extend(dict.fromkeys(rows.losses))
        if asked.parameters.get("afterdownload", "").lower() == "delete" and found:
            await delete(call, folder, [row["message_id"] for row in found])
        messages: list[Element] = [("message", _message(row)) for row in found]
        if asked.style is Style.QUERY:
            data = [("folder", folder.value), ("limit", str(limit)), *messages]
            return xml_reply(("response", [("action", "receivemessage"), ("data", data)]))
        return _command(_SUCCEEDED, _DONE, messages)


def _entries(parameters: Mapping[str, str]) -> list[dict[str, Any]]:
    """The messages of a query or a form: one for each recipient. `messagecount=2` names them by `recipient0`, `recipient1`; what
    has no such number is said of all."""
    count = parameters.get("messagecount", "")
    if not count:
        suffixes = [""]
    else:
        if not count.isdecimal() or len(count) > 4 or not 0 < int(count) <= MAXIMUM_MESSAGES:
            raise Failure(Kind.BAD_REQUEST, f"messagecount is 1 to {MAXIMUM_MESSAGES}", field="messagecount")
        suffixes = [str(number) for number in range(int(count))]
    entries: list[dict[str, Any]] = []
    for suffix in suffixes:
        given = {name: parameters.get(name + suffix) or parameters.get(name) or "" for name in _PARAMETERS}
        # The vendor's text speaks of colons, its example has commas.
        recipients = given["recipient"].split(",")
        if len(entries) + len(recipients) > MAXIMUM_MESSAGES:
            raise too_many()
        for recipient in recipients:
            entry: dict[str, Any] = {field: given[name] for name, field in _PARAMETERS.items() if field}
            entry["to_address"] = recipient.strip()
            kind = given["messagetype"]
            if kind and kind != DEFAULT_TYPE:
                entry["tags"] = type_tags(kind)
            entries.append(entry)
    return entries


_PARAMETERS = {
    "recipient": "",
    "messagetype": "",
    "messagedata": "text",
    "originator": "from_address",
    "vp": "valid_until",
    "messageid": "message_id",
    "sendafter": "time_to_send",
}
"""What the query style calls the fields of a message; those without a name are read by themselves."""


def _ozml_entry(attributes: Mapping[str, str], text: str) -> dict[str, Any]:
    return {
        "to_connection": attributes.get("toconnection"),
        "to_address": attributes.get("toaddress"),
        "from_connection": attributes.get("fromconnection"),
        "from_address": attributes.get("fromaddress"),
        "text": text,
    }


def _report(sent: Sent) -> list[Element]:
    report: list[Element] = [
        ("statuscode", str(_REFUSED_STATUS if sent.problem else 0)),
        ("statusmessage", sent.problem or _ACCEPTED),
    ]
    if sent.message_id:
        report.append(("messageid", sent.message_id))
    recipient = sent.fields.get("to_address") or sent.fields.get("to_connection")
    return [*report, ("recipient", recipient)] if recipient else report


def _message(row: Mapping[str, Any]) -> list[Element]:
    return [
        ("messageid", row["message_id"]),
        ("originator", row.get("from_address", "")),
        ("recipient", row.get("to_address", "")),
        ("messagetype", message_type(row["tags"])),
        ("messagedata", row["text"]),
        ("senttime", row["create_date"]),
        ("receivedtime", row["time_to_send"]),
    ]


def _command(code: int, text: str, data: list[Element]) -> Reply:
    return xml_reply(("Response", [("Code", str(code)), ("Message", text), ("Data", data)]))
