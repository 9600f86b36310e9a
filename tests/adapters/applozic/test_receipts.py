"""What becomes of messages: delivered, read, and who is told."""

import pytest

from tests.adapters.applozic.conftest import ask, envelope, failed
from tests.adapters.applozic.test_lists import group, listed, send, unread
from tests.harness import NOON, House, match


async def statuses(house: House, user: str, peer: str) -> list[int]:
    return [row["status"] for row in (await listed(house, user, f"userId={peer}&skipRead=true"))["message"]]


@pytest.mark.parametrize("digit", ["5", "4"])
async def test_either_key_names_the_message(house: House, digit: str) -> None:
    keys = [digit + (await send(house, "alice", to="bob", message=str(number)))[1:] for number in range(3)]
    assert await ask(house, "bob", "GET", f"message/delivered?key={keys[1]}&userId=alice") == "success"
    assert await statuses(house, "alice", "bob") == [3, 4, 4]
    assert await ask(house, "bob", "GET", f"message/read?key={keys[0]}") == "success"
    assert await statuses(house, "alice", "bob") == [3, 4, 5]
    assert await statuses(house, "bob", "alice") == [0, 0, 1]
    assert (await unread(house, "bob"))["alice"] == 2
    assert await ask(house, "bob", "GET", "message/read/conversation?userId=alice") == "success"
    assert await statuses(house, "alice", "bob") == [5, 5, 5]
    assert await statuses(house, "bob", "alice") == [1, 1, 1]
    assert (await unread(house, "bob"))["alice"] == 0


async def test_reading_implies_delivery(house: House) -> None:
    key = await send(house, "alice", to="bob", message="hi")
    match(envelope([]), await ask(house, "alice", "GET", f"message/info?key={key}"))
    house.manual_clock.move(5)
    await ask(house, "bob", "GET", f"message/read?key={key}")
    (row,) = (await listed(house, "alice", "userId=bob"))["message"]
    assert (row["status"], row["delivered"], row["read"]) == (5, True, True)
    expected = [{"userId": "bob", "deliveredAtTime": NOON + 5, "readAtTime": NOON + 5, "status": 1}]
    match(envelope(expected), await ask(house, "alice", "GET", f"message/info?key={key}"))


async def test_who_has_read_a_group_message(house: House) -> None:
    number = await group(house, "bob", "carol", "dan")
    key = await send(house, "alice", groupId=number, message="hi")
    house.manual_clock.move(1)
    assert await ask(house, "bob", "GET", f"message/delivered?key={key}") == "success"
    assert await ask(house, "carol", "GET", f"message/read/conversation?groupId={number}") == "success"
    expected = [
        {"userId": "bob", "deliveredAtTime": NOON + 1, "status": 4},
        {"userId": "carol", "deliveredAtTime": NOON + 1, "readAtTime": NOON + 1, "status": 1},
    ]
    match(envelope(expected), await ask(house, "alice", "GET", f"message/info?key={key}"))
    assert (await unread(house, "carol"))[number] == 0


async def test_nobody_reports_on_what_he_sent(house: House) -> None:
    key = await send(house, "alice", to="bob", message="hi")
    assert await ask(house, "alice", "GET", f"message/read?key={key}") == "success"
    assert await statuses(house, "alice", "bob") == [3]
    assert (await unread(house, "bob"))["alice"] == 1


@pytest.mark.parametrize("path", ["delivered", "read", "read/conversation"])
async def test_unknown_messages_are_errors_in_words(house: House, path: str) -> None:
    key = await send(house, "alice", to="bob", message="hi")
    foreign = key[:-1] + str((int(key[-1]) + 1) % 10)
    for query in ("", "key=", "key=nonsense", f"key={foreign}", "key=5-1-1234567890123456789", "clientGroupId=none"):
        assert await ask(house, "bob", "GET", f"message/{path}?{query}") == "error"


async def test_others_messages_are_nobodys_business(house: House) -> None:
    key = await send(house, "alice", to="bob", message="hi")
    for path in ("delivered", "read"):
        assert await ask(house, "carol", "GET", f"message/{path}?key={key}") == "error"
    match(failed("AL-UN-01"), await ask(house, "carol", "GET", f"message/info?key={key}"))
    match(failed("AL-UN-01"), await ask(house, "alice", "GET", "message/info"))


async def test_a_conversation_that_nobody_began_is_read(house: House) -> None:
    assert await ask(house, "bob", "GET", "message/read/conversation?userId=alice") == "success"
    assert await listed(house, "bob") == await listed(house, "bob")
