"""Ids in Easemob's clothes: reversible, a tenant's own, and clear of what the vendor and the apps choose."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.easemob.ids import (
    application_uuid,
    escape,
    group_id,
    is_user_name,
    number_id,
    own_number,
    unescape,
    user_name,
)
from core.model import Group, Tenant
from core.names import fold, is_legal

TENANT = Tenant(number=1, name="one", secret=bytes(range(32)))
OTHER = Tenant(number=2, name="two", secret=bytes(range(1, 33)))
RESET = Tenant(number=1, name="one", secret=bytes(range(32)), generation=2)

NUMBERS = st.integers(1, 2**31 - 1)
NEUTRAL_IDS = st.text(min_size=1, max_size=80).filter(is_legal)


@given(NUMBERS)
def test_a_group_id_has_15_digits_and_leads_back(number: int) -> None:
    text = number_id(TENANT, number)
    assert len(text) == 15
    assert text.isdigit()
    assert 718_525_023_289_344 <= int(text) < 10**15
    assert own_number(TENANT, text) == number


def test_groups_never_share_an_id() -> None:
    numbers = range(1, 20_001)
    assert len({number_id(TENANT, number) for number in numbers}) == len(numbers)


@pytest.mark.parametrize("other", [OTHER, RESET], ids=["another tenant", "before a reset"])
def test_ids_of_elsewhere_are_not_ours(other: Tenant) -> None:
    read = [own_number(TENANT, number_id(other, number)) for number in range(1, 2001)]
    assert sum(number is not None for number in read) <= 1


@pytest.mark.parametrize(
    "text",
    ["66021836783617", "184524748161025", "212126099668993", "311362611904516", "190000000000001"],
)
def test_ids_that_the_vendor_gave_out_are_not_ours(text: str) -> None:
    assert own_number(TENANT, text) is None


@given(st.text(max_size=20) | st.from_regex(r"[0-9]{13,17}", fullmatch=True))
def test_any_text_reads_as_a_group_id_only_if_it_is_one(text: str) -> None:
    number = own_number(TENANT, text)
    assert number is None or number_id(TENANT, number) == text


def test_a_chosen_group_id_goes_before_the_made_one() -> None:
    group = Group(number=7, name="g", owner="ann", created=1, modified=1, aliases={"easemob": "mygroup"})
    assert group_id(TENANT, group) == "mygroup"
    elsewhere = Group(number=7, name="g", owner="ann", created=1, modified=1, aliases={"another": "mygroup"})
    assert group_id(TENANT, elsewhere) == number_id(TENANT, 7)


@given(NEUTRAL_IDS)
def test_an_escaped_name_leads_back_in_any_case(neutral: str) -> None:
    name = escape(neutral)
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789_.-")
    assert unescape(name) == neutral
    assert unescape(name.upper()) == neutral


@given(NEUTRAL_IDS, NEUTRAL_IDS)
def test_two_users_never_share_a_name(one: str, other: str) -> None:
    if fold(one) != fold(other):
        assert user_name(one, True) != user_name(other, True)
    if one != other:
        assert user_name(one, True) != user_name(other, False)
        assert user_name(one, False) != user_name(other, False)


@given(NEUTRAL_IDS)
def test_a_plain_name_is_the_folded_id(neutral: str) -> None:
    name = user_name(neutral, True)
    assert name == fold(neutral) if unescape(name) is None else unescape(name) == neutral


@given(st.text(max_size=30) | st.from_regex(r"_-[a-z0-9_.-]*", fullmatch=True))
def test_a_name_unescapes_only_if_it_is_an_escape(name: str) -> None:
    neutral = unescape(name)
    assert neutral is None or escape(neutral) == fold(name)


@pytest.mark.parametrize(
    ("neutral", "owns_folded", "name"),
    [
        ("ann", True, "ann"),
        ("Ann", True, "ann"),
        ("Ann", False, "_-_41nn"),
        ("ann", False, "_-ann"),
        ("ann@example", True, "_-ann_40example"),
        ("_-ann", True, "_-_5f-ann"),
        ("安", True, "_-_e5_ae_89"),
        ("a" * 65, True, "_-" + "a" * 65),
    ],
)
def test_names_of_neutral_ids(neutral: str, owns_folded: bool, name: str) -> None:
    assert user_name(neutral, owns_folded) == name


@pytest.mark.parametrize("name", ["_-", "_-a_4", "_-a_zz", "_-_61", "_-_ff", "_-_00", "_-a b"])
def test_what_is_no_escape_is_a_name_of_its_own(name: str) -> None:
    assert unescape(name) is None


@pytest.mark.parametrize(
    ("name", "legal"), [("a", True), ("A.b-c_9", True), ("", False), ("a b", False), ("_-ann", False)]
)
def test_names_that_an_app_may_register(name: str, legal: bool) -> None:
    assert is_user_name(name) is legal


def test_an_application_keeps_its_uuid_to_itself() -> None:
    uuid = application_uuid(TENANT.secret, "acme#demo")
    assert uuid == application_uuid(bytes(range(32)), "acme#demo")
    assert uuid not in {application_uuid(OTHER.secret, "acme#demo"), application_uuid(TENANT.secret, "acme#other")}
    assert [len(part) for part in uuid.split("-")] == [8, 4, 4, 4, 12]
