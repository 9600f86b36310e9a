"""Groups: creation, change, end."""

import asyncio
from typing import Any

import pytest

from core.model import Message, Text
from tests.adapters.applozic.conftest import WS, as_bot, as_user, ask, ask_as_bot, envelope, failed
from tests.adapters.applozic.grouped import (
    ADMIN,
    MEMBER,
    MODERATOR,
    create,
    group_shape,
    has_users,
    info,
    members,
    roles,
    said,
)
from tests.harness import House, Row

UNAUTHORIZED = failed("AL-UN-01", "unauthorized user")
UNKNOWN = failed("AL-G-01", "group not found")
TAKEN = failed("AL-G-02", "group already exists")
NO_USER = failed("AL-U-01", "user not found")

CREATED: list[tuple[str, dict[str, str], dict[str, Any], dict[str, Any]]] = [
    ("members by id", as_user("alice"), {"groupMemberList": ["bob", "carol"]}, group_shape("alice", "bob", "carol")),
    ("nobody else", as_user("alice"), {}, group_shape("alice")),
    ("the creator listed too", as_user("bob"), {"groupMemberList": ["alice", "bob"]}, group_shape("bob", "alice")),
    ("unknown members", as_user("alice"), {"groupMemberList": ["new one"]}, group_shape("alice", "new one")),
    (
        "members with roles",
        as_user("alice"),
        {"users": [{"userId": "bob", "groupRole": 1}, {"userId": "carol", "groupRole": "2"}, {"userId": "dan"}]},
        group_shape("alice", "bob", "carol", "dan", roles={"bob": ADMIN, "carol": MODERATOR}),
    ),
    ("another admin", as_user("alice"), {"admin": "bob"}, group_shape("bob", "alice")),
    ("by the bot for a user", as_bot("alice"), {"groupMemberList": ["bob"]}, group_shape("alice", "bob")),
    ("by the bot for an admin", as_bot(), {"admin": "alice", "groupMemberList": ["bob"]}, group_shape("alice", "bob")),
    ("an old server's user", as_bot(), {"ofUserId": "alice"}, group_shape("bot", adminId="alice", adminName="alice",
        membersId=["alice"], membersName=["alice"], groupUsers=list)),
    ("a chosen id", as_user("alice"), {"clientGroupId": "shop 7"}, group_shape("alice", clientGroupId="shop 7")),
    ("a chosen number", as_user("alice"), {"clientGroupId": 4711}, group_shape("alice", clientGroupId="4711")),
    ("private", as_user("alice"), {"type": 1}, group_shape("alice", type=1)),
    ("open, as text", as_user("alice"), {"type": "6"}, group_shape("alice", type=6)),
    ("a group of two has no name", as_user("alice"), {"type": 7, "groupName": None}, group_shape("alice", type=7, name="")),
    (
        "picture and metadata",
        as_user("alice"),
        {"imageUrl": "https://x.test/a.png", "metadata": {"a": "b", "n": 1, "on": True, "none": None, "deep": {"x": 1}}},
        group_shape(
            "alice",
            imageUrl="https://x.test/a.png",
            metadata={"a": "b", "n": "1", "on": "true", "deep": '{"x":1}'},
        ),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("label", "headers", "fields", "group"), CREATED, ids=[row[0] for row in CREATED])
async def test_create_and_look(
    house: House, label: str, headers: dict[str, str], fields: dict[str, Any], group: dict[str, Any]
) -> None:
    shape = envelope({**group, "users": list})
    row = Row(label, "POST", WS + "group/v2/create", 200, shape, {"groupName": "G", **fields}, headers=headers)
    made = (await row.check(house)).json()["response"]
    assert has_users(*made["membersId"])(made["users"])
    again = await info(house, made["id"])
    assert {**again, "users": ...} == {**made, "users": ...}
    assert [user["id"] for user in again["users"]] == made["memberUserKeys"]


async def test_what_was_created_is_neutral(house: House) -> None:
    number = await create(house, "alice", "bob", clientGroupId="shop", type=2, metadata={"a": "b"}, imageUrl="i")
    found = await house.core.groups.detail(house.tenant, number)
    assert found is not None
    group, people = found
    assert (group.name, group.owner, group.public, group.attributes, group.image_url) == (
        "G",
        "alice",
        True,
        {"a": "b"},
        "i",
    )
    assert (group.aliases, group.leftovers) == ({"applozic": "shop"}, {"applozic": {"type": 2}})
    assert [(member.id, member.role) for member in people] == [("alice", "owner"), ("bob", "member")]
    assert await said(house, number) == [("group_created", "Group created", {})]


@pytest.mark.parametrize("path", ["group/create", "group/v2.1/create", "group//v2/create/"])
async def test_create_has_several_addresses(house: House, path: str) -> None:
    answer = await ask(house, "alice", "POST", path, json={"groupName": "G", "groupMemberList": ["bob"]})
    assert answer["response"]["membersId"] == ["alice", "bob"]


REFUSED: list[tuple[str, dict[str, str], dict[str, Any], dict[str, Any]]] = [
    ("no name", as_user("alice"), {}, failed("AL-M-01", "groupName is missing")),
    ("an odd name", as_user("alice"), {"groupName": ["G"]}, failed("AL-M-01")),
    ("type 0", as_user("alice"), {"groupName": "G", "type": 0}, failed("AL-M-01", "type is unknown")),
    ("no type at all", as_user("alice"), {"groupName": "G", "type": "x"}, failed("AL-M-01")),
    ("users that are none", as_user("alice"), {"groupName": "G", "users": ["bob"]}, failed("AL-M-01")),
    ("users without an id", as_user("alice"), {"groupName": "G", "users": [{"groupRole": 1}]}, failed("AL-M-01")),
    ("a member that is no name", as_user("alice"), {"groupName": "G", "groupMemberList": ["a\nb"]}, failed("AL-M-01")),
    ("a long id", as_user("alice"), {"groupName": "G", "clientGroupId": "g" * 256}, failed("AL-M-01")),
    ("metadata that is none", as_user("alice"), {"groupName": "G", "metadata": 5}, failed("AL-M-01")),
    ("an unknown parent", as_user("alice"), {"groupName": "G", "parentClientGroupId": "nobody"}, UNKNOWN),
    ("an administrator for nobody", {"Apz-AppId": "{app}", "Apz-Token": "{bot}"}, {"groupName": "G"}, UNAUTHORIZED),
]


@pytest.mark.parametrize(("label", "headers", "fields", "answer"), REFUSED, ids=[row[0] for row in REFUSED])
async def test_what_is_not_created(
    house: House, label: str, headers: dict[str, str], fields: dict[str, Any], answer: dict[str, Any]
) -> None:
    await Row(label, "POST", WS + "group/v2/create", 200, answer, fields, headers=headers).check(house)
    assert (await house.core.groups.page(house.tenant)).total == 0


async def test_a_chosen_id_is_taken_once(house: House) -> None:
    body = {"groupName": "G", "clientGroupId": "race"}
    rows = [
        Row(user, "POST", WS + "group/v2/create", 200, ..., body, headers=as_user(user)) for user in ("alice", "bob")
    ]
    answers = [(await row).json()["status"] for row in [asyncio.ensure_future(row.send(house)) for row in rows]]
    assert sorted(answers) == ["error", "success"]
    await Row("again", "POST", WS + "group/v2/create", 200, TAKEN, body, headers=as_user("carol")).check(house)


async def test_the_digits_of_a_group_are_its_id(house: House) -> None:
    number = await create(house)
    body = {"groupName": "G", "clientGroupId": str(number)}
    await Row("taken", "POST", WS + "group/v2/create", 200, TAKEN, body, headers=as_user("bob")).check(house)
    by_digits = await ask(house, "alice", "GET", f"group/info?clientGroupId={number}")
    assert by_digits["response"]["id"] == number
    chosen = await create(house, clientGroupId="own")
    assert (await ask(house, "alice", "GET", "group/info?clientGroupId=own"))["response"]["id"] == chosen
    # Who gives both means the number.
    both = await ask(house, "alice", "GET", f"group/info?groupId={number}&clientGroupId=own")
    assert both["response"]["id"] == number


async def test_the_same_request_creates_one_group(house: House) -> None:
    headers = {**as_user("alice"), "Idempotency-Key": "k1"}
    body = {"groupName": "G", "clientGroupId": "once", "groupMemberList": ["bob"]}
    row = Row("create", "POST", WS + "group/v2/create", 200, ..., body, headers=headers)
    first, second = (await row.check(house)).json(), (await row.check(house)).json()
    assert first["response"] == second["response"]
    assert len(await said(house, first["response"]["id"])) == 1


async def test_several_groups_at_once(house: House) -> None:
    bodies = [{"groupName": "one"}, {"groupName": "two", "clientGroupId": "2nd"}]
    answer = await ask(house, "alice", "POST", "group/v2/create/multiple", json=bodies)
    assert [group["name"] for group in answer["response"]] == ["one", "two"]
    row = Row("", "POST", WS + "group/create/multiple", 200, failed("AL-M-01"), ["x"], headers=as_user("alice"))
    await row.check(house)


async def test_a_child_names_its_parent(house: House) -> None:
    parent = await create(house, clientGroupId="parent")
    child = await create(house, parentClientGroupId="parent")
    assert (await info(house, child))["parentKey"] == parent


CHANGED: list[tuple[str, dict[str, Any], dict[str, Any], list[tuple[str, str]]]] = [
    ("name", {"newName": "N"}, {"name": "N"}, [("group_renamed", "Group name changed to N")]),
    ("picture", {"imageUrl": "u"}, {"imageUrl": "u"}, [("group_image_changed", "Group icon changed")]),
    (
        "metadata",
        {"metadata": {"b": 2}},
        {"metadata": {"a": "1", "b": "2"}},
        [("group_attributes_changed", "Group details changed")],
    ),
    ("nothing new", {"newName": "G"}, {"name": "G"}, []),
    ("nothing", {}, {"name": "G"}, []),
    (
        "all",
        {"newName": "N", "imageUrl": "u", "metadata": {"a": "2"}},
        {"name": "N", "imageUrl": "u", "metadata": {"a": "2"}},
        [
            ("group_renamed", "Group name changed to N"),
            ("group_image_changed", "Group icon changed"),
            ("group_attributes_changed", "Group details changed"),
        ],
    ),
]


@pytest.mark.parametrize("caller", ["alice", "bob"])
@pytest.mark.parametrize(("label", "fields", "expected", "notices"), CHANGED, ids=[row[0] for row in CHANGED])
async def test_members_change_an_open_group(
    house: House,
    label: str,
    fields: dict[str, Any],
    expected: dict[str, Any],
    notices: list[tuple[str, str]],
    caller: str,
) -> None:
    number = await create(house, "alice", "bob", metadata={"a": "1"})
    body = {"groupId": str(number), **fields}
    await Row(label, "POST", WS + "group/update", 200, envelope(), body, headers=as_user(caller)).check(house)
    found = await info(house, number)
    assert {name: found.get(name) for name in expected} == expected
    assert [(name, text) for name, text, _ in (await said(house, number))[1:]] == notices


async def test_a_private_group_is_changed_by_its_admins(house: House) -> None:
    number = await create(house, "alice", "bob", type=1, clientGroupId="own")
    row = Row(
        "",
        "POST",
        WS + "group/update",
        200,
        UNAUTHORIZED,
        {"clientGroupId": "own", "newName": "N"},
        headers=as_user("bob"),
    )
    await row.check(house)
    stranger = Row(
        "",
        "POST",
        WS + "group/update",
        200,
        UNAUTHORIZED,
        {"groupId": number, "newName": "N"},
        headers=as_user("carol"),
    )
    await stranger.check(house)
    answer = await ask(house, "alice", "GET", f"group/change/name?groupId={number}&newName=By%20query")
    assert (answer["response"], (await info(house, number))["name"]) == ("success", "By query")
    await ask_as_bot(house, "", "POST", "group/update", json={"groupId": number, "newName": "By the bot"})
    assert (await info(house, number))["name"] == "By the bot"


async def test_roles_change(house: House) -> None:
    number = await create(house, "alice", "bob", "carol")

    async def give(caller: str, answer: Any = None, **given: Any) -> None:
        body = {"groupId": number, "users": [{"userId": user, "role": role} for user, role in given.items()]}
        row = Row("", "POST", WS + "group/update", 200, answer or envelope(), body, headers=as_user(caller))
        await row.check(house)

    await give("bob", UNAUTHORIZED, bob=1)
    await give("alice", bob=1, carol=2)
    assert await roles(house, number) == {"alice": 1, "bob": 1, "carol": 2}
    await give("carol", UNAUTHORIZED, carol=1)
    await give("bob", carol="3", bob=2)
    assert await roles(house, number) == {"alice": 1, "bob": 2, "carol": 3}
    await give("alice", bob=0)
    assert await roles(house, number) == {"alice": 1, "bob": 3, "carol": 3}
    await give("alice", UNAUTHORIZED, alice=3)
    await give("alice", NO_USER, bob=1, stranger=1)
    assert await roles(house, number) == {"alice": 1, "bob": 3, "carol": 3}
    assert [(name, text) for name, text, _ in (await said(house, number))[1:]] == [
        ("member_role_changed", f"{user} is {role} now")
        for user, role in (
            ("bob", "admin"),
            ("carol", "admin"),
            ("carol", "member"),
            ("bob", "admin"),
            ("bob", "member"),
        )
    ]


async def test_an_admin_deletes(house: House) -> None:
    number = await create(house, "alice", "bob", clientGroupId="own")
    unknown = Row("unknown", "GET", WS + "group/delete?clientGroupId=nobody", 200, UNKNOWN, headers=as_user("alice"))
    refused = Row("no admin", "GET", WS + "group/delete?clientGroupId=own", 200, UNAUTHORIZED, headers=as_user("bob"))
    done = Row(
        "done",
        "GET",
        WS + f"group/delete?groupId={number}&resetCount=true",
        200,
        envelope(True),
        headers=as_user("alice"),
    )
    gone = Row("gone", "GET", WS + f"group/v2/info?groupId={number}", 200, UNKNOWN, headers=as_user("alice"))
    for row in (unknown, refused, done, gone):
        await row.check(house)
    # The id is free again.
    assert await create(house, "bob", clientGroupId="own") != number


async def test_several_groups_are_deleted_or_none(house: House) -> None:
    for alias, owner in (("one", "alice"), ("two", "alice"), ("bobs", "bob")):
        await create(house, owner, "carol", clientGroupId=alias)
    path = WS + "group/multiple/delete?clientGroupIds="
    for wanted, answer in (("one,bobs", UNAUTHORIZED), ("one,nobody", UNKNOWN), ("", failed("AL-M-01"))):
        await Row(wanted, "GET", path + wanted, 200, answer, headers=as_user("alice")).check(house)
    assert (await house.core.groups.page(house.tenant)).total == 3
    await Row("", "GET", path + "one&clientGroupIds=two", 200, envelope(), headers=as_user("alice")).check(house)
    assert [row.group.owner for row in (await house.core.groups.page(house.tenant)).groups] == ["bob"]


async def test_metadata_words_the_notices(house: House) -> None:
    templates = {
        "CREATE_GROUP_MESSAGE": ":adminName opened :groupName",
        "ADD_MEMBER_MESSAGE": "welcome :userName, :unknown",
        "GROUP_NAME_CHANGE_MESSAGE": "",
        "HIDE": "true",
    }
    number = await create(house, "alice", metadata=templates)
    await ask(house, "alice", "POST", "group/add/member", json={"groupId": number, "userId": "bob"})
    await ask(house, "alice", "POST", "group/update", json={"groupId": number, "newName": "N"})
    hidden = {"hide": "true"}
    assert await said(house, number) == [
        ("group_created", "alice opened G", hidden),
        ("member_joined", "welcome bob, :unknown", hidden),
        ("group_renamed", "Group name changed to N", {**hidden, "show": "false"}),
    ]


async def test_a_silent_group_says_so(house: House) -> None:
    number = await create(house, "alice", metadata={"ALERT": "false"})
    assert await said(house, number) == [("group_created", "Group created", {"show": "false"})]
    assert await members(house, number) == ["alice"]


async def test_changes_at_once_are_all_kept(house: House) -> None:
    people = [f"user {index}" for index in range(8)]
    number = await create(house, "alice", *people)
    bodies: list[dict[str, Any]] = [{"metadata": {user: "x"}} for user in people]
    bodies += [{"users": [{"userId": user, "role": MODERATOR}]} for user in people]
    await asyncio.gather(
        *(ask(house, "alice", "POST", "group/update", json={"groupId": number, **body}) for body in bodies)
    )
    assert (await info(house, number))["metadata"] == dict.fromkeys(people, "x")
    # None of them an admin: who is one, and not noted as a moderator, would be.
    assert await roles(house, number) == {"alice": ADMIN, **dict.fromkeys(people, MODERATOR)}


@pytest.mark.parametrize("path", ["group/update", "group/add/member"])
async def test_nobody_becomes_an_admin_on_the_way_to_a_moderator(
    house: House, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """What a killed worker leaves: one step is done, the next is not."""
    number = await create(house, "alice", *(["bob"] if path == "group/update" else []))
    body = {"users": [{"userId": "bob", "role": MODERATOR}]} if path == "group/update" else {"userId": "bob", "role": 2}

    async def killed(*_: Any, **__: Any) -> None:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(house.core.groups, "update", killed)
        await house.client.post(WS + path, json={"groupId": number, **body}, headers=own_headers(house))
    assert (await roles(house, number))["bob"] == MEMBER
    with monkeypatch.context() as patched:
        patched.setattr(house.core.members, "make_admin", killed)
        await house.client.post(WS + "group/update", json={"groupId": number, "users": [{"userId": "bob", "role": 2}]},
            headers=own_headers(house))  # fmt: skip
    assert (await roles(house, number))["bob"] == MEMBER


async def test_nothing_of_a_moderator_who_is_erased_is_left(house: House) -> None:
    number = await create(house, "alice", "moderator", users=[{"userId": "moderator", "groupRole": MODERATOR}])
    assert (await roles(house, number))["moderator"] == MODERATOR
    await house.core.users.register(house.tenant, "moderator")
    assert await house.core.erase.user(house.tenant, "moderator")
    await house.core.tenants.reload(house.tenant.number)
    (tenant,) = await house.core.tenants.owners("applozic", house.names["app"])
    assert "moderator" not in str(await house.core.groups.find(tenant, number)).replace("'moderators'", "")
    # Somebody else of that name is not one for it.
    await ask(
        house, "alice", "POST", "group/add/member", json={"groupId": number, "userId": "moderator", "role": ADMIN}
    )
    assert (await roles(house, number))["moderator"] == ADMIN


def own_headers(house: House) -> dict[str, str]:
    return {name: value.format_map(house.names) for name, value in as_user("alice").items()}


async def test_long_words_are_cut(house: House) -> None:
    words = ":groupName " * 5_000
    number = await create(house, "alice", groupName="n" * 2_000, metadata={"CREATE_GROUP_MESSAGE": words})
    ((_, text, _),) = await said(house, number)
    assert len(text) == 1_024


async def test_a_conversation_of_two_ends_likewise(house: House) -> None:
    alice, bob = await house.core.users.keys(house.tenant, ["alice", "bob"])
    message = Message("alice", Text("hi"), "applozic")
    await house.core.messages.send_direct(house.tenant, alice, [bob], message, "request:1")
    row = Row("", "GET", WS + "group/delete?userId=alice", 200, envelope(True), headers=as_user("bob"))
    await row.check(house)
    assert await house.core.conversations.direct(house.tenant, bob, "alice") is None
    assert await house.core.conversations.direct(house.tenant, alice, "bob") is not None
    await row.check(house)
    nobody = {"Apz-AppId": "{app}", "Apz-Token": "{bot}"}
    await Row("", "GET", WS + "group/delete?userId=alice", 200, UNAUTHORIZED, headers=nobody).check(house)
