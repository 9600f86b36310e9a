"""Lists of messages: three modes, what stands beside them, paging, and what is unread afterwards."""

from typing import Any

import pytest

from core.model import Message, Text
from tests.adapters.applozic.conftest import ask, ask_as_bot
from tests.harness import NOON, House, match

TOP = {"message", "userDetails", "groupFeeds", "conversationPxys", "connectedUsers", "blockedUserPxyList"}


async def send(house: House, sender: str, **body: Any) -> str:
    """Send a message; gives its key."""
    answer = await ask(house, sender, "POST", "message/v2/send", json=body)
    assert answer["status"] == "success", answer
    key: str = answer["messageKey"]
    return key


async def listed(house: House, user: str, query: str = "") -> dict[str, Any]:
    answer: dict[str, Any] = await ask(house, user, "GET", f"message/list?{query}")
    return answer


async def said(house: House, user: str, query: str = "") -> list[str]:
    return [row["message"] for row in (await listed(house, user, query))["message"] if row["contentType"] != 10]


async def group(house: House, *members: str, **fields: Any) -> int:
    body = {"groupName": "Tea", "groupMemberList": list(members), **fields}
    number: int = (await ask(house, "alice", "POST", "group/v2/create", json=body))["response"]["id"]
    return number


async def unread(house: House, user: str) -> dict[Any, int]:
    """What the overview says is unread, by user and by group."""
    answer = await listed(house, user)
    users = {row["userId"]: row["unreadCount"] for row in answer["userDetails"] if "unreadCount" in row}
    return users | {row["id"]: row["unreadCount"] for row in answer["groupFeeds"]}


@pytest.mark.parametrize("query", ["", "userId=bob", "groupId={group}", "clientGroupId=tea"])
async def test_both_families_say_the_same(house: House, query: str) -> None:
    number = await group(house, "bob", clientGroupId="tea")
    await send(house, "bob", to="alice", message="hi")
    query = query.format(group=number)
    bare = await listed(house, "alice", query + "&skipRead=true")
    both = await ask(house, "alice", "GET", f"message/v2/list?{query}&skipRead=true")
    assert set(bare) == TOP
    assert both == {"status": "success", "generatedAt": NOON, "response": bare, **bare}


async def test_what_one_thread_shows(house: House) -> None:
    key = await send(house, "bob", to="alice", message="hi", metadata={"k": "v"})
    theirs = "4" + key[1:]
    row = {
        "key": theirs,
        "pairedMessageKey": key,
        "userKey": house.names["bob_key"],
        "to": "bob",
        "contactIds": "bob",
        "message": "hi",
        "contentType": 0,
        "type": 4,
        "status": 0,
        "source": 1,
        "sent": False,
        "delivered": True,
        "read": False,
        "createdAtTime": NOON,
        "metadata": {"k": "v"},
    }
    bob = {"userId": "bob", "unreadCount": 1}
    answer = await listed(house, "alice", "userId=bob&skipRead=true")
    match({"message": [row], "userDetails": [lambda user: bob.items() <= user.items()], "groupFeeds": [],
           "conversationPxys": [], "connectedUsers": [],
           "blockedUserPxyList": {"blockedToUserList": [], "blockedByUserList": []}}, answer)  # fmt: skip
    mine = {**row, "key": key, "pairedMessageKey": theirs, "to": "alice", "contactIds": "alice", "type": 5, "status": 3}
    answer = await listed(house, "bob", "userId=alice")
    assert answer["message"] == [mine | {"sent": True, "delivered": False}]


async def test_what_a_group_thread_shows(house: House) -> None:
    number = await group(house, "bob", "carol")
    key = await send(house, "bob", groupId=number, message="yo")
    answer = await listed(house, "alice", f"groupId={number}&skipRead=true")
    row = answer["message"][0]
    assert (row["key"], row["to"], row["groupId"], row["clientGroupId"]) == (key, "bob", number, str(number))
    assert (row["type"], row["status"], "pairedMessageKey" in row) == (4, 0, False)
    assert [(feed["id"], feed["unreadCount"]) for feed in answer["groupFeeds"]] == [(number, 1)]
    assert "bob" in [user["userId"] for user in answer["userDetails"]]
    assert all("unreadCount" not in user for user in answer["userDetails"])
    notice = answer["message"][-1]
    assert (notice["contentType"], notice["message"], notice["metadata"]["action"]) == (
        10,
        "alice created group Tea",
        "0",
    )
    own = (await listed(house, "bob", f"groupId={number}"))["message"][0]
    assert (own["key"], own["to"], own["type"], own["status"]) == (key, "bob", 5, 3)


async def test_the_overview_has_the_newest_of_each_thread(house: House) -> None:
    number = await group(house, "bob", "carol")
    for sender, body in (
        ("bob", {"to": "alice", "message": "old"}),
        ("bob", {"to": "alice", "message": "new"}),
        ("alice", {"to": "carol", "message": "mine"}),
        ("bob", {"groupId": number, "message": "ours"}),
    ):
        house.manual_clock.move(1)
        await send(house, sender, **body)
    answer = await listed(house, "alice")
    assert [row["message"] for row in answer["message"]] == ["ours", "mine", "new"]
    assert [row["status"] for row in answer["message"]] == [0, 3, 0]
    users = {user["userId"]: user.get("unreadCount") for user in answer["userDetails"]}
    assert users == {"bob": 2, "carol": 0}
    assert [(feed["id"], feed["unreadCount"]) for feed in answer["groupFeeds"]] == [(number, 1)]
    await ask(house, "carol", "GET", "message/read/conversation?userId=alice")
    answer = await listed(house, "alice")
    assert [row["status"] for row in answer["message"]] == [0, 5, 0]
    assert await unread(house, "alice") == {"bob": 2, "carol": 0, number: 1}


async def test_threads_are_paged(house: House) -> None:
    times = {}
    for number in range(7):
        house.manual_clock.move(1)
        await send(house, "alice", to=f"user{number}", message=str(number))
        times[number] = NOON + number + 1
    assert await said(house, "alice", "mainPageSize=3") == ["6", "5", "4"]
    assert await said(house, "alice", "startIndex=3&mainPageSize=3") == ["3", "2", "1"]
    assert await said(house, "alice", f"endTime={times[2]}&mainPageSize=60") == ["1", "0"]
    assert await said(house, "alice", f"startTime={times[5]}") == ["6", "5"]
    for nonsense in ("startIndex=-1", "mainPageSize=0", "pageSize=", "endTime=0&", "&&userId=&", "mainPageSize=999999"):
        assert len(await said(house, "alice", nonsense)) == 7


async def test_messages_are_paged(house: House) -> None:
    times = []
    for number in range(60):
        house.manual_clock.move(1)
        await send(house, "alice", to="bob", message=str(number))
        times.append(NOON + number + 1)
    newest = [str(number) for number in range(59, -1, -1)]
    assert await said(house, "bob", "userId=alice") == newest[:50]
    assert await said(house, "bob", "userId=alice&pageSize=2") == newest[:2]
    assert await said(house, "bob", "userId=alice&pageSize=2&startIndex=3") == newest[3:5]
    assert await said(house, "bob", f"userId=alice&pageSize=3&endTime={times[10]}") == ["9", "8", "7"]
    assert await said(house, "bob", f"userId=alice&startTime={times[57]}") == ["59", "58", "57"]
    assert await said(house, "bob", f"userId=alice&startTime={times[3]}&endTime={times[5]}") == ["4", "3"]
    assert await said(house, "bob", "userId=alice&pageSize=100000") == newest


async def test_a_page_is_full_though_much_is_not_shown(house: House) -> None:
    bob, alice = await house.core.users.keys(house.tenant, ["bob", "alice"])
    receipts = []
    for number in range(1_500):
        house.manual_clock.move(1)
        message = Message("bob", Text(str(number)), "elsewhere")
        receipts += await house.core.messages.send_direct(house.tenant, bob, [alice], message, f"client:{number}")
    await house.core.messages.hide(house.tenant, alice, [receipt.id for receipt in receipts[3:-2]])
    assert await said(house, "alice", "userId=bob&pageSize=5") == ["1499", "1498", "2", "1", "0"]
    assert await said(house, "alice", "userId=bob&pageSize=5&startIndex=1") == ["1498", "2", "1", "0"]


async def test_a_list_of_one_thread_sets_what_is_unread_to_zero(house: House) -> None:
    number = await group(house, "bob")
    for sender, body in (("bob", {"to": "alice"}), ("carol", {"to": "alice"}), ("bob", {"groupId": number})):
        await send(house, sender, message="hi", **body)
    assert await unread(house, "alice") == {"bob": 1, "carol": 1, number: 1}
    await listed(house, "alice", f"groupId={number}&skipRead=true")
    await listed(house, "alice", "userId=bob&skipRead=true")
    assert await unread(house, "alice") == {"bob": 1, "carol": 1, number: 1}
    answer = await listed(house, "alice", "userId=bob")
    assert [user["unreadCount"] for user in answer["userDetails"]] == [0]
    assert await unread(house, "alice") == {"bob": 0, "carol": 1, number: 1}
    answer = await listed(house, "alice", f"groupId={number}&pageSize=1")
    assert [feed["unreadCount"] for feed in answer["groupFeeds"]] == [0]
    assert await unread(house, "alice") == {"bob": 0, "carol": 1, number: 0}
    answer = await listed(house, "bob", "userId=alice")
    assert answer["message"][0]["status"] == 3  # nobody was told
    await send(house, "bob", to="alice", message="more")
    assert await unread(house, "alice") == {"bob": 1, "carol": 1, number: 0}


async def test_an_administrator_lists_for_a_user(house: House) -> None:
    await send(house, "bob", to="alice", message="hi")
    answer = await ask_as_bot(house, "alice", "GET", "message/v2/list?startIndex=0&mainPageSize=10&pageSize=10")
    assert [row["message"] for row in answer["message"]] == ["hi"]
    await ask_as_bot(house, "alice", "GET", "message/v2/list?userId=bob")
    assert await unread(house, "alice") == {"bob": 0}
    assert await ask_as_bot(house, "nobody-yet", "GET", "message/list") == {
        "message": [],
        "userDetails": [],
        "groupFeeds": [],
        "conversationPxys": [],
        "connectedUsers": [],
        "blockedUserPxyList": {"blockedToUserList": [], "blockedByUserList": []},
    }


async def test_what_is_not_there(house: House) -> None:
    answer = await listed(house, "alice", "userId=nobody-yet")
    assert (answer["message"], [user["userId"] for user in answer["userDetails"]]) == ([], ["nobody-yet"])
    for path in ("message/v2/list", "message/list"):
        assert await ask(house, "alice", "GET", f"{path}?clientGroupId=none") == "error"
        assert await ask(house, "alice", "GET", f"{path}?mainPageSize=many") == "error"
    answer = await listed(house, "alice", "groupId=77")
    assert (answer["message"], answer["groupFeeds"]) == ([], [])


async def test_nobody_reads_a_group_that_he_is_not_in(house: House) -> None:
    number = await group(house, "bob", type=1)
    await send(house, "alice", groupId=number, message="secret")
    assert await said(house, "carol", f"groupId={number}") == []
    await ask(house, "alice", "POST", "group/remove/member", json={"userId": "bob", "groupId": number})
    await send(house, "alice", groupId=number, message="after")
    assert await said(house, "bob", f"groupId={number}") == ["secret"]


async def test_topics_appear_beside_their_messages(house: House) -> None:
    made = (await ask(house, "alice", "POST", "conversation/v2/id", json={"topicId": "p", "userId": "bob"}))["response"]
    topic = made["conversationPxy"]["id"]
    await send(house, "alice", to="bob", message="in it", conversationId=topic)
    house.manual_clock.move(1)
    await send(house, "alice", to="bob", message="beside it")
    assert await said(house, "bob", "userId=alice") == ["beside it", "in it"]
    assert await said(house, "bob", f"userId=alice&conversationId={topic}") == ["in it"]
    assert await said(house, "bob", f"groupId={made['id']}") == ["beside it", "in it"]
    assert await said(house, "bob") == ["beside it"]
    assert await said(house, "bob", "conversationReq=true") == ["beside it", "in it"]
    answer = await listed(house, "bob", "conversationReq=true")
    assert [(pxy["id"], pxy["userId"], pxy["topicId"]) for pxy in answer["conversationPxys"]] == [(topic, "alice", "p")]
    for path in ("list", "v2/list", "read/conversation", "delete/conversation"):
        assert await ask(house, "carol", "GET", f"message/{path}?groupId={made['id']}") == "error"


async def test_blocks_stand_beside_the_overview(house: House) -> None:
    await ask(house, "alice", "GET", "user/block?userId=bob")
    blocks = (await listed(house, "alice"))["blockedUserPxyList"]
    assert [row["blockedTo"] for row in blocks["blockedToUserList"]] == ["bob"]
    blocks = (await listed(house, "bob"))["blockedUserPxyList"]
    assert [row["blockedBy"] for row in blocks["blockedByUserList"]] == ["alice"]


async def test_files_are_where_each_reader_called(house: House) -> None:
    headers = {"Application-Key": house.names["app"], "Authorization": house.names["alice"]}
    answer = await house.client.post(
        "/rest/ws/upload/image", files={"file": ("a.txt", b"hello", "text/plain")}, headers=headers
    )
    meta = answer.json()
    for _ in range(2):
        await send(house, "alice", to="bob", contentType=1, fileMeta=meta)
    for host in ("one.test", "two.test:81") * 3:
        headers = {"Application-Key": house.names["app"], "Authorization": house.names["bob"], "Host": host}
        answer = await house.client.get("/rest/ws/message/list?userId=alice", headers=headers)
        shown = answer.json()["message"][0]["fileMeta"]
        assert shown == {**meta, "url": f"http://{host}/rest/ws/aws/file/{meta['blobKey']}"}
        assert (await house.client.get(shown["url"])).content == b"hello"


@pytest.mark.parametrize("query", ["groupId={group}", "clientGroupId=own"])
async def test_a_stranger_reads_nothing_of_a_private_group(house: House, query: str) -> None:
    number = await group(house, "bob", type=1, clientGroupId="own")
    await send(house, "bob", groupId=number, message="hi")
    query = query.format(group=number)
    assert [row["id"] for row in (await listed(house, "bob", query))["groupFeeds"]] == [number]
    answer = await listed(house, "carol", query)
    assert (answer["message"], answer["groupFeeds"], answer["userDetails"]) == ([], [], [])


async def test_a_page_that_was_read_before_is_read_anew_when_anything_of_it_changed(house: House) -> None:
    keys = [await send(house, sender, to=to, message=sender) for sender, to in (("alice", "bob"), ("bob", "alice")) * 2]

    async def seen(user: str, peer: str) -> list[tuple[Any, ...]]:
        rows = (await listed(house, user, f"userId={peer}&skipRead=true"))["message"]
        again = (await listed(house, user, f"userId={peer}&skipRead=true"))["message"]
        assert rows == again
        return [(row["key"] in keys, row["status"], row["metadata"]) for row in rows]

    mine: tuple[bool, int, dict[str, str]] = (True, 3, {})
    theirs: tuple[bool, int, dict[str, str]] = (False, 0, {})
    assert await seen("alice", "bob") == [theirs, mine] * 2
    assert await seen("bob", "alice") == [mine, theirs] * 2
    await ask(house, "bob", "GET", f"message/read?key={keys[0]}")
    assert await seen("alice", "bob") == [theirs, mine, theirs, (True, 5, {})]
    assert await seen("bob", "alice") == [mine, theirs, mine, (False, 1, {})]
    body = {"key": keys[1], "metadata": {"like": "1"}}
    await ask(house, "alice", "POST", "message/update/metadata", json=body)
    assert await seen("alice", "bob") == [theirs, mine, (False, 0, {"like": "1"}), (True, 5, {})]
    await ask(house, "alice", "GET", f"message/delete?key={keys[2]}")
    assert await seen("alice", "bob") == [theirs, (False, 0, {"like": "1"}), (True, 5, {})]
    assert await seen("bob", "alice") == [mine, theirs, (True, 3, {"like": "1"}), (False, 1, {})]
    await ask(house, "bob", "GET", f"message/v2/delete?key={keys[3]}&deleteForAll=true")
    assert await seen("alice", "bob") == [(False, 0, {"like": "1"}), (True, 5, {})]
    await send(house, "bob", to="alice", message="new")
    assert await seen("alice", "bob") == [(False, 0, {}), (False, 0, {"like": "1"}), (True, 5, {})]
    # Nobody else sees any of it, and with another one it is another conversation.
    assert await seen("carol", "bob") == []
    assert await seen("alice", "carol") == []


async def test_guests_read_an_open_group(house: House) -> None:
    number = await group(house, "bob", type=6)
    await send(house, "alice", groupId=number, message="welcome")
    assert await said(house, "carol", f"groupId={number}") == ["welcome"]
    await send(house, "carol", groupId=number, message="hello")
    await send(house, "bob", groupId=number, message="hi")
    assert await said(house, "carol", f"groupId={number}") == ["hi", "hello", "welcome"]
    assert await said(house, "carol", f"groupId={number}&pageSize=1&startIndex=1") == ["hello"]
    answer = await listed(house, "carol", f"groupId={number}")
    assert [(feed["id"], feed["unreadCount"]) for feed in answer["groupFeeds"]] == [(number, 0)]
    assert {user["userId"] for user in answer["userDetails"]} == {"alice", "bob", "system"}
    # Another dialect's room is for those who enter it.
    ada = await house.core.users.key(house.tenant, "ada")
    room = await house.core.groups.create(
        house.tenant, name="room", owner=ada, members=[ada], dialect="other", room=True, public=True
    )
    message = Message("ada", Text("within"), "other")
    await house.core.messages.send_group(house.tenant, ada, [room.number], message, "client:1")
    assert await said(house, "carol", f"groupId={room.number}") == []
