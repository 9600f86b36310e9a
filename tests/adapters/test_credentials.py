"""Credentials in the forms that several dialects use."""

from base64 import b64encode

import pytest

from adapters.credentials import basic_pair, is_basic


def basic(raw: bytes) -> str:
    return b64encode(raw).decode()


@pytest.mark.parametrize(
    ("header", "pair"),
    [
        ("Basic " + basic(b"ann:secret"), ("ann", "secret")),
        ("bASIC  " + basic(b"ann:secret") + " ", ("ann", "secret")),
        ("Basic " + basic(b"ann:a:b"), ("ann", "a:b")),
        ("Basic " + basic(b":"), ("", "")),
        ("Basic " + basic("änn:ß".encode()), ("änn", "ß")),
        ("Basic " + basic("änn:ß".encode("latin-1")), ("änn", "ß")),
        ("Basic " + basic(b"ann"), None),
        ("Basic ann:secret", None),
        ("Basic é", None),
        ("Basic", None),
        ("Bearer " + basic(b"ann:secret"), None),
        ("", None),
    ],
)
def test_a_name_and_a_password_are_read(header: str, pair: tuple[str, str] | None) -> None:
    assert basic_pair(header) == pair
    assert is_basic(header) or pair is None
