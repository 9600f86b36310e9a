import asyncio
import json
import logging
import subprocess
import sys
from base64 import b64encode
from datetime import datetime, timedelta
from select import PIPE_BUF
from typing import Any

import pytest
import structlog

from adapters.contract import Request
from gateway import logs
from gateway.redaction import redact, secrets_of
from tests.harness import CANARY, WAIT_SECONDS, captured_log


class Failing:
    tried = 0

    def write(self, lines: bytes, /) -> None:
        self.tried += 1
        raise BrokenPipeError


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {CANARY}",
        f"authorization=Basic {CANARY}==",
        f"GET /a?token={CANARY}&x=1",
        f"/a?x=1&access_token={CANARY}",
        f"/a%3Fx%3d1%26access_token%3D{CANARY}",
        f"'password': '{CANARY}'",
        f'"client_secret": "a \\" {CANARY}"',
        f"{{'apikey': b'{CANARY}'}}",
        f"redis://:{CANARY}@localhost:6379/0",
        f"redis://user:{CANARY}@localhost",
        f"jwt eyJhbGciOiJIUzI1NiJ9.{CANARY}.x-y_z",
        f"X-Api-Key: {CANARY}",
        f"Cookie: {CANARY}",
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str) -> None:
    assert CANARY not in redact(text)
    assert logs_of(text) == [redact(text)]


@pytest.mark.parametrize(
    "text", ["GET /a?page=3&limit=5", "tokens are fine to speak of", "redis://localhost:6379", "a: b"]
)
def test_other_text_stays_as_it_is(text: str) -> None:
    assert redact(text) == text


def test_long_texts_of_callers_hold_nobody_up() -> None:
    """In a process of its own: an expression that backtracks would not come to an end."""
    pieces = ["token-", "eyJ-", "a-", "password", "token=", 'token="', "token='\\", "jwt ", "://a:", "bearer+", " "]
    program = f"from gateway.redaction import redact\nfor piece in {pieces!r}: redact(piece * 10_000 + '!')"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=WAIT_SECONDS)


def logs_of(text: str) -> list[str]:
    with captured_log() as log:
        structlog.get_logger().info(text)
        return [line["event"] for line in log.lines]


@pytest.mark.parametrize("shown", [CANARY + " ü/'\"", CANARY])
def test_known_secrets_are_masked_in_every_form(shown: str) -> None:
    for text in (
        shown,
        repr(shown),
        json.dumps(shown),
        json.dumps(shown, ensure_ascii=False),
        repr([shown, {"a": shown}]),
    ):
        assert CANARY not in redact(f"problem: {text}!", [shown])


def request(headers: dict[str, str], query: str = "") -> Request:
    return Request(
        id="1",
        method="POST",
        path="/",
        segments=(),
        query_string=query,
        headers=headers,
        scheme="http",
        host="h",
        client="",
    )


@pytest.mark.parametrize(
    ("headers", "query", "body", "secrets"),
    [
        ({"authorization": "Bearer abc"}, "", b"", {"Bearer abc", "abc"}),
        ({"authorization": "Basic " + b64encode(b"me:word").decode()}, "", b"", {"word"}),
        ({"x-authorization": "raw"}, "", b"", {"raw"}),
        ({"accept": "all"}, "jwt=a%20b&page=3", b"", {"a b"}),
        ({}, "", b'{"password": "p", "a": [{"Token": {"b": 7}}], "c": "d", "secret": null}', {"p", "7"}),
        ({}, "", b"user=me&pwd=p%20q", {"p q"}),
        ({}, "", b"\xff\xfe", set()),
    ],
)
def test_a_requests_secrets_are_found(headers: dict[str, str], query: str, body: bytes, secrets: set[str]) -> None:
    found = set(secrets_of(request(headers, query), ["named"], body))
    assert found >= secrets | {"named"}
    assert not found & {"all", "3", "d", "me"}


def test_the_standard_librarys_records_come_the_same_way() -> None:
    with captured_log() as log:
        logger = logging.getLogger("uvicorn.error")
        logger.info("not worth a line")
        logger.warning("token=%s", CANARY)
        logger.log(35, "between the levels")
        try:
            raise ValueError(f"password={CANARY}")
        except ValueError:
            logger.exception("broken")
        lines = log.lines
    assert [(line["event"], line["level"], line["logger"]) for line in lines] == [
        ("token=***", "warning", "uvicorn.error"),
        ("between the levels", "warning", "uvicorn.error"),
        ("broken", "error", "uvicorn.error"),
    ]
    assert "ValueError: password=***" in lines[2]["exception"]
    assert CANARY not in log.text


def test_a_line_is_written_whatever_is_in_it() -> None:
    values: dict[str, Any] = {"lone": "\ud800", "huge": 1 << 70, "object": object(), "break": "a\nb"}
    with captured_log() as log:
        for name, value in values.items():
            structlog.get_logger().info("odd", **{name: value})
        structlog.get_logger().debug("not worth a line")
        assert [next(iter(line.keys() & values.keys())) for line in log.lines] == list(values)


def test_a_log_that_cannot_be_written_fails_nobody() -> None:
    with captured_log():
        sink = Failing()
        logs.configure(sink=sink)
        structlog.get_logger().info("nobody hears this")
    assert sink.tried == 1


class Writes:
    def __init__(self) -> None:
        self.all: list[bytes] = []

    def write(self, lines: bytes, /) -> None:
        self.all.append(lines)


def events(lines: bytes) -> list[str]:
    return [json.loads(line)["event"] for line in lines.splitlines()]


def request_line(**fields: Any) -> None:
    logs.log_request({"event": logs.REQUEST, "level": "info", **fields})


async def test_the_lines_of_one_turn_are_written_together_at_its_end() -> None:
    with captured_log():
        sink = Writes()
        logs.configure(sink=sink)
        for _ in range(2):
            for number in range(3):
                request_line(number=number)
            assert sink.all == []
            await asyncio.sleep(0)
            assert list(map(events, sink.all)) == [[logs.REQUEST] * 3]
            sink.all.clear()


async def test_lines_keep_their_order() -> None:
    with captured_log() as log:
        request_line()
        structlog.get_logger().info("between")
        request_line()
    assert [line["event"] for line in log.lines] == [logs.REQUEST, "between", logs.REQUEST]


async def test_no_write_is_longer_than_a_pipe_keeps_together() -> None:
    with captured_log():
        sink = Writes()
        logs.configure(sink=sink)
        for number in range(100):
            request_line(number=number, path="/" + "x" * 300)
        logs.flush()
    assert [json.loads(line)["number"] for line in b"".join(sink.all).splitlines()] == list(range(100))
    assert 1 < len(sink.all) < 100
    assert max(map(len, sink.all)) <= PIPE_BUF


def test_times_are_utc_with_milliseconds() -> None:
    with captured_log() as log:
        structlog.get_logger().info("now")
        logs.log_request({"event": logs.REQUEST, "level": "info"})
    times = [datetime.fromisoformat(line["time"]) for line in log.lines]
    assert times[0] <= times[1] <= times[0] + timedelta(seconds=WAIT_SECONDS)
    assert all(line["time"][-5] == "." and line["time"][-1] == "Z" for line in log.lines)


def test_readable_lines_are_for_people() -> None:
    with captured_log() as log:
        logs.configure(readable=True, sink=log)
        structlog.get_logger().info("started", url="http://127.0.0.1:8080", password=CANARY)
        logs.log_request({"event": logs.REQUEST, "level": "info", "status": 200})
    first, second = log.text.splitlines()
    assert "started" in first
    assert "url=http://127.0.0.1:8080" in first
    assert "status=200" in second
    assert CANARY not in log.text


def test_logs_go_to_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    with captured_log():
        logs.configure()
        structlog.get_logger().info("hello")
    out, err = capfd.readouterr()
    assert (out, json.loads(err)["event"]) == ("", "hello")
