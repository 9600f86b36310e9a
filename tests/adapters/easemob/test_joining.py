"""Invitations, requests and answers to both; leaving; super admins of rooms."""

from typing import Any

import pytest

from tests.adapters.easemob.grouped import (
    AS_ANN,
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
    unknown,
)
from tests.adapters.easemob.sending import key
from tests.adapters.easemob.shapes import AUTHORIZED, success
from tests.harness import House, Row


def done(action: str, user: str) -> dict[str, Any]:
    return {"result": True, "action": action, "user": user, "id": "{g}", "groupid": "{g}"}


async def is_member(house: House, number: int, name: str) -> bool:
    standing = await house.core.members.standing(house.tenant, number, await key(house, name))
    return standing.member is not None


async def waiting(house: House, number: int) -> list[tuple[str, str, str]]:
    found = await house.core.members.waiting(house.tenant, number)
    return [(each.user.id, each.why, each.words) for each in found]


async def settle_group(house: House, *members: str, room: bool = False, **fields: Any) -> int:
    number = await settle(house, *members, room=room)
    if fields:
        await row("PUT", "/{g}", json=fields).check(house)
    return number


def verdict(who: str, name: str, answer: object) -> dict[str, Any]:
    return {who: name, "verifyResult": answer, "reason": "r"}


async def test_an_invitation(house: House) -> None:
    number = await settle_group(house, "ann")
    invited = answered("post", [done("invite", "bob"), done("invite", "cy")])
    await row("POST", "/{g}/invite", 200, invited, {"usernames": ["bob", "Cy"], "welcome": "hi"}).check(house)
    assert await waiting(house, number) == [("bob", "invitation", "hi"), ("Cy", "invitation", "hi")]
    declined = answered("post", done("inviteVerify", "cy"))
    await row("POST", "/{g}/invite_verify", 200, declined, verdict("invitee", "cy", False)).check(house)
    another = verdict("invitee", "bob", True)
    await row("POST", "/{g}/invite_verify", 401, NO_PERMISSION, another, headers=AS_ANN).check(house)
    accepted = answered("post", done("inviteVerify", "bob"))
    await row("POST", "/{g}/invite_verify", 200, accepted, another, headers=AS_BOB).check(house)
    assert [await is_member(house, number, name) for name in ("bob", "Cy")] == [True, False]
    assert await waiting(house, number) == []


async def test_an_invitation_that_needs_no_consent(house: House) -> None:
    number = await settle_group(house, "ann", invite_need_confirm=False)
    await row("POST", "/{g}/invite", 200, ..., {"usernames": ["bob", "cy"]}).check(house)
    assert [await is_member(house, number, name) for name in ("bob", "Cy")] == [True, True]


async def test_an_invitation_of_one(house: House) -> None:
    await settle_group(house, "ann")
    await row("POST", "/{g}/invite", 200, answered("post", done("invite", "bob")), {"usernames": ["bob"]}).check(house)


async def test_nobody_is_invited_with_who_is_there(house: House) -> None:
    number = await settle_group(house, "ann", "bob")
    await row("POST", "/{g}/invite", 403, ..., {"usernames": ["cy", "bob"]}).check(house)
    assert await waiting(house, number) == []


async def test_members_invite_where_it_is_allowed(house: House) -> None:
    await settle_group(house, "ann", "bob")
    invitation = row("POST", "/{g}/invite", 401, NO_PERMISSION, {"usernames": ["cy"]}, headers=AS_BOB)
    await invitation.check(house)
    await row("PUT", "/{g}", json={"allowinvites": True}).check(house)
    assert (await invitation.send(house)).status_code == 200


@pytest.mark.parametrize("path", ["apply", "apply2"])
async def test_a_request(path: str, house: House) -> None:
    number = await settle_group(house, "ann", public=True, approval=True)
    applied = answered("post", done("apply", "bob"))
    await row("POST", "/{g}/" + path, 200, applied, {"message": "let me in"}, headers=AS_BOB).check(house)
    assert await waiting(house, number) == [("bob", "request", "let me in")]
    answer = verdict("applicant", "bob", True)
    await row("POST", "/{g}/apply_verify", 401, NO_PERMISSION, answer, headers=AS_BOB).check(house)
    await row("POST", "/{g}/apply_verify", 200, answered("post", done("applyVerify", "bob")), answer).check(house)
    assert await is_member(house, number, "bob")
    present = forbidden("can not join this group, reason:user: bob already in group: {g}\n")
    await row("POST", "/{g}/apply", 403, present, {}, headers=AS_BOB).check(house)


async def test_a_request_is_declined(house: House) -> None:
    number = await settle_group(house, "ann", public=True, membersonly=True)
    await row("POST", "/{g}/apply", json={"message": None}, headers=AS_BOB).check(house)
    answer = verdict("applicant", "bob", "false")
    await row("POST", "/{g}/apply_verify", 200, ..., answer, headers=AS_ANN).check(house)
    assert not await is_member(house, number, "bob")
    nobody_waits = forbidden("user: bob does not wait to join group: {g}")
    for again in (False, True):
        await row("POST", "/{g}/apply_verify", 403, nobody_waits, {**answer, "verifyResult": again}).check(house)


@pytest.mark.parametrize("room", [False, True])
async def test_coming_and_going(room: bool, house: House) -> None:
    number = await settle(house, "ann", room=room)
    await house.core.groups.update(house.tenant, number, public=not room)
    await row("POST", "/{g}/apply", 200, answered("post", done("apply", "bob")), {}, headers=AS_BOB).check(house)
    assert await is_member(house, number, "bob")
    await row("DELETE", "/{g}/quit", body=answered("delete", done("quit", "bob")), headers=AS_BOB).check(house)
    assert not await is_member(house, number, "bob")
    await row("DELETE", "/{g}/quit", 401, NO_PERMISSION, headers=AS_BOB).check(house)
    await row("DELETE", "/{g}/quit", 403, forbidden(NO_OWNER), headers=AS_ANN).check(house)
    await row("DELETE", "/{g}/quit", 401).check(house)
    await row("POST", "/{g}/apply", 401, json={}).check(house)


REFUSED = [
    row("POST", "/{g}/apply", 403, forbidden("can not join this group, reason:group: {g} is not public\n"), {}, headers=AS_BOB),
    row("POST", f"/{NOWHERE}/apply", 404, NO_GROUP, {}, headers=AS_BOB),
    row("POST", "/{g}/apply", 400, invalid("message must be a string"), {"message": []}, headers=AS_BOB),
    row("POST", "/{g}/apply", 400, invalid("message length is too big"), {"message": "m" * 1025}, headers=AS_BOB),
    row("POST", "/{g}/invite", 404, unknown("username nobody doesn't exist!"), {"usernames": ["nobody"]}),
    row("POST", "/{g}/invite", 403, forbidden("can not join this group, reason:user: ann already in group: {g}\n"), {"usernames": ["ann"]}),
    row("POST", "/{g}/apply_verify", 400, invalid("applicant must be provided"), {"verifyResult": True}),
    row("POST", "/{g}/apply_verify", 400, invalid("verifyResult must be boolean"), {"applicant": "bob"}),
    row("POST", "/{g}/apply_verify", 403, forbidden("user: nobody does not wait to join group: {g}"), verdict("applicant", "nobody", True)),
    row("POST", "/{g}/invite_verify", 403, forbidden("user: bob does not wait to join group: {g}"), verdict("invitee", "bob", True), headers=AS_BOB),
    row("POST", f"/{NOWHERE}/invite_verify", 404, NO_GROUP, verdict("invitee", "bob", True)),
]  # fmt: skip


@pytest.mark.parametrize("refused", REFUSED, ids=lambda refused: str(refused)[:60])
async def test_what_is_refused(refused: Row, house: House) -> None:
    number = await settle(house, "ann")
    await refused.check(house)
    assert await waiting(house, number) == []
    assert not await is_member(house, number, "bob")


async def test_who_is_blocked_does_not_come(house: House) -> None:
    number = await settle_group(house, "ann", "bob", public=True)
    await house.core.members.block(house.tenant, number, [await key(house, "bob")])
    blocked = forbidden("can not join this group, reason:user: bob is in blacklist of group: {g}\n")
    await row("POST", "/{g}/apply", 403, blocked, {}, headers=AS_BOB).check(house)
    await row("POST", "/{g}/invite", 403, blocked, {"usernames": ["bob"]}).check(house)


async def test_super_admins(house: House) -> None:
    await settle(house, "ann", room=True)
    own_room = row("POST", "", 401, NO_PERMISSION, {"name": "r", "owner": "bob"}, headers=AS_BOB)
    await own_room.check(house)
    added = answered("post", {"result": "success", "resource": ""})
    for name in ("Bob", "cy", "bob"):
        await row("POST", "/super_admin", 200, added, {"superadmin": name}).check(house)
    query = {"pagenum": "1", "pagesize": "1"}
    for number, names in (("1", ["bob"]), ("2", ["cy"]), ("3", [])):
        asked = {**query, "pagenum": number}
        params = {name: [value] for name, value in asked.items()}
        page = answered("get", names, count=len(names), params=params)
        await row("GET", "/super_admin", body=page, query=asked).check(house)
    assert (await own_room.send(house)).status_code == 200
    removed = answered("delete", {"newSuperAdmin": "bob", "resource": ""})
    await row("DELETE", "/super_admin/bob", body=removed).check(house)
    await row("GET", "/super_admin", body=answered("get", ["cy"], count=1, params={})).check(house)
    await row("DELETE", "/super_admin/bob", 403, forbidden("user:bob is not super admin of chatroom")).check(house)
    nobody = unknown("username nobody doesn't exist!")
    await row("POST", "/super_admin", 404, nobody, {"superadmin": "nobody"}).check(house)
    await row("DELETE", "/super_admin/nobody", 404, nobody).check(house)
    await row("POST", "/super_admin", 400, invalid("superadmin must be provided"), {}).check(house)
    await row("POST", "/super_admin", 401, json={"superadmin": "bob"}, headers=AS_BOB).check(house)


@pytest.mark.parametrize("room", [False, True])
async def test_a_shield(room: bool, house: House) -> None:
    number = await settle_group(house, "ann", "bob", room=room)
    user = await key(house, "bob")
    for method, action, until in (("POST", "add_shield", -1), ("DELETE", "remove_shield", 0)):
        shielded = row(method, "/{g}/shield", 200, answered(method, done(action, "bob")), headers=AS_BOB)
        reply = await shielded.check(house)
        assert ("x-gateway-loss" in reply.headers) == (method == "POST")
        (view,) = await house.core.groups.views(house.tenant, [number], user)
        assert view is not None
        assert view.marks.muted_until == until
    await settle_group(house, "ann", room=room)
    await row("POST", "/{g}/shield", 401, NO_PERMISSION, headers=AS_BOB).check(house)


async def test_joining_many_at_once(house: House) -> None:
    blocks = await settle_group(house, "ann", "bob")
    await house.core.members.block(house.tenant, blocks, [await key(house, "bob")])
    blocking = house.names["g"]
    full = await settle_group(house, "ann")
    await house.core.groups.update(house.tenant, full, maximum_members=1)
    filled = house.names["g"]
    await settle_group(house, "ann", room=True)
    room = house.names["g"]
    there = await settle_group(house, "ann", "bob")
    own = house.names["g"]
    number = await settle_group(house, "ann")
    ids = [house.names["g"], own, blocking, filled, room, NOWHERE, own]

    def join(status: int, body: Any, json: Any, user: str = "bob", **more: Any) -> Row:
        path = "{base}/users/" + user + "/joined_chatgroups"
        return Row("join", "POST", path, status, body, json, **{"headers": AUTHORIZED, **more})

    results = [True, True, False, False, False, False]
    data = [{"id": text, "result": result} for text, result in zip(ids, results, strict=False)]
    body = success("post", "/users/bob/joined_chatgroups", entities=[], data=data)
    await join(200, body, {"id_list": ids}).check(house)
    assert [await is_member(house, each, "bob") for each in (number, there, blocks, full)] == [True, True, False, False]
    await join(400, invalid("id_list must be provided"), {}).check(house)
    await join(400, invalid("id_list number more than maxSize : 60"), {"id_list": ["1"] * 61}).check(house)
    await join(404, unknown("username nobody doesn't exist!"), {"id_list": ids}, "nobody").check(house)
    await join(401, ..., {"id_list": ids}, headers=AS_BOB).check(house)
