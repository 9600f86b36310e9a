"""Requests as real clients write them, failures as they read them, ids."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.applozic import errors, ids, sessions
from adapters.applozic.wire import Fields, flat, parse_pairs
from adapters.contract import Request
from core.errors import Failure, Kind
from core.ids import GROUP, USER, Ids
from core.model import Group, SigningKey, Tenant, User
from tests.adapters.applozic.conftest import as_user, ask, envelope, failed
from tests.harness import NOON, House, Row, match

OWN = "/rest/ws/user/update"
HEADERS = as_user("alice")


def sent(label: str, content: bytes, name: str | None, media_type: str | None = None) -> Row:
    """A display name in some form of a body, and what comes of it."""

    async def effect(house: House, response: Any) -> None:
        user = await house.core.users.find(house.tenant, "alice")
        assert user is not None
        assert user.name == name

    headers = HEADERS | ({"Content-Type": media_type} if media_type else {})
    return Row(label, "POST", OWN, 200, envelope(), content=content, headers=headers, effect=effect)


@pytest.mark.parametrize(
    "row",
    [
        sent("JSON", b'{"displayName": "A"}', "A", "application/json"),
        sent("JSON that says so in length", b'\xef\xbb\xbf {"displayName": "A"} \n', "A", "application/json; charset=UTF-8"),
        sent("JSON without a type", b'{"displayName": "A"}', "A"),
        sent("JSON as a form", b'{"displayName": "A"}', "A", "application/x-www-form-urlencoded"),
        sent("JSON as text", b'{"displayName": "A"}', "A", "text/plain"),
        sent("line breaks in texts", b'{"displayName":\n"A\nB\tC\x01"}', "A\nB\tC\x01", "application/json"),
        sent("line breaks and escapes", b'{\r\n"a\\\\": "\\"\n", "displayName": "A\\"\nB"}', 'A"\nB', "application/json"),
        sent("a form", b"displayName=A+B%21&displayName=C", "A B!", "application/x-www-form-urlencoded"),
        sent("a multipart form", b'--x\r\nContent-Disposition: form-data; name="displayName"\r\n\r\nA\r\n--x--\r\n', "A", "multipart/form-data; boundary=x"),
        sent("nulls", b'{"displayName": null, "email": null, "metadata": null}', None),
        sent("an empty text", b'{"displayName": ""}', None),
        sent("a number", b'{"displayName": 17}', "17"),
        sent("a switch", b'{"displayName": true}', "true"),
        sent("nothing", b"", None),
        sent("blanks", b" \n", None),
        Row("the query", "POST", OWN + "?displayName=A&&=&x&displayName=B&", 200, envelope(), headers=HEADERS),
        Row("a list", "POST", OWN, 200, failed("AL-M-01"), content=b"[]", headers=HEADERS),
        Row("a field that is a list", "POST", OWN, 200, failed("AL-M-01"), content=b'{"displayName": [1]}', headers=HEADERS),
        Row("a fraction", "POST", OWN, 200, failed("AL-M-01"), content=b'{"displayName": 1.5}', headers=HEADERS),
        Row("a text that does not end", "POST", OWN, 200, failed("AL-M-01"), content=b'{"displayName": "A\n', headers=HEADERS),
        Row("metadata in a form", "POST", OWN, 200, envelope(), content=b"metadata=%7B%22a%22%3A1%7D", headers={**HEADERS, "Content-Type": "application/x-www-form-urlencoded"}),
        Row("a form without an end", "POST", OWN, 200, failed("AL-M-01"), content=b"--x", headers={**HEADERS, "Content-Type": "multipart/form-data; boundary=x"}),
        Row("a GET with a type", "GET", "/rest/ws/user/exist?userId=bob", 200, envelope(True), headers={**HEADERS, "Content-Type": "application/x-www-form-urlencoded", "Accept": ""}),
        Row("a GET with a body", "GET", "/rest/ws/user/exist?userId=bob", 200, envelope(True), content=b"{", headers={**HEADERS, "Content-Type": "application/json"}),
    ],
    ids=str,
)  # fmt: skip
async def test_requests_in_every_form(house: House, row: Row) -> None:
    await row.check(house)


async def test_odd_texts_are_read_in_time_that_grows_with_their_length(house: House) -> None:
    for content in (
        b'{"a": ' + b'\\"' * 100_000,
        b'{"a": "\n' + b'\\"' * 100_000,
        b'"' * 200_000,
        b'{"a": "\n' + b"\\" * 200_000,
    ):
        await asyncio.wait_for(
            Row("", "POST", OWN, 200, failed("AL-M-01"), content=content, headers=HEADERS).check(house), 5
        )


def test_fields() -> None:
    body = {
        "a": "1",
        "b": 2,
        "c": None,
        "d": "",
        "e": [1, "x"],
        "f": True,
        "g": 3.0,
        "h": {"x": 1, "y": "z", "n": None},
    }
    fields = Fields(
        parse_pairs("a=9&c=4&d=5&q=1&q=2,3&q=&empty=&t=TRUE&u=undefined&n=-5&h2=%7B%22k%22%3A%5B1%5D%7D"), body
    )
    assert [fields.text(name) for name in "abcdfg"] == ["1", "2", "4", "5", "true", "3"]
    assert [fields.integer(name) for name in ("a", "b", "c", "d", "g", "n", "u", "empty", "zz")] == [
        1,
        2,
        4,
        5,
        3,
        -5,
        None,
        None,
        None,
    ]
    assert [fields.flag(name) for name in ("f", "t", "a", "b", "zz", "u")] == [True, True, True, None, None, None]
    assert (fields.texts("e"), fields.texts("q"), fields.texts("q", commas=True)) == (
        ["1", "x"],
        ["1", "2,3"],
        ["1", "2", "3"],
    )
    assert (fields.texts("zz", "b"), fields.texts("zz")) == (["2"], [])
    assert fields.text("zz", "d", "a") == "5"
    assert (fields.metadata("h"), fields.metadata("h2"), fields.metadata("zz")) == (
        {"x": "1", "y": "z"},
        {"k": "[1]"},
        None,
    )
    for wrong in (
        lambda: fields.integer("e"),
        lambda: fields.text("h"),
        lambda: fields.metadata("b"),
        lambda: fields.integer("f"),
    ):
        with pytest.raises(Failure) as caught:
            wrong()
        assert caught.value.kind is Kind.BAD_REQUEST


@given(
    st.dictionaries(
        st.text(),
        st.text() | st.integers(-(1 << 53), 1 << 53) | st.booleans() | st.none() | st.lists(st.integers(0, 9)),
    )
)
def test_metadata_is_flat_and_stays_so(values: dict[str, Any]) -> None:
    once = flat(values)
    assert all(type(value) is str for value in once.values())
    assert flat(dict(once)) == once
    assert once.keys() == {name for name, value in values.items() if value is not None}
    for name, value in once.items():
        assert value == values[name] if isinstance(values[name], str) else json.loads(value) == values[name]


def request(method: str, path: str) -> Request:
    segments = tuple(part for part in path.split("/") if part)
    return Request(id="", method=method, path=path, segments=segments, query_string="", headers={}, scheme="http", host="x", client="")  # fmt: skip


ENVELOPE, WORD = "POST /rest/ws/message/v2/send", "POST /rest/ws/message/send"


@pytest.mark.parametrize(
    ("way", "failure", "status", "body"),
    [
        (ENVELOPE, Failure(Kind.FORBIDDEN, "no"), 200, failed("AL-UN-01", "unauthorized user")),
        (ENVELOPE, Failure(Kind.FORBIDDEN, "no", reason="blocked"), 200, failed("AL-UN-01", "unauthorized user")),
        (ENVELOPE, Failure(Kind.NOT_FOUND, "no", reason="user"), 200, failed("AL-U-01", "user not found")),
        (ENVELOPE, Failure(Kind.NOT_FOUND, "no", reason="group"), 200, failed("AL-G-01", "group not found")),
        (ENVELOPE, Failure(Kind.CONFLICT, "no", reason="group"), 200, failed("AL-G-02", "group already exists")),
        (ENVELOPE, Failure(Kind.CONFLICT, "no", reason="member"), 200, failed("AL-U-01", "user already exist")),
        (ENVELOPE, Failure(Kind.NOT_FOUND, "No such message", reason="message"), 200, failed("AL-M-01", "No such message")),
        (ENVELOPE, Failure(Kind.BAD_REQUEST, "odd \ud800"), 200, failed("AL-M-01", "odd ?")),
        (ENVELOPE, errors.word("CONVERSATION_CLOSED"), 200, "CONVERSATION_CLOSED"),
        (ENVELOPE, Failure(Kind.STORE_UNAVAILABLE, "away", retry_after_ms=1), 503, failed("AL-M-01", "away")),
        (ENVELOPE, Failure(Kind.INTERNAL, "x"), 500, failed("AL-M-01", "x")),
        (ENVELOPE, Failure(Kind.UNAUTHENTICATED, "x"), 401, "UnAuthorized Access"),
        (WORD, Failure(Kind.UNAUTHENTICATED, "x"), 401, "UnAuthorized Access"),
        (WORD, Failure(Kind.FORBIDDEN, "no"), 200, "error"),
        (WORD, errors.no_group(), 200, "error"),
        (WORD, errors.word("CONVERSATION_CLOSED"), 200, "CONVERSATION_CLOSED"),
        (WORD, Failure(Kind.STORE_UNAVAILABLE, "away"), 503, "error"),
        ("POST /REST/WS/Message/Send", Failure(Kind.FORBIDDEN, "no"), 200, "error"),
        ("GET /rest/ws/message/delete", errors.not_allowed(), 200, "error"),
        ("POST /rest/ws/message/delete", errors.not_allowed(), 200, failed("AL-UN-01", "unauthorized user")),
        ("POST /v2/tab/initialize.page", Failure(Kind.STORE_UNAVAILABLE, "away"), 503, '"error"'),
        ("POST /files/upload", Failure(Kind.TOO_LARGE, "much", reason="file"), 413, "error"),
        ("POST /rest/ws/register/client", Failure(Kind.STORE_UNAVAILABLE, "away"), 503, dict),
    ],
)  # fmt: skip
def test_failures(way: str, failure: Failure, status: int, body: Any) -> None:
    method, _, path = way.partition(" ")
    reply = errors.render_failure(request(method, path), failure, NOON)
    assert reply.status == status
    text = reply.body.decode()
    match(body, json.loads(text) if not isinstance(body, str) else text)
    assert (
        b"content-type",
        b"text/plain" if isinstance(body, str) and text[0] != '"' else b"application/json",
    ) in reply.headers
    assert (b"access-control-allow-origin", b"*") in reply.headers
    assert ((b"retry-after", b"1") in reply.headers) == (failure.retry_after_ms is not None)


def test_every_failure_has_a_reply() -> None:
    for kind in Kind:
        for way in (ENVELOPE, WORD, "POST /v2/tab/initialize.page", "POST /rest/ws/register/client", "GET /"):
            method, _, path = way.partition(" ")
            reply = errors.render_failure(request(method, path), Failure(kind, "x", retry_after_ms=5), NOON)
            assert reply.status == 200 or 400 <= reply.status < 600


IDS = Ids(b"s" * 32, 1)


@given(st.integers(1, (1 << 50) - 1), st.integers(1 << 62, (1 << 63) - 1), st.integers(1, (1 << 31) - 1))
def test_ids_there_and_back(user: int, message: int, group: int) -> None:
    key = ids.user_key(IDS, user)
    assert ids.user_number(IDS, key) == user
    for one in (f"4-{key}-{message}", ids.sent_key(IDS, user, message), ids.group_key(group, message)):
        assert ids.message_number(one) == message
    assert ids.sent_key(IDS, user, message) == f"5-{key}-{message}"
    assert ids.group_number(str(group)) == group


def test_a_remembered_user_key_is_its_tenants_and_generations() -> None:
    tenants = [Ids(secret * 32, generation) for secret in (b"s", b"t") for generation in (1, 2)]
    first = [ids.user_key(one, 7) for one in tenants]
    assert len(set(first)) == len(tenants)
    assert [ids.user_key(one, 7) for one in tenants] == first
    assert [ids.user_number(one, key) for one, key in zip(tenants, first, strict=True)] == [7] * len(tenants)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5-x",
        "6-x-1234567890123456789",
        "5--1234567890123456789",
        "5-x-1454398305364",
        "5-x-12345678901234567890x",
        "x" * 5000,
    ],
)
def test_what_is_no_key(text: str) -> None:
    assert ids.message_number(text) is None
    assert ids.user_number(IDS, text) is None
    assert ids.group_number(text) is None


def test_what_is_no_user_key_or_group() -> None:
    for value in (GROUP | 7, USER, (1 << 62) + 7):
        assert ids.user_number(IDS, IDS.uuid(value)) is None
    for text in ("0", "-1", "2147483648", "99999999999", "1x", "\u0661"):
        assert ids.group_number(text) is None


def test_a_group_is_known_by_what_the_app_chose() -> None:
    group = Group(7, "g", "alice", 1, 1)
    assert ids.client_group_id(group) == "7"
    chosen = Group(7, "g", "alice", 1, 1, aliases={"applozic": "mine"})
    assert ids.client_group_id(chosen) == "mine"


def test_device_keys_are_for_one_user_in_one_state() -> None:
    tenant = Tenant(1, "t", b"s" * 32, signing_keys=(SigningKey("k", b"k" * 32, 1),))
    user = User("alice", 1024, 1, 1)
    keys = {sessions.device_key(IDS, tenant, user) for _ in range(100)}
    assert len(keys) == 100
    for key in keys:
        assert sessions.is_device_key(IDS, tenant, user, key)
        for other in (
            User("alice", 1025, 1, 1),
            User("alice", 1024, 1, 1, version=2),
            User("alice", 1024, 1, 1, active=False),
        ):
            assert not sessions.is_device_key(IDS, tenant, other, key)
        assert not sessions.is_device_key(Ids(b"s" * 32, 2), tenant, user, key)
        flipped = [key[:at] + format(int(c, 16) ^ 1, "x") + key[at + 1 :] for at, c in enumerate(key) if c != "-"]
        assert not any(sessions.is_device_key(IDS, tenant, user, one) for one in flipped)
    for text in ("", "x" * 36, "alice", key.replace("-", ""), "{" + key[1:]):
        assert not sessions.is_device_key(IDS, tenant, user, text)


async def test_success_forms(house: House) -> None:
    assert await ask(house, "alice", "GET", "register/version/update") == "success"
    assert await ask(house, "alice", "GET", "application/pricing/package") == {
        "status": "success",
        "generatedAt": NOON,
        "response": 4,
    }
