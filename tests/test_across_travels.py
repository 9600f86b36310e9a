"""What docs/losses.md says of how messages travel, walked over real HTTP."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import pytest

from core.clock import ManualClock
from tests.across import Four, OzekiUser, opened
from tests.documents.travels import TRAVELS
from tests.harness import NOON
from tests.servers import Engine

USER = OzekiUser.NAME
TEXT = "the message"


@pytest.fixture
async def four(engine: Engine) -> AsyncIterator[Four]:
    async with opened(engine.url, clock=ManualClock(NOON)) as four:
        yield four


async def shown(four: Four, reader: str, sender: str, group: int | None) -> list[str]:
    """The texts that user2, or the HTTP API user, is shown there."""
    place = sender if group is None else group
    if reader == "ozeki, HTTP API user":
        return [row["text"] for name in ("inbox", "sent") for row in await four.ozeki_user.folder(name)]
    dialect = reader.partition(",")[0]
    if dialect == "easemob":
        bodies = [row["payload"]["bodies"][0] for row in await four.easemob.records("user2", place)]
        return [body.get("msg") or body.get("action", "") for body in bodies]
    return [seen.text for seen in await four.speakers[dialect].read("user2", place)]


Done = tuple[str, int | None]
"""Who sent it, and to which group, if to one."""


async def to_a_user(four: Four) -> Done:
    for to in ("user2", USER):
        await four.applozic.send("user1", to, TEXT)
    return "user1", None


async def to_a_group(four: Four) -> Done:
    group = await four.group("user1", "user2")
    await four.add_program(group)
    await four.chat21.send("user1", group, TEXT)
    return "user1", group


async def to_a_room(four: Four) -> Done:
    body = {"name": "r", "description": "d", "owner": "user1", "members": ["user2"]}
    room = (await four.easemob.call("POST", "/chatrooms", json=body))["data"]["id"]
    await four.add_program(four.easemob.number(room))
    msg = {"type": "txt", "msg": TEXT}
    sent = {"from": "user1", "target_type": "chatrooms", "target": [room], "msg": msg}
    await four.easemob.call("POST", "/messages", json=sent)
    return "user1", four.easemob.number(room)


async def in_a_topic(four: Four) -> Done:
    for to in ("user2", USER):
        topic = {"userId": to, "topicId": "t1", "status": "NEW", "topicDetail": '{"title":"t"}'}
        made = await four.applozic.call("POST", "user1", "conversation/v2/id", json=topic)
        number = made["response"]["conversationPxy"]["id"]
        await four.applozic.say("user1", to, {"message": TEXT, "conversationId": number})
        assert (await four.applozic.rows("user1", to))[-1]["conversationId"] == number
    return "user1", None


async def hidden(four: Four) -> Done:
    for to in ("user2", USER):
        await four.applozic.say("user1", to, {"message": TEXT, "metadata": {"category": "HIDDEN"}})
    return "user1", None


async def a_signal(four: Four) -> Done:
    for to in ("user2", USER):
        await four.easemob.say("user1", to, {"type": "cmd", "action": TEXT})
    return "user1", None


async def aside(four: Four) -> Done:
    for to in ("user2", USER):
        await four.applozic.say("user1", to, {"message": TEXT, "metadata": {"category": "ARCHIVE"}})
        await four.chat21.say("user1", to, {"text": TEXT, "attributes": {"updateconversation": False}})
    for dialect, speaker in four.speakers.items():
        if dialect != "ozeki":  # which lists its contacts, too
            assert await speaker.listed("user2") == [], dialect
    return "user1", None


async def for_some(four: Four) -> Done:
    group = await four.group("user1", "user2", "user3")
    await four.add_program(group)
    body = {
        "from": "user1",
        "to": [four.easemob.group(group)],
        "type": "txt",
        "body": {"msg": TEXT},
        "users": ["user2", USER],
    }
    await four.easemob.call("POST", "/messages/chatgroups/users", json=body)
    await four.chat21.say("user1", group, {"text": TEXT, "attributes": {"hiddenFor": "user3"}})
    for dialect in ("chat21", "applozic", "ozeki"):
        assert await four.speakers[dialect].read("user3", group) == [], dialect
    return "user1", group


async def for_those_online(four: Four) -> Done:
    msg = {"type": "txt", "msg": TEXT}
    for to in ("user2", USER):
        body = {"from": "user1", "target_type": "users", "target": [to], "msg": msg, "routetype": "ROUTE_ONLINE"}
        await four.easemob.call("POST", "/messages", json=body)
    return "user1", None


async def scheduled(four: Four) -> Done:
    for to in ("user2", USER):
        await four.ozeki_user.say(to, {"text": TEXT, "time_to_send": "2025-06-15 15:07:40"})
    for reader in TRAVELS["to a user"]:
        assert TEXT not in await shown(four, reader, USER, None), reader
    four.house.manual_clock.move(60_000)
    while await four.house.core.due.round():
        pass
    return USER, None


async def expiring(four: Four) -> Done:
    for to in ("user2", USER):
        await four.applozic.say("user1", to, {"message": TEXT, "timeToLive": 1})
        assert four.applozic.losses == "timeToLive: stays in this dialect"
    return "user1", None


async def imported(four: Four) -> Done:
    for to in ("user2", USER):
        body = {"from": "user1", "target": to, "type": "txt", "body": {"msg": TEXT}, "msg_timestamp": 1_600_000_000_000}
        await four.easemob.call("POST", "/messages/users/import", json=body)
    return "user1", None


async def edited(four: Four) -> Done:
    for to in ("user2", USER):
        await four.chat21.send("user1", to, "the message before")
        number = (await four.easemob.records("user1", to))[-1]["msg_id"]
        new = {"new_msg": {"type": "txt", "msg": TEXT}}
        await four.easemob.call("PUT", f"/messages/rewrite/{number}", json=new)
    return "user1", None


DONE: Mapping[str, Callable[[Four], Awaitable[Done]]] = dict(
    zip(
        TRAVELS,
        (
            to_a_user, to_a_group, to_a_room, in_a_topic, hidden, a_signal, aside, for_some, for_those_online, scheduled,
            expiring, imported, edited,
        ),
        strict=True,
    )
)  # fmt: skip


@pytest.mark.parametrize("label", TRAVELS)
async def test_a_message_travels_as_the_table_says(four: Four, label: str) -> None:
    sender, group = await DONE[label](four)
    for reader, cell in TRAVELS[label].items():
        verdict = cell.partition(":")[0].partition(";")[0]
        assert verdict in ("exact", "approximated", "dropped")
        told = await shown(four, reader, sender, group)
        assert (TEXT in told) is (verdict != "dropped" or "shown in" in cell), (reader, told)
        assert "the message before" not in told
