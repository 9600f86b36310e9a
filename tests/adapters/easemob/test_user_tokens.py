"""Tokens of users: for a password, on the application's word, signed by the app; and how they end."""

import base64
import hashlib
import json
from typing import Any

import httpx
import pytest

from core.model import Credential
from tests.adapters.easemob.shapes import AUTHORIZED, EASEMOB_SECURITY, SECURITY, error, illegal, success
from tests.adapters.easemob.test_users import NOT_FOUND, entity
from tests.harness import NOON, House, Row, new_tenant

UNKNOWN = error("auth_bad_access_token", SECURITY, "Unable to authenticate")
EXPIRED = error("unauthorized", SECURITY, "Unable to authenticate due to expired access token")
CORRUPT = error("auth_bad_access_token", SECURITY, "Unable to authenticate due to corrupt access token")
NO_NAME = error("entity_not_found", "EntityNotFoundException", "User null not found")
NEVER = 2**31 - 1
DEEP_CLAIMS = b"\x9f\x01\xa1a\xa1a\xa1a\x01\x01\xa1a\x01\x01" + b"\x91" * 20_000
"""Packed claims with something more behind them than a decoder skips."""


@pytest.fixture(autouse=True)
async def dora(house: House) -> None:
    await house.core.users.register(house.tenant, "dora", folded=True, password="p4ss", display_name="Dora D.")


def grant(status: int, text: str) -> dict[str, Any]:
    return {"status": status, "body": error("invalid_grant", SECURITY, text)}


def issued(name: str, seconds: int = 5_184_000, **fields: Any) -> dict[str, Any]:
    user = entity(name, **fields)
    token = {"access_token": lambda token: token.startswith("YWMt"), "expires_in": seconds, "user": user}
    return {"status": 200, "body": token}


def password(label: str, json: Any, **more: Any) -> Row:
    body = {"grant_type": "password", "username": "dora", "password": "p4ss", **json}
    return Row(f"password: {label}", "POST", "{base}/token", json=body, **more)


def inherit(label: str, json: Any, headers: dict[str, str] = AUTHORIZED, **more: Any) -> Row:
    return Row(
        f"inherit: {label}", "POST", "{base}/token", json={"grant_type": "inherit", **json}, headers=headers, **more
    )


def reads(name: str, status: int = 200) -> Any:
    """The token in the reply reads this user."""

    async def check(house: House, response: httpx.Response) -> None:
        headers = {"Authorization": f"Bearer {response.json()['access_token']}"}
        await Row("get", "GET", "{base}/users/" + name, status, headers=headers).check(house)

    return check


PASSWORDS = [
    password("right", {}, **issued("dora", nickname="Dora D."), effect=reads("dora")),
    password("only for itself", {}, **issued("dora", nickname="Dora D."), effect=reads("ann", 401)),
    password("in another case", {"username": "DORA"}, **issued("dora", nickname="Dora D."), effect=reads("dora")),
    password("as the web client sends it", {"timestamp": 1}, **issued("dora", nickname="Dora D.")),
    password("its lifetime", {"ttl": "60"}, **issued("dora", 60, nickname="Dora D.")),
    password("for ever", {"ttl": 0}, **issued("dora", NEVER, nickname="Dora D.")),
    password("a negative lifetime", {"ttl": -1}, status=400, body=illegal("ttl must be a number of seconds")),
    password("wrong", {"password": "pass"}, **grant(400, "invalid password")),
    password("none", {"password": None}, **grant(400, "invalid password")),
    password("of a wrong type", {"password": ["p4ss"]}, **grant(400, "invalid password")),
    password("of who has none", {"username": "ann", "password": ""}, **grant(400, "invalid password")),
    password("nobody", {"username": "nobody"}, **grant(404, "user not found")),
    password("a reserved name", {"username": "admin"}, **grant(404, "user not found")),
    password("no legal name", {"username": "a\u0000b"}, **grant(404, "user not found")),
    password("no name", {"username": None}, status=404, body=NO_NAME),
    password("an empty name", {"username": ""}, status=404, body=NO_NAME),
]

INHERITED = [
    inherit("a user", {"username": "Ann"}, **issued("ann"), effect=reads("ann")),
    inherit("nobody", {"username": "emil"}, **grant(404, "user not found")),
    inherit("nobody, said twice", {"username": "emil", "autoCreateUser": False}, **grant(404, "user not found")),
    inherit("a new user", {"username": "Emil", "autoCreateUser": True}, **issued("emil"), effect=reads("emil")),
    inherit("a new user, as text", {"username": "emil", "autoCreateUser": "true"}, **issued("emil")),
    inherit("its lifetime", {"username": "ann", "ttl": 60}, **issued("ann", 60)),
    inherit("of another dialect", {"username": "CY"}, **issued("cy", nickname="Cyan"), effect=reads("cy")),
    inherit("by an escaped name", {"username": "_-_43y"}, **issued("_-_43y", nickname="Cyan"), effect=reads("cy")),
    inherit("no name", {}, status=404, body=NO_NAME),
    inherit("an illegal name", {"username": "a b", "autoCreateUser": True}, status=400, body=illegal("username [a b] is not legal")),
    inherit("a reserved name", {"username": "admin", "autoCreateUser": True}, status=400, body=illegal("username [admin] is not legal")),
    inherit("too long a name", {"username": "d" * 65, "autoCreateUser": True}, status=400, body=illegal("USERNAME_TOO_LONG")),
    inherit("by a user", {"username": "ann"}, {"Authorization": "Bearer {ann_token}"}, status=401, body=UNKNOWN),
    inherit("by nobody", {"username": "ann"}, {}, status=401, body=error("unauthorized", EASEMOB_SECURITY, "Unable to authenticate (OAuth)")),
    inherit("by garbage", {"username": "ann"}, {"Authorization": "Bearer x"}, status=401, body=CORRUPT),
    inherit("by another tenant's", {"username": "ann"}, {"Authorization": "Bearer {foreign}"}, status=401, body=UNKNOWN),
]  # fmt: skip


@pytest.mark.parametrize("row", [*PASSWORDS, *INHERITED], ids=str)
async def test_a_user_gets_a_token(row: Row, house: House) -> None:
    await row.check(house)


async def test_a_deactivated_user_gets_none(house: House) -> None:
    await house.core.users.deactivate(house.tenant, "dora")
    not_activated = grant(400, "user not activated")
    await password("right", {}, **not_activated).check(house)
    await password("wrong", {"password": "x"}, **grant(400, "invalid password")).check(house)
    await inherit("inherit", {"username": "dora"}, **not_activated).check(house)
    await inherit("inherit", {"username": "dora", "autoCreateUser": True}, **not_activated).check(house)
    await house.core.users.activate(house.tenant, "dora")
    await password("right", {}, **issued("dora", nickname="Dora D.")).check(house)


async def test_guessing_is_slowed_down(house: House) -> None:
    for _ in range(10):
        await password("wrong", {"password": "x"}, **grant(400, "invalid password")).check(house)
    limited = error("reach_limit", ..., "This request has reached api limit")
    await password("right", {}, status=429, body=limited).check(house)


async def test_of_two_tenants_with_one_application_the_one_whose_password_it_is(house: House) -> None:
    other = await new_tenant(house.core, [])
    name = house.application("easemob").name
    await house.core.tenants.add_credential(other.name, "easemob", name, Credential("client", "theirs", "secret"))
    (found,) = [tenant for tenant in await house.core.tenants.owners("easemob", name) if tenant.name == other.name]
    await house.core.users.register(found, "dora", folded=True, password="theirs")
    await house.core.users.register(found, "emil", folded=True, password="p4ss")
    ours = await password("ours", {}, **issued("dora", nickname="Dora D.")).check(house)
    theirs = await password("theirs", {"password": "theirs"}, **issued("dora")).check(house)
    assert ours.json()["user"]["uuid"] != theirs.json()["user"]["uuid"]
    await password("theirs alone", {"username": "emil"}, **issued("emil"), effect=reads("emil")).check(house)
    for _ in range(9):
        await password("nobody's", {"password": "x"}, **grant(400, "invalid password")).check(house)
    # Ours has had ten wrong ones now, theirs nine.
    await password("still theirs", {"password": "theirs"}, **issued("dora")).check(house)
    await password("ours", {}, status=429).check(house)


class Signer:
    """What an app does with its client's secret."""

    def __init__(self, house: House) -> None:
        self.names = house.names
        self.application = house.application("easemob").name

    def sign(
        self, user: str, *, seconds: int = 600, issued: int = NOON // 1000, secret: str = "", application: str = ""
    ) -> str:
        application = application or self.application
        secret = secret or self.names["client_secret"]
        text = f"{self.names['client_id']}{application}{user}{issued}{seconds}{secret}"
        said = {
            "signature": hashlib.sha256(text.encode()).hexdigest(),
            "appkey": application,
            "userId": user,
            "curTime": issued,
            "ttl": seconds,
        }
        return json.dumps(said)

    def token(self, user: str, **more: Any) -> str:
        return base64.urlsafe_b64encode(("dt-" + self.sign(user, **more)).encode()).decode()


@pytest.fixture
def signer(house: House) -> Signer:
    return Signer(house)


def get(token: str, status: int = 200, body: Any = ..., user: str = "ann") -> Row:
    return Row("get", "GET", "{base}/users/" + user, status, body, headers={"Authorization": f"Bearer {token}"})


async def test_a_token_that_the_app_signed(house: House, signer: Signer) -> None:
    for token in (
        signer.token("ann"),
        signer.token("Ann").rstrip("="),
        base64.b64encode(("dt-" + signer.sign("ann")).encode()).decode(),
        "dt-" + base64.urlsafe_b64encode(signer.sign("ann").encode()).decode(),
    ):
        await get(token).check(house)
        await get(token).check(house)  # remembered
        await get(token, 401, UNKNOWN, "bob").check(house)


async def test_a_token_that_the_app_did_not_sign(house: House, signer: Signer) -> None:
    for token in (
        signer.token("ann", secret="x"),
        signer.token("nobody"),
        signer.token("a\u0000b"),
        signer.token("ann", application="chat-demo#else"),
    ):
        await get(token, 401, UNKNOWN).check(house)
    forged = json.loads(signer.sign("bob"))
    for change in ({"userId": "ann"}, {"ttl": 6000}, {"signature": ""}, {"signature": "\u00e9"}):
        token = base64.urlsafe_b64encode(("dt-" + json.dumps(forged | change)).encode()).decode()
        await get(token, 401, UNKNOWN).check(house)
    deep = json.dumps(forged)[:-1].encode() + b', "x": ' + b"[" * 5_000 + b"]" * 5_000 + b"}"
    long = json.dumps(forged).replace('"ttl": 600', '"ttl": 6' + "0" * 4_400).encode()
    for token in (
        *("dt-", "dt-x", "ZHQt", "ZHQtx", "dt-\u00ff"),
        *("dt-" + base64.b64encode(said).decode() for said in (b"[]", deep, long)),
        "YWMt" + base64.urlsafe_b64encode(bytes(32) + DEEP_CLAIMS).rstrip(b"=").decode(),
    ):
        headers = {b"Authorization": b"Bearer " + token.encode("latin-1")}
        response = await house.client.get(house.names["base"] + "/users/ann", headers=headers)
        assert (response.status_code, response.json()["error_description"]) == (401, CORRUPT["error_description"])


async def test_no_digit_of_a_signed_token_moves_into_another_field(house: House, signer: Signer) -> None:
    await house.core.users.register(house.tenant, "ann1", folded=True)
    said = json.loads(signer.sign("ann", seconds=3_600))
    digits = f"{said['curTime']}{said['ttl']}"
    assert digits == "17500000003600"
    for name, issued, seconds in (("ann", 11, 3), ("ann", 1, 13), ("ann1", 10, 3), ("ann1", 9, 4)):
        user, moved = name, digits[len(name) - len("ann") :]
        forged = {"userId": user, "curTime": int(moved[:issued]), "ttl": int(moved[issued : issued + seconds])}
        token = base64.urlsafe_b64encode(("dt-" + json.dumps(said | forged)).encode()).decode()
        await get(token, 401, user=name).check(house)


async def test_a_token_that_the_app_signed_ends(house: House, signer: Signer) -> None:
    token = signer.token("ann", seconds=60)
    await get(token).check(house)
    house.manual_clock.move(60_000)
    await get(token, 401, EXPIRED).check(house)
    await get(signer.token("ann", seconds=0), 401, EXPIRED).check(house)


async def test_a_token_that_the_app_signed_ends_with_the_user(house: House, signer: Signer) -> None:
    token = signer.token("ann")
    await get(token).check(house)
    await house.core.users.deactivate(house.tenant, "ann")
    await get(token, 401, UNKNOWN).check(house)


REVOKED = success("post", "/token/user/Ann/invalid", entities=[], data={"result": True})


async def test_all_tokens_of_a_user_are_revoked(house: House, signer: Signer) -> None:
    tokens = [house.names["ann_token"], signer.token("ann")]
    for token in tokens:
        await get(token).check(house)
    await Row("revoke", "POST", "{base}/token/user/Ann/invalid", 200, REVOKED, headers=AUTHORIZED).check(house)
    for token in tokens:
        await get(token, 401, UNKNOWN).check(house)
    house.manual_clock.move(1000)
    await inherit("anew", {"username": "ann"}, status=200, effect=reads("ann")).check(house)
    await get(signer.token("ann", issued=house.clock.now() // 1000)).check(house)


async def test_who_may_revoke(house: House) -> None:
    as_ann = {"Authorization": "Bearer {ann_token}"}
    await Row("a user", "POST", "{base}/token/user/ann/invalid", 401, UNKNOWN, headers=as_ann).check(house)
    await Row("nobody's", "POST", "{base}/token/user/nobody/invalid", 404, NOT_FOUND, headers=AUTHORIZED).check(house)
