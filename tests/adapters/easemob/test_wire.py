"""Bodies that are not JSON, and lenient readings of fields."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.easemob.wire import boolean_of, integer_of, parse_body, text_of
from core.errors import Failure, Kind

WRONG = [
    (b'{\n  "target_type": "users",\n}', "Unexpected character ('}' (code 125)): was expecting double-quote to start field name", 3, 2),
    (b'{"a":1 ,  }', "Unexpected character ('}' (code 125)): was expecting double-quote to start field name", 1, 12),
    ('{"type":"loc",."addr":"中国"}'.encode(), "Unexpected character ('.' (code 46)): was expecting double-quote", 1, 16),
    ('{"中":"国",\n\n x}'.encode(), "Unexpected character ('x' (code 120)): was expecting double-quote", 3, 3),
    (b"a=b", "Unexpected character ('a' (code 97)): expected a valid value", 1, 2),
    (b'{"a" 1}', "Unexpected character ('1' (code 49)): was expecting a colon", 1, 7),
    (b'{"a":1}x', "Unexpected character ('x' (code 120))", 1, 9),
    (b'{"a":NaN}', "Unexpected character ('N' (code 78)): expected a valid value", 1, 7),
    (b"", "Unexpected end-of-input", 1, 2),
    (b"  ", "Unexpected", 1, None),
    (b'{"a":"abc', "Unexpected end-of-input", 1, 11),
    (b'{"a":"x\ny"}', "Illegal unquoted character ((CTRL-CHAR, code 10))", 1, 9),
    (b'{"a":"x\ty"}', "Illegal unquoted character ((CTRL-CHAR, code 9))", 1, 9),
    (b'{"a":"\0"}', "Illegal unquoted character ((CTRL-CHAR, code 0))", 1, 8),
    (b'{"a":"x\r\ny"}', "Illegal unquoted character ((CTRL-CHAR, code 13))", 1, 9),
    (b'{"a":"\xff"}', "Invalid UTF-8 start byte 0xff", 1, 8),
    (b'{"a":"\\ud800"}', "Unexpected character", 1, None),
    (b"[" * 65 + b"]" * 65, "Document is nested too deeply", 1, None),
    (b"[" * 100_000, "Unexpected", 1, None),
]  # fmt: skip


@pytest.mark.parametrize(("body", "text", "line", "column"), WRONG)
def test_a_complaint_names_the_place(body: bytes, text: str, line: int, column: int | None) -> None:
    with pytest.raises(Failure) as raised:
        parse_body(body)
    assert (raised.value.kind, raised.value.reason) == (Kind.BAD_REQUEST, "body")
    assert raised.value.text.startswith(text)
    assert f"\n at [Source: java.io.BufferedInputStream@7ba7eef2; line: {line}, column: " in raised.value.text
    if column is not None:
        assert raised.value.text.endswith(f"column: {column}]")


@given(st.binary(max_size=40) | st.text(max_size=20).map(lambda text: text.encode(errors="surrogatepass")))
def test_any_body_is_read_or_refused(body: bytes) -> None:
    reason, text = "body", ""
    try:
        parse_body(body)
    except Failure as failure:
        reason, text = failure.reason, failure.text
    assert reason == "body"
    assert text.isprintable() or "\n at [Source: " in text
    text.encode()


@pytest.mark.parametrize(
    ("value", "text"), [("a", "a"), (12, "12"), (True, None), (None, None), (1.5, None), ([], None)]
)
def test_text(value: object, text: str | None) -> None:
    assert text_of(value) == text


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (3, 3),
        ("4", 4),
        (5.0, 5),
        (3.5, None),
        (True, None),
        ("٣", None),
        ("-3", None),
        ("", None),
        (None, None),
        ("9" * 19, None),
    ],
)
def test_whole_numbers(value: object, number: int | None) -> None:
    assert integer_of(value) == number


@pytest.mark.parametrize(
    ("value", "switch"),
    [(True, True), ("true", True), ("False", False), (0, False), (1, True), (2, None), (None, None), ([], None)],
)
def test_switches(value: object, switch: bool | None) -> None:
    assert boolean_of(value) is switch
