import pytest
from hypothesis import given
from hypothesis import strategies as some

from core.errors import Failure, Kind
from core.model import Application, Credential, Tenant
from core.names import MAXIMUM_NAME_BYTES, check_free, check_name, fold, is_legal, is_reserved


@pytest.mark.parametrize(
    "name", ["a", "Ada Lovelace", "名前", "a;b", "d\u00e9j\u00e0", "x" * 255, "é" * 127, "😀", "0", "-"]
)
def test_names_that_can_be_held(name: str) -> None:
    assert is_legal(name)
    check_name(name, "user")


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        " a",
        "a ",
        "a\n",
        "\ta",
        "a\0b",
        "a\x7f",
        "a\u0085b",
        "a\u200eb",
        "a\u2028b",
        "\ud800",
        "x\udfff",
        "x" * 256,
        "é" * 128,
        "😀" * 64,
        "\u00a0",
        "\ufeffa",
    ],
)
def test_names_that_cannot_be_held(name: str) -> None:
    assert not is_legal(name)
    with pytest.raises(Failure) as caught:
        check_name(name, "user")
    assert (caught.value.kind, caught.value.reason, caught.value.field) == (Kind.BAD_REQUEST, "name", "user")


@given(some.text(some.characters(), max_size=300))
def test_a_legal_name_fits_and_survives(name: str) -> None:
    if is_legal(name):
        assert 1 <= len(name.encode()) <= MAXIMUM_NAME_BYTES
        assert not any(ord(character) < 32 or ord(character) == 127 for character in name)
        assert name.strip() == name


@given(some.text())
def test_folding_twice_is_folding_once(name: str) -> None:
    assert fold(fold(name)) == fold(name)


@pytest.mark.parametrize(
    "name", ["admin", "Admin", "SYSTEM", "system", "\uff21\uff24\uff2d\uff29\uff2e", "\u017fystem", "\U0001d41admin"]
)
def test_reserved_names(name: str) -> None:
    assert is_reserved(name)


@pytest.mark.parametrize("name", ["administrator", "sys", "admin2", "root"])
def test_names_that_only_look_reserved(name: str) -> None:
    assert not is_reserved(name)


CLIENT = Credential("client", "client", "secret")


def test_who_wants_a_name_gets_neither_a_reserved_nor_an_illegal_one() -> None:
    program = Application("plain", "app", (Credential("program", "Alerts", "secret", sends=True), CLIENT))
    tenant = Tenant(1, "shop", b"", applications=(program,))
    for name in ("administrator", "client", "alerts2"):
        check_free(tenant, name, "user")
    for name, expected in (
        ("Admin", (Kind.FORBIDDEN, "reserved")),
        ("alerTs", (Kind.FORBIDDEN, "reserved")),
        ("a\n", (Kind.BAD_REQUEST, "name")),
    ):
        with pytest.raises(Failure) as caught:
            check_free(tenant, name, "user")
        assert (caught.value.kind, caught.value.reason) == expected
