"""Tokens that an app signs itself for one of its users, without a call to anybody ("dynamic" tokens).

The vendor's text puts `dt-` before the JSON and encodes both; some write `dt-` before the encoded JSON. Both are read.
"""

import hmac
from base64 import b64decode
from hashlib import sha256

import msgspec

from core.model import Credential

_MARK = "dt-"
_ENCODED_MARK = "ZHQt"


class DynamicToken(msgspec.Struct, frozen=True):
    """What such a token says; both times in seconds."""

    signature: str
    application: str = msgspec.field(name="appkey")
    user: str = msgspec.field(name="userId")
    issued: int = msgspec.field(name="curTime")
    lifetime: int = msgspec.field(name="ttl")

    @property
    def expires(self) -> int:
        """Epoch milliseconds. It has no form for "never"."""
        return (self.issued + self.lifetime) * 1000

    def is_signed_by(self, client: Credential) -> bool:
        """Whether this client's secret made the signature."""
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
    except (ValueError, msgspec.MsgspecError):
        return None


def _decode(text: str) -> bytes:
    text = text.rstrip("=").translate({ord("-"): "+", ord("_"): "/"})
    return b64decode(text + "=" * (-len(text) % 4), validate=True)
