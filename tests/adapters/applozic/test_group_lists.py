"""Looking at groups: one, several, the caller's, all of an application; lists of friends; what lists of messages show."""

from typing import Any

import pytest

from adapters.applozic.group_objects import feeds, group_object, topic_object
from adapters.contract import Call, Request
from core.membership import GroupView
from core.model import Group, Marks, Member, Message, Principal, Text, Topic
from tests.adapters.applozic.conftest import WS, as_bot, as_user, ask, ask_as_bot, envelope, failed
from tests.adapters.applozic.grouped import create, group_shape, info, members, said
from tests.harness import NOON, House, Row

UNAUTHORIZED = failed("AL-UN-01", "unauthorized user")
UNKNOWN = failed("AL-G-01", "group not found")
INCOMPLETE = failed("AL-M-01")


async def write(house: House, number: int, sender: str = "alice", words: str = "hi") -> None:
    key = await house.core.users.key(house.tenant, sender)
    message = Message(sender, Text(words), "applozic")
    house.manual_clock.move(1)
    await house.core.messages.send_group(house.tenant, key, [number], message, f"request:{house.clock.now()}")


@pytest.mark.parametrize("path", ["group/info", "group/v2/info"])
async def test_who_may_look(house: House, path: str) -> None:
    private = await create(house, "alice", "bob", type=1)
    public = await create(house, "alice", type=2)
    rows = [
        ("a member", f"?groupId={private}", as_user("bob"), private),
        ("a stranger", f"?groupId={private}", as_user("carol"), UNAUTHORIZED),
        ("the bot", f"?groupId={private}", as_bot(), private),
        ("the bot for a stranger", f"?groupId={private}", as_bot("carol"), private),
        ("a public group", f"?clientGroupId={public}", as_user("carol"), public),
        ("an unknown group", "?groupId=4711", as_user("alice"), UNKNOWN),
        ("an id that nobody chose", "?clientGroupId=nobody", as_user("alice"), UNKNOWN),
        ("no id", "", as_user("alice"), UNKNOWN),
        ("clients write out what they have not", "?groupId=undefined&clientGroupId=null", as_user("alice"), UNKNOWN),
    ]
    for label, query, headers, answer in rows:
        expected = envelope(lambda found, number=answer: found["id"] == number) if isinstance(answer, int) else answer
        await Row(label, "GET", WS + path + query, 200, expected, headers=headers).check(house)
    # Who left may still look at what it was.
    await ask(house, "bob", "POST", "group/left", json={"groupId": private})
    assert (await info(house, private, "bob"))["membersId"] == ["alice"]


async def test_several_groups_at_once(house: House) -> None:
    private = await create(house, "alice", "bob", type=1, clientGroupId="own")
    public = await create(house, "alice")
    path = f"{WS}group/details?groupIds={public}&groupIds=4711&clientGroupIds=own&clientGroupIds=nobody"
    for user, numbers in (("bob", [public, private]), ("carol", [public])):
        expected = envelope(lambda found, numbers=numbers: [group["id"] for group in found] == numbers)
        await Row(user, "GET", path, 200, expected, headers=as_user(user)).check(house)
    many = "&".join(f"groupIds={number}" for number in range(1, 102))
    await Row("many", "GET", f"{WS}group/details?{many}", 200, INCOMPLETE, headers=as_user("bob")).check(house)


@pytest.mark.parametrize("path", ["group/list", "group/v2/list", "group/v3/list"])
async def test_the_callers_groups(house: House, path: str) -> None:
    one = await create(house, "alice", "bob")
    two = await create(house, "bob", "alice", type=1, groupName="two")
    await create(house, "alice", "carol")
    await write(house, one)
    await write(house, one)
    shape = [
        group_shape("alice", "bob", unreadCount=2),
        group_shape("bob", "alice", type=1, name="two"),
    ]
    await Row("", "GET", WS + path, 200, envelope(shape), headers=as_user("bob")).check(house)
    assert [row["id"] for row in (await ask(house, "bob", "GET", path))["response"]] == [one, two]
    await Row(
        "nobody", "GET", WS + path, 200, UNAUTHORIZED, headers={"Apz-AppId": "{app}", "Apz-Token": "{bot}"}
    ).check(house)


async def test_what_changed_since(house: House) -> None:
    one = await create(house, "alice", "bob")
    two = await create(house, "alice", "bob")
    clock = house.manual_clock
    clock.move(60_000)
    since = (await ask(house, "bob", "GET", "group/v3/list"))["generatedAt"]
    assert since < house.clock.now()
    path = f"group/v3/list?updatedAt={since}"
    assert (await ask(house, "bob", "GET", path))["response"] == []
    clock.move(60_000)
    await write(house, one)  # a message is no change
    await ask(house, "alice", "POST", "group/add/member", json={"groupId": two, "userId": "carol"})
    for _ in range(2):
        assert [row["id"] for row in (await ask(house, "bob", "GET", path))["response"]] == [two]
    answer = await ask(house, "bob", "GET", f"group/v5/list?updatedAt={since}")
    assert since < answer["generatedAt"] < clock.now()
    found = answer["response"]
    assert [row["id"] for row in found["groupPxys"]] == [two]
    assert found["groupPxys"][0]["updatedAtTime"] == NOON + 120_001


async def test_rooms_of_other_dialects_are_open_groups(house: House) -> None:
    ada, bob = await house.core.users.keys(house.tenant, ["ada", "bob"])
    room = await house.core.groups.create(
        house.tenant, name="room", owner=ada, members=[ada, bob], dialect="other", room=True
    )
    (row,) = (await ask(house, "bob", "GET", "group/list"))["response"]
    assert (row["id"], row["type"], row["membersId"]) == (room.number, 6, ["ada", "bob"])
    # Its members do not rule it.
    body = {"groupId": room.number, "userId": "carol"}
    await Row("", "POST", WS + "group/add/member", 200, UNAUTHORIZED, body, headers=as_user("bob")).check(house)
    # Of what happens to it nothing is said.
    for path, more in (("add/member", {}), ("remove/member", {}), ("update", {"newName": "N"})):
        row = Row(path, "POST", f"{WS}group/{path}", 200, envelope(), {**body, **more}, headers=as_bot("ada"))
        await row.check(house)
    assert await said(house, room.number) == []


async def test_channels_by_creation(house: House) -> None:
    numbers = []
    for step in (0, 1, 0, 1):
        house.manual_clock.move(step)
        numbers.append(await create(house, "alice", "bob"))
    first = (await ask(house, "bob", "GET", "group/v2/channel?pageSize=2"))["response"]
    # The second and the third were made at the same moment.
    assert [row["id"] for row in first["groupPxys"]] == [numbers[3], numbers[2], numbers[1]]
    path = f"group/v2/channel?pageSize=2&endTime={first['lastFetchTime']}"
    second = (await ask(house, "bob", "GET", path))["response"]
    assert [row["id"] for row in second["groupPxys"]] == [numbers[0]]
    path = f"group/v2/channel?endTime={second['lastFetchTime']}"
    assert (await ask(house, "bob", "GET", path))["response"] == {"groupPxys": []}


async def test_all_groups_for_administrators(house: House) -> None:
    await Row("a user", "GET", WS + "group/filter", 200, UNAUTHORIZED, headers=as_user("alice")).check(house)
    empty = {"users": [], "groups": [], "devices": [], "lastFetchIndex": 0, "totalUnreadCount": 0}
    await Row("none", "GET", WS + "group/filter", 200, envelope(empty), headers=as_bot()).check(house)
    numbers = []
    for step in (0, 1, 0, 0, 1):
        house.manual_clock.move(step)
        numbers.append(await create(house, "alice"))
    found: list[int] = []
    path = "group/filter?pageSize=2"
    for _ in range(3):
        page = (await ask_as_bot(house, "", "GET", path))["response"]
        found += [row["id"] for row in page["groups"]]
        path = f"group/filter?pageSize=2&endTime={page.get('lastFetchTime')}"
        if not page["groups"]:
            break
    assert found == [numbers[4], numbers[3], numbers[2], numbers[1], numbers[0]]


FRIENDS: list[tuple[str, str, str, Any, Any, list[str]]] = [
    ("add more", "POST", "add", ["bob", "dan"], envelope(), ["alice", "carol", "bob", "dan"]),
    ("add with a slash", "POST", "add/", ["bob"], envelope(), ["alice", "carol", "bob"]),
    ("add members", "POST", "add/members", {"type": "9", "groupMemberList": ["bob"]}, envelope(),
        ["alice", "carol", "bob"]),
    ("add nobody", "POST", "add", [], INCOMPLETE, ["alice", "carol"]),
    ("add no list", "POST", "add", {"a": 1}, INCOMPLETE, ["alice", "carol"]),
    ("remove", "GET", "remove?userId=carol", None, envelope(), ["alice"]),
    ("remove by POST", "POST", "remove?userId=carol&groupType=9", None, envelope(), ["alice"]),
    ("remove nobody", "GET", "remove?userId=bob", None, failed("AL-U-01"), ["alice", "carol"]),
    ("remove no name", "GET", "remove", None, failed("AL-U-01"), ["alice", "carol"]),
    ("the owner stays", "GET", "remove?userId=alice", None, UNAUTHORIZED, ["alice", "carol"]),
    ("look", "GET", "get?groupType=9", None, envelope(lambda row: row["type"] == 9), ["alice", "carol"]),
    ("delete", "GET", "delete?groupType=9", None, envelope(), []),
]  # fmt: skip


@pytest.mark.parametrize("row", FRIENDS, ids=[row[0] for row in FRIENDS])
async def test_friend_lists(house: House, row: tuple[Any, ...]) -> None:
    label, method, path, body, answer, expected = row
    await Row("", "POST", WS + "group/friends/add", 200, envelope(), ["carol"], headers=as_user("alice")).check(house)
    number = (await ask(house, "alice", "GET", "group/friends/get"))["response"]["id"]
    url = f"{WS}group/friends/{path}"
    # What is another's is neither seen nor changed.
    if path != "add":
        stranger = Row("", method, url, 200, lambda _: True, body, headers=as_user("bob"))
        assert (await stranger.send(house)).json()["status"] == "error"
    await Row(label, method, url, 200, answer, body, headers=as_user("alice")).check(house)
    assert await members(house, number) == expected


async def test_friend_lists_are_listed(house: House) -> None:
    await create(house, "alice")
    await Row("", "POST", WS + "group/friends/add", 200, envelope(), ["carol"], headers=as_user("alice")).check(house)
    for path in ("group/favourite/list/get",):
        found = (await ask(house, "alice", "GET", path))["response"]
        assert [row["clientGroupId"] for row in found] == ["friends"]
    unknown = Row("", "GET", WS + "group/nobody/get", 200, UNKNOWN, headers=as_user("alice"))
    await unknown.check(house)


def calling(house: House) -> Call:
    """A call of bob's as handlers have it, for what is given to lists of messages."""
    request = Request(
        id="1",
        method="GET",
        path="/",
        segments=(),
        query_string="",
        headers={},
        scheme="http",
        host="gateway.test",
        client="127.0.0.1",
    )
    return Call(
        request=request,
        route=house.adapters["applozic"].routes[0],
        parameters={},
        tenants=(house.tenant,),
        core=house.core,
        now=NOON,
        started=0.0,
        reference="request:1",
        read=_never,
        receive=_never,
        principal=Principal(house.tenant, "bob"),
    )


async def _never(_limit: int) -> Any:
    raise AssertionError("nobody reads a body")


async def test_what_lists_of_messages_show_beside_them(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = await create(house, "alice", "bob"), await create(house, "alice", "bob")
    await write(house, two)
    await ask(house, "alice", "POST", "conversation/id", json={"topicId": "p", "userId": "bob"})
    await ask(house, "alice", "POST", "conversation/id", json={"topicId": "p", "groupId": one})
    bob = await house.core.users.key(house.tenant, "bob")
    call = calling(house)
    turns: list[int] = []
    calls = house.core.store.calls

    async def counted(*arguments: Any, **more: Any) -> Any:
        turns.append(1)
        return await calls(*arguments, **more)

    monkeypatch.setattr(house.core.store, "calls", counted)
    groups, topics = await feeds(call, bob, [two, one, two, 4711], [(("bob", "alice"), 1), (one, 2), (one, 3)])
    assert [(row["id"], row["unreadCount"]) for row in groups] == [(two, 1), (one, 0)]
    assert [(row["id"], row["userId"], row["created"]) for row in topics] == [(1, "alice", False), (2, "alice", False)]
    assert len(turns) == 2  # sent together
    assert await feeds(call, bob, []) == ([], [])
    assert len(turns) == 2


GROUPS: list[tuple[str, Group, dict[str, Any], list[str]]] = [
    ("plain", Group(7, "n", "ada", 1, 2), {"type": 1, "metadata": {}, "updatedAtTime": 5}, []),
    ("public", Group(7, "n", "ada", 1, 2, public=True), {"type": 2}, []),
    ("room", Group(7, "n", "ada", 1, 2, room=True, public=True), {"type": 6}, []),
    ("picture", Group(7, "n", "ada", 1, 2, image_url="u"), {"imageUrl": "u"}, []),
    ("words", Group(7, "n", "ada", 1, 2, description="d", announcement="a"), {"name": "n"},
        ["description: dropped", "announcement: dropped"]),
    ("nested", Group(7, "n", "ada", 1, 2, attributes={"a": [1], "b": "x"}), {"metadata": {"a": "[1]", "b": "x"}},
        ["metadata: values that are no texts became JSON"]),
    ("another's id", Group(7, "n", "ada", 1, 2, aliases={"other": "x"}), {"clientGroupId": "7"}, []),
]  # fmt: skip


@pytest.mark.parametrize("row", GROUPS, ids=[row[0] for row in GROUPS])
async def test_groups_of_other_dialects(house: House, row: tuple[Any, ...]) -> None:
    _, group, expected, losses = row
    call = calling(house)
    roles = [Member("ada", 3, "owner"), Member("bob", 4, "admin"), Member("eve", 5, "member")]
    view = GroupView(group, 5, roles, 3, 1, True, Marks())
    for _ in range(2):
        shown = group_object(call, view)
    assert {name: shown[name] for name in expected} == expected
    assert [member["role"] for member in shown["groupUsers"]] == [1, 1, 3]
    assert call.losses == losses


async def test_a_large_group_shows_its_first_members_in_lists(house: House) -> None:
    people = [f"user {number:03}" for number in range(119)]
    number = await create(house, "alice", *people)
    headers = {name: value.format_map(house.names) for name, value in as_user("alice").items()}
    response = await house.client.get(WS + "group/list", headers=headers)
    (row,) = response.json()["response"]
    assert (row["membersId"], row["userCount"]) == (["alice", *people[:99]], 120)
    assert response.headers["x-gateway-loss"] == "membersId: of a large group the first 100"
    # Who looks at it sees more.
    found = await info(house, number, "alice")
    assert (found["membersId"], len(found["users"])) == (["alice", *people], 120)


TOPICS: list[tuple[str, Topic, dict[str, Any]]] = [
    ("bare", Topic(3, ("ada", "bob"), "ada", 1, 1), {"topicId": "3", "userId": "bob", "groupId": (1 << 30) + 3}),
    ("of a group", Topic(3, 9, "ada", 1, 1, alias="p"), {"topicId": "p", "userId": "ada", "groupId": 9}),
    ("closed", Topic(3, 9, "ada", 1, 1, open=False), {"closed": True, "status": "CLOSED"}),
    ("another's words", Topic(3, 9, "ada", 1, 1, title="T", attributes={"price": 5}),
        {"topicDetail": '{"title":"T","price":5}'}),
    ("own words", Topic(3, 9, "ada", 1, 1, title="T", leftovers={"applozic": {"detail": '{ "title" :"T"}'}}),
        {"topicDetail": '{ "title" :"T"}'}),
]  # fmt: skip


@pytest.mark.parametrize("row", TOPICS, ids=[row[0] for row in TOPICS])
def test_topics(row: tuple[Any, ...]) -> None:
    _, topic, expected = row
    shown = topic_object(topic, "ada")
    assert {name: shown[name] for name in expected} == expected
