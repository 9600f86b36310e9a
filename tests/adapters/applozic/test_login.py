"""Logins: what they answer, whom they open, what they give."""

import asyncio
import base64
import json
import re
from typing import Any

import pytest

from adapters import applozic
from adapters.applozic.auth import basic
from core.model import Credential
from tests.adapters.applozic.conftest import USERS, UUID, as_user, ask, ask_as_bot, envelope, log_in
from tests.core.support import text
from tests.harness import CANARY, NOON, House, Row, new_tenant, open_house
from tests.servers import Engine

CLIENT = "/rest/ws/register/client"
PAGE = "/v2/tab/initialize.page"
REFRESH = "/rest/ws/register/refresh/token"
SYNC = NOON - 2_000
JWT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+")
KEY = re.compile(UUID)

WELCOME: dict[str, Any] = {
    "message": "REGISTERED.WITHOUTREGISTRATIONID",
    "userKey": KEY,
    "deviceKey": KEY,
    "userId": "dave",
    "displayName": "dave",
    "contactNumber": None,
    "imageLink": None,
    "statusMessage": None,
    "lastSyncTime": SYNC,
    "currentTimeStamp": SYNC,
    "brokerUrl": "tcp://gateway.test:1883",
    "authToken": JWT,
    "roleType": 3,
    "metadata": {},
    "pricingPackage": 4,
    "notificationAfter": 0,
    "deactivate": False,
    "newUser": True,
    "totalUnreadCount": 0,
}
PAGE_WELCOME: dict[str, Any] = {
    "userId": "dave",
    "token": KEY,
    "deviceKey": KEY,
    "authToken": JWT,
    "websocketUrl": "http://gateway.test",
    "websocketPort": "8080",
    "websocketIdleTimeLimit": 60,
    "fileBaseUrl": "http://gateway.test:8080",
    "timeZoneOffset": "0",
    "displayName": "dave",
    "imageLink": None,
    "email": "",
    "contactNumber": "",
    "clientId": "{app}",
    "deactivated": False,
    "connectedClientCount": 0,
    "totalUnreadCount": 0,
    "betaPackage": False,
    "roleType": 3,
    "notifyState": 0,
    "metadata": {},
    "pricingPackage": 4,
    "notificationAfter": 0,
    "newUser": "true",
    "countryCode": "US",
}


def failure(message: str, **changes: Any) -> dict[str, Any]:
    """Exactly the fields of the recorded one."""
    return {
        "message": message, "currentTimeStamp": NOON, "deactivate": False, "metadata": {}, "newUser": False, "totalUnreadCount": 0,
    } | changes  # fmt: skip


def client(label: str, body: Any, given: Any, **more: Any) -> Row:
    return Row(label, "POST", CLIENT, 200, body, json=given, **more)


def page(label: str, body: Any, given: Any, **more: Any) -> Row:
    return Row(label, "POST", PAGE, 200, body, json=given, **more)


NEW = {"userId": "dave", "applicationId": "{app}"}
WHOLE = {
    **NEW,
    "displayName": "Dave D.",
    "deviceType": "4",
    "authenticationTypeId": "1",
    "registrationId": "token",
    "pushNotificationFormat": 0,
    "emailId": "dave@example.com",
    "contactNumber": "+15550100",
    "imageLink": "https://x.test/a.png",
    "metadata": {"plan": "gold", "age": 7, "vip": True, "none": None},
    "prefContactAPI": 2,
    "enableEncryption": False,
    "unknown": {"field": []},
}
PROFILE = {
    "displayName": "Dave D.",
    "contactNumber": "+15550100",
    "imageLink": "https://x.test/a.png",
    "metadata": {"plan": "gold", "age": "7", "vip": "true"},
}
ROWS = [
    client("new", WELCOME, NEW),
    client("the application in the header", WELCOME, {"userId": "dave"}, headers={"Application-Key": "{app}"}),
    client("body before header", WELCOME, NEW, headers={"Application-Key": "nobody"}),
    client("a number for a name", WELCOME | {"userId": "17", "displayName": "17"}, {**NEW, "userId": 17}),
    client("everything", WELCOME | PROFILE | {"message": "REGISTERED"}, WHOLE),
    client("an empty password", WELCOME, {**NEW, "password": ""}),
    client("a null password", WELCOME, {**NEW, "password": None, "email": None, "metadata": None}),
    client("a new user with a password", WELCOME, {**NEW, "password": "secret"}),
    client("known", WELCOME | {"userId": "alice", "displayName": "alice", "newUser": False}, {**NEW, "userId": "alice"}),
    client("known, a password that nobody set", WELCOME | {"userId": "alice", "displayName": "alice", "newUser": False}, {**NEW, "userId": "alice", "password": "x"}),
    client("a password", WELCOME | {"userId": "pat", "displayName": "pat", "newUser": False}, {**NEW, "userId": "pat", "password": "pat:secret"}),
    client("a wrong password", failure("PASSWORD_INVALID"), {**NEW, "userId": "pat", "password": "x"}),
    client("no password", failure("PASSWORD_REQUIRED"), {**NEW, "userId": "pat"}),
    client("made without a password elsewhere", failure("PASSWORD_REQUIRED"), {**NEW, "userId": "claimed"}),
    client("made elsewhere, any password", failure("PASSWORD_INVALID"), {**NEW, "userId": "claimed", "password": "x"}),
    client("no user", failure("INVALID_PARAMETER"), {"applicationId": "{app}"}),
    client("an empty user", failure("INVALID_PARAMETER"), {**NEW, "userId": ""}),
    client("an illegal user", failure("INVALID_PARAMETER"), {**NEW, "userId": "a\0b"}),
    client("a reserved user", failure("INVALID_PARAMETER"), {**NEW, "userId": "Admin"}),
    client("a list for a user", failure("INVALID_PARAMETER"), {**NEW, "userId": ["dave"]}),
    client("metadata that is no map", failure("INVALID_PARAMETER"), {**NEW, "metadata": [1]}),
    client("no application", failure("INVALID_PARAMETER"), {"userId": "dave"}),
    client("an unknown application", failure("INVALID_APPLICATIONID"), {**NEW, "applicationId": "nobody"}),
    client("an illegal application", failure("INVALID_APPLICATIONID"), {**NEW, "applicationId": "a\0b"}),
    client("the bot", failure("PASSWORD_REQUIRED"), {**NEW, "userId": "bot"}),
    client("the bot with its password", failure("PASSWORD_INVALID"), {**NEW, "userId": "BOT", "password": "{secret}"}),
    client("deactivated", failure("PASSWORD_INVALID", deactivate=True), {**NEW, "userId": "gone"}),
    client("deactivated, with a password", failure("PASSWORD_INVALID", deactivate=True), {**NEW, "userId": "left", "password": "secret"}),
    Row("a form", "POST", CLIENT, 200, WELCOME, content=b"userId=dave&deviceType=0", headers={"Application-Key": "{app}", "Content-Type": "application/x-www-form-urlencoded"}),
    Row("the query", "POST", CLIENT, 200, WELCOME, query=NEW),
    Row("no JSON", "POST", CLIENT, 200, failure("INVALID_PARAMETER"), content=b"{"),
    page("page: new", PAGE_WELCOME, NEW),
    page("page: with the header", PAGE_WELCOME, {"userId": "dave", "appVersionCode": 108, "resetUserStatus": None}, headers={"Application-Key": "{app}"}),
    page("page: everything", PAGE_WELCOME | {"displayName": "Dave D.", "contactNumber": "+15550100", "imageLink": "https://x.test/a.png", "metadata": PROFILE["metadata"], "email": "dave@example.com", "newUser": "true"}, WHOLE),
    page("page: known", PAGE_WELCOME | {"userId": "pat", "displayName": "pat", "newUser": "false"}, {**NEW, "userId": "pat", "password": "pat:secret"}),
    page("page: behind an address of IPv6", PAGE_WELCOME | {"websocketUrl": "http://[::1]", "websocketPort": "80", "fileBaseUrl": "http://[::1]"}, NEW, headers={"Host": "[::1]"}),
    page("page: a wrong password", '"INVALID_PASSWORD"', {**NEW, "userId": "pat", "password": "x"}),
    page("page: no password", '"INVALID_PASSWORD"', {**NEW, "userId": "pat"}),
    page("page: an unknown application", '"INVALID_APPID"', {**NEW, "applicationId": "nobody"}),
    page("page: no user", '"error"', {"applicationId": "{app}"}),
    Row("page: no JSON", "POST", PAGE, 200, '"error"', content=b"{"),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_a_login(house: House, row: Row) -> None:
    users, tenant = house.core.users, house.tenant
    await users.register(tenant, "pat", password="pat:secret")
    await users.claim(tenant, "claimed")
    await users.register(tenant, "gone", unlocked=True)
    await users.deactivate(tenant, "gone")
    if "left" in str(row.json):
        await users.register(tenant, "left", password="secret")
        await users.deactivate(tenant, "left")
    response = await row.check(house)
    # What looks like JSON to a client must be called so: one takes a plain text for a success.
    assert response.headers["content-type"] == "application/json"


async def test_the_first_steps_of_an_app(house: House) -> None:
    """Log in, again from another device, and use either's key."""
    first, second = await log_in(house, "dave"), await log_in(house, "dave", deviceType=4)
    assert first["newUser"]
    assert not second["newUser"]
    assert first["userKey"] == second["userKey"]
    assert first["deviceKey"] != second["deviceKey"]
    for answer in (first, second):
        house.names["dave"] = basic("dave", answer["deviceKey"])
        found = await ask(house, "dave", "POST", "user/v2/detail", json={"userIdList": ["dave"]})
        assert found["response"][0]["userId"] == "dave"
    house.names["dave"] = basic("dave", first["deviceKey"][:-1] + ("0" if first["deviceKey"][-1] != "0" else "1"))
    await Row(
        "", "POST", "/rest/ws/user/v2/detail", 401, "UnAuthorized Access", json={}, headers=as_user("dave")
    ).check(house)


async def test_a_token_says_what_mobile_clients_compute_with(house: House) -> None:
    for path, least in ((CLIENT, 86_400), (PAGE, 7 * 86_400)):
        answer = (await house.client.post(path, json={"userId": "alice", "applicationId": house.names["app"]})).json()
        payload = answer["authToken"].split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        assert (claims["userId"], claims["applicationId"], claims["createdAtTime"]) == (
            "alice",
            house.names["app"],
            NOON,
        )
        assert type(claims["validUpto"]) is int
        assert claims["validUpto"] * 60 >= least
        # Both sides agree on the last moment.
        headers = {"Application-Key": house.names["app"], "X-Authorization": answer["authToken"]}
        start = house.clock.now()
        house.manual_clock.move(claims["validUpto"] * 60_000 - 1)
        assert (await house.client.get("/rest/ws/user/blocked/sync", headers=headers)).status_code == 200
        house.manual_clock.move(1)
        assert (await house.client.get("/rest/ws/user/blocked/sync", headers=headers)).status_code == 401
        house.manual_clock.move(start - house.clock.now())


REFRESHED = envelope(JWT)
DEVICE = {"Application-Key": "{app}", "Device-Key": "{alice_device}"}


@pytest.mark.parametrize(
    "row",
    [
        Row("as the clients do", "POST", REFRESH, 200, REFRESHED, json={"applicationId": "{app}", "userId": "alice"}, headers=DEVICE),
        Row("the application in the body", "POST", REFRESH, 200, REFRESHED, json={"applicationId": "{app}", "userId": "alice"}, headers={"Device-Key": "{alice_device}"}),
        Row("the user in the header", "POST", REFRESH, 200, REFRESHED, headers={**DEVICE, "Of-User-Id": "alice"}),
        Row("another's device key", "POST", REFRESH, 401, "UnAuthorized Access", json={"userId": "bob"}, headers=DEVICE),
        Row("no device key", "POST", REFRESH, 401, "UnAuthorized Access", json={"userId": "alice"}, headers={"Application-Key": "{app}"}),
        Row("no user", "POST", REFRESH, 401, "UnAuthorized Access", json={}, headers=DEVICE),
        Row("an unknown user", "POST", REFRESH, 401, "UnAuthorized Access", json={"userId": "nobody"}, headers=DEVICE),
        Row("an unknown application", "POST", REFRESH, 401, "UnAuthorized Access", json={"userId": "alice"}, headers={**DEVICE, "Application-Key": "nobody"}),
        Row("a JWT for a device key", "POST", REFRESH, 401, "UnAuthorized Access", json={"userId": "alice"}, headers={**DEVICE, "Device-Key": "{alice_jwt}"}),
    ],
    ids=str,
)  # fmt: skip
async def test_refreshing_a_token(house: House, row: Row) -> None:
    response = await row.check(house)
    if response.status_code == 200:
        headers = {"X-Authorization": response.json()["response"]}
        found = await house.client.post("/rest/ws/user/update", json={"displayName": "A"}, headers=headers)
        assert found.status_code == 200
        user = await house.core.users.find(house.tenant, "alice")
        assert user is not None
        assert user.name == "A"


async def test_a_password_that_changed_ends_the_device_key(house: House) -> None:
    await house.core.users.set_password(house.tenant, "alice", "secret")
    await Row("", "POST", REFRESH, 401, "UnAuthorized Access", json={"userId": "alice"}, headers=DEVICE).check(house)
    await client("", failure("PASSWORD_REQUIRED"), {**NEW, "userId": "alice"}).check(house)
    assert (await log_in(house, "alice", password="secret"))["message"] == "REGISTERED.WITHOUTREGISTRATIONID"


async def test_a_later_login_changes_the_profile_and_nothing_else(house: House) -> None:
    await client("", ..., WHOLE).check(house)
    before = await house.core.users.find(house.tenant, "dave")
    await log_in(house, "dave")
    assert await house.core.users.find(house.tenant, "dave") == before
    answer = await log_in(house, "dave", displayName="D", metadata={"plan": "silver", "new": "x"})
    assert (answer["displayName"], answer["imageLink"]) == ("D", "https://x.test/a.png")
    assert answer["metadata"] == {"plan": "silver", "age": "7", "vip": "true", "new": "x"}
    assert not answer["newUser"]


async def test_logging_in_without_a_password_can_be_switched_off(embedded_engine: Engine) -> None:
    async with open_house(embedded_engine.url, [applozic.create({"open_login": False})]) as house:
        house.names["app"] = house.application("applozic").name
        users, tenant = house.core.users, house.tenant
        await users.register(tenant, "open", unlocked=True)
        await users.register(tenant, "pat", password="secret")
        for row in (
            client("new", failure("PASSWORD_REQUIRED"), NEW),
            client("new, with a password", failure("PASSWORD_INVALID"), {**NEW, "password": "x"}),
            client("open", failure("PASSWORD_REQUIRED"), {**NEW, "userId": "open"}),
            page("page", '"INVALID_PASSWORD"', NEW),
            client("a password", WELCOME | {"userId": "pat", "displayName": "pat", "newUser": False}, {**NEW, "userId": "pat", "password": "secret"}),
        ):  # fmt: skip
            await row.check(house)
        assert await users.find(tenant, "dave") is None


async def test_passwords_cannot_be_guessed_for_long(house: House) -> None:
    await house.core.users.register(house.tenant, "pat", password="secret")
    for path, body in ((CLIENT, failure("PASSWORD_INVALID")), (PAGE, '"INVALID_PASSWORD"')):
        for _ in range(5):
            await Row("", "POST", path, 200, body, json={**NEW, "userId": "pat", "password": "x"}).check(house)
    for path, body in ((CLIENT, failure("PASSWORD_INVALID")), (PAGE, '"error"')):
        row = Row("", "POST", path, 429, body, json={**NEW, "userId": "pat", "password": "secret"})
        assert 0 < int((await row.check(house)).headers["retry-after"]) <= 300


async def test_one_who_is_made_by_two_at_once_is_in_for_both(house: House) -> None:
    found = await asyncio.gather(*(log_in(house, "dave") for _ in range(4)))
    assert {answer["message"] for answer in found} == {"REGISTERED.WITHOUTREGISTRATIONID"}
    assert len({answer["userKey"] for answer in found}) == 1


async def test_where_two_tenants_share_an_application_the_password_says_which(house: House) -> None:
    other = await new_tenant(house.core, [house.adapters["applozic"]])
    shared = Credential("bot", "bot", "x", sends=True)
    other = await house.core.tenants.add_credential(other.name, "applozic", house.names["app"], shared)
    await house.core.tenants.reload(house.tenant.number)
    await house.core.users.register(other, "alice", password="secret")
    await house.core.users.register(house.tenant, "pat", password="one")
    await house.core.users.register(other, "pat", password="two")
    assert (await log_in(house, "alice", password="secret"))["userKey"] != house.names["alice_key"]
    assert (await log_in(house, "alice"))["userKey"] == house.names["alice_key"]
    keys = [(await log_in(house, "pat", password=password))["userKey"] for password in ("one", "two", "one")]
    assert keys[0] == keys[2] != keys[1]
    assert (await log_in(house, "pat", password="three"))["message"] == "PASSWORD_INVALID"
    house.names["pat"] = basic("pat", (await log_in(house, "pat", password="two"))["deviceKey"])
    found = await ask(house, "pat", "POST", "user/v2/detail", json={"userIdList": ["bob", "pat"]})
    assert [one["userId"] for one in found["response"]] == ["pat"]


UPDATE = "/rest/ws/register/update"


@pytest.mark.parametrize(
    "row",
    [
        Row("a push token", "POST", UPDATE, 200, WELCOME | {"message": "UPDATED", "userId": "alice", "displayName": "alice", "newUser": False, "deviceKey": "{alice_device}", "userKey": "{alice_key}"}, json={"userId": "alice", "deviceKey": "{alice_device}", "registrationId": "t"}, headers=as_user("alice")),
        Row("a name", "POST", UPDATE, 200, WELCOME | {"message": "UPDATED", "userId": "alice", "displayName": "A", "newUser": False, "userKey": "{alice_key}"}, json={"displayName": "A"}, headers=as_user("alice")),
        Row("a push token, with a JWT", "POST", UPDATE, 200, ..., json={"deviceKey": "{alice_device}"}, headers={"X-Authorization": "{alice_jwt}"}),
        Row("no device key", "POST", UPDATE, 401, "UnAuthorized Access", json={}, headers={"X-Authorization": "{alice_jwt}"}),
        Row("another's device key", "POST", UPDATE, 401, "UnAuthorized Access", json={"deviceKey": "{bob_device}"}, headers={"X-Authorization": "{alice_jwt}"}),
        Row("on behalf", "POST", UPDATE, 401, "UnAuthorized Access", json={}, headers={"Application-Key": "{app}", "Authorization": "{bot}", "Of-User-Id": "alice"}),
        Row("nobody", "POST", UPDATE, 401, "UnAuthorized Access", json={"displayName": "A"}),
        Row("a version", "GET", "/rest/ws/register/version/update?appVersionCode=1&deviceKey=x", 200, "success", headers=as_user("alice")),
        Row("a browser's push", "POST", "/rest/ws/plugin/update/sw/id", 200, "success", content=b"registrationId=x", headers=as_user("alice")),
        Row("the package", "GET", "/rest/ws/application/pricing/package", 200, envelope(4), headers=as_user("alice")),
        Row("logout", "POST", "/rest/ws/device/logout", 200, envelope(), headers={**as_user("alice"), "Device-Key": "{alice_device}"}),
        Row("logout without a device", "POST", "/rest/ws/device/logout", 200, envelope(), headers=as_user("alice")),
    ],
    ids=str,
)  # fmt: skip
async def test_what_a_session_asks_for(house: House, row: Row) -> None:
    await row.check(house)


async def test_who_logs_out_is_offline_on_that_device(house: House) -> None:
    key = await house.core.users.key(house.tenant, "alice")
    for station in (house.names["alice_device"], "another"):
        await house.core.presence.set(house.tenant, key, station, 60_000)
    headers = {"Device-Key": house.names["alice_device"]} | {
        name: value.format_map(house.names) for name, value in as_user("alice").items()
    }
    await house.client.post("/rest/ws/device/logout", headers=headers)
    (presence,) = await house.core.presence.read(house.tenant, [key])
    assert [station.name for station in presence.stations] == ["another"]


async def test_unread_messages_are_counted(house: House) -> None:
    core, tenant = house.core, house.tenant
    await ask_as_bot(house, "bob", "GET", "user/blocked/sync")
    alice, bob = await core.users.keys(tenant, USERS[:2])
    for number in range(3):
        await core.messages.send_direct(tenant, bob, [alice], text("bob"), f"client:{number}")
    assert (await log_in(house, "alice"))["totalUnreadCount"] == 3
    answer = (await house.client.post(PAGE, json={"userId": "alice", "applicationId": house.names["app"]})).json()
    assert answer["totalUnreadCount"] == 3


async def test_passwords_are_never_logged(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await house.core.users.register(house.tenant, "pat", password=CANARY)
    assert (await log_in(house, "pat", password=CANARY))["userId"] == "pat"
    assert (await log_in(house, "pat", password=CANARY + "x"))["message"] == "PASSWORD_INVALID"

    async def fail(*_: Any, **__: Any) -> None:
        message = f"a fault that speaks of {CANARY}"
        raise RuntimeError(message)

    monkeypatch.setattr(house.core.users, "check_password", fail)
    response = await house.client.post(
        CLIENT, json={**NEW, "userId": "pat", "applicationId": house.names["app"], "password": CANARY}
    )
    assert response.status_code == 500
    assert "a fault that speaks of" in house.log.text
    assert CANARY not in house.log.text + response.text
    for secret in (house.names["alice_device"], house.names["alice_jwt"], house.names["secret"]):
        assert secret not in house.log.text
