"""Contacts, requests to become one, blocks."""

from typing import Any

import pytest

from core.ids import USER
from core.model import Relation, RelationState, UserKey
from tests.adapters.easemob.shapes import AUTHORIZED, GROUPS, error, illegal, success
from tests.adapters.easemob.test_users import NOT_ALLOWED, NOT_FOUND, entity
from tests.harness import NOON, House, Row

AS_ANN = {"Authorization": "Bearer {ann_token}"}
NOT_FRIENDS = illegal("updateRemark they are not friends, please add as a friend first.")
SELF = illegal("this is an invalid request.")


@pytest.fixture(autouse=True)
async def uuids(house: House) -> None:
    for name in ("ann", "bob", "Cy"):
        key = await key_of(house, name)
        house.names[f"{name.lower()}_uuid"] = house.core.ids(house.tenant).uuid(USER | key.number)


async def key_of(house: House, name: str) -> UserKey:
    key = await house.core.users.known_key(house.tenant, name)
    assert key is not None
    return key


def call(label: str, method: str, path: str, status: int, body: Any = ..., json: Any = None, **more: Any) -> Row:
    return Row(label, method, "{base}" + path, status, body, json, **{"headers": AUTHORIZED, **more})


def changed(method: str, path: str, owner: str, what: str, *shown: dict[str, Any]) -> dict[str, Any]:
    return success(method, path, path=f"/users/{{{owner}_uuid}}/{what}", entities=list(shown))


def names(path: str, *found: str) -> dict[str, Any]:
    return success("get", path, entities=[], data=list(found), count=len(found))


def named(label: str, path: str, *found: str) -> Row:
    return call(label, "GET", path, 200, names(path, *found))


async def test_contacts_are_each_others(house: House) -> None:
    path = "/users/Ann/contacts/users/BOB"
    added = changed("post", path, "ann", "contacts", entity("bob"))
    for label in ("added", "added twice"):
        await call(label, "POST", path, 200, added).check(house)
    await call("of another dialect", "POST", "/users/ann/contacts/users/cy", 200, headers=AS_ANN).check(house)
    await named("ann's", "/users/ann/contacts/users", "bob", "cy").check(house)
    await named("bob's", "/users/bob/contacts/users", "ann").check(house)
    path = "/users/bob/contacts/users/ann"
    removed = changed("delete", path, "bob", "contacts", entity("ann"))
    for label in ("removed", "removed twice"):
        await call(label, "DELETE", path, 200, removed).check(house)
    await named("left", "/users/ann/contacts/users", "cy").check(house)
    await named("none", "/users/bob/contacts/users").check(house)


REFUSED = [
    call("a contact who is nobody", "POST", "/users/ann/contacts/users/nobody", 404, NOT_FOUND),
    call("a contact of nobody", "POST", "/users/nobody/contacts/users/ann", 404, NOT_FOUND),
    call("oneself as a contact", "POST", "/users/ann/contacts/users/Ann", 400, SELF),
    call("another's contact", "POST", "/users/bob/contacts/users/ann", 401, NOT_ALLOWED, headers=AS_ANN),
    call("another's contacts", "GET", "/users/bob/contacts/users", 401, NOT_ALLOWED, headers=AS_ANN),
    call("nobody's contacts", "GET", "/users/nobody/contacts/users", 404, NOT_FOUND),
    call("another's page", "GET", "/user/bob/contacts", 401, NOT_ALLOWED, headers=AS_ANN),
    call("too large a page", "GET", "/user/ann/contacts", 400, illegal("page size more than max limit : 50"), query={"limit": "51"}),
    call("no page", "GET", "/user/ann/contacts", 400, illegal("limit must be a number of at least 1"), query={"limit": "0"}),
    call("no cursor", "GET", "/user/ann/contacts", 400, illegal("cursor is invalid"), query={"cursor": "?"}),
    call("a remark on no contact", "PUT", "/user/ann/contacts/users/bob", 400, NOT_FRIENDS, {"remark": "x"}),
    call("a remark on nobody", "PUT", "/user/ann/contacts/users/nobody", 404, NOT_FOUND, {"remark": "x"}),
    call("no remark", "PUT", "/user/ann/contacts/users/bob", 400, illegal("remark must be provided"), {}),
    call("too long a remark", "PUT", "/user/ann/contacts/users/bob", 400, illegal("remark length exceeds max limit : 100"), {"remark": "x" * 101}),
    call("asking nobody", "POST", "/users/ann/contacts/apply", 404, NOT_FOUND, {"usernames": ["bob", "nobody"]}),
    call("asking no one", "POST", "/users/ann/contacts/apply", 400, illegal("usernames must be provided"), {}),
    call("asking oneself", "POST", "/users/ann/contacts/apply", 400, SELF, {"usernames": ["ann"]}),
    call("blocking nobody", "POST", "/users/ann/blocks/users", 404, NOT_FOUND, {"usernames": ["bob", "nobody"]}),
    call("blocking for nobody", "POST", "/users/nobody/blocks/users", 404, NOT_FOUND, {"usernames": ["bob"]}),
    call("blocking for another", "POST", "/users/bob/blocks/users", 401, NOT_ALLOWED, {"usernames": ["ann"]}, headers=AS_ANN),
    call("blocking oneself", "POST", "/users/ann/blocks/users", 400, SELF, {"usernames": ["ANN"]}),
    call("blocking no one", "POST", "/users/ann/blocks/users", 400, illegal("usernames must be provided"), {"usernames": []}),
    call("blocking no name", "POST", "/users/ann/blocks/users", 400, illegal("usernames must be an array of strings"), {"usernames": [None]}),
    call("blocking too many", "POST", "/users/ann/blocks/users", 400, illegal("usernames size exceeds max limit : 500"), {"usernames": ["bob"] * 501}),
    call("unblocking nobody", "DELETE", "/users/ann/blocks/users/nobody", 404, NOT_FOUND),
    call("nobody's blocks", "GET", "/users/nobody/blocks/users", 404, NOT_FOUND),
]  # fmt: skip


@pytest.mark.parametrize("row", REFUSED, ids=str)
async def test_what_is_refused(row: Row, house: House) -> None:
    await row.check(house)
    for name in ("ann", "bob"):
        for relation in Relation:
            rows, _ = await house.core.relations.page(house.tenant, await key_of(house, name), relation, 10)
            assert rows == []


def page(path: str, *found: dict[str, Any], cursor: bool = False) -> dict[str, Any]:
    more = {"cursor": str} if cursor else {}
    return success("get", path, entities=[], data={"contacts": list(found), **more}, count=len(found), **more)


async def test_pages_of_contacts_with_remarks(house: House) -> None:
    for name in ("bob", "cy"):
        await call(name, "POST", f"/users/ann/contacts/users/{name}", 200).check(house)
        house.manual_clock.move(1)
    for path in ("/user/ann/contacts/users/Bob", "/users/ann/contacts/users/bob"):
        body = success("put", path, status="ok")
        await call("remark", "PUT", path, 200, body, {"remark": "Bobby"}).check(house)
    bob, cy = {"username": "bob", "remark": "Bobby"}, {"username": "cy", "remark": None}
    for path in ("/user/ann/contacts", "/users/ann/contacts"):
        query = {"needReturnRemark": "true"}
        await call("all", "GET", path, 200, page(path, bob, cy), query=query).check(house)
        plain = page(path, {"username": "bob"}, {"username": "cy"})
        await call("without remarks", "GET", path, 200, plain, headers=AS_ANN).check(house)
        query["limit"] = "1"
        first = await call("one", "GET", path, 200, page(path, bob, cursor=True), query=query).check(house)
        query["cursor"] = first.json()["cursor"]
        last = await call("the last", "GET", path, 200, query=query).check(house)
        assert last.json()["data"]["contacts"] == [cy]
    await call("none", "PUT", "/user/ann/contacts/users/bob", 200, json={"remark": ""}).check(house)
    (row, _), _ = await house.core.relations.page(house.tenant, await key_of(house, "ann"), Relation.CONTACT, 10)
    assert row.remark is None


def answered(path: str, field: str, *found: str) -> dict[str, Any]:
    return success("post", path, entities=[], data={field: list(found)})


async def test_requests_are_accepted_or_declined(house: House) -> None:
    path = "/users/ann/contacts/apply"
    asked = {"usernames": ["Bob", "cy"], "reason": "hi"}
    row = call("ask", "POST", path, 200, answered(path, "applyContacts", "bob", "cy"), asked, headers=AS_ANN)
    await row.check(house)
    await named("not yet", "/users/ann/contacts/users").check(house)
    path = "/users/bob/contacts/accept/users/Ann"
    await call("accept", "POST", path, 200, answered(path, "acceptContacts", "ann")).check(house)
    path = "/users/cy/contacts/decline/users/ann"
    await call("decline", "POST", path, 200, answered(path, "declineContacts", "ann")).check(house)
    await call("nothing to decline", "POST", path, 200, answered(path, "declineContacts")).check(house)
    path = "/users/cy/contacts/accept/users/ann"
    await call("nothing to accept", "POST", path, 200, answered(path, "acceptContacts")).check(house)
    await named("one", "/users/ann/contacts/users", "bob").check(house)
    await named("the other", "/users/bob/contacts/users", "ann").check(house)


async def test_blocks(house: House) -> None:
    path = "/users/ann/blocks/users"
    body = success("post", path, entities=[], data=["bob", "cy"])
    both = {"usernames": ["Bob", "cy"]}
    for label in ("block", "block twice"):
        await call(label, "POST", path, 200, body, both, headers=AS_ANN).check(house)
    await named("blocked", path, "bob", "cy").check(house)
    path = "/users/ann/blocks/users/BOB"
    unblocked = changed("delete", path, "ann", "blocks", entity("bob"))
    for label in ("unblock", "unblock twice"):
        await call(label, "DELETE", path, 200, unblocked).check(house)
    ann = await key_of(house, "ann")
    bob, cy = await house.core.relations.look(
        house.tenant, ann, [await key_of(house, "bob"), await key_of(house, "Cy")]
    )
    assert (bob.blocks, cy.blocks, cy.contact) == (False, True, None)
    assert bob.block is not None
    assert (bob.block.state, bob.block.since) == (RelationState.ENDED, NOON + 2000)


async def test_blocks_as_the_newer_client_asks_for_them(house: House) -> None:
    path = "/sdk/user/ann/blocks"
    both = {"usernames": ["bob", "cy"]}
    body = success("post", path, entities=[], data=["bob", "cy"])
    await call("block", "POST", path, 200, body, both, query={"resource": "web"}, headers=AS_ANN).check(house)
    body = success("delete", path, entities=[], data=["bob"])
    await call("unblock", "DELETE", path, 200, body, {"usernames": ["bob"]}, headers=AS_ANN).check(house)
    await named("blocked", "/users/ann/blocks/users", "cy").check(house)
    await call("nobody", "DELETE", path, 404, NOT_FOUND, {"usernames": ["nobody"]}).check(house)
    await call("another's", "DELETE", "/sdk/user/bob/blocks", 401, NOT_ALLOWED, both, headers=AS_ANN).check(house)


async def test_the_application_sends_to_who_blocks_the_sender(house: House) -> None:
    await call("block", "POST", "/users/bob/blocks/users", 200, json={"usernames": ["ann"]}).check(house)
    message = {"target_type": "users", "target": ["bob"], "from": "ann", "msg": {"type": "txt", "msg": "hi"}}
    await call("send", "POST", "/messages", 200, json=message).check(house)


async def test_five_hundred_are_blocked_at_most(house: House) -> None:
    ann = await key_of(house, "ann")
    others = await house.core.users.keys(house.tenant, [f"u{n}" for n in range(499)])
    await house.core.relations.block(house.tenant, ann, others)
    path = "/users/ann/blocks/users"
    full = error("exceed_limit", GROUPS + "ExceedLimitException", "user block number exceed limit")
    await call("two more", "POST", path, 403, full, {"usernames": ["bob", "cy"]}).check(house)
    await call("one more", "POST", path, 200, json={"usernames": ["bob"]}).check(house)
    await call("the same", "POST", path, 200, json={"usernames": ["bob"]}).check(house)
    shown = await call("all", "GET", path, 200).check(house)
    assert sorted(shown.json()["data"]) == sorted([*(f"u{n}" for n in range(499)), "bob"])


async def test_contacts_that_this_dialect_has_no_name_for(house: House) -> None:
    for name in ("ANN", "朵拉", "a b"):
        other = await house.core.users.register(house.tenant, name)
        await house.core.relations.add(house.tenant, await key_of(house, "bob"), [UserKey(other.id, other.number)])
        house.manual_clock.move(1)
    await named("bob's", "/users/bob/contacts/users", "_-_41_4e_4e", "_-_e6_9c_b5_e6_8b_89", "_-a_20b").check(house)
    path = "/users/bob/contacts/users/_-_41_4e_4e"
    await call("remove", "DELETE", path, 200).check(house)
    await named("left", "/users/bob/contacts/users", "_-_e6_9c_b5_e6_8b_89", "_-a_20b").check(house)
