"""Folders: what lies in which, and what deleting and marking do."""

import re
from typing import Any

import pytest

from adapters.ozeki import folders
from core.membership import Check
from core.messages import Query
from core.model import Audience, Content, Custom, Event, File, Html, Message, MessageKind, Signal, Text
from tests.adapters.ozeki.conftest import AS_HTTP_USER, ask, folder, says, sent, texts
from tests.adapters.ozeki.test_json_api import DEFAULTS, UUID, refused
from tests.harness import House, Row, match

SOON = "2025-06-15 15:10:00"


async def test_the_inbox_shows_what_others_wrote_oldest_first(house: House) -> None:
    await sent(house, "ann", "from me")
    await says(house, "ann", "http_user", "one", extension={"a": "1"})
    await says(house, "bob", "http_user", "two")
    await says(house, "ann", "http_user", "three")
    await says(house, "ann", "bob", "not for me")
    rows = await folder(house)
    # Sent within one millisecond, so that of two conversations either may be first.
    assert sorted(row["text"] for row in rows) == ["one", "three", "two"]
    assert [row["text"] for row in rows if "ann" in row["from_address"]] == ["one", "three"]
    domain = house.names["domain"]
    first = next(row for row in rows if row["text"] == "one")
    match(
        {
            **DEFAULTS,
            "message_id": UUID,
            "from_address": f"ann@{domain}",
            "to_address": f"http_user@{domain}",
            "text": "one",
            "tags": [{"name": "a", "value": "1"}],
        },
        first,
    )
    assert None not in first.values()


async def test_the_envelope_of_a_folder(house: House) -> None:
    answer = await Row(
        "an empty inbox",
        "GET",
        "/api",
        200,
        {
            "http_code": 200,
            "response_code": "SUCCESS",
            "response_msg": str,
            "data": {"folder": "inbox", "limit": "1000", "data": []},
        },
        query={"action": "receivemsg", "folder": "inbox"},
        headers=AS_HTTP_USER,
    ).check(house)
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("given", "limit"), [("2", "2"), ("0", "1"), ("-3", "1"), ("99999", "1000"), ("x", "1000"), ("", "1000")]
)
async def test_a_limit_is_a_text_and_has_bounds(house: House, given: str, limit: str) -> None:
    data = await ask(house, "receivemsg", method="GET", limit=given)
    assert (data["folder"], data["limit"]) == ("inbox", limit)


async def test_large_messages_leave_the_others_for_the_next_time(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or whoever sends a thousand of a megabyte takes the memory of who reads them."""
    monkeypatch.setattr(folders, "_MAXIMUM_BYTES", 5_000)
    for name in ("_PAGE", "_PAGES_AT_ONCE"):
        monkeypatch.setattr(folders, name, 2)
    for number in range(30):
        house.manual_clock.move(1000)
        await says(house, f"user{number % 3}", "http_user", f"{number} " + "x" * (1_000 if number % 4 else 10))
    left = 30
    while left:
        rows = await folder(house)
        numbers = [int(row["text"].split()[0]) for row in rows]
        assert numbers == list(range(left - len(rows), left))
        assert 4 <= len(rows) <= 6 or len(rows) == left
        assert sum(len(row["text"]) for row in rows) <= 5_000
        left -= len(rows)
        await ask(house, "deletemsg", {"folder": "inbox", "message_ids": [row["message_id"] for row in rows]})
    await says(house, "ann", "http_user", "x" * 10_000)
    assert len(await folder(house)) == 1


async def test_the_newest_of_all_conversations_are_shown(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("_CONVERSATIONS", 2), ("_PAGE", 2), ("_PAGES_AT_ONCE", 2)):
        monkeypatch.setattr(folders, name, value)
    said = []
    for number in range(40):
        house.manual_clock.move(1000)
        await says(house, f"user{number * 7 % 9}", "http_user", str(number))
        await sent(house, f"user{number * 5 % 9}", f"my {number}")
        said.append(str(number))
    assert await texts(house) == said
    assert [row["text"] for row in await folder(house, limit="7")] == said[-7:]
    assert await texts(house, "sent") == [f"my {number}" for number in said]
    assert [row["text"] for row in await folder(house, "sent", limit="7")] == [f"my {number}" for number in said[-7:]]


async def test_sent_shows_what_was_sent_under_its_own_id(house: House) -> None:
    given: dict[str, Any] = {
        "message_id": "Mine-1",
        "valid_until": "2025-06-16T00:00:00",
        "from_address": "me",
        "tags": [],
    }
    row = await sent(house, "ann", "Hello", **given)
    (shown,) = await folder(house, "sent")
    assert {**shown, "status": "SUCCESS"} == row
    await sent(house, "ann", "No id")
    (_, second) = await folder(house, "sent")
    assert UUID.fullmatch(second["message_id"])
    assert second["from_address"] == f"http_user@{house.names['domain']}"
    assert second["to_address"] == "ann"
    assert await texts(house, "inbox") == []


async def test_each_http_user_has_folders_of_its_own(house: House) -> None:
    await sent(house, "alerts", "to alerts", message_id="1")
    await sent(house, "http_user", "to http_user", user="alerts", message_id="1")
    assert await texts(house) == ["to http_user"]
    assert await texts(house, user="alerts") == ["to alerts"]
    assert await texts(house, "sent") == ["to alerts"]
    assert (await ask(house, "deletemsg", {"folder": "sent", "message_ids": ["1"]}))["message_ids"] == ["1"]
    assert await texts(house, "sent") == []
    assert await texts(house, "sent", user="alerts") == ["to http_user"]


async def test_what_one_sends_to_oneself_is_sent(house: House) -> None:
    await sent(house, "http_user", "note")
    assert await texts(house, "sent") == ["note"]


async def test_reading_removes_nothing_and_deleting_does_for_the_user_alone(house: House) -> None:
    for text in ("one", "two", "three"):
        await says(house, "ann", "http_user", text)
    rows = await folder(house)
    assert await folder(house) == rows
    wanted = [rows[0]["message_id"], "nobody's", rows[2]["message_id"]]
    data = await ask(house, "deletemsg", {"folder": "inbox", "message_ids": wanted})
    assert data == {"folder": "inbox", "message_ids": [wanted[0], wanted[2]]}
    assert await texts(house) == ["two"]
    # Once more, nothing of it is there.
    assert (await ask(house, "deletemsg", {"folder": "inbox", "message_ids": wanted}))["message_ids"] == []
    page = await house.core.messages.direct_page(house.tenant, "ann", "http_user", Query(9, newest_first=False))
    assert len(page.messages) == 3


async def test_what_was_deleted_lies_in_deleted_until_it_is_deleted_there(house: House) -> None:
    await says(house, "ann", "http_user", "received")
    await sent(house, "ann", "sent", message_id="mine")
    kept = await folder(house) + await folder(house, "sent")
    for name, row in zip(("inbox", "sent"), kept, strict=True):
        done = await ask(house, "deletemsg", {"folder": name, "message_ids": [row["message_id"]]})
        assert done["message_ids"] == [row["message_id"]]
    assert await folder(house, "inbox") + await folder(house, "sent") == []
    assert await folder(house, "deleted") == kept
    assert await folder(house, "deleted", user="alerts") == []
    ids = [row["message_id"] for row in kept]
    assert (await ask(house, "markmsg", {"folder": "deleted", "message_ids": ids}))["message_ids"] == ids
    assert (await ask(house, "deletemsg", {"folder": "deleted", "message_ids": ["mine", "x"]}))["message_ids"] == [
        "mine"
    ]
    assert await folder(house, "deleted") == kept[:1]
    ann = await house.core.users.key(house.tenant, "ann")
    (stored,) = (await house.core.messages.direct_page(house.tenant, "ann", "http_user", Query(1), ann)).messages
    assert stored.message.content == Text("sent")
    # What is deleted for everybody is nobody's any more.
    number = house.core.ids(house.tenant).from_uuid(ids[0])
    assert number is not None
    await house.core.messages.recall(house.tenant, number)
    assert await folder(house, "deleted") == []


@pytest.mark.parametrize("ids", [[], None])
@pytest.mark.parametrize("name", ["inbox", "outbox", "sent", "notsent", "deleted"])
@pytest.mark.parametrize("action", ["deletemsg", "markmsg"])
async def test_nothing_is_deleted_or_marked_with_success(
    house: House, action: str, name: str, ids: list[str] | None
) -> None:
    assert await ask(house, action, {"folder": name, "message_ids": ids}) == {"folder": name, "message_ids": []}


async def test_messages_of_others_are_not_deleted(house: House) -> None:
    receipt = await says(house, "ann", "bob", "private")
    foreign = house.core.ids(house.tenant).uuid(receipt.id)
    assert (await ask(house, "deletemsg", {"folder": "inbox", "message_ids": [foreign]}))["message_ids"] == []
    page = await house.core.messages.direct_page(house.tenant, "ann", "bob", Query(9))
    assert len(page.messages) == 1


async def test_marking_tells_the_sender_that_it_was_read_and_keeps_the_message(house: House) -> None:
    await says(house, "ann", "http_user", "one")
    await says(house, "ann", "http_user", "two")
    first, second = await folder(house)
    data = await ask(house, "markmsg", {"folder": "inbox", "message_ids": [first["message_id"], "nobody's"]})
    assert data == {"folder": "inbox", "message_ids": [first["message_id"]]}
    (user,) = await house.core.users.keys(house.tenant, ["http_user"])
    overview = await house.core.conversations.direct(house.tenant, user, "ann")
    assert overview is not None
    assert (overview.read, overview.unread) == (1, 1)
    assert await folder(house) == [first, second]
    await ask(house, "markmsg", {"folder": "inbox", "message_ids": [second["message_id"]]})
    assert await folder(house) == [first, second]


async def test_what_waits_for_its_time_lies_in_the_outbox(house: House) -> None:
    row = await sent(house, "ann", "later", message_id="L1", time_to_send=SOON)
    assert (row["status"], row["time_to_send"]) == ("SUCCESS", SOON)
    await sent(house, "ann", "much later", time_to_send="2025-06-15 15:20:00")
    shown, other = await folder(house, "outbox")
    assert {**shown, "status": "SUCCESS"} == {"from_address": f"http_user@{house.names['domain']}", **row}
    assert UUID.fullmatch(other["message_id"])
    assert await texts(house, "sent") == []
    house.manual_clock.move(200_000)
    await house.core.due.round()
    assert await texts(house, "outbox") == ["much later"]
    assert await folder(house, "sent") == [shown]
    # It was sent by nobody's request, and is found by its id all the same.
    assert (await ask(house, "deletemsg", {"folder": "sent", "message_ids": ["L1"]}))["message_ids"] == ["L1"]
    assert await texts(house, "sent") == []


@pytest.mark.parametrize(
    ("created", "at", "waits"),
    [
        ("2025-06-15T23:06:40", "2025-06-15T23:06:40", False),
        ("2025-06-15T23:06:40", "2025-06-15T23:06:41", False),
        ("2025-06-15T15:06:40", "2025-06-15T15:06:42", True),
        ("2025-06-15T23:06:40", "2025-06-15T23:06:39", True),
        (None, "2025-06-15T15:06:41", True),
        (None, "2025-06-15T15:06:40", False),
        ("2025-06-14T07:06:40", "2025-06-14T07:06:40", False),
    ],
)
async def test_a_clients_clock_in_another_zone_makes_no_message_wait(
    house: House, created: str | None, at: str, waits: bool
) -> None:
    await sent(house, "ann", "Hello", create_date=created, time_to_send=at)
    assert await texts(house, "outbox" if waits else "sent") == ["Hello"]


async def test_what_is_taken_out_of_the_outbox_is_not_sent(house: House) -> None:
    await sent(house, "ann", "one", message_id="1", time_to_send=SOON)
    await sent(house, "ann", "two", message_id="2", time_to_send=SOON)
    assert (await ask(house, "markmsg", {"folder": "outbox", "message_ids": ["2", "3"]}))["message_ids"] == ["2"]
    assert (await ask(house, "deletemsg", {"folder": "outbox", "message_ids": ["1", "3"]}))["message_ids"] == ["1"]
    house.manual_clock.move(200_000)
    await house.core.due.round()
    assert await texts(house, "sent") == ["two"]


async def test_what_could_not_be_sent_at_its_time_lies_in_notsent(house: House) -> None:
    await sent(house, "ann", "in vain", message_id="1", time_to_send=SOON)
    ann, user = await house.core.users.keys(house.tenant, ["ann", "http_user"])
    await house.core.relations.block(house.tenant, ann, [user])
    house.manual_clock.move(200_000)
    await house.core.due.round()
    assert await texts(house, "notsent") == ["in vain"]
    assert await texts(house, "outbox") == []
    assert (await ask(house, "deletemsg", {"folder": "notsent", "message_ids": ["1"]}))["message_ids"] == ["1"]
    assert await texts(house, "notsent") == []


async def test_who_blocks_a_program_gets_nothing_of_it(house: House) -> None:
    ann, user = await house.core.users.keys(house.tenant, ["ann", "http_user"])
    await house.core.relations.block(house.tenant, ann, [user])
    data = await ask(
        house, "sendmsg", {"messages": [{"to_address": "ann", "text": "a"}, {"to_address": "bob", "text": "b"}]}
    )
    assert (data["total_count"], data["success_count"], data["failed_count"]) == (2, 1, 1)
    assert [row["status"] for row in data["messages"]] == ["The recipient has blocked the sender", "SUCCESS"]


async def test_a_repeat_is_one_message_unless_it_says_something_else(house: House) -> None:
    for text in ("one", "one", "two"):
        assert (await sent(house, "ann", text, message_id="1"))["status"] == "SUCCESS"
    assert await texts(house, "sent") == ["one", "two"]
    for text in ("one", "one"):
        await sent(house, "ann", text)
    assert await texts(house, "sent") == ["one", "two", "one", "one"]


async def test_a_request_with_a_key_is_done_once(house: House) -> None:
    for message_id in ("1", "2"):
        body = {"messages": [{"message_id": message_id, "to_address": "ann", "text": text} for text in ("a", "b")]}
        headers = {"Authorization": house.names["basic"], "Idempotency-Key": "k"}
        response = await house.client.post("/api?action=sendmsg", json=body, headers=headers)
        assert response.json()["data"]["success_count"] == 2
    assert await texts(house, "sent") == ["a", "b"]


async def test_a_group_is_written_to_under_the_address_that_its_messages_show(house: House) -> None:
    core, tenant = house.core, house.tenant
    ann, user = await core.users.keys(tenant, ["ann", "http_user"])
    group = await core.groups.create(tenant, owner=ann, name="Team", members=[ann, user], dialect="another")
    message = Message("ann", Text("to all"), "another")
    await core.messages.send_group(tenant, ann, [group.number], message, "client:1", check=Check.MEMBER)
    (row,) = [row for row in await folder(house) if row["text"] == "to all"]
    assert row["from_address"] == f"ann@{house.names['domain']}"
    assert re.fullmatch("[0-9a-f]{32}@" + house.names["domain"], row["to_address"])
    assert (await sent(house, row["to_address"], "answer"))["status"] == "SUCCESS"
    page = await core.messages.group_page(tenant, ann, group.number, Query(9, kinds=1 << MessageKind.MESSAGE))
    assert [stored.message.content for stored in page.messages] == [Text("answer"), Text("to all")]
    answer = await sent(house, row["to_address"], "by a stranger", user="alerts")
    assert answer["status"] == "The sender is no member of the group"


@pytest.mark.parametrize(
    ("content", "text", "losses"),
    [
        (Html("<p>Hi <b>Ann</b> &amp; Bob</p>"), "Hi Ann & Bob", ["html: became text without markup"]),
        (
            File("https://x/a", "a.pdf", "s3", 7),
            "[file] a.pdf https://x/a",
            ["file: became text", "secret: dropped", "size_bytes: dropped"],
        ),
        (Custom("order", {"a": 1}, "An order"), "An order", ["event: dropped, its text is shown", "values: dropped"]),
        (Custom("order"), "[order]", ["event: became text"]),
    ],
    ids=str,
)
async def test_what_others_sent_is_shown_in_words_and_its_losses_are_said(
    house: House, content: Any, text: str, losses: list[str]
) -> None:
    ann, user = await house.core.users.keys(house.tenant, ["ann", "http_user"])
    message = Message("ann", content, "another", {"n": 1})
    await house.core.messages.send_direct(house.tenant, ann, [user], message, "client:1")
    response = await house.client.get("/api?action=receivemsg", headers={"Authorization": house.names["basic"]})
    (row,) = response.json()["data"]["data"]
    assert row["text"] == text
    assert row["tags"] == [{"name": "n", "value": "1"}]
    assert response.headers["x-gateway-loss"] == "; ".join([*losses, "ext.n: became text"])


async def test_signals_and_notices_are_no_messages(house: House) -> None:
    ann, user = await house.core.users.keys(house.tenant, ["ann", "http_user"])
    contents: list[Content] = [Signal("typing"), Event("member_joined")]
    for number, content in enumerate(contents):
        message = Message("ann", content, "another")
        await house.core.messages.send_direct(house.tenant, ann, [user], message, f"client:{number}")
    aside = Message("ann", Text("aside"), "another")
    await house.core.messages.send_direct(house.tenant, ann, [user], aside, "client:9", Audience(aside=True))
    await says(house, "ann", "http_user", "a message")
    assert await texts(house) == ["a message"]


async def test_an_unknown_folder_is_refused(house: House) -> None:
    answer = await ask(house, "receivemsg", method="GET", folder="attic")
    match(refused(400), answer)
    for body in ({"folder": "attic", "message_ids": []}, {"folder": "inbox", "message_ids": "1"}):
        match(refused(400), await ask(house, "deletemsg", body))
        match(refused(400), await ask(house, "markmsg", body))
