"""Groups and their members."""

import asyncio
import re
import secrets
from typing import Any

import pytest

from core.ids import GROUP
from core.model import Credential, Message, Text
from tests.adapters.chat21.conftest import Token, as_user, conversations, history, said, send, signed, stock_claims
from tests.adapters.chat21.test_messages import NAME_TEXT, OBJECT_ID
from tests.harness import NOON, House, Row

GROUPS = "/api/{app}/groups"
DONE = {"success": True}
OWN_ID = re.compile("group-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
DENIED = {"success": False, "err": "Permission denied"}
UNKNOWN = {"success": False, "err": "Group doesn't exist"}
LEFT = {"success": False, "err": "Not found", "http_status": 404}


def rendered(owner: str, *members: str, **more: Any) -> dict[str, Any]:
    group: dict[str, Any] = {
        "name": "G1",
        "uid": OWN_ID,
        "appId": "{app}",
        "owner": owner,
        "members": dict.fromkeys(members, 1),
        "createdOn": NOON,
        "updatedOn": NOON,
    }
    return {**group, **more}


async def create(house: House, caller: str = "user1", *members: str, **fields: Any) -> str:
    """Create a group; gives its id."""
    body = {"group_name": "G1", "group_members": dict.fromkeys(members, 1), **fields}
    response = await Row("create", "POST", GROUPS, 201, ..., body, headers=as_user(caller)).check(house)
    uid: str = response.json()["group"]["uid"]
    return uid


async def read(house: House, uid: str, caller: str = "admin") -> dict[str, Any]:
    response = await Row("get", "GET", f"{GROUPS}/{uid}", 200, headers=as_user(caller)).check(house)
    assert response.json()["success"] is True
    group: dict[str, Any] = response.json()["result"]
    return group


CREATED: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("user1", {"group_members": {"user2": 1}}, rendered("user1", "user2", "user1")),
    ("user1", {"group_members": {"user1": 1, "user2": 7}}, rendered("user1", "user1", "user2")),
    ("user1", {"group_members": {}}, rendered("user1", "user1")),
    ("user1", {"group_members": ["user2", "user3", "user2"]}, rendered("user1", "user2", "user3", "user1")),
    ("user1", {"group_members": {"user2": 1}, "group_owner": "user3"}, rendered("user1", "user2", "user1")),
    ("user1", {"group_members": {}, "group_id": "any string"}, rendered("user1", "user1", uid="any string")),
    ("user1", {"group_members": {}, "group_id": 77}, rendered("user1", "user1", uid="77")),
    ("user1", {"group_members": {}, "group_id": ""}, rendered("user1", "user1")),
    ("user1", {"group_members": {}, "group_name": 5}, rendered("user1", "user1", name="5")),
    ("user1", {"group_members": {}, "attributes": {"a1": "v1"}}, rendered("user1", "user1", attributes={"a1": "v1"})),
    ("user1", {"group_members": {}, "attributes": {}}, rendered("user1", "user1", attributes={})),
    ("user1", {"group_members": {}, "attributes": ["odd"]}, rendered("user1", "user1", attributes=["odd"])),
    ("user1", {"group_members": {}, "attributes": None}, rendered("user1", "user1")),
    ("admin", {"group_members": {"user2": 1}}, rendered("100-APIADMIN", "user2")),
    ("admin", {"group_members": {"user2": 1}, "group_owner": "user1"}, rendered("user1", "user2")),
]


@pytest.mark.parametrize(("caller", "fields", "group"), CREATED)
async def test_create_and_get(house: House, caller: str, fields: dict[str, Any], group: dict[str, Any]) -> None:
    body = {"group_name": "G1", **fields}
    answer = {"success": True, "group": group}
    response = await Row("", "POST", GROUPS, 201, answer, body, headers=as_user(caller)).check(house)
    made = response.json()["group"]
    answer = {"success": True, "result": {"_id": OBJECT_ID, **made}}
    await Row("", "GET", f"{GROUPS}/{made['uid']}", 200, answer, headers=as_user("admin")).check(house)


NO_MEMBERS, NO_NAME = "group_members not present!", "group_name not present!"
ODD: list[Any] = [{}, [], True, 1.5]
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("user1", {}, NO_NAME),
    ("user1", {"group_members": {}}, NO_NAME),
    ("user1", {"group_name": "G1"}, NO_MEMBERS),
    *(("user1", {"group_name": "G1", "group_members": nothing}, NO_MEMBERS) for nothing in (None, "", 0, False)),
    *(("user1", {"group_name": "G1", "group_members": odd}, "group_members must be an object") for odd in ("a", 5, True)),
    *(("user1", {"group_name": odd, "group_members": {}}, NO_NAME) for odd in ODD),
    ("user1", {"group_name": "G1", "group_members": [["a"]]}, "group_members must hold user ids"),
    ("user1", {"group_name": "G1", "group_members": {"": 1}}, f"group_members {NAME_TEXT}"),
    ("user1", {"group_name": "G1", "group_members": {"a\nb": 1}}, f"group_members {NAME_TEXT}"),
    ("user1", {"group_name": "G1", "group_members": {"a" * 256: 1}}, f"group_members {NAME_TEXT}"),
    ("user1", {"group_name": "G1", "group_members": {}, "group_id": {}}, "group_id is not valid"),
    ("user1", {"group_name": "G1", "group_members": {}, "group_id": "g" * 256}, f"group_id {NAME_TEXT}"),
    ("admin", {"group_name": "G1", "group_members": {}, "group_owner": ["a"]}, "group_owner is not valid"),
]  # fmt: skip


@pytest.mark.parametrize(("caller", "body", "text"), REFUSED)
async def test_what_can_not_be_created(house: House, caller: str, body: dict[str, Any], text: str) -> None:
    response = await Row("", "POST", GROUPS, 405, text, body, headers=as_user(caller)).check(house)
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert await house.core.users.known_key(house.tenant, "a") is None


async def test_an_administrator_without_a_name_must_name_the_owner(house: House, token: Token) -> None:
    nobody = {"Authorization": token(sub=None, tiledesk_api_roles="admin")}
    body = {"group_name": "G1", "group_members": {}}
    await Row("", "POST", GROUPS, 405, "group_owner is mandatory", body, headers=nobody).check(house)


async def test_an_existing_id_is_overwritten_by_who_may(house: House) -> None:
    uid = await create(house, "user1", "user2", "user3", group_id="group-own", attributes={"a": 1})
    house.manual_clock.move(5)
    body = {"group_name": "New", "group_members": {"user2": 1, "user4": 1}, "group_id": uid}
    refused = {"err": {"message": "Unauthorized"}}
    await Row("stranger", "POST", GROUPS, 405, refused, body, headers=as_user("user2")).check(house)
    assert (await read(house, uid))["name"] == "G1"
    members = {"user2": 1, "user4": 1, "user1": 1}
    group = {"name": "New", "uid": uid, "owner": "user1", "members": members, "attributes": {"a": 1}}
    answer = {"success": True, "group": {**rendered("user1", uid=uid), **group, "updatedOn": NOON + 5}}
    await Row("owner", "POST", GROUPS, 201, answer, body, headers=as_user("user1")).check(house)
    found = await read(house, uid)
    assert {name: found[name] for name in group} == group
    body |= {"group_owner": "user2", "attributes": ["odd"]}
    await Row("admin", "POST", GROUPS, 201, ..., body, headers=as_user("admin")).check(house)
    found = await read(house, uid)
    assert (found["owner"], found["members"], found["attributes"]) == ("user2", {"user2": 1, "user4": 1}, ["odd"])


async def test_the_same_id_at_once_makes_one_group(house: House) -> None:
    names = ["user1", "user2", "user3", "user4"]
    body = {"group_name": "G1", "group_members": {"user9": 1}, "group_id": "group-race"}
    rows = [Row(name, "POST", GROUPS, 201, ..., body, headers=as_user(name)) for name in names]
    answers = await asyncio.gather(*(row.send(house) for row in rows))
    assert sorted(answer.status_code for answer in answers) == [201, 405, 405, 405]
    (winner,) = (name for name, answer in zip(names, answers, strict=True) if answer.status_code == 201)
    found = await read(house, "group-race")
    assert (found["owner"], found["members"].keys()) == (winner, {"user9", winner})


async def test_ids_of_our_making_are_not_for_the_taking(house: House) -> None:
    uid = await create(house, "user1")
    body = {"group_name": "Mine", "group_members": {}, "group_id": uid}
    refused = {"err": {"message": "Unauthorized"}}
    await Row("existing", "POST", GROUPS, 405, refused, body, headers=as_user("user2")).check(house)
    body["group_id"] = "group-" + house.core.ids(house.tenant).uuid(GROUP | 123_456)
    await Row("to come", "POST", GROUPS, 405, "group_id is not valid", body, headers=as_user("user2")).check(house)


async def test_get_is_for_members_and_administrators(house: House) -> None:
    uid = await create(house, "admin", "user2", group_owner="user1")
    path = f"{GROUPS}/{uid}"
    for caller, status, body in (
        ("user2", 200, ...),
        ("admin", 200, ...),
        ("user1", 401, DENIED),
        ("user3", 401, DENIED),
    ):
        await Row(caller, "GET", path, status, body, headers=as_user(caller)).check(house)
    for unknown in ("nothing", "group-nothing", "g" * 300, "group-" + house.core.ids(house.tenant).uuid(GROUP | 99)):
        await Row(unknown, "GET", f"{GROUPS}/{unknown}", 404, UNKNOWN, headers=as_user("user1")).check(house)


async def test_groups_of_other_tenants_do_not_exist(house: House) -> None:
    stranger = await house.core.tenants.add("stranger-" + house.tenant.name)
    key = Credential("jwt", "default", secrets.token_hex(32))
    await house.core.tenants.add_credential(stranger.name, "chat21", house.names["app"], key)
    for name in ("user1", "user2"):
        house.names[f"other {name}"] = signed(key.secret, stock_claims(name, house.names["app"]))
    ours = dict(house.names)
    own = await create(house, "user1", "user2")
    chosen = await create(house, "user1", "user2", group_id="group-chosen")
    await send(house, "user1", own, text="ours")
    for uid in (own, chosen):
        house.names |= {name: ours[f"other {name}"] for name in ("user1", "user2")}
        path = f"{GROUPS}/{uid}"
        await Row("get", "GET", path, 404, UNKNOWN, headers=as_user("user1")).check(house)
        await Row("join", "POST", f"{path}/members", 405, ..., {"member_id": "x"}, headers=as_user("user1")).check(
            house
        )
        await Row("set", "PUT", f"{path}/members", 405, ..., {"members": {"x": 1}}, headers=as_user("user1")).check(
            house
        )
        await Row("leave", "DELETE", f"{path}/members/user2", 405, LEFT, headers=as_user("user1")).check(house)
        assert await history(house, "user1", uid) == []
        await send(house, "user1", uid, text="theirs")
        house.names |= ours
        assert (await read(house, uid))["members"] == {"user2": 1, "user1": 1}
    assert await said(house, "user1", own) == ["ours"]


def join(status: int, err: Any) -> tuple[int, dict[str, Any]]:
    return status, {"success": False, "err": err, "http_status": 405}


async def test_join(house: House) -> None:
    uid = await create(house, "user1", "user2")
    path = f"{GROUPS}/{uid}/members"
    house.manual_clock.move(1)
    await send(house, "user1", uid, text="before")
    denied = join(405, {"success": False, "err": "Not allowed"})
    taken = join(405, {"success": False, "err": "Already a member", "http_status": 401})
    missing = join(405, {"success": False, "err": "Not found", "http_status": 404})
    mandatory = (405, "member_id is mandatory!")
    illegal = (405, f"member_id {NAME_TEXT}")
    for label, caller, where, body, (status, answer) in (
        ("no id", "user1", path, {}, mandatory),
        ("an empty id", "user1", path, {"member_id": ""}, mandatory),
        ("a list", "user1", path, {"member_id": ["user3"]}, mandatory),
        ("an illegal id", "user1", path, {"member_id": "a\n"}, illegal),
        ("by oneself", "user3", path, {"member_id": "user3"}, denied),
        ("by a member", "user2", path, {"member_id": "user3"}, denied),
        ("already there", "user1", path, {"member_id": "user2"}, taken),
        ("unknown group", "user1", GROUPS + "/group-x/members", {"member_id": "user3"}, missing),
        ("by the owner", "user1", path, {"member_id": "user3"}, (200, DONE)),
        ("again", "user1", path, {"member_id": "user3"}, taken),
        ("by an administrator", "admin", path, {"member_id": 4}, (200, DONE)),
    ):
        await Row(label, "POST", where, status, answer, body, headers=as_user(caller)).check(house)
    assert (await read(house, uid))["members"] == {"user1": 1, "user2": 1, "user3": 1, "4": 1}
    assert await said(house, "user3", uid) == ["before"]
    assert {row["status"] for row in await history(house, "user1", uid)} == {150}


async def test_a_new_member_sees_the_latest_200(house: House) -> None:
    uid = await create(house, "user1")
    for number in range(205):
        house.manual_clock.move(1)
        await send(house, "user1", uid, text=str(number))
    body = {"member_id": "user2"}
    await Row("", "POST", f"{GROUPS}/{uid}/members", 200, DONE, body, headers=as_user("user1")).check(house)
    # With what is said of the joining the page is full one message earlier.
    assert (await said(house, "user2", uid))[::198] == ["204", "6"]
    assert [row["conversWith"] for row in await conversations(house, "user2")] == [uid]


async def test_set_members(house: House) -> None:
    uid = await create(house, "user1", "user2", "user3")
    path = f"{GROUPS}/{uid}/members"
    house.manual_clock.move(7)
    same = {"err": {"message": "Same members in group, skipping setGroupMembers()"}}
    everybody = {"user3": 1, "user1": 1, "user2": 1}
    for label, caller, where, body, status, answer in (
        ("no members", "user1", path, {}, 405, "members is mandatory"),
        ("null", "user1", path, {"members": None}, 405, "members is mandatory"),
        ("a text", "user1", path, {"members": "user2"}, 405, "members must be an object"),
        ("a list of lists", "user1", path, {"members": [[]]}, 405, "members must hold user ids"),
        ("an illegal id", "user1", path, {"members": {"": 1}}, 405, f"members {NAME_TEXT}"),
        ("by a member", "user2", path, {"members": {"user2": 1}}, 405, {"err": {"message": "Unauthorized"}}),
        (
            "unknown group",
            "user1",
            GROUPS + "/group-x/members",
            {"members": {"a": 1}},
            405,
            {"err": {"message": "Not found"}},
        ),
        ("the same", "user1", path, {"members": everybody}, 405, same),
        ("one out, one in", "user1", path, {"members": {"user2": 1, "user4": 1}}, 200, DONE),
        ("only out", "user1", path, {"members": {"user2": 1}}, 200, DONE),
        ("a list", "admin", path, {"members": ["user1", "user2"]}, 200, DONE),
    ):
        await Row(label, "PUT", where, status, answer, body, headers=as_user(caller)).check(house)
    group = await read(house, uid)
    assert (group["members"], group["owner"]) == ({"user1": 1, "user2": 1}, "user1")
    assert (group["createdOn"], group["updatedOn"]) == (NOON, NOON + 7)


CHANGES: list[tuple[str, str, dict[str, Any], str, Any]] = [
    ("", "group_name", {}, "group_name is mandatory", "Renamed"),
    ("/attributes", "attributes", {}, "attributes is mandatory", {"a": {"b": 1}}),
    ("/attributes", "attributes", {"attributes": ""}, "attributes is mandatory", {}),
    ("/attributes", "attributes", {"attributes": None}, "attributes is mandatory", ["odd"]),
    ("", "group_name", {"group_name": 0}, "group_name is mandatory", "1"),
    ("", "group_name", {"group_name": ["a"]}, "group_name is mandatory", "x" * 300),
]


@pytest.mark.parametrize(("path", "field", "empty", "refusal", "value"), CHANGES)
async def test_rename_and_attributes(
    house: House, path: str, field: str, empty: dict[str, Any], refusal: str, value: Any
) -> None:
    uid = await create(house, "user1", "user2", attributes={"old": 1})
    before = await history(house, "user2", uid)
    where, unknown = f"{GROUPS}/{uid}{path}", f"{GROUPS}/group-x{path}"
    body = {field: value, "group_owner": "user2", "name": "no"}
    for label, caller, target, sent, status, answer in (
        ("nothing", "user1", where, empty, 405, refusal),
        ("nothing for nobody", "user1", unknown, empty, 405, refusal),
        ("unknown group", "user1", unknown, body, 405, {"err": {"message": "Not found"}}),
        ("by a member", "user2", where, body, 405, {"err": {"message": "Unauthorized"}}),
        ("by the owner", "user1", where, body, 200, DONE),
    ):
        house.manual_clock.move(1)
        await Row(label, "PUT", target, status, answer, sent, headers=as_user(caller)).check(house)
    group = await read(house, uid)
    old = {"group_name": "G1", "attributes": {"old": 1}, field: value}
    assert (group["name"], group["attributes"]) == (old["group_name"], old["attributes"])
    assert (group["owner"], group["createdOn"], group["updatedOn"]) == ("user1", NOON, NOON + 5)
    # Nothing is said of either in the group.
    assert await history(house, "user2", uid) == before
    await Row("by an administrator", "PUT", where, 200, DONE, body, headers=as_user("admin")).check(house)


async def test_a_number_is_a_name(house: House) -> None:
    uid = await create(house, "user1")
    await Row("", "PUT", f"{GROUPS}/{uid}", 200, DONE, {"group_name": 5}, headers=as_user("user1")).check(house)
    assert (await read(house, uid))["name"] == "5"


async def test_what_other_dialects_keep_out_is_refused_in_this_ones_form(house: House) -> None:
    tenant, core = house.tenant, house.core
    owner, blocked = await core.users.keys(tenant, ["user1", "user2"])
    group = await core.groups.create(
        tenant, name="g", owner=owner, members=[owner, blocked], dialect="elsewhere", maximum_members=2
    )
    await core.members.block(tenant, group.number, [blocked])
    path = f"{GROUPS}/group-{core.ids(tenant).uuid(GROUP | group.number)}/members"
    text = "The group has blocked this user"
    nested = {"success": False, "err": {"success": False, "err": text}, "http_status": 405}
    await Row("join", "POST", path, 405, nested, {"member_id": "user2"}, headers=as_user("user1")).check(house)
    members = {"members": {"user1": 1, "user2": 1}}
    await Row("set", "PUT", path, 405, {"err": {"message": text}}, members, headers=as_user("user1")).check(house)
    members = {"members": {"user1": 1, "user3": 1, "user4": 1}}
    full = {"err": {"message": "The group takes no more members"}}
    await Row("full", "PUT", path, 405, full, members, headers=as_user("user1")).check(house)


async def test_a_repeat_with_a_key_answers_as_the_first(house: House) -> None:
    uid = await create(house, "user1", "user2", "user3")
    path = f"{GROUPS}/{uid}/members"
    for label, method, where, body, caller in (
        ("join", "POST", path, {"member_id": "user4"}, "user1"),
        ("leave", "DELETE", path + "/user2", None, "user2"),
        ("rename", "PUT", f"{GROUPS}/{uid}", {"group_name": "New"}, "user1"),
    ):
        for _ in range(3):
            headers = {**as_user(caller), "Idempotency-Key": label}
            await Row(label, method, where, 200, DONE, body, headers=headers).check(house)
    texts = [row["text"] for row in await history(house, "user1", uid)]
    assert texts[:2] == ["user2 removed from group", "user4 added to group"]
    assert len(texts) == 6


async def test_leave(house: House, token: Token) -> None:
    house.names["stranger"] = token("stranger")
    uid = await create(house, "user1", "user2", "user3", "user4")
    await send(house, "user1", uid, text="while there")
    path = f"{GROUPS}/{uid}/members/"
    house.manual_clock.move(5)
    for label, caller, where, status, answer in (
        ("no right", "stranger", path + "user2", 405, LEFT),
        ("no member", "user1", path + "user9", 405, LEFT),
        ("unknown group", "user1", GROUPS + "/group-x/members/user1", 405, LEFT),
        ("a member removes another", "user2", path + "user3", 200, DONE),
        ("oneself", "user2", path + "user2", 200, DONE),
        ("who left", "user2", path + "user4", 405, LEFT),
        ("the owner leaves", "user1", path + "user1", 200, DONE),
        ("an owner who left", "user1", path + "user4", 200, DONE),
    ):
        await Row(label, "DELETE", where, status, answer, headers=as_user(caller)).check(house)
    group = await read(house, uid)
    assert (group["members"], group["owner"], group["updatedOn"]) == ({}, "user1", NOON)
    await Row("", "GET", f"{GROUPS}/{uid}", 401, DENIED, headers=as_user("user1")).check(house)
    await send(house, "admin", uid, text="afterwards")
    assert await said(house, "user3", uid) == ["while there"]


async def test_a_group_message_reaches_every_member_once(house: House) -> None:
    uid = await create(house, "user1", "user2", group_id="mygroup-1")
    message = await send(house, "user2", uid, text="hi", recipient_fullname="G1")
    for name in ("user1", "user2"):
        row, *_ = await history(house, name, uid)
        assert (row["message_id"], row["status"], row["timelineOf"]) == (message, 150, name)
        # The vendor passes on what was sent, and it is `direct` when nothing was.
        assert (row["channel_type"], row["recipient"]) == ("direct", uid)
    assert await history(house, "user3", uid) == []


async def test_a_plain_group_id_needs_the_channel(house: House) -> None:
    uid = await create(house, "user1", "user2", group_id="team")
    await send(house, "user1", uid, text="to the group", channel_type="group")
    await send(house, "user1", "user2", text="to the user", channel_type="weird")
    row, *_ = await history(house, "user2", uid)
    assert (row["text"], row["channel_type"]) == ("to the group", "group")
    assert [row["channel_type"] for row in await history(house, "user2", "user1")] == ["weird"]


async def test_strangers_may_post_and_see_their_own_only(house: House) -> None:
    uid = await create(house, "user1")
    await send(house, "user1", uid, text="inside")
    await send(house, "user3", uid, text="outside")
    assert await said(house, "user1", uid) == ["outside", "inside"]
    assert await said(house, "user3", uid) == ["outside"]


async def test_an_unknown_group_keeps_what_is_sent_until_it_is_made(house: House) -> None:
    await send(house, "user3", "group-later", text="early")
    assert await said(house, "user3", "group-later") == ["early"]
    (row,) = await conversations(house, "user3")
    assert (row["conversWith"], row["recipient"]) == ("group-later", "group-later")
    assert await create(house, "user1", "user3", group_id="group-later") == "group-later"
    assert (await read(house, "group-later"))["members"] == {"user3": 1, "user1": 1}


async def test_groups_of_other_dialects(house: House) -> None:
    tenant, core = house.tenant, house.core
    owner, member = await core.users.keys(tenant, ["user1", "user2"])
    group = await core.groups.create(tenant, name="Theirs", owner=owner, members=[owner, member], dialect="elsewhere")
    await core.messages.send_group(tenant, owner, [group.number], Message("user1", Text("hi"), "elsewhere"), "a")
    (row,) = await conversations(house, "user2")
    uid = row["conversWith"]
    assert OWN_ID.fullmatch(uid)
    found = await read(house, uid, "user2")
    assert (found["name"], found["owner"], found["members"]) == ("Theirs", "user1", {"user1": 1, "user2": 1})
    house.manual_clock.move(1)
    await send(house, "user2", uid, text="back")
    assert await said(house, "user1", uid) == ["back", "hi"]
