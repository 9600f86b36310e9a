"""`POST /chatgroups`."""

import re
from typing import Any

import httpx
import pytest

from adapters.easemob.ids import number_id, own_number
from core.model import Group
from tests.adapters.easemob.shapes import AUTHORIZED, GROUPS, each, error, illegal, success
from tests.harness import Effect, House, Row

SMALL = {"groupname": "g", "public": True, "owner": "ann"}
ID = re.compile(r"[7-9][0-9]{14}")


def invalid(text: Any) -> dict[str, Any]:
    return error("invalid_parameter", GROUPS + "InvalidParameterException", text)


def created(group: Any = ID) -> dict[str, Any]:
    return success("post", "/chatgroups", entities=[], data={"groupid": group})


def create(label: str, status: int, body: Any, json: Any, **more: Any) -> Row:
    return Row(label, "POST", "{base}/chatgroups", status, body, json, headers=AUTHORIZED, **more)


async def read(house: House, text: str) -> tuple[Group, list[tuple[str, str]]]:
    number = own_number(house.tenant, text) or await house.core.groups.alias(house.tenant, "easemob", text)
    found = await house.core.groups.detail(house.tenant, number or 0)
    assert found is not None
    return found[0], [(member.id, member.role) for member in found[1]]


def holds(members: list[tuple[str, str]], **fields: Any) -> Effect:
    """That the group has these members, and what is said of it."""

    async def effect(house: House, response: httpx.Response) -> None:
        group, found = await read(house, response.json()["data"]["groupid"])
        assert sorted(found) == sorted(members)
        assert {name: getattr(group, name) for name in fields} == fields

    return effect


ANN = [("ann", "owner")]
ANN_AND_BOB = [*ANN, ("bob", "member")]
CREATIONS = [
    create("the least", 200, created(), {"public": True, "owner": "ann"}, effect=holds(ANN, name="", public=True, owner="ann", maximum_members=200, description=None, leftovers=None)),
    create("private", 200, created(), {**SMALL, "public": False}, effect=holds(ANN, name="g", public=False)),
    create("public as text", 200, created(), {**SMALL, "public": "true"}, effect=holds(ANN, public=True)),
    create("private as a number", 200, created(), {**SMALL, "public": 0}, effect=holds(ANN, public=False)),
    create("with members", 200, created(), {**SMALL, "members": ["bob", "cy"]}, effect=holds([*ANN_AND_BOB, ("Cy", "member")])),
    create("the owner among the members", 200, created(), {**SMALL, "members": ["ann", "BOB", "bob"]}, effect=holds(ANN_AND_BOB)),
    create("in another case", 200, created(), {**SMALL, "owner": "ANN", "members": ["Bob"]}, effect=holds(ANN_AND_BOB, owner="ann")),
    create("an escaped owner", 200, created(), {**SMALL, "owner": "_-_43y"}, effect=holds([("Cy", "owner")], owner="Cy")),
    create("no members", 200, created(), {**SMALL, "members": None}, effect=holds(ANN)),
    create(
        "everything",
        200,
        created(),
        {**SMALL, "description": "d", "public": False, "maxusers": 300, "allowinvites": True, "membersonly": True, "invite_need_confirm": False, "custom": "c", "need_verify": True, "scale": "large", "avatar": "a", "x": 1},
        effect=holds(
            ANN,
            description="d",
            maximum_members=300,
            image_url="a",
            leftovers={"easemob": {"allowinvites": True, "membersonly": True, "invite_need_confirm": False, "need_verify": True, "custom": "c", "scale": "large"}},
        ),
    ),
    create(
        "by other names",
        200,
        created(),
        {"name": "g2", "desc": "d2", "members_only": "true", "allow_user_invites": True, "public": False, "owner": "ann", "maxusers": "50"},
        effect=holds(ANN, name="g2", description="d2", maximum_members=50, leftovers={"easemob": {"membersonly": True, "allowinvites": True}}),
    ),
    create("nobody invites to a public group", 200, created(), {**SMALL, "allowinvites": True}, effect=holds(ANN, leftovers={"easemob": {"allowinvites": False}})),
    create("its own id", 200, created("mygroup1"), {**SMALL, "groupid": "mygroup1"}, effect=holds(ANN, aliases={"easemob": "mygroup1"})),
    create("an id of the vendor's", 200, created("311362611904516"), {**SMALL, "groupid": 311362611904516}, effect=holds(ANN)),
    create("the longest of everything", 200, created("g" * 64), {**SMALL, "groupid": "g" * 64, "groupname": "n" * 128, "description": "d" * 512, "custom": "c" * 1024, "avatar": "a" * 1024}, effect=holds(ANN)),
    create("as many members as may be", 200, created(), {**SMALL, "members": ["bob"] * 100}, effect=holds(ANN_AND_BOB)),
    create("just full", 200, created(), {**SMALL, "members": ["bob"], "maxusers": 2}, effect=holds(ANN_AND_BOB)),
]  # fmt: skip


@pytest.mark.parametrize("row", CREATIONS, ids=str)
async def test_creation(row: Row, house: House) -> None:
    await row.check(house)


async def creates_nothing(house: House, _: httpx.Response) -> None:
    """The next group is the tenant's first."""
    response = await create("next", 200, ..., SMALL).check(house)
    assert own_number(house.tenant, response.json()["data"]["groupid"]) == 1


def refused(label: str, body: Any, json: Any, status: int = 400) -> Row:
    return create(label, status, body, json, effect=creates_nothing)


TOO_MANY = error("exceed_limit", GROUPS + "ExceedLimitException", "members size is greater than max user size !")
WRONG = each([], {}, 1.5)


def nobody(name: str) -> dict[str, Any]:
    return error("resource_not_found", GROUPS + "ResourceNotFoundException", f"username {name} doesn't exist!")


REFUSALS = [
    refused("nothing", invalid("group must contain public field!"), {}),
    refused("no public", invalid("group must contain public field!"), {"groupname": "g", "owner": "ann"}),
    refused("public is null", invalid("group must contain public field!"), {**SMALL, "public": None}),
    *(refused(f"public {value!r}", invalid("public must be boolean"), {**SMALL, "public": value}) for value in each("yes", 2, [], {})),
    refused("no owner", invalid("owner must be provided"), {"groupname": "g", "public": True}),
    *(refused(f"owner {value!r}", invalid("owner must be provided"), {**SMALL, "owner": value}) for value in each("", None, True, *WRONG)),
    refused("an unknown owner", nobody("nobody"), {**SMALL, "owner": "nobody"}, 404),
    refused("an illegal owner", nobody("a\u0000b"), {**SMALL, "owner": "a\u0000b"}, 404),
    refused("too long an owner", nobody("o" * 300), {**SMALL, "owner": "o" * 300}, 404),
    refused("an unknown member", nobody("nobody"), {**SMALL, "members": ["bob", "nobody"]}, 404),
    refused("an empty member", nobody(""), {**SMALL, "members": [""]}, 404),
    *(refused(f"members {value!r}", invalid("members must be an array"), {**SMALL, "members": value}) for value in each("bob", 1, {})),
    *(refused(f"member {value!r}", invalid("members must be an array of usernames"), {**SMALL, "members": ["bob", value]}) for value in each(None, True, *WRONG)),
    refused("too many members", TOO_MANY, {**SMALL, "members": ["bob"] * 101}, 403),
    refused("more members than the group takes", TOO_MANY, {**SMALL, "members": ["bob"], "maxusers": 1}, 403),
    *(refused(f"maxusers {value!r}", invalid("maxusers must be a number"), {**SMALL, "maxusers": value}) for value in each(0, -1, 2**31, "many", True, *WRONG)),
    *(
        refused(f"{name} {value!r}", invalid(f"{name} must be a string"), {**SMALL, name: value})
        for name in ("groupname", "description", "custom", "avatar")
        for value in WRONG
    ),
    *(
        refused(f"too long {name}", invalid(f"{name} length is too big"), {**SMALL, name: "x" * (limit + 1)})
        for name, limit in (("groupname", 128), ("description", 512), ("custom", 1024), ("avatar", 1024))
    ),
    *(
        refused(f"{name} {value!r}", invalid(f"{name} must be boolean"), {**SMALL, name: value})
        for name in ("membersonly", "allowinvites", "invite_need_confirm", "need_verify")
        for value in each("perhaps", [])
    ),
    *(
        refused(f"group id {value!r}", invalid("groupid must have 1 to 64 characters of a-z and 0-9"), {**SMALL, "groupid": value})
        for value in each("", "Group", "a b", "g" * 65, "g\n", "é", True, *WRONG)
    ),
    refused("a list", illegal("this is an invalid request."), [SMALL]),
]  # fmt: skip


@pytest.mark.parametrize("row", REFUSALS, ids=str)
async def test_what_cannot_be_created(row: Row, house: House) -> None:
    await row.check(house)


async def test_a_group_id_is_given_once(house: House) -> None:
    taken = illegal("group ID mine already exists!")
    await create("first", 200, created("mine"), {**SMALL, "groupid": "mine"}).check(house)
    await create("again", 400, taken, {**SMALL, "groupid": "mine", "owner": "bob"}).check(house)
    group, members = await read(house, "mine")
    assert (group.owner, members) == ("ann", ANN)


async def test_an_id_of_ours_is_taken(house: House) -> None:
    for number in (1, 77):  # one that is given out, one that will be
        text = number_id(house.tenant, number)
        await create("ours", 400, illegal(f"group ID {text} already exists!"), {**SMALL, "groupid": text}).check(house)
        await create("another", 200, created(), SMALL).check(house)
