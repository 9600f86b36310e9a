"""What becomes of groups and rooms: change, transfer, end, announcement; lists of them, and each in detail."""

from typing import Any

import httpx
import pytest

from adapters.easemob.ids import own_number
from core.model import Group
from tests.adapters.easemob.grouped import (
    AS_ANN,
    AS_BOB,
    NO_GROUP,
    NO_PERMISSION,
    NOT_FOUND,
    NOWHERE,
    answered,
    forbidden,
    invalid,
    row,
    settle,
    unknown,
)
from tests.adapters.easemob.sending import new_group
from tests.adapters.easemob.shapes import AUTHORIZED, each, illegal, success
from tests.harness import House, Row

NOBODY = unknown("username nobody doesn't exist!")


@pytest.fixture(params=["groups", "rooms"])
def room(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "rooms")


@pytest.fixture
async def number(house: House, room: bool) -> int:
    return await settle(house, "ann", "bob", room=room)


async def read(house: House, number: int) -> Group:
    group = await house.core.groups.find(house.tenant, number)
    assert group is not None
    return group


def details(room: bool, **changes: Any) -> dict[str, Any]:
    return {
        "id": "{g}",
        "name": "g",
        "description": "",
        "membersonly": False,
        "allowinvites": False,
        "invite_need_confirm": True,
        "maxusers": 200,
        "owner": "ann",
        "created": int,
        "custom": "",
        "mute": False,
        "scale": "normal",
        "affiliations_count": 2,
        "affiliations": [{"member": "bob"}, {"owner": "ann"}],
        "disabled": False,
        "public": False,
        **changes,
    }


async def test_details(house: House, number: int, room: bool) -> None:
    await row("GET", "/{g}", body=answered("get", [details(room)], count=1)).check(house)
    await row("GET", "/{g}", headers=AS_BOB).check(house)
    missing = {"id": NOWHERE, "error": "group id doesn't exist"}
    some = answered("get", [details(room), missing], count=2)
    await row("GET", "/{g}," + NOWHERE, body=some).check(house)
    await row("GET", f"/{NOWHERE}", 404, NOT_FOUND).check(house)
    await row("GET", "/" + ",".join([NOWHERE] * 101), 400).check(house)


async def test_a_private_group_is_shown_to_members(house: House) -> None:
    number = await settle(house, "bob", "Cy")
    await row("GET", "/{g}", 401, NO_PERMISSION, headers=AS_ANN).check(house)
    await house.core.groups.update(house.tenant, number, public=True)
    await row("GET", "/{g}", headers=AS_ANN).check(house)


async def test_change(house: House, number: int, room: bool) -> None:
    json = {"name": "new", "description": "d", "maxusers": "300", "custom": "c", "need_verify": False}
    changed = dict.fromkeys(("groupname", "description", "maxusers", "custom", "need_verify"), True)
    await row("PUT", "/{g}", 200, answered("put", changed), json).check(house)
    shown = details(room, name="new", description="d", maxusers=300, custom="c")
    await row("GET", "/{g}", body=answered("get", [shown], count=1)).check(house)
    await row("PUT", "/{g}", 200, answered("put", {"custom": True}), {"custom": ""}, headers=AS_ANN).check(house)
    assert (await read(house, number)).leftovers == {"easemob": {"need_verify": False, "custom": ""}}


async def test_change_of_what_groups_alone_have(house: House) -> None:
    await settle(house, "ann", "bob")
    json = {"public": "true", "membersonly": True, "allow_user_invites": 1, "invite_need_confirm": False, "avatar": "a"}
    changed = dict.fromkeys(("public", "membersonly", "invite_need_confirm", "avatar", "allowinvites"), True)
    await row("PUT", "/{g}", 200, answered("put", changed), json).check(house)
    fields = {"public": True, "membersonly": True, "allowinvites": True, "invite_need_confirm": False, "avatar": "a"}
    await row("GET", "/{g}", body=answered("get", [details(False, **fields)], count=1)).check(house)


TOO_SMALL = "current user count is larger than the maxUsers that you want to update !"
REFUSED = [
    row("PUT", "/{g}", 400, invalid("some of [groupid] are not valid fields"), {"groupid": "x", "groupname": "n"}),
    row("PUT", "/{g}", 400, illegal("this is an invalid request."), {}),
    row("PUT", "/{g}", 400, invalid("groupname must be a string"), {"groupname": []}),
    row("PUT", "/{g}", 400, invalid("description length is too big"), {"description": "d" * 513}),
    row("PUT", "/{g}", 400, invalid("maxusers must be a number"), {"maxusers": 0}),
    row("PUT", "/{g}", 403, forbidden(TOO_SMALL), {"maxusers": 1}),
    row("PUT", "/{g}", 403, forbidden("new owner and old owner are the same"), {"newowner": "ann"}),
    row("PUT", "/{g}", 403, forbidden("user: cy doesn't exist in {kind}: {g}"), {"newowner": "Cy"}),
    row("PUT", "/{g}", 403, forbidden("user: nobody doesn't exist in {kind}: {g}"), {"newowner": "nobody"}),
    row("PUT", "/{g}", 400, invalid("newowner must be provided"), {"newowner": ""}),
    row("PUT", f"/{NOWHERE}", 404, NO_GROUP, {"groupname": "n"}),
    row("DELETE", f"/{NOWHERE}", 404, NO_GROUP),
    row("POST", "/{g}/announcement", 400, invalid("announcement must be provided"), {}),
    row("POST", "/{g}/announcement", 403, forbidden("announce info length exceeds limit!"), {"announcement": "a" * 513}),
    row("GET", f"/{NOWHERE}/announcement", 404, NO_GROUP),
    row("POST", f"/{NOWHERE}/announcement", 404, NO_GROUP, {"announcement": "a"}),
    row("PUT", "/{g}", 401, NO_PERMISSION, {"groupname": "n"}, headers=AS_BOB),
    row("PUT", "/{g}", 401, NO_PERMISSION, {"newowner": "bob"}, headers=AS_BOB),
    row("DELETE", "/{g}", 401, NO_PERMISSION, headers=AS_BOB),
    row("POST", "/{g}/announcement", 401, NO_PERMISSION, {"announcement": "a"}, headers=AS_BOB),
]  # fmt: skip


@pytest.mark.parametrize("refused", REFUSED, ids=lambda refused: str(refused)[:60])
async def test_what_is_refused(refused: Row, house: House, number: int) -> None:
    before = await read(house, number)
    await refused.check(house)
    assert await read(house, number) == before


async def test_transfer(house: House, number: int, room: bool) -> None:
    transferred = answered("put", {"newowner": True})
    await row("PUT", "/{g}", 200, transferred, {"newowner": "bob"}, headers=AS_ANN).check(house)
    shown = details(room, owner="bob", affiliations=[{"member": "ann"}, {"owner": "bob"}])
    await row("GET", "/{g}", body=answered("get", [shown], count=1)).check(house)


async def test_transfer_and_change_at_once(house: House, number: int) -> None:
    both = answered("put", {"newowner": True, "groupname": True})
    await row("PUT", "/{g}", 200, both, {"newowner": "bob", "name": "new"}).check(house)
    group = await read(house, number)
    assert (group.owner, group.name) == ("bob", "new")


async def test_end(house: House, number: int, room: bool) -> None:
    ended = answered("delete", {"success": True, "id" if room else "groupid": "{g}"})
    await row("DELETE", "/{g}", body=ended).check(house)
    assert await house.core.groups.find(house.tenant, number) is None
    assert (await row("GET", "/{g}", 404).check(house)).json()["error"] == "service_resource_not_found"
    assert (await row("DELETE", "/{g}", 404).check(house)).json()["error"] == "resource_not_found"


async def test_disabling(house: House) -> None:
    number = await settle(house, "ann")
    for what, disabled in (("disable", True), ("enable", False)):
        await row("POST", "/{g}/" + what, body=answered("post", {"disabled": disabled})).check(house)
        assert (await read(house, number)).disabled is disabled
        shown = answered(
            "get", [details(False, disabled=disabled, affiliations_count=1, affiliations=[{"owner": "ann"}])], count=1
        )
        await row("GET", "/{g}", body=shown).check(house)


async def test_announcement(house: House, number: int) -> None:
    await row("GET", "/{g}/announcement", body=answered("get", {"announcement": ""}, count=0)).check(house)
    announced = answered("post", {"id": "{g}", "result": True})
    await row("POST", "/{g}/announcement", 200, announced, {"announcement": "a" * 512}).check(house)
    await row("GET", "/{g}/announcement", body=answered("get", {"announcement": "a" * 512}, count=0)).check(house)


ROOM = {"name": "r", "owner": "ann"}


def create_room(label: str, status: int, body: Any, json: Any, **more: Any) -> Row:
    return Row(label, "POST", "{base}/chatrooms", status, body, json, headers=AUTHORIZED, **more)


async def is_a_room(house: House, response: httpx.Response) -> None:
    shown = Row("detail", "GET", "{base}/chatrooms/" + response.json()["data"]["id"], 200, headers=AUTHORIZED)
    assert (await shown.check(house)).json()["data"][0]["name"] == "r"


MADE = success("post", "/chatrooms", entities=[], data={"id": str})
ROOMS = [
    create_room("the least", 200, MADE, ROOM, effect=is_a_room),
    create_room("by title", 200, MADE, {"title": "r", "owner": "Ann"}, effect=is_a_room),
    create_room("everything", 200, MADE, {**ROOM, "description": "d", "maxusers": 300, "members": ["bob", "cy"], "custom": "c", "need_verify": True, "scale": "large"}, effect=is_a_room),
    create_room("no name", 400, invalid("chatroom must contain title/name field!"), {"owner": "ann"}),
    create_room("an empty name", 400, invalid("chatroom must contain title/name field!"), {**ROOM, "name": ""}),
    create_room("no owner", 400, invalid("owner must be provided"), {"name": "r"}),
    create_room("an unknown owner", 404, NOBODY, {**ROOM, "owner": "nobody"}),
    create_room("an unknown member", 404, NOBODY, {**ROOM, "members": ["nobody"]}),
    *(create_room(f"name {value!r}", 400, invalid("groupname must be a string"), {**ROOM, "name": value}) for value in each([], {}, True)),
]  # fmt: skip


@pytest.mark.parametrize("made", ROOMS, ids=str)
async def test_creation_of_rooms(made: Row, house: House) -> None:
    await made.check(house)


async def test_users_create_groups_of_their_own(house: House) -> None:
    await settle(house, "ann")
    group = {"public": True, "owner": "ann"}
    await row("POST", "", 200, ..., group, headers=AS_ANN).check(house)
    await row("POST", "", 401, NO_PERMISSION, group, headers=AS_BOB).check(house)
    await Row("room", "POST", "{base}/chatrooms", 401, json=ROOM, headers=AS_ANN).check(house)


async def listed(house: House, path: str, **query: str) -> list[dict[str, Any]]:
    """All rows of a list, page by page; it ends where there is no cursor."""
    found: list[dict[str, Any]] = []
    for _ in range(20):
        body = (await Row(path, "GET", path, 200, query=query, headers=AUTHORIZED).check(house)).json()
        assert body["params"] == {name: [value] for name, value in query.items()}
        assert body["count"] == len(body["data"]) <= int(query.get("limit", "10"))
        found += body["data"]
        if "cursor" not in body:
            return found
        query["cursor"] = body["cursor"]
    raise AssertionError("the list does not end")


async def test_lists(house: House, room: bool) -> None:
    ids = []
    for _ in range(12):
        house.manual_clock.move(1)
        ids.append((await new_group(house, "ann", "Cy", room=room))[0])
        await new_group(house, "bob", room=not room)
    path = "{base}/chatrooms" if room else "{base}/chatgroups"
    found = await listed(house, path)
    if room:
        expected = {"name": "g", "owner": "ann", "affiliations_count": 2, "disabled": False}
        assert found == [{"id": text, **expected} for text in ids[::-1]]
    else:
        owner = house.names["org"] + "#" + house.names["app"] + "_ann"
        assert [each["groupid"] for each in found] == ids[::-1]
        modified = str(house.clock.now())
        rest = {"owner": owner, "affiliations": 2, "type": "group", "last_modified": modified, "groupname": "g"}
        assert found[0] == {"groupid": ids[-1], **rest}
    assert len(await listed(house, path, limit="5")) == 12
    await Row("cursor", "GET", path, 400, query={"cursor": "x"}, headers=AUTHORIZED).check(house)
    as_user = {"Authorization": "Bearer {ann_token}"}  # who looks for a room to join
    await Row("as a user", "GET", path, 200 if room else 401, headers=as_user).check(house)
    numbered = Row("numbered", "GET", path, 200, query={"pagenum": "2", "pagesize": "5"}, headers=AUTHORIZED)
    page = (await numbered.check(house)).json()["data"]
    assert [each["id" if room else "groupid"] for each in page] == ids[::-1][5:10]


async def test_public_groups(house: House) -> None:
    for index in range(5):
        number = await settle(house, "ann")
        await house.core.groups.update(house.tenant, number, public=index % 2 == 0, name=f"g{index}")
        house.manual_clock.move(1)
    for limit in ("1", "2", "10"):
        found = await listed(house, "{base}/publicchatgroups", limit=limit)
        assert [each["groupname"] for each in found] == ["g4", "g2", "g0"]
    found = await listed(house, "{base}/publicchatgroups", limit="10", version="v3")  # the vendor's browser client
    assert [(each["id"], each["name"]) for each in found] == [(each["groupid"], each["groupname"]) for each in found]


async def test_the_groups_of_a_user(house: House, room: bool) -> None:
    ids = [(await new_group(house, "ann", "bob", room=room))[0] for _ in range(3)]
    await new_group(house, "ann", "bob", room=not room)
    path = "{base}/users/bob/joined_chat" + ("rooms" if room else "groups")
    found = await listed(house, path)
    names = ("id", "name") if room else ("groupid", "groupname")
    assert found == [dict(zip(names, (text, "g"), strict=True)) for text in ids]
    for number, expected in (("0", ids[:2]), ("1", ids[:2]), ("2", ids[2:]), ("3", [])):
        query = {"pagenum": number, "pagesize": "2"}
        asked = Row("page", "GET", path, 200, query=query, headers=AUTHORIZED)
        assert [each[names[0]] for each in (await asked.check(house)).json()["data"]] == expected
    for number, expected in (("0", ids[:2]), ("1", ids[2:])):  # the vendor's browser client
        query = {"pagenum": number, "pagesize": "2", "version": "v3"}
        asked = Row("page", "GET", path, 200, query=query, headers=AUTHORIZED)
        page = (await asked.check(house)).json()["data"]
        assert [each[names[0]] for each in page] == expected
        assert [(each["id"], each["name"]) for each in page] == [(text, "g") for text in expected]
    unknown_user = path.replace("bob", "nobody")
    await Row("nobody", "GET", unknown_user, 404, NOBODY, headers=AUTHORIZED).check(house)
    await Row("another", "GET", path, 401, headers={"Authorization": "Bearer {ann_token}"}).check(house)


async def test_the_groups_of_a_user_in_detail(house: House) -> None:
    ids = [(await new_group(house, "ann", "bob"))[0] for _ in range(3)]
    path = "{base}/chatgroups/user/bob"
    for number, expected in (("0", ids[:2]), ("1", ids[2:]), ("2", [])):
        query = {"pagenum": number, "pagesize": "2"}
        body = (await Row("page", "GET", path, 200, query=query, headers=AUTHORIZED).check(house)).json()
        assert [each["groupId"] for each in body["entities"]] == expected
        assert (body["total"], body["count"]) == (3, len(expected))
        assert all((each["owner"], each["affiliations_count"]) == ("ann", 2) for each in body["entities"])
        assert not any("permission" in each for each in body["entities"])
    numbers = [own_number(house.tenant, text) or 0 for text in ids]
    bob = await house.core.users.key(house.tenant, "bob")
    await house.core.members.make_admin(house.tenant, numbers[0], bob)
    await house.core.groups.transfer(house.tenant, numbers[1], bob)
    asked = Row("with roles", "GET", path, 200, query={"needRole": "true"}, headers=AUTHORIZED)
    entities = (await asked.check(house)).json()["entities"]
    assert [each["permission"] for each in entities] == ["admin", "owner", "member"]
