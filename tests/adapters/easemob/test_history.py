"""What was sent: hour files, and the query of the first years."""

import gzip
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from adapters.easemob import create
from core.feeds import HOUR_MS
from core.model import Event, Message, Text
from tests.adapters.easemob.conftest import settle
from tests.adapters.easemob.sending import key, new_group, send, send_group
from tests.adapters.easemob.shapes import AUTHORIZED, SECURITY, each, error, illegal, success
from tests.harness import NOON, House, Row, match, open_house
from tests.servers import Engine

LINK = re.compile(r"http://gateway\.test:8080/[^/]+/[^/]+/chatmessages/files/\d{10}\.gz\?Signature=[A-Za-z0-9_-]+")


def hour_of(time: int, zone: int = 8) -> str:
    """An hour as the vendor writes it."""
    return (datetime.fromtimestamp(time / 1000, UTC) + timedelta(hours=zone)).strftime("%Y%m%d%H")


def history(label: str, time: str, status: int, body: Any = ...) -> Row:
    return Row(label, "GET", f"{{base}}/chatmessages/{time}", status, body, headers=AUTHORIZED)


async def link(house: House, time: str) -> str:
    body = success("get", f"/chatmessages/{time}", data=[{"url": LINK}])
    url: str = (await history("link", time, 200, body).check(house)).json()["data"][0]["url"]
    return url


async def records(house: House, time: str) -> list[dict[str, Any]]:
    """The lines of an hour's file, in order of time."""
    response = await house.client.get(await link(house, time))
    assert (response.status_code, response.headers["content-type"]) == (200, "application/gzip")
    assert "content-encoding" not in response.headers, "clients unpack the file themselves"
    lines = [orjson.loads(line) for line in gzip.decompress(response.content).splitlines()]
    return sorted(lines, key=lambda line: line["timestamp"])


async def test_a_record_of_every_type(house: House) -> None:
    bodies: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"type": "txt", "msg": "welcome"}, {}),
        ({"type": "img", "url": "u", "filename": "f", "secret": "s", "file_length": 1, "size": {"width": 2, "height": 3}}, {}),
        ({"type": "loc", "lat": "39.9053", "lng": "116.36302", "addr": "a"}, {"lat": 39.9053, "lng": 116.36302}),
        ({"type": "audio", "url": "u", "filename": "f", "length": 10, "secret": "s", "file_length": 6630}, {}),
        ({"type": "video", "url": "u", "filename": "f", "length": 10, "thumb": "t", "thumb_secret": "ts", "size": {"width": 2, "height": 3}}, {}),
        ({"type": "file", "url": "u", "filename": "f", "file_length": 3}, {}),
        ({"type": "cmd", "action": "run"}, {}),
        (
            {"type": "custom", "customEvent": "gift_1", "customExts": {"name": "flower", "size": "16"}},
            {"v2:customExts": {"name": "flower", "size": "16"}, "customExts": [{"name": "flower"}, {"size": "16"}]},
        ),
    ]  # fmt: skip
    ids = []
    for msg, _ in bodies:
        house.manual_clock.move(1)
        ids.append(await send(house, "ann", "bob", msg, ext={"key1": "value1"}))
    found = await records(house, hour_of(NOON))
    assert [line["msg_id"] for line in found] == ids
    for line, (msg, changed) in zip(found, bodies, strict=True):
        expected = {
            "msg_id": str, "timestamp": int, "direction": "outgoing", "from": "ann", "to": "bob", "chat_type": "chat",
            "payload": {"bodies": [msg | changed], "ext": {"key1": "value1"}, "from": "ann", "to": "bob"},
        }  # fmt: skip
        match(expected, line)
    assert found[0]["timestamp"] == NOON + 2001


async def test_who_and_where(house: House) -> None:
    group, number = await new_group(house, "ann", "bob")
    chosen, _ = await new_group(house, "ann", "bob", alias="mygroup")
    room, _ = await new_group(house, "ann", "bob", room=True)
    await send(house, "bob", "ann")
    await send(house, "ann", "ann")
    await send(house, "CY", "bob")
    for target in (group, chosen, "unknown"):
        await send_group(house, "ann", target)
    await send(house, "bob", room, target_type="chatrooms")
    foreign = Message("Cy", Text("hi"), "another")
    await house.core.messages.send_group(house.tenant, await key(house, "Cy"), [number], foreign, "client:1")
    found = await records(house, hour_of(NOON))
    assert {(line["from"], line["to"], line["chat_type"]) for line in found} == {
        ("bob", "ann", "chat"), ("ann", "ann", "chat"), ("cy", "bob", "chat"), ("ann", group, "groupchat"),
        ("ann", "mygroup", "groupchat"), ("bob", room, "chatroom"), ("cy", group, "groupchat"),
        ("ann", next(line["to"] for line in found if line["to"].isdigit() and line["to"] not in (group, room)), "groupchat"),
    }  # fmt: skip


async def test_what_is_left_out_and_what_is_not(house: House) -> None:
    recalled = await send(house, "ann", "bob", "recalled")
    await house.core.messages.recall(house.tenant, int(recalled))
    ann, bob = await key(house, "ann"), await key(house, "bob")
    notice = Message("ann", Event("joined"), "another")
    await house.core.messages.send_direct(house.tenant, ann, [bob], notice, "client:1")
    await send(house, "ann", "bob", "cleared")
    await house.core.conversations.clear(house.tenant, bob, "ann")
    await send(house, "ann", "bob", "dated", msg_timestamp=5)
    found = await records(house, hour_of(NOON))
    assert {line["payload"]["bodies"][0]["msg"]: line["timestamp"] for line in found} == {
        "cleared": NOON + 2002, "dated": 5,
    }  # fmt: skip


async def test_each_hour_has_its_own(house: House) -> None:
    await send(house, "ann", "bob", "first")
    house.manual_clock.move(HOUR_MS)
    await send(house, "ann", "bob", "second")
    for time, word in ((NOON, "first"), (NOON + HOUR_MS, "second")):
        (line,) = await records(house, hour_of(time))
        assert line["payload"]["bodies"][0]["msg"] == word


async def test_many(house: House) -> None:
    ids = [await send(house, "ann", f"user{number % 7}", str(number)) for number in range(450)]
    found = await records(house, hour_of(NOON))
    assert sorted(line["msg_id"] for line in found) == sorted(ids)


def times(text: str) -> str:
    return f"illegal arguments: appkey: {{org}}#{{app}}, time: {text}"


EXPIRED = ", maybe chat message history is expired or unstored"
NO_FILE = "Failed to find chat message history download url for appkey: {org}#{app}, time: "
LONG_AGO, TOMORROW = hour_of(NOON - 32 * 86_400_000), hour_of(NOON + 86_400_000)
REFUSALS = [
    *(history(text, text, 400, illegal(times(text))) for text in ("2025", "202506151x", "2025130112", "2025061524", "20250615120")),
    history("long ago", LONG_AGO, 400, illegal(times(LONG_AGO) + EXPIRED)),
    history("to come", TOMORROW, 404, error("storage_object_not_found", str, NO_FILE + TOMORROW)),
    history("nothing was sent", hour_of(NOON - HOUR_MS), 404, error("storage_object_not_found", str, NO_FILE + hour_of(NOON - HOUR_MS))),
    Row("a user's token", "GET", "{base}/chatmessages/" + hour_of(NOON), 401, headers={"Authorization": "Bearer {ann_token}"}),
]  # fmt: skip


@pytest.mark.parametrize("row", REFUSALS, ids=str)
async def test_there_is_no_file(row: Row, house: House) -> None:
    await send(house, "ann", "bob")
    await row.check(house)


async def test_the_link_is_the_credential_and_opens_one_hour_only(house: House) -> None:
    await send(house, "ann", "bob")
    time = hour_of(NOON)
    url = await link(house, time)
    assert (await house.client.get(url)).status_code == 200
    assert url.rpartition("=")[2] not in house.log.text

    async def refused(other: str, name: str, exception: str, text: str, status: int = 401) -> None:
        response = await house.client.get(other)
        assert response.status_code == status
        match(error(name, exception, text), response.json())

    corrupt = "Unable to authenticate due to corrupt access token"
    await refused(url.partition("?")[0], "auth_bad_access_token", SECURITY, corrupt)
    await refused(url + "x", "auth_bad_access_token", SECURITY, corrupt)
    await refused(url.replace(time, hour_of(NOON + HOUR_MS)), "unauthorized", str, "Unable to authenticate (OAuth)")  # type: ignore[arg-type]
    await refused(
        url.replace(house.names["app"], house.names["other_app"]),
        "auth_bad_access_token",
        SECURITY,
        "Unable to authenticate",
    )
    token = url.rpartition("=")[2]
    asked = Row("as a token", "POST", "{base}/messages", 401, json={}, headers={"Authorization": f"Bearer YWMt{token}"})
    await asked.check(house)
    house.manual_clock.move(1_800_000)
    await refused(url, "unauthorized", SECURITY, "Unable to authenticate due to expired access token")


class TestZone:
    @pytest.fixture
    async def house(self, embedded_engine: Engine) -> AsyncIterator[House]:
        async with open_house(embedded_engine.url, [create({"history_zone_hours": 0})]) as house:
            await settle(house)
            yield house

    async def test_hours_abroad_are_in_utc(self, house: House) -> None:
        await send(house, "ann", "bob")
        assert len(await records(house, hour_of(NOON, zone=0))) == 1
        await history("Beijing's", hour_of(NOON), 404).check(house)


def query(label: str, ql: str, status: int = 200, body: Any = ..., *, limit: str = "", cursor: str = "") -> Row:
    given = {"ql": ql} | ({"limit": limit} if limit else {}) | ({"cursor": cursor} if cursor else {})
    return Row(label, "GET", "{base}/chatmessages", status, body, query=given, headers=AUTHORIZED)


async def asked(house: House, ql: str, limit: str = "") -> list[str]:
    """The texts of all pages of a query."""
    words, cursor = [], ""
    for _ in range(30):
        page = (await query("page", ql, limit=limit, cursor=cursor).check(house)).json()
        assert page["count"] == len(page["entities"])
        words += [entity["payload"]["bodies"][0]["msg"] for entity in page["entities"]]
        cursor = page.get("cursor", "")
        if not cursor:
            return words
    raise AssertionError("it never ends")


async def test_an_entity_of_a_query(house: House) -> None:
    await send(house, "ann", "bob", ext={"a": 1})
    entity = {
        "uuid": re.compile("[0-9a-f-]{36}"), "type": "chatmessage", "created": NOON + 2000, "modified": NOON + 2000,
        "timestamp": NOON + 2000, "from": "ann", "to": "bob", "msg_id": str, "chat_type": "chat", "direction": "outgoing",
        "payload": {"bodies": [{"type": "txt", "msg": "hi"}], "ext": {"a": 1}, "from": "ann", "to": "bob"},
    }  # fmt: skip
    ql = f"select * where timestamp>{NOON}"
    body = success(
        "get", "/chatmessages", path="/chatmessages", params={"ql": [ql], "limit": ["5"]}, entities=[entity], count=1
    )
    await query("one", ql, body=body, limit="5").check(house)


async def test_a_query_goes_through_all_conversations_in_order_of_time(house: House) -> None:
    group, _ = await new_group(house, "ann", "bob")
    sent = []
    for number in range(23):
        target = ("bob", "cy", group)[number % 3]
        await send(house, "ann", target, str(number), target_type="chatgroups" if target == group else "users")
        sent.append(str(number))
        house.manual_clock.move((0, 1, 1_200_000)[number % 3])
    start, end = NOON + 2000, house.clock.now()
    for limit in ("1", "4", "22", "23", "1000"):
        assert sorted(await asked(house, "select *", limit=limit), key=int) == sent
    everything = await asked(house, "select *", limit="7")
    assert await asked(house, "SELECT * ORDER BY timestamp DESC", limit="7") == everything[::-1]
    assert (
        await asked(house, f"select * where timestamp >= {start} and timestamp < {end} order by timestamp asc")
        == everything
    )
    assert everything[:3] in (["0", "1", "2"], ["1", "0", "2"]), "two of the same millisecond"
    assert await asked(house, f"select * where timestamp > {start}") == [word for word in everything if int(word) > 1]
    assert await asked(house, f"select * where timestamp <= {start}") == everything[:2]
    assert await asked(house, f"select * where timestamp = '{start}'") == everything[:2]
    assert await asked(house, f"select * where timestamp > {end}") == []
    spread = f"  SELECT \n *  WHERE  timestamp  >  {start}  AND timestamp<'{end + 1}'  ORDER  BY  timestamp  desc "
    assert await asked(house, spread) == [word for word in reversed(everything) if int(word) > 1]


UNSUPPORTED = illegal("This chatmessage request is not supported")
QUERIES = [
    *(
        query(text or "nothing", text, 400, UNSUPPORTED)
        for text in ("", "select", "select a", "delete *", "select * where from='ann'", "select * where timestamp>x", "select * where timestamp>1 or timestamp<2", "select * where", "select * order by from")
    ),
    # However many blanks there are, the worker goes on.
    *(query(f"blanks {end}", "select *" + " " * 3_000 + end, 400, UNSUPPORTED) for end in ("x", "where a" + " " * 3_000 + "order by x")),
    Row("no query", "GET", "{base}/chatmessages", 400, UNSUPPORTED, headers=AUTHORIZED),
    *(query(f"limit {value!r}", "select *", 400, illegal("limit must be a number of at least 1"), limit=value) for value in each("0", "-1", "x")),
    *(query(f"cursor {value!r}", "select *", 400, illegal("cursor is not legal"), cursor=value) for value in each("x", "!!!!", "MTIz", "YSBi")),
    Row("a user's token", "GET", "{base}/chatmessages", 401, query={"ql": "select *"}, headers={"Authorization": "Bearer {ann_token}"}),
]  # fmt: skip


@pytest.mark.parametrize("row", QUERIES, ids=str)
async def test_what_is_no_query(row: Row, house: House) -> None:
    await row.check(house)
