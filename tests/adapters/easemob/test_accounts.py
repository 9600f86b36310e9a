"""What changes of a user: password, nickname and push settings, whether the user may log in; lists and deletion."""

from typing import Any

import httpx
import pytest

from core.model import UserKey
from tests.adapters.easemob.shapes import AUTHORIZED, SECURITY, error, illegal, success
from tests.adapters.easemob.test_users import NOT_ALLOWED, NOT_FOUND, entity
from tests.harness import House, Row

AS_ANN = {"Authorization": "Bearer {ann_token}"}
NO_ENTITY = error("entity_not_found", "EntityNotFoundException", "User null not found")
WRONG = error("invalid_grant", SECURITY, "invalid password")


@pytest.fixture(autouse=True)
async def with_password(house: House) -> None:
    await house.core.users.set_password(house.tenant, "bob", "old")


async def key_of(house: House, name: str) -> UserKey:
    key = await house.core.users.known_key(house.tenant, name)
    assert key is not None
    return key


def opens(user: str, password: str) -> Any:
    async def check(house: House, _: httpx.Response) -> None:
        assert await house.core.users.check_password(house.tenant, user, password) is not None

    return check


def set_password(label: str, user: str, status: int, body: Any, json: Any, **more: Any) -> Row:
    more = {"headers": AUTHORIZED, **more}
    return Row(label, "PUT", "{base}/users/" + user + "/password", status, body, json, **more)


def password_set(user: str) -> dict[str, Any]:
    return success("set user password", f"/users/{user}/password")


PASSWORDS = [
    set_password("new", "bob", 200, password_set("bob"), {"newpassword": "new"}, effect=opens("bob", "new")),
    set_password("a number", "Bob", 200, password_set("Bob"), {"newpassword": 12}, effect=opens("bob", "12")),
    set_password("the first", "ann", 200, password_set("ann"), {"newpassword": "new"}, effect=opens("ann", "new")),
    set_password("none", "bob", 400, illegal("newpassword is required"), {}, effect=opens("bob", "old")),
    set_password("an empty one", "bob", 400, illegal("newpassword is required"), {"newpassword": ""}),
    set_password("of a wrong type", "bob", 400, illegal("newpassword is required"), {"newpassword": ["x"]}),
    set_password("too long", "bob", 400, illegal("PASSWORD_TOO_LONG"), {"newpassword": "p" * 65}),
    set_password("of nobody", "nobody", 404, NO_ENTITY, {"newpassword": "new"}),
    set_password("of another", "bob", 401, NOT_ALLOWED, {"newpassword": "new"}, headers=AS_ANN),
    set_password("a user's without the old one", "ann", 400, illegal("oldPassword is required"), {"newpassword": "new"}, headers=AS_ANN),
    set_password("a user's with a wrong one", "ann", 400, WRONG, {"newpassword": "new", "oldpassword": "x"}, headers=AS_ANN),
]  # fmt: skip


@pytest.mark.parametrize("row", PASSWORDS, ids=str)
async def test_passwords(row: Row, house: House) -> None:
    await row.check(house)


async def test_a_user_changes_the_own_password(house: House) -> None:
    login = {"grant_type": "password", "username": "bob", "password": "old"}
    token = await Row("login", "POST", "{base}/token", 200, json=login).check(house)
    headers = {"Authorization": f"Bearer {token.json()['access_token']}"}
    both = {"newpassword": "new", "oldpassword": "old"}
    row = set_password("own", "bob", 200, password_set("bob"), both, headers=headers, effect=opens("bob", "new"))
    await row.check(house)
    assert (await row.send(house)).status_code == 401  # the token has ended
    posted = Row("post", "POST", "{base}/users/bob/password", 200, json={"newpassword": "x"}, headers=AUTHORIZED)
    await posted.check(house)


def update(label: str, status: int, body: Any, json: Any, user: str = "ann", **more: Any) -> Row:
    more = {"headers": AUTHORIZED, **more}
    return Row(label, "PUT", "{base}/users/" + user, status, body, json, **more)


def updated(user: str = "ann", **fields: Any) -> dict[str, Any]:
    return success("put", f"/users/{user}", path="/users", entities=[entity(user.lower(), **fields)])


UPDATES = [
    update("nickname", 200, updated(nickname="Annie"), {"nickname": "Annie"}),
    update("own nickname", 200, updated(nickname="Annie"), {"nickname": "Annie"}, headers=AS_ANN),
    update("an empty nickname", 200, updated("CY"), {"nickname": ""}, "CY"),
    update("nothing", 200, updated("cy", nickname="Cyan"), {"age": 1, "notification_new": 1, "nickname": None}, "cy"),
    update(
        "push settings",
        200,
        updated(
            notification_display_style=1,
            notification_no_disturbing=True,
            notification_no_disturbing_start=1,
            notification_no_disturbing_end=3,
            notification_ignore_190000000000001=True,
        ),
        {
            "notification_display_style": "1",
            "notification_no_disturbing": True,
            "notification_no_disturbing_start": "1",
            "notification_no_disturbing_end": 3,
            "notification_ignore_190000000000001": True,
        },
    ),
    update(
        "as the web client sends it",
        200,
        updated(notification_ignore_190000000000001=True),
        {"entities": [{"notification_ignore_190000000000001": True}]},
    ),
    update("nothing within", 200, updated(), {"entities": []}),
    update("no such style", 400, illegal("notification_display_style is illegal"), {"notification_display_style": 2}),
    update("no switch", 400, illegal("notification_no_disturbing is illegal"), {"notification_no_disturbing": 2}),
    update(
        "no hour", 400, illegal("notification_no_disturbing_end is illegal"), {"notification_no_disturbing_end": 24}
    ),
    update("no list", 400, illegal("notification_ignore_1 is illegal"), {"notification_ignore_1": []}),
    update("too long", 400, illegal("NICKNAME_TOO_LONG"), {"nickname": "n" * 101}),
    update("a wrong type", 400, illegal("nickname must be a string"), {"nickname": {}}),
    update("nobody", 404, NOT_FOUND, {"nickname": "x"}, "nobody"),
    update("another", 401, NOT_ALLOWED, {"nickname": "x"}, "bob", headers=AS_ANN),
]


@pytest.mark.parametrize("row", UPDATES, ids=str)
async def test_updates(row: Row, house: House) -> None:
    await row.check(house)


async def test_an_update_leaves_the_rest(house: House) -> None:
    await update("style", 200, ..., {"notification_display_style": 1}).check(house)
    expected = updated(nickname="A", notification_display_style=1)
    await update("nickname", 200, expected, {"nickname": "A"}).check(house)
    shown = success("get", "/users/ann", path="/users", entities=expected["entities"], count=1)
    await Row("get", "GET", "{base}/users/ann", 200, shown, headers=AUTHORIZED).check(house)


async def test_push_settings_have_an_end(house: House) -> None:
    many = {f"notification_ignore_{number}": True for number in range(501)}
    await update("many", 400, illegal("notifications of over 500 groups are ignored"), many).check(house)


def nicknames(label: str, status: int, body: Any, json: Any, headers: dict[str, str] = AUTHORIZED) -> Row:
    return Row(label, "PUT", "{base}/push/nickname", status, body, json, headers=headers)


EMPTY = illegal("put user push nicknames illegal empty request body")
NICKNAMES = [
    nicknames(
        "several",
        200,
        success("put", "/push/nickname", path="/push", entities=[{"username": "ann", "push_nickname": "A"}, {"username": "cy", "push_nickname": "C"}]),
        [{"username": "Ann", "push_nickname": "A"}, {"username": "cy", "push_nickname": "C"}],
    ),
    nicknames("none", 400, EMPTY, []),
    nicknames("a nickname too few", 400, EMPTY, [{"username": "ann"}]),
    nicknames("no object", 400, EMPTY, ["ann"]),
    nicknames("too many", 400, illegal("put user push nicknames exceeds the limit"), [{}] * 51),
    nicknames("too long", 400, illegal("ann push nickname length exceeds the limit"), [{"username": "ann", "push_nickname": "n" * 101}]),
    nicknames("nobody", 404, NOT_FOUND, [{"username": "ann", "push_nickname": "A"}, {"username": "nobody", "push_nickname": "N"}]),
    nicknames("a user", 401, NOT_ALLOWED, [{"username": "ann", "push_nickname": "A"}], AS_ANN),
]  # fmt: skip


@pytest.mark.parametrize("row", NICKNAMES, ids=str)
async def test_nicknames_of_many(row: Row, house: House) -> None:
    await row.check(house)


async def test_a_user_is_deactivated_and_activated(house: House) -> None:
    key = await key_of(house, "ann")
    await house.core.presence.set(house.tenant, key, "ios_1", 60_000)
    body = success("Deactivate user", "/users/Ann/deactivate", entities=[entity("ann", activated=False)])
    await Row("deactivate", "POST", "{base}/users/Ann/deactivate", 200, body, headers=AUTHORIZED).check(house)
    (presence,) = await house.core.presence.read(house.tenant, [key])
    assert not presence.online
    refused = error("auth_bad_access_token", ..., "Unable to authenticate")
    await Row("its token", "GET", "{base}/users/ann", 401, refused, headers=AS_ANN).check(house)
    body = success("activate user", "/users/ann/activate")
    await Row("activate", "POST", "{base}/users/ann/activate", 200, body, headers=AUTHORIZED).check(house)
    inherit = {"grant_type": "inherit", "username": "ann"}
    await Row("token", "POST", "{base}/token", 200, json=inherit, headers=AUTHORIZED).check(house)


@pytest.mark.parametrize("what", ["activate", "deactivate"])
async def test_who_is_activated_by_whom(what: str, house: House) -> None:
    await Row("nobody", "POST", "{base}/users/nobody/" + what, 404, NOT_FOUND, headers=AUTHORIZED).check(house)
    await Row("by a user", "POST", "{base}/users/ann/" + what, 401, NOT_ALLOWED, headers=AS_ANN).check(house)


def listed(label: str, query: dict[str, str], status: int, body: Any = ..., method: str = "GET", **more: Any) -> Row:
    return Row(label, method, "{base}/users", status, body, query=query, **{"headers": AUTHORIZED, **more})


def users(action: str, params: dict[str, list[str]], *entities: Any, **more: Any) -> dict[str, Any]:
    return success(action, "/users", path="/users", params=params, entities=list(entities), count=len(entities), **more)


ALL = (entity("ann"), entity("bob", modified=int), entity("cy", nickname="Cyan"))
LISTS = [
    listed("all", {}, 200, users("get", {}, *ALL)),
    listed("just all", {"limit": "3"}, 200, users("get", {"limit": ["3"]}, *ALL)),
    listed("more than all", {"limit": "1000"}, 200, users("get", {"limit": ["1000"]}, *ALL)),
    listed("a page", {"limit": "2"}, 200, users("get", {"limit": ["2"]}, *ALL[:2], cursor=str)),
    listed("no limit", {"limit": ""}, 200, users("get", {"limit": [""]}, *ALL)),
    listed("an empty cursor", {"cursor": ""}, 200, users("get", {"cursor": [""]}, *ALL)),
    listed("a limit of zero", {"limit": "0"}, 400, illegal("limit must be a number of at least 1")),
    listed("no number", {"limit": "two"}, 400, illegal("limit must be a number of at least 1")),
    listed("a foreign cursor", {"cursor": "LTgxNzM"}, 400, illegal("cursor is invalid")),
    listed("no cursor", {"cursor": "\u00e9"}, 400, illegal("cursor is invalid")),
    listed("by a user", {}, 401, NOT_ALLOWED, headers=AS_ANN),
]


@pytest.mark.parametrize("row", LISTS, ids=str)
async def test_lists(row: Row, house: House) -> None:
    await row.check(house)


async def test_pages_show_everybody_once(house: House) -> None:
    for number in range(5):
        await house.core.users.register(house.tenant, f"u{number}", folded=True)
    await house.core.users.register(house.tenant, "ANN")
    seen: list[str] = []
    query = {"limit": "2"}
    for _ in range(10):
        page = (await listed("page", query, 200).check(house)).json()
        seen += [user["username"] for user in page["entities"]]
        assert page["count"] == len(page["entities"])
        if "cursor" not in page:
            break
        query["cursor"] = page["cursor"]
    assert seen == ["ann", "bob", "cy", "u0", "u1", "u2", "u3", "u4", "_-_41_4e_4e"]


def delete(label: str, user: str, status: int, body: Any = ..., headers: dict[str, str] = AUTHORIZED) -> Row:
    return Row(label, "DELETE", "{base}/users/" + user, status, body, headers=headers)


async def test_a_user_is_deleted_with_the_groups_that_it_owns(house: House) -> None:
    ann, bob = await key_of(house, "ann"), await key_of(house, "bob")
    groups = [
        await house.core.groups.create(house.tenant, name="g", owner=owner, members=[ann, bob], dialect="easemob", room=room)
        for owner, room in ((ann, False), (ann, True), (bob, False))
    ]  # fmt: skip
    body = success("delete", "/users/Ann", path="/users", entities=[entity("ann", activated=False)])
    await delete("ann", "Ann", 200, body).check(house)
    await delete("again", "ann", 404, NOT_FOUND).check(house)
    tenant = await house.core.tenants.find(house.tenant.name)
    assert tenant is not None
    found = [await house.core.groups.find(tenant, group.number) for group in groups]
    assert [group is not None for group in found] == [False, False, True]
    new = {"username": "ann"}
    await Row("anew", "POST", "{base}/users", 200, json=new, headers=AUTHORIZED).check(house)


async def test_who_is_deleted_by_whom(house: House) -> None:
    await delete("nobody", "nobody", 404, NOT_FOUND).check(house)
    await delete("by itself", "ann", 401, NOT_ALLOWED, AS_ANN).check(house)
    await listed("all, by a user", {}, 401, NOT_ALLOWED, "DELETE", headers=AS_ANN).check(house)


async def test_users_are_deleted_by_number(house: House) -> None:
    gone = [{**one, "activated": False} for one in ALL]
    body = users("delete", {"limit": ["2"]}, *gone[:2], cursor=str)
    first = await listed("two", {"limit": "2"}, 200, body, "DELETE").check(house)
    query = {"limit": "2", "cursor": first.json()["cursor"]}
    body = users("delete", {name: [value] for name, value in query.items()}, gone[2])
    await listed("the rest", query, 200, body, "DELETE").check(house)
    await listed("nobody", {}, 200, users("delete", {}), "DELETE").check(house)
    await listed("all", {}, 200, users("get", {})).check(house)
