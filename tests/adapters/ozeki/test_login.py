"""Logging in as a chat client, and registering a workspace."""

import asyncio
import shutil
from asyncio.subprocess import PIPE, STDOUT
from base64 import b64decode
from collections.abc import AsyncIterator
from hashlib import md5
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from cryptography.hazmat.primitives.serialization import load_der_private_key

from core.errors import Failure
from tests.adapters.ozeki.chat_client import ChatClient
from tests.adapters.ozeki.chats import api_key, befriend, chat_house, logged_in
from tests.harness import House, Row, match
from tests.servers import Engine

STATION = "801c91e6466a1ab34945d73ae4f762c6"
LOGIN = {"srv": "chatserver", "api": "chatlogin"}


@pytest.fixture
async def house(embedded_engine: Engine) -> AsyncIterator[House]:
    async with chat_house(embedded_engine) as house:
        await house.core.users.register(house.tenant, "admin2", display_name="Administrator")
        house.names |= {"key": api_key(house, "alice"), "domain": house.application("ozeki").name}
        yield house


def opened(pem: str, passphrase: str | None) -> RSAPrivateKey:
    """A private key read as OpenSSL reads it: not by the adapter's code."""
    lines = pem.split("\r\n")
    assert (lines[0], lines[-2], lines[-1]) == (
        "-----BEGIN RSA PRIVATE KEY-----",
        "-----END RSA PRIVATE KEY-----",
        "",
    )
    raw = b64decode("".join(lines[1:-2] if passphrase is None else lines[4:-2]))
    if passphrase is not None:
        assert lines[1] == "Proc-Type: 4,ENCRYPTED"
        assert lines[3] == ""
        vector = bytes.fromhex(lines[2].removeprefix("DEK-Info: AES-256-CFB,"))
        first = md5(passphrase.encode() + vector[:8], usedforsecurity=False).digest()
        second = md5(first + passphrase.encode() + vector[:8], usedforsecurity=False).digest()
        decryptor = Cipher(algorithms.AES(first + second), CFB(vector)).decryptor()
        raw = decryptor.update(raw) + decryptor.finalize()
    key = load_der_private_key(raw, None)
    assert isinstance(key, RSAPrivateKey)
    assert key.key_size == 2048
    return key


async def test_a_login_is_answered_as_documented(house: House) -> None:
    client = ChatClient(house.client, api_key(house, "admin2"), STATION)
    answer = await client.log_in("/ozeki/index.php")
    login = f"admin2@{house.names['domain']}"
    base = "http://gateway.test:8080/ozeki/index.php?srv=chatserver&api="
    apis = {
        "login": "chatlogin",
        "availability": "chatavailability",
        "conversation": "chatconversation",
        "conversationgroup": "chatconversationgroup",
        "blocklist": "chatblocklist",
        "fileserver": "chatfileserver",
        "friends": "chatfriends",
        "notification": "chatnotification",
        "report": "chatreports",
        "reports": "chatreports",
    }
    expected = {
        "server": "2.0.0",
        "listeners": {
            "udp": "udp://gateway.test:9010",
            "ws": "ws://gateway.test:9011",
            "wss": "wss://gateway.test:9012",
        },
        "registration": "true",
        "rsakey": str,
        "userid": md5(login.encode(), usedforsecurity=False).hexdigest(),
        "fullname": "Administrator",
        "nick": "Administrator",
        "urls": {name: base + api for name, api in apis.items()},
        "status": "OK",
        "errormessage": "",
    }
    match(expected, answer)
    opened(answer["rsakey"], client.api_key)


@pytest.mark.parametrize("path", ["/", "/index.php", "/ozeki/", "/a/b/c", "/v2/messages"])
async def test_any_path_will_do_and_is_the_one_that_is_named(house: House, path: str) -> None:
    (client,) = await logged_in(house, "alice")
    answer = await client.log_in(path)
    assert answer["urls"]["friends"] == f"http://gateway.test:8080{path}?srv=chatserver&api=chatfriends"
    assert await client.ask("friends", "list") == {"friends": {}, "availabilities": []}


async def test_the_key_is_made_once_and_friends_know_its_public_half(house: House) -> None:
    alice, bob = await logged_in(house, "alice", "bob")
    first = opened(alice.login_answer["rsakey"], alice.api_key)
    again = await ChatClient(house.client, alice.api_key).log_in()
    assert again["rsakey"] != alice.login_answer["rsakey"]  # another vector
    assert opened(again["rsakey"], alice.api_key).private_numbers() == first.private_numbers()
    await befriend(house, "alice", "bob")
    (friend,) = (await bob.ask("friends", "list"))["availabilities"]
    assert friend["publickey"].startswith("MIIBIjA")
    assert friend["publickey"].endswith("IDAQAB")
    secrets: list[bytes] = []
    for client in (alice, bob):
        key = opened(client.login_answer["rsakey"], client.api_key)
        (row,) = await client.conversations()
        secret = key.decrypt(b64decode(row["secret"]), PKCS1v15())
        assert len(secret) == 32
        name = key.decrypt(b64decode(row["displayname"]), PKCS1v15()).decode()
        assert name == ("bob" if client is alice else "alice")
        (later,) = await client.conversations()
        assert later["secret"] == row["secret"]
        assert later["displayname"] != row["displayname"]
        secrets.append(secret)
    assert secrets[0] == secrets[1]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl here")
async def test_openssl_reads_the_key(house: House, tmp_path: Path) -> None:
    (client,) = await logged_in(house, "alice")
    file = tmp_path / "key.pem"
    file.write_text(client.login_answer["rsakey"], newline="")
    command = ["openssl", "rsa", "-in", str(file), "-check", "-noout", "-passin", f"pass:{client.api_key}"]
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=STDOUT)
    said, _ = await process.communicate()
    assert b"RSA key ok" in said, said


async def test_the_key_may_be_given_open(embedded_engine: Engine) -> None:
    async with chat_house(embedded_engine, key_protection="none") as house:
        (client,) = await logged_in(house, "alice")
        assert opened(client.login_answer["rsakey"], None).key_size == 2_048


def refused(label: str, text: str, *, station: str | None = STATION, **fields: Any) -> Row:
    headers = {"Ozeki-Station": station} if station is not None else {}
    body = {"status": "ERROR", "errormessage": text}
    return Row(label, "POST", "/", 200, body, json={"action": "login", **fields}, query=LOGIN, headers=headers)


WRONG = "The API key is not valid"
NO_STATION = "Ozeki-Station must be 16 to 64 letters, digits and dashes"


@pytest.mark.parametrize(
    "row",
    [
        refused("no key", WRONG),
        refused("an empty key", WRONG, apikey=""),
        refused("a number for a key", WRONG, apikey=12345),
        refused("a long key", WRONG, apikey="x" * 1025),
        refused("another key", WRONG, apikey="d040bdae0d0"),
        refused("another secret", WRONG, apikey="x{key}"),
        refused("a reserved name", "This name is reserved", apikey="{secret}:admin"),
        refused("a program's name", "This name is reserved", apikey="{secret}:http_user"),
        refused("the secret alone", WRONG, apikey="{secret}"),
        refused("no station", NO_STATION, station=None, apikey="{key}"),
        refused("an empty station", NO_STATION, station="", apikey="{key}"),
        refused("a station that is guessed", NO_STATION, station="1234", apikey="{key}"),
        refused("a long station", NO_STATION, station="1" * 65, apikey="{key}"),
    ],
    ids=str,
)
async def test_who_does_not_log_in_right_is_not_logged_in(house: House, row: Row) -> None:
    house.names["secret"] = house.names["key"].partition(":")[0]
    await row.check(house)
    with pytest.raises(Failure):
        await house.core.stations.find("ozeki", STATION, [house.tenant], anew=True)
    assert await house.core.users.find(house.tenant, "alice") is None


async def test_a_key_of_one_user_logs_in_that_one_until_it_ends(house: House) -> None:
    adapter, domain = house.adapters["ozeki"], house.names["domain"]
    await house.core.users.register(house.tenant, "carol")
    key = await adapter.mint(house.core, house.tenant, domain, "carol", False, 3600)
    secret = api_key(house, "carol").partition(":")[0]
    assert secret not in key
    client = ChatClient(house.client, key)
    await client.log_in()
    await client.ask("friends", "list")
    await house.core.users.revoke(house.tenant, "carol")
    answer = await client.call("friends", "list")
    assert answer == {"status": "ERROR", "errormessage": "Nobody has logged in at this station"}
    login = await client.post("/?srv=chatserver&api=chatlogin", {"action": "login", "apikey": key}, client.headers)
    assert login == {"status": "ERROR", "errormessage": "The token has ended"}
    easemobs = house.core.tokens.mint(
        house.tenant, "easemob", domain, 3600, await house.core.users.claim(house.tenant, "carol")
    )
    login = await client.post("/?srv=chatserver&api=chatlogin", {"action": "login", "apikey": easemobs}, client.headers)
    assert login["errormessage"] == WRONG


@pytest.mark.parametrize("name", ["alice", "ALICE", " alice ", "alice@{domain}", "Alice@{domain}"])
async def test_a_user_is_the_same_by_any_spelling_of_the_address(house: House, name: str) -> None:
    await house.core.users.register(house.tenant, "alice", display_name="Alice")
    (client,) = await logged_in(house, name.replace("{domain}", house.names["domain"]))
    assert client.login_answer["nick"] == "Alice"


@pytest.mark.parametrize(
    ("address", "scheme", "is_noted"),
    [("192.0.2.7", "http", True), ("192.0.2.7", "https", False), ("127.0.0.9", "http", False), ("::1", "http", False)],
)
async def test_a_login_without_tls_is_noted(house: House, address: str, scheme: str, is_noted: bool) -> None:
    transport = httpx.ASGITransport(house.app, client=(address, 40000))
    async with httpx.AsyncClient(transport=transport, base_url=f"{scheme}://gateway.test") as http:
        client = ChatClient(http, house.names["key"])
        await client.log_in()
    noted = [line for line in house.log.lines if line["event"] == "station named without TLS"]
    assert [(line["user"], line["client"]) for line in noted] == ([("alice", address)] if is_noted else [])
    assert client.station not in house.log.text


async def test_a_login_is_another_one_at_the_same_station(house: House) -> None:
    (alice,) = await logged_in(house, "alice")
    bob = ChatClient(house.client, api_key(house, "bob"), alice.station)
    await bob.log_in()
    answer = await alice.call("friends", "list")
    assert answer == {"status": "ERROR", "errormessage": "Ozeki-User did not log in at this station"}
    await bob.ask("friends", "list")


USER = "d574638619cbff603bf857164c47e850"


def workspace(label: str, text: str, name: Any, user: str = USER, signature: str = "x") -> Row:
    status = "ERROR" if text else "OK"
    headers = {"Ozeki-User": user, "Ozeki-Signature": signature}
    body = {"action": "workspaceregister", "workspacename": name}
    query = {"srv": "chatowner", "api": "workspace"}
    return Row(
        label, "POST", "/", 200, {"status": status, "errormessage": text}, json=body, query=query, headers=headers
    )


NAMELESS = "workspacename must be a DNS name"


@pytest.mark.parametrize(
    "row",
    [
        workspace("the documented one", "", "alice.ozeki.chat"),
        workspace("no name", NAMELESS, None),
        workspace("no DNS name", NAMELESS, "alice ozeki chat"),
        workspace("a long name", NAMELESS, "a." * 127 + "chat"),
        workspace("no user", "Ozeki-User and Ozeki-Signature are needed", "alice.ozeki.chat", user=""),
        workspace("no signature", "Ozeki-User and Ozeki-Signature are needed", "alice.ozeki.chat", signature=""),
    ],
    ids=str,
)
async def test_a_workspace_is_registered_without_a_station(house: House, row: Row) -> None:
    await row.check(house)


async def test_workspaces_may_be_refused(embedded_engine: Engine) -> None:
    async with chat_house(embedded_engine, workspaces=False) as house:
        await workspace("refused", "Workspaces are not registered here", "alice.ozeki.chat").check(house)
