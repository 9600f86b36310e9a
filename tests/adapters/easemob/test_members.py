"""Who is in a group or room: lists, joining, leaving, roles, admins."""

from typing import Any

import pytest

from core.model import UserKey
from tests.adapters.easemob.grouped import (
    AS_ANN,
    AS_BOB,
    NO_GROUP,
    NO_OWNER,
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
from tests.adapters.easemob.sending import key
from tests.harness import House, Row


@pytest.fixture(params=["groups", "rooms"])
def room(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "rooms")


@pytest.fixture
async def number(house: House, room: bool) -> int:
    return await settle(house, "ann", "bob", room=room)


async def member_names(house: House, number: int) -> list[str]:
    found = await house.core.groups.detail(house.tenant, number)
    assert found is not None
    return [member.id for member in found[1]]


def own_id(room: bool) -> str:
    return "id" if room else "groupid"


async def test_adding_one(house: House, number: int, room: bool) -> None:
    added = {"result": True, own_id(room): "{g}", "action": "add_member", "user": "cy"}
    await row("POST", "/{g}/users/Cy", body=answered("post", added)).check(house)
    assert await member_names(house, number) == ["ann", "bob", "Cy"]
    again = forbidden("can not join this group, reason:user: cy already in group: {g}\n")
    if room:
        await row("POST", "/{g}/users/cy", body=answered("post", added)).check(house)
    else:
        await row("POST", "/{g}/users/cy", 403, again).check(house)


async def test_adding_many(house: House, number: int, room: bool) -> None:
    added = {"newmembers": ["bob", "cy"], own_id(room): "{g}", "action": "add_member"}
    await row("POST", "/{g}/users", 200, answered("post", added), {"usernames": ["bob", "cy"]}).check(house)
    assert await member_names(house, number) == ["ann", "bob", "Cy"]


async def test_who_is_blocked_does_not_join(house: House, number: int) -> None:
    await house.core.members.block(house.tenant, number, [await key(house, "bob")])
    blocked = forbidden("can not join this group, reason:user: bob is in blacklist of group: {g}\n")
    await row("POST", "/{g}/users/bob", 403, blocked).check(house)


async def test_a_full_group_takes_nobody(house: House, number: int) -> None:
    await house.core.groups.update(house.tenant, number, maximum_members=2)
    full = row("POST", "/{g}/users/cy", 403)
    response = await full.check(house)
    assert response.json()["error"] == "exceed_limit"


async def test_removing_one(house: House, number: int, room: bool) -> None:
    removed = {"result": True, "action": "remove_member", "user": "bob", own_id(room): "{g}"}
    await row("DELETE", "/{g}/users/Bob", body=answered("delete", removed)).check(house)
    assert await member_names(house, number) == ["ann"]
    absent = forbidden("users [bob] are not members of this group!")
    await row("DELETE", "/{g}/users/bob", 403, absent).check(house)


async def test_removing_many(house: House, number: int, room: bool) -> None:
    def each(user: str, **more: Any) -> dict[str, Any]:
        reason = {"reason": "user: " + user + " doesn't exist in {kind}: {g}"} if more else {}
        return {"result": not more, "action": "remove_member", **reason, "user": user, own_id(room): "{g}"}

    rows = [each("bob"), each("cy", absent=True), each("nobody", absent=True)]
    await row("DELETE", "/{g}/users/bob%2Ccy,nobody", body=answered("delete", rows)).check(house)
    assert await member_names(house, number) == ["ann"]


async def test_the_owner_is_not_removed(house: House, number: int) -> None:
    await row("DELETE", "/{g}/users/ann", 403, forbidden(NO_OWNER)).check(house)
    await row("DELETE", "/{g}/users/bob,ann", 403, forbidden(NO_OWNER)).check(house)
    assert await member_names(house, number) == ["ann", "bob"]


REFUSED = [
    row("POST", "/{g}/users/nobody", 404, unknown("username nobody doesn't exist!")),
    row("POST", "/{g}/users", 404, unknown("username nobody doesn't exist!"), {"usernames": ["cy", "nobody"]}),
    row("POST", "/{g}/users", 400, invalid("usernames must be provided"), {}),
    row("POST", "/{g}/users", 400, invalid("usernames must be provided"), {"usernames": []}),
    row("POST", "/{g}/users", 400, invalid("usernames must be an array"), {"usernames": "bob"}),
    row("POST", "/{g}/users", 400, invalid("usernames must be an array of usernames"), {"usernames": [None]}),
    row("POST", "/{g}/users", 400, invalid("usernames number more than maxSize : 60"), {"usernames": ["bob"] * 61}),
    row("DELETE", "/{g}/users/" + ",".join(["bob"] * 61), 400, invalid("kickMember: kickMembers number more than maxSize : 60")),
    row("DELETE", "/{g}/users/nobody", 403, forbidden("users [nobody] are not members of this group!")),
    row("POST", f"/{NOWHERE}/users/bob", 404, NO_GROUP),
    row("POST", f"/{NOWHERE}/users", 404, NO_GROUP, {"usernames": ["bob"]}),
    row("DELETE", f"/{NOWHERE}/users/bob", 404, NO_GROUP),
    row("GET", f"/{NOWHERE}/users", 404, NOT_FOUND),
    row("POST", f"/{NOWHERE}/admin", 404, NO_GROUP, {"newadmin": "bob"}),
    row("DELETE", f"/{NOWHERE}/admin/bob", 404, NO_GROUP),
    row("GET", f"/{NOWHERE}/admin", 404, NO_GROUP),
    row("POST", "/{g}/admin", 400, invalid("newadmin must be provided"), {}),
    row("POST", "/{g}/admin", 403, forbidden(NO_OWNER), {"newadmin": "ann"}),
    row("POST", "/{g}/admin", 404, unknown("user: cy doesn't exist in {kind}: {g}"), {"newadmin": "cy"}),
    row("DELETE", "/{g}/admin/bob", 403, forbidden("user:bob is not admin of {kind}:{g}")),
    row("DELETE", "/{g}/admin/ann", 403, forbidden("user:ann is not admin of {kind}:{g}")),
    row("DELETE", "/{g}/admin/nobody", 403, forbidden("user:nobody is not admin of {kind}:{g}")),
    row("POST", "/{g}/users/cy", 401, NO_PERMISSION, headers=AS_BOB),
    row("DELETE", "/{g}/users/bob", 401, NO_PERMISSION, headers=AS_BOB),
    row("POST", "/{g}/admin", 401, NO_PERMISSION, {"newadmin": "bob"}, headers=AS_BOB),
]  # fmt: skip


@pytest.mark.parametrize("refused", REFUSED, ids=lambda refused: str(refused)[:60])
async def test_what_is_refused(refused: Row, house: House, number: int) -> None:
    await refused.check(house)
    assert await member_names(house, number) == ["ann", "bob"]


async def test_the_other_resource_does_not_find_it(house: House, number: int, room: bool) -> None:
    other = house.names["base"] + ("/chatgroups" if room else "/chatrooms")
    house.names["at"] = other
    await row("POST", "/{g}/users/cy", 404, unknown("grpID {g} does not exist!")).check(house)
    assert (await row("GET", "/{g}/users", 404).check(house)).json()["error"] == "service_resource_not_found"


async def test_who_has_a_role_may_do_more(house: House, number: int) -> None:
    await row("POST", "/{g}/users/cy", headers=AS_ANN).check(house)
    await house.core.members.make_admin(house.tenant, number, await key(house, "bob"))
    await row("DELETE", "/{g}/users/cy", headers=AS_BOB).check(house)
    await row("GET", "/{g}/users", headers=AS_BOB).check(house)


async def test_admins(house: House, number: int) -> None:
    await row("GET", "/{g}/admin", body=answered("get", [], count=0)).check(house)
    made = answered("post", {"result": "success", "newadmin": "bob"})
    for _ in range(2):
        await row("POST", "/{g}/admin", 200, made, {"newadmin": "BOB"}).check(house)
    await row("GET", "/{g}/admin", body=answered("get", ["bob"], count=1)).check(house)
    unmade = answered("delete", {"result": "success", "oldadmin": "bob"})
    await row("DELETE", "/{g}/admin/bob", body=unmade).check(house)
    await row("GET", "/{g}/admin", body=answered("get", [], count=0)).check(house)


async def test_who_is_nobody_becomes_no_admin(house: House, number: int, room: bool) -> None:
    text = "username nobody doesn't exist!" if room else "user: nobody doesn't exist in group: {g}"
    await row("POST", "/{g}/admin", 404, unknown(text), {"newadmin": "nobody"}).check(house)


async def test_pages_by_number(house: House, number: int) -> None:
    await row("POST", "/{g}/users/cy").check(house)
    query = {"pagenum": "1", "pagesize": "2"}
    params = {name: [value] for name, value in query.items()}
    page = [{"member": "bob"}, {"member": "cy"}]
    await row("GET", "/{g}/users", body=answered("get", page, count=2, params=params), query=query).check(house)
    second = answered("get", [{"owner": "ann"}], count=1, params={**params, "pagenum": ["2"]})
    await row("GET", "/{g}/users", body=second, query={**query, "pagenum": "2"}).check(house)
    third = answered("get", [], count=0, params={**params, "pagenum": ["3"]})
    await row("GET", "/{g}/users", body=third, query={**query, "pagenum": "3"}).check(house)
    everybody = [*page, {"owner": "ann"}]
    await row("GET", "/{g}/users", body=answered("get", everybody, count=3, params={})).check(house)
    response = await row("GET", "/{g}/users", query={"joined_time": "true"}).check(house)
    assert all(each["joined_time"] == house.clock.now() for each in response.json()["data"])


async def walk(house: House, **query: str) -> list[list[str]]:
    """All pages of a walk by cursor, which ends where no cursor is given."""
    pages = []
    cursor: dict[str, str] = {}
    for _ in range(20):
        asked = row("GET", "/{g}/users", query={"version": "v3", **query, **cursor})
        body = (await asked.check(house)).json()
        assert body["count"] == len(body["data"])
        pages.append(body["data"])
        if "cursor" not in body:
            return pages
        cursor = {"cursor": body["cursor"]}
    raise AssertionError("the walk does not end")


async def test_pages_by_cursor(house: House, number: int) -> None:
    names = [f"u{index}" for index in range(5)]
    await house.core.groups.add(house.tenant, number, await house.core.users.keys(house.tenant, names))
    ascending = ["bob", *names]
    assert await walk(house) == [ascending]
    for size in (1, 2, 4):
        pages = await walk(house, limit=str(size), sort="asc")
        assert [name for page in pages for name in page] == ascending
        assert all(len(page) == size for page in pages[:-1])
        pages = await walk(house, limit=str(size), sort="desc")
        assert [name for page in pages for name in page] == ascending[::-1]


async def test_who_is_in_a_group_and_what(house: House) -> None:
    number = await settle(house, "ann", "bob")
    await house.core.members.make_admin(house.tenant, number, await key(house, "bob"))
    bob: UserKey = await key(house, "bob")
    await house.core.presence.set(house.tenant, bob, "web", 60_000)
    roles = [
        {"username": "bob", "role": "admin", "online": True},
        {"username": "ann", "role": "owner", "online": False},
    ]
    await row("GET", "/{g}/roles", body=answered("get", roles, count=2)).check(house)
    for name, is_member in (("BOB", True), ("cy", False), ("nobody", False)):
        joined = row("GET", "/{g}/user/" + name + "/is_joined", body=answered("get", is_member))
        await joined.check(house)
    await row("GET", f"/{NOWHERE}/user/bob/is_joined", 404, NO_GROUP).check(house)
