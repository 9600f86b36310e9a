"""Chat clients and users of other dialects: what one sends, the other reads."""

from base64 import b64decode
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest

from adapters import chat21
from core.model import Box
from tests.adapters.chat21.conftest import signed as token
from tests.adapters.chat21.conftest import stock_claims
from tests.adapters.ozeki.chat_client import ChatClient, plain, said
from tests.adapters.ozeki.chats import api_key, befriend, chat_house, logged_in
from tests.adapters.ozeki.conftest import basic
from tests.harness import House, serve
from tests.servers import Engine


@pytest.fixture
async def house(embedded_engine: Engine) -> AsyncIterator[House]:
    async with chat_house(embedded_engine, [chat21.create({})]) as house:
        yield house


async def ask(house: House, user: str, method: str, path: str, **body: Any) -> Any:
    """What Chat21 answers a user."""
    application = house.application("chat21")
    headers = {"Authorization": token(application.credentials[0].secret, stock_claims(user, application.name))}
    url = f"/api/{application.name}/{path}"
    response = await house.client.request(method, url, json=body or None, headers=headers)
    assert response.status_code in (200, 201), response.text
    return response.json()


async def send(house: House, sender: str, recipient: str, **fields: Any) -> None:
    body = {"sender_fullname": sender, "recipient_id": recipient, "recipient_fullname": recipient, **fields}
    await ask(house, sender, "POST", "messages", **body)


async def read(house: House, user: str, other: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = (await ask(house, user, "GET", f"{user}/conversations/{other}/messages"))["result"]
    return rows[::-1]


async def test_a_message_of_another_dialect_is_read_in_plain(house: House) -> None:
    (alice,) = await logged_in(house, "alice")
    await send(house, "bob", "alice", text="hello", attributes={"order": 5})
    (row,) = await alice.conversations()
    got = await alice.download(row)
    assert said(got) == ["hello"]
    fields = orjson.loads(b64decode(got["messages"][0]["Data"]))
    (other,) = [user for user in row["participantids"] if user != alice.user]
    assert (fields["sender"], fields["sendername"], fields["extension"]) == (other, "bob", {"order": 5})
    assert got["messages"][0]["ID"] == row["lastmessageid"]
    assert alice.losses == ""
    # It has an id of ours, which is a cursor as any other.
    house.manual_clock.move(10)
    await send(house, "bob", "alice", text="again")
    assert said(await alice.download(row, firstmessageid=row["lastmessageid"])) == ["hello", "again"]
    answer = await alice.ask("conversation", "add", conversationid=row["id"], message=got["messages"][0])
    assert answer["message"]["ID"] == row["lastmessageid"]
    assert len(await read(house, "bob", "alice")) == 2


async def test_a_message_of_a_chat_client_is_read_elsewhere(house: House) -> None:
    (alice,) = await logged_in(house, "alice")
    await send(house, "bob", "alice", text="hello")
    (row,) = await alice.conversations()
    await alice.add(row, plain("an answer", extension={"order": 6}))
    assert alice.losses == ""
    await alice.add(row, "uwR...A==")
    assert alice.losses == "Data: kept as it is, other dialects show a placeholder"
    _, answer, secret = await read(house, "bob", "alice")
    assert (answer["text"], answer["sender"], answer["attributes"]) == ("an answer", "alice", {"order": 6})
    assert (secret["text"], secret["type"]) == ("[encrypted message]", "encrypted")
    assert "uwR" not in str(secret)


async def test_what_came_another_way_is_left_out_in_opaque(embedded_engine: Engine) -> None:
    async with chat_house(embedded_engine, [chat21.create({})], codec=None) as house:
        alice, carol = await logged_in(house, "alice", "carol")
        await befriend(house, "alice", "carol")
        row = await alice.conversation(carol.user)
        message = await alice.add(row, plain("hello"))
        assert alice.losses == "Data: kept as it is, other dialects show a placeholder"
        await send(house, "alice", "carol", text="from elsewhere")
        assert await carol.download(row) == {"messages": [message], "reports": []}
        assert carol.losses == "messages: left out, they came from other dialects and the codec is opaque"


async def test_reading_archiving_and_hiding_are_seen_on_both_sides(house: House) -> None:
    (alice,) = await logged_in(house, "alice")
    await send(house, "bob", "alice", text="hello")
    (row,) = await alice.conversations()
    key, peer = await house.core.users.keys(house.tenant, ["alice", "bob"])
    conversations = house.core.conversations
    found = await conversations.direct(house.tenant, key, "bob")
    assert found is not None
    assert (found.unread, found.is_new) == (1, True)
    here = {"conversationid": row["id"], "instance": row["instance"]}
    await alice.ask("reports", "viewed", **here, messageids=[row["lastmessageid"]])
    assert (await ask(house, "alice", "GET", "alice/conversations"))["result"][0]["is_new"] is False
    await alice.ask("conversation", "hide", conversationid=row["id"], hideid="x")
    assert (await ask(house, "alice", "GET", "alice/conversations"))["result"] == []
    await alice.ask("conversation", "unhide", conversationid=row["id"])
    assert len((await ask(house, "alice", "GET", "alice/conversations"))["result"]) == 1
    await ask(house, "alice", "DELETE", "conversations/bob")
    assert (await conversations.whole(house.tenant, key, ["bob"]))[0].box is Box.ARCHIVED  # type: ignore[union-attr]
    (row,) = await alice.conversations()
    assert row["properties"][0]["hideid"] == f"{row['instance']};{row['lastmessageid']}"
    await send(house, "bob", "alice", text="news")
    (row,) = await alice.conversations()
    assert row["properties"][0]["hideid"] == ""
    await alice.ask("conversation", "mute", conversationid=row["id"])
    await alice.ask("conversation", "favorite", conversationid=row["id"])
    found = await conversations.direct(house.tenant, key, "bob")
    assert found is not None
    assert (found.marks.muted_until, found.marks.favourite) == (-1, True)
    await house.core.conversations.mark(
        house.tenant, key, "bob", muted_until=house.clock.now() + 1_000, favourite=False
    )
    (row,) = await alice.conversations()
    assert (row["mutedby"], row["favoriteby"]) == ([alice.user], [])
    house.manual_clock.move(1_001)
    assert (await alice.conversations())[0]["mutedby"] == []
    assert peer.id == "bob"


async def test_deleting_it_for_oneself_begins_it_anew_for_that_user(house: House) -> None:
    (alice,) = await logged_in(house, "alice")
    await send(house, "bob", "alice", text="hello")
    (row,) = await alice.conversations()
    key = await house.core.users.key(house.tenant, "alice")
    await house.core.conversations.clear(house.tenant, key, "bob")
    await send(house, "bob", "alice", text="later")
    (now,) = await alice.conversations()
    assert now["instance"] != row["instance"]
    assert said(await alice.download(row, firstmessageid=row["lastmessageid"])) == ["later"]


async def test_an_http_user_and_a_chat_client_write_to_each_other(house: House) -> None:
    (alice,) = await logged_in(house, "alice")
    application = house.application("ozeki")
    password = next(each.secret for each in application.credentials if each.kind == "http_user")
    headers = {"Authorization": basic("http_user", password)}
    message = {"message_id": "1", "to_address": f"alice@{application.name}@%", "text": "An alert"}
    response = await house.client.post("/api?action=sendmsg", json={"messages": [message]}, headers=headers)
    assert response.json()["data"]["success_count"] == 1, response.text
    (row,) = await alice.conversations()
    assert said(await alice.download(row)) == ["An alert"]
    await alice.add(row, plain("Thanks"))
    response = await house.client.get("/api?action=receivemsg&folder=inbox", headers=headers)
    assert [each["text"] for each in response.json()["data"]["data"]] == ["Thanks"]


async def test_a_message_to_one_station_is_read_there_alone(house: House) -> None:
    desk, phone = ChatClient(house.client, api_key(house, "alice")), ChatClient(house.client, api_key(house, "alice"))
    await desk.log_in()
    await phone.log_in()
    application = house.application("ozeki")
    password = next(each.secret for each in application.credentials if each.kind == "http_user")
    headers = {"Authorization": basic("http_user", password)}
    for station in (phone.station, "%"):
        message = {"message_id": station, "to_address": f"alice@{application.name}@{station}", "text": station}
        response = await house.client.post("/api?action=sendmsg", json={"messages": [message]}, headers=headers)
        assert response.json()["data"]["success_count"] == 1, response.text
        house.manual_clock.move(10)
    (row,) = await phone.conversations()
    assert said(await phone.download(row)) == [phone.station, "%"]
    assert said(await desk.download(row)) == ["%"]


async def test_two_stations_talk_over_http(house: House) -> None:
    async with serve(house.app) as url, httpx.AsyncClient(base_url=url) as http:
        alice, bob = ChatClient(http, api_key(house, "alice")), ChatClient(http, api_key(house, "bob"))
        for client in (alice, bob):
            answer = await client.log_in("/ozeki/index.php")
            assert answer["urls"]["conversation"] == f"{url}/ozeki/index.php?srv=chatserver&api=chatconversation"
            assert answer["listeners"]["ws"] == "ws://127.0.0.1:9011"
        await befriend(house, "alice", "bob")
        await bob.ask("availability", "useravailable")
        friends = await alice.ask("friends", "list")
        assert friends["friends"] == {bob.user: "bob"}
        row = await alice.conversation(bob.user)
        sent = [await alice.add(row, data) for data in ("one", "two")]
        assert (await bob.notification())["conversationchangedof"] == [row["id"]]
        theirs = await bob.conversation(alice.user)
        assert (await bob.download(theirs))["messages"] == sent
        here = {"conversationid": row["id"], "instance": row["instance"]}
        await bob.ask("reports", "viewed", **here, messageids=[message["ID"] for message in sent])
        assert (await alice.notification())["conversationchangedof"] == [row["id"]]
        got = await alice.download(row, firstmessageid=sent[1]["ID"])
        assert got["messages"] == sent[1:]
        assert [report["MessageID"] for report in got["reports"]] == [message["ID"] for message in sent]
        await alice.ask("conversation", "clear", **here)
        assert (await bob.download(theirs)) == {"messages": [], "reports": []}
