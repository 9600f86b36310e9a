"""Structured logs: one JSON object a line, on standard error.

Standard output is left to what a command prints (addresses, curl lines, settings), so that scripts can read it.
"""

import asyncio
import json
import logging
import os
import sys
import traceback
from collections.abc import Iterable, MutableMapping
from datetime import UTC, datetime
from select import PIPE_BUF
from typing import Any, Protocol

import orjson
import structlog

from core.clock import SystemClock
from gateway.redaction import MASK, SECRET_NAME, redact

REQUEST = "request"
"""The event of the line that every request gets."""

_EventDict = MutableMapping[str, Any]


class Sink(Protocol):
    """Where lines go: whole ones, one or several a `write`."""

    def write(self, lines: bytes, /) -> object: ...


class StandardError:
    """Writes to the file descriptor itself, past all buffers."""

    def write(self, lines: bytes, /) -> None:
        os.write(2, lines)


def configure(*, readable: bool = False, sink: Sink | None = None) -> None:
    """Set up logging of this process, the standard library's included: JSON, or with `readable` text for people."""
    flush()
    _output.sink = sink or StandardError()
    _output.console = structlog.dev.ConsoleRenderer(colors=sink is None and sys.stderr.isatty()) if readable else None
    structlog.configure(
        processors=[structlog.processors.add_log_level, _add_time, _redact, _output.render],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: _output,
        cache_logger_on_first_use=False,
    )
    logging.root.handlers = [handler for handler in logging.root.handlers if not isinstance(handler, _Bridge)]
    logging.root.addHandler(_Bridge())
    logging.root.setLevel(logging.WARNING)


def log_request(event: dict[str, Any]) -> None:
    """Write the line of a request, `event` and `level` among its fields. They must be free of secrets as they are: they go
    past the search for secrets, and past structlog's chain, which would cost four times as much. Written with others at the end
    of the event loop's turn, or with the next line of another kind."""
    event["time"] = _stamp.now()
    _output.add(_output.render(None, event["level"], event))


def flush() -> None:
    """Write the lines of requests that wait for the end of the turn."""
    _output.flush()


def exception_text(problem: BaseException, secrets: Iterable[str] = ()) -> str:
    """A traceback that may be logged."""
    return redact("".join(traceback.format_exception(problem)), secrets)


class _Output:
    """The end of the chain: makes lines and writes them. A log that can't be written never fails a request."""

    def __init__(self) -> None:
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self.sink: Sink = StandardError()
        self.console: structlog.dev.ConsoleRenderer | None = None

    def render(self, logger: Any, method: str, event: _EventDict) -> bytes:
        if self.console is not None:
            return self.console(logger, method, event).encode(errors="backslashreplace") + b"\n"
        try:
            return orjson.dumps(event, default=repr, option=orjson.OPT_APPEND_NEWLINE)
        except orjson.JSONEncodeError:  # a lone surrogate, a number over 64 bits
            return json.dumps(event, default=repr).encode() + b"\n"

    def add(self, line: bytes) -> None:
        """Write a line with the others of this turn. Workers share a pipe, which keeps together what it takes at once alone."""
        if self._waiting_bytes + len(line) > PIPE_BUF:
            self.flush()
        if not self._waiting:
            try:
                asyncio.get_running_loop().call_soon(self.flush)
            except RuntimeError:  # there is no turn that ends
                self._write(line)
                return
        self._waiting.append(line)
        self._waiting_bytes += len(line)

    def flush(self) -> None:
        if self._waiting:
            lines, self._waiting, self._waiting_bytes = self._waiting, [], 0
            self._write(b"".join(lines))

    def msg(self, line: bytes) -> None:
        self.flush()
        self._write(line)

    def _write(self, lines: bytes) -> None:
        try:
            self.sink.write(lines)
        except OSError:
            return

    debug = info = warning = error = critical = msg


class _Bridge(logging.Handler):
    """Carries the standard library's records over."""

    def emit(self, record: logging.LogRecord) -> None:
        fields: dict[str, Any] = {"logger": record.name}
        if record.exc_info and record.exc_info[1]:
            fields["exception"] = exception_text(record.exc_info[1])
        level = min(max(record.levelno // 10 * 10, logging.DEBUG), logging.CRITICAL)
        structlog.get_logger().log(level, record.getMessage(), **fields)


class _Stamp:
    """UTC in ISO 8601 with milliseconds; the part down to the second is made once a second."""

    def __init__(self) -> None:
        self._clock = SystemClock()
        self._second = -1
        self._text = ""

    def now(self) -> str:
        second, milliseconds = divmod(self._clock.now(), 1000)
        if second != self._second:
            self._second = second
            self._text = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return f"{self._text}.{milliseconds:03d}Z"


_output = _Output()
_stamp = _Stamp()


def _add_time(_logger: Any, _method: str, event: _EventDict) -> _EventDict:
    event["time"] = _stamp.now()
    return event


def _redact(_logger: Any, _method: str, event: _EventDict) -> _EventDict:
    for name, value in event.items():
        if SECRET_NAME.search(name):
            event[name] = MASK
        elif type(value) is str:
            event[name] = redact(value)
    return event
