"""Tokens that an app of the vendor's Agora realm makes itself, with its certificate, and exchanges for one of this dialect:
`007` and, compressed, a signature and what it signs [Agora's own AccessToken2 for Python]. Numbers are little-endian."""

import hmac
import struct
import zlib
from base64 import b64decode
from hashlib import sha256

import msgspec

from core.model import Credential

_MARK = "007"
_LARGEST = 4_096
_CHAT = 5
_STRINGS = {1: 2, 2: 1, 3: 2, 4: 0, _CHAT: 1}
"""How many texts stand behind a service's privileges. Of others it is not known where they end."""
_AS_USER, _AS_APPLICATION = 1, 2
_AHEAD_SECONDS = 86_400
"""How far an app's clock may be ahead."""


class AccessToken(msgspec.Struct, frozen=True):
    """What such a token says of chat; times in seconds. Without a user it is the application's."""

    signature: bytes
    signed: bytes
    application: str
    issued: int
    expires: int
    salt: int
    user: str | None

    def is_signed_by(self, credential: Credential, now: int) -> bool:
        """Whether this application's certificate made the signature, by now (epoch milliseconds)."""
        if self.application != credential.name or self.issued > now // 1000 + _AHEAD_SECONDS:
            return False
        key = _digest(struct.pack("<I", self.issued), credential.secret.encode())
        key = _digest(struct.pack("<I", self.salt), key)
        return hmac.compare_digest(_digest(key, self.signed), self.signature)


def read(token: str) -> AccessToken | None:
    """What a token says, signed or not; none for a text of another form, and for a token that is not for chat."""
    if not token.startswith(_MARK):
        return None
    try:
        unpacker = zlib.decompressobj()
        packed = unpacker.decompress(b64decode(token[len(_MARK) :], validate=True), _LARGEST)
        return _unpack(_Reader(packed)) if unpacker.eof else None
    except (ValueError, struct.error, zlib.error):
        return None


class _Reader:
    """Goes through what is packed."""

    def __init__(self, packed: bytes) -> None:
        self._packed = packed
        self._at = 0

    def number(self, form: str) -> int:
        (value,) = struct.unpack_from(form, self._packed, self._at)
        self._at += struct.calcsize(form)
        return int(value)

    def octets(self) -> bytes:
        length = self.number("<H")
        found = self._packed[self._at : self._at + length]
        if len(found) != length:
            raise ValueError("cut off")
        self._at += length
        return found

    def rest(self) -> bytes:
        return self._packed[self._at :]


def _unpack(packed: _Reader) -> AccessToken | None:
    signature = packed.octets()
    signed = packed.rest()
    application = packed.octets().decode()
    issued, lifetime, salt = (packed.number("<I") for _ in range(3))
    for _ in range(packed.number("<H")):
        service = packed.number("<H")
        privileges = {packed.number("<H"): packed.number("<I") for _ in range(packed.number("<H"))}
        if service not in _STRINGS:
            return None
        texts = [packed.octets().decode() for _ in range(_STRINGS[service])]
        if service == _CHAT:
            user = texts[0] or None
            ends = privileges.get(_AS_USER if user else _AS_APPLICATION)
            if ends is None:
                return None
            expires = issued + min(lifetime, ends)
            return AccessToken(signature, signed, application, issued, expires, salt, user)
    return None


def _digest(key: bytes, text: bytes) -> bytes:
    return hmac.new(key, text, sha256).digest()
