"""Credentials in the forms that several dialects use."""

from base64 import b64decode

from jwt.types import Options

BY_SIGNATURE_ALONE: Options = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}
"""What PyJWT looks at: times are compared with the tenant's clock, where it reads its own, and what else a vendor looks at is
its adapter's to check."""
_BASIC = "basic "


def is_basic(header: str) -> bool:
    """Whether a header holds HTTP's Basic credentials, well-formed or not."""
    return header[: len(_BASIC)].lower() == _BASIC


def basic_pair(header: str) -> tuple[str, str] | None:
    """Name and password of HTTP's Basic credentials, parted by the first colon: in UTF-8, or in Latin-1, as Ozeki's C# client
    writes them. None for another scheme and for what can't be read."""
    if not is_basic(header):
        return None
    try:
        raw = b64decode(header[len(_BASIC) :].strip(), validate=True)
    except ValueError:
        return None
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    name, colon, password = text.partition(":")
    return (name, password) if colon else None
