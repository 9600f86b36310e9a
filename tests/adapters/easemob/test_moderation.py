"""Blocks, the white list, mutes of members and of whole groups and rooms."""

from typing import Any

import pytest

from tests.adapters.easemob.grouped import (
    AS_BOB,
    NO_GROUP,
    NO_OWNER,
    NO_PERMISSION,
    NOWHERE,
    answered,
    forbidden,
    invalid,
    row,
    settle,
)
from tests.adapters.easemob.sending import key
from tests.adapters.easemob.shapes import each
from tests.harness import House, Row


@pytest.fixture(params=["groups", "rooms"])
def room(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "rooms")


@pytest.fixture
async def number(house: House, room: bool) -> int:
    return await settle(house, "ann", "bob", "Cy", room=room)


def done(room: bool, action: str, user: str, is_done: bool = True) -> dict[str, Any]:
    """What is said of one user."""
    reason = {} if is_done else {"reason": "user: " + user + " doesn't exist in {kind}: {g}"}
    ids = {"chatroomid": "{g}", "id": "{g}"} if room else {"groupid": "{g}"}
    return {"result": is_done, "action": action, **reason, "user": user, **ids}


async def is_member(house: House, number: int, name: str) -> bool:
    standing = await house.core.members.standing(house.tenant, number, await key(house, name))
    return standing.member is not None


async def test_blocking_one(house: House, number: int, room: bool) -> None:
    blocked = answered("post", done(room, "add_blocks", "bob"))
    await row("POST", "/{g}/blocks/users/bob", body=blocked).check(house)
    assert not await is_member(house, number, "bob")
    await row("GET", "/{g}/blocks/users", body=answered("get", ["bob"], count=1)).check(house)
    absent = forbidden("users [bob] are not members of this group!")
    await row("POST", "/{g}/blocks/users/bob", 403, absent).check(house)
    unblocked = answered("delete", done(room, "remove_blocks", "bob"))
    await row("DELETE", "/{g}/blocks/users/bob", body=unblocked).check(house)
    await row("GET", "/{g}/blocks/users", body=answered("get", [], count=0)).check(house)
    assert not await is_member(house, number, "bob")
    await row("POST", "/{g}/users/bob").check(house)


async def test_blocking_many(house: House, number: int, room: bool) -> None:
    some = answered("post", [done(room, "add_blocks", "cy"), done(room, "add_blocks", "nobody", False)])
    await row("POST", "/{g}/blocks/users", 200, some, {"usernames": ["cy", "nobody"]}).check(house)
    one = answered("post", done(room, "add_blocks", "bob"))
    await row("POST", "/{g}/blocks/users", 200, one, {"usernames": ["bob"]}).check(house)
    response = await row("GET", "/{g}/blocks/users").check(house)
    assert sorted(response.json()["data"]) == ["bob", "cy"]
    both = answered("delete", [done(room, "remove_blocks", "bob"), done(room, "remove_blocks", "cy")])
    await row("DELETE", "/{g}/blocks/users/bob,cy", body=both).check(house)
    await row("GET", "/{g}/blocks/users", body=answered("get", [], count=0)).check(house)


async def test_the_white_list(house: House, number: int, room: bool) -> None:
    one = answered("post", done(room, "add_user_whitelist", "bob"))
    await row("POST", "/{g}/white/users/bob", body=one).check(house)
    many = [done(room, "add_user_whitelist", "cy"), done(room, "add_user_whitelist", "x", False)]
    await row("POST", "/{g}/white/users", 200, answered("post", many), {"usernames": ["cy", "x"]}).check(house)
    response = await row("GET", "/{g}/white/users").check(house)
    assert sorted(response.json()["data"]) == ["bob", "cy"]
    removed = answered("delete", done(room, "remove_user_whitelist", "bob"))
    await row("DELETE", "/{g}/white/users/bob", body=removed).check(house)
    await row("GET", "/{g}/white/users", body=answered("get", ["cy"], count=1)).check(house)


async def test_mutes(house: House, number: int) -> None:
    until = house.clock.now() + 60_000
    muted = answered("post", [{"result": True, "expire": until, "user": user} for user in ("bob", "cy")])
    json = {"usernames": ["bob", "cy"], "mute_duration": 60_000}
    await row("POST", "/{g}/mute", 200, muted, json).check(house)
    listed = answered("get", [{"expire": until, "user": user} for user in ("bob", "cy")], count=2)
    await row("GET", "/{g}/mute", body=listed).check(house)
    unmuted = answered("delete", [{"result": True, "user": user} for user in ("bob", "nobody")])
    await row("DELETE", "/{g}/mute/bob,nobody", body=unmuted).check(house)
    await row("GET", "/{g}/mute", body=answered("get", [{"expire": until, "user": "cy"}], count=1)).check(house)
    house.manual_clock.move(60_001)
    await row("GET", "/{g}/mute", body=answered("get", [], count=0)).check(house)


@pytest.mark.parametrize("duration", [-1, "-1"], ids=repr)
async def test_a_mute_for_ever(duration: object, house: House, number: int) -> None:
    muted = answered("post", [{"result": True, "expire": -1, "user": "bob"}])
    await row("POST", "/{g}/mute", 200, muted, {"usernames": ["bob"], "mute_duration": duration}).check(house)
    standing = await house.core.members.standing(house.tenant, number, await key(house, "bob"))
    assert standing.muted_until == -1


async def test_an_admin_does_not_mute_the_owner(house: House, number: int) -> None:
    await house.core.members.make_admin(house.tenant, number, await key(house, "bob"))
    both = {"usernames": ["cy", "ANN"], "mute_duration": -1}
    await row("POST", "/{g}/mute", 403, forbidden(NO_OWNER), both, headers=AS_BOB).check(house)
    assert await house.core.members.muted(house.tenant, number) == []
    await row("POST", "/{g}/mute", 200, json={**both, "usernames": ["cy"]}, headers=AS_BOB).check(house)
    await row("POST", "/{g}/mute", 200, json=both).check(house)


async def test_muting_everybody(house: House, number: int) -> None:
    for method in ("POST", "PUT"):
        await row(method, "/{g}/ban", body=answered(method, {"mute": True})).check(house)
        assert (await row("GET", "/{g}").check(house)).json()["data"][0]["mute"] is True
        await row("DELETE", "/{g}/ban", body=answered("delete", {"mute": False})).check(house)
        assert (await row("GET", "/{g}").check(house)).json()["data"][0]["mute"] is False


MUTE = {"usernames": ["bob"], "mute_duration": 1000}
NOT_THERE = invalid("users [nobody] are not members of this group!")
REFUSED = [
    row("POST", "/{g}/blocks/users/ann", 403, forbidden(NO_OWNER)),
    row("POST", "/{g}/blocks/users", 403, forbidden(NO_OWNER), {"usernames": ["bob", "ann"]}),
    row("POST", "/{g}/blocks/users/nobody", 403, forbidden("users [nobody] are not members of this group!")),
    row("POST", "/{g}/blocks/users", 400, invalid("usernames must be provided"), {}),
    row("POST", "/{g}/white/users/nobody", 403, forbidden("users [nobody] are not members of this group!")),
    row("POST", "/{g}/white/users", 400, invalid("usernames must be an array"), {"usernames": {}}),
    row("POST", "/{g}/mute", 400, NOT_THERE, {**MUTE, "usernames": ["bob", "nobody"]}),
    row("POST", "/{g}/mute", 400, invalid("usernames must be provided"), {"mute_duration": 1000}),
    row("POST", "/{g}/mute", 400, invalid("mute_duration must be provided"), {"usernames": ["bob"]}),
    *(
        row("POST", "/{g}/mute", 400, invalid("mute_duration must be a number"), {**MUTE, "mute_duration": value})
        for value in each(0, -2, 1 << 50, "long", [], True)
    ),
    row("POST", f"/{NOWHERE}/mute", 404, NO_GROUP, MUTE),
    row("DELETE", f"/{NOWHERE}/mute/bob", 404, NO_GROUP),
    row("GET", f"/{NOWHERE}/mute", 404, NO_GROUP),
    row("POST", f"/{NOWHERE}/blocks/users/bob", 404, NO_GROUP),
    row("POST", f"/{NOWHERE}/white/users/bob", 404, NO_GROUP),
    row("POST", f"/{NOWHERE}/ban", 404, NO_GROUP),
    row("DELETE", f"/{NOWHERE}/ban", 404, NO_GROUP),
    row("POST", "/{g}/mute", 401, NO_PERMISSION, MUTE, headers=AS_BOB),
    row("POST", "/{g}/blocks/users/cy", 401, NO_PERMISSION, headers=AS_BOB),
    row("POST", "/{g}/ban", 401, NO_PERMISSION, headers=AS_BOB),
]  # fmt: skip


@pytest.mark.parametrize("refused", REFUSED, ids=str)
async def test_what_is_refused(refused: Row, house: House, number: int) -> None:
    await refused.check(house)
    members = house.core.members
    assert await members.muted(house.tenant, number) == await members.blocked(house.tenant, number) == []
    assert await members.allowed(house.tenant, number) == []
    assert await is_member(house, number, "bob")
