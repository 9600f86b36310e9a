"""Every example of the user's own document that concerns what works here, as it stands there: the bodies letter by letter,
to the vendor's host, with only the token replaced."""

from typing import Any

import pytest

from core.messages import Query
from core.model import Credential, Image, Text
from tests.adapters.easemob.shapes import ILLEGAL_ARGUMENT, SECURITY, error
from tests.harness import House, match

TEXT = '{"target_type": "users", "target": ["user2", "user3"], "msg": {"type": "txt", "msg": "testmessage"}, "from": "user1"}'
IMAGE = '{"target_type":"users","target":["user2"],"from":"user1","msg":{"type":"img","filename":"testimg.jpg","secret":"VfEpSmSvEeS7yU8dwa9rAQc-DIL2HhmpujTNfSTsrDt6eNb_","url":"https://a1.easecdn.com/chat-demo/testapp/chatfiles/55f12940-64af-11e4-8a5b-ff2336f03252","size":{"width":480,"height":720}}}'
EXTENDED = '{"target_type":"users","target":["user2","user3"],"msg":{"type":"txt","msg":"testmessage"},"from":"user1","ext":{"attr1":"test"}}'
LOCATION = '{"target_type": "users","target": ["user2"],"msg": {"type": "loc","lat": "39.966","lng":"116.322",."addr":"中国北京市海淀区中关村"},"from": "user1"}'
TOKEN = "YWMtP5n9zvOQEei7KclxPqJTkgAAAAAAAAAAAAAAAAAAGL4CTw6XgR6LaXXVmNX4QCAgMAAAFnXcBpfQBPGgDC09w5IdrfqG_H8_F53VLVTG0_82GXyEF8ZdMCt9-UpQ "


@pytest.fixture
async def seed_token(house: House) -> str:
    """A token of the document's own application."""
    name = "chat-demo#testapp"
    credential = Credential("client", "id", "secret")
    house.tenant = await house.core.tenants.add_credential(house.tenant.name, "easemob", name, credential)
    return await house.adapters["easemob"].mint(house.core, house.tenant, name, None, True, 60)


async def post(house: House, token: str, body: str, scheme: str = "https") -> Any:
    """What curl sends: the body as a form, unless the example says otherwise."""
    return await house.client.post(
        f"{scheme}://a1.easecdn.com/chat-demo/testapp/messages",
        content=body.encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/x-www-form-urlencoded"},
    )


async def last(house: House, receiver: str) -> Any:
    page = await house.core.messages.direct_page(house.tenant, "user1", receiver, Query(10))
    (stored,) = page.messages
    return stored


SENDS = [
    pytest.param(TEXT, ["user2", "user3"], Text("testmessage"), None, id="text"),
    pytest.param(
        IMAGE,
        ["user2"],
        Image(
            url="https://a1.easecdn.com/chat-demo/testapp/chatfiles/55f12940-64af-11e4-8a5b-ff2336f03252",
            name="testimg.jpg",
            secret="VfEpSmSvEeS7yU8dwa9rAQc-DIL2HhmpujTNfSTsrDt6eNb_",
            width=480.0,
            height=720.0,
        ),
        None,
        id="image",
    ),
    pytest.param(EXTENDED, ["user2", "user3"], Text("testmessage"), {"attr1": "test"}, id="extended"),
]


@pytest.mark.parametrize(("body", "receivers", "content", "extension"), SENDS)
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_sending(
    body: str, receivers: list[str], content: object, extension: object, scheme: str, house: House, seed_token: str
) -> None:
    response = await post(house, seed_token + " ", body, scheme)
    assert response.status_code == 200
    expected = {
        "action": "post",
        "application": str,
        "path": "/messages",
        "uri": f"{scheme}://a1.easecdn.com/chat-demo/testapp/messages",
        "entities": [],
        "data": dict.fromkeys(receivers, "success"),
        "timestamp": int,
        "duration": int,
        "organization": "chat-demo",
        "applicationName": "testapp",
    }
    match(expected, response.json())
    for receiver in receivers:
        stored = await last(house, receiver)
        message = stored.message
        assert (message.sender, message.content, message.extension) == ("user1", content, extension)
        assert (message.dialect, message.leftovers) == ("easemob", None)


async def test_the_location_with_a_stray_point_is_not_json(house: House, seed_token: str) -> None:
    response = await post(house, seed_token, LOCATION)
    assert response.status_code == 400
    column = LOCATION.index('."addr"') + 2
    text = (
        "Unexpected character ('.' (code 46)): was expecting double-quote to start field name\n"
        f" at [Source: java.io.BufferedInputStream@7ba7eef2; line: 1, column: {column}]"
    )
    match(error("json_parse", "org.codehaus.jackson.JsonParseException", text), response.json())


async def test_a_structure_error(house: House, seed_token: str) -> None:
    """The document shows its parser's complaint for line 11, column 2: a comma before the last brace."""
    body = (
        '{\n"target_type": "users",\n"target": [\n"user2",\n"user3"\n],\n"msg": {\n"type": "txt",\n"msg": "testmessage"},\n'
        '"from": "user1",\n}'
    )
    response = await post(house, seed_token, body)
    assert response.status_code == 400
    text = (
        "Unexpected character ('}' (code 125)): was expecting double-quote to start field name\n"
        " at [Source: java.io.BufferedInputStream@7ba7eef2; line: 11, column: 2]"
    )
    match(error("json_parse", "org.codehaus.jackson.JsonParseException", text), response.json())


async def test_no_target_type(house: House, seed_token: str) -> None:
    response = await post(house, seed_token, '{"target":["user2"],"msg":{"type":"txt","msg":"x"}}')
    assert response.status_code == 400
    match(error("illegal_argument", ILLEGAL_ARGUMENT, "target_type must be provided"), response.json())


async def test_a_corrupt_token(house: House, seed_token: str) -> None:
    response = await post(house, TOKEN, TEXT)
    assert response.status_code == 401
    text = "Unable to authenticate due to corrupt access token"
    match(error("auth_bad_access_token", SECURITY, text), response.json())


async def test_no_token(house: House, seed_token: str) -> None:
    response = await post(house, "", TEXT)
    assert response.status_code == 401
    match(error("unauthorized", "ChatSecurityException", "Unable to authenticate (OAuth)"), response.json())
