"""Who is calling, in every form that clients and servers use."""

import base64
import json
import secrets
from typing import Any

import jwt
import pytest

from adapters import applozic
from adapters.applozic import sessions
from adapters.applozic.auth import basic
from core.model import Credential
from tests.adapters.applozic.conftest import USERS, as_bot, as_user, ask, ask_as_bot, envelope, failed, log_in, settle
from tests.harness import CANARY, House, Row, new_tenant, open_house
from tests.servers import Engine

DETAIL = "/rest/ws/user/v2/detail"
OWN = "/rest/ws/user/update"
UNAUTHORIZED = "UnAuthorized Access"


@pytest.fixture(autouse=True)
async def more_names(house: House) -> None:
    """An agent, an administrator and a bot who are users, and what does not verify."""
    core, adapter, app = house.core, house.adapters["applozic"], house.names["app"]
    for name, role in (("agent", "AGENT"), ("boss", "APPLICATION_ADMIN")):
        await core.users.claim(house.tenant, name)
        await ask_as_bot(house, name, "POST", "user/update", json={"roleName": role})
        user = await core.users.find(house.tenant, name)
        assert user is not None
        device = sessions.device_key(core.ids(house.tenant), house.tenant, user)
        house.names[f"{name}_device"] = basic(name, device)
        house.names[f"{name}_jwt"] = await adapter.mint(core, house.tenant, app, name, False, 600)
    await ask_as_bot(
        house, "", "POST", "user/v2/create", json={"userId": "helper", "password": "secret", "roleName": "BOT"}
    )
    house.names |= {
        "helper": basic("helper", "secret"),
        "api_key": await adapter.mint(core, house.tenant, app, None, True, 600),
        "wrong": basic("alice", house.names["bob_device"]),
        "by_key": basic(house.names["alice_key"], house.names["alice_device"]),
        "wrong_key": basic(house.names["alice_key"], house.names["bob_device"]),
        "no_key": basic(house.names["alice_device"], house.names["alice_device"]),
        "wrong_bot": basic("bot", "x"),
        "basic_upper": "BASIC " + house.names["alice"].partition(" ")[2],
        "by_password": basic("alice", "alice password"),
        "email": basic("me@example.com", house.names["secret"]),
    }
    house.names["key"] = secrets.token_hex(16)
    for kind, name, secret in (
        ("admin", "me@example.com", house.names["secret"]),
        ("api-key", "mine", house.names["key"]),
    ):
        given = adapter.credential(kind, name, secret)
        house.tenant = await house.core.tenants.add_credential(house.tenant.name, "applozic", house.names["app"], given)


def named(label: str, name: str, **headers: str) -> Row:
    """A profile is changed as the caller whom the headers make: whose it was says who that is."""

    async def effect(house: House, response: Any) -> None:
        user = await house.core.users.find(house.tenant, name)
        assert user is not None
        assert user.name == label

    return Row(label, "POST", OWN, 200, envelope(), json={"displayName": label}, headers=headers, effect=effect)


def refused(label: str, **headers: str) -> Row:
    return Row(label, "POST", OWN, 401, UNAUTHORIZED, json={"displayName": "x"}, headers=headers)


APP = {"Application-Key": "{app}"}
FORM_C = {**APP, "Authorization": "{alice}", "UserId-Enabled": "true", "Device-Key": "{alice_device}"}
ROWS = [
    named("A: an administrator of the old form", "alice", **{"Apz-AppId": "{app}", "Apz-Token": "{email}", "Of-User-Id": "alice"}),
    named("A: the bot", "bob", **{"Apz-AppId": "{app}", "Apz-Token": "{bot}", "Of-User-Id": "bob"}),
    named("B: the application's bot", "alice", **as_bot("alice")),
    named("B: a bot who is a user", "alice", **APP, **{"Authorization": "{helper}", "Of-User-Id": "alice"}),
    named("B: itself", "helper", **APP, Authorization="{helper}"),
    named("B: an administrator who is a user", "bob", **APP, **{"Authorization": "{boss_device}", "Of-User-Id": "bob"}),
    named("C: a user", "alice", **FORM_C),
    named("C: with a password", "alice", **FORM_C, **{"Access-Token": "whatever"}),
    named("C: alone", "alice", **as_user("alice")),
    named("C: a user key", "alice", **APP, Authorization="{by_key}"),
    named("C: upper case", "alice", **APP, Authorization="{basic_upper}"),
    named("D: the older web client", "alice", **FORM_C, **{"Application-User": "{alice}", "App-Module-Name": "m"}),
    named("D: alone", "alice", **APP, **{"Application-User": "{alice}"}),
    named("E: a JWT", "alice", **APP, **{"x-authorization": "{alice_jwt}"}),
    named("E: with a device key", "alice", **APP, **{"X-AUTHORIZATION": "{alice_jwt}", "Device-Key": "{alice_device}"}),
    named("E: no application key", "alice", **{"x-authorization": "{alice_jwt}"}),
    named("F: everything, some of it empty", "alice", **FORM_C, **{"Application-User": "{alice}", "X-Authorization": "{alice_jwt}", "Access-Token": "", "App-Module-Name": ""}),
    named("F: an empty JWT", "alice", **FORM_C, **{"X-Authorization": ""}),
    named("F: an empty application key", "alice", **{"Application-Key": "", "X-Authorization": "{alice_jwt}"}),
    named("G: an agent for a user", "bob", **{"Apz-AppId": "{app}", "Apz-Product-App": "true", "x-authorization": "{agent_jwt}", "Of-User-Id": "bob"}),
    named("G: an agent", "agent", **{"Apz-AppId": "{app}", "x-authorization": "{agent_jwt}"}),
    named("G: an agent's device key", "bob", **APP, **{"Authorization": "{agent_device}", "Of-User-Id": "bob"}),
    named("H: an API key", "alice", **{"Api-Key": "{key}", "Of-User-Id": "alice"}),
    named("H: with the application", "alice", **APP, **{"Api-Key": "{key}", "Of-User-Id": "alice"}),
    named("H: a token", "alice", **{"Api-Key": "{api_key}", "Of-User-Id": "alice"}),
    named("an administrator in the new form", "alice", **APP, **{"Authorization": "{email}", "Of-User-Id": "alice"}),
    named("escaped", "jo hn@x", **APP, **{"Authorization": "{bot}", "Of-User-Id": "jo%20hn%40x"}),
    named("not escaped", "jo hn@x", **APP, **{"Authorization": "{bot}", "Of-User-Id": "jo hn@x"}),
    named("escaped, and there is somebody", "a%62", **as_bot("a%62")),
    named("a user for another is itself", "alice", **as_user("alice"), **{"Of-User-Id": "bob"}),
    named("a JWT for another is itself", "alice", **APP, **{"x-authorization": "{alice_jwt}", "Of-User-Id": "bob"}),
    named("a bad JWT beside a good device key", "alice", **FORM_C, **{"X-Authorization": "x.y.z"}),
    refused("nothing"),
    refused("the application alone", **APP),
    refused("empty headers", **APP, **{"Authorization": "", "X-Authorization": "", "Apz-Token": ""}),
    refused("no application", Authorization="{alice}"),
    refused("an unknown application", **{"Application-Key": "nobody", "Authorization": "{alice}"}),
    refused("another's device key", **APP, Authorization="{wrong}"),
    refused("another's user key", **APP, Authorization="{wrong_key}"),
    refused("no user key", **APP, Authorization="{no_key}"),
    refused("a wrong bot", **APP, Authorization="{wrong_bot}"),
    refused("a user's password", **APP, Authorization="{by_password}"),
    refused("a device key alone", **APP, **{"Device-Key": "{alice_device}"}),
    refused("Bearer", **APP, **{"x-authorization": "Bearer {alice_jwt}"}),
    refused("a JWT as Bearer", **APP, Authorization="Bearer {alice_jwt}"),
    refused("no Base64", **APP, Authorization="Basic {alice_device}"),
    refused("a cut JWT", **APP, **{"x-authorization": "{alice_jwt}x"}),
    refused("a wrong API key", **APP, **{"Api-Key": "x"}),
    refused("a wrong API key alone", **{"Api-Key": "x"}),
    refused("a bot's password as a key", **{"Api-Key": "{secret}"}),
    refused("an API key as a password", **APP, Authorization="Basic {key}"),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_every_form_of_credentials(house: House, row: Row) -> None:
    await house.core.users.register(house.tenant, "jo hn@x")
    await house.core.users.register(house.tenant, "a%62")
    await house.core.users.register(house.tenant, "ab")
    await row.check(house)
    # The same again, from memory.
    await row.check(house)


@pytest.mark.parametrize("row", [row for row in ROWS if row.status == 200], ids=str)
async def test_a_verified_credential_is_remembered(house: House, row: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call costs no password hash and no look at the credential once it was verified."""
    await house.core.users.register(house.tenant, "jo hn@x")
    await house.core.users.register(house.tenant, "a%62")
    await row.check(house)

    def fail(*_: Any) -> None:
        message = "verified once more"
        raise AssertionError(message)

    monkeypatch.setattr(house.core.tokens, "remember", fail)
    await row.check(house)
    # An administrator may name another each time.
    if row.headers.get("Of-User-Id") == "alice":
        await Row("", "POST", OWN, 200, envelope(), json={}, headers={**row.headers, "Of-User-Id": "bob"}).check(house)


async def test_an_administrator_who_names_nobody_is_nobody(house: House) -> None:
    headers = {"Apz-AppId": "{app}", "Apz-Token": "{bot}"}
    await Row(
        "", "POST", OWN, 200, failed("AL-UN-01", "unauthorized user"), json={"displayName": "x"}, headers=headers
    ).check(house)
    await Row("", "POST", OWN, 200, envelope(), json={"displayName": "x", "ofUserId": "alice"}, headers=headers).check(
        house
    )
    await Row(
        "", "POST", OWN, 200, envelope(), query={"ofUserId": "bob"}, json={"displayName": "x"}, headers=headers
    ).check(house)
    for name in ("alice", "bob"):
        user = await house.core.users.find(house.tenant, name)
        assert user is not None
        assert user.name == "x"
    row = Row("", "POST", OWN, 200, failed("AL-U-01"), json={"displayName": "x", "ofUserId": " "}, headers=headers)
    await row.check(house)


@pytest.mark.parametrize("name", ["x" * 256, "a\u0085b", "%00", "%F0%28"])
async def test_names_that_nobody_can_have_are_unknown_users(house: House, name: str) -> None:
    headers = {**as_bot(), "Of-User-Id": name}
    encoded = [(key.encode(), value.format_map(house.names).encode()) for key, value in headers.items()]
    response = await house.client.post(OWN, headers=encoded, json={"displayName": "x"})
    assert response.status_code == 200
    assert response.json()["errorResponse"][0]["errorCode"] == "AL-U-01"


async def test_who_is_only_named_is_taken_unless_that_is_switched_off(embedded_engine: Engine) -> None:
    for options, answer in (({}, ""), ({"unknown_users": False}, "AL-U-01")):
        async with open_house(embedded_engine.url, [applozic.create(options)]) as house:
            await settle(house)
            found = await ask_as_bot(house, "stranger", "GET", "user/blocked/sync")
            if answer:
                assert found["errorResponse"][0]["errorCode"] == answer
                assert (await ask_as_bot(house, "alice", "GET", "user/blocked/sync"))["status"] == "success"
            else:
                assert found["status"] == "success"


async def test_only_administrators_do_what_is_theirs(house: House) -> None:
    body = {"userId": "new", "password": "x"}
    create = "/rest/ws/user/v2/create"
    for headers in (as_user("alice"), as_user("agent_device"), {**as_user("agent_device"), "Of-User-Id": "bob"}):
        await Row("", "POST", create, 200, failed("AL-UN-01"), json=body, headers=headers).check(house)
    for number, headers in enumerate((as_bot(), as_user("helper"), as_user("boss_device"), {"Api-Key": "{api_key}"})):
        given = {**body, "userId": f"new{number}"}
        await Row("", "POST", create, 200, envelope(), json=given, headers=headers).check(house)


@pytest.mark.parametrize(
    ("name", "code"),
    [("boss", "AL-UN-01"), ("helper", "AL-UN-01"), ("system", "AL-U-01"), ("bot", "AL-U-01"), ("stranger", "AL-U-01")],
)
async def test_an_agent_acts_for_users_alone(house: House, name: str, code: str) -> None:
    headers = {**as_user("agent_device"), "Of-User-Id": name}
    await Row("", "POST", OWN, 200, failed(code), json={"displayName": "x"}, headers=headers).check(house)


async def test_nobody_gives_himself_a_role(house: House) -> None:
    await ask(house, "alice", "POST", "user/update", json={"roleType": 1, "roleName": "BOT", "displayName": "A"})
    await log_in(house, "alice", roleType=1, roleName="BOT")
    assert house.log.requests[-1]["losses"] == ["roleType: a login gives no role"]
    (shown,) = (await ask(house, "alice", "POST", "user/v2/detail", json={"userIdList": ["alice"]}))["response"]
    assert (shown["roleType"], shown["displayName"]) == (3, "A")
    await ask_as_bot(house, "alice", "POST", "user/update", json={"roleType": "8"})
    await Row("another role, another login", "POST", OWN, 401, UNAUTHORIZED, json={}, headers=as_user("alice")).check(
        house
    )
    house.names["alice"] = basic("alice", (await log_in(house, "alice"))["deviceKey"])
    (shown,) = (await ask(house, "alice", "POST", "user/v2/detail", json={"userIdList": ["alice"]}))["response"]
    assert shown["roleType"] == 8
    # Whoever knows the application key can be such a user: the role gives no rights.
    row = Row(
        "", "POST", OWN, 200, envelope(), json={"displayName": "B"}, headers={**as_user("alice"), "Of-User-Id": "bob"}
    )
    await row.check(house)
    bob = await house.core.users.find(house.tenant, "bob")
    assert bob is not None
    assert bob.name is None
    await house.core.users.set_password(house.tenant, "alice", "secret")
    house.names["alice"] = basic("alice", (await log_in(house, "alice", password="secret"))["deviceKey"])
    await row.check(house)
    bob = await house.core.users.find(house.tenant, "bob")
    assert bob is not None
    assert bob.name == "B"


async def test_a_role_that_was_taken_away_is_over(house: House) -> None:
    row = Row("", "POST", OWN, 200, envelope(), json={}, headers={**as_user("boss_device"), "Of-User-Id": "bob"})
    await row.check(house)
    await ask_as_bot(house, "boss", "POST", "user/update", json={"roleType": "3", "displayName": "B"})
    await Row("", "POST", OWN, 401, UNAUTHORIZED, json={}, headers=row.headers).check(house)


@pytest.mark.parametrize("change", ["set_password", "deactivate", "revoke", "erase", "reset", "rotate twice"])
async def test_what_ends_sessions(house: House, change: str) -> None:
    core, tenant = house.core, house.tenant
    forms = [as_user("alice"), {**APP, "x-authorization": "{alice_jwt}"}]
    for headers in forms:
        await Row("", "POST", OWN, 200, envelope(), json={}, headers=headers).check(house)
    match change:
        case "set_password":
            await core.users.set_password(tenant, "alice", "new")
        case "deactivate":
            await core.users.deactivate(tenant, "alice")
        case "revoke":
            await core.users.revoke(tenant, "alice")
        case "erase":
            await core.erase.user(tenant, "alice")
            await log_in(house, "alice")
        case "reset":
            await core.tenants.reset(tenant.name)
            await log_in(house, "alice")
        case _:
            await core.tenants.rotate_signing_key(tenant.name)
            await core.tenants.rotate_signing_key(tenant.name)
    for headers in forms:
        await Row(change, "POST", OWN, 401, UNAUTHORIZED, json={}, headers=headers).check(house)
    if change in ("set_password", "deactivate", "revoke", "erase"):
        await Row("others", "POST", OWN, 200, envelope(), json={}, headers=as_user("bob")).check(house)


async def test_sessions_outlive_one_rotation_and_the_users_own_changes(house: House) -> None:
    await house.core.tenants.rotate_signing_key(house.tenant.name)
    await ask(house, "alice", "POST", "user/update", json={"displayName": "Alice"})
    for headers in (as_user("alice"), {**APP, "x-authorization": "{alice_jwt}"}):
        await Row("", "POST", OWN, 200, envelope(), json={}, headers=headers).check(house)


async def test_a_bots_password_is_limited_and_its_change_ends_what_is_remembered(house: House) -> None:
    row = Row("", "POST", OWN, 200, envelope(), json={}, headers=as_user("helper"))
    await row.check(house)
    await house.core.users.set_password(house.tenant, "helper", "new")
    await Row("", "POST", OWN, 401, UNAUTHORIZED, json={}, headers=as_user("helper")).check(house)
    for _ in range(9):
        await Row("", "POST", OWN, 401, UNAUTHORIZED, json={}, headers=as_user("helper")).check(house)
    house.names["helper"] = basic("helper", "new")
    response = await Row("", "POST", OWN, 429, failed("AL-M-01"), json={}, headers=as_user("helper")).check(house)
    assert 0 < int(response.headers["retry-after"]) <= 300
    # A device key, be it a wrong one, is no attempt at a password: nobody else is kept out by old sessions.
    await house.core.users.register(house.tenant, "dave", password="secret")
    house.names["dave"] = basic("dave", house.names["alice_device"])
    for _ in range(12):
        await Row("", "POST", OWN, 401, UNAUTHORIZED, json={}, headers=as_user("dave")).check(house)
    assert await house.core.users.check_password(house.tenant, "dave", "secret") is not None


async def test_what_verified_is_remembered_with_its_header_and_all_others(house: House) -> None:
    named_alice = {**APP, "Of-User-Id": "alice"}
    await Row("", "POST", OWN, 200, envelope(), json={}, headers={**named_alice, "Api-Key": "{key}"}).check(house)
    for header in ("X-Authorization", "Authorization", "Application-User", "Apz-Token"):
        row = Row(header, "POST", OWN, 401, UNAUTHORIZED, json={}, headers={**named_alice, header: "{key}"})
        await row.check(house)
    alice_first = {**APP, "Authorization": "{alice}", "Application-User": "{boss_device}", "Of-User-Id": "bob"}
    boss_first = {**APP, "Authorization": "{boss_device}", "Application-User": "{alice}", "Of-User-Id": "bob"}
    for label, name, headers in (("A", "alice", alice_first), ("B", "bob", boss_first), ("C", "alice", alice_first)):
        await named(label, name, **headers).check(house)


@pytest.mark.parametrize("who", ["bot", "agent"])
async def test_who_may_act_no_longer_is_nobody(house: House, who: str) -> None:
    headers = as_bot("bob") if who == "bot" else {**as_user("agent_device"), "Of-User-Id": "bob"}
    await named("before", "bob", **headers).check(house)
    if who == "bot":
        replaced = Credential("bot", "bot", "another secret")
        await house.core.tenants.add_credential(house.tenant.name, "applozic", house.names["app"], replaced)
    else:
        await house.core.users.revoke(house.tenant, "agent")
    await Row("after", "POST", OWN, 401, UNAUTHORIZED, json={}, headers=headers).check(house)


async def test_another_tenants_credentials_open_nothing_under_the_same_key(house: House) -> None:
    adapter = house.adapters["applozic"]
    other = await new_tenant(house.core, [adapter])
    secret = secrets.token_hex(16)
    credential = Credential("bot", "bot", secret)
    await house.core.tenants.add_credential(other.name, "applozic", house.names["app"], credential)
    await house.core.tenants.reload(house.tenant.number)
    house.names["other_bot"] = basic("bot", secret)
    found = await house.client.post(
        DETAIL,
        json={"userIdList": ["alice"]},
        headers={"Application-Key": house.names["app"], "Authorization": house.names["other_bot"]},
    )
    assert found.json()["response"] == []
    (shown,) = (await ask_as_bot(house, "", "POST", "user/v2/detail", json={"userIdList": ["alice"]}))["response"]
    assert shown["userId"] == "alice"
    await Row("", "POST", OWN, 200, envelope(), json={}, headers=as_user("alice")).check(house)


async def test_forged_tokens_are_refused(house: House) -> None:
    header, payload, signature = house.names["alice_jwt"].split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    kid = jwt.get_unverified_header(house.names["alice_jwt"])["kid"]
    other = base64.urlsafe_b64encode(json.dumps({**claims, "userId": "bob"}).encode()).rstrip(b"=").decode()
    none = base64.urlsafe_b64encode(json.dumps({"alg": "none", "kid": kid}).encode()).rstrip(b"=").decode()
    forged = [
        f"{header}.{other}.{signature}",
        f"{none}.{payload}.",
        jwt.encode(claims, "x" * 32, "HS256", headers={"kid": kid}),
        jwt.encode(claims, "x" * 32, "HS256"),
        jwt.encode({**claims, "createdAtTime": "x"}, "x" * 32, "HS256", headers={"kid": kid}),
        "..",
        "a.b.c",
        "[" * 5_000,
        base64.urlsafe_b64encode(b"[" * 5_000).decode() + ".x.y",
    ]
    for token in forged:
        for headers in ({**APP, "x-authorization": token}, {"x-authorization": token}, {"Api-Key": token}):
            await Row(token[:20], "POST", OWN, 401, UNAUTHORIZED, json={}, headers=headers).check(house)


async def test_secrets_are_never_logged(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: Any, **__: Any) -> None:
        message = f"a fault that speaks of {house.names['alice_device']} {house.names['alice_jwt']} {CANARY} {house.names['secret']}"
        raise RuntimeError(message)

    monkeypatch.setattr(house.core.users, "update", fail)
    headers = {name: value.format_map(house.names) for name, value in FORM_C.items()}
    headers |= {
        "X-Authorization": house.names["alice_jwt"],
        "Access-Token": CANARY,
        "Apz-Token": basic("x", house.names["secret"]),
    }
    response = await house.client.post(OWN, headers=headers, json={"displayName": "x"})
    assert response.status_code == 500
    assert response.json()["errorResponse"][0]["errorCode"] == "AL-M-01"
    assert "a fault that speaks of" in house.log.text
    for secret in (
        house.names["alice_device"],
        house.names["alice_jwt"],
        CANARY,
        house.names["secret"],
        house.names["alice"],
    ):
        assert secret not in house.log.text
        assert secret not in response.text


async def test_browsers_are_told_what_they_may_send(house: House) -> None:
    for path in ("/rest/ws/message/v2/send", "/v2/tab/initialize.page", "/rest/ws/nothing/here"):
        response = await house.client.options(
            path, headers={"Origin": "https://page.example", "Access-Control-Request-Headers": "x-authorization"}
        )
        assert response.status_code == 200
        assert response.headers["access-control-allow-origin"] == "*"
        allowed = {name.strip().lower() for name in response.headers["access-control-allow-headers"].split(",")}
        assert allowed >= {
            "application-key", "authorization", "application-user", "userid-enabled", "device-key", "access-token",
            "app-module-name", "x-authorization", "of-user-id", "apz-appid", "apz-token", "apz-product-app", "content-type",
            "api-key", "idempotency-key",
        }  # fmt: skip
        assert "POST" in response.headers["access-control-allow-methods"]
    response = await house.client.get("/rest/ws/user/blocked/sync", headers={"Application-Key": house.names["app"]})
    assert (response.status_code, response.headers["access-control-allow-origin"]) == (401, "*")
    assert "www-authenticate" not in response.headers
    assert response.headers["content-type"] == "text/plain"


@pytest.mark.parametrize(
    ("method", "path", "status", "body"),
    [
        ("GET", "/rest/ws/nothing/here", 404, failed("AL-M-01")),
        ("DELETE", "/rest/ws/user/block", 405, failed("AL-M-01")),
        ("DELETE", "/rest/ws/user/info", 405, failed("AL-M-01")),
        ("GET", "/v2/nothing", 404, "error"),
        ("GET", "/files/nothing/here", 404, "error"),
        ("GET", "/v2/tab/initialize.page", 405, '"error"'),
        ("GET", "/REST//ws///user/blocked/sync/", 200, envelope(dict)),
    ],
)
async def test_paths(house: House, method: str, path: str, status: int, body: Any) -> None:
    await Row("", method, path, status, body, headers=as_user("alice")).check(house)


async def test_minted_tokens(house: House) -> None:
    adapter, core, tenant = house.adapters["applozic"], house.core, house.tenant
    for user, administrator in (("dave", False), ("dave", True), (None, True)):
        token = await adapter.mint(core, tenant, house.names["app"], user, administrator, 0)
        found = await house.client.post(DETAIL, json={"userIdList": list(USERS)}, headers={"X-Authorization": token})
        assert found.status_code == 200
    with pytest.raises(Exception, match="application's or a user's"):
        await adapter.mint(core, tenant, house.names["app"], None, False, 0)
    with pytest.raises(Exception, match="reserved"):
        await adapter.mint(core, tenant, house.names["app"], "admin", False, 0)
