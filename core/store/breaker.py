"""Whether a server is worth asking: a slow one is worse than none, since everybody waits for it in vain."""

import time

import structlog

FAILURES = 5
"""Calls in a row without an answer in time after which a server is not asked any more."""

log = structlog.get_logger(__name__)


class Breaker:
    """Counts the calls that one server failed to answer in time. While it is `open`, calls are to fail at once; it closes
    when a probe through the same connection was answered, which is the connection's business."""

    __slots__ = ("_opened", "_server", "failures", "open")

    def __init__(self, server: str) -> None:
        self.open = False
        self.failures = 0
        """In a row: whoever sees an answer come in time sets it to 0."""
        self._server = server
        self._opened = 0.0

    def failed(self, problem: str) -> None:
        """A call had no answer in time. `problem` is for the log: what the connection knows of the cause."""
        self.failures += 1
        if self.failures >= FAILURES and not self.open:
            self.open = True
            self._opened = time.monotonic()
            log.warning("store_breaker_opened", server=self._server, problem=problem)

    def close(self) -> None:
        """A probe was answered."""
        self.failures = 0
        if self.open:
            self.open = False
            log.info(
                "store_breaker_closed", server=self._server, after_seconds=round(time.monotonic() - self._opened, 1)
            )
