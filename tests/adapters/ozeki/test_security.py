"""Whom a station makes somebody, timestamps, and signatures."""

import hmac
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Callable
from hashlib import md5
from typing import Any

import httpx
import msgspec
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.hashes import MD5, SHA1, SHA256, SHA512
from cryptography.hazmat.primitives.serialization import load_der_private_key

from adapters import ozeki
from adapters.ozeki.signatures import NAMES
from gateway.app import create_app
from gateway.limits import Limits
from tests.adapters.ozeki.chat_client import TIMESTAMP, ChatClient
from tests.adapters.ozeki.chats import api_key, chat_house, logged_in, talking
from tests.harness import House, new_tenant
from tests.servers import Engine

NOBODY = "Nobody has logged in at this station"
ANOTHER = "Ozeki-User did not log in at this station"
UNSIGNED = "The signature is not valid"
UNTIMELY = "The timestamp is too far from the server's time"


@pytest.fixture
async def house(embedded_engine: Engine) -> AsyncIterator[House]:
    async with chat_house(embedded_engine) as house:
        yield house


def error(text: str) -> dict[str, str]:
    return {"status": "ERROR", "errormessage": text}


async def test_nobody_acts_as_another(house: House) -> None:
    alice, bob, conversation = await talking(house)
    await alice.add(conversation, "1")
    url = "/?srv=chatserver&api=chatconversation"
    clear = {"action": "clear", "conversationid": conversation["id"]}
    good = alice.headers
    for headers, text in (
        ({**good, "Ozeki-User": bob.user}, ANOTHER),
        ({**good, "Ozeki-User": ""}, ANOTHER),
        ({**good, "Ozeki-Station": bob.station}, ANOTHER),
        ({**good, "Ozeki-Station": alice.station[::-1]}, NOBODY),
        ({name: value for name, value in good.items() if name != "Ozeki-User"}, ANOTHER),
        (
            {name: value for name, value in good.items() if name != "Ozeki-Station"},
            "Ozeki-Station must be 16 to 64 letters, digits and dashes",
        ),
    ):
        assert await alice.post(url, clear, headers) == error(text)
    (row,) = await alice.conversations()
    assert row["instance"] == conversation["instance"]
    assert len((await alice.download(row))["messages"]) == 1
    # Names of headers have no case, nor have ids.
    shouted = {name.upper(): value.upper() if name == "Ozeki-User" else value for name, value in good.items()}
    assert (await alice.post(url, {"action": "list"}, shouted))["status"] == "OK"


async def test_the_same_names_in_another_tenant_are_others(house: House) -> None:
    other = await new_tenant(house.core, list(house.adapters.values()))
    (alice,) = await logged_in(house, "alice")
    there = House(house.core, house.clock, house.adapters, other, house.app, house.client, house.log)
    double = ChatClient(house.client, api_key(there, "alice"))
    await double.log_in()
    assert double.user != alice.user
    answer = await alice.post(
        "/?srv=chatserver&api=chatfriends", {"action": "list"}, {**alice.headers, "Ozeki-Station": double.station}
    )
    assert answer == error(ANOTHER)


async def test_a_reset_ends_all_stations(house: House) -> None:
    (alice,) = await logged_in(house, "alice")
    await house.core.tenants.reset(house.tenant.name)
    assert await alice.call("friends", "list") == error(NOBODY)
    await alice.log_in()
    assert await alice.conversations() == []


async def test_a_station_ends_after_its_days(embedded_engine: Engine) -> None:
    async with chat_house(embedded_engine, station_days=2) as house:
        (alice,) = await logged_in(house, "alice")
        house.manual_clock.move(2 * 86_400_000 - 1)
        await alice.conversations()
        house.manual_clock.move(1)
        assert await alice.call("conversation", "list") == error(NOBODY)


async def test_timestamps_are_compared_where_that_is_asked_for(embedded_engine: Engine) -> None:
    async with chat_house(embedded_engine, timestamp_tolerance_seconds=60) as house:
        (alice,) = await logged_in(house, "alice")
        url = "/?srv=chatserver&api=chatfriends"
        for moved in (-60, 120):
            house.manual_clock.move(moved * 1000)
            assert await alice.ask("friends", "list") == {"friends": {}, "availabilities": []}
        house.manual_clock.move(1_000)
        assert await alice.call("friends", "list") == error(UNTIMELY)
        house.manual_clock.move(-122_000)
        assert await alice.call("friends", "list") == error(UNTIMELY)
        for timestamp in ({}, {"timestamp": ""}, {"timestamp": 5}, {"timestamp": "2025-06-15"}):
            answer = await alice.post(url, {"action": "list", **timestamp}, alice.headers)
            assert answer == error("timestamp must be yyyy-MM-dd HH:mm:ss")


Sign = Callable[[bytes], bytes]


def signing(client: ChatClient, name: str) -> Sign:
    """Signs a body by a construction's name; made with the login's key, not by the adapter's code."""
    pem = client.login_answer["rsakey"]
    key: Any = load_der_private_key(b64decode("".join(pem.split("\r\n")[1:-2])), None)
    algorithm, what = name.split("/")
    digests = {"sha256": SHA256(), "sha1": SHA1(), "sha512": SHA512(), "md5": MD5()}  # noqa: S303

    def sign(body: bytes) -> bytes:
        content = {
            "body": body,
            "digest": md5(body, usedforsecurity=False).hexdigest().encode(),
            "stamped": body + TIMESTAMP.encode(),
        }[what]
        kind, digest = algorithm.split("-")
        if kind == "hmac":
            return hmac.digest(client.api_key.encode(), content, digest)
        if kind == "pss":
            return bytes(key.sign(content, PSS(MGF1(SHA256()), PSS.MAX_LENGTH), SHA256()))
        return bytes(key.sign(content, PKCS1v15(), digests[digest]))

    return sign


async def signed(client: ChatClient, sign: Sign | None, *, hexadecimal: bool = False, forged: bool = False) -> Any:
    """A call with a signature."""
    body = orjson.dumps({"action": "list", "clientversioncode": 3, "timestamp": TIMESTAMP})
    signature = "not one"
    if sign is not None:
        raw = sign(body + b" " if forged else body)
        signature = raw.hex() if hexadecimal else b64encode(raw).decode()
    headers = {**client.headers, "Ozeki-Signature": signature}
    return await client.post("/?srv=chatserver&api=chatfriends", body, headers)


DONE = {"friends": {}, "availabilities": [], "status": "OK", "errormessage": ""}


async def test_a_signature_that_nobody_looks_at_is_said_once_for_a_station(house: House) -> None:
    alice, bob = await logged_in(house, "alice", "bob")
    unsigned = {name: value for name, value in alice.headers.items() if name != "Ozeki-Signature"}
    body = orjson.dumps({"action": "list"})
    await alice.post("/?srv=chatserver&api=chatfriends", body, unsigned)
    said = "signature present, not verified"
    assert said not in house.log.text
    for client in (alice, alice, bob):
        assert await signed(client, None) == DONE
    lines = [line for line in house.log.lines if line["event"] == said]
    assert [(line["tenant"], line["user"]) for line in lines] == [
        (house.tenant.name, name) for name in ("alice", "bob")
    ]
    assert not any(client.station in str(line) for client in (alice, bob) for line in lines)


@pytest.mark.parametrize("name", NAMES)
async def test_a_required_signature_is_the_only_one(embedded_engine: Engine, name: str) -> None:
    async with chat_house(embedded_engine, signature=f"require:{name}", key_protection="none") as house:
        (alice,) = await logged_in(house, "alice")
        sign = signing(alice, name)
        assert await signed(alice, sign) == DONE
        assert await signed(alice, sign, hexadecimal=True) == DONE
        assert await signed(alice, sign, forged=True) == error(UNSIGNED)
        assert await signed(alice, None) == error(UNSIGNED)
        other = next(each for each in NAMES if each != name)
        assert await signed(alice, signing(alice, other)) == error(UNSIGNED)
        # The two calls that the vendor's clients do not sign.
        assert (await alice.notification())["conversationchangedof"] == []


async def test_the_first_signature_that_is_understood_is_the_one_from_then_on(embedded_engine: Engine) -> None:
    async with chat_house(embedded_engine, signature="pin", key_protection="none") as house:
        alice, bob = await logged_in(house, "alice", "bob")
        assert await signed(alice, None) == DONE
        first, second = signing(alice, "pss-sha256/body"), signing(alice, "rsa-sha256/body")
        assert await signed(alice, first, forged=True) == DONE
        assert await signed(alice, first) == DONE
        assert await signed(alice, None) == error(UNSIGNED)
        assert await signed(alice, second) == error(UNSIGNED)
        assert await signed(alice, first, hexadecimal=True) == DONE
        assert await signed(bob, None) == DONE
        await alice.log_in()
        assert await signed(alice, signing(alice, "rsa-sha256/body")) == DONE
        assert await signed(alice, None) == error(UNSIGNED)


async def test_who_logged_in_while_signatures_were_ignored_logs_in_again(embedded_engine: Engine) -> None:
    async with chat_house(embedded_engine) as house:
        (alice,) = await logged_in(house, "alice")
        strict = create_app(house.core, [ozeki.create({"signature": "require:rsa-sha256/body"})], Limits())
        async with httpx.AsyncClient(transport=httpx.ASGITransport(strict), base_url="http://gateway.test") as http:
            alice.http = http
            assert await signed(alice, None) == error(UNSIGNED)
            await alice.log_in()
            assert await signed(alice, None) == error(UNSIGNED)


@pytest.mark.parametrize("signature", ["", "verify", "require", "require:", "require:rsa", "pin:rsa-sha256/body"])
def test_unknown_policies_are_refused_at_the_start(signature: str) -> None:
    with pytest.raises(msgspec.ValidationError, match="signature must be"):
        ozeki.create({"signature": signature})
