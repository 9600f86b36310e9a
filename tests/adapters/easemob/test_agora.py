"""Tokens of the vendor's Agora realm, exchanged for ours. They are made here as the vendor's own builder makes them."""

import base64
import hmac
import struct
import zlib
from collections.abc import Sequence
from hashlib import sha256

import httpx
import pytest

from core.ids import USER
from tests.adapters.easemob.shapes import SECURITY, error
from tests.harness import NOON, House, Row

APP_ID, CERTIFICATE = "970CA35de60c44645bbae8a215061b33", "5CFd2fd1755d40ecb72977518be15d3b"
SECONDS = NOON // 1000 + 2  # when the house has been settled
ILLEGAL = error("auth_bad_access_token", SECURITY, "token is illegal.")

Service = tuple[int, dict[int, int], Sequence[str]]


def packed(text: bytes) -> bytes:
    return struct.pack("<H", len(text)) + text


def service(number: int, privileges: dict[int, int], texts: Sequence[str]) -> bytes:
    made = struct.pack("<HH", number, len(privileges))
    made += b"".join(struct.pack("<HI", *each) for each in sorted(privileges.items()))
    return made + b"".join(packed(text.encode()) for text in texts)


def chat(user: str = "", seconds: int = 600) -> Service:
    return 5, {1 if user else 2: seconds}, [user]


RTC: Service = (1, {1: 600}, ["channel", "17"])


def signed(
    *services: Service, app: str = APP_ID, certificate: str = CERTIFICATE, issued: int = SECONDS, seconds: int = 600
) -> str:
    said = packed(app.encode()) + struct.pack("<IIIH", issued, seconds, 1, len(services))
    said += b"".join(service(*each) for each in services)
    key = hmac.new(struct.pack("<I", issued), certificate.encode(), sha256).digest()
    key = hmac.new(struct.pack("<I", 1), key, sha256).digest()
    signature = hmac.new(key, said, sha256).digest()
    return "007" + base64.b64encode(zlib.compress(packed(signature) + said)).decode()


@pytest.fixture(autouse=True)
async def certificate(house: House) -> None:
    name = house.application("easemob").name
    given = house.adapters["easemob"].credential("agora", APP_ID, CERTIFICATE)
    house.tenant = await house.core.tenants.add_credential(house.tenant.name, "easemob", name, given)


async def exchange(house: House, token: str, status: int = 200) -> httpx.Response:
    body = {"access_token": str, "expire_timestamp": int} if status == 200 else ILLEGAL
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    row = Row("exchange", "POST", "{base}/token", status, body, {"grant_type": "agora"}, headers=headers)
    return await row.check(house)


async def opens(house: House, token: str, status: int, path: str) -> None:
    await Row(path, "GET", "{base}" + path, status, headers={"Authorization": f"Bearer {token}"}).check(house)


async def test_an_applications_token(house: House) -> None:
    reply = (await exchange(house, signed(chat()))).json()
    assert reply["expire_timestamp"] == house.clock.now() + 600_000
    await opens(house, reply["access_token"], 200, "/users")
    house.manual_clock.move(600_000)
    await opens(house, reply["access_token"], 401, "/users")


@pytest.mark.parametrize("by_uuid", [True, False])
async def test_a_users_token(house: House, by_uuid: bool) -> None:
    ann = await house.core.users.key(house.tenant, "ann")
    name = house.core.ids(house.tenant).uuid(USER | ann.number) if by_uuid else "Ann"
    reply = (await exchange(house, signed(RTC, chat(name, 60)))).json()
    assert reply["expire_timestamp"] == house.clock.now() + 60_000
    await opens(house, reply["access_token"], 200, "/users/ann")
    await opens(house, reply["access_token"], 401, "/users/bob")


@pytest.mark.parametrize(
    "token",
    [
        "",
        "007",
        "x",
        "007" + base64.b64encode(b"x").decode(),
        signed(chat())[:-8],
        signed(chat(), certificate=CERTIFICATE[::-1]),
        signed(chat(), app=APP_ID[::-1]),
        signed(chat(), issued=SECONDS - 600),
        signed(chat("", 60), issued=SECONDS - 60),
        signed(chat(), issued=SECONDS + 2 * 86_400),
        signed(chat("nobody")),
        signed(chat("00000000-0000-4000-8000-000000000000")),
        signed(RTC),
        signed((5, {1: 600}, [""])),
        signed((5, {2: 600}, ["ann"])),
        signed((9, {1: 600}, []), chat()),
        "007" + base64.b64encode(zlib.compress(bytes(10_000_000))).decode(),
    ],
    ids=range(17),
)
async def test_what_is_illegal(house: House, token: str) -> None:
    await exchange(house, token, 401)


async def test_who_is_deactivated_gets_none(house: House) -> None:
    await house.core.users.deactivate(house.tenant, "ann")
    await exchange(house, signed(chat("ann")), 401)


async def test_revocation_ends_them(house: House) -> None:
    before = signed(chat("ann"))
    house.manual_clock.move(1_000)
    headers = {"Authorization": "Bearer {token}"}
    await Row("revoke", "POST", "{base}/token/user/ann/invalid", 200, headers=headers).check(house)
    await exchange(house, before, 401)
    await exchange(house, signed(chat("ann"), issued=SECONDS + 1))
