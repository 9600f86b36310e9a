"""What the framework adds, and every failure's form."""

import re
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import chat21
from adapters.chat21 import errors, wire
from adapters.chat21.routes import routes
from adapters.contract import Adapter, Evidence, Preflight, ReadsBodyFirst, Reply, Request
from core.errors import Failure, Kind, store_unavailable
from gateway.dispatch import Dispatcher
from tests import servers
from tests.adapters.chat21.conftest import as_user, send, signed, stock_claims
from tests.harness import House, Row, open_house

ALWAYS = {
    "x-powered-by": "Express",
    "access-control-allow-origin": "*",
    "access-control-allow-headers": "Origin, X-Requested-With, Content-Type, Accept, Authorization, X-XSRF-Token",
    "access-control-allow-methods": "GET, POST, PUT, DELETE, OPTIONS",
}
JSON, TEXT = "application/json; charset=utf-8", "text/html; charset=utf-8"
UNAUTHORIZED = {"success": False, "msg": "Unauthorized."}
LIST = "/api/{app}/user1/conversations"


def request(path: str = "/api/x", method: str = "GET", **headers: str) -> Request:
    return Request(
        id="r",
        method=method,
        path=path,
        segments=("api", "x"),
        query_string="",
        headers=headers,
        scheme="http",
        host="h",
        client="c",
    )


ANSWERS = [
    Row("greeting", "GET", "/", 200, "Chat21 Http Server v. 0.1.2"),
    Row("greeting with a bad token", "GET", "/", 200, "Chat21 Http Server v. 0.1.2", headers={"Authorization": "x"}),
    Row("information", "GET", "/api/{app}/getInfo", 200, {"v": "0.2.34.2"}, headers=as_user("user1")),
    Row("any case", "GET", "/API/{app}/GETINFO", 200, {"v": "0.2.34.2"}, headers=as_user("user1")),
    Row("a slash at the end", "GET", LIST + "/", 200, {"success": True, "result": []}, headers=as_user("user1")),
    Row("no token", "GET", LIST, 403, UNAUTHORIZED),
    Row("another's", "GET", LIST, 401, "", headers=as_user("user2")),
    Row("unknown path", "GET", "/api/{app}/users", 404, re.compile(r"(?s).*<pre>Cannot GET /api/\w+/users</pre>.*")),
    Row(
        "unknown method",
        "PATCH",
        LIST,
        404,
        re.compile(r"(?s).*<pre>Cannot PATCH /api/\w+/user1/conversations</pre>.*"),
    ),
    Row("wrong method", "DELETE", "/api/{app}/messages", 404, re.compile(r"(?s).*Cannot DELETE /api/\w+/messages.*")),
    Row("/test", "GET", "/test", 404, re.compile(r"(?s).*<pre>Cannot GET /test</pre>.*")),
    Row("/test with a token", "GET", "/test", 404, ..., query={"token": "{user1}"}),
    Row("a path that can't be read", "GET", "/api/%zz/getInfo", 400, re.compile("(?s).*<pre>URIError: .*")),
    Row("a path with bad bytes", "GET", "/api/%ff/getInfo", 400, re.compile("(?s).*<pre>URIError: .*")),
    Row("mandatory", "POST", "/api/{app}/groups", 405, "group_name not present!", {}, headers=as_user("user1")),
]


@pytest.mark.parametrize("row", ANSWERS, ids=str)
async def test_every_answer_carries_the_same_headers(house: House, row: Row) -> None:
    response = await row.check(house)
    assert {name: response.headers.get(name) for name in ALWAYS} == ALWAYS
    is_json = isinstance(row.body, dict)
    assert response.headers.get("content-type") == (JSON if is_json else None if row.status == 401 else TEXT)


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/api/<script>alert(1)</script>/x/y/z/z", "/api/%3Cscript%3Ealert(1)%3C/script%3E/x/y/z/z"),
        ("/api/%3Cb%3E/a&b/c", "/api/%3Cb%3E/a&amp;b/c"),
        ("/api/'\"/c/d", "/api/&#x27;%22/c/d"),
        ("/api/ü \n\udc80/c/d", "/api/%C3%BC%20%0A?/c/d"),
    ],
)
def test_paths_in_pages_are_harmless(path: str, shown: str) -> None:
    body = errors.render_failure(request(path), Failure(Kind.NOT_FOUND, "", reason="route")).body.decode()
    assert f"<pre>Cannot GET {shown}</pre>" in body


async def test_a_path_with_markup_stays_harmless_all_the_way(house: House) -> None:
    response = await house.client.get("/api/<script>/x/y", headers={"Authorization": house.names["user1"]})
    assert response.status_code == 404
    assert "<script" not in response.text


@pytest.mark.parametrize("path", ["/", "/verify", "/api/{app}/messages", "/api/{app}/no/such/path", "/test"])
async def test_preflight(house: House, path: str) -> None:
    asked = {
        "Origin": "https://a",
        "Access-Control-Request-Headers": "authorization,x-own",
        "Access-Control-Request-Method": "PUT",
    }
    response = await Row("", "OPTIONS", path, 204, "", headers=asked).check(house)
    assert response.headers["access-control-allow-methods"] == "GET,HEAD,PUT,PATCH,POST,DELETE"
    assert response.headers["access-control-allow-headers"] == "authorization,x-own"
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["vary"] == "Access-Control-Request-Headers"
    response = await Row("", "OPTIONS", path, 204, "").check(house)
    assert "access-control-allow-headers" not in response.headers


async def test_what_the_caller_has_is_not_sent_again(house: House) -> None:
    await send(house, "user1", "user2", text="a")
    path = "/api/{app}/user1/conversations/user2/messages"
    first = await Row("", "GET", path, 200, headers=as_user("user1")).check(house)
    tag = first.headers["etag"]
    assert re.fullmatch(rf'W/"{len(first.content):x}-[0-9a-f]{{8}}"', tag)
    for known in (tag, tag[2:], f'"x", {tag}', "*"):
        headers = {**as_user("user1"), "If-None-Match": known}
        again = await Row(known, "GET", path, 304, "", headers=headers).check(house)
        assert again.headers["etag"] == tag
        assert "content-type" not in again.headers
    headers = {**as_user("user1"), "If-None-Match": tag}
    fresh = Row("reload", "GET", path, 200, headers={**headers, "Cache-Control": "no-cache"})
    await fresh.check(house)
    await Row("other tag", "GET", path, 200, headers={**as_user("user1"), "If-None-Match": '"x"'}).check(house)
    await send(house, "user1", "user2", text="b")
    await Row("changed", "GET", path, 200, headers=headers).check(house)


async def test_head_is_a_get_without_its_body(house: House) -> None:
    response = await Row("", "HEAD", LIST, 200, "", headers=as_user("user1")).check(house)
    assert int(response.headers["content-length"]) == len(b'{"success":true,"result":[]}')


class Expected:
    """What a failure must look like."""

    def __init__(self, status: int, body: Any, retry_after: bytes | None = None) -> None:
        self.status, self.body, self.retry_after = status, body, retry_after


def error(text: str) -> dict[str, Any]:
    return {"success": False, "err": text}


FAILURES: list[tuple[Failure, Expected]] = [
    (Failure(Kind.BAD_REQUEST, "a <b> text"), Expected(405, "a &lt;b&gt; text")),
    (Failure(Kind.BAD_REQUEST, "x", reason="name", field="user"), Expected(405, "x")),
    (Failure(Kind.BAD_REQUEST, "a <b>", reason="body"), Expected(400, "<pre>SyntaxError: a &lt;b&gt;</pre>")),
    (Failure(Kind.BAD_REQUEST, "x", reason="path"), Expected(400, "<pre>URIError: ")),
    (Failure(Kind.UNAUTHENTICATED, "x"), Expected(403, UNAUTHORIZED)),
    (Failure(Kind.UNAUTHENTICATED, "x", reason="expired"), Expected(403, UNAUTHORIZED)),
    (Failure(Kind.FORBIDDEN, "x", reason="reserved"), Expected(403, UNAUTHORIZED)),
    (errors.foreign_timeline(), Expected(401, None)),
    (Failure(Kind.NOT_FOUND, "No such user", reason="user"), Expected(404, error("No such user"))),
    (Failure(Kind.NOT_FOUND, "x", reason="application"), Expected(403, UNAUTHORIZED)),
    (Failure(Kind.NOT_FOUND, "x", reason="route"), Expected(404, "<pre>Cannot GET /api/x</pre>")),
    (Failure(Kind.UNSUPPORTED, "x", reason="method"), Expected(404, "<pre>Cannot GET /api/x</pre>")),
    (Failure(Kind.CONFLICT, "Taken", reason="group"), Expected(405, error("Taken"))),
    (Failure(Kind.TOO_LARGE, "x"), Expected(413, "<pre>PayloadTooLargeError: request entity too large</pre>")),
    (Failure(Kind.RATE_LIMITED, "x", retry_after_ms=1500), Expected(429, error("x"), b"2")),
    (Failure(Kind.UNSUPPORTED, "x"), Expected(501, error("x"))),
    (Failure(Kind.TIMED_OUT, "x", reason="body"), Expected(408, "<pre>Request Timeout</pre>")),
    (Failure(Kind.UPSTREAM_FAILED, "x"), Expected(502, error("x"))),
    (store_unavailable(), Expected(503, error("The message store is not available"), b"1")),
    (Failure(Kind.STORE_UNAVAILABLE, "x", retry_after_ms=0), Expected(503, error("x"), b"1")),
    (Failure(Kind.INTERNAL, "a secret of ours"), Expected(500, "<pre>Internal Server Error</pre>")),
]


@pytest.mark.parametrize(("failure", "expected"), FAILURES)
def test_each_kind_has_its_form(failure: Failure, expected: Expected) -> None:
    reply = errors.render_failure(request(), failure)
    assert reply.status == expected.status
    headers = dict(reply.headers)
    assert headers.get(b"retry-after") == expected.retry_after
    if isinstance(expected.body, dict):
        assert orjson.loads(reply.body) == expected.body
    elif expected.body is None:
        assert reply.body == b""
    else:
        assert expected.body in reply.body.decode()
    assert b"secret" not in reply.body


@given(st.sampled_from(Kind), st.text(), st.text(), st.text())
def test_no_failure_is_without_a_form(kind: Kind, text: str, reason: str, path: str) -> None:
    for own in (
        reason,
        "",
        "body",
        "route",
        "method",
        "join",
        "change",
        "login",
        "leave",
        "group",
        "timeline",
        "mandatory",
    ):
        reply = errors.render_failure(request(path), Failure(kind, text + "\ud800", reason=own))
        assert 400 <= reply.status < 600
        assert b"<script" not in reply.body


def test_all_kinds_are_in_the_table() -> None:
    assert {failure.kind for failure, _ in FAILURES} == set(Kind)


async def test_without_a_store_the_answer_says_when_to_come_again() -> None:
    with servers.embedded_engine() as engine:
        async with open_house(engine.url, [chat21.create({})]) as house:
            application = house.application("chat21")
            house.names["app"] = application.name
            house.names["user1"] = signed(application.credentials[0].secret, stock_claims("user1", application.name))
            await Row("", "GET", LIST, 200, headers=as_user("user1")).check(house)
            engine.servers[0].kill()
            gone = error("The message store is not available")
            response = await Row("", "GET", LIST, 503, gone, headers=as_user("user1")).check(house)
            assert response.headers["retry-after"] == "1"
            body = {"sender_fullname": "A", "recipient_id": "user2", "recipient_fullname": "B"}
            await Row("", "POST", "/api/{app}/messages", 503, gone, body, headers=as_user("user1")).check(house)


def test_the_adapter_is_what_the_contract_asks_for() -> None:
    adapter: Adapter = chat21.create({})
    assert isinstance(adapter, Preflight)
    assert isinstance(adapter, ReadsBodyFirst)
    Dispatcher([adapter])
    assert [application.name for application in adapter.demo] == ["default", "tilechat"]
    assert {(c.kind, c.name, c.secret) for a in adapter.demo for c in a.credentials} == {("jwt", "default", "tokenKey")}
    # The vendor's server keeps no files; where they are is our own.
    assert [route.path for route in routes() if route.evidence is Evidence.GUESS] == ["/api/{app}/files"]
    assert all(route.handler.__doc__ for route in routes())
    with pytest.raises(Exception, match="unknown"):
        chat21.create({"unknown": 1})


@pytest.mark.parametrize("name", ["", " a", "a\n", "a" * 256])
def test_what_is_no_app_id(name: str) -> None:
    with pytest.raises(Failure) as caught:
        chat21.create({}).check_application(name, frozenset())
    assert (caught.value.kind, caught.value.reason) == (Kind.BAD_REQUEST, "name")
    chat21.create({}).check_application("default", frozenset({"api"}))


async def test_who_can_not_get_a_token(house: House) -> None:
    adapter, app = house.adapters["chat21"], house.names["app"]
    for application, user, kind in (
        ("nothing", "user1", Kind.NOT_FOUND),
        (app, None, Kind.BAD_REQUEST),
        (app, "admin", Kind.FORBIDDEN),
        (app, "a\n", Kind.BAD_REQUEST),
    ):
        with pytest.raises(Failure) as caught:
            await adapter.mint(house.core, house.tenant, application, user, False, 60)
        assert caught.value.kind is kind
    house.names["minted"] = await adapter.mint(house.core, house.tenant, app, None, True, 60)
    await Row("", "GET", LIST, 200, headers=as_user("minted")).check(house)


async def test_the_example_reads_what_was_sent_to_user2(house: House) -> None:
    await send(house, "user1", "user2", text="testmessage")
    command = house.adapters["chat21"].example("http://127.0.0.1:8080", house.core, house.tenant)
    found = re.fullmatch(r"curl -H 'Authorization: (\S+)' 'http://127\.0\.0\.1:8080(/\S+)'", command)
    assert found is not None
    response = await house.client.get(found[2], headers={"Authorization": found[1]})
    assert [row["text"] for row in response.json()["result"]] == ["testmessage"]


def test_secrets_of_a_request() -> None:
    asked = request(authorization="Bearer abc.def")
    asked.query_string = "jwt=ghi&token=jkl&other=public"
    assert set(chat21.create({}).secrets(asked)) == {"Bearer abc.def", "abc.def", "ghi", "jkl"}


@pytest.mark.parametrize(
    ("value", "truth"),
    [
        ({}, True),
        ([], True),
        ("0", True),
        (1, True),
        (None, False),
        (False, False),
        (0, False),
        (0.0, False),
        ("", False),
    ],
)
def test_truth_is_javascripts(value: Any, truth: bool) -> None:
    assert wire.truthy(value) is truth


def test_texts_are_written_even_if_broken() -> None:
    reply: Reply = wire.text_reply(405, "\ud800")
    assert reply.body == b"?"
