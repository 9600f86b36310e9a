"""Who is in a group: coming and going in each of the vendor's ways, muting, counting."""

from typing import Any

import pytest

from core.clock import HIGHEST_TIME
from core.messages import Query
from core.model import Message, Text
from tests.adapters.applozic.conftest import WS, as_bot, as_user, ask, ask_as_bot, envelope, failed
from tests.adapters.applozic.grouped import create, info, members, roles, said
from tests.harness import NOON, House, Row, match

UNAUTHORIZED = failed("AL-UN-01", "unauthorized user")
UNKNOWN = failed("AL-G-01", "group not found")
NO_USER = failed("AL-U-01", "user not found")
PRESENT = failed("AL-U-01", "user already exist")
NO_CONVERSATION = failed("AL-U-01", "there is no conversation with this user")
INCOMPLETE = failed("AL-M-01")

ONE: list[tuple[str, str, dict[str, str], dict[str, Any], Any, list[str]]] = [
    ("an admin adds", "add/member", as_user("alice"), {"userId": "carol"}, envelope(), ["alice", "bob", "carol"]),
    ("a member adds", "add/member", as_user("bob"), {"userId": "carol"}, envelope(), ["alice", "bob", "carol"]),
    ("a stranger comes", "add/member", as_user("carol"), {"userId": "carol"}, envelope(), ["alice", "bob", "carol"]),
    ("the bot adds", "add/member", as_bot(), {"userId": "new one"}, envelope(), ["alice", "bob", "new one"]),
    ("a stranger adds", "add/member", as_user("carol"), {"userId": "dan"}, UNAUTHORIZED, ["alice", "bob"]),
    ("a present member", "add/member", as_user("alice"), {"userId": "bob"}, PRESENT, ["alice", "bob"]),
    ("nobody", "add/member", as_user("alice"), {}, INCOMPLETE, ["alice", "bob"]),
    ("no name", "add/member", as_user("alice"), {"userId": "a\tb"}, NO_USER, ["alice", "bob"]),
    ("an admin removes", "remove/member", as_user("alice"), {"userId": "bob"}, envelope(), ["alice"]),
    ("a member removes himself", "remove/member", as_user("bob"), {"userId": "bob"}, envelope(), ["alice"]),
    ("the bot removes the owner", "remove/member", as_bot(), {"userId": "alice"}, envelope(), ["bob"]),
    ("the owner is spared", "remove/member", as_user("bob"), {"userId": "alice"}, UNAUTHORIZED, ["alice", "bob"]),
    ("a stranger removes", "remove/member", as_user("carol"), {"userId": "bob"}, UNAUTHORIZED, ["alice", "bob"]),
    ("no member is removed", "remove/member", as_user("alice"), {"userId": "carol"}, NO_USER, ["alice", "bob"]),
    ("a member leaves", "left", as_user("bob"), {}, envelope(), ["alice"]),
    ("the last admin leaves", "left", as_user("alice"), {}, envelope(), ["bob"]),
    ("the bot has a member leave", "left", as_bot("bob"), {}, envelope(), ["alice"]),
    ("a stranger leaves", "left", as_user("carol"), {}, NO_USER, ["alice", "bob"]),
]  # fmt: skip


@pytest.mark.parametrize("form", ["json", "form", "query"])
@pytest.mark.parametrize("row", ONE, ids=[row[0] for row in ONE])
async def test_one_by_one(house: House, row: tuple[Any, ...], form: str) -> None:
    label, path, headers, fields, answer, expected = row
    number = await create(house, "alice", "bob", clientGroupId="own")
    said_of = {"clientGroupId": "own", **fields}
    url = f"{WS}group/{path}"
    if form == "json":
        sent = Row(label, "POST", url, 200, answer, {"groupId": number, **fields}, headers=headers)
    elif form == "form":
        content = "&".join(f"{name}={value}" for name, value in said_of.items()).encode()
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        sent = Row(label, "POST", url, 200, answer, content=content, headers={**headers, **kind})
    else:
        sent = Row(label, "GET", url, 200, answer, query=said_of, headers=headers)
    await sent.check(house)
    assert await members(house, number) == expected


@pytest.mark.parametrize("path", ["group/add/member", "group/remove/member", "group/left"])
async def test_an_unknown_group(house: House, path: str) -> None:
    for given in ({"clientGroupId": "nobody"}, {"groupId": 77}, {"groupId": "x"}, {"groupId": 1 << 40}, {}):
        body = {"userId": "bob", **given}
        await Row(str(given), "POST", WS + path, 200, UNKNOWN, body, headers=as_user("alice")).check(house)


async def test_only_admins_change_who_is_in_a_private_group(house: House) -> None:
    number = await create(house, "alice", "bob", type=1)
    for path, user in (("add/member", "carol"), ("remove/member", "alice")):
        body = {"groupId": number, "userId": user}
        await Row(path, "POST", WS + "group/" + path, 200, UNAUTHORIZED, body, headers=as_user("bob")).check(house)
    comes = Row(
        "", "GET", WS + f"group/add/member?groupId={number}&userId=carol", 200, UNAUTHORIZED, headers=as_user("carol")
    )
    await comes.check(house)
    await ask(house, "alice", "POST", "group/add/member", json={"groupId": number, "userId": "carol", "role": 2})
    assert await roles(house, number) == {"alice": 1, "bob": 3, "carol": 2}
    # A moderator may; to end the group takes an admin.
    await ask(house, "carol", "GET", f"group/remove/member?groupId={number}&userId=bob")
    assert await members(house, number) == ["alice", "carol"]
    await Row("", "GET", WS + f"group/delete?groupId={number}", 200, UNAUTHORIZED, headers=as_user("carol")).check(
        house
    )


async def test_a_role_is_given_by_an_admin(house: House) -> None:
    number = await create(house, "alice", "bob")
    body = {"groupId": number, "userId": "carol", "role": "1"}
    await Row("", "POST", WS + "group/add/member", 200, UNAUTHORIZED, body, headers=as_user("bob")).check(house)
    await Row("", "POST", WS + "group/add/member", 200, envelope(), body, headers=as_user("alice")).check(house)
    assert (await roles(house, number))["carol"] == 1


async def test_what_is_said_of_it(house: House) -> None:
    number = await create(house, "alice")
    await ask(house, "alice", "POST", "group/add/member", json={"groupId": number, "userId": "bob"})
    await ask(house, "carol", "POST", "group/add/member", json={"groupId": number, "userId": "carol"})
    await ask(house, "alice", "POST", "group/remove/member", json={"groupId": number, "userId": "bob"})
    await ask(house, "carol", "POST", "group/left", json={"groupId": number})
    assert [(name, text) for name, text, _ in (await said(house, number))[1:]] == [
        ("member_joined", "bob joined"),
        ("member_joined", "carol joined"),
        ("member_left", "bob was removed"),
        ("member_left", "carol left"),
    ]


@pytest.mark.parametrize(("kind", "sees"), [(1, []), (2, ["early"])])
async def test_what_a_newcomer_sees(house: House, kind: int, sees: list[str]) -> None:
    number = await create(house, "alice", type=kind)
    alice, bob = await house.core.users.keys(house.tenant, ["alice", "bob"])
    message = Message("alice", Text("early"), "applozic")
    await house.core.messages.send_group(house.tenant, alice, [number], message, "request:1")
    await ask(house, "alice", "POST", "group/add/member", json={"groupId": number, "userId": "bob"})
    page = await house.core.messages.group_page(house.tenant, bob, number, Query(10))
    found = [one.message.content for one in page.messages]
    assert [content.text for content in found if isinstance(content, Text)] == sees


MANY: list[tuple[str, str, str, dict[str, Any], Any, tuple[list[str], list[str]]]] = [
    ("one to two groups", "GET", "add/user", {"userId": "carol", "clientGroupIds": ["g1", "g2"]}, envelope(),
        (["alice", "bob", "carol"], ["alice", "carol"])),
    ("with commas", "GET", "add/user", {"userId": "carol", "clientGroupIds": "g1,g2"}, envelope(),
        (["alice", "bob", "carol"], ["alice", "carol"])),
    ("a present member stays", "GET", "add/user", {"userId": "bob", "clientGroupIds": ["g1", "g2"]}, envelope(),
        (["alice", "bob"], ["alice", "bob"])),
    ("one from two groups", "GET", "remove/user", {"userId": "bob", "clientGroupIds": ["g1", "g2"]}, envelope(),
        (["alice"], ["alice"])),
    ("two users", "POST", "add/users", {"userIds": ["bob", "carol"], "clientGroupIds": ["g2"]}, envelope(),
        (["alice", "bob"], ["alice", "bob", "carol"])),
    ("unknown users", "POST", "add/users", {"userIds": ["bob", "nobody"], "clientGroupIds": ["g2"]}, NO_USER,
        (["alice", "bob"], ["alice"])),
    ("an unknown group", "POST", "add/users", {"userIds": ["bob"], "clientGroupIds": ["g2", "g3"]}, UNKNOWN,
        (["alice", "bob"], ["alice"])),
    ("no users", "POST", "add/users", {"clientGroupIds": ["g2"]}, INCOMPLETE, (["alice", "bob"], ["alice"])),
    ("no groups", "POST", "add/users", {"userIds": ["bob"]}, INCOMPLETE, (["alice", "bob"], ["alice"])),
    ("two users go", "POST", "remove/users", {"userIds": ["bob", "nobody"], "clientGroupIds": ["g1"]}, envelope(),
        (["alice"], ["alice"])),
    ("none go", "POST", "remove/users", {"clientGroupIds": ["g1"]}, INCOMPLETE, (["alice", "bob"], ["alice"])),
]  # fmt: skip


@pytest.mark.parametrize("row", MANY, ids=[row[0] for row in MANY])
async def test_many_at_once(house: House, row: tuple[Any, ...]) -> None:
    label, method, path, fields, answer, expected = row
    one = await create(house, "alice", "bob", clientGroupId="g1")
    two = await create(house, "alice", clientGroupId="g2")
    more: dict[str, Any] = {"params": fields} if method == "GET" else {"json": fields}
    headers = {name: value.format_map(house.names) for name, value in as_user("alice").items()}
    response = await house.client.request(method, f"{WS}group/{path}", headers=headers, **more)
    assert response.status_code == 200
    match(answer, response.json(), label)
    assert (await members(house, one), await members(house, two)) == expected


async def test_missing_groups_are_made_where_that_is_said(house: House) -> None:
    body = {"userIds": ["bob", "carol"], "clientGroupIds": ["made"]}
    path = WS + "group/add/users?createNew=true"
    await Row("", "POST", path, 200, envelope(), body, headers=as_user("alice")).check(house)
    found = await ask(house, "alice", "GET", "group/v2/info?clientGroupId=made")
    assert (found["response"]["membersId"], found["response"]["name"]) == (["alice", "bob", "carol"], "made")


async def test_a_user_leaves_every_group(house: House) -> None:
    numbers = [await create(house, "alice", "bob") for _ in range(3)]
    path = WS + "user/remove/group/all"
    await Row("others'", "GET", path + "?userId=bob", 200, UNAUTHORIZED, headers=as_user("alice")).check(house)
    await Row("by the bot", "GET", path + "?userId=bob", 200, envelope(), headers=as_bot()).check(house)
    assert [await members(house, number) for number in numbers] == [["alice"]] * 3
    await Row("own", "GET", path, 200, envelope(), headers=as_user("alice")).check(house)
    assert [await members(house, number) for number in numbers] == [[]] * 3
    await Row("an unknown one", "GET", path + "?userId=nobody", 200, envelope(), headers=as_bot()).check(house)


async def test_a_member_mutes_a_group(house: House) -> None:
    number = await create(house, "alice", "bob", clientGroupId="own")
    until = NOON + 60_000
    for given, answer in (
        ({"id": number, "notificationAfterTime": str(until)}, envelope()),
        ({"clientGroupId": "nobody", "notificationAfterTime": until}, UNKNOWN),
        ({"id": number}, INCOMPLETE),
    ):
        await Row(str(given), "POST", WS + "group/user/update", 200, answer, given, headers=as_user("bob")).check(house)
    assert (await info(house, number, "bob"))["notificationAfterTime"] == until
    assert "notificationAfterTime" not in await info(house, number, "alice")
    body = {"clientGroupId": "own", "notificationAfterTime": until}
    await Row("a stranger", "POST", WS + "group/user/update", 200, UNAUTHORIZED, body, headers=as_user("carol")).check(
        house
    )
    # Another dialect's "for ever".
    bob = await house.core.users.key(house.tenant, "bob")
    await house.core.conversations.mark(house.tenant, bob, number, muted_until=-1)
    assert (await info(house, number, "bob"))["notificationAfterTime"] == HIGHEST_TIME


async def test_a_user_is_muted_likewise(house: House) -> None:
    alice, bob = await house.core.users.keys(house.tenant, ["alice", "bob"])
    message = Message("alice", Text("hi"), "applozic")
    await house.core.messages.send_direct(house.tenant, alice, [bob], message, "request:1")
    body = {"userId": "alice", "notificationAfterTime": NOON + 5}
    await Row("", "POST", WS + "group/user/update", 200, envelope(), body, headers=as_user("bob")).check(house)
    row = await house.core.conversations.direct(house.tenant, bob, "alice")
    assert row is not None
    assert row.marks.muted_until == NOON + 5
    body = {"userId": "carol", "notificationAfterTime": NOON + 5}
    await Row("", "POST", WS + "group/user/update", 200, NO_CONVERSATION, body, headers=as_user("bob")).check(house)


async def test_who_is_a_member_and_how_many(house: House) -> None:
    one = await create(house, "alice", "bob", clientGroupId="g1")
    two = await create(house, "alice", clientGroupId="g2")
    for user, answer in (("bob", True), ("carol", False), ("nobody", False), ("a\x0bb", False)):
        query = {"clientGroupId": "g1", "userId": user}
        await Row(
            user, "GET", WS + "group/check/user", 200, envelope(answer), query=query, headers=as_user("alice")
        ).check(house)
    expected = [
        {"id": one, "clientGroupId": "g1", "userCount": 2},
        {"id": two, "clientGroupId": "g2", "userCount": 1},
    ]
    for chosen in ("clientGroupIds=g1,g2,nobody", "clientGroupIds=g1&clientGroupIds=g2"):
        path = f"{WS}group/user/count?{chosen}"
        await Row(chosen, "GET", path, 200, envelope(expected), headers=as_user("carol")).check(house)
    await Row("none", "GET", WS + "group/user/count", 200, INCOMPLETE, headers=as_user("carol")).check(house)


async def test_strangers_learn_nothing_of_who_is_in_a_private_group(house: House) -> None:
    await create(house, "alice", "bob", clientGroupId="own", type=1)
    check, counts = WS + "group/check/user", WS + "group/user/count"
    for label, headers, named, answer in (
        ("a member", as_user("bob"), "alice", envelope(True)),
        ("a stranger, of himself", as_user("carol"), "carol", envelope(False)),
        ("a stranger", as_user("carol"), "bob", UNAUTHORIZED),
        ("the bot", as_bot(), "bob", envelope(True)),
    ):
        query = {"clientGroupId": "own", "userId": named}
        await Row(label, "GET", check, 200, answer, query=query, headers=headers).check(house)
    for user, rows in (("bob", 1), ("carol", 0)):
        expected = envelope(lambda found, rows=rows: len(found) == rows)
        query = {"clientGroupIds": "own"}
        await Row(user, "GET", counts, 200, expected, query=query, headers=as_user(user)).check(house)


async def test_who_another_dialect_blocked_is_not_let_in(house: House) -> None:
    number = await create(house, "alice", "bob")
    bob = await house.core.users.key(house.tenant, "bob")
    await house.core.members.block(house.tenant, number, [bob])
    body = {"groupId": number, "userId": "bob"}
    await Row("", "POST", WS + "group/add/member", 200, UNAUTHORIZED, body, headers=as_user("alice")).check(house)


async def test_the_bot_acts_for_members(house: House) -> None:
    number = await create(house, "alice", "bob")
    await ask_as_bot(house, "bob", "POST", "group/left", json={"groupId": number})
    assert await members(house, number) == ["alice"]
    assert (await said(house, number))[-1][:2] == ("member_left", "bob left")


async def test_who_was_a_member_is_listed_as_removed(house: House) -> None:
    number = await create(house, "alice", "bob", "carol")
    await ask(house, "alice", "POST", "group/remove/member", json={"groupId": number, "userId": "carol"})
    await ask(house, "bob", "POST", "group/left", json={"groupId": number})
    assert (await info(house, number, "alice"))["removedMembersId"] == ["bob", "carol"]
    await ask(house, "bob", "POST", "group/add/member", json={"groupId": number, "userId": "bob"})
    (row,) = (await ask(house, "bob", "GET", "group/list"))["response"]
    assert (row["membersId"], row["removedMembersId"]) == (["alice", "bob"], ["carol"])
