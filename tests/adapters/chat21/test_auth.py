"""Tokens: where they are read, what verifies, whom they name."""

import json
import secrets
from typing import Any

import jwt
import pytest

from adapters import chat21
from core.model import Credential
from tests.adapters.chat21.conftest import SECONDS, Token, as_user, send, signed, stock_claims
from tests.harness import NOON, House, Row, open_house
from tests.servers import Engine

UNAUTHORIZED = {"success": False, "msg": "Unauthorized."}
INFORMATION = {"v": "0.2.34.2"}
INFO = "/api/{app}/getInfo"
LIST = "/api/{app}/user1/conversations"
MESSAGE = {"sender_fullname": "A", "recipient_id": "user2", "recipient_fullname": "B", "text": "hello"}


def forms(prefixed: int) -> list[Row]:
    body = INFORMATION if prefixed == 200 else UNAUTHORIZED
    return [
        Row("raw", "GET", INFO, 200, INFORMATION, headers={"Authorization": "{user1}"}),
        Row("JWT x", "GET", INFO, prefixed, body, headers={"Authorization": "JWT {user1}"}),
        Row("Bearer x", "GET", INFO, prefixed, body, headers={"Authorization": "Bearer {user1}"}),
        Row("bearer x", "GET", INFO, prefixed, body, headers={"Authorization": "bearer  {user1}"}),
        Row("?token=", "GET", INFO, 200, INFORMATION, query={"token": "{user1}"}),
        Row("?jwt=", "GET", INFO, 200, INFORMATION, query={"jwt": "{user1}"}),
        Row("?JWT=", "GET", INFO, 200, INFORMATION, query={"JWT": "{user1}"}),
        Row(
            "an empty header", "GET", INFO, 200, INFORMATION, headers={"Authorization": ""}, query={"token": "{user1}"}
        ),
        Row("an empty query", "GET", INFO, 200, INFORMATION, query={"jwt": "", "token": "{user1}"}),
        Row("header wins", "GET", INFO, 403, UNAUTHORIZED, headers={"Authorization": "x"}, query={"token": "{user1}"}),
        Row("jwt wins", "GET", INFO, 403, UNAUTHORIZED, query={"jwt": "x", "token": "{user1}"}),
        Row("no token", "GET", INFO, 403, UNAUTHORIZED),
        Row("Basic", "GET", INFO, 403, UNAUTHORIZED, headers={"Authorization": "Basic {user1}"}),
        Row("scheme alone", "GET", INFO, 403, UNAUTHORIZED, headers={"Authorization": "JWT "}),
    ]


@pytest.mark.parametrize("row", forms(prefixed=200), ids=str)
async def test_every_form_of_a_token(house: House, row: Row) -> None:
    await row.check(house)


async def test_strict_forms_are_the_vendors(embedded_engine: Engine) -> None:
    async with open_house(embedded_engine.url, [chat21.create({"strict_token_forms": True})]) as house:
        application = house.application("chat21")
        house.names["app"] = application.name
        house.names["user1"] = signed(application.credentials[0].secret, stock_claims("user1", application.name))
        for row in forms(prefixed=403):
            await row.check(house)


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
async def test_hmac_algorithms_verify(house: House, token: Token, algorithm: str) -> None:
    await Row("", "GET", INFO, 200, INFORMATION, headers={"Authorization": token(algorithm=algorithm)}).check(house)


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": None},
        {"exp": SECONDS + 1},
        {"exp": SECONDS + 1.5},
        {"exp": 10**30},
        {"exp": 10**400},
        {"exp": 1.7e308},
        {"nbf": SECONDS},
        {"iat": SECONDS + 999, "jti": 5, "iss": "x"},
        {"aud": None, "scope": None, "kid": None, "iat": None},
        {"aud": 5},
        {"tiledesk_api_roles": None},
        {"tiledesk_api_roles": ["admin"]},
    ],
)
async def test_claims_that_pass(house: House, token: Token, claims: dict[str, Any]) -> None:
    house.names["made"] = token(**claims)
    await Row("information", "GET", INFO, 200, INFORMATION, headers=as_user("made")).check(house)
    await Row("own list", "GET", LIST, 200, {"success": True, "result": []}, headers=as_user("made")).check(house)
    await Row("another's", "GET", "/api/{app}/user2/conversations", 401, "", headers=as_user("made")).check(house)


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": SECONDS},
        {"exp": SECONDS - 1},
        {"exp": 0},
        {"exp": "soon"},
        {"exp": True},
        {"exp": float("nan")},
        {"exp": float("inf")},
        {"nbf": SECONDS + 1},
        {"nbf": "later"},
        {"nbf": float("-inf")},
        {"sub": None},
        {"sub": ""},
        {"sub": "a" * 256},
        {"sub": "a\0b"},
        {"sub": "\ud800"},
        {"sub": " user1"},
        {"sub": "admin"},
        {"sub": "System"},
    ],
)
async def test_claims_that_are_refused(house: House, token: Token, claims: dict[str, Any]) -> None:
    house.names["made"] = token(**claims)
    for _ in range(2):
        await Row("", "GET", INFO, 403, UNAUTHORIZED, headers=as_user("made")).check(house)


@pytest.mark.parametrize(
    ("claims", "shown"),
    [
        ({"exp": 10**30}, {"exp": 1e30}),
        ({"x": [1 << 64]}, {"x": [float(1 << 64)]}),
        ({"x": "\ud800"}, None),
        ({"\ud800": 1}, None),
        ({"x": float("nan")}, None),
        ({"x": 10**400}, None),
        ({"x": json.loads("[" * 400 + "]" * 400)}, None),
    ],
    ids=str,
)
async def test_verify_shows_claims_as_javascript_reads_them(
    house: House, claims: dict[str, Any], shown: dict[str, Any] | None
) -> None:
    house.names["made"] = signed(house.names["secret"], {"app_id": house.names["app"], **claims, "sub": "user1"})
    expected = {"app_id": house.names["app"], **shown, "sub": "user1"} if shown else UNAUTHORIZED
    await Row("", "GET", "/verify", 200 if shown else 403, expected, headers=as_user("made")).check(house)


async def test_what_is_no_token_is_refused(house: House, token: Token) -> None:
    good = token()
    header, payload, signature = good.split(".")
    unsigned = jwt.encode(stock_claims("user1", house.names["app"]), "", "none")
    bad = [
        "x", "...", f"{header}.{payload}", f"{header}.{payload}.", f"{good}x", f"{header}.{payload}.{signature[:-2]}",
        unsigned, unsigned + signature, token(secret="another"), token(secret=house.names["second_secret"]), "é" * 9,
        jwt.encode(stock_claims("user1", house.names["app"]), house.names["secret"], "HS256", {"crit": ["x"]}), "a" * 20_000,
        signed(house.names["secret"], {"sub": 5, "app_id": house.names["app"], "exp": SECONDS + 9}), "%00",
    ]  # fmt: skip
    for text in bad:
        response = await house.client.get(
            f"/api/{house.names['app']}/getInfo", headers={b"Authorization": text.encode()}
        )
        assert (response.status_code, response.json()) == (403, UNAUTHORIZED), text
        response = await house.client.get("/verify", headers={b"Authorization": text.encode()})
        assert (response.status_code, response.json()) == (403, UNAUTHORIZED), text
    assert house.names["secret"] not in house.log.text


async def test_a_token_ends_when_it_says_though_it_is_remembered(house: House, token: Token) -> None:
    house.names["made"] = token(exp=SECONDS + 60)
    row = Row("", "GET", INFO, 200, headers=as_user("made"))
    await row.check(house)
    house.manual_clock.move(59_999)
    await row.check(house)
    house.manual_clock.move(1)
    await Row("", "GET", INFO, 403, UNAUTHORIZED, headers=as_user("made")).check(house)


async def test_a_replaced_secret_ends_its_tokens(house: House) -> None:
    await send(house, "user1", "user2")
    new = Credential("jwt", "default", secrets.token_hex(32))
    await house.core.tenants.add_credential(house.tenant.name, "chat21", house.names["app"], new)
    await Row("", "POST", "/api/{app}/messages", 403, UNAUTHORIZED, MESSAGE, headers=as_user("user1")).check(house)
    house.names["user1"] = signed(new.secret, stock_claims("user1", house.names["app"]))
    await send(house, "user1", "user2")


@pytest.mark.parametrize(
    ("app_id", "listing", "sending"),
    [
        ("{app}", 200, 200),
        ("{second}", 200, 200),
        (None, 401, 200),
        ("elsewhere", 401, 401),
        (5, 401, 401),
        ("", 401, 401),
    ],
)
async def test_the_tokens_app_is_compared(house: House, token: Token, app_id: Any, listing: int, sending: int) -> None:
    """All apps of the tenant are one space; the vendor does not compare on every route."""
    named = house.names.get(app_id.strip("{}"), app_id) if isinstance(app_id, str) else app_id
    house.names["made"] = token(app_id=named)
    for _ in range(2):
        row = Row("list", "GET", LIST, listing, ... if listing == 200 else "", headers=as_user("made"))
        await row.check(house)
        row = Row("send", "POST", "/api/{app}/messages", sending, ..., MESSAGE, headers=as_user("made"))
        await row.check(house)
        row = Row(
            "group", "POST", "/api/{app}/groups", 405 if listing == 200 else 401, ..., {}, headers=as_user("made")
        )
        await row.check(house)


async def test_either_app_of_a_tenant_leads_to_the_same_conversations(house: House) -> None:
    await send(house, "user1", "user2", text="hello")
    house.names["other"] = signed(house.names["second_secret"], stock_claims("user2", house.names["second"]))
    path = "/api/{second}/user2/conversations/user1/messages"
    response = await Row("", "GET", path, 200, headers=as_user("other")).check(house)
    (message,) = response.json()["result"]
    assert (message["text"], message["app_id"]) == ("hello", house.names["second"])


async def test_of_tenants_that_share_an_app_the_one_whose_secret_verifies_wins(house: House) -> None:
    other = await house.core.tenants.add(f"test-{secrets.token_hex(6)}")
    key = Credential("jwt", "default", secrets.token_hex(32))
    await house.core.tenants.add_credential(other.name, "chat21", house.names["app"], key)
    house.names["stranger"] = signed(key.secret, stock_claims("user2", house.names["app"]))
    message = await send(house, "user1", "user2")
    path = "/api/{app}/user2/conversations/user1/messages"
    await Row("theirs", "GET", path, 200, {"success": True, "result": []}, headers=as_user("stranger")).check(house)
    response = await Row("ours", "GET", path, 200, headers=as_user("user2")).check(house)
    assert [row["message_id"] for row in response.json()["result"]] == [message]
    third = signed(secrets.token_hex(32), stock_claims("user2", house.names["app"]))
    await Row("nobody's", "GET", path, 403, UNAUTHORIZED, headers={"Authorization": third}).check(house)


async def test_unknown_apps_are_not_told_from_wrong_tokens(house: House) -> None:
    await Row("", "GET", "/api/unknown/getInfo", 403, UNAUTHORIZED, headers=as_user("user1")).check(house)
    await Row("", "GET", "/api/%00/getInfo", 400, headers=as_user("user1")).check(house)


async def test_the_vendors_short_secret_verifies_without_a_warning(house: House) -> None:
    name = f"short-{secrets.token_hex(6)}"
    await house.core.tenants.add_credential(house.tenant.name, "chat21", name, Credential("jwt", "default", "tokenKey"))
    tenant = await house.core.tenants.find(house.tenant.name)
    assert tenant is not None
    adapter = house.adapters["chat21"]
    for lifetime in (0, 60):
        minted = await adapter.mint(house.core, tenant, name, "user9", False, lifetime)
        path = f"/api/{name}/user9/conversations"
        await Row("", "GET", path, 200, headers={"Authorization": minted}).check(house)
        claims = jwt.decode(minted, options={"verify_signature": False})
        assert (claims["sub"], claims["app_id"], claims["tiledesk_api_roles"]) == ("user9", name, "user")
        assert claims["aud"] == ["rabbitmq", "user9"]
        assert claims.get("exp") == (SECONDS + 60 if lifetime else None)


async def test_a_deactivated_user_is_refused(house: House) -> None:
    row = Row("", "GET", "/api/{app}/user1/conversations", 200, headers=as_user("user1"))
    await row.check(house)
    await house.core.users.deactivate(house.tenant, "user1")
    await Row("", "GET", "/api/{app}/user1/conversations", 403, headers=as_user("user1")).check(house)
    await house.core.users.activate(house.tenant, "user1")
    await row.check(house)


async def test_verify_answers_the_claims(house: House, token: Token) -> None:
    claims = {**stock_claims("user1", house.names["app"]), "more": {"x": [1]}}
    response = await Row("", "GET", "/verify", 200, claims, headers={"Authorization": token(more={"x": [1]})}).check(
        house
    )
    assert response.headers["etag"].startswith('W/"')
    await Row("", "GET", "/verify/", 200, claims, query={"jwt": token(more={"x": [1]})}).check(house)
    await Row("no app", "GET", "/verify", 403, UNAUTHORIZED, headers={"Authorization": token(app_id=None)}).check(house)


async def test_an_administrator_may_be_nobody_or_reserved(house: House, token: Token) -> None:
    for user in (None, "system"):
        house.names["made"] = token(sub=user, tiledesk_api_roles="admin")
        await Row("", "GET", "/api/{app}/user2/conversations", 200, headers=as_user("made")).check(house)


async def test_a_tokens_user_is_registered_by_it(house: House) -> None:
    await Row("", "GET", INFO, 200, headers=as_user("user1")).check(house)
    found = await house.core.users.find(house.tenant, "user1")
    assert found is not None
    assert (found.id, found.created) == ("user1", NOON)
    assert await house.core.users.find(house.tenant, "user2") is None
    assert await house.core.users.find(house.tenant, "100-APIADMIN") is None


async def test_tokens_never_reach_the_log(house: House) -> None:
    await Row("", "GET", INFO, 200, query={"token": "{user1}"}).check(house)
    await Row("", "GET", INFO, 200, headers={"Authorization": "JWT {user1}"}).check(house)
    assert len(house.log.requests) == 2
    assert house.names["user1"] not in house.log.text
