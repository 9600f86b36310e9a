"""The only place that reads the wall clock."""

import time
from typing import Protocol


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
