"""What stations are told of, once."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from core.model import Box, Message, Text
from tests.adapters.ozeki.chat_client import ChatClient, plain
from tests.adapters.ozeki.chats import api_key, chat_house, talking
from tests.harness import House
from tests.servers import Engine

NOTHING: dict[str, list[str]] = {
    "friendavailabilitesof": [],
    "conversationchangedof": [],
    "conversationlistchangedof": [],
}


@pytest.fixture
async def house(embedded_engine: Engine) -> AsyncIterator[House]:
    async with chat_house(embedded_engine) as house:
        yield house


async def second_station(house: House, client: ChatClient, name: str) -> ChatClient:
    other = ChatClient(house.client, api_key(house, name))
    await other.log_in()
    assert other.user == client.user
    return other


def told(conversation: dict[str, Any], **others: list[str]) -> dict[str, list[str]]:
    return {**NOTHING, "conversationchangedof": [conversation["id"]], **others}


async def test_who_was_told_is_told_nothing_again(house: House) -> None:
    alice, bob, conversation = await talking(house)
    for client in (alice, bob):
        assert await client.notification() == NOTHING
    await alice.add(conversation, "1")
    # The first message there is changes the list, too.
    assert await bob.notification() == told(conversation, conversationlistchangedof=[bob.user])
    assert await bob.notification() == NOTHING
    house.manual_clock.move(3_000)
    await alice.add(conversation, "2")
    assert await bob.notification() == told(conversation)
    assert await bob.notification() == NOTHING
    for days in (1, 2):
        house.manual_clock.move(days * 60_000)
        assert await bob.notification() == NOTHING


async def test_the_station_that_sent_is_not_told_but_the_users_others_are(house: House) -> None:
    alice, bob, conversation = await talking(house)
    desk = await second_station(house, alice, "alice")
    await alice.add(conversation, "1")
    assert await alice.notification() == NOTHING
    assert await desk.notification() == told(conversation, conversationlistchangedof=[alice.user])
    house.manual_clock.move(3_000)
    await bob.add(conversation, "2")
    await alice.add(conversation, "3")
    assert await alice.notification() == told(conversation)
    assert await desk.notification() == told(conversation)
    assert await bob.notification() == told(conversation, conversationlistchangedof=[bob.user])


async def test_a_station_that_sends_a_lot_is_told_of_none_of_it(house: House) -> None:
    alice, bob, conversation = await talking(house)
    for number in range(50):
        house.manual_clock.move(number)
        await alice.add(conversation, str(number))
        assert await alice.notification() == NOTHING
    await bob.add(conversation, "x")
    assert await alice.notification() == told(conversation)


async def test_messages_of_other_workers_that_come_late_are_told(house: House) -> None:
    alice, bob, conversation = await talking(house)
    await alice.add(conversation, "1")
    await bob.notification()
    carol, key = await house.core.users.keys(house.tenant, ["carol", "bob"])
    house.manual_clock.move(3_000)
    assert await bob.notification() == NOTHING
    house.manual_clock.move(-1_500)  # that of a worker whose clock is behind
    await house.core.messages.send_direct(house.tenant, carol, [key], Message("carol", Text("hi"), "plain"), "client:1")
    house.manual_clock.move(1_500)
    answer = await bob.notification()
    assert len(answer["conversationchangedof"]) == 1
    assert await bob.notification() == NOTHING


async def test_reports_are_told_to_all_but_the_station_that_made_them(house: House) -> None:
    alice, bob, conversation = await talking(house)
    phone = await second_station(house, bob, "bob")
    message = await alice.add(conversation, "1")
    for client in (alice, bob, phone):
        await client.notification()
    house.manual_clock.move(3_000)
    here = {"conversationid": conversation["id"], "instance": conversation["instance"]}
    await bob.ask("reports", "viewed", **here, messageids=[message["ID"]])
    assert await bob.notification() == NOTHING
    for client in (alice, phone):
        assert await client.notification() == told(conversation)


@pytest.mark.parametrize("action", ["mute", "favorite", "hide", "unhide", "setlistitembackgroundcolor", "unmute"])
async def test_what_a_user_notes_is_told_to_the_users_other_stations(house: House, action: str) -> None:
    alice, bob, conversation = await talking(house)
    desk = await second_station(house, alice, "alice")
    await alice.ask("conversation", action, conversationid=conversation["id"], hideid="x", color="#123456")
    assert await alice.notification() == NOTHING
    assert await bob.notification() == NOTHING
    assert await desk.notification() == {**NOTHING, "conversationlistchangedof": [alice.user]}
    assert await desk.notification() == NOTHING


async def test_clearing_is_told_to_all(house: House) -> None:
    alice, bob, conversation = await talking(house)
    desk = await second_station(house, alice, "alice")
    await alice.add(conversation, "1")
    for client in (alice, bob, desk):
        await client.notification()
    house.manual_clock.move(3_000)
    await alice.ask("conversation", "clear", conversationid=conversation["id"])
    assert await alice.notification() == NOTHING
    assert await desk.notification() == told(conversation, conversationlistchangedof=[alice.user])
    assert await bob.notification() == told(conversation, conversationlistchangedof=[bob.user])


async def test_what_happens_in_other_dialects_is_told_too(house: House) -> None:
    alice, bob, conversation = await talking(house)
    await alice.add(conversation, plain("hi"))
    for client in (alice, bob):
        await client.notification()
    house.manual_clock.move(3_000)
    key, peer = await house.core.users.keys(house.tenant, ["bob", "alice"])
    await house.core.messages.send_direct(house.tenant, key, [peer], Message("bob", Text("hi"), "plain"), "client:1")
    for client in (alice, bob):
        assert await client.notification() == told(conversation)
    house.manual_clock.move(3_000)
    await house.core.conversations.read(house.tenant, key, "alice")
    for client in (alice, bob):
        assert await client.notification() == told(conversation)
    house.manual_clock.move(3_000)
    await house.core.conversations.put(house.tenant, key, "alice", Box.ARCHIVED)
    assert await bob.notification() == {**NOTHING, "conversationlistchangedof": [bob.user]}
    assert await alice.notification() == NOTHING


async def test_friends_availability_is_told_to_who_was_shown_them(house: House) -> None:
    alice, bob, _ = await talking(house)
    await bob.ask("availability", "useravailable")
    assert await alice.notification() == NOTHING
    await alice.ask("friends", "list")
    assert await alice.notification() == NOTHING
    changed = {**NOTHING, "friendavailabilitesof": [bob.user]}
    for action in ("useraway", "userunavailable", "useravailable"):
        await bob.ask("availability", action)
        assert await alice.notification() == changed
        assert await alice.notification() == NOTHING
    house.manual_clock.move(300_000)  # nobody heard of Bob's station any more
    assert await alice.notification() == changed
    assert await alice.notification() == NOTHING


async def test_who_asks_stays_available(house: House) -> None:
    alice, bob, _ = await talking(house)
    await bob.ask("availability", "userbusy")
    await alice.ask("friends", "list")
    for _ in range(5):
        house.manual_clock.move(200_000)
        assert await bob.notification() == NOTHING
        assert await alice.notification() == NOTHING


async def test_a_new_login_begins_with_what_is_there(house: House) -> None:
    alice, bob, conversation = await talking(house)
    await alice.add(conversation, "1")
    await bob.log_in()
    assert await bob.notification() == NOTHING


async def test_after_days_the_list_is_to_be_read_anew(house: House) -> None:
    alice, bob, conversation = await talking(house)
    await alice.add(conversation, "1")
    await bob.notification()
    house.manual_clock.move(2 * 86_400_000)
    assert await bob.notification() == {**NOTHING, "conversationlistchangedof": [bob.user]}
    assert await bob.notification() == NOTHING


async def test_a_station_alone_is_enough_and_a_strangers_is_none(house: House) -> None:
    alice, _bob, _ = await talking(house)
    body = {"action": "download", "clientversioncode": 3, "timestamp": ""}
    url = "/?srv=chatserver&api=chatnotification"
    station = {"Ozeki-Station": alice.station}
    assert (await alice.post(url, body, station))["status"] == "OK"
    assert (await alice.post(url, body, {**station, "Ozeki-User": alice.user}))["status"] == "OK"
    stranger = await alice.post(url, body, {**station, "Ozeki-User": alice.user[::-1]})
    assert stranger == {"status": "ERROR", "errormessage": "Ozeki-User did not log in at this station"}
    stranger = await alice.post(url, body, {"Ozeki-Station": alice.station[::-1]})
    assert stranger == {"status": "ERROR", "errormessage": "Nobody has logged in at this station"}
