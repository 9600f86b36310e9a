"""The vendor's ids and addresses: made from neutral names and numbers, and read back.

A user is `user@domain`, and what both APIs call an id is made of that text. The domain is the tenant's application: a name
in its own domain is the same user in every dialect, under the part before the `@`.
"""

import re
from functools import lru_cache
from hashlib import md5

import msgspec

from core.ids import GROUP, Ids

EVERY_STATION = "%"
"""In the place of a station: every device of the user."""

_HEXADECIMAL = re.compile("[0-9a-f]{32}")
_GROUP_NUMBERS = 1 << 31


class Address(msgspec.Struct, frozen=True):
    """Whom a text of the form `user@domain@station` names."""

    user: str
    """The neutral name."""
    station: str | None = None
    """One device of theirs; none: all."""


def address_of(text: str, domain: str) -> Address:
    """Reads `user@domain@station`, `user@domain` or `user`. With two `@` or more, what stands behind the last is the
    station."""
    station = None
    if text.count("@") > 1:
        text, _, station = text.rpartition("@")
    return Address(neutral_name(text, domain), None if station in ("", EVERY_STATION) else station)


def neutral_name(login: str, domain: str) -> str:
    """The neutral name for `user@domain`. In another domain than the tenant's own, it is part of the name."""
    user, at, own = login.rpartition("@")
    return user if at and user and (own == domain or own.lower() == domain.lower()) else login


def login_of(name: str, domain: str) -> str:
    """`user@domain` for a neutral name."""
    return name if "@" in name and neutral_name(name, domain) == name else f"{name}@{domain}"


def full_address(name: str, domain: str) -> str:
    """A text that `address_of` reads as this name, for all its stations."""
    login = login_of(name, domain)
    return login if login.count("@") == 1 else f"{login}@{EVERY_STATION}"


@lru_cache(4096)
def user_id(name: str, domain: str) -> str:
    """The vendor's id of a user: the MD5 of `user@domain`, 32 hex digits."""
    return _digest(login_of(name, domain))


def conversation_id(one: str, other: str) -> str:
    """The vendor's id of two users' conversation, from their ids: the MD5 of both in ascending order."""
    return _digest(f"{min(one, other)};{max(one, other)}")


def group_id(ids: Ids, number: int) -> str:
    """The id of a group and of its conversation, 32 hex digits as the others. The vendor says nothing of groups."""
    return ids.uuid(GROUP | number).replace("-", "")


def own_number(ids: Ids, text: str) -> int | None:
    """The number in an id that `group_id` made for this tenant; none for any other text."""
    if _HEXADECIMAL.fullmatch(text) is None:
        return None
    value = ids.from_uuid(f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}")
    return value ^ GROUP if value is not None and 0 < value ^ GROUP < _GROUP_NUMBERS else None


def _digest(text: str) -> str:
    return md5(text.encode(errors="replace"), usedforsecurity=False).hexdigest()
