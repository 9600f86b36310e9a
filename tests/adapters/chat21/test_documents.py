"""The examples of the vendor's own documents, as they stand there."""

import pytest

from tests.adapters.chat21.conftest import Token, as_user, conversations, history, send
from tests.harness import House, Row

SEND = b"""{
"sender_fullname": "SENDER FULLNAME",
"recipient_id": "RECIPIENT-UUID",
"recipient_fullname": "RECIPIENT FULLNAME",
"text": "hello",
"type": "text",
"channel_type": "direct"
"""
CREATE = b'{"group_name": "<GROUP_NAME>", "group_members": {"<MEMBER_ID>":1}}'
JOIN = b'{"member_id": "<MEMBER_ID>"}'
SET = b'{"members": {"<member_id1>":1},{"<member_id2>":1}}'
SET_AS_MEANT = b'{"members": {"<member_id1>":1,"<member_id2>":1}}'
LOGO = "https://www.tiledesk.com/wp-content/uploads/2018/03/tiledesk-logo.png"
JSON = {"Content-Type": "application/json"}


async def test_send_a_message(house: House, token: Token) -> None:
    headers = {**as_user("user1"), **JSON}
    await Row("brace lost", "POST", "/api/{app}/messages", 400, content=SEND, headers=headers).check(house)
    response = await Row("", "POST", "/api/{app}/messages", 200, content=SEND + b"}", headers=headers).check(house)
    assert response.json()["success"] is True
    house.names["recipient"] = token("RECIPIENT-UUID")
    path = "/api/{app}/RECIPIENT-UUID/conversations/user1/messages"
    response = await Row("", "GET", path, 200, headers=as_user("recipient")).check(house)
    (row,) = response.json()["result"]
    shown = (row["text"], row["type"], row["channel_type"], row["sender_fullname"], row["recipient_fullname"])
    assert shown == ("hello", "text", "direct", "SENDER FULLNAME", "RECIPIENT FULLNAME")


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ('"attributes": {"custom_attribute1": "value1"}', {"attributes": {"custom_attribute1": "value1"}}),
        (
            f'"type": "image", "metadata": {{ "src": "{LOGO}", "width": 200, "height": 200 }}',
            {"type": "image", "metadata": {"src": LOGO, "width": 200, "height": 200}},
        ),
    ],
)
async def test_attributes_and_metadata(house: House, fields: str, shown: dict[str, object]) -> None:
    content = SEND.replace(b'"channel_type": "direct"', fields.encode() + b"}").replace(b"RECIPIENT-UUID", b"user2")
    if "image" in fields:
        content = content.replace(b'"type": "text",\n', b"")
    await Row("", "POST", "/api/{app}/messages", 200, content=content, headers={**as_user("user1"), **JSON}).check(
        house
    )
    (row,) = await history(house, "user2", "user1")
    assert {name: row[name] for name in shown} == shown


async def test_groups(house: House, token: Token) -> None:
    headers = {**as_user("user1"), **JSON}
    response = await Row("create", "POST", "/api/{app}/groups", 201, content=CREATE, headers=headers).check(house)
    group = response.json()["group"]
    assert (group["name"], group["members"]) == ("<GROUP_NAME>", {"<MEMBER_ID>": 1, "user1": 1})
    members = f"/api/{{app}}/groups/{group['uid']}/members"
    leave = f"{members}/%3CMEMBER_ID%3E"
    done = {"success": True}
    await Row("leave", "DELETE", leave, 200, done, content=JOIN, headers=headers).check(house)
    await Row("join", "POST", members, 200, done, content=JOIN, headers=headers).check(house)
    await Row("set as written", "PUT", members, 400, content=SET, headers=headers).check(house)
    await Row("set", "PUT", members, 200, done, content=SET_AS_MEANT, headers=headers).check(house)
    house.names["member"] = token("<member_id1>")
    path = f"/api/{{app}}/groups/{group['uid']}"
    response = await Row("get", "GET", path, 200, headers=as_user("member")).check(house)
    assert response.json()["result"]["members"] == {"<member_id1>": 1, "<member_id2>": 1}


async def test_archive_or_delete_a_conversation(house: House) -> None:
    headers = {**as_user("user1"), **JSON}
    done = {"success": True}
    for other in ("user2", "user3", "user4"):
        await send(house, other, "user1", text="hello")
    path = "/api/{app}/conversations/"
    await Row("archive", "DELETE", path + "user2", 201, done, headers=headers, query={"delete": "false"}).check(house)
    await Row("delete", "DELETE", path + "user3", 201, done, headers=headers, query={"delete": "true"}).check(house)
    assert [row["conversWith"] for row in await conversations(house, "user1")] == ["user4"]
    assert [row["conversWith"] for row in await conversations(house, "user1", "archived_conversations")] == ["user2"]
