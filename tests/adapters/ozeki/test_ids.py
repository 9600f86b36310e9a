"""Addresses, and the ids that are made of them."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from adapters.ozeki.ids import (
    Address,
    address_of,
    conversation_id,
    full_address,
    group_id,
    login_of,
    neutral_name,
    own_number,
    user_id,
)
from core.ids import Ids
from core.names import is_legal

ALICE = "aa68d2204cb2bb85f2de3b9aad0d86d7"
ADMINISTRATOR = "d574638619cbff603bf857164c47e850"
IDS = Ids(b"secret", 1)
STATION = "801c91e6466a1ab34945d73ae4f762c6"

NAMES = st.text(st.sampled_from("abAB@.%-ö_"), min_size=1, max_size=12).filter(is_legal)


def test_ids_are_those_of_the_vendors_pages() -> None:
    assert user_id("admin", "ozeki.hu") == ADMINISTRATOR
    assert user_id("alice", "ozeki.hu") == "f22e679ed4bc266b4245954020c26e0e"
    for pair in ((ALICE, ADMINISTRATOR), (ADMINISTRATOR, ALICE)):
        assert conversation_id(*pair) == "8ca16186c36a4e0a1ef2096e6c60b613"


@pytest.mark.parametrize(
    ("text", "user", "station"),
    [
        ("ann@acme.example@%", "ann", None),
        (f"ann@acme.example@{STATION}", "ann", STATION),
        ("ann@acme.example", "ann", None),
        ("ann@ACME.example", "ann", None),
        ("ann", "ann", None),
        ("ann@acme.example@", "ann", None),
        ("ann@other.example", "ann@other.example", None),
        ("ann@other.example@%", "ann@other.example", None),
        ("ann@acme.example@acme.example@%", "ann@acme.example", None),
        ("@acme.example", "@acme.example", None),
        ("", "", None),
    ],
)
def test_an_address_names_a_user_and_a_station(text: str, user: str, station: str | None) -> None:
    assert address_of(text, "acme.example") == Address(user, station)


@given(name=NAMES, domain=st.sampled_from(["a", "acme.example", "b.a"]))
def test_every_name_has_an_address_that_names_it(name: str, domain: str) -> None:
    assert address_of(full_address(name, domain), domain) == Address(name)
    assert neutral_name(login_of(name, domain), domain) == name


@given(one=NAMES, other=NAMES)
def test_two_names_have_two_ids(one: str, other: str) -> None:
    assume(one != other)
    assert user_id(one, "a") != user_id(other, "a")


@pytest.mark.parametrize("number", [1, 2, 77, (1 << 31) - 1])
def test_a_groups_id_leads_back_to_it_in_its_tenant(number: int) -> None:
    text = group_id(IDS, number)
    assert own_number(IDS, text) == number
    assert own_number(Ids(b"another", 1), text) is None
    assert own_number(IDS, text.upper()) is None


@pytest.mark.parametrize("text", ["", ALICE, ADMINISTRATOR, "x" * 32, "0" * 31])
def test_no_other_id_is_a_groups(text: str) -> None:
    assert own_number(IDS, text) is None
