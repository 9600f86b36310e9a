"""Requests made from the OpenAPI documents of both dialects, to one gateway that speaks both: by schemathesis, which knows what the
documents allow and what they don't, and by our own hand, which knows the fields that modules speak of and bodies that are nearly
right.

The requests change what there is, for those behind them too: users go, groups are closed. So the users, a group and some
messages are made anew every now and then.
"""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import schemathesis
from hypothesis import given
from hypothesis import strategies as st
from schemathesis.core.result import Ok

from adapters import chat21, easemob
from adapters.chat21.ids import number_id
from adapters.contract import Adapter
from tests.adapters.chat21 import conftest as chat21_house
from tests.adapters.chat21.test_refusals import is_refusal as is_chat21_refusal
from tests.adapters.easemob import conftest as easemob_house
from tests.adapters.easemob.sending import new_group, send
from tests.adapters.easemob.test_refusals import is_refusal as is_easemob_refusal
from tests.documents import FOLDER, openapi
from tests.fuzz import cases, values
from tests.harness import House, Row, open_house
from tests.servers import Engine

OPTIONS = {"easemob": {"broadcast": True}, "chat21": {}}
ADAPTERS: Mapping[str, Adapter] = {
    "easemob": easemob.create(OPTIONS["easemob"]),
    "chat21": chat21.create(OPTIONS["chat21"]),
}
IS_REFUSAL: Mapping[str, Callable[[httpx.Response], bool]] = {
    "easemob": is_easemob_refusal,
    "chat21": is_chat21_refusal,
}
USERS = ("ann", "bob", "cem", "dua")
_NAMES = ["{ann}", "{bob}", "{cem}", "{dua}"]
KNOWN = [*_NAMES, *_NAMES, "{easemob_group}", "{chat21_group}", "{easemob_message}", "{chat21_message}", "{room}"]
RENEWED_EVERY = 40

CREDENTIALS: Mapping[str, tuple[str, ...]] = {
    "easemob": ("Bearer {easemob_token}",) * 20
    + ("Bearer {easemob_ann}",) * 4
    + ("Bearer", "Basic e30=", "Bearer YWMtAA"),
    "chat21": ("{chat21_ann}",) * 16 + ("{chat21_admin}",) * 8 + ("JWT {chat21_bob}", "Bearer x", "e30.e30.e30"),
}
MEDIA_TYPES = ("application/json",) * 9 + ("", "text/plain", "application/x-www-form-urlencoded")
PARTS: Mapping[str, Mapping[str, list[str]]] = {
    "easemob": {
        "org": ["{org}"],
        "app": ["{easemob_app}"],
        "group": ["{easemob_group}"],
        "message": ["{easemob_message}"],
        "time": ["2025061523", "2025061600"],
    },
    "chat21": {
        "app": ["{chat21_app}"],
        "user": ["{ann}", "{ann}", "{ann}", "{bob}"],
        "group": ["{chat21_group}"],
        "with": [*_NAMES, "{chat21_group}"],
        "recipient": [*_NAMES, "{chat21_group}"],
    },
}
"""What a path's parts are mostly filled with; others are users."""
HELD = frozenset(KNOWN).union(*(known for parts in PARTS.values() for known in parts.values()))
_MSG = {"type": "txt", "msg": "hello"}
_FILE = {"type": "img", "url": "https://files.example/a", "filename": "a.jpg", "size": {"width": 480, "height": 720}}
_CUSTOM = {"type": "custom", "customEvent": "gift", "customExts": {"name": "tea", "count": 2}}
_DESCRIPTION = {"src": "https://files.example/a", "width": 480, "height": 720, "type": "image/jpeg"}
_SENT = {
    "sender_fullname": "Ann",
    "recipient_id": "{bob}",
    "recipient_fullname": "Bob",
    "text": "hello",
    "type": "text",
}
BODIES: Mapping[str, tuple[dict[str, Any], ...]] = {
    "easemob messages": (
        {"target_type": "users", "target": ["{bob}", "{cem}"], "msg": _MSG, "from": "{ann}", "ext": {"a": 1}},
        {"target_type": "chatgroups", "target": ["{easemob_group}"], "msg": _FILE, "from": "{ann}"},
        {"target": ["{bob}"], "from": "{ann}", "to": ["{bob}"], "type": "custom", "body": _CUSTOM, "msg": _CUSTOM},
        {"to": ["{easemob_group}"], "from": "{ann}", "type": "txt", "body": {"msg": "hello"}, "users": ["{bob}"]},
        {"new_msg": {"type": "txt", "msg": "other"}, "msg_id": "{easemob_message}", "to": "{bob}", "from": "{ann}"},
        {"chat_type": "chat", "msg_id": "{easemob_message}", "to": "{bob}", "from": "{ann}", "force": True},
    ),
    "easemob users": (
        {"username": "eva", "password": "1", "nickname": "Eva", "newpassword": "2"},
        {"targets": ["{ann}", "{bob}"], "properties": ["a", "b"]},
    ),
    "easemob contacts": ({"usernames": ["{bob}"], "remark": "b", "reason": "r"},),
    "easemob blocks": ({"usernames": ["{bob}", "{cem}"]},),
    "easemob presence": ({"usernames": ["{bob}", "{cem}"]},),
    "easemob tokens": ({"grant_type": "client_credentials", "client_id": "{client_id}", "client_secret": "1"},),
    "easemob groups": (
        {"groupname": "g", "desc": "d", "public": True, "owner": "{ann}", "members": ["{bob}"], "maxusers": 10},
        {"usernames": ["{bob}", "{cem}"], "mute_duration": 1000, "newadmin": "{bob}", "announcement": "a"},
        {"newowner": "{bob}"},
        {"usernames": ["{dua}"], "message": "m", "applicant": "{dua}", "verifyResult": True},
    ),
    "easemob rooms": ({"name": "r", "description": "d", "owner": "{ann}", "members": ["{bob}"], "maxusers": 10},),
    "chat21 messages": (
        _SENT,
        {**_SENT, "type": "image", "metadata": _DESCRIPTION, "attributes": {"a": 1}},
        {**_SENT, "recipient_id": "{chat21_group}", "channel_type": "group"},
    ),
    "chat21 groups": (
        {"group_name": "g", "group_members": {"{bob}": 1, "{cem}": 1}, "member_id": "{cem}", "members": {"{bob}": 1}},
    ),
}


@st.composite
def requests(draw: st.DrawFn, dialect: str) -> tuple[str, Row]:
    """A request to one of a dialect's operations, with bodies that are nearly right."""
    path, method, operation = draw(st.sampled_from(OPERATIONS[dialect]))
    texts = TEXTS[dialect]
    fields = st.sampled_from(operation["words"]) | FIELDS[dialect]
    parts = {part["name"]: texts for part in operation["parameters"] if part["in"] == "path"}
    path = _path(draw, dialect, path, parts)
    printable = texts.map(lambda text: text.encode(errors="replace").decode())
    query = draw(st.dictionaries(fields, printable, max_size=3)) if draw(st.booleans()) else {}
    body, content = None, None
    if "requestBody" in operation or draw(st.integers(0, 9)) == 0:
        wild = values.json_values(texts, fields)
        bases = BODIES.get(f"{dialect} {operation['tags'][0]}", ({},))
        body = draw(values.mutated(draw(st.sampled_from(bases)), wild, fields) if draw(st.integers(0, 4)) else wild)
        if draw(st.integers(0, 20)) == 0:
            body, content = None, draw(st.binary(max_size=20))
    headers = {"Content-Type": draw(st.sampled_from(MEDIA_TYPES)), **_credential(draw, dialect)}
    if draw(st.integers(0, 9)) == 0:
        headers["Idempotency-Key"] = draw(st.sampled_from(["a", "b", "", "c" * 300]))
    row = Row(operation["operationId"], method, path, 0, json=body, content=content, query=query, headers=headers)
    return dialect, row


@st.composite
def documented(draw: st.DrawFn, dialect: str) -> tuple[str, Row]:
    """A request that the published document of a dialect allows, or one that it just does not. The document does not say who
    there is, and has no token: most requests get both."""
    operation = draw(st.sampled_from(DOCUMENTED[dialect]))
    case = draw(operation.as_strategy(generation_mode=draw(st.sampled_from(MODES))))
    parts = {name: st.just(str(value)) for name, value in case.path_parameters.items()}
    sent = case.as_transport_kwargs(base_url="http://gateway.test")
    query = {name: value if isinstance(value, str) else json.dumps(value) for name, value in sent["params"].items()}
    content = json.dumps(sent["json"]).encode() if "json" in sent else sent.get("data")
    media_type = sent["headers"].get("Content-Type")
    headers = {**({"Content-Type": media_type} if media_type else {}), **_credential(draw, dialect)}
    path = _path(draw, dialect, operation.path, parts)
    return dialect, Row(operation.label, case.method, path, 0, content=content, query=query, headers=headers)


def _path(draw: st.DrawFn, dialect: str, path: str, parts: Mapping[str, st.SearchStrategy[str]]) -> str:
    """The path with its parts filled in: mostly with what there is, else with these texts."""
    for name, texts in parts.items():
        known = ["{room}"] if name == "group" and "chatroom" in path else PARTS[dialect].get(name, _NAMES)
        value = draw(st.sampled_from(known) if draw(st.integers(0, 15)) else texts)
        value = value.encode(errors="replace").decode()
        # A client resolves dots in paths before it sends them.
        value = value if value in HELD else quote(value, safe="").replace(".", "%2E") or "a"
        path = path.replace("{" + name + "}", value, 1)
    return path


def _credential(draw: st.DrawFn, dialect: str) -> dict[str, str]:
    """A header with a credential, mostly one that verifies; sometimes none."""
    return {"Authorization": draw(st.sampled_from(CREDENTIALS[dialect]))} if draw(st.integers(0, 29)) else {}


def _operations(adapter: Adapter) -> list[tuple[str, str, dict[str, Any]]]:
    """Path, method and what the document says of each operation, with the words of the module that answers it."""
    by_id = {openapi.operation_id(route): values.words_of_route(route) for route in adapter.routes}
    return [
        (path, method.upper(), {**operation, "words": by_id[operation["operationId"]]})
        for path, methods in openapi.document(adapter)["paths"].items()
        for method, operation in methods.items()
    ]


def _documented(name: str) -> list[schemathesis.schemas.APIOperation[Any, Any, Any, Any]]:
    schema = schemathesis.openapi.from_dict(json.loads((FOLDER / "openapi" / f"{name}.json").read_text()))
    found = list(schema.get_all_operations())
    operations = [each.ok() for each in found if isinstance(each, Ok)]
    assert len(operations) == len(found) == len(ADAPTERS[name].routes)
    return operations


DOCUMENTED = {name: _documented(name) for name in ADAPTERS}
MODES = (schemathesis.GenerationMode.POSITIVE,) * 3 + (schemathesis.GenerationMode.NEGATIVE,)
OPERATIONS = {name: _operations(adapter) for name, adapter in ADAPTERS.items()}
FIELDS = {name: st.sampled_from(values.words_of_dialect(adapter)) for name, adapter in ADAPTERS.items()}
TEXTS = {name: values.names(KNOWN) | fields for name, fields in FIELDS.items()}


@pytest.fixture
async def house(embedded_engine: Engine) -> AsyncIterator[House]:
    async with open_house(embedded_engine.url, list(ADAPTERS.values())) as house:
        await easemob_house.settle(house)
        house.names["easemob_app"] = house.names["app"]
        await chat21_house.settle(house)
        house.names["chat21_app"] = house.names["app"]
        house.names["cases"] = "0"
        await renew(house, 0)
        yield house


async def renew(house: House, number: int) -> None:
    """Users whom nobody has touched, with their tokens, a group and messages."""
    names = house.names
    # An erased user, for one, makes a tenant of a newer version.
    tenant = await house.core.tenants.find(house.tenant.name)
    assert tenant is not None
    house.tenant = tenant
    application, now = names["chat21_app"], house.clock.now() // 1000
    for user in USERS:
        names[user] = f"{user}{number}"
        await house.core.users.register(house.tenant, names[user], folded=True)
        claims = chat21_house.stock_claims(names[user], application) | {"exp": now + 86_400}
        names[f"chat21_{user}"] = chat21_house.signed(names["secret"], claims)
    claims = chat21_house.stock_claims("100-APIADMIN", application, "admin") | {"exp": now + 86_400}
    names["chat21_admin"] = chat21_house.signed(names["secret"], claims)
    adapter, own = house.adapters["easemob"], house.application("easemob").name
    names["easemob_token"] = await adapter.mint(house.core, house.tenant, own, None, True, 86_400)
    names["easemob_ann"] = await adapter.mint(house.core, house.tenant, own, names["ann"], False, 86_400)
    members = [names[user] for user in USERS[:3]]
    names["easemob_group"], group = await new_group(house, *members)
    names["chat21_group"] = number_id(house.core.ids(house.tenant), group)
    names["room"], _ = await new_group(house, *members, room=True)
    house.names["token"] = names["easemob_token"]
    names["easemob_message"] = await send(house, names["ann"], names["bob"])
    names["chat21_message"] = house.core.ids(house.tenant).uuid(int(names["easemob_message"]))


async def check(house: House, case: tuple[str, Row]) -> None:
    """Send the request: no failure of the gateway's own, and refusals in the vendor's form."""
    dialect, row = case
    house.names["cases"] = str(int(house.names["cases"]) + 1)
    if int(house.names["cases"]) % RENEWED_EVERY == 0:
        await renew(house, int(house.names["cases"]) // RENEWED_EVERY)
    # A conversation can take one message a millisecond; tokens, mutes and the like end as time goes by.
    house.manual_clock.move(100)
    response = await row.send(house)
    assert response.status_code < 500, f"{response.status_code} {response.text}"
    assert response.status_code < 400 or IS_REFUSAL[dialect](response), f"a foreign shape: {response.text}"


# The one has seven times as many operations as the other.
DIALECTS = st.sampled_from(("easemob",) * 4 + ("chat21",))


@cases(600)
@given(case=DIALECTS.flatmap(requests))
async def test_whatever_is_sent_is_answered_as_the_vendor_would(house: House, case: tuple[str, Row]) -> None:
    await check(house, case)


@cases(300)
@given(case=DIALECTS.flatmap(documented))
async def test_what_the_documents_allow_and_what_not_is_answered_as_the_vendor_would(
    house: House, case: tuple[str, Row]
) -> None:
    await check(house, case)
