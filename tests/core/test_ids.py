"""Ids live in the apps' own databases: these values never change."""

from itertools import pairwise
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as some

from core.ids import BACKFILL, BUCKETS, LIVE, MARKER, Ids, Place, bucket_of, conversation_bucket
from core.ids import direct_identity as direct
from core.ids import group_identity as group

IDS = Ids(bytes(range(32)), 1)
OTHERS = Ids(bytes(range(1, 33)), 1)
NEXT_GENERATION = Ids(bytes(range(32)), 2)

conversations = some.integers(0, (1 << 32) - 1)
lanes = some.sampled_from((LIVE, BACKFILL))
sequences = some.integers(0, (1 << 29) - 1)
numbers = some.integers(0, (1 << 63) - 1)


def test_golden_message_ids() -> None:
    assert IDS.message(4194305, LIVE, 1) == 7937546443747532915
    assert IDS.message(2327838721, LIVE, 4096) == 7710781486417158351
    assert IDS.message(4294967295, BACKFILL, 536870911) == 8905109838155169366
    assert IDS.message(0, LIVE, 0) == 8641007723120884974
    assert NEXT_GENERATION.message(4194305, LIVE, 1) == 6212930869677909133


def test_golden_uuids() -> None:
    assert IDS.uuid(7937546443747532915) == "195bb636-06cc-4b2c-a47f-ab1fe04f57d6"
    assert IDS.uuid(8905109838155169366) == "e6188834-8a38-4e09-8716-1ecfc477c553"
    assert IDS.uuid(3651) == "edf329fd-8f7a-4377-b0b9-4e13b03ef3e6"


def test_golden_buckets() -> None:
    assert bucket_of("ada") == 872
    assert bucket_of("名前") == 176
    assert bucket_of(direct("ada", "bob")) == 410
    assert bucket_of(group(7)) == 656


def test_golden_identities() -> None:
    assert direct("ada", "bob") == direct("bob", "ada") == "dada\0bob"
    assert direct("a;b", "c") != direct("a", "b;c")
    assert direct("ada", "ada") == "dada\0ada"
    assert group(7) == "g7"


@given(conversations, lanes, sequences)
def test_an_id_leads_back_to_its_place(conversation: int, lane: int, sequence: int) -> None:
    message = IDS.message(conversation, lane, sequence)
    assert message >> 62 == 1
    assert len(str(message)) == 19
    assert IDS.place(message) == Place(conversation, lane, sequence)
    assert conversation_bucket(conversation) == conversation >> 22 < BUCKETS


@given(some.integers(MARKER, 2 * MARKER - 1))
def test_every_number_with_the_marker_is_one_place(message: int) -> None:
    place = IDS.place(message)
    assert place is not None
    assert IDS.message(place.conversation, place.lane, place.sequence) == message


@given(some.integers().filter(lambda number: not MARKER <= number < 2 * MARKER))
def test_other_numbers_are_no_ids(number: int) -> None:
    assert IDS.place(number) is None


@given(numbers)
def test_a_uuid_leads_back_to_its_number(number: int) -> None:
    text = IDS.uuid(number)
    assert UUID(text).version == 4
    assert str(UUID(text)) == text
    assert IDS.from_uuid(text) == number
    assert OTHERS.from_uuid(text) is None
    assert NEXT_GENERATION.from_uuid(text) is None


@given(some.uuids(version=4).map(str) | some.text())
def test_a_foreign_uuid_is_not_ours(text: str) -> None:
    assert IDS.from_uuid(text) is None


@given(numbers, some.integers(0, 127))
def test_a_uuid_with_one_bit_wrong_is_not_ours(number: int, bit: int) -> None:
    assert IDS.from_uuid(str(UUID(int=UUID(IDS.uuid(number)).int ^ 1 << bit))) is None


def test_a_uuid_in_another_writing_is_not_ours() -> None:
    text = IDS.uuid(1 << 62)
    for other in (text.upper(), text.replace("-", ""), "{" + text + "}", " " + text, text + "\n", "urn:uuid:" + text):
        assert IDS.from_uuid(other) is None


def test_no_id_of_one_tenant_is_a_message_of_another() -> None:
    # A hundred thousand messages in the same places of all three.
    places = {(bucket << 22 | 1, sequence) for bucket in range(1000) for sequence in range(1, 101)}
    own = [IDS.message(conversation, LIVE, sequence) for conversation, sequence in places]
    assert len(set(own)) == len(places)
    for others in (OTHERS, NEXT_GENERATION):
        found = [place for message in own if (place := others.place(message)) is not None]
        assert len(found) == len(own)
        assert not [place for place in found if (place.conversation, place.sequence) in places]


def test_neighbours_do_not_look_like_neighbours() -> None:
    ids = [IDS.message(4194305, LIVE, sequence) for sequence in range(1, 10_001)]
    changed = [(first ^ second).bit_count() for first, second in pairwise(ids)]
    assert 28 < sum(changed) / len(changed) < 34
    assert sum(first < second for first, second in pairwise(ids)) in range(4_500, 5_500)
