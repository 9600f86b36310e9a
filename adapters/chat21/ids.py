"""The vendor's ids: made from neutral numbers, and read back."""

import zlib
from typing import Any

from adapters.chat21.errors import mandatory
from adapters.chat21.options import NAME
from core.core import Core
from core.ids import GROUP, Ids
from core.model import Group, Tenant
from core.names import check_name

_GROUP_PREFIX = "group-"
_GROUP_NUMBERS = 1 << 31


def identifier(value: Any, field: str, otherwise: str) -> str:
    """A user's or group's id in a body; a number stands for its digits, as in JavaScript. Raises the vendor's 405: with the
    text `otherwise` for what can't be an id at all, with an own one for an id that can't be held."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise mandatory(otherwise, field)
    check_name(value, field)
    return value


def names_group(recipient: str) -> bool:
    """Whether the vendor takes an id for a group's. It looks for `group-` anywhere: its own product relies on
    `support-group-…` [observed]."""
    return _GROUP_PREFIX in recipient


def likelier_first(other: str) -> tuple[bool, bool]:
    """Whether to look for a conversation among groups, then among users, or the other way round: a group's chosen id need
    not look like one, and the name of another dialect's user may."""
    return (True, False) if names_group(other) else (False, True)


def group_id(ids: Ids, group: Group) -> str:
    """The group's id in this dialect: the one that the app chose, else `group-` and the number as a UUID, which is the
    shape of the vendor's own."""
    return (group.aliases or {}).get(NAME) or number_id(ids, group.number)


def number_id(ids: Ids, number: int) -> str:
    """The id of a group whose id no app chose."""
    return _GROUP_PREFIX + ids.uuid(GROUP | number)


def own_number(ids: Ids, text: str) -> int | None:
    """The number in an id that `number_id` made for this tenant; none for any other text."""
    if not text.startswith(_GROUP_PREFIX):
        return None
    value = ids.from_uuid(text[len(_GROUP_PREFIX) :])
    return value ^ GROUP if value is not None and 0 < value ^ GROUP < _GROUP_NUMBERS else None


async def group_number(core: Core, tenant: Tenant, text: str) -> int | None:
    """The number of the group that an id names; none when nobody ever used the id. The number may be reserved only."""
    number = own_number(core.ids(tenant), text)
    return number if number is not None else await core.groups.alias(tenant, NAME, text)


def suffix(text: str) -> str:
    """Eight hex digits of a name: what tells the copies of one message in two timelines apart."""
    return f"{zlib.crc32(text.encode(errors='replace')):08x}"


def object_id(number: int, timeline: str) -> str:
    """A database id in the vendor's form, 24 hex digits; `timeline` is the owner's `suffix`."""
    return f"{number:016x}{timeline}"
