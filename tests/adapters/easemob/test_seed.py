"""Every example of the user's own document, as it stands there: the bodies letter by letter,
to the vendor's host, with only the token replaced."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from adapters.easemob.content import write
from core.messages import Query
from core.model import EVERY_KIND, Audio, Credential, Custom, Image, Location, Signal, Text, Video
from tests.adapters.easemob.shapes import ILLEGAL_ARGUMENT, SECURITY, error
from tests.harness import House, match

TEXT = '{"target_type": "users", "target": ["user2", "user3"], "msg": {"type": "txt", "msg": "testmessage"}, "from": "user1"}'
IMAGE = '{"target_type":"users","target":["user2"],"from":"user1","msg":{"type":"img","filename":"testimg.jpg","secret":"VfEpSmSvEeS7yU8dwa9rAQc-DIL2HhmpujTNfSTsrDt6eNb_","url":"https://a1.easecdn.com/chat-demo/testapp/chatfiles/55f12940-64af-11e4-8a5b-ff2336f03252","size":{"width":480,"height":720}}}'
EXTENDED = '{"target_type":"users","target":["user2","user3"],"msg":{"type":"txt","msg":"testmessage"},"from":"user1","ext":{"attr1":"test"}}'
AUDIO = '{"target_type" : "users","target" : ["user2", "user3"],"msg" : {"type": "audio","url": "https://a1.easecdn.com/chat-demo/testapp/chatfiles/1dfc7f50-55c6-11e4-8a07-7d75b8fb3d42","filename": "testaudio.amr","length": 10,"secret": "Hfx_WlXGEeSdDW-SuX2EaZcXDC7ZEig3OgKZye9IzKOwoCjM"},"from" : "user1" }'
VIDEO = '{"target_type":"users","target":["user2","user3"],"from":"user1","msg":{"type":"video","filename" : "testvideo.mp4","thumb" : "https://a1.easecdn.com/chat-demo/testapp/chatfiles/67279b20-7f69-11e4-8eee-21d3334b3a97","length" : 0,"secret":"VfEpSmSvEeS7yU8dwa9rAQc-DIL2HhmpujTNfSTsrDt6eNb_","file_length" : 58103,"thumb_secret" : "ZyebKn9pEeSSfY03ROk7ND24zUf74s7HpPN1oMV-1JxN2O2I","url" : "https://a1.easecdn.com/chat-demo/testapp/chatfiles/671dfe30-7f69-11e4-ba67-8fef0d502f46"}}'
SIGNAL = '{"target_type":"users","target":["user2","user3"],"msg":{"type":"cmd","action":"action1"},"from":"user1"}'
CUSTOM = '{ "target_type":"users", "target":["user2"], "msg":{"type":"custom", "customEvent":"gift_1", "customExts":{"name":"flower","size":"16","price":"100"}}, "from":"user1","ext":{"attr1":"test"}}'
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
    page = await house.core.messages.direct_page(house.tenant, "user1", receiver, Query(10, kinds=EVERY_KIND))
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
    pytest.param(
        AUDIO,
        ["user2", "user3"],
        Audio(
            url="https://a1.easecdn.com/chat-demo/testapp/chatfiles/1dfc7f50-55c6-11e4-8a07-7d75b8fb3d42",
            name="testaudio.amr",
            secret="Hfx_WlXGEeSdDW-SuX2EaZcXDC7ZEig3OgKZye9IzKOwoCjM",
            length_seconds=10.0,
        ),
        None,
        id="audio",
    ),
    pytest.param(
        VIDEO,
        ["user2", "user3"],
        Video(
            url="https://a1.easecdn.com/chat-demo/testapp/chatfiles/671dfe30-7f69-11e4-ba67-8fef0d502f46",
            name="testvideo.mp4",
            secret="VfEpSmSvEeS7yU8dwa9rAQc-DIL2HhmpujTNfSTsrDt6eNb_",
            size_bytes=58103,
            length_seconds=0.0,
            thumbnail_url="https://a1.easecdn.com/chat-demo/testapp/chatfiles/67279b20-7f69-11e4-8eee-21d3334b3a97",
            thumbnail_secret="ZyebKn9pEeSSfY03ROk7ND24zUf74s7HpPN1oMV-1JxN2O2I",
        ),
        None,
        id="video",
    ),
    pytest.param(
        LOCATION.replace(',."addr"', ',"addr"'),
        ["user2"],
        Location(39.966, 116.322, "中国北京市海淀区中关村"),
        None,
        id="location, without the stray point",
    ),
    pytest.param(SIGNAL, ["user2", "user3"], Signal("action1"), None, id="signal"),
    pytest.param(
        CUSTOM,
        ["user2"],
        Custom("gift_1", {"name": "flower", "size": "16", "price": "100"}),
        {"attr1": "test"},
        id="custom",
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
        assert message.dialect == "easemob"
        # What reads back is what was sent, letter by letter as far as values go.
        assert write(message, []) == orjson.loads(body)["msg"]


PUSH = {
    "em_push_content": "custom push display",
    "em_push_category": "category",
    "em_push_sound": "ring.caf",
    "em_push_mutable_content": True,
    "em_ignore_notification": True,
    "em_force_notification": False,
}


async def test_the_fields_for_push_notifications_are_kept(house: House, seed_token: str) -> None:
    body = orjson.loads(EXTENDED) | {"ext": {"attr1": "test", **PUSH}}
    response = await post(house, seed_token, orjson.dumps(body).decode())
    assert response.status_code == 200
    assert (await last(house, "user2")).message.extension == {"attr1": "test", **PUSH}


async def test_an_extension_may_be_left_out_but_not_be_null(house: House, seed_token: str) -> None:
    response = await post(house, seed_token, EXTENDED.replace('{"attr1":"test"}', "null"))
    assert response.status_code == 400
    match(error("illegal_argument", ILLEGAL_ARGUMENT, "param ext must be JSONObject"), response.json())


async def test_signals_count_for_nobody(house: House, seed_token: str) -> None:
    assert (await post(house, seed_token, SIGNAL)).status_code == 200
    key = await house.core.users.key(house.tenant, "user2")
    assert await house.core.conversations.list(house.tenant, key, 10) == []
    assert (await house.core.messages.direct_page(house.tenant, "user1", "user2", Query(10), key)).messages == []


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


# The document shows them beside each kind of message; that of a place says 400 above its 401, which is a misprint.
REFUSALS = [
    pytest.param(
        TOKEN,
        lambda body: body,
        401,
        error("auth_bad_access_token", SECURITY, "Unable to authenticate due to corrupt access token"),
        id="a corrupt token",
    ),
    pytest.param(
        "",
        lambda body: body,
        401,
        error("unauthorized", "ChatSecurityException", "Unable to authenticate (OAuth)"),
        id="no token",
    ),
    pytest.param(
        None,
        lambda body: body.rstrip(" }") + ",}",
        400,
        error("json_parse", "org.codehaus.jackson.JsonParseException", str),
        id="a comma too many",
    ),
    pytest.param(
        None,
        lambda body: orjson.dumps({**orjson.loads(body), "target_type": None}).decode(),
        400,
        error("illegal_argument", ILLEGAL_ARGUMENT, "target_type must be provided"),
        id="no kind of target",
    ),
    pytest.param(
        None,
        lambda body: orjson.dumps({**orjson.loads(body), "from": ""}).decode(),
        400,
        error("illegal_argument", ILLEGAL_ARGUMENT, "from can't be empty"),
        id="an empty sender",
    ),
    pytest.param(
        None,
        lambda body: body + " " * 5120,
        413,
        error("Request Entity Too Large", str, "Request Entity Too Large"),
        id="over 5 kB",
    ),
]


@pytest.mark.parametrize("body", [pytest.param(send.values[0], id=str(send.id)) for send in SENDS])
@pytest.mark.parametrize(("token", "change", "status", "reply"), REFUSALS)
async def test_what_is_refused_of_every_kind(
    body: str,
    token: str | None,
    change: Callable[[str], str],
    status: int,
    reply: dict[str, Any],
    house: House,
    seed_token: str,
) -> None:
    response = await post(house, seed_token if token is None else token, change(body))
    assert response.status_code == status
    match(reply, response.json())
    page = await house.core.messages.direct_page(house.tenant, "user1", "user2", Query(10, kinds=EVERY_KIND))
    assert page.messages == []


async def test_who_sends_without_saying_so_is_the_administrator(house: House, seed_token: str) -> None:
    body = orjson.loads(TEXT)
    del body["from"]
    assert (await post(house, seed_token, orjson.dumps(body).decode())).status_code == 200
    page = await house.core.messages.direct_page(house.tenant, "admin", "user2", Query(10))
    assert [stored.message.sender for stored in page.messages] == ["admin"]
