"""Who a conversation is between, both ways: the names and ids of this dialect, and the neutral ones. Unlike sending, what is
here makes no places for names that nobody used."""

from adapters.contract import Call
from adapters.easemob.ids import group_id, number_id, own_number, unescape
from adapters.easemob.options import NAME
from core.conversations import Target
from core.messages import Query
from core.model import EVERY_KIND, Group, Message, Stored, UserKey
from core.names import fold, is_legal

CHAT = "chat"
GROUP = "groupchat"
ROOM = "chatroom"
CHAT_TYPES = (CHAT, GROUP, ROOM)

_LENGTH = 19


async def known_user(call: Call, name: str) -> UserKey | None:
    """The place behind a user name, registered or only addressed."""
    neutral = unescape(name)
    if neutral is not None:
        return await call.core.users.known_key(call.tenant, neutral)
    folded = fold(name)
    return await call.core.users.known_key(call.tenant, folded, folded=True) if is_legal(folded) else None


async def known_group(call: Call, text: str) -> int | None:
    """The number behind a group's or room's id; none for one that nobody chose."""
    number = own_number(call.tenant, text)
    if number is None and is_legal(text):
        number = await call.core.groups.alias(call.tenant, NAME, text)
    return number


async def known_target(call: Call, chat_type: str, name: str) -> Target | None:
    """The other side of a conversation of this type, for its users."""
    if chat_type != CHAT:
        return await known_group(call, name)
    peer = await known_user(call, name)
    return peer.id if peer is not None else None


async def lies_in(call: Call, stored: Stored, target: Target) -> bool:
    """Whether a message was sent to this user, group or room: no two of a conversation have one time."""
    query = Query(1, since=stored.time, until=stored.time + 1, kinds=EVERY_KIND)
    parties = target if isinstance(target, int) else (stored.message.sender, target)
    page = await call.core.messages.page(call.tenant, parties, query)
    return any(message.id == stored.id for message in page.messages)


async def known_message(call: Call, text: str) -> int | None:
    """The number of a message id: of our own, or of one that the message had at the vendor."""
    if len(text) == _LENGTH and text.isascii() and text.isdigit():
        number = int(text)
        if call.core.ids(call.tenant).place(number) is not None:
            return number
    return await call.core.foreign.find(call.tenant, NAME, text)


def shown_group(call: Call, number: int, group: Group | None) -> tuple[str, str]:
    """The id of a group or room, and the type of its conversation. One that nobody created has the id of its number."""
    text = group_id(call.tenant, group) if group is not None else number_id(call.tenant, number)
    return text, ROOM if group is not None and group.room else GROUP


def shown_time(stored: Stored) -> int:
    """When a message was sent, as this dialect shows it: senders may say so themselves."""
    given = shown_option(stored.message, "msg_timestamp")
    return given if isinstance(given, int) and not isinstance(given, bool) else stored.time


def shown_option(message: Message, name: str) -> object:
    """What an option of a message was, when it was sent in this dialect."""
    return (message.leftovers or {}).get(name) if message.dialect == NAME else None
