"""Requests to all that Applozic's dialect serves: nearly right, and not right at all; and everything that reads a message."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import applozic
from adapters.applozic import content
from adapters.applozic.rows import Readers, Thread, array
from adapters.contract import Route
from adapters.files import FileAddresses
from core.ids import Ids, new_file_id
from core.model import Message, MessageKind, Stored, Tenant
from tests.adapters.applozic.conftest import as_bot, as_user, ask, settle
from tests.adapters.applozic.test_refusals import is_refusal
from tests.fuzz import cases, values
from tests.harness import House, open_house
from tests.servers import Engine

ADAPTER = applozic.create({})
TENANT = Tenant(7, "tenant", bytes(range(32)))
IDS = Ids(TENANT.secret, 1)
FILES = FileAddresses(TENANT, "http://gateway.test", "/rest/ws/aws/file/", "secret")
ROUTES = [route for route in ADAPTER.routes if "message" in route.path or "conversation" in route.path]
KNOWN = ["alice", "bob", "carol", "{group}", "tea", "{key}", "{group_key}", "{topic}", "{virtual}", "1750000000000"]
CREDENTIALS: tuple[Mapping[str, str], ...] = (as_user("alice"),) * 8 + (as_bot("alice"), as_bot("bob"), as_bot(""))
META = {"url": FILES.prefix + new_file_id(7), "name": "a.png", "size": "5", "contentType": "image/png", "blobKey": "b"}
SENT = {"to": "bob", "message": "hi", "contentType": 0, "metadata": {"category": "x"}, "fileMeta": META, "key": "k"}
BODIES: tuple[dict[str, Any], ...] = (
    SENT,
    {**SENT, "groupId": "{group}"},
    {"clientGroupId": "tea", "message": "hi", "conversationId": "{topic}"},
    {"userNames": ["bob", "carol"], "clientGroupIds": ["tea"], "messageObject": {"message": "hi"}},
    {"senderName": "alice", "to": "bob", "message": "hi", "oldTimestamp": 1, "conversationPxy": {"topicId": "t"}},
    {"key": "{key}", "metadata": {"a": "b"}, "days": 3},
    {"topicId": "t", "topicDetail": "{}", "userId": "bob", "status": "NEW"},
)
QUERY = {
    "userId": "bob",
    "groupId": "{group}",
    "key": "{key}",
    "keys": "{group_key}",
    "startIndex": "0",
    "mainPageSize": "5",
    "pageSize": "5",
    "endTime": "1750000000005",
    "lastSyncTime": "5",
    "conversationReq": "true",
    "conversationId": "{topic}",
    "deleteForAll": "true",
    "days": "1",
}


def fields_of(route: Route) -> st.SearchStrategy[str]:
    return st.sampled_from([*values.words_of_route(route), *QUERY, *SENT])


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    route = draw(st.sampled_from(ROUTES))
    fields = fields_of(route)
    texts = values.names(KNOWN) | fields
    printable = texts.map(lambda text: text.encode(errors="replace").decode())
    query = {name: QUERY[name] for name in draw(st.sets(st.sampled_from(sorted(QUERY)), max_size=4))}
    query |= draw(st.dictionaries(fields, printable, max_size=2))
    body: Any = None
    if route.method == "POST":
        wild = values.json_values(texts, fields)
        body = draw(values.mutated(draw(st.sampled_from(BODIES)), wild, fields) | wild)
    return {
        "method": route.method,
        "path": route.path,
        "query": query,
        "body": body,
        "headers": draw(st.sampled_from(CREDENTIALS)),
    }


@pytest.fixture
async def house(embedded_engine: Engine) -> AsyncIterator[House]:
    async with open_house(embedded_engine.url, [ADAPTER]) as house:
        await settle(house)
        group = {"groupName": "Tea", "clientGroupId": "tea", "groupMemberList": ["bob"]}
        made = (await ask(house, "alice", "POST", "group/v2/create", json=group))["response"]
        wanted = {"topicId": "t", "userId": "bob"}
        topic = (await ask(house, "alice", "POST", "conversation/v2/id", json=wanted))["response"]
        house.names |= {
            "group": str(made["id"]),
            "topic": str(topic["conversationPxy"]["id"]),
            "virtual": str(topic["id"]),
        }
        for name, body in (("key", {"to": "bob"}), ("group_key", {"clientGroupId": "tea"})):
            sent = await ask(house, "alice", "POST", "message/v2/send", json={**body, "message": "hi"})
            house.names[name] = sent["messageKey"]
        yield house


@cases(400)
@given(request=requests())
async def test_whatever_is_sent_is_answered_as_the_vendor_would(house: House, request: dict[str, Any]) -> None:
    query, body = json.loads(_filled(json.dumps([request["query"], request["body"]]), house.names))
    headers = {name: _filled(value, house.names) for name, value in request["headers"].items()}
    content = json.dumps(body).encode() if request["body"] is not None else None
    response = await house.client.request(
        request["method"], request["path"], params=query, content=content, headers=headers
    )
    assert response.status_code < 500, response.text
    assert response.status_code == 200 or is_refusal(response), response.text


def _filled(text: str, names: Mapping[str, str]) -> str:
    for name in ("app", "alice", "bob", "bot", "group_key", "group", "key", "topic", "virtual"):
        text = text.replace("{" + name + "}", names.get(name, name))
    return text


FIELDS = st.sampled_from(values.words_of_module(content))
JSON = values.json_values(values.LEGIBLE | FIELDS, FIELDS | values.LEGIBLE)


@cases(500)
@given(body=values.mutated(SENT, JSON, FIELDS))
def test_every_body_is_a_message_that_reads_back(body: dict[str, Any]) -> None:
    try:
        # What no JSON parser lets in: NaN, numbers beyond 64 bits.
        body = orjson.loads(orjson.dumps(body))
    except orjson.JSONEncodeError:
        return
    said = content.read(body, FILES, [])
    packed = msgspec.msgpack.encode(
        Message("alice", said.content, "applozic", said.extension, leftovers=said.leftovers)
    )
    message = msgspec.msgpack.decode(packed, type=Message)
    stored = Stored(IDS.message(5, 0, 1), 1, 1_750_000_000_000, MessageKind.MESSAGE, message)
    readers = Readers(IDS, {"alice": 5}, FILES)
    for thread in (Thread("alice", "bob"), Thread("bob", "alice"), Thread("bob", group=5, client_group_id="tea")):
        (row,) = json.loads(array([stored], thread, readers).json)
        kept = content.canonical(body, [])
        assert {name: row[name] for name in ("message", "contentType", "source", "metadata")} == {
            name: kept[name] for name in ("message", "contentType", "source", "metadata")
        }
