"""One story from a first message to the end of a conversation, as the vendor's clients live it."""

import re
from typing import Any

from tests.adapters.applozic.conftest import UUID, ask, ask_as_bot, envelope, failed
from tests.harness import House, match


async def overview(house: House, user: str) -> dict[str, Any]:
    answer: dict[str, Any] = await ask(house, user, "GET", "message/v2/list?startIndex=0&mainPageSize=50&pageSize=50")
    return answer


async def unread(house: House, user: str, peer: str) -> int:
    rows = (await overview(house, user))["userDetails"]
    count: int = next(row["unreadCount"] for row in rows if row["userId"] == peer)
    return count


async def thread(house: House, user: str, query: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = (await ask(house, user, "GET", f"message/v2/list?{query}"))["message"]
    return rows


async def test_two_people_write_to_each_other(house: House) -> None:
    alice = house.names["alice_key"]
    sent = await ask(house, "alice", "POST", "message/v2/send", json={"to": "bob", "message": "hi"})
    key, time = sent["messageKey"], sent["createdAt"]
    match(re.compile(rf"5-{UUID}-\d{{19}}"), key)
    assert key.startswith(f"5-{alice}-")
    match({**envelope({"messageKey": key, "createdAt": time}), "messageKey": key, "createdAt": int}, sent)
    theirs = "4" + key[1:]

    for _ in range(2):  # the overview leaves what is unread as it is
        listed = await overview(house, "bob")
        (row,) = listed["message"]
        assert (row["key"], row["pairedMessageKey"], row["to"], row["contactIds"]) == (theirs, key, "alice", "alice")
        assert (row["type"], row["status"], row["contentType"], row["createdAtTime"]) == (4, 0, 0, time)
        assert await unread(house, "bob", "alice") == 1

    assert await ask(house, "bob", "GET", f"message/delivered?key={key}") == "success"
    (row,) = await thread(house, "alice", "userId=bob")
    assert (row["status"], row["delivered"], row["read"]) == (4, True, False)
    match(
        envelope([{"userId": "bob", "deliveredAtTime": int, "status": 4}]),
        await ask(house, "alice", "GET", f"message/info?key={key}"),
    )

    await thread(house, "bob", "userId=alice&skipRead=true")
    assert await unread(house, "bob", "alice") == 1
    (row,) = await thread(house, "bob", "userId=alice")
    assert (row["status"], row["read"]) == (0, False)
    assert await unread(house, "bob", "alice") == 0
    (row,) = await thread(house, "alice", "userId=bob")
    assert row["status"] == 4  # a list tells nobody

    assert await ask(house, "bob", "GET", "message/read/conversation?userId=alice") == "success"
    (row,) = await thread(house, "alice", "userId=bob")
    assert (row["key"], row["to"], row["type"], row["status"], row["read"]) == (key, "bob", 5, 5, True)
    match(
        envelope([{"userId": "bob", "deliveredAtTime": int, "readAtTime": int, "status": 1}]),
        await ask(house, "alice", "GET", f"message/info?key={theirs}"),
    )


async def test_long_threads_are_paged_by_time(house: House) -> None:
    for number in range(61):
        await ask(house, "alice", "POST", "message/v2/send", json={"to": "bob", "message": str(number)})
    newest = await thread(house, "alice", "userId=bob&pageSize=50")
    assert [row["message"] for row in newest] == [str(number) for number in range(60, 10, -1)]
    rest = await thread(house, "alice", f"userId=bob&pageSize=50&endTime={newest[-1]['createdAtTime']}")
    assert [row["message"] for row in rest] == [str(number) for number in range(10, -1, -1)]


async def test_one_message_to_many(house: House) -> None:
    body = {"userNames": ["bob", "carol"], "messageObject": {"message": "x"}}
    match(envelope(), await ask(house, "alice", "POST", "message/v2/sendall", json=body))
    (one,), (two,) = [(await overview(house, user))["message"] for user in ("bob", "carol")]
    assert one["key"] != two["key"]
    assert {row["to"] for row in (await overview(house, "alice"))["message"]} == {"bob", "carol"}
    many = {"userNames": [f"user{number}" for number in range(51)], "messageObject": {"message": "y"}}
    match(failed("AL-M-01"), await ask(house, "alice", "POST", "message/v2/sendall", json=many))
    assert len((await overview(house, "alice"))["message"]) == 2


async def test_a_topic(house: House) -> None:
    wanted = {"topicId": "p1", "topicDetail": '{"title":"T"}', "userId": "bob", "status": "new"}
    made = (await ask(house, "alice", "POST", "conversation/v2/id", json=wanted))["response"]
    number = made["conversationPxy"]["id"]
    assert (made["type"], made["conversationPxy"]["created"]) == (0, True)
    body = {"to": "bob", "message": "about it", "conversationId": number}
    sent = await ask(house, "alice", "POST", "message/send", json=body)
    match({"messageKey": str, "createdAt": int, "conversationId": number}, sent)
    listed = await ask(house, "bob", "GET", f"message/v2/list?userId=alice&conversationId={number}")
    assert [(row["message"], row["conversationId"]) for row in listed["message"]] == [("about it", number)]
    assert [(topic["id"], topic["topicDetail"]) for topic in listed["conversationPxys"]] == [(number, '{"title":"T"}')]
    match(envelope(), await ask(house, "alice", "GET", f"conversation/close?id={number}"))
    assert await ask(house, "alice", "POST", "message/send", json=body) == "CONVERSATION_CLOSED"
    match(failed("AL-M-01", "CONVERSATION_CLOSED"), await ask(house, "alice", "POST", "message/v2/send", json=body))
    assert len((await ask(house, "bob", "GET", "message/v2/list?userId=alice"))["message"]) == 1


async def test_messages_are_deleted_for_one_and_for_all(house: House) -> None:
    keys = []
    for text in ("one", "two"):
        sent = await ask(house, "alice", "POST", "message/v2/send", json={"to": "bob", "message": text})
        keys.append(sent["messageKey"])
    assert await ask(house, "alice", "GET", f"message/delete?key={keys[0]}") == "success"
    assert [row["message"] for row in await thread(house, "alice", "userId=bob")] == ["two"]
    assert [row["message"] for row in await thread(house, "bob", "userId=alice")] == ["two", "one"]
    gone = await ask(house, "alice", "GET", f"message/v2/delete?key={keys[1]}&deleteForAll=true")
    match(envelope(), gone)
    assert await thread(house, "alice", "userId=bob") == []
    assert [row["message"] for row in await thread(house, "bob", "userId=alice")] == ["one"]


async def test_a_conversation_is_deleted_until_something_new_comes(house: House) -> None:
    await ask(house, "alice", "POST", "message/v2/send", json={"to": "bob", "message": "one"})
    assert await ask(house, "bob", "GET", "message/delete/conversation") == "error"
    assert await ask(house, "bob", "GET", "message/delete/conversation?userId=alice") == "success"
    assert (await overview(house, "bob"))["message"] == []
    assert len((await overview(house, "alice"))["message"]) == 1
    await ask(house, "alice", "POST", "message/v2/send", json={"to": "bob", "message": "two"})
    assert [row["message"] for row in (await overview(house, "bob"))["message"]] == ["two"]
    assert [row["message"] for row in await thread(house, "bob", "userId=alice")] == ["two"]


async def test_an_administrator_deletes_what_a_user_has(house: House) -> None:
    await ask(house, "alice", "POST", "message/v2/send", json={"to": "bob", "message": "one"})
    match(envelope(), await ask_as_bot(house, "alice", "POST", "user/messages/delete?days=0"))
    assert (await overview(house, "alice"))["message"] == []
    assert len((await overview(house, "bob"))["message"]) == 1
