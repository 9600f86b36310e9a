"""Replies over a real connection, as the application gives them and as they come out."""

from typing import Any

import httpx
import pytest

from tests.harness import captured_log, serve

HEADERS = [(b"content-type", b"text/plain"), (b"x-own", b"1")]


def _application(*replies: dict[str, Any]) -> Any:
    async def application(_scope: Any, _receive: Any, send: Any) -> None:
        for reply in replies:
            await send(reply)

    return application


def _start(status: int, *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": [*HEADERS, *headers]}


def _body(text: bytes, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": text, "more_body": more}


async def _get(application: Any, method: str = "GET") -> httpx.Response:
    async with serve(application) as url, httpx.AsyncClient() as client:
        return await client.request(method, url)


@pytest.mark.parametrize("status", [200, 404, 503])
async def test_a_whole_reply_says_its_length(status: int) -> None:
    response = await _get(_application(_start(status), _body(b"hello")))
    assert (response.status_code, response.content) == (status, b"hello")
    assert response.headers["content-length"] == "5"
    assert response.headers["x-own"] == "1"
    assert "date" in response.headers
    assert "connection" not in response.headers


@pytest.mark.parametrize("status", [204, 304])
async def test_a_reply_that_can_have_no_body_says_no_length(status: int) -> None:
    response = await _get(_application(_start(status), _body(b"")))
    assert response.status_code == status
    assert "content-length" not in response.headers
    assert "transfer-encoding" not in response.headers


async def test_the_answer_to_head_keeps_the_length_that_it_says() -> None:
    response = await _get(_application(_start(200, (b"content-length", b"5")), _body(b"")), "HEAD")
    assert response.headers["content-length"] == "5"
    assert response.content == b""


async def test_a_reply_in_pieces() -> None:
    response = await _get(_application(_start(200), _body(b"hel", more=True), _body(b"lo")))
    assert response.content == b"hello"
    assert response.headers["transfer-encoding"] == "chunked"


async def test_a_reply_that_ends_the_connection() -> None:
    response = await _get(_application(_start(200, (b"connection", b"close")), _body(b"hello")))
    assert response.content == b"hello"
    assert response.headers.get_list("connection") == ["close"]


@pytest.mark.parametrize("value", [b"1\r\nset-cookie: a=b", b"1\nset-cookie: a=b", b"1\r", b"\r\n\r\n<html>"])
async def test_no_header_smuggles_another(value: bytes) -> None:
    with captured_log() as log:
        response = await _get(_application(_start(200, (b"x-reflected", value)), _body(b"hello")))
    assert response.status_code == 500
    assert "set-cookie" not in response.headers
    assert "a header holds a line break" in log.text


async def test_an_application_that_fails_behind_its_head_is_not_taken_for_the_body() -> None:
    async def application(_scope: Any, _receive: Any, send: Any) -> None:
        await send(_start(200, (b"content-length", b"50")))
        raise ValueError("no body")

    with captured_log() as log:
        response = await _get(application)
    assert (response.status_code, response.headers["connection"]) == (500, "close")
    assert "no body" in log.text


async def test_two_requests_on_one_connection() -> None:
    application = _application(_start(200), _body(b"hello"))
    async with serve(application) as url, httpx.AsyncClient() as client:
        for _ in range(2):
            assert (await client.get(url)).content == b"hello"
