"""The user's two documents, example by example, and the calls that the second one names with the vendor's samples of them."""

import re
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest

from tests.adapters.ozeki.chat_client import ChatClient, plain, said
from tests.adapters.ozeki.chats import api_key, befriend, chat_house
from tests.adapters.ozeki.conftest import AS_HTTP_USER, WRONG_LOGIN, basic, settle, texts
from tests.adapters.ozeki.documented import MESSAGES, TIMES, happened, reports
from tests.harness import House, Row, match
from tests.servers import Engine

ALICE_AT, ADMINISTRATOR_AT, PHONE = (
    "801c91e6466a1ab34945d73ae4f762c6",
    "0523457bdf9f0fecba7a764cfff20576",
    "9b1e6f0c2d3a4857a1b2c3d4e5f60718",
)
ADMINISTRATOR = "d574638619cbff603bf857164c47e850"
DONE = {"status": "OK", "errormessage": ""}
HEADERS = {
    "Content-Type": "application/json",
    "Ozeki-Signature": "signature",
    "Ozeki-Station": ALICE_AT,
    "Ozeki-User": "{alice}",
}
STATION = {"Content-Type": "application/json", "Ozeki-Station": ALICE_AT}
COMMON = {"clientversioncode": 3, "timestamp": "2024-03-11 07:34:39"}
NEW = {
    "ID": "bd31713d-6f2b-4a58-9d5c-3f3b7a1f4c11",
    "Type": "Message",
    "Created": "2024-03-11 07:34:39",
    "ValidUntil": "2024-03-18 07:34:39",
}


@pytest.fixture
async def house(embedded_engine: Engine) -> AsyncIterator[House]:
    """Alice and the Administrator, whose address and id are the documents' own, with what they said before."""
    async with chat_house(embedded_engine, show_stations=True) as house:
        house.manual_clock.move((TIMES[0] - 60) * 1000 - house.clock.now())
        await settle(house)
        for name, shown in (("alice", "Alice"), ("admin@ozeki.hu", "Administrator")):
            await house.core.users.register(house.tenant, name, display_name=shown)
        alice, administrator = stations(house)
        for client in (alice, administrator):
            await client.log_in()
        await befriend(house, "alice", "admin@ozeki.hu")
        conversation = await alice.conversation(ADMINISTRATOR)
        await happened(house, alice, administrator, conversation)
        first, second = sorted([(alice.user, "Alice"), (ADMINISTRATOR, "Administrator")])
        house.names |= {
            "alice": alice.user,
            "key": alice.api_key,
            "conversation": conversation["id"],
            "instance": conversation["instance"],
            "first": first[0],
            "first_name": first[1],
            "second": second[0],
            "second_name": second[1],
        }
        yield house


def stations(house: House) -> tuple[ChatClient, ChatClient]:
    """The two stations of the documents."""
    alice = ChatClient(house.client, api_key(house, "alice"), ALICE_AT)
    return alice, ChatClient(house.client, api_key(house, "admin@ozeki.hu"), ADMINISTRATOR_AT)


def conversation(**changes: Any) -> dict[str, Any]:
    """The conversation as Alice sees it."""
    properties = {
        "userid": "{alice}",
        "ismuted": False,
        "isfavorite": False,
        "hideid": "",
        "listitembackgroundcolor": "#ffffff",
    }
    properties |= {name: changes.pop(name) for name in list(changes) if name in properties}
    return {
        "id": "{conversation}",
        "isgroup": False,
        "participantids": ["{first}", "{second}"],
        "participants": [
            {"userid": "{first}", "username": "{first_name}"},
            {"userid": "{second}", "username": "{second_name}"},
        ],
        "displayname": re.compile("[A-Za-z0-9+/]{342}=="),
        "lastmessageid": MESSAGES[-1]["ID"],
        "lastreportid": re.compile("[0-9a-f]{32}"),
        "lastaccess": TIMES[-1],
        "secret": re.compile("[A-Za-z0-9+/]{342}=="),
        "instance": "{instance}",
        "mutedby": [],
        "favoriteby": [],
        "hiddenby": [],
        "properties": [properties],
        **changes,
    }


def calling(
    label: str,
    api: str,
    action: str,
    answer: Mapping[str, Any] | None = None,
    *,
    srv: str = "chatserver",
    headers: Mapping[str, str] = HEADERS,
    common: Mapping[str, Any] = COMMON,
    effect: Any = None,
    **fields: Any,
) -> Row:
    body = {"action": action, **fields, **common}
    query = {"srv": srv, "api": api}
    return Row(label, "POST", "/", 200, {**(answer or {}), **DONE}, body, None, query, headers, effect)


def with_conversation(label: str, action: str, answer: Mapping[str, Any], **fields: Any) -> Row:
    return calling(
        label, "chatconversation", action, {"conversation": answer}, conversationid="{conversation}", **fields
    )


async def is_viewed(house: House, _response: httpx.Response) -> None:
    _, administrator = stations(house)
    await administrator.log_in()
    there = await administrator.conversation(house.names["alice"])
    last = (await administrator.download(there))["reports"][-1]
    assert (last["Type"], last["User"], last["MessageID"]) == ("viewed", house.names["alice"], MESSAGES[2]["ID"])


async def is_added(house: House, _response: httpx.Response) -> None:
    _, administrator = stations(house)
    await administrator.log_in()
    there = await administrator.conversation(house.names["alice"])
    assert (await administrator.download(there))["messages"] == [*MESSAGES, {**NEW, "Data": "RrO...PQ="}]


async def is_documented(house: House, response: httpx.Response) -> None:
    alice, administrator = stations(house)
    alice.user, administrator.user = house.names["alice"], ADMINISTRATOR
    match(reports(alice, administrator), response.json()["reports"])


def is_another_instance(instance: object) -> bool:
    return isinstance(instance, str) and re.fullmatch("[A-Za-z0-9]{10}", instance) is not None


CALLS = [
    calling(
        "Login",
        "chatlogin",
        "login",
        {
            "server": "2.0.0",
            "listeners": {"udp": str, "ws": str, "wss": str},
            "registration": "true",
            "rsakey": re.compile(
                "-----BEGIN RSA PRIVATE KEY-----\r\nProc-Type: 4,ENCRYPTED\r\nDEK-Info: AES-256-CFB,[0-9a-f]{32}\r\n\r\n"
                "[A-Za-z0-9+/=\r\n]+-----END RSA PRIVATE KEY-----\r\n"
            ),
            "userid": "{alice}",
            "fullname": "Alice",
            "nick": "Alice",
            "urls": dict,
        },
        headers=STATION,
        common={},
        apikey="{key}",
    ),
    calling("Availability", "chatavailability", "useravailable"),
    calling(
        "Friends / List",
        "chatfriends",
        "list",
        {
            "friends": {ADMINISTRATOR: "Administrator"},
            "availabilities": [
                {
                    "friendid": ADMINISTRATOR,
                    "friendname": "Administrator",
                    "publickey": re.compile("MIIBIjA[A-Za-z0-9+/]+IDAQAB"),
                    "availability": "unavailable",
                }
            ],
        },
    ),
    calling(
        "Report",
        "chatreports",
        "viewed",
        effect=is_viewed,
        conversationid="{conversation}",
        instance="{instance}",
        firstmessagedate="2024-03-11 07:29:55",
        lastmessagedate="2024-03-11 07:29:55",
        messageids=[MESSAGES[2]["ID"]],
    ),
    calling(
        "Notification",
        "chatnotification",
        "download",
        {
            "friendavailabilitesof": [],
            "conversationchangedof": ["{conversation}"],
            "conversationlistchangedof": ["{alice}"],
        },
        headers=STATION,
    ),
    calling("Conversation / List", "chatconversation", "list", {"conversations": [conversation()]}),
    calling(
        "Conversation / Partial download",
        "chatconversation",
        "downloadpartial",
        {"messages": MESSAGES[1:3], "reports": list},
        conversationid="{conversation}",
        instance="{instance}",
        lastmessagedate="2024-03-11 07:29:55",
        lastmessageid=MESSAGES[2]["ID"],
        lastreportdate="2024-03-11 07:23:46",
        lastreportid="8f34d3d8-2373-4707-8320-1382b46fb16d",
        limit=2,
    ),
    calling(
        "Conversation / Add",
        "chatconversation",
        "add",
        {"message": NEW},
        effect=is_added,
        conversationid="{conversation}",
        instance="{instance}",
        message='{\n\t"ID": "bd31713d-6f2b-4a58-9d5c-3f3b7a1f4c11",\n\t"Type": "Message",\n\t"Created": "2024-03-11 07:34:39",'
        '\n\t"ValidUntil": "2024-03-18 07:34:39",\n\t"Data": "RrO...PQ="\n}',
    ),
    with_conversation(
        "Conversation / Clear",
        "clear",
        conversation(instance=is_another_instance, lastmessageid="", lastreportid=""),
        instance="{instance}",
    ),
    with_conversation("Conversation / Favorite", "favorite", conversation(favoriteby=["{alice}"], isfavorite=True)),
    with_conversation("Conversation / Unfavorite", "unfavorite", conversation()),
    with_conversation(
        "Conversation / Change Color",
        "setlistitembackgroundcolor",
        conversation(listitembackgroundcolor="#bae1ff"),
        color="#bae1ff",
    ),
    calling(
        "Conversation / Download, to the letter of the document",
        "chatconversation",
        "download",
        {"messages": MESSAGES, "reports": list},
        effect=is_documented,
        conversationid="{conversation}",
        instance="{instance}",
        firstmessagedate="2024-03-08 15:37:00",
        firstmessageid="dbe07fce-f6c7-43bb-8860-1dac3ed0cf77",
        firstreportdate="2024-03-08 15:37:02",
        firstreportid="5dea31d4-af66-4762-94a1-30fda603c6b7",
    ),
    with_conversation("Conversation / Mute", "mute", conversation(mutedby=["{alice}"], ismuted=True)),
    with_conversation("Conversation / Unmute", "unmute", conversation()),
    with_conversation("Conversation / Hide", "hide", conversation(hideid="7sSwU2VoFM;"), hideid="7sSwU2VoFM;"),
    with_conversation("Conversation / Unhide", "unhide", conversation()),
    calling("Blocklist", "chatblocklist", "blocklist", {"blockedusers": [], "blockedconversations": []}),
    calling(
        "Workspace - register",
        "workspace",
        "workspaceregister",
        srv="chatowner",
        headers={name: value for name, value in HEADERS.items() if name != "Ozeki-Station"},
        common={},
        workspacename="alice.ozeki.chat",
    ),
]


@pytest.mark.parametrize("row", CALLS, ids=str)
async def test_a_call_is_answered_as_documented(house: House, row: Row) -> None:
    response = await row.check(house)
    assert response.headers["content-type"] == "application/json"


def arrives(*at: str, text: str = "Hello") -> Any:
    """The message is in the conversation of the HTTP user with the Administrator, at these stations and no others."""

    async def effect(house: House, _response: httpx.Response) -> None:
        sender = await house.core.users.key(house.tenant, "http_user")
        await house.core.relations.add(
            house.tenant, sender, [await house.core.users.key(house.tenant, "admin@ozeki.hu")]
        )
        for station in (ADMINISTRATOR_AT, PHONE):
            client = ChatClient(house.client, api_key(house, "admin@ozeki.hu"), station)
            await client.log_in()
            (row,) = [row for row in await client.conversations() if house.names["alice"] not in row["participantids"]]
            assert said(await client.download(row)) == ([text] if station in at else [])

    return effect


async def is_received(house: House, _response: httpx.Response) -> None:
    """An answer comes back with the same login."""
    await arrives(ADMINISTRATOR_AT, PHONE)(house, _response)
    _, administrator = stations(house)
    await administrator.log_in()
    (row,) = [r for r in await administrator.conversations() if house.names["alice"] not in r["participantids"]]
    await administrator.add(row, plain("Thank you"))
    assert await texts(house) == ["Thank you"]


def posting(label: str, to: str, body: Any, effect: Any = None, **more: Any) -> Row:
    message = {"to_address": to, "text": "Hello"}
    more.setdefault("headers", AS_HTTP_USER)
    return Row(
        label,
        "POST",
        "/api",
        200,
        body,
        json={"messages": [message]},
        query={"action": "sendmsg"},
        effect=effect,
        **more,
    )


def answered(to: str, status: str = "SUCCESS") -> Any:
    failed = status != "SUCCESS"
    message = {
        "message_id": str,
        "from_station": "%",
        "to_address": to,
        "to_station": "%",
        "text": "Hello",
        "create_date": str,
        "valid_until": str,
        "time_to_send": str,
        "submit_report_requested": True,
        "delivery_report_requested": False,
        "view_report_requested": False,
        "tags": [{"name": "Type", "value": "SMS:TEXT"}],
        "status": status,
    }
    if failed:
        del message["message_id"]
    counts = {"total_count": 1, "success_count": int(not failed), "failed_count": int(failed)}
    return {
        "http_code": 200,
        "response_code": "SUCCESS",
        "response_msg": "Messages queued for delivery.",
        "data": {**counts, "messages": [message]},
    }


EVERYWHERE = "admin@ozeki.hu@%"
REACHED = arrives(ADMINISTRATOR_AT, PHONE)
SENDS = [
    posting("one HTTP request, all stations", EVERYWHERE, answered(EVERYWHERE), REACHED),
    posting("and an answer received with the same login", EVERYWHERE, answered(EVERYWHERE), is_received),
    posting(
        "user@domain@station, one device",
        f"admin@ozeki.hu@{PHONE}",
        answered(f"admin@ozeki.hu@{PHONE}"),
        arrives(PHONE),
    ),
    posting(
        "user@domain@station, of nobody",
        "admin@ozeki.hu@nowhere",
        answered("admin@ozeki.hu@nowhere", "There is no station nowhere of this user"),
        arrives(),
    ),
    posting(
        "another password", EVERYWHERE, WRONG_LOGIN, arrives(), headers={"Authorization": basic("http_user", "no")}
    ),
    Row(
        "the command as post data of a form",
        "POST",
        "/api",
        200,
        re.compile(".*<statuscode>0</statuscode>.*", re.DOTALL),
        content=b"action=sendmessage&recipient=admin@ozeki.hu@%25&messagetype=SMS:TEXT&messagedata=Hello",
        headers={**AS_HTTP_USER, "Content-Type": "application/x-www-form-urlencoded"},
        effect=REACHED,
    ),
    Row(
        "the command in the address",
        "GET",
        "/api?action=sendmessage&username=http_user&password={password}&recipient=admin@ozeki.hu@%25&messagedata=Hello",
        200,
        re.compile(".*<statuscode>0</statuscode>.*", re.DOTALL),
        effect=REACHED,
    ),
    Row(
        "the command in OzML",
        "POST",
        "/api",
        200,
        content=b"<Response><SendMsg ToConnection='admin@ozeki.hu@%'>Hello</SendMsg></Response>",
        headers={**AS_HTTP_USER, "Content-Type": "application/xml"},
        effect=REACHED,
    ),
]


@pytest.mark.parametrize("row", SENDS, ids=str)
async def test_a_message_is_sent_as_documented(house: House, row: Row) -> None:
    phone = ChatClient(house.client, api_key(house, "admin@ozeki.hu"), PHONE)
    await phone.log_in()
    await row.check(house)
