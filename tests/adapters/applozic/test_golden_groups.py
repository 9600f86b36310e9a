"""One story of a group, from its creation to its end, as the vendor's clients live it."""

import re
from typing import Any

from tests.adapters.applozic.conftest import ask, envelope, failed
from tests.adapters.applozic.grouped import create, group_shape, has_users
from tests.harness import House, match


async def overview(house: House, user: str) -> dict[str, Any]:
    found: dict[str, Any] = await ask(house, user, "GET", "message/v2/list?startIndex=0&mainPageSize=50&pageSize=50")
    return found


async def thread(house: House, user: str, group: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = (await ask(house, user, "GET", f"message/v2/list?groupId={group}"))["message"]
    return rows


async def test_three_people_write_in_a_group(house: House) -> None:
    body = {"groupName": "G", "groupMemberList": ["bob", "carol"]}
    answer = await ask(house, "alice", "POST", "group/v2/create", json=body)
    keys = [house.names[f"{user}_key"] for user in ("alice", "bob", "carol")]
    shape = group_shape("alice", "bob", "carol", memberUserKeys=keys, users=has_users("alice", "bob", "carol"))
    match(envelope(shape), answer)
    number = answer["response"]["id"]
    assert answer["response"]["clientGroupId"] == str(number)

    (notice,) = await thread(house, "bob", number)
    assert (notice["contentType"], notice["metadata"]["action"]) == (10, "0")
    assert notice["message"] == "alice created group G"
    assert (await overview(house, "bob"))["groupFeeds"][0]["unreadCount"] == 0

    sent = await ask(house, "alice", "POST", "message/v2/send", json={"clientGroupId": str(number), "message": "yo"})
    match(re.compile(rf"5-{number}-\d{{19}}"), sent["messageKey"])
    listed = await overview(house, "bob")
    assert [row["id"] for row in listed["groupFeeds"]] == [number]
    assert listed["groupFeeds"][0]["unreadCount"] == 1
    (row,) = listed["message"]
    assert (row["key"], row["to"], row["groupId"], row["type"]) == (sent["messageKey"], "alice", number, 4)
    assert not row.get("pairedMessageKey")
    (own, _) = await thread(house, "alice", number)
    assert (own["key"], own["to"], own["type"]) == (sent["messageKey"], "alice", 5)
    await thread(house, "bob", number)
    assert (await overview(house, "bob"))["groupFeeds"][0]["unreadCount"] == 0
    assert (await overview(house, "carol"))["groupFeeds"][0]["unreadCount"] == 1


async def test_what_is_refused(house: House) -> None:
    number = await create(house, "alice", "bob", clientGroupId="own")
    match(failed("AL-UN-01"), await ask(house, "bob", "GET", f"group/delete?groupId={number}"))
    body = {"groupName": "G", "clientGroupId": "own"}
    match(failed("AL-G-02"), await ask(house, "bob", "POST", "group/v2/create", json=body))
    match(failed("AL-G-01"), await ask(house, "bob", "GET", "group/v2/info?clientGroupId=nobody"))
    body = {"clientGroupId": "own", "userId": "bob"}
    match(failed("AL-U-01"), await ask(house, "alice", "POST", "group/add/member", json=body))


async def test_every_change_is_said_in_it(house: House) -> None:
    number = await create(house, "alice", "bob")

    async def said() -> list[tuple[str, str, str]]:
        rows = await thread(house, "alice", number)
        return [(row["metadata"]["action"], row["message"], row["metadata"].get("show", "")) for row in rows][::-1]

    steps: list[tuple[str, str, dict[str, Any], str, str]] = [
        ("alice", "group/add/member", {"userId": "carol"}, "1", "alice added carol"),
        ("alice", "group/update", {"newName": "N"}, "5", "Group name changed to N"),
        ("alice", "group/update", {"imageUrl": "u"}, "6", "Group icon changed"),
        ("alice", "group/update", {"users": [{"userId": "bob", "role": 1}]}, "8", "bob is admin now"),
        ("alice", "group/update", {"metadata": {"a": "b"}}, "9", "Group details changed"),
        ("bob", "group/remove/member", {"userId": "carol"}, "2", "bob removed carol"),
        ("carol", "group/add/member", {"userId": "carol"}, "7", "carol joined"),
        ("carol", "group/left", {}, "3", "carol left"),
    ]
    expected = [("0", "alice created group G", "")]
    assert await said() == expected
    for user, path, fields, action, text in steps:
        match(envelope(), await ask(house, user, "POST", path, json={"groupId": number, **fields}))
        expected.append((action, text, ""))
        assert await said() == expected
    # In the app's own words, or in none.
    templates = {"ADD_MEMBER_MESSAGE": "hello :userName", "GROUP_NAME_CHANGE_MESSAGE": ""}
    await ask(house, "alice", "POST", "group/update", json={"groupId": number, "metadata": templates})
    await ask(house, "alice", "POST", "group/add/member", json={"groupId": number, "userId": "carol"})
    await ask(house, "alice", "POST", "group/update", json={"groupId": number, "newName": "M"})
    assert (await said())[-2:] == [("1", "hello carol", ""), ("5", "Group name changed to M", "false")]


async def test_a_topic_in_a_group(house: House) -> None:
    number = await create(house, "alice", "bob")
    wanted = {"topicId": "p1", "topicDetail": '{"title":"T"}', "groupId": number}
    topic = (await ask(house, "alice", "POST", "conversation/v2/id", json=wanted))["response"]["conversationPxy"]
    body = {"groupId": number, "message": "about it", "conversationId": topic["id"]}
    sent = await ask(house, "bob", "POST", "message/send", json=body)
    match({"messageKey": str, "createdAt": int, "conversationId": topic["id"]}, sent)
    listed = await ask(house, "alice", "GET", f"message/v2/list?groupId={number}&conversationId={topic['id']}")
    assert [(row["message"], row["conversationId"]) for row in listed["message"]] == [("about it", topic["id"])]
    assert [(row["id"], row["groupId"]) for row in listed["conversationPxys"]] == [(topic["id"], number)]
    match(envelope(), await ask(house, "bob", "GET", f"conversation/close?id={topic['id']}"))
    assert await ask(house, "bob", "POST", "message/send", json=body) == "CONVERSATION_CLOSED"


async def test_a_file_in_a_message(house: House) -> None:
    address = await ask(house, "alice", "GET", "aws/file/url?data=1")
    uploaded = await house.client.post(address, files={"files[]": ("a.txt", b"hello", "text/plain")})
    meta = uploaded.json()["fileMeta"]
    body = {"to": "bob", "message": "", "contentType": 1, "fileMeta": meta}
    await ask(house, "alice", "POST", "message/v2/send", json=body)
    (row,) = (await ask(house, "bob", "GET", "message/v2/list?userId=alice"))["message"]
    assert row["fileMeta"] == meta
    assert (await house.client.get(row["fileMeta"]["url"])).content == b"hello"
    # Whoever calls by another name gets addresses of that name.
    headers = {
        name: value.format_map(house.names)
        for name, value in (("Application-Key", "{app}"), ("Authorization", "{bob}"))
    }
    found = await house.client.get("https://other.test/rest/ws/message/v2/list?userId=alice", headers=headers)
    url = found.json()["message"][0]["fileMeta"]["url"]
    assert url == meta["url"].replace("http://gateway.test:8080", "https://other.test")
