"""Easemob's clothes of neutral ids: group ids, user names, the application's UUID. Everything here is pure and frozen:
ids live in the apps' own databases."""

import re
from functools import lru_cache
from hashlib import blake2b
from uuid import UUID

from adapters.easemob.options import NAME
from core.model import Group, Tenant
from core.names import fold, is_legal

USER_NAME = re.compile(r"[A-Za-z0-9_.-]+")
MAXIMUM_USER_NAME = 64
CHOSEN_GROUP_ID = re.compile(r"[a-z0-9]{1,64}")
"""What an app may choose as a group's id."""

# The vendor's own group ids grow with time: 3.1e14 in 2026, about 4e13 a year. Ours lie above 7.1e14, so that the ids of
# groups that move in from the vendor are never mistaken for ours.
_GROUP_BITS = 48
_GROUP_MASK = (1 << _GROUP_BITS) - 1
_GROUP_HALF = _GROUP_BITS // 2
_GROUP_BASE = 10**15 - (1 << _GROUP_BITS)
_HIGHEST_GROUP = (1 << 31) - 1
_GROUP_ID = re.compile(r"[7-9][0-9]{14}")

ESCAPE = "_-"
"""What every escaped user name begins with."""
_ESCAPED = re.compile(r"_-(?:[a-z0-9.-]|_[0-9a-f]{2})+")
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.-")


@lru_cache(1024)
def application_uuid(secret: bytes, application: str) -> str:
    """The UUID that replies name as `application`: constant for an application of a tenant (whose secret it is)."""
    digest = blake2b(application.encode(), digest_size=16, key=secret[:64], person=b"application").digest()
    return str(UUID(bytes=digest, version=4))


@lru_cache(1024)
def _group_words(secret: bytes, generation: int) -> tuple[int, int, int, int, int]:
    """What one tenant's group ids are mixed with: an offset, two factors and their inverses."""
    salt = generation.to_bytes(8, "big")
    stream = blake2b(digest_size=18, key=secret[:64], person=b"group ids", salt=salt).digest()
    offset, one, two = (int.from_bytes(stream[i : i + 6], "big") for i in (0, 6, 12))
    one, two = one | 1, two | 1
    return offset, one, two, pow(one, -1, 1 << _GROUP_BITS), pow(two, -1, 1 << _GROUP_BITS)


def number_id(tenant: Tenant, number: int) -> str:
    """The 15 digits of a group's number."""
    offset, one, two, _, _ = _group_words(tenant.secret, tenant.generation)
    value = (number ^ offset) * one & _GROUP_MASK
    value = (value ^ value >> _GROUP_HALF) * two & _GROUP_MASK
    return str((value ^ value >> _GROUP_HALF) + _GROUP_BASE)


def own_number(tenant: Tenant, text: str) -> int | None:
    """The number behind an id that `number_id` made for this tenant; none for any other text, another tenant's ids
    included (one in 131,072 ids of the same range passes by accident, and is then no id that an app can choose)."""
    if _GROUP_ID.fullmatch(text) is None:
        return None
    value = int(text) - _GROUP_BASE
    if value < 0:
        return None
    offset, _, _, one, two = _group_words(tenant.secret, tenant.generation)
    value = (value ^ value >> _GROUP_HALF) * two & _GROUP_MASK
    value = ((value ^ value >> _GROUP_HALF) * one & _GROUP_MASK) ^ offset
    return value if 0 < value <= _HIGHEST_GROUP else None


def group_id(tenant: Tenant, group: Group) -> str:
    """The id by which apps of this dialect know a group: their own if they chose one."""
    return (group.aliases or {}).get(NAME) or number_id(tenant, group.number)


def is_user_name(name: str) -> bool:
    """Whether an app may register this name."""
    return len(name) <= MAXIMUM_USER_NAME and USER_NAME.fullmatch(name) is not None and unescape(name) is None


def user_name(neutral: str, owns_folded: bool) -> str:
    """The name by which apps of this dialect know a user: the neutral id in lower case, where it is a legal name and the
    user owns that form, else the escaped id. An escaped name may be longer than the vendor's 64 bytes."""
    plain = fold(neutral)
    return plain if owns_folded and is_user_name(plain) else escape(neutral)


def escape(neutral: str) -> str:
    """Any neutral id in the letters of a user name, without regard to case: every other byte as `_` and two hex digits."""
    return ESCAPE + "".join(c if c in _PLAIN else "".join(f"_{b:02x}" for b in c.encode()) for c in neutral)


def unescape(name: str) -> str | None:
    """The neutral id in an escaped name; none for a name that `escape` did not make."""
    if not name.startswith(ESCAPE):
        return None
    folded = fold(name)
    if _ESCAPED.fullmatch(folded) is None:
        return None
    raw = re.sub(rb"_([0-9a-f]{2})", lambda match: bytes((int(match[1], 16),)), folded[len(ESCAPE) :].encode())
    try:
        neutral = raw.decode()
    except UnicodeDecodeError:
        return None
    return neutral if is_legal(neutral) and escape(neutral) == folded else None
