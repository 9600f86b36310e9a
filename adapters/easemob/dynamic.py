"""Tokens that an app signs itself for one of its users, without a call to anybody ("dynamic" tokens).

The vendor's text puts `dt-` before the JSON and encodes both; some write `dt-` before the encoded JSON. Both are read.
"""

import hmac
from base64 import b64decode
from hashlib import sha256
from typing import Annotated

import msgspec

from core.model import Credential

_MARK = "dt-"
_ENCODED_MARK = "ZHQt"
_LONGEST_SECONDS = 10 * 365 * 86_400
_AHEAD_SECONDS = 86_400
"""How far an app's clock may be ahead."""


class DynamicToken(msgspec.Struct, frozen=True):
    """What such a token says; both times in seconds.

    Nothing separates what is signed, so digits could move from one field into the next: user 1's token would be one of user 11
    too, and of any end. That all three numbers are believable leaves one way to read them.
    """

    signature: str
    application: str = msgspec.field(name="appkey")
    user: str = msgspec.field(name="userId")
    issued: Annotated[int, msgspec.Meta(ge=0, lt=1 << 53)] = msgspec.field(name="curTime")
    lifetime: Annotated[int, msgspec.Meta(ge=0, le=_LONGEST_SECONDS)] = msgspec.field(name="ttl")

    @property
    def expires(self) -> int:
        """Epoch milliseconds. It has no form for "never"."""
        return (self.issued + self.lifetime) * 1000

    def is_signed_by(self, client: Credential, now: int) -> bool:
        """Whether this client's secret made the signature, by now (epoch milliseconds)."""
        if self.issued > now // 1000 + _AHEAD_SECONDS:
            return False
        text = f"{client.name}{self.application}{self.user}{self.issued}{self.lifetime}{client.secret}"
        digest = sha256(text.encode(errors="replace")).hexdigest()
        return hmac.compare_digest(digest.encode(), self.signature.lower().encode(errors="replace"))


def read(token: str) -> DynamicToken | None:
    """What the token says, unverified; none for a token of another kind."""
    try:
        if token.startswith(_MARK):
            raw = _decode(token[len(_MARK) :])
        elif token.startswith(_ENCODED_MARK):
            raw = _decode(token)[len(_MARK) :]
        else:
            return None
        return msgspec.json.decode(raw, type=DynamicToken)
    except (ValueError, RecursionError, msgspec.MsgspecError):
        return None


def _decode(text: str) -> bytes:
    text = text.rstrip("=").translate({ord("-"): "+", ord("_"): "/"})
    return b64decode(text + "=" * (-len(text) % 4), validate=True)
