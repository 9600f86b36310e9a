"""Downloads with the user's own document, cursors, and reports."""

from base64 import b64decode
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest
from msgspec import structs

from adapters.ozeki import downloads
from adapters.ozeki import reports as module_of_reports
from adapters.ozeki.codec import LEFT_OUT
from adapters.ozeki.reports import report_id, report_number
from core.files import file_reference
from core.ids import Ids, new_file_id
from core.messages import Query
from core.model import Image, Message, Text
from tests.adapters.ozeki.chat_client import ChatClient, plain, said
from tests.adapters.ozeki.chats import chat_house, talking
from tests.adapters.ozeki.documented import MESSAGES, TIMES, happened, report, reports, send
from tests.harness import House, match
from tests.servers import Engine


@pytest.fixture(params=["opaque", "plain"])
async def house(embedded_engine: Engine, request: pytest.FixtureRequest) -> AsyncIterator[House]:
    async with chat_house(embedded_engine, codec=request.param, show_stations=True) as house:
        house.manual_clock.move((TIMES[0] - 60) * 1000 - house.clock.now())
        yield house


async def as_documented(house: House) -> tuple[ChatClient, ChatClient, dict[str, Any]]:
    """Alice, the Administrator, and their conversation as it was when the document was written."""
    alice, bob, conversation = await talking(house)
    await happened(house, alice, bob, conversation)
    return alice, bob, conversation


async def test_the_documented_download(house: House) -> None:
    alice, bob, conversation = await as_documented(house)
    everything = await alice.download(conversation)
    match({"messages": MESSAGES, "reports": reports(alice, bob)}, everything)
    cursors = {
        "firstmessagedate": "2024-03-08 15:37:00",
        "firstmessageid": "dbe07fce-f6c7-43bb-8860-1dac3ed0cf77",
        "firstreportdate": "2024-03-08 15:37:02",
        "firstreportid": everything["reports"][0]["ID"],
    }
    for client in (alice, bob):
        assert await client.download(conversation, **cursors) == everything
    # A report's id that is the vendor's own, as in the document, is looked for by its date.
    vendors = {**cursors, "firstreportid": "5dea31d4-af66-4762-94a1-30fda603c6b7"}
    assert await alice.download(conversation, **vendors) == everything


@pytest.mark.parametrize(
    ("cursors", "messages", "after"),
    [
        ({}, 0, 0),
        ({"firstmessageid": "", "firstmessagedate": "", "firstreportid": "", "firstreportdate": ""}, 0, 0),
        ({"firstmessageid": MESSAGES[2]["ID"], "firstreportid": 1}, 2, 1),
        ({"firstmessageid": MESSAGES[3]["ID"], "firstreportid": 2}, 3, 2),
        ({"firstmessagedate": "2024-03-11 07:29:55", "firstreportdate": "2024-03-11 07:23:46"}, 2, 1),
        ({"firstmessagedate": "2024-03-11 07:29:56", "firstreportdate": "2024-03-11 07:30:06"}, 3, 3),
        # Of two that disagree the id counts.
        ({"firstmessageid": MESSAGES[1]["ID"], "firstmessagedate": "2030-01-01 00:00:00"}, 1, 0),
        # Cursors from elsewhere: unknown ids go by their dates, and what is no date is none.
        ({"firstmessageid": "8f34d3d8-2373-4707-8320-1382b46fb16d", "firstmessagedate": "2024-03-11 07:30:00"}, 3, 0),
        ({"firstmessageid": "not an id", "firstmessagedate": "yesterday", "firstreportid": 7}, 0, 0),
    ],
)
async def test_a_download_begins_with_its_cursors(
    house: House, cursors: dict[str, Any], messages: int, after: int
) -> None:
    alice, bob, conversation = await as_documented(house)
    ids = [row["ID"] for row in (await alice.download(conversation))["reports"]]
    number = cursors.get("firstreportid")
    if isinstance(number, int) and number < len(ids):
        cursors = {**cursors, "firstreportid": ids[number]}
    got = await alice.download(conversation, **cursors)
    match({"messages": MESSAGES[messages:], "reports": reports(alice, bob)[after:]}, got)


@pytest.mark.parametrize(
    ("cursors", "limit", "messages"),
    [
        ({}, 50, [0, 1, 2, 3]),
        ({}, 2, [2, 3]),
        ({"lastmessageid": MESSAGES[2]["ID"], "lastmessagedate": "2024-03-11 07:29:55"}, 2, [1, 2]),
        ({"lastmessageid": MESSAGES[0]["ID"]}, 50, [0]),
        ({"lastmessagedate": "2024-03-11 07:29:55"}, 50, [0, 1, 2]),
        ({"lastmessagedate": "2024-03-11 07:29:54"}, 50, [0, 1]),
        ({"lastmessagedate": "2020-01-01 00:00:00"}, 50, []),
        ({"lastmessageid": "8f34d3d8-2373-4707-8320-1382b46fb16d"}, 1, [3]),
    ],
)
async def test_a_partial_download_ends_with_its_cursor(
    house: House, cursors: dict[str, Any], limit: int, messages: list[int]
) -> None:
    alice, _bob, conversation = await as_documented(house)
    here = {"conversationid": conversation["id"], "instance": conversation["instance"]}
    got = await alice.ask("conversation", "downloadpartial", **here, **cursors, limit=limit)
    assert got["messages"] == [MESSAGES[number] for number in messages]


async def test_a_partial_download_has_the_reports_up_to_its_cursor_and_those_of_its_messages(house: House) -> None:
    alice, bob, conversation = await as_documented(house)
    here = {"conversationid": conversation["id"], "instance": conversation["instance"]}
    known = (await alice.download(conversation))["reports"]

    async def ids(**fields: Any) -> list[str]:
        got = await alice.ask("conversation", "downloadpartial", **here, **fields)
        return [row["ID"] for row in got["reports"]]

    assert await ids(limit=50) == [row["ID"] for row in known]
    assert await ids(limit=1) == [known[2]["ID"]]
    assert await ids(limit=1, lastmessageid=MESSAGES[0]["ID"], lastreportid=known[1]["ID"]) == [
        known[0]["ID"],
        known[1]["ID"],
    ]
    assert await ids(limit=1, lastmessageid=MESSAGES[2]["ID"], lastreportdate="2024-03-11 07:23:46") == [known[1]["ID"]]
    assert bob.user in [row["User"] for row in known]


@pytest.mark.parametrize("limit", [None, 0, -1, "50", 50.5, True, 10**18])
async def test_a_limit_that_is_none_is_fifty(house: House, limit: Any) -> None:
    alice, _, conversation = await as_documented(house)
    here = {"conversationid": conversation["id"], "instance": conversation["instance"]}
    got = await alice.ask("conversation", "downloadpartial", **here, limit=limit)
    assert got["messages"] == MESSAGES


@pytest.mark.parametrize("action", ["download", "downloadpartial"])
async def test_of_a_stale_instance_nothing_is_shown_but_what_is_there_now(house: House, action: str) -> None:
    alice, bob, conversation = await as_documented(house)
    here = {"conversationid": conversation["id"]}
    await bob.ask("conversation", "clear", **here, instance=conversation["instance"])
    now = await bob.conversation(alice.user)
    house.manual_clock.move(5_000)
    message = await bob.add(conversation, "new")  # into the present instance, whatever the client believes
    stale = {
        "firstmessageid": MESSAGES[3]["ID"],
        "firstmessagedate": "2030-01-01 00:00:00",
        "lastmessagedate": "2020-01-01 00:00:00",
    }
    for instance in (conversation["instance"], "", "nonsense"):
        got = await alice.ask("conversation", action, **here, instance=instance, **(stale if instance else {}))
        assert got == {"messages": [message], "reports": []}
    assert (await alice.conversation(bob.user))["instance"] == now["instance"]
    # Reports on what was there before do nothing.
    ids = [MESSAGES[0]["ID"]]
    assert await alice.ask("reports", "viewed", **here, instance=conversation["instance"], messageids=ids) == {}
    assert (await alice.download(now))["reports"] == []


async def test_each_message_that_is_named_has_its_report(house: House) -> None:
    alice, bob, conversation = await talking(house)
    for number in range(4):
        await send(alice, conversation, number)
    await send_own(bob, conversation)
    await report(bob, conversation, "viewed", 2, 0, 1)
    got = (await alice.download(conversation))["reports"]
    assert [(row["Type"], row["MessageID"]) for row in got] == [
        ("viewed", MESSAGES[number]["ID"]) for number in range(3)
    ]
    assert len({row["ID"] for row in got}) == 3
    key = await house.core.users.key(house.tenant, "bob")
    (found,) = await house.core.conversations.whole(house.tenant, key, ["alice"])
    assert found is not None
    assert found.unread == 1
    await report(bob, conversation, "viewed", 2, 0, 1)
    assert (await alice.download(conversation))["reports"] == got


async def send_own(client: ChatClient, conversation: dict[str, Any]) -> None:
    await client.add(conversation, "own")


async def test_a_sender_reports_nothing_of_the_own_messages(house: House) -> None:
    alice, _bob, conversation = await talking(house)
    await send(alice, conversation, 0)
    await report(alice, conversation, "viewed", 0)
    assert (await alice.download(conversation))["reports"] == []


async def test_a_report_of_what_is_not_there_is_an_error(house: House) -> None:
    alice, bob, conversation = await as_documented(house)
    here = {"conversationid": conversation["id"], "instance": conversation["instance"]}
    for names, text in (
        (["8f34d3d8-2373-4707-8320-1382b46fb16d"], "The conversation has no such message"),
        ("470fa27b", "messageids must be a list of ids"),
        ([1], "messageids must be a list of ids"),
        (None, "messageids must be a list of ids"),
    ):
        answer = await bob.call("reports", "viewed", **here, messageids=names)
        assert answer == {"status": "ERROR", "errormessage": text}
    assert await bob.ask("reports", "viewed", **here, messageids=[]) == {}
    assert len((await alice.download(conversation))["reports"]) == 3


async def test_the_report_token_changes_with_each_report(house: House) -> None:
    alice, bob, conversation = await talking(house)
    tokens = {conversation["lastreportid"]}
    for number in range(3):
        await send(alice, conversation, number)
        await report(bob, conversation, "viewed", number)
        row = await alice.conversation(bob.user)
        tokens.add(row["lastreportid"])
        assert row["lastreportid"] == (await bob.conversation(alice.user))["lastreportid"]
    assert len(tokens) == 4
    assert {len(token) for token in tokens} == {0, 32}


async def test_the_same_id_again_is_the_message_that_has_it(house: House) -> None:
    alice, bob, conversation = await talking(house)
    here = {"conversationid": conversation["id"], "instance": conversation["instance"]}
    await send(alice, conversation, 0)
    head = {name: value for name, value in MESSAGES[0].items() if name != "Data"}
    other = {**MESSAGES[0], "Created": "2024-03-09 00:00:00", "Data": "other"}
    for client, days in ((alice, 0), (bob, 0), (alice, 3), (bob, 3)):
        house.manual_clock.move(days * 86_400_000)
        answer = await client.ask("conversation", "add", **here, message=other)
        assert answer == {"message": head}
        assert (await bob.download(conversation))["messages"] == MESSAGES[:1]
    # Once the conversation was cleared it is another one, as the vendor's instances are; what was sent before it was cleared and comes
    # late, too.
    cleared = (await bob.ask("conversation", "clear", **here))["conversation"]
    for _ in range(2):
        assert (await alice.ask("conversation", "add", **here, message=other))["message"]["Created"] == other["Created"]
    assert (await bob.download(cleared))["messages"] == [other]
    # In another conversation it is another message.
    carol = await house.core.users.key(house.tenant, "carol")
    await house.core.relations.add(house.tenant, await house.core.users.key(house.tenant, "alice"), [carol])
    (empty,) = [row for row in await alice.conversations() if row["id"] != conversation["id"]]
    await send(alice, empty, 0)
    assert (await alice.download(empty))["messages"] == MESSAGES[:1]


async def test_many_messages_come_whole(house: House) -> None:
    alice, bob, conversation = await talking(house)
    key, peer = await house.core.users.keys(house.tenant, ["alice", "bob"])
    sent: list[dict[str, Any]] = []
    for _ in range(620):
        house.manual_clock.move(1)
        sent.append(await alice.add(conversation, plain(str(len(sent)))))
    got = await bob.download(conversation)
    assert got["messages"] == sent
    here = {"conversationid": conversation["id"], "instance": conversation["instance"]}
    got = await bob.ask("conversation", "downloadpartial", **here, limit=600)
    assert got["messages"] == sent[-600:]
    assert said(await bob.download(conversation, firstmessageid=sent[615]["ID"])) == [str(n) for n in range(615, 620)]
    assert key.number != peer.number


async def test_large_messages_leave_the_others_for_the_next_time(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or whoever sends a thousand of a megabyte takes the memory of who reads them."""
    for module, name, value in (
        (downloads, "_MAXIMUM_BYTES", 5_000),
        (downloads, "_PAGE", 2),
        (module_of_reports, "_MESSAGES_AT_ONCE", 2),
    ):
        monkeypatch.setattr(module, name, value)
    alice, bob, conversation = await talking(house)
    sent = []
    for number in range(12):
        house.manual_clock.move(1000)
        sent.append(await alice.add(conversation, plain(str(number) + "x" * 1_000)))
    here = {"conversationid": conversation["id"], "instance": conversation["instance"]}
    await bob.ask("reports", "viewed", **here, messageids=[message["ID"] for message in sent])
    seen = (await bob.download(conversation))["messages"]
    while len(seen) < len(sent):
        got = await bob.download(conversation, firstmessageid=seen[-1]["ID"])
        assert 2 <= len(got["messages"]) <= 4
        assert [row["MessageID"] for row in got["reports"]] == [message["ID"] for message in sent]
        seen += got["messages"][1:]
    assert seen == sent
    got = await bob.ask("conversation", "downloadpartial", **here, limit=10)
    assert got["messages"] == sent[-len(got["messages"]) :]
    assert 2 <= len(got["messages"]) <= 4


async def test_a_page_that_was_read_before_is_read_anew_when_anything_of_it_changed(house: House) -> None:
    core, tenant = house.core, house.tenant
    alice, bob, conversation = await talking(house)
    here = {"conversationid": conversation["id"], "instance": conversation["instance"]}
    sent = []
    for number in range(4):
        house.manual_clock.move(1)
        sent.append(await alice.add(conversation, plain(str(number))))

    async def seen(client: ChatClient) -> tuple[list[int], list[str]]:
        answer = await client.ask("conversation", "downloadpartial", **here)
        assert await client.ask("conversation", "downloadpartial", **here) == answer
        reports = [row["MessageID"] for row in answer["reports"]]
        return [sent.index(message) for message in answer["messages"]], reports

    assert await seen(alice) == await seen(bob) == ([0, 1, 2, 3], [])
    await bob.ask("reports", "viewed", **here, messageids=[sent[1]["ID"]])
    assert await seen(alice) == await seen(bob) == ([0, 1, 2, 3], [sent[1]["ID"]])
    key = await core.users.key(tenant, "bob")
    stored = [row.id for row in (await core.messages.direct_page(tenant, "alice", "bob", Query(10))).messages][::-1]
    sent[1]["Data"] = plain("edited")
    leftovers = {**(await own_leftovers(house, stored[1])), "Data": sent[1]["Data"]}
    await core.messages.edit(tenant, stored[1], lambda old: structs.replace(old, leftovers=leftovers))
    assert await seen(alice) == await seen(bob) == ([0, 1, 2, 3], [sent[1]["ID"]])
    await core.messages.hide(tenant, key, [stored[0]])
    assert (await seen(alice), await seen(bob)) == (([0, 1, 2, 3], [sent[1]["ID"]]), ([1, 2, 3], [sent[1]["ID"]]))
    await core.messages.recall(tenant, stored[2])
    assert (await seen(alice), await seen(bob)) == (([0, 1, 3], [sent[1]["ID"]]), ([1, 3], [sent[1]["ID"]]))
    sent.append(await bob.add(conversation, plain("4")))
    assert (await seen(alice), await seen(bob)) == (([0, 1, 3, 4], [sent[1]["ID"]]), ([1, 3, 4], [sent[1]["ID"]]))
    for client in (alice, bob) * 2:  # read from the beginning, it is in the same order
        everything = await client.ask("conversation", "downloadpartial", **here)
        assert await client.download(conversation) == await client.download(conversation) == everything


async def own_leftovers(house: House, message: int) -> dict[str, Any]:
    stored = await house.core.messages.get(house.tenant, message)
    assert stored is not None
    return stored.message.leftovers or {}


async def test_files_are_where_each_reader_called(embedded_engine: Engine) -> None:
    async with chat_house(embedded_engine) as house:
        _, bob, conversation = await talking(house)
        sender, recipient = await house.core.users.keys(house.tenant, ("alice", "bob"))
        message = Message("alice", Image(file_reference(new_file_id(house.tenant.number))), "elsewhere")
        for reference in ("one", "two"):
            await house.core.messages.send_direct(house.tenant, sender, [recipient], message, reference)
        address = urlsplit(bob.login_answer["urls"]["conversation"])
        for host in ("one.test", "two.test:81") * 3:
            body = {"action": "downloadpartial", "conversationid": conversation["id"]}
            answer = await bob.post(f"{address.path}?{address.query}", body, {**bob.headers, "Host": host})
            shown = [orjson.loads(b64decode(row["Data"]))["content"]["url"] for row in answer["messages"]]
            assert len(shown) == 2
            assert all(url.startswith(f"http://{host}/api?") for url in shown)


async def test_what_the_codec_leaves_out_stays_out(embedded_engine: Engine) -> None:
    async with chat_house(embedded_engine, codec="opaque") as house:
        alice, bob, conversation = await talking(house)
        here = {"conversationid": conversation["id"], "instance": conversation["instance"]}
        own = await alice.add(conversation, plain("own"))
        sender, recipient = await house.core.users.keys(house.tenant, ("alice", "bob"))
        message = Message("alice", Text("hi"), "elsewhere")
        await house.core.messages.send_direct(house.tenant, sender, [recipient], message, "one")
        await house.core.conversations.read(house.tenant, recipient, "alice")
        for _ in range(3):
            answer = await bob.ask("conversation", "downloadpartial", **here)
            assert answer["messages"] == [own]
            assert bob.losses == LEFT_OUT
            # A report on what is left out is there none the less.
            assert len(answer["reports"]) == 1


async def test_reports_of_another_dialect_are_on_the_last_message(house: House) -> None:
    alice, bob, conversation = await talking(house)
    for number in range(3):
        await send(alice, conversation, number)
    key = await house.core.users.key(house.tenant, "bob")
    await house.core.conversations.read(house.tenant, key, "alice")
    (row,) = (await alice.download(conversation))["reports"]
    assert (row["MessageID"], row["User"], row["Type"]) == (MESSAGES[2]["ID"], bob.user, "viewed")
    assert len(row["Station"]) == 32


async def test_stations_of_others_are_veiled_by_default(embedded_engine: Engine) -> None:
    async with chat_house(embedded_engine) as house:
        alice, bob, conversation = await talking(house)
        for number in range(2):
            await send(alice, conversation, number)
            await report(bob, conversation, "viewed", number)
        theirs = [row["Station"] for row in (await alice.download(conversation))["reports"]]
        assert [row["Station"] for row in (await bob.download(conversation))["reports"]] == [bob.station] * 2
        assert len(set(theirs)) == 1
        assert bob.station not in theirs
        found, _, _ = await house.core.receipts.reports(house.tenant, "alice", "bob")
        assert bob.station not in str(found)
        mallory = ChatClient(house.client, "", theirs[0])
        mallory.user, mallory.login_answer = bob.user, bob.login_answer
        answer = await mallory.call("conversation", "list")
        assert answer == {"status": "ERROR", "errormessage": "Nobody has logged in at this station"}


def test_ids_of_reports_lead_back_in_their_conversation_alone() -> None:
    ids = Ids(b"x" * 32, 1)
    for conversation in (1, 1 << 31, (1 << 32) - 1):
        for number in (1, 2, (1 << 27) - 1):
            text = report_id(ids, conversation, number)
            assert report_number(ids, conversation, text) == number
            assert report_number(ids, conversation ^ 1, text) is None
            assert report_number(Ids(b"y" * 32, 1), conversation, text) is None
    assert report_number(ids, 1, ids.uuid(1 << 62 | 5)) is None
    assert report_number(ids, 1, "5dea31d4-af66-4762-94a1-30fda603c6b7") is None
