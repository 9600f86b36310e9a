"""Keeping secrets out of logs.

The line of a request is made of fields that hold none. This is for text that comes from elsewhere: exceptions,
libraries' messages, paths that look as if a query had slipped in.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus

import orjson

from adapters.contract import Request

MASK = "***"

SECRET_NAME = re.compile(r"pass|pwd|secret|token|auth|cookie|credential|key|signature|jwt", re.IGNORECASE)
# Callers choose the text, in the path of a request: each pattern must be done in time that grows with its length only. So
# none can begin at every place of a long word and then run to its end.
_PATTERNS = (
    # Authorization schemes, wherever they stand.
    (re.compile(r"\b(bearer|basic)(\s+|%20|\+)[\w.~+/=-]+", re.IGNORECASE), rf"\1\2{MASK}"),
    # JSON web tokens.
    (re.compile(r"\beyJ[\w.-]{8,}"), MASK),
    # Passwords in URLs, as of a store.
    (re.compile(r"(://[^/\s:@]*:)[^/\s@]+@"), rf"\1{MASK}@"),
    # name=value, "name": "value", 'name': b'value'
    (
        re.compile(
            r"""((?:passw(?:or)?d|pwd|secret|token|authorization|cookie|credential|api-?_?key|signature|jwt)"""
            r"""[\w-]{0,64}["']?\s*(?:[:=]|%3[ad])\s*)(b?"(?:[^"\\]|\\.)*"|b?'(?:[^'\\]|\\.)*'|[^\s,;&"')\]}]+)""",
            re.IGNORECASE,
        ),
        rf"\1{MASK}",
    ),
)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without these secrets (also not escaped) and without what looks like one."""
    for secret in sorted({form for value in secrets for form in _forms(value)}, key=len, reverse=True):
        text = text.replace(secret, MASK)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def secrets_of(request: Request, named: Iterable[str], body: bytes) -> list[str]:
    """Everything in a request that may be a secret: what its dialect `named` so, and every value of headers, query and
    body under a name that sounds like one. Costs a walk through the body: for failures, not for every request."""
    found = [*named]
    for name, value in request.headers.items():
        if SECRET_NAME.search(name):
            found += [value, *_parts(value)]
    found += [value for name, value in request.query.items() if SECRET_NAME.search(name)]
    found += _body_secrets(body)
    return [value for value in found if value]


def _body_secrets(body: bytes) -> Iterator[str]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        value = dict(parse_qsl(body.decode(errors="replace")))
    waiting: list[tuple[Any, bool]] = [(value, False)]
    while waiting:
        value, secret = waiting.pop()
        if isinstance(value, dict):
            waiting += [(part, secret or bool(SECRET_NAME.search(name))) for name, part in value.items()]
        elif isinstance(value, list):
            waiting += [(part, secret) for part in value]
        elif secret and value is not None and not isinstance(value, bool):
            yield str(value)


def _parts(value: str) -> Iterator[str]:
    """The credential within a header's value, and what a Basic one says."""
    scheme, _, credential = value.partition(" ")
    if not credential:
        return
    yield credential.strip()
    if scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(credential, validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            return
        yield password or user


def _forms(secret: str) -> tuple[str, ...]:
    """A secret as it stands, and as it looks in URLs and in the quotes of Python and JSON."""
    quoted = (repr(secret), json.dumps(secret), json.dumps(secret, ensure_ascii=False))
    return (
        secret,
        quote(secret, safe="", errors="replace"),
        quote_plus(secret, errors="replace"),
        *(q[1:-1] for q in quoted),
    )
