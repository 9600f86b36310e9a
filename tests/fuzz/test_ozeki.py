"""Requests of Ozeki's HTTP API users: nearly right, and not right at all, in all styles."""

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import ozeki
from adapters.ozeki import ids
from adapters.ozeki.content import given_fields
from adapters.ozeki.wire import read_date
from core.ids import Ids
from core.names import is_legal
from tests.adapters.ozeki.conftest import says, sent, settle
from tests.fuzz import cases, values
from tests.harness import House, open_house
from tests.servers import Engine

ADAPTER = ozeki.create({})
FIELDS = st.sampled_from(values.words_of_dialect(ADAPTER))
KNOWN = ["ann", "bob", "http_user", "ann@DOMAIN@%", "MESSAGE", "sent-1", "inbox", "sent", "outbox", "notsent", "2"]
TEXTS = values.names(KNOWN) | FIELDS
MESSAGE = {
    "message_id": "1",
    "to_address": "ann@DOMAIN@%",
    "text": "Hello",
    "create_date": "2025-06-15T15:06:40",
    "valid_until": "2025-06-22 15:06:40",
    "time_to_send": "2025-06-15T15:06:40",
    "view_report_requested": True,
    "tags": [{"name": "a", "value": "b"}],
}
QUERY = {"recipient": "ann,bob", "messagedata": "Hi", "messagecount": "2", "recipient0": "ann", "folder": "inbox"}
ZONE = ZoneInfo("Europe/Budapest")
WILD = values.json_values(TEXTS, FIELDS)


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    action = draw(
        st.sampled_from(["sendmsg", "receivemsg", "deletemsg", "markmsg", "sendmessage", "receivemessage", ""])
    )
    name = draw(st.sampled_from(["action", "action", "Action", "command"]))
    printable = TEXTS.map(lambda text: text.encode(errors="replace").decode())
    query = {name: action, **draw(st.dictionaries(FIELDS | st.sampled_from(sorted(QUERY)), printable, max_size=3))}
    if "message" in action:
        query |= {key: QUERY[key] for key in draw(st.sets(st.sampled_from(sorted(QUERY)), max_size=4))}
    message = values.mutated(MESSAGE, WILD, FIELDS)
    body = st.one_of(
        st.fixed_dictionaries({"messages": st.lists(message, max_size=3)}),
        st.fixed_dictionaries({"folder": TEXTS, "message_ids": st.lists(TEXTS, max_size=4)}),
        WILD,
    ).map(lambda value: json.dumps(value).encode())
    xml = TEXTS.map(
        lambda text: f"<Response><SendMsg ToAddress='ann'>{text}</SendMsg></Response>".encode(errors="replace")
    )
    form = st.dictionaries(FIELDS, printable, max_size=4).map(lambda fields: urlencode(fields).encode())
    content = draw(body | xml | form | st.binary(max_size=30))
    media_types = ["application/json", "application/x-www-form-urlencoded", "text/xml", "", "text/plain"]
    return {
        "method": draw(st.sampled_from(["POST", "POST", "GET"])),
        "params": query,
        "content": content,
        "headers": {"Content-Type": draw(st.sampled_from(media_types)), "Authorization": "LOGIN"},
    }


@pytest.fixture
async def house(embedded_engine: Engine) -> AsyncIterator[House]:
    async with open_house(embedded_engine.url, [ADAPTER]) as house:
        await settle(house)
        receipt = await says(house, "ann", "http_user", "Hello")
        await sent(house, "ann", "Hello", message_id="sent-1")
        house.names["MESSAGE"] = house.core.ids(house.tenant).uuid(receipt.id)
        yield house


def code_of(response: httpx.Response) -> int:
    """What the answer says happened; 200 when all is well."""
    if response.headers["content-type"] == "application/json":
        body = response.json()
        return int(body["response"]["data"]["errorcode"] if "response" in body else body["http_code"])
    root = ET.fromstring(response.content)  # noqa: S314  # of our own making
    return int(root.findtext("data/errorcode") or root.findtext("Code") or 200)


@cases(400)
@given(request=requests())
async def test_whatever_is_sent_is_answered_as_the_vendor_would(house: House, request: dict[str, Any]) -> None:
    house.manual_clock.move(100)
    request["headers"]["Authorization"] = house.names["basic"]
    for name in ("DOMAIN", "MESSAGE"):
        real = house.names["domain" if name == "DOMAIN" else name]
        request["content"] = request["content"].replace(name.encode(), real.encode())
        request["params"] = {key: value.replace(name, real) for key, value in request["params"].items()}
    response = await house.client.request(url="/api", **request)
    if request["params"].get("action") == "getfile":
        assert response.status_code < 500
        return
    assert response.status_code == 200, f"{response.status_code} {response.text}"
    assert code_of(response) in (200, 300, 400, 404, 405, 1157), response.text


@cases(300)
@given(
    entry=st.dictionaries(st.sampled_from(sorted(MESSAGE)), WILD, max_size=8),
    text=TEXTS,
    domain=st.sampled_from(["a", "b.a"]),
)
def test_what_is_read_is_read_or_left_out(entry: dict[str, Any], text: str, domain: str) -> None:
    given_fields(entry, ZONE, [])
    read_date(text, ZONE)
    if is_legal(text):
        assert ids.address_of(ids.full_address(text, domain), domain) == ids.Address(text)
    number = ids.own_number(Ids(b"secret", 1), text)
    assert number is None or ids.group_id(Ids(b"secret", 1), number) == text
