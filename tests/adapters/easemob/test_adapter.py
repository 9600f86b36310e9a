"""The adapter object, and failures of every kind."""

import shlex
from typing import Any

import msgspec
import orjson
import pytest

from adapters.contract import Adapter, Evidence, Request
from adapters.easemob import create
from adapters.easemob.errors import render_failure
from core.errors import Failure, Kind
from tests.harness import House

ADAPTER = create({})
RESERVED = frozenset({"api", "rest"})


def request(path: str = "/acme/demo/messages", headers: dict[str, str] | None = None, query: str = "") -> Request:
    return Request(
        id="r",
        method="POST",
        path=path,
        segments=tuple(filter(None, path.split("/"))),
        query_string=query,
        headers=headers or {},
        scheme="http",
        host="host",
        client="127.0.0.1",
    )


@pytest.mark.parametrize(
    "name", ["chat-demo#testapp", "1182170609115040#billiards", "A_b.c#d", "apis#demo", "acme#api"]
)
def test_names_of_applications(name: str) -> None:
    ADAPTER.check_application(name, RESERVED)


@pytest.mark.parametrize("name", ["", "acme", "acme#", "#demo", "a#b#c", "a/b#c", "a b#c", "é#c", "api#demo", "REST#demo", "a" * 65 + "#b", "acme#demo\n"])  # fmt: skip
def test_names_that_no_application_can_have(name: str) -> None:
    with pytest.raises(Failure) as raised:
        ADAPTER.check_application(name, RESERVED)
    assert (raised.value.kind, raised.value.reason) == (Kind.BAD_REQUEST, "name")


def test_the_demo_application_can_be_one() -> None:
    (application,) = ADAPTER.demo
    ADAPTER.check_application(application.name, RESERVED)
    (credential,) = application.credentials
    assert (credential.kind, credential.name, credential.secret) == ("client", "demo-client-id", "demo-client-secret")
    assert credential.kind == ADAPTER.credential_kinds[0]


@pytest.mark.parametrize(
    ("path", "names"), [("/acme/demo/token", ("acme#demo",)), ("/acme", ()), ("/", ()), ("/a/\ud800/token", ())]
)
def test_the_application_of_a_request(path: str, names: tuple[str, ...]) -> None:
    assert ADAPTER.applications(request(path)) == names


def test_what_is_guessed() -> None:
    """Anything else was seen somewhere; a row that joins these is to be a decision."""
    guesses = {(route.method, route.path) for route in ADAPTER.routes if route.evidence is Evidence.GUESS}
    assert guesses == {
        ("POST", "/{org}/{app}/chatgroups/{group}/apply2"),
        ("POST", "/{org}/{app}/chatrooms/{group}/apply"),
        ("DELETE", "/{org}/{app}/chatrooms/{group}/quit"),
        ("POST", "/{org}/{app}/chatrooms/{group}/shield"),
        ("DELETE", "/{org}/{app}/chatrooms/{group}/shield"),
    }


def test_the_token_is_a_secret() -> None:
    assert ADAPTER.secrets(request(headers={"authorization": "Bearer YWMtabc "})) == ("YWMtabc",)
    assert ADAPTER.secrets(request(query="Signature=abc&Expires=1")) == ("abc",)
    assert ADAPTER.secrets(request()) == ()


@pytest.mark.parametrize(
    "options",
    [
        {"strict": "yes"},
        {"unknown": 1},
        {"message_body_limit_bytes": 0},
        {"message_content_limit_bytes": -1},
        {"open_registration": None},
        {"recall_limit_seconds": -1},
        {"history_zone_hours": 15},
        {"history_zone_hours": 5.5},
        {"rate_limit_status": 500},
    ],
    ids=str,
)
def test_settings_that_cannot_be(options: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        create(options)


async def test_the_example_works_as_it_is_printed(house: House) -> None:
    adapter: Adapter = house.adapters["easemob"]
    words = shlex.split(adapter.example("http://gateway.test:8080", house.core, house.tenant))
    assert words[:3] == ["curl", "-X", "POST"]
    headers = dict(words[i + 1].split(": ", 1) for i, word in enumerate(words) if word == "-H")
    response = await house.client.post(words[-1], content=words[words.index("-d") + 1], headers=headers)
    assert response.status_code == 200
    assert response.json()["data"] == {"user2": "success", "user3": "success"}


async def test_a_minted_token_is_an_applications_or_a_users(house: House) -> None:
    name = house.application("easemob").name
    with pytest.raises(Failure):
        await ADAPTER.mint(house.core, house.tenant, name, None, False, 60)
    for user in ("admin", "a\n", "nobody"):
        with pytest.raises(Failure):
            await ADAPTER.mint(house.core, house.tenant, name, user, False, 60)


STATUSES = {
    Kind.BAD_REQUEST: 400,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.TOO_LARGE: 413,
    Kind.RATE_LIMITED: 429,
    Kind.UNSUPPORTED: 400,
    Kind.TIMED_OUT: 408,
    Kind.UPSTREAM_FAILED: 502,
    Kind.STORE_UNAVAILABLE: 503,
    Kind.INTERNAL: 500,
}
REASONS = ("", "application", "route", "method", "user", "group", "message", "members", "reserved", "name", "body", "full", "path", "host", "idempotency_key", "idempotency", "somewhat new")  # fmt: skip


@pytest.mark.parametrize("kind", Kind)
def test_every_failure_has_the_vendors_shape(kind: Kind) -> None:
    for reason in REASONS:
        for subject in (None, "it {0} {subject} \ud800"):
            for path in ("/", "/acme", "/acme/demo/users/{x}"):
                failure = Failure(kind, "text \udfff", reason=reason, subject=subject)
                reply = render_failure(request(path), failure, 3, 1_700_000_000_000)
                body = orjson.loads(reply.body)
                assert list(body) == ["error", "exception", "timestamp", "duration", "error_description"]
                assert (body["timestamp"], body["duration"]) == (1_700_000_000_000, 3)
                assert all(
                    isinstance(body[name], str) and body[name] for name in ("error", "exception", "error_description")
                )
    reply = render_failure(request(), Failure(kind, "text"), 0, 1)
    assert reply.status == STATUSES[kind]
    assert reply.headers == [(b"content-type", b"application/json")]


def test_an_edit_that_others_were_faster_with() -> None:
    reply = render_failure(request(), Failure(Kind.CONFLICT, "x", reason="message"), 0, 1)
    body = orjson.loads(reply.body)
    assert (reply.status, body["error"]) == (409, "concurrent_operation_error")
    assert body["error_description"] == "The message has been edited by another."


def test_rate_limits_and_a_store_that_is_gone_can_be_told_apart() -> None:
    limited = orjson.loads(render_failure(request(), Failure(Kind.RATE_LIMITED, "x"), 0, 1).body)
    assert (limited["error"], limited["error_description"]) == ("reach_limit", "This request has reached api limit")
    gone = orjson.loads(render_failure(request(), Failure(Kind.STORE_UNAVAILABLE, "No store"), 0, 1).body)
    assert (gone["error"], gone["error_description"]) == ("service_unavailable", "No store")
