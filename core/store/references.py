"""References: what makes a repeated write one write. Rows (reference -> first result) lie in hashes that take turns, so a
row is known for one to two periods."""

import secrets

from core.ids import CLIENT_REFERENCE

_CLIENT = ("c", 86_400_000)
"""References that a client chose: class, and period in ms."""
_OWN = ("o", 60_000)
"""References made for one request, so that the gateway's own repeats are safe."""


def reference_arguments(now: int, reference: str | None) -> tuple[int, str, int, str]:
    """What a script is told of a reference, the caller's time first: `client:…`, `request:…`, or none for one that nothing
    repeats."""
    reference = reference or f"request:{secrets.token_hex(12)}"
    rows, period = _CLIENT if reference.startswith(CLIENT_REFERENCE) else _OWN
    return now, rows, period, reference
