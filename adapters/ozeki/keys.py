"""Users' RSA keys and what is encrypted with them, as far as the vendor shows its form.

A login gives the user a private key in PEM; friends are told the public one; a conversation has a secret, and a name, encrypted
for whoever asks. The vendor says neither how nor with what passphrase: here it is PKCS #1 v1.5, a secret of 32 bytes, and the
passphrase of the options. The keys are made here and kept with the user: whoever runs the gateway can read them.
"""

import asyncio
import os
from base64 import b64decode, b64encode
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b, md5, shake_256

import msgspec
from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_public_key,
)

from adapters.ozeki.options import NAME
from core.core import Core
from core.model import Tenant, User, leftovers_of, with_leftovers

_BITS = 2048
_EXPONENT = 65537
_SECRET_BYTES = 32
_LINE = 64
_PADDING = 11
"""Bytes of a block that PKCS #1 v1.5 needs."""


class UserKeys(msgspec.Struct, frozen=True):
    """A user's pair, both DER: PKCS #1, and SubjectPublicKeyInfo."""

    private: bytes
    public: bytes


def known_keys(user: User) -> UserKeys | None:
    """The user's keys; none before the first login."""
    own = leftovers_of(user, NAME)
    if "privatekey" not in own:
        return None
    return UserKeys(b64decode(own["privatekey"]), b64decode(own["publickey"]))


async def keys_of(core: Core, tenant: Tenant, user: User) -> UserKeys:
    """The user's keys, made once. That takes tens of milliseconds: in a thread."""
    known = known_keys(user)
    if known is not None:
        return known
    made = await asyncio.to_thread(_make)

    def kept(current: User) -> User:
        if known_keys(current) is not None:
            return current
        own = {"privatekey": public_text(made.private), "publickey": public_text(made.public)}
        return with_leftovers(current, NAME, leftovers_of(current, NAME) | own)

    changed = known_keys(await core.users.update(tenant, user.id, kept))
    return changed or made


def public_text(der: bytes) -> str:
    """A key as Base64 without lines."""
    return b64encode(der).decode()


def pem(private: bytes, passphrase: str | None) -> str:
    """A private key as the vendor's sample has it: PKCS #1, lines that end in CR LF, encrypted by AES-256-CFB unless there is no
    passphrase. OpenSSL reads it."""
    lines = []
    if passphrase is not None:
        vector = os.urandom(16)
        key = _stretched(passphrase.encode(errors="replace"), vector[:8])
        encryptor = Cipher(algorithms.AES(key), CFB(vector)).encryptor()
        private = encryptor.update(private) + encryptor.finalize()
        lines = ["Proc-Type: 4,ENCRYPTED", f"DEK-Info: AES-256-CFB,{vector.hex()}", ""]
    text = public_text(private)
    lines += [text[start : start + _LINE] for start in range(0, len(text), _LINE)]
    label = "RSA PRIVATE KEY"
    return "\r\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""])


def display_name(name: str, public: bytes) -> str:
    """A name encrypted for the owner of a key, another text each time; the end is cut off where it is too long."""
    raw = name.encode(errors="replace")[: _BITS // 8 - _PADDING].decode(errors="ignore").encode()
    return public_text(_loaded(public).encrypt(raw, PKCS1v15()))


def conversation_secret(tenant: Tenant, conversation: int) -> bytes:
    """The secret that the participants of a conversation share: the same ones for good, and kept nowhere."""
    place = b"%d:%d" % (tenant.generation, conversation)
    return blake2b(place, key=tenant.secret, person=b"conversation", digest_size=_SECRET_BYTES).digest()


@lru_cache(16_384)
def wrapped_secret(secret: bytes, public: bytes) -> str:
    """A conversation's secret encrypted for the owner of a key, each time as the same text: the padding is made from both."""
    numbers = _loaded(public).public_numbers()
    filled = _BITS // 8 - 3 - len(secret)
    random = shake_256(b"padding" + secret + public).digest(2 * filled)
    padding = bytes(byte for byte in random if byte)[:filled].ljust(filled, b"\x01")
    block = b"\x00\x02" + padding + b"\x00" + secret
    return public_text(pow(int.from_bytes(block, "big"), numbers.e, numbers.n).to_bytes(_BITS // 8, "big"))


def sealed(named: Sequence[tuple[bytes, str]], public: bytes) -> list[tuple[str, str]]:
    """Conversations' secrets and names, encrypted for the owner of a key; empty for who has none."""
    if not public:
        return [("", "")] * len(named)
    return [(wrapped_secret(secret, public), display_name(name, public)) for secret, name in named]


@lru_cache(4096)
def _loaded(public: bytes) -> rsa.RSAPublicKey:
    key = load_der_public_key(public)
    if not isinstance(key, rsa.RSAPublicKey):
        raise TypeError("not an RSA key")
    return key


def _make() -> UserKeys:
    key = rsa.generate_private_key(_EXPONENT, _BITS)
    return UserKeys(
        key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption()),
        key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    )


def _stretched(passphrase: bytes, salt: bytes) -> bytes:
    """The key that OpenSSL derives from a passphrase for such a PEM."""
    made = b""
    block = b""
    while len(made) < 32:
        block = md5(block + passphrase + salt, usedforsecurity=False).digest()
        made += block
    return made[:32]
