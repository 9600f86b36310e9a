"""Messages as the vendor's history shows them: exports, queries, the last message of a conversation."""

from collections.abc import Sequence
from typing import Any

import msgspec

from adapters.contract import Call
from adapters.easemob.content import record_body
from adapters.easemob.files import addresses
from adapters.easemob.parties import CHAT, shown_group, shown_time
from adapters.easemob.users import names_of
from adapters.files import FileAddresses
from core.ids import Parties
from core.model import MessageKind, Stored

KINDS = 1 << MessageKind.MESSAGE | 1 << MessageKind.SIGNAL | 1 << MessageKind.ASIDE
"""What users sent, as far as it is for users. System notices of other dialects have no place in this dialect's history, nor what
is hidden for programs of theirs."""


class Conversation(msgspec.Struct, frozen=True):
    """A conversation in the words of this dialect: its type, the group's id (empty for a direct one), the names of its
    users, and where the files in it are."""

    chat_type: str
    group: str
    names: dict[str, str]
    files: FileAddresses
    pair: tuple[str, str] = ("", "")

    def receiver(self, sender: str) -> str:
        """Who a message of this sender goes to, by neutral id."""
        if self.group:
            return self.group
        first, second = self.pair
        return self.names[second if sender == first else first]


async def conversation_of(call: Call, parties: Parties, messages: Sequence[Stored]) -> Conversation:
    """The conversation between these parties, with the names of who sent these messages."""
    users = list(dict.fromkeys(stored.message.sender for stored in messages))
    if isinstance(parties, int):
        group, chat_type = shown_group(call, parties, await call.core.groups.find(call.tenant, parties))
        names = dict(zip(users, await names_of(call, users), strict=True))
        return Conversation(chat_type, group, names, addresses(call))
    users += parties
    return Conversation(CHAT, "", dict(zip(users, await names_of(call, users), strict=True)), addresses(call), parties)


def record(conversation: Conversation, stored: Stored, losses: list[str]) -> dict[str, Any]:
    """One line of an export."""
    message = stored.message
    sender, receiver = conversation.names[message.sender], conversation.receiver(message.sender)
    return {
        "msg_id": str(stored.id),
        "timestamp": shown_time(stored),
        "direction": "outgoing",
        "from": sender,
        "to": receiver,
        "chat_type": conversation.chat_type,
        "payload": {
            "bodies": [record_body(message, conversation.files, losses)],
            "ext": message.extension or {},
            "from": sender,
            "to": receiver,
        },
    }
