"""Messages as the API of HTTP API users shows them, field by field in the vendor's order. Unset fields are left out: the vendor's
clients fail on null."""

from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import orjson

from adapters.contract import Call
from adapters.ozeki.auth import domain_of
from adapters.ozeki.content import ADDRESSES, own_addresses, unsaid, write
from adapters.ozeki.files import addresses
from adapters.ozeki.folders import Filed, filed_id, waiting_id
from adapters.ozeki.ids import EVERY_STATION, full_address, group_id
from adapters.ozeki.messages import Sent, sender_of
from core.due import Scheduled
from core.model import Message

_PLAIN = {"to_address", "text"}
"""What a program gives that only has something to say."""


class _Written(msgspec.Struct, frozen=True, gc=False):
    """A filed message as JSON, as long as it is remembered; and what that depends on."""

    reader: tuple[str | int | None, ...]
    row: orjson.Fragment
    lost: tuple[str, ...]


def sent_row(sent: Sent, zone: ZoneInfo) -> dict[str, Any]:
    """The row of a message that was to be sent; what was not given is left out or has its default."""
    fields, message, status = sent.fields, sent.message, sent.problem or "SUCCESS"
    if fields.keys() == _PLAIN and sent.message_id:
        # The same, at once.
        return {
            "message_id": sent.message_id,
            "from_station": EVERY_STATION,
            "to_address": fields["to_address"],
            "to_station": EVERY_STATION,
            "text": fields["text"],
            **unsaid(sent.time // 1000, zone),
            "status": status,
        }
    # A text: there are no addresses of files in it.
    row = _row(sent.message_id, own_addresses(message), write(message, message.content, sent.time, zone, []))
    row["status"] = status
    return row


class Rows:
    """Makes the rows of messages in folders, for one answer."""

    def __init__(self, call: Call, zone: ZoneInfo) -> None:
        self._call = call
        self._zone = zone
        self._domain = domain_of(call.tenant)
        self._ids = call.core.ids(call.tenant)
        self._files = addresses(call)
        self._own = full_address(sender_of(call), self._domain)
        self._reader = (sender_of(call), self._domain, self._files.prefix, zone.key)
        self.losses: list[str] = []

    def filed(self, filed: Filed) -> dict[str, Any]:
        """A message in the inbox, in `sent` or in `deleted`."""
        stored, message, target = filed.stored, filed.stored.message, filed.target
        addresses = {"from_address": self._own}
        if isinstance(target, int):
            addresses["to_address"] = self._address(group_id(self._ids, target))
        elif target is not None:
            addresses["to_address"] = self._address(target)
        if message.sender == sender_of(self._call):
            addresses |= own_addresses(message)
        else:
            addresses |= {"from_address": self._address(message.sender), "from_station": EVERY_STATION}
            addresses["to_station"] = EVERY_STATION
            if not isinstance(target, int):
                addresses["to_address"] = self._own
        return self._row(filed_id(self._call, stored), addresses, message, stored.time)

    def written(self, filed: Filed) -> orjson.Fragment:
        """The same in JSON."""
        stored = filed.stored
        written = stored.memo
        reader = (*self._reader, filed.target)
        if type(written) is not _Written or written.reader != reader:
            before, self.losses = self.losses, []
            row = orjson.Fragment(orjson.dumps(self.filed(filed)))
            written = stored.memo = _Written(reader, row, tuple(self.losses))
            self.losses = before
        self.losses += written.lost
        return written.row

    def waiting(self, row: Scheduled) -> dict[str, Any]:
        """A message in the outbox or in `notsent`."""
        others = [user.id for user in row.recipients] + [group_id(self._ids, number) for number in row.groups]
        addresses = {
            "from_address": self._own,
            "to_address": ",".join(map(self._address, others)),
            **own_addresses(row.message),
        }
        return self._row(waiting_id(row), addresses, row.message, row.at)

    def _address(self, name: str) -> str:
        return full_address(name, self._domain)

    def _row(self, message_id: str, addresses: dict[str, str], message: Message, time: int) -> dict[str, Any]:
        content = self._files.shown(message.content)
        return _row(message_id, addresses, write(message, content, time, self._zone, self.losses))


def _row(message_id: str, addresses: dict[str, str], said: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {"message_id": message_id} if message_id else {}
    for name in ADDRESSES:
        if name in addresses:
            row[name] = addresses[name]
    row |= said
    return row
