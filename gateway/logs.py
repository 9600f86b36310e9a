"""Structured logs: one JSON object a line, on standard error.

Standard output is left to what a command prints (addresses, curl lines, settings), so that scripts can read it.
"""

import json
import logging
import os
import sys
import traceback
from collections.abc import Iterable, MutableMapping
from datetime import UTC, datetime
from typing import Any, Protocol

import orjson
import structlog

from core.clock import SystemClock
from gateway.redaction import MASK, SECRET_NAME, redact

REQUEST = "request"
"""The event of the line that every request gets; its fields are free of secrets as they are."""

_clock = SystemClock()
_EventDict = MutableMapping[str, Any]


class Sink(Protocol):
    """Where lines go, one `write` a line."""

    def write(self, line: bytes, /) -> object: ...


def configure(*, readable: bool = False, sink: Sink | None = None) -> None:
    """Set up logging of this process, the standard library's included: JSON, or with `readable` text for people."""
    colors = sink is None and sys.stderr.isatty()
    renderer = _Readable(colors) if readable else _json_line
    lines = _Lines(sink or StandardError())
    structlog.configure(
        processors=[structlog.processors.add_log_level, _add_time, _redact, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: lines,
        cache_logger_on_first_use=False,
    )
    logging.root.handlers = [handler for handler in logging.root.handlers if not isinstance(handler, _Bridge)]
    logging.root.addHandler(_Bridge())
    logging.root.setLevel(logging.WARNING)


def exception_text(problem: BaseException, secrets: Iterable[str] = ()) -> str:
    """A traceback that may be logged."""
    return redact("".join(traceback.format_exception(problem)), secrets)


class StandardError:
    """Writes to the file descriptor itself: nothing is buffered, so nothing is flushed."""

    def write(self, line: bytes, /) -> None:
        os.write(2, line)


class _Lines:
    """What structlog writes through. A log that can't be written never fails a request."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def msg(self, line: bytes) -> None:
        try:
            self._sink.write(line)
        except OSError:
            return

    debug = info = warning = error = critical = msg


class _Bridge(logging.Handler):
    """Carries the standard library's records over."""

    def emit(self, record: logging.LogRecord) -> None:
        fields: dict[str, Any] = {"logger": record.name}
        if record.exc_info and record.exc_info[1]:
            fields["exception"] = exception_text(record.exc_info[1])
        structlog.get_logger().log(
            min(max(record.levelno // 10 * 10, logging.DEBUG), logging.CRITICAL), record.getMessage(), **fields
        )


def _add_time(_logger: Any, _method: str, event: _EventDict) -> _EventDict:
    event["time"] = datetime.fromtimestamp(_clock.now() / 1000, UTC).isoformat(timespec="milliseconds")
    return event


def _redact(_logger: Any, _method: str, event: _EventDict) -> _EventDict:
    if event["event"] is not REQUEST:
        for name, value in event.items():
            if SECRET_NAME.search(name):
                event[name] = MASK
            elif type(value) is str:
                event[name] = redact(value)
    return event


def _json_line(_logger: Any, _method: str, event: _EventDict) -> bytes:
    try:
        return orjson.dumps(event, default=repr, option=orjson.OPT_APPEND_NEWLINE)
    except orjson.JSONEncodeError:  # a lone surrogate, a number over 64 bits
        return json.dumps(event, default=repr).encode() + b"\n"


class _Readable:
    def __init__(self, colors: bool) -> None:
        self._render = structlog.dev.ConsoleRenderer(colors=colors, sort_keys=False)

    def __call__(self, logger: Any, method: str, event: _EventDict) -> bytes:
        return self._render(logger, method, event).encode(errors="backslashreplace") + b"\n"
