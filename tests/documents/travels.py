"""How messages travel beside what they say: what becomes of it at each kind of reader. tests/test_across_travels.py walks it."""

from collections.abc import Sequence

ROWS: Sequence[tuple[str, Sequence[str]]] = ()
"""A kind of message, and what each reader has of it, in the order of `ends.READERS`."""
