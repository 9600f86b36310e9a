"""Strict translation: a message of which another dialect of the tenant would lose something is refused in the sender's own form,
and nothing is stored."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any
from uuid import uuid4

import httpx
import pytest

from core.errors import Failure, Kind
from core.imports import Import
from core.messages import Query
from core.model import Application, Event, Html, Message, Tenant, Text
from core.translation import Translation
from gateway.adapters_list import load_adapters
from tests.across import Four, opened
from tests.adapters.ozeki.chat_client import plain
from tests.harness import NOON, House, open_house
from tests.servers import Engine

LOST = "would lose something of this message"


@pytest.fixture
async def four(engine: Engine) -> AsyncIterator[Four]:
    async with opened(engine.url, strict=True) as four:
        yield four


@pytest.fixture
async def house(engine: Engine) -> AsyncIterator[House]:
    async with open_house(engine.url, load_adapters({}), strict=True) as house:
        yield house


async def stored(house: House) -> list[Message]:
    page = await house.core.messages.direct_page(house.tenant, "user1", "user2", Query(100, newest_first=False))
    return [stored.message for stored in page.messages]


async def test_a_text_passes_in_every_dialect(four: Four) -> None:
    group = await four.group("user1", "user2")
    for speaker in four.speakers.values():
        await speaker.send("user1", "user2", "hello", {"order": "17"})
        await speaker.send("user1", group, "hello")
    assert len(await stored(four.house)) == 4


async def easemob(four: Four) -> httpx.Response:
    headers = {"Authorization": f"Bearer {await four.easemob.token('easemob', None)}"}
    base = "/" + four.house.application("easemob").name.replace("#", "/")
    place = {"type": "loc", "lat": 39.9, "lng": 116.3, "addr": "Beijing"}
    body = {"from": "user1", "target_type": "users", "target": ["user2", "user3"], "msg": place}
    return await four.easemob.http.post(f"{base}/messages", headers=headers, json=body)


async def chat21(four: Four) -> httpx.Response:
    headers = {"Authorization": await four.chat21.token("chat21", "user1")}
    names = {"sender_fullname": "One", "recipient_id": "user2", "recipient_fullname": "Two"}
    path = f"/api/{four.house.application('chat21').name}/messages"
    return await four.chat21.http.post(path, headers=headers, json={**names, "type": "html", "text": "<b>hi</b>"})


async def applozic(four: Four) -> httpx.Response:
    headers = {"X-Authorization": await four.applozic.token("applozic", "user1")}
    body = {"to": "user2", "message": "<b>hi</b>", "contentType": 3}
    return await four.applozic.http.post("/rest/ws/message/v2/send", headers=headers, json=body)


async def ozeki(four: Four, data: str = "") -> httpx.Response:
    client = await four.ozeki.client("user1")
    row = await four.ozeki.conversation("user1", "user2")
    content = {"type": "html", "content": {"html": "<b>hi</b>"}}
    message = {"ID": str(uuid4()), "Data": data or plain("hi", **content)}
    body = {"action": "add", "conversationid": row["id"], "instance": "", "message": message}
    path = "/?srv=chatserver&api=chatconversation"
    return await client.http.post(path, headers=client.headers, json=body)


async def ozeki_encrypted(four: Four) -> httpx.Response:
    return await ozeki(four, "what only the vendor's clients read")


async def ozeki_user(four: Four) -> httpx.Response:
    credential = next(c for c in four.house.application("ozeki").credentials if c.kind == "http_user")
    message = {"to_address": "user2", "text": "hi", "valid_until": "2125-06-15 15:06:40"}
    return await four.ozeki.http.post(
        "/api?action=sendmsg", auth=(credential.name, credential.secret), json={"messages": [message]}
    )


Check = Callable[[Any], bool]
REFUSED: Mapping[str, tuple[Callable[[Four], Awaitable[httpx.Response]], int, Check]] = {
    "easemob": (easemob, 400, lambda body: body["error"] == "illegal_argument" and LOST in body["error_description"]),
    "chat21": (chat21, 405, lambda body: LOST in body),
    "applozic": (applozic, 200, lambda body: LOST in body["errorResponse"][0]["description"]),
    "ozeki": (ozeki, 200, lambda body: body["status"] == "ERROR" and LOST in body["errormessage"]),
    "ozeki, encrypted": (
        ozeki_encrypted, 200, lambda body: body["status"] == "ERROR" and "Other dialects" in body["errormessage"],
    ),
    "ozeki, HTTP API user": (ozeki_user, 200, lambda body: LOST in body["data"]["messages"][0]["status"]),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
async def test_what_would_lose_something_is_refused_and_not_stored(four: Four, case: str) -> None:
    send, status, check = REFUSED[case]
    reply = await send(four)
    assert reply.status_code == status, reply.text
    assert check(reply.json() if "json" in reply.headers["content-type"] else reply.text), reply.text
    assert await stored(four.house) == []
    for user in ("user1", "user2", "user3"):
        assert await four.chat21.conversations(user) == []


async def test_without_the_setting_the_same_is_sent_and_the_loss_is_said(engine: Engine) -> None:
    async with opened(engine.url) as four:
        for send, _, _check in REFUSED.values():
            reply = await send(four)
            assert reply.status_code == 200, reply.text
            assert LOST not in reply.text
        assert len(await stored(four.house)) == len(REFUSED) - 1
        await four.chat21.rows("user2", "user1")
        assert "location: shown as text" in four.chat21.losses


def message(content: Any, dialect: str = "easemob") -> Message:
    return Message("user1", content, dialect)


HTML = message(Html("<b>hi</b>"), "chat21")
"""What Easemob and Ozeki lose the markup of."""


async def refused(work: Awaitable[Any]) -> Failure:
    with pytest.raises(Failure) as caught:
        await work
    assert (caught.value.kind, caught.value.reason) == (Kind.UNSUPPORTED, "loss")
    return caught.value


async def test_only_the_dialects_of_the_tenant_count(house: House) -> None:
    core, tenant = house.core, await house.core.tenants.add(f"{house.tenant.name}-alone")
    one, other = await core.users.keys(tenant, ("user1", "user2"))
    secret = house.application("chat21").credentials[0]
    name = house.application("chat21").name
    for dialect, passes in (("chat21", True), ("applozic", True), ("easemob", False)):
        tenant = await core.tenants.add_credential(tenant.name, dialect, f"{dialect}-{name}", secret)
        sending = core.messages.send_direct(tenant, one, [other], HTML, f"request:{dialect}")
        if passes:
            await sending
        else:
            failure = await refused(sending)
            assert failure.subject == "easemob"
            assert failure.text.startswith("Easemob would lose something of this message (type: html became txt")


async def test_everything_that_stores_is_held_to_it(house: House) -> None:
    core, tenant = house.core, house.tenant
    one, other = await core.users.keys(tenant, ("user1", "user2"))
    group = (await core.groups.create(tenant, name="g", owner=one, members=[other], dialect="easemob")).number
    await refused(core.messages.send_direct(tenant, one, [other], HTML, "request:1"))
    await refused(core.messages.send_group(tenant, one, [group], HTML, "request:2"))
    await refused(core.due.send_direct(tenant, one, [other], HTML, "request:3", NOON + 1_000))
    await refused(core.due.send_group(tenant, one, [group], HTML, "request:4", NOON + 1_000))
    await refused(core.imports.direct(tenant, one, other, [Import("5", NOON - 1, one, HTML)]))
    await refused(core.imports.group(tenant, group, [Import("6", NOON - 1, one, HTML)]))
    (receipt,) = await core.messages.send_direct(tenant, one, [other], message(Text("hi"), "chat21"), "request:7")
    await refused(core.messages.edit(tenant, receipt.id, lambda _: HTML))
    assert [each.content for each in await stored(house)] == [Text("hi")]


async def test_what_was_scheduled_is_sent_whatever_was_set_since(engine: Engine) -> None:
    async with open_house(engine.url, load_adapters({})) as house:
        one, other = await house.core.users.keys(house.tenant, ("user1", "user2"))
        await house.core.due.send_direct(house.tenant, one, [other], HTML, "request:1", NOON + 1_000)
        async with open_house(engine.url, load_adapters({}), strict=True) as strict:
            strict.manual_clock.move(1_000)
            while await strict.core.due.round():
                pass
            assert len(await stored_of(strict, house.tenant)) == 1


async def stored_of(house: House, tenant: Tenant) -> list[Any]:
    return (await house.core.messages.direct_page(tenant, "user1", "user2", Query(10))).messages


def tenant_of(*dialects: str) -> Tenant:
    return Tenant(1, "t", b"", applications=tuple(Application(dialect, dialect) for dialect in dialects))


def test_the_check_asks_the_senders_own_dialect_and_each_other() -> None:
    asked: list[str] = []

    def says(name: str, *lost: str) -> Callable[[Tenant, Message], list[str]]:
        def losses(_: Tenant, message: Message) -> list[str]:
            asked.append(name)
            return list(lost)

        return losses

    passing = Translation({name: says(name) for name in ("a", "b", "c")})
    passing.check(tenant_of("c", "b", "a"), message(Text("x"), "b"))
    assert asked == ["b", "a", "c"]
    asked.clear()
    # Alone, a dialect loses nothing, whatever stays in it; and what is not asked for can't refuse.
    Translation({"b": says("b", "x: stays")}).check(tenant_of("b", "b"), message(Text("x"), "b"))
    Translation({}).check(tenant_of("a", "b"), message(Event("n"), "b"))
    assert asked == []
    with pytest.raises(Failure, match=r"Other dialects would lose something of this message \(x: stays; y: stays\)"):
        Translation({"b": says("b", "x: stays", "y: stays")}).check(tenant_of("a", "b"), message(Text("x"), "b"))
