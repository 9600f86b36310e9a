"""What a worker remembers of records: never more than its room, never anything but what the store has just given."""

import tracemalloc
from typing import Any

import msgspec
import pytest

from core.ids import Ids
from core.model import Custom, Message, Stored, Tenant, Text, Window
from core.store import records
from core.store.records import HEADER, Records, encode

TENANT = Tenant(number=1, name="one", secret=b"s" * 32)
OTHER = Tenant(number=2, name="two", secret=b"t" * 32)
CONVERSATION = 4194305


def ids(tenant: Tenant) -> Ids:
    return Ids(tenant.secret, tenant.generation)


def record(text: str, time: int = 1_700_000_000_000, flags: int = 0) -> bytes:
    return HEADER.pack(time >> 32, time & 0xFFFF_FFFF, 1, 0, flags, 0, 7) + encode(Message("ann", Text(text), "d"))


def test_a_record_becomes_a_message() -> None:
    (stored,) = Records().read(TENANT, ids(TENANT), CONVERSATION, [7, record("hi")])
    assert stored.message == Message("ann", Text("hi"), "d")
    assert (stored.sequence, stored.time, stored.kind) == (7, 1_700_000_000_000, 0)
    place = ids(TENANT).place(stored.id)
    assert place is not None
    assert (place.conversation, place.lane, place.sequence) == (CONVERSATION, 0, 7)


def warm(remembered_bytes: int = records.REMEMBERED_BYTES) -> Records:
    """A memory that has heard of the conversations 1 to 9 and of `CONVERSATION`."""
    read = Records(remembered_bytes)
    for conversation in (*range(1, 10), CONVERSATION):
        read.read(TENANT, ids(TENANT), conversation, [])
    return read


def test_the_same_record_is_made_into_a_message_once() -> None:
    read = warm()
    (first,) = read.read(TENANT, ids(TENANT), CONVERSATION, [7, record("hi")])
    (second,) = read.read(TENANT, ids(TENANT), CONVERSATION, [7, record("hi")])
    assert second is first


def test_what_is_read_once_is_not_remembered() -> None:
    read = Records()
    first, second, third = (read.read(TENANT, ids(TENANT), CONVERSATION, [7, record("hi")])[0] for _ in range(3))
    assert first == second
    assert first is not second
    assert second is third
    for conversation in (CONVERSATION + 1, *range(1, 300), CONVERSATION + 1):
        read.read(TENANT, ids(TENANT), conversation, [7, record("hi")])
    assert len(read._conversations) == 1


def test_a_record_that_has_changed_is_read_anew() -> None:
    read = warm()
    read.read(TENANT, ids(TENANT), CONVERSATION, [7, record("hi")])
    (changed,) = read.read(TENANT, ids(TENANT), CONVERSATION, [7, record("edited")])
    assert changed.message.content == Text("edited")


def test_a_page_that_is_read_again_is_the_same_until_one_of_its_records_changes() -> None:
    read, page = warm(), [8, record("second"), 7, record("first")]
    found = read.read(TENANT, ids(TENANT), CONVERSATION, page)
    again = read.read(TENANT, ids(TENANT), CONVERSATION, list(page))
    assert again is found
    read.read(TENANT, ids(TENANT), CONVERSATION, [7, record("edited")])
    page[3] = record("edited")
    second, first = changed = read.read(TENANT, ids(TENANT), CONVERSATION, page)
    assert changed is not found
    assert second is found[0]
    assert first.message.content == Text("edited")
    assert len(read.read(TENANT, ids(TENANT), CONVERSATION, page[:2])) == 1


def test_what_is_kept_of_a_page_is_kept_for_the_very_same_rows_alone() -> None:
    read, page = warm(), [8, record("second"), 7, record("first")]

    def look(rows: list[Any]) -> Window:
        return read.read(TENANT, ids(TENANT), CONVERSATION, rows)

    look(page).keep("as ann sees it", "written", 100)
    assert look(page).memo("as ann sees it") == "written"
    assert look(page).memo("as bob sees it") is None
    for other in ([7, record("first"), 8, record("second")], [8, record("second")], [*page, 6, record("zeroth")]):
        assert look(other).memo("as ann sees it") is None
    look(page).keep("as ann sees it", "written", 100)
    assert look([8, record("second"), 7, record("edited")]).memo("as ann sees it") is None


def test_so_much_is_kept_of_a_page_as_was_counted_for_it() -> None:
    read = warm()
    page = read.read(TENANT, ids(TENANT), CONVERSATION, [8, record("second"), 7, record("first")])
    assert 2_000 < page.room_bytes < records.REMEMBERED_BYTES - read._room
    page.keep("too large", "", page.room_bytes)
    assert page.memo("too large") is None
    for viewer in range(100):
        page.keep(viewer, "", page.room_bytes // 5)
        kept = [other for other in range(100) if page.memo(other) is not None]
        assert kept[-1] == viewer
        assert len(kept) < 5
    unknown = Records().read(TENANT, ids(TENANT), CONVERSATION, [8, record("second"), 7, record("first")])
    unknown.keep("ann", "", 1)  # it goes with the request
    assert unknown.memo("ann") is None


def test_what_is_kept_of_pages_is_within_the_bound() -> None:
    read = Records(2 << 20)
    rows = [value for sequence in range(1, 21) for value in (sequence, record(f"{sequence:0500}"))]
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for conversation in [number for number in range(200) for _ in range(3)]:
            page = read.read(TENANT, ids(TENANT), conversation, list(rows))
            page.keep("ann", b"x" * (page.room_bytes // 2 - 1_000), page.room_bytes // 2 - 1_000)
            page.keep("bob", b"x" * (page.room_bytes // 2 - 1_000), page.room_bytes // 2 - 1_000)
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert page.memo("ann") is not None
    assert page.memo("bob") is not None
    assert len(read._conversations) > 5
    assert taken < 2 << 20


def test_equal_places_of_two_tenants_and_generations_stay_apart() -> None:
    read = Records()
    later = msgspec.structs.replace(TENANT, generation=2)
    found = [
        read.read(tenant, ids(tenant), CONVERSATION, [7, record("hi")])[0].id
        for tenant in (TENANT, OTHER, later, TENANT)
    ]
    assert len(set(found)) == 3
    assert found[0] == found[3]


def test_the_memory_is_bounded_and_forgets_the_longest_unread_first() -> None:
    size = records._COPIES * len(record("x")) + records._BYTES_A_MESSAGE
    read = warm(3 * size)

    def look(conversation: int) -> Stored:
        return read.read(TENANT, ids(TENANT), conversation, [1, record("x")])[0]

    kept = {conversation: look(conversation) for conversation in (1, 2, 3)}
    assert look(1) is kept[1]
    look(4)
    assert look(1) is kept[1]
    assert look(3) is kept[3]
    assert look(2) is not kept[2]
    assert read._room >= 0
    assert sum(len(known.rows) for known in read._conversations.values()) <= 3


def test_one_page_over_the_whole_room_is_still_read() -> None:
    read = warm(10)
    rows = [value for sequence in range(1, 51) for value in (sequence, record("x" * 100))]
    assert len(read.read(TENANT, ids(TENANT), CONVERSATION, rows)) == 50
    assert read._room == 10


def test_a_changed_record_gives_its_room_back() -> None:
    read = warm()
    for number in range(1_000):
        read.read(TENANT, ids(TENANT), CONVERSATION, [1, record(f"{number:0300}")])
    taken = records._COPIES * len(record(f"{0:0300}")) + records._BYTES_A_MESSAGE
    assert read._room == records.REMEMBERED_BYTES - taken


def test_room_is_counted_by_what_a_record_becomes() -> None:
    """A list takes a byte of a record, and seventy in memory."""
    message = Message("ann", Custom("made", {"deep": [{} for _ in range(1_000)]}), "d", {"flat": [[]] * 10_000})
    dense = HEADER.pack(0, 1, 1, 0, 0, 0, 7) + encode(message)
    rows = [value for sequence in range(1, 11) for value in (sequence, dense)]
    tracemalloc.start()
    try:
        read = warm()
        before = tracemalloc.get_traced_memory()[0]
        read.read(TENANT, ids(TENANT), CONVERSATION, rows)
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    counted = records.REMEMBERED_BYTES - read._room
    assert taken <= counted <= 4 * taken


def test_conversations_that_show_nothing_are_not_remembered() -> None:
    read = Records()
    for conversation in (*range(100), *range(100)):
        read.read(TENANT, ids(TENANT), conversation, [])
    assert not read._conversations


def test_a_record_that_cannot_be_read_costs_no_room() -> None:
    read = warm()
    broken = HEADER.pack(0, 1, 1, 0, 0, 0, 7) + b"\xc1"
    read.read(TENANT, ids(TENANT), CONVERSATION, [1, record("hi")])
    with pytest.raises(msgspec.DecodeError):
        read.read(TENANT, ids(TENANT), CONVERSATION, [1, record("hi"), 2, record("ho"), 3, broken])
    kept = sum(size for known in read._conversations.values() for _, _, size in known.rows.values())
    assert read._room == records.REMEMBERED_BYTES - kept
