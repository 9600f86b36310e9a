"""Deleting: for the caller alone, for all, by conversation, by age."""

import pytest

from core.imports import Import
from core.model import Message, Text
from tests.adapters.applozic.conftest import ask, ask_as_bot, envelope, failed
from tests.adapters.applozic.test_lists import group, listed, said, send
from tests.harness import NOON, House, match

DAY = 86_400_000


async def test_a_message_goes_for_the_caller_by_either_key(house: House) -> None:
    keys = [await send(house, "alice", to="bob", message=str(number)) for number in range(3)]
    assert await ask(house, "bob", "GET", f"message/delete?key={keys[0]}&userId=alice") == "success"
    assert await ask(house, "bob", "GET", f"message/delete?key=4{keys[1][1:]}") == "success"
    assert await said(house, "bob", "userId=alice") == ["2"]
    assert await said(house, "alice", "userId=bob") == ["2", "1", "0"]
    for more in ("", "&deleteForAll=false", "&deleteForAll="):
        key = keys[2] if not more else await send(house, "alice", to="bob", message="more")
        match(envelope(), await ask(house, "alice", "GET", f"message/v2/delete?key={key}{more}"))
    assert await said(house, "alice", "userId=bob") == ["1", "0"]
    # The other one keeps it.
    assert await said(house, "bob", "userId=alice") == ["more", "more", "2"]
    for key in (keys[0], "nonsense", ""):
        assert await ask(house, "bob", "GET", f"message/delete?key={key}") == "error"
        match(failed("AL-M-01"), await ask(house, "bob", "GET", f"message/v2/delete?key={key}"))
    assert await ask(house, "carol", "GET", f"message/delete?key={keys[1]}") == "error"


async def test_a_message_goes_for_all_by_its_sender_alone(house: House) -> None:
    key = await send(house, "alice", to="bob", message="hi")
    path = f"message/v2/delete?key={key}&deleteForAll=true"
    match(failed("AL-UN-01"), await ask(house, "bob", "GET", path))
    match(failed("AL-M-01"), await ask(house, "carol", "GET", path))
    assert await said(house, "alice", "userId=bob") == ["hi"]
    match(envelope(), await ask(house, "alice", "GET", path))
    assert await said(house, "bob", "userId=alice") == []
    match(failed("AL-M-01"), await ask(house, "alice", "GET", path))


async def test_a_groups_admin_deletes_for_all(house: House) -> None:
    number = await group(house, "bob", "carol")
    keys = [await send(house, "bob", groupId=number, message=text) for text in ("one", "two")]
    match(failed("AL-UN-01"), await ask(house, "carol", "GET", f"message/v2/delete?key={keys[0]}&deleteForAll=true"))
    match(envelope(), await ask(house, "alice", "GET", f"message/v2/delete?key={keys[0]}&deleteForAll=true"))
    match(envelope(), await ask_as_bot(house, "carol", "GET", f"message/v2/delete?key={keys[1]}&deleteForAll=true"))
    assert await said(house, "bob", f"groupId={number}") == []


async def test_a_conversation_goes_for_the_caller(house: House) -> None:
    number = await group(house, "bob")
    await send(house, "alice", groupId=number, message="ours")
    await send(house, "alice", to="bob", message="mine")
    for query in (f"groupId={number}", "userId=alice", "userId=nobody-yet"):
        assert await ask(house, "bob", "GET", f"message/delete/conversation?{query}") == "success"
    assert (await listed(house, "bob"))["message"] == []
    assert sorted(await said(house, "alice")) == ["mine", "ours"]
    for query in ("", "userId=", "clientGroupId=none"):
        assert await ask(house, "bob", "GET", f"message/delete/conversation?{query}") == "error"


async def test_a_topic_goes_for_the_caller(house: House) -> None:
    made = (await ask(house, "alice", "POST", "conversation/v2/id", json={"topicId": "p", "userId": "bob"}))["response"]
    topic = made["conversationPxy"]["id"]
    for number in range(3):
        await send(house, "alice", to="bob", message=f"in it {number}", conversationId=topic)
    await send(house, "alice", to="bob", message="beside it")
    path = f"message/delete/conversation?userId=alice&conversationId={topic}"
    assert await ask(house, "bob", "GET", path) == "success"
    assert await said(house, "bob", "userId=alice") == ["beside it"]
    assert len(await said(house, "alice", "userId=bob")) == 4


async def test_everything_goes_for_the_caller(house: House) -> None:
    number = await group(house, "bob")
    await send(house, "alice", groupId=number, message="ours")
    for peer in ("bob", "carol", *(f"user{number}" for number in range(60))):
        await send(house, "alice", to=peer, message="mine")
    assert await ask(house, "alice", "GET", "message/delete/all") == "success"
    assert (await listed(house, "alice"))["message"] == []
    assert await said(house, "alice", "userId=carol") == []
    assert await said(house, "carol", "userId=alice") == ["mine"]
    assert await ask(house, "alice", "GET", "message/delete/all") == "success"


@pytest.mark.parametrize(
    "path", ["user/messages/delete?days=2", "message/delete?days=2", "user/messages/delete", "message/delete"]
)
async def test_what_is_older_than_some_days_goes_for_the_caller(house: House, path: str) -> None:
    alice, bob = await house.core.users.keys(house.tenant, ["alice", "bob"])
    old = [
        Import(str(days), NOON - days * DAY - 1, bob, Message("bob", Text(f"{days} days old"), "elsewhere"))
        for days in (1, 2, 3)
    ]
    await house.core.imports.direct(house.tenant, alice, bob, old)
    await send(house, "carol", to="alice", message="long ago")
    house.manual_clock.move(3 * DAY)
    await send(house, "carol", to="alice", message="now")
    await send(house, "bob", to="alice", message="now")
    house.manual_clock.move(-3 * DAY)
    body = {} if "?" in path else {"json": {"days": "2"}}
    match(envelope(), await ask(house, "alice", "POST", path, **body))
    assert await said(house, "alice", "userId=bob") == ["now", "1 days old"]
    assert await said(house, "alice", "userId=carol") == ["now", "long ago"]
    house.manual_clock.move(3 * DAY)
    match(envelope(), await ask(house, "alice", "POST", path, **body))
    assert await said(house, "alice", "userId=bob") == ["now"]
    assert await said(house, "alice", "userId=carol") == ["now"]
    assert len(await said(house, "bob", "userId=alice")) == 4


@pytest.mark.parametrize("query", ["", "days=", "days=-1", "days=many", "days=99999999999999999999"])
async def test_days_that_are_none_are_refused(house: House, query: str) -> None:
    await send(house, "alice", to="bob", message="hi")
    match(failed("AL-M-01"), await ask(house, "alice", "POST", f"user/messages/delete?{query}"))
    assert await said(house, "alice", "userId=bob") == ["hi"]
