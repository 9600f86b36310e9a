"""The only place that reads the wall clock."""

import time
from typing import Protocol

HIGHEST_TIME = (1 << 48) - 1
"""Epoch milliseconds. A record has 48 bits for its time; Lua, which packs rows anew, knows integers up to 2^53 only."""
LAG_MS = 2_000
"""How far a time with which a client asks what came since has to lie behind the newest write: a message's time is its sender's
worker's, whose clock may differ, and sending takes up to a second."""


class Clock(Protocol):
    """Where the core gets the time from."""

    def now(self) -> int:
        """Epoch milliseconds."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        return time.time_ns() // 1_000_000


class ManualClock:
    """A clock that stands still until it is moved; for tests."""

    def __init__(self, now: int) -> None:
        self._now = now

    def now(self) -> int:
        return self._now

    def move(self, milliseconds: int) -> None:
        """Move forward, or back when negative."""
        self._now += milliseconds
