"""How values are packed for the store."""

from typing import Any

import msgspec

from core.errors import not_storable

_encode = msgspec.msgpack.Encoder().encode


def encode(value: Any) -> bytes:
    """A value in msgpack. Raises *bad request* with reason `value` for what that can't hold."""
    try:
        return _encode(value)
    except (OverflowError, UnicodeEncodeError):
        raise not_storable() from None
