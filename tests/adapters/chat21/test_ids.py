"""Ids of this dialect: made, read back, and never another tenant's."""

import re
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.chat21.ids import group_id, identifier, names_group, number_id, object_id, own_number, suffix
from core.errors import Failure
from core.ids import Ids
from core.model import Group

IDS = Ids(b"1" * 32, 1)
OTHERS = Ids(b"2" * 32, 1)
numbers = st.integers(1, (1 << 31) - 1)


@given(numbers)
def test_a_groups_id_leads_back_to_its_number_in_its_tenant_only(number: int) -> None:
    text = number_id(IDS, number)
    assert text.startswith("group-")
    assert UUID(text[6:]).version == 4
    assert names_group(text)
    assert own_number(IDS, text) == number
    assert own_number(OTHERS, text) is None
    assert own_number(IDS, text.upper()) is None


@given(st.text() | st.uuids().map(lambda uuid: f"group-{uuid}"))
def test_any_other_text_is_no_number(text: str) -> None:
    assert own_number(IDS, text) is None
    assert own_number(IDS, number_id(IDS, 0)) is None


@given(st.integers(1 << 62, (1 << 63) - 1))
def test_a_messages_id_is_no_groups(number: int) -> None:
    assert own_number(IDS, number_id(IDS, number)) is None


@given(st.integers(0, (1 << 63) - 1), st.text())
def test_database_ids_have_the_vendors_form(number: int, owner: str) -> None:
    assert re.fullmatch("[0-9a-f]{24}", object_id(number, suffix(owner)))


def test_an_id_that_the_app_chose_stays() -> None:
    group = Group(5, "G", "A1", 1, 1, aliases={"chat21": "support-group-1"})
    assert group_id(IDS, group) == "support-group-1"
    assert group_id(IDS, Group(5, "G", "A1", 1, 1, aliases={"other": "x"})) == number_id(IDS, 5)


@pytest.mark.parametrize("text", ["group-1", "support-group-1", "mygroup-1", "group-"])
def test_group_anywhere_in_an_id_makes_it_a_groups(text: str) -> None:
    assert names_group(text)
    assert not names_group(text.replace("-", "_"))


@pytest.mark.parametrize(("value", "text"), [("a.b/c+d#e", "a.b/c+d#e"), (42, "42"), ("ü", "ü")])
def test_an_identifier_is_a_text_or_a_number(value: object, text: str) -> None:
    assert identifier(value, "member_id", "no") == text


@pytest.mark.parametrize(
    "value", [None, True, 1.5, [], {}, ["a"], "", " a", "a\n", "a" * 256, "ü" * 128, "\ud800", "a\0b"]
)
def test_what_can_be_no_id_is_refused(value: object) -> None:
    with pytest.raises(Failure) as caught:
        identifier(value, "member_id", "no")
    assert (caught.value.kind, caught.value.field) == ("bad_request", "member_id")
