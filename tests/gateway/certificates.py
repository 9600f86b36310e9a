"""Certificates for this machine, made for a test."""

import shutil
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

_NAMES = "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1"


@dataclass(frozen=True)
class Certificate:
    """A certificate that vouches for itself, and its key."""

    file: Path
    key_file: Path

    @property
    def options(self) -> tuple[str, ...]:
        """As the main listener is given it."""
        return ("--tls-cert", str(self.file), "--tls-key", str(self.key_file))

    @property
    def trusted(self) -> ssl.SSLContext:
        """What a client trusts that trusts this one alone."""
        return ssl.create_default_context(cafile=str(self.file))


def new_certificate(folder: Path, name: str = "server") -> Certificate:
    """For `localhost` and the loopback addresses."""
    made = Certificate(folder / f"{name}.crt", folder / f"{name}.key")
    openssl = shutil.which("openssl")
    assert openssl, "certificates are made with openssl, which is not installed"
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", str(made.key_file)]
    subject = ["-subj", f"/CN={name}", "-addext", _NAMES, "-days", "2", "-out", str(made.file)]
    subprocess.run([openssl, "req", "-x509", *key, *subject], check=True, capture_output=True)
    return made
