"""How values are packed for the store."""

from typing import Any

import msgspec

from core.errors import Failure, Kind, not_storable

_encode = msgspec.msgpack.Encoder().encode


def encode(value: Any) -> bytes:
    """A value in msgpack. Raises *bad request* with reason `value` for what that can't hold."""
    try:
        return _encode(value)
    except (OverflowError, UnicodeEncodeError, RecursionError):
        raise not_storable() from None


def encode_profile(value: Any, maximum: int, what: str) -> bytes:
    """The same of a profile. Raises *too large* with `what` it is of as the reason: lists show hundreds of them at once."""
    packed = encode(value)
    if len(packed) > maximum:
        raise Failure(Kind.TOO_LARGE, f"There is too much in the {what}'s profile", reason=what)
    return packed
