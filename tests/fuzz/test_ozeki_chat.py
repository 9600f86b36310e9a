"""Requests of Ozeki's chat clients: nearly right, and not right at all."""

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import ozeki
from tests.adapters.ozeki.chat_client import TIMESTAMP, plain
from tests.adapters.ozeki.chats import chat_house, talking
from tests.adapters.ozeki.test_chat_refusals import is_refusal
from tests.fuzz import cases, values
from tests.harness import House
from tests.servers import Engine

ADAPTER = ozeki.create({})
ROUTES = [route for route in ADAPTER.routes if route.call.startswith("srv=")]
FIELDS = st.sampled_from(values.words_of_dialect(ADAPTER))
KNOWN = ["CONVERSATION", "INSTANCE", "MESSAGE", "OURS", "ALICE", "BOB", TIMESTAMP, plain("hi"), "#bae1ff", "x;y"]
TEXTS = values.names(KNOWN) | FIELDS
GOOD = {
    "conversationid": "CONVERSATION",
    "instance": "INSTANCE",
    "message": {"ID": "MESSAGE", "Type": "Message", "Created": TIMESTAMP, "ValidUntil": TIMESTAMP, "Data": plain("hi")},
    "messageids": ["MESSAGE", "OURS"],
    "color": "#bae1ff",
    "hideid": "INSTANCE;MESSAGE",
    "limit": 2,
    "firstmessageid": "OURS",
    "lastmessageid": "MESSAGE",
    "firstmessagedate": TIMESTAMP,
    "lastreportdate": TIMESTAMP,
    "apikey": "APIKEY",
    "workspacename": "alice.ozeki.chat",
    "clientversioncode": 3,
    "timestamp": TIMESTAMP,
}
WILD = values.json_values(TEXTS, FIELDS)


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    named = dict(parse_qsl(draw(st.sampled_from(ROUTES)).call))
    body = draw(values.mutated({"action": named.pop("action"), **GOOD}, WILD, FIELDS))
    content = draw(st.just(json.dumps(body).encode()) | st.just(json.dumps(body).encode()) | st.binary(max_size=30))
    headers = {"Ozeki-Station": "STATION", "Ozeki-User": "ALICE", "Ozeki-Signature": "x"}
    if draw(st.integers(0, 9)) == 0:
        headers[draw(st.sampled_from(sorted(headers)))] = draw(st.sampled_from(["", "BOB", "x", "0" * 32, "é"]))
    return {"params": named, "content": content, "headers": headers}


@pytest.fixture
async def house(embedded_engine: Engine) -> AsyncIterator[House]:
    async with chat_house(embedded_engine) as house:
        alice, bob, conversation = await talking(house)
        message = await bob.add(conversation, plain("hi"))
        ours = house.core.ids(house.tenant).uuid(1 << 62 | 5)
        house.names |= {
            "CONVERSATION": conversation["id"],
            "INSTANCE": conversation["instance"],
            "MESSAGE": message["ID"],
            "OURS": ours,
            "ALICE": alice.user,
            "BOB": bob.user,
            "STATION": alice.station,
            "APIKEY": alice.api_key,
        }
        yield house


@cases(400)
@given(request=requests())
async def test_whatever_is_sent_is_answered_as_the_vendor_would(house: House, request: dict[str, Any]) -> None:
    house.manual_clock.move(100)
    for name, real in house.names.items():
        request["content"] = request["content"].replace(name.encode(), real.encode())
        request["headers"] = {key: value.replace(name, real) for key, value in request["headers"].items()}
    headers = {name: value.encode() for name, value in request["headers"].items()}
    response = await house.client.post("/", params=request["params"], content=request["content"], headers=headers)
    assert response.status_code == 200, f"{response.status_code} {response.text}"
    body = response.json()
    if body["status"] == "OK":
        assert body["errormessage"] == ""
    else:
        assert is_refusal(response), body
        assert body["errormessage"] not in ("", "An internal error happened")
        assert "store" not in body["errormessage"]
