"""What a request's signature may be. The vendor publishes neither algorithm nor what is signed: these are constructions that can be
checked, since key and API key were handed out here. None of them is called the vendor's.

A construction is named `ALGORITHM/WHAT`: `rsa-sha256/body` is the one of our own test client.
"""

import binascii
import hmac
from base64 import b64decode
from hashlib import md5

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.serialization import load_der_public_key

_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha1": hashes.SHA1(),  # noqa: S303  # verified only, as a client may have chosen it
    "sha512": hashes.SHA512(),
    "md5": hashes.MD5(),  # noqa: S303
}
_SIGNED = ("body", "digest", "stamped")
"""The body as it came; its MD5 in hex digits; the body with its timestamp behind it."""
NAMES = tuple(
    f"{algorithm}/{signed}"
    for algorithm in (*(f"rsa-{name}" for name in _HASHES), "pss-sha256", "hmac-sha256", "hmac-sha1", "hmac-md5")
    for signed in _SIGNED
)
_MAXIMUM_LENGTH = 2_048


class Signed(msgspec.Struct, frozen=True):
    """A request that may be signed, and what is known of who sends it."""

    signature: str
    """Base64 or hex."""
    body: bytes
    timestamp: str
    public: bytes
    """The user's key, DER."""
    api_key: bytes


def matching(request: Signed) -> str | None:
    """The name of the first construction that this signature is; none when it is none of them."""
    return next((name for name in NAMES if verifies(request, name)), None)


def verifies(request: Signed, name: str) -> bool:
    """Whether the signature is of this construction."""
    algorithm, _, signed = name.partition("/")
    content = _content(request, signed)
    kind, _, digest = algorithm.partition("-")
    return any(
        hmac.compare_digest(hmac.digest(request.api_key, content, digest), raw)
        if kind == "hmac"
        else _is_of_key(request.public, raw, content, kind, _HASHES[digest])
        for raw in _decoded(request.signature)
    )


def _content(request: Signed, signed: str) -> bytes:
    if signed == "digest":
        return md5(request.body, usedforsecurity=False).hexdigest().encode()
    return request.body + request.timestamp.encode(errors="replace") if signed == "stamped" else request.body


def _is_of_key(public: bytes, raw: bytes, content: bytes, kind: str, digest: hashes.HashAlgorithm) -> bool:
    key = load_der_public_key(public)
    if not isinstance(key, rsa.RSAPublicKey):
        return False
    try:
        if kind == "pss":
            key.verify(raw, content, PSS(MGF1(digest), PSS.AUTO), digest)
        else:
            key.verify(raw, content, PKCS1v15(), digest)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


def _decoded(text: str) -> list[bytes]:
    found = []
    if 0 < len(text) <= _MAXIMUM_LENGTH:
        for decode in (bytes.fromhex, lambda given: b64decode(given, validate=True)):
            try:
                found.append(decode(text))
            except (ValueError, binascii.Error):
                continue
    return found
