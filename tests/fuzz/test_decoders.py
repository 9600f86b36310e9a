"""Everything that reads what a caller wrote: it gives a value, or one of the failures that are answers; never another."""

import json
import zlib
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
import orjson
from hypothesis import given
from hypothesis import strategies as st

from adapters import bodies
from adapters.chat21 import auth as chat21_auth
from adapters.chat21 import content as chat21_content
from adapters.chat21 import ids as chat21_ids
from adapters.chat21.rows import row
from adapters.contract import Request
from adapters.easemob import agora, dynamic, msg_fields, wire
from adapters.easemob import auth as easemob_auth
from adapters.easemob import ids as easemob_ids
from adapters.easemob.content import read, record_body, write
from adapters.easemob.options import NAME as EASEMOB
from adapters.files import FileAddresses
from core.clock import ManualClock
from core.errors import Failure, Kind
from core.ids import Ids
from core.model import Credential, Message, MessageKind, SigningKey, Stored, Tenant
from core.tokens import Tokens
from gateway.dispatch import split_path
from tests.fuzz import cases, values
from tests.harness import NOON

TENANT = Tenant(7, "tenant", bytes(range(32)), signing_keys=(SigningKey("one", bytes(32), NOON),))
TOKENS = Tokens(ManualClock(NOON))
IDS = Ids(TENANT.secret, 1)
FILES = FileAddresses(TENANT, "http://gateway.test", "/api/a/files?id=", "secret")
CLIENT = Credential("client", "id", "secret")

TEXTS = values.ODD | st.text(max_size=40)
MSG_FIELDS = st.sampled_from(values.words_of_module(msg_fields))
KINDS = ["txt", "text", "img", "audio", "video", "file", "loc", "cmd", "custom"]
FIELDS = st.sampled_from([*values.words_of_module(chat21_content), "hiddenFor", "recipient"])


def json_of(fields: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    numbers = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    scalars = st.none() | st.booleans() | numbers | values.LEGIBLE | fields
    return st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(fields | values.LEGIBLE, inner, max_size=4),
        max_leaves=6,
    )


@cases(300)
@given(
    kind=st.sampled_from(KINDS) | values.LEGIBLE,
    msg=st.dictionaries(MSG_FIELDS, json_of(MSG_FIELDS), max_size=6),
    strict=st.booleans(),
)
def test_an_easemob_message_is_refused_or_comes_out_as_it_went_in(kind: str, msg: dict[str, Any], strict: bool) -> None:
    msg = {"type": kind, **msg}
    try:
        content, left = read(msg, strict=strict)
    except Failure as failure:
        if failure.kind is not Kind.BAD_REQUEST:
            raise
        return
    packed = msgspec.msgpack.encode(Message("ann", content, EASEMOB, leftovers=left))
    message = msgspec.msgpack.decode(packed, type=Message)
    assert msgspec.json.encode(write(message, []), order="sorted") == msgspec.json.encode(msg, order="sorted")
    record_body(message, FILES, [])
    shown = row(_stored(message), IDS, FILES, {}, app="a", owner="bob", other="ann", group=None)
    assert msgspec.json.encode(shown)


@cases(300)
@given(body=st.dictionaries(FIELDS, json_of(FIELDS), max_size=6), group=st.booleans(), chosen=st.booleans())
def test_a_chat21_message_is_readable_in_both_dialects(body: dict[str, Any], group: bool, chosen: bool) -> None:
    body = {"sender_fullname": "Ann", "recipient_id": "bob", "recipient_fullname": "Bob", **body}
    packed = msgspec.msgpack.encode(chat21_content.read(body, FILES, "ann", "bob", group=group, chosen=chosen))
    message = msgspec.msgpack.decode(packed, type=Message)
    shown = row(_stored(message), IDS, FILES, {}, app="a", owner="bob", other="ann", group="g" if group else None)
    assert msgspec.json.encode(shown)
    assert isinstance(write(message, [])["type"], str)
    record_body(message, FILES, [])


@cases(300)
@given(raw=st.binary(max_size=60) | values.json_values(TEXTS, TEXTS).map(lambda value: json.dumps(value).encode()))
def test_a_body_is_read_or_refused(raw: bytes) -> None:
    read = [
        _outcome(reader, raw) for reader in (bodies.parse_json, wire.parse_body, wire.parse_object, wire.parse_request)
    ]
    value = read[0]
    assert read[1] == value
    expected = value if isinstance(value, dict) else Kind.BAD_REQUEST
    assert read[2:] == [expected] * 2
    if value is not Kind.BAD_REQUEST:
        # Python's own parser reads the same; numbers beyond 64 bits are doubles to ours.
        assert value == json.loads(raw, parse_int=orjson.loads)


def _outcome(reader: Callable[[bytes], Any], raw: bytes) -> Any:
    """What was read, or the kind of the refusal."""
    try:
        return reader(raw)
    except Failure as failure:
        return failure.kind


@cases(300)
@given(text=TEXTS, number=st.integers(0, 2**63 - 1), group=st.integers(1, 2**31 - 1))
def test_an_id_is_ours_or_nobodys(text: str, number: int, group: int) -> None:
    assert IDS.from_uuid(IDS.uuid(number)) == number
    assert IDS.from_uuid(text) is None or IDS.uuid(IDS.from_uuid(text) or 0) == text
    place = IDS.place(number)
    assert place is None or IDS.message(place.conversation, place.lane, place.sequence) == number
    assert easemob_ids.own_number(TENANT, easemob_ids.number_id(TENANT, group)) == group
    assert chat21_ids.own_number(IDS, chat21_ids.number_id(IDS, group)) == group
    for own in (easemob_ids.own_number(TENANT, text), chat21_ids.own_number(IDS, text)):
        assert own is None or 0 < own < 2**31
    neutral = easemob_ids.unescape(text)
    assert neutral is None or easemob_ids.escape(neutral) == text.lower()
    assert isinstance(easemob_ids.is_user_name(text), bool)
    with suppress(Failure):
        chat21_ids.identifier(text, "field", "not an id")


@cases(300)
@given(
    token=TEXTS
    | st.binary(max_size=80).map(lambda raw: "dt-" + b64encode(raw).decode())
    | st.binary(max_size=80).map(lambda raw: "007" + b64encode(zlib.compress(raw)).decode())
    | json_of(FIELDS).map(lambda value: "dt-" + b64encode(msgspec.json.encode(value)).decode())
    | st.integers(0, 80).map(lambda cut: TOKENS.mint(TENANT, EASEMOB, "a#b", 60)[cut:]),
    query=TEXTS,
)
def test_a_token_is_read_or_refused(token: str, query: str) -> None:
    exchanged = agora.read(token)
    assert exchanged is None or not exchanged.is_signed_by(CLIENT, NOON)
    signed = dynamic.read(token)
    if signed is not None:
        signed.is_signed_by(CLIENT, NOON)
    try:
        TOKENS.verify(TENANT, token)
    except Failure as failure:
        if failure.kind is not Kind.UNAUTHENTICATED:
            raise
    request = _request(token, query)
    easemob_auth.bearer(request)
    chat21_auth.find_token(request)
    assert list(chat21_auth.secrets_in(request))
    chat21_auth.unverified_application(request)


@cases(300)
@given(raw=st.binary(max_size=40) | TEXTS.map(lambda text: text.encode(errors="replace")))
def test_any_path_has_parts(raw: bytes) -> None:
    path, parts, _ = split_path(b"/" + raw)
    assert path.startswith("/")
    assert all(parts)


def _stored(message: Message) -> Stored:
    return Stored(IDS.message(77, 0, 1), 1, NOON, MessageKind.MESSAGE, message)


def _request(authorization: str, query: str) -> Request:
    return Request(
        id="1",
        method="GET",
        path="/verify",
        segments=("verify",),
        query_string=query,
        headers={"authorization": authorization},
        scheme="http",
        host="gateway.test",
        client="127.0.0.1",
    )
