"""Every example of the document on messages, as it stands there."""

import re
from typing import Any

import pytest

from adapters.applozic.auth import basic
from tests.adapters.applozic.conftest import UUID, as_bot, as_user, ask, envelope, log_in
from tests.harness import House, Row, match

ALICE, BOT = as_user("alice"), as_bot("alice")
SEND = "/rest/ws/message/v2/send"
SENT = {"messageKey": re.compile(rf"5-{UUID}-\d{{19}}"), "createdAt": int}
SENT_TO_GROUP = {"messageKey": re.compile(r"5-\d+-\d{19}"), "createdAt": int}
HTML = "<p>This is normal text - <b>and this is bold text</b>.</p>"
DETAIL = (
    '{"title":"Air Condition","subtitle":"PID : Smart Air Conditioner",'
    '"link":"http://www.freepngimg.com/download/air_conditioner/6-2-ac-picture.png",'
    '"key1":"Qty","value1":"10","key2":"Price","value2":"Rs.60"}'
)


def both(fields: dict[str, Any]) -> dict[str, Any]:
    return {**envelope(fields), **fields}


def arrives(user: str = "John", **fields: Any) -> Any:
    """What the receiver reads first."""

    async def look(house: House, _: Any) -> None:
        query = "groupId={group}" if "groupId" in fields else "userId=alice"
        rows = (await ask(house, user, "GET", f"message/v2/list?{query.format_map(house.names)}"))["message"]
        match({**rows[0], **fields}, rows[0])

    return look


ROWS = [
    Row("a message", "POST", SEND, 200, both(SENT), {"to": "John", "message": "Hi John"}, headers=ALICE,
        effect=arrives(message="Hi John", contentType=0)),
    Row("to a group", "POST", SEND, 200, both(SENT_TO_GROUP), {"clientGroupId": "tea", "message": "Hi John"},
        headers=ALICE, effect=arrives(message="Hi John", groupId=int)),
    Row("by an administrator", "POST", SEND, 200, both(SENT), {"to": "John", "message": "Hi John"}, headers=BOT,
        effect=arrives(message="Hi John")),
    Row("html", "POST", SEND, 200, both(SENT), {"to": "John", "message": HTML, "contentType": 3}, headers=ALICE,
        effect=arrives(message=HTML, contentType=3)),
    Row("a broadcast", "POST", "/rest/ws/message/v2/sendall", 200, envelope(), {
        "userNames": ["UserName1", "UserName2", "John"],
        "clientGroupIds": ["tea", "2", "3"],
        "messageObject": {"message": "Hi John"},
    }, headers=ALICE, effect=arrives(message="Hi John")),
    Row("metadata", "POST", SEND, 200, both(SENT),
        {"to": "John", "message": "Hi John", "metadata": {"key1": "value1", "key2": "value2"}}, headers=ALICE,
        effect=arrives(metadata={"key1": "value1", "key2": "value2"})),
    *(
        Row(category, "POST", SEND, 200, both(SENT),
            {"to": "John", "message": "Hidden Message", "metadata": {"category": category}}, headers=ALICE,
            effect=arrives(message="Hidden Message", metadata={"category": category}))
        for category in ("HIDDEN", "PUSHNOTIFICATION", "ARCHIVE")
    ),
    Row("delete a conversation, with nothing named", "GET", "/rest/ws/message/delete/conversation", 200, "error",
        headers=ALICE),
    Row("delete a conversation with a user", "GET", "/rest/ws/message/delete/conversation", 200, "success",
        query={"userId": "John"}, headers=ALICE),
    Row("delete a group's conversation", "GET", "/rest/ws/message/delete/conversation", 200, "success",
        query={"groupId": "{group}"}, headers=ALICE),
    Row("delete a conversation for a user", "GET", "/rest/ws/message/delete/conversation", 200, "success",
        query={"userId": "John"}, headers=BOT),
    Row("delete what is older", "POST", "/rest/ws/user/messages/delete", 200, envelope(), query={"days": "5"},
        headers=BOT),
    Row("delete all", "GET", "/rest/ws/message/delete/all", 200, "success", headers=BOT),
    Row("a list that fails", "GET", "/rest/ws/message/v2/list", 200, "error", query={"groupId": "unknown"},
        headers=ALICE),
]  # fmt: skip


@pytest.fixture
async def told(house: House) -> House:
    """A house with John, who is logged in, and groups."""
    house.names["John"] = basic("John", (await log_in(house, "John"))["deviceKey"])
    for chosen in ("tea", "2", "3"):
        body = {"clientGroupId": chosen, "groupName": "Tea", "groupMemberList": ["John"]}
        made = await ask(house, "alice", "POST", "group/v2/create", json=body)
        if chosen == "tea":
            house.names["group"] = str(made["response"]["id"])
    return house


@pytest.mark.parametrize("case", ROWS, ids=str)
async def test_examples(told: House, case: Row) -> None:
    await case.check(told)


async def test_the_list_of_the_document(told: House) -> None:
    key = (await ask(told, "alice", "POST", "message/v2/send", json={"to": "John", "message": "how are you"}))[
        "messageKey"
    ]
    answer = await ask(told, "alice", "GET", "message/v2/list?userId=John&startIndex=0&mainPageSize=1&pageSize=50")
    shown = {
        "key": key,
        "userKey": told.names["alice_key"],
        "to": "John",
        "contactIds": "John",
        "message": "how are you",
        "sent": True,
        "delivered": False,
        "read": False,
        "createdAtTime": int,
        "type": 5,
        "source": 1,
        "status": 3,
        "pairedMessageKey": "4" + key[1:],
        "contentType": 0,
    }
    (row,) = answer["message"]
    match({**row, **shown}, row)


async def test_the_info_of_the_document(told: House) -> None:
    key = (await ask(told, "alice", "POST", "message/v2/send", json={"to": "John", "message": "hi"}))["messageKey"]
    await ask(told, "John", "GET", f"message/delivered?key={key}")
    expected = [{"userId": "John", "deliveredAtTime": int, "status": 4}]
    match(envelope(expected), await ask(told, "alice", "GET", f"message/info?key={key}"))


async def test_the_topics_of_the_document(told: House) -> None:
    wanted = {"topicId": "topicId", "topicDetail": DETAIL, "userId": "John", "status": "new"}
    pxy = (await ask(told, "alice", "POST", "conversation/v2/id", json=wanted))["response"]["conversationPxy"]
    assert (pxy["topicDetail"], pxy["userId"], pxy["created"], pxy["closed"]) == (DETAIL, "John", True, False)
    for to in ({"to": "John"}, {}):
        body = {**to, "message": "Message text", "conversationId": pxy["id"]}
        match({**SENT, "conversationId": pxy["id"]}, await ask(told, "alice", "POST", "message/send", json=body))
    wanted = {"topicId": "topicId", "topicDetail": DETAIL, "groupId": told.names["group"], "status": "new"}
    in_group = (await ask(told, "alice", "POST", "conversation/v2/id", json=wanted))["response"]["conversationPxy"]
    body = {"groupId": told.names["group"], "message": "Message text", "conversationId": str(in_group["id"])}
    match(
        {**SENT_TO_GROUP, "conversationId": in_group["id"]}, await ask(told, "alice", "POST", "message/send", json=body)
    )
    match(envelope(), await ask(told, "alice", "GET", f"conversation/close?id={pxy['id']}"))
    match(envelope(), await ask(told, "alice", "GET", "conversation/closeall?topicId=topicId&withUserId=John"))
    body = {"to": "John", "message": "Message text", "conversationId": pxy["id"]}
    assert await ask(told, "alice", "POST", "message/send", json=body) == "CONVERSATION_CLOSED"
