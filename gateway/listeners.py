"""Further listeners beside the main one, each bound to one dialect; and TLS of any of them."""

import re
import ssl
from pathlib import Path
from typing import Annotated, Any

import msgspec

Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
FilledText = Annotated[str, msgspec.Meta(min_length=1)]
_TEXT = re.compile(r"(?P<dialect>[^=]*)=(?:\[(?P<bracketed>[^\]]+)\]:|(?P<host>[^:\[\]]+):)?(?P<port>[^:\[\]]+)")


class Listener(msgspec.Struct, frozen=True, kw_only=True):
    """A listener on which every request is one dialect's, whatever its path says."""

    dialect: FilledText
    """The dialect's name."""
    port: Port
    """0 takes any free port."""
    host: FilledText | None = None
    """The address; absent for the main listener's."""
    tls_cert: str | None = None
    """A PEM file with the certificate, and those that lead to it; absent for plain HTTP."""
    tls_key: str | None = None
    """A PEM file with its key; absent when the certificate's file has it."""


class CertificateError(ValueError):
    """A certificate that can't be used; the text says why."""


def fields_of(text: str) -> dict[str, Any] | None:
    """A listener in one word, `ozeki=9509` or `ozeki=[::1]:9509`, as its fields, all of them text; none when it is no such
    word."""
    found = _TEXT.fullmatch(text)
    if found is None:
        return None
    fields = {"dialect": found["dialect"], "host": found["bracketed"] or found["host"], "port": found["port"]}
    return {name: value for name, value in fields.items() if value is not None}


def tls_context(certificate: str | None, key: str | None) -> ssl.SSLContext | None:
    """What a listener with these files answers with; none without a certificate. Raises `CertificateError`."""
    if certificate is None:
        if key is not None:
            raise CertificateError("there is a key without a certificate")
        return None
    for path in filter(None, (certificate, key)):
        try:
            Path(path).read_bytes()
        except OSError as problem:
            raise CertificateError(f"{path} cannot be read: {problem.strerror}") from None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # Without a password of ours, an encrypted key would make the program ask for one at the terminal.
        context.load_cert_chain(certificate, key, password=lambda: "")
    except (OSError, ValueError):
        raise CertificateError(f"{certificate} is no certificate in PEM with its key, unencrypted") from None
    return context
