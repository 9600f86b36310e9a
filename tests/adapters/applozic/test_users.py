"""Users: what is shown of them, what they change, what administrators do."""

from typing import Any

import pytest

from adapters.applozic.auth import basic
from tests.adapters.applozic.conftest import as_bot, as_user, ask, ask_as_bot, envelope, failed, log_in
from tests.core.support import text
from tests.harness import NOON, House, Row

DETAIL = "/rest/ws/user/v2/detail"
BARE = "/rest/ws/user/detail"


def shown(name: str, **changes: Any) -> dict[str, Any]:
    """The user object that another user sees of one who only logged in; `None` takes a field away."""
    whole = {
        "userId": name, "userName": name, "connected": False, "createdAtTime": NOON, "active": True, "deactivated": False,
        "connectedClientCount": 0, "roleType": 3, "metadata": {}, "unreadCount": 0, "blockedByThis": False,
        "blockedByOther": False,
    }  # fmt: skip
    return {field: value for field, value in (whole | changes).items() if value is not None}


def own(name: str, **changes: Any) -> dict[str, Any]:
    """The same as the user sees it, or an administrator who acts for nobody."""
    return shown(name, blockedByThis=None, blockedByOther=None, **changes)


ALICE = as_user("alice")
ROWS = [
    Row("another", "POST", DETAIL, 200, envelope([shown("bob")]), json={"userIdList": ["bob"]}, headers=ALICE),
    Row("oneself", "POST", DETAIL, 200, envelope([own("alice")]), json={"userIdList": ["alice"], "phoneNumberList": []}, headers=ALICE),
    Row("several, some unknown", "POST", DETAIL, 200, envelope([shown("carol"), shown("bob")]), json={"userIdList": ["carol", "nobody", "bob", "carol", "a\u0000b"], "contactSync": False}, headers=ALICE),
    Row("by an administrator", "POST", DETAIL, 200, envelope([own("bob")]), json={"userIdList": ["bob"]}, headers={"Apz-AppId": "{app}", "Apz-Token": "{bot}"}),
    Row("on behalf", "POST", DETAIL, 200, envelope([shown("bob")]), json={"userIdList": ["bob"]}, headers=as_bot("alice")),
    Row("nobody", "POST", DETAIL, 200, envelope([]), json={"userIdList": None}, headers=ALICE),
    Row("no body", "POST", DETAIL, 200, envelope([]), headers=ALICE),
    Row("a number", "POST", DETAIL, 200, envelope([]), json={"userIdList": [17]}, headers=ALICE),
    Row("too many", "POST", DETAIL, 200, failed("AL-M-01"), json={"userIdList": [str(n) for n in range(1001)]}, headers=ALICE),
    Row("no list of names", "POST", DETAIL, 200, failed("AL-M-01"), json={"userIdList": [{}]}, headers=ALICE),
    Row("bare", "POST", BARE, 200, [shown("bob")], json={"userIdList": ["bob"]}, headers=ALICE),
    Row("by GET", "GET", BARE + "?userIds=bob&userIds=carol&=&", 200, [shown("bob"), shown("carol")], headers=ALICE),
    Row("bare, too many", "POST", BARE, 200, "error", json={"userIdList": [str(n) for n in range(1001)]}, headers=ALICE),
    Row("names", "GET", "/rest/ws/user/info?userIds=bob&userIds=nobody&userIds=dave", 200, {"bob": "bob", "dave": "Dave"}, headers=ALICE),
    Row("no names", "GET", "/rest/ws/user/info", 200, {}, headers=ALICE),
    Row("somebody exists", "GET", "/rest/ws/user/exist?userId=bob", 200, envelope(True), headers=ALICE),
    Row("nobody exists", "GET", "/rest/ws/user/exist?userId=nobody", 200, envelope(False), headers=ALICE),
    Row("who exists?", "GET", "/rest/ws/user/exist", 200, failed("AL-M-01"), headers=ALICE),
    Row("found by name", "GET", "/rest/ws/user/search/contact?name=AVE", 200, envelope([shown("dave", userName="Dave", displayName="Dave", unreadCount=None)]), headers=ALICE),
    Row("found by id", "GET", "/rest/ws/user/search/contact?name=o", 200, envelope([shown("bob", unreadCount=None), shown("carol", unreadCount=None)]), headers=ALICE),
    Row("found by nothing", "GET", "/rest/ws/user/search/contact?name=", 200, envelope([]), headers=ALICE),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_users_are_shown(house: House, row: Row) -> None:
    await house.core.users.register(house.tenant, "dave", display_name="Dave")
    await row.check(house)


async def test_the_whole_of_a_user(house: House) -> None:
    core, tenant = house.core, house.tenant
    body = {
        "displayName": "Bob B.", "email": "bob@example.com", "imageLink": "https://x.test/b.png", "statusMessage": "here",
        "phoneNumber": "+15550100", "userTypeId": 2, "metadata": {"k": "v", "n": 1},
    }  # fmt: skip
    assert (await ask(house, "bob", "POST", "user/update?elasticUpdate=true", json=body))["response"] == "success"
    await ask(house, "bob", "POST", "user/update", json={"metadata": {"m": "w"}, "email": None})
    alice, bob = await core.users.keys(tenant, ("alice", "bob"))
    await core.presence.set(tenant, bob, "phone", 60_000)
    await core.relations.block(tenant, alice, [bob])
    found = await ask(house, "alice", "POST", "user/v2/detail", json={"userIdList": ["bob"]})
    assert found["response"] == [
        shown(
            "bob", userName="Bob B.", displayName="Bob B.", email="bob@example.com", imageLink="https://x.test/b.png",
            statusMessage="here", phoneNumber="+15550100", userTypeId="2", metadata={"k": "v", "n": "1", "m": "w"},
            connected=True, connectedClientCount=1, lastSeenAtTime=NOON, blockedByThis=True,
        )
    ]  # fmt: skip
    (back,) = (await ask(house, "bob", "POST", "user/v2/detail", json={"userIdList": ["alice"]}))["response"]
    assert (back["blockedByThis"], back["blockedByOther"]) == (False, True)
    await core.users.deactivate(tenant, "bob")
    (gone,) = (await ask(house, "alice", "POST", "user/v2/detail", json={"userIdList": ["bob"]}))["response"]
    assert (gone["active"], gone["deactivated"]) == (False, True)


async def test_who_only_exchanged_messages_is_shown_as_far_as_known(house: House) -> None:
    await house.core.users.key(house.tenant, "stranger")
    found = await ask(house, "alice", "POST", "user/v2/detail", json={"userIdList": ["stranger", "nobody"]})
    stranger = {"userId": "stranger", "userName": "stranger", "connected": False, "metadata": {}, "unreadCount": 0}
    assert found["response"] == [stranger]


async def test_another_dialects_users_are_shown(house: House) -> None:
    attributes = {"nickname": "B", "level": 7, "deep": {"er": [1]}}
    await house.core.users.register(house.tenant, "eve", password="x", display_name="Eve", attributes=attributes)
    (eve,) = (await ask(house, "alice", "POST", "user/v2/detail", json={"userIdList": ["eve"]}))["response"]
    assert (eve["displayName"], eve["metadata"]) == ("Eve", {"nickname": "B", "level": "7", "deep": '{"er":[1]}'})


async def test_unread_counts_depend_on_who_asks(house: House) -> None:
    core, tenant = house.core, house.tenant
    alice, bob, carol = await core.users.keys(tenant, ("alice", "bob", "carol"))
    for number, (sender, count) in enumerate(((bob, 3), (carol, 2))):
        for one in range(count):
            await core.messages.send_direct(tenant, sender, [alice], text(sender.id), f"client:{number}-{one}")

    async def counts(as_whom: str) -> dict[str, int]:
        body = {"userIdList": ["alice", "bob", "carol"]}
        asked = (
            ask_as_bot(house, "", "POST", "user/v2/detail", json=body)
            if as_whom == "bot"
            else ask(house, as_whom, "POST", "user/v2/detail", json=body)
        )
        return {row["userId"]: row["unreadCount"] for row in (await asked)["response"]}

    assert await counts("alice") == {"alice": 5, "bob": 3, "carol": 2}
    assert (await ask(house, "alice", "GET", "user/filter"))["totalUnreadCount"] == 5
    assert (await ask_as_bot(house, "", "GET", "user/filter"))["totalUnreadCount"] == 0
    assert await counts("bob") == {"alice": 0, "bob": 0, "carol": 0}
    assert await counts("bot") == {"alice": 5, "bob": 0, "carol": 0}


async def test_a_list_of_users_is_gone_through(house: House) -> None:
    for number in range(7):
        await house.core.users.register(house.tenant, f"user{number}")
    everybody = ["alice", "bob", "carol", *(f"user{number}" for number in range(7))]
    found, start = [], ""
    for _ in range(10):
        page = await ask(house, "alice", "GET", f"user/filter?pageSize=4&orderBy=1{start}")
        assert page.keys() == {"users", "groups", "devices", "lastFetchTime", "lastFetchIndex", "totalUnreadCount"}
        if not page["users"]:
            break
        found += [user["userId"] for user in page["users"]]
        start = f"&startTime={page['lastFetchTime']}"
    assert found == everybody
    page = await ask(house, "alice", "GET", "user/filter?startIndex=3&pageSize=4")
    assert page["lastFetchIndex"] == 7
    whole = await ask(house, "alice", "GET", "user/filter")
    assert [user["userId"] for user in whole["users"]] == everybody
    assert whole["users"][1] == shown("bob", unreadCount=None)
    skipped = await ask_as_bot(house, "", "GET", "user/v3/filter?startIndex=8&pageSize=500")
    assert [user["userId"] for user in skipped["response"]["users"]] == everybody[8:]


async def test_a_list_of_users_by_roles_and_times(house: House) -> None:
    await ask_as_bot(house, "", "POST", "user/v2/create", json={"userId": "helper", "password": "x", "roleName": "BOT"})
    await ask_as_bot(house, "", "POST", "user/v2/create", json={"userId": "old", "createdAtTime": str(NOON - 5_000)})
    house.manual_clock.move(1_000)
    await log_in(house, "late")

    async def listed(query: str) -> list[str]:
        return [user["userId"] for user in (await ask(house, "alice", "GET", f"user/filter?{query}"))["users"]]

    assert await listed("role=BOT") == ["helper"]
    assert await listed("roleNameList=BOT&roleNameList=3&pageSize=2") == ["alice", "bob"]
    assert await listed(f"startTime={NOON + 1}") == ["late"]
    assert await listed(f"endTime={NOON}") == ["old"]
    assert await listed(f"startTime={NOON - 5000}&endTime={NOON}") == ["old"]
    assert await ask(house, "alice", "GET", "user/filter?pageSize=x") == "error"
    assert len((await ask(house, "alice", "GET", "user/filter?pageSize=undefined&startTime=null"))["users"]) == 6


CREATE = "/rest/ws/user/v2/create"
NEW = {"userId": "new", "password": "secret"}


@pytest.mark.parametrize(
    "row",
    [
        Row("made", "POST", CREATE, 200, envelope(), json=NEW, headers=as_bot()),
        Row("made, and answered by a word", "POST", "/rest/ws/user/create", 200, "success", json=NEW, headers=as_bot()),
        Row("a bot", "POST", CREATE, 200, envelope(), json={**NEW, "roleName": "BOT"}, headers=as_bot()),
        Row("a bot without a password", "POST", CREATE, 200, failed("AL-M-01"), json={"userId": "new", "roleName": "bot"}, headers=as_bot()),
        Row("a role that there is not", "POST", CREATE, 200, failed("AL-M-01"), json={**NEW, "roleName": "KING"}, headers=as_bot()),
        Row("there already", "POST", CREATE, 200, failed("AL-U-01", "user already exist"), json={**NEW, "userId": "bob"}, headers=as_bot()),
        Row("the application's bot", "POST", CREATE, 200, failed("AL-UN-01"), json={**NEW, "userId": "bot"}, headers=as_bot()),
        Row("no name", "POST", CREATE, 200, failed("AL-M-01"), json={"password": "secret"}, headers=as_bot()),
        Row("an illegal name", "POST", CREATE, 200, failed("AL-M-01"), json={**NEW, "userId": " a"}, headers=as_bot()),
        Row("a reserved name", "POST", CREATE, 200, failed("AL-UN-01"), json={**NEW, "userId": "System"}, headers=as_bot()),
        Row("by a user", "POST", CREATE, 200, failed("AL-UN-01"), json=NEW, headers=ALICE),
        Row("a word, by a user", "POST", "/rest/ws/user/create", 200, "error", json=NEW, headers=ALICE),
        Row("another's password", "GET", "/rest/ws/user/set/password?userId=bob&password=new", 200, envelope(), headers=as_bot()),
        Row("another's password, in a body", "POST", "/rest/ws/user/set/password", 200, envelope(), json={"userId": "bob", "password": "new"}, headers=as_bot()),
        Row("nobody's password", "GET", "/rest/ws/user/set/password?userId=nobody&password=new", 200, failed("AL-U-01"), headers=as_bot()),
        Row("no password", "GET", "/rest/ws/user/set/password?userId=bob", 200, failed("AL-M-01"), headers=as_bot()),
        Row("a password, by a user", "GET", "/rest/ws/user/set/password?userId=bob&password=new", 200, failed("AL-UN-01"), headers=ALICE),
        Row("one's password, wrong", "GET", "/rest/ws/user/update/password?oldPassword=x&newPassword=y", 200, failed("AL-M-01"), headers=ALICE),
        Row("one's password, incomplete", "GET", "/rest/ws/user/update/password?oldPassword=x", 200, failed("AL-M-01"), headers=ALICE),
        Row("deleted by a user", "POST", "/rest/ws/user/delete", 200, failed("AL-UN-01"), headers={**ALICE, "Of-User-Id": "bob"}),
        Row("deleted: who?", "POST", "/rest/ws/user/delete", 200, failed("AL-M-01"), headers=as_bot()),
        Row("deleted: nobody", "POST", "/rest/ws/user/delete", 200, failed("AL-U-01"), headers=as_bot("nobody")),
        Row("deleted: the bot", "POST", "/rest/ws/user/delete", 200, failed("AL-UN-01"), headers=as_bot("bot")),
        Row("an update of nobody", "POST", "/rest/ws/user/update", 200, failed("AL-U-01"), json={"displayName": "x"}, headers=as_bot("nobody")),
        Row("an update of too much", "POST", "/rest/ws/user/update", 200, failed("AL-M-01"), json={"displayName": "x" * 70_000}, headers=ALICE),
        Row("an update that is too long", "POST", "/rest/ws/user/update", 413, failed("AL-M-01"), json={"displayName": "x" * 270_000}, headers=ALICE),
        Row("an update of a wrong type", "POST", "/rest/ws/user/update", 200, failed("AL-M-01"), json={"metadata": "[]"}, headers=ALICE),
        Row("a name", "GET", "/rest/ws/user/name?displayName=A", 200, envelope(), headers=ALICE),
        Row("no display name", "GET", "/rest/ws/user/name?userId=bob", 200, failed("AL-M-01"), headers=as_bot()),
    ],
    ids=str,
)  # fmt: skip
async def test_changes_of_users(house: House, row: Row) -> None:
    await row.check(house)


async def test_who_was_made_by_an_administrator_logs_in(house: House) -> None:
    body = {
        "userId": "new", "password": "secret", "displayName": "New", "email": "n@example.com", "imageLink": "https://x.test/n",
        "createdAtTime": NOON - 10, "metadata": {"a": 1}, "authenticationTypeId": 1,
    }  # fmt: skip
    await ask_as_bot(house, "", "POST", "user/v2/create", json=body)
    assert (await log_in(house, "new"))["message"] == "PASSWORD_REQUIRED"
    answer = await log_in(house, "new", password="secret")
    assert (answer["displayName"], answer["imageLink"], answer["newUser"]) == ("New", "https://x.test/n", False)
    (one,) = (await ask(house, "alice", "POST", "user/v2/detail", json={"userIdList": ["new"]}))["response"]
    assert (one["createdAtTime"], one["metadata"], one["email"]) == (NOON - 10, {"a": "1"}, "n@example.com")
    # Without a password: as its own apps do, without one.
    await ask_as_bot(house, "", "POST", "user/v2/create", json={"userId": "open"})
    assert (await log_in(house, "open"))["message"] == "REGISTERED.WITHOUTREGISTRATIONID"


async def test_a_password_is_changed(house: House) -> None:
    await house.core.users.register(house.tenant, "pat", password="old")
    answer = await log_in(house, "pat", password="old")
    house.names["pat"] = basic("pat", answer["deviceKey"])
    changed = await ask(
        house, "pat", "GET", "user/update/password", params={"oldPassword": "old", "newPassword": "new"}
    )
    assert changed["response"] == "success"
    await Row("", "POST", DETAIL, 401, "UnAuthorized Access", json={}, headers=as_user("pat")).check(house)
    assert (await log_in(house, "pat", password="old"))["message"] == "PASSWORD_INVALID"
    assert (await log_in(house, "pat", password="new"))["userId"] == "pat"


async def test_an_administrator_names_another(house: House) -> None:
    await ask_as_bot(house, "", "GET", "user/name?userId=bob&displayName=B")
    await ask(house, "alice", "GET", "user/name?userId=bob&displayName=A")
    found = await ask(house, "carol", "GET", "user/info?userIds=alice&userIds=bob")
    assert found == {"alice": "A", "bob": "B"}


async def test_a_deleted_user_is_gone(house: House) -> None:
    assert (await ask_as_bot(house, "bob", "POST", "user/delete"))["response"] == "success"
    await house.core.tenants.reload(house.tenant.number)
    await Row("", "POST", DETAIL, 401, "UnAuthorized Access", json={}, headers=as_user("bob")).check(house)
    assert (await ask(house, "alice", "GET", "user/exist?userId=bob"))["response"] is False
    answer = await log_in(house, "bob")
    assert answer["newUser"]
    assert answer["userKey"] != house.names["bob_key"]
