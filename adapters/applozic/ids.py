"""The vendor's ids: made from neutral numbers, and read back. Everything here is pure and frozen: ids live in the apps' own
databases.

A message has the key `5-<sender's user key>-<number>` for its sender and `4-…` for the receiver; in a group it is
`5-<group id>-<number>` for everybody. The number is the neutral message id, 19 digits, which alone says what is meant: where the
vendor has milliseconds two messages could collide.
"""

import re
from functools import lru_cache

from adapters.applozic.options import NAME
from core.ids import USER, Ids
from core.model import Group

_KEY = re.compile(r"[45]-(.+)-([0-9]{19})")
_HIGHEST_GROUP = (1 << 31) - 1
_VIRTUAL_GROUPS = 1 << 30
_USER_NUMBERS = 1 << 60
_MAXIMUM_REMEMBERED = 16_384
"""Of user keys, which stand in most of what is answered; about 5 MB."""


@lru_cache(_MAXIMUM_REMEMBERED)
def user_key(ids: Ids, number: int) -> str:
    """The `userKey` of a user's number."""
    return ids.uuid(USER | number)


def user_number(ids: Ids, text: str) -> int | None:
    """The number in a `userKey` of this tenant; none for any other text."""
    value = ids.from_uuid(text)
    return value ^ USER if value is not None and 0 < value ^ USER < _USER_NUMBERS else None


def sent_key(ids: Ids, sender: int, message: int) -> str:
    """The key of a one-to-one message as its sender knows it."""
    return f"5-{user_key(ids, sender)}-{message}"


def group_key(group: int, message: int) -> str:
    """The key of a group's message, the same for everybody."""
    return f"5-{group}-{message}"


def message_number(key: str) -> int | None:
    """The neutral message id in a key, from whichever side; none for a key that was not made here. That a message has the id,
    and the caller may see it, is for the store to say."""
    found = _KEY.fullmatch(key)
    return int(found[2]) if found is not None else None


def group_number(text: str) -> int | None:
    """The number in a `groupId`, an int32; none for any other text."""
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        return None
    return number if 0 < (number := int(text)) <= _HIGHEST_GROUP else None


def virtual_group(topic: int) -> int:
    """The group id that stands for a topic of two users, where the vendor makes a group that nobody sees. Groups' own numbers
    stay below."""
    return _VIRTUAL_GROUPS + topic


def virtual_topic(group: int) -> int | None:
    """The topic behind such a group id; none for a group's own."""
    return group - _VIRTUAL_GROUPS if group > _VIRTUAL_GROUPS else None


def client_group_id(group: Group) -> str:
    """The `clientGroupId`: the one that the app chose, else the digits of the group's number."""
    return (group.aliases or {}).get(NAME) or str(group.number)
