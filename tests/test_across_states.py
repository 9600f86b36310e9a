"""What is read, archived or deleted in one dialect is so in the others, wherever those can show it: over real HTTP."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import pytest

from tests.across import Four, Place, hide_id, opened
from tests.servers import Engine

TEXTS = ["one", "two", "three"]


@pytest.fixture
async def four(engine: Engine) -> AsyncIterator[Four]:
    async with opened(engine.url) as four:
        yield four


async def talk(four: Four, kind: str) -> tuple[Place, Place]:
    """Three messages of user1's, one in each of three dialects; how user1 calls the conversation, and how user2 does."""
    to: Place = "user2" if kind == "direct" else await four.group("user1", "user2")
    for text, dialect in zip(TEXTS, ("easemob", "chat21", "ozeki"), strict=True):
        await four.speakers[dialect].send("user1", to, text)
    return to, "user1" if kind == "direct" else to


async def unread(four: Four, viewer: str, other: Place) -> dict[str, Any]:
    """What each dialect says is new to the viewer."""
    (row,) = [row for row in await four.chat21.conversations(viewer) if row["conversWith"] == four.chat21.other(other)]
    found = await four.easemob.call("GET", f"/users/{viewer}/offline_msg_count")
    return {
        "easemob": found["data"][viewer],
        "chat21": row["is_new"],
        "applozic": await four.applozic.unread(viewer, other),
    }


async def read_in_applozic(four: Four, viewer: str, other: Place) -> None:
    await four.applozic.call("GET", viewer, "message/read/conversation", params=four.applozic.other(other))


async def list_in_applozic(four: Four, viewer: str, other: Place) -> None:
    """Looking at a thread there makes it read, and tells nobody."""
    await four.applozic.call("GET", viewer, "message/v2/list", params=four.applozic.other(other))


async def read_in_ozeki(four: Four, viewer: str, other: Place) -> None:
    client, row = await four.ozeki.client(viewer), await four.ozeki.conversation(viewer, other)
    ids = [message["ID"] for message in (await client.download(row))["messages"]]
    await client.ask(
        "report", "viewed", conversationid=row["id"], instance=row["instance"], messageids=ids, reportdate=""
    )


Act = Callable[[Four, str, Place], Awaitable[None]]
READS: Mapping[str, Act] = {
    "applozic": read_in_applozic,
    "applozic, by listing": list_in_applozic,
    "ozeki": read_in_ozeki,
}


@pytest.mark.parametrize("kind", ["direct", "group"])
@pytest.mark.parametrize("dialect", READS)
async def test_what_is_read_in_one_is_read_in_all(four: Four, dialect: str, kind: str) -> None:
    mine, theirs = await talk(four, kind)
    assert await unread(four, "user2", theirs) == {"easemob": 3, "chat21": True, "applozic": 3}
    await READS[dialect](four, "user2", theirs)
    assert await unread(four, "user2", theirs) == {"easemob": 0, "chat21": False, "applozic": 0}
    await four.applozic.send("user1", mine, "four")
    assert await unread(four, "user2", theirs) == {"easemob": 1, "chat21": True, "applozic": 1}


async def reports(four: Four) -> set[tuple[str, str]]:
    """Who has, in Ozeki's words, viewed or been delivered something of the conversation, as user1 is told."""
    client, row = await four.ozeki.client("user1"), await four.ozeki.conversation("user1", "user2")
    return {(report["User"], report["Type"]) for report in (await client.download(row))["reports"]}


@pytest.mark.parametrize("dialect", ["applozic", "ozeki"])
async def test_who_sent_is_told_in_each_that_it_was_read(four: Four, dialect: str) -> None:
    await talk(four, "direct")
    assert {row["status"] for row in await four.applozic.rows("user1", "user2")} == {3}
    assert await reports(four) == set()
    await READS[dialect](four, "user2", "user1")
    assert {row["status"] for row in await four.applozic.rows("user1", "user2")} == {5}
    assert (four.ozeki.user_id("user2"), "viewed") in await reports(four)


async def archive_in_chat21(four: Four, viewer: str, other: Place) -> None:
    await four.chat21.call("DELETE", viewer, f"/conversations/{four.chat21.other(other)}")


async def hide_in_ozeki(four: Four, viewer: str, other: Place) -> None:
    client, row = await four.ozeki.client(viewer), await four.ozeki.conversation(viewer, other)
    here = {"conversationid": row["id"], "instance": row["instance"]}
    await client.ask("conversation", "hide", **here, hideid=hide_id(row))


async def delete_in_easemob(four: Four, viewer: str, other: Place) -> None:
    kind = "groupchat" if isinstance(other, int) else "chat"
    channel = four.easemob.group(other) if isinstance(other, int) else other
    body = {"channel": channel, "type": kind, "delete_roam": False}
    await four.easemob.call("DELETE", f"/users/{viewer}/user_channel", json=body)


PUTS_ASIDE: Mapping[str, tuple[Act, bool]] = {
    "chat21": (archive_in_chat21, True),
    "ozeki": (hide_in_ozeki, False),
    "easemob": (delete_in_easemob, False),
}
"""How a conversation is put aside, and whether it is in the archive then."""


@pytest.mark.parametrize("kind", ["direct", "group"])
@pytest.mark.parametrize("dialect", PUTS_ASIDE)
async def test_what_is_put_aside_in_one_is_in_no_list_until_something_new_comes(
    four: Four, dialect: str, kind: str
) -> None:
    mine, theirs = await talk(four, kind)
    act, archived = PUTS_ASIDE[dialect]
    await act(four, "user2", theirs)
    for name, speaker in four.speakers.items():
        assert theirs not in await speaker.listed("user2"), name
        assert mine in await speaker.listed("user1"), name
        assert [seen.text for seen in await speaker.read("user2", theirs)] == TEXTS, name
    assert (theirs in await four.chat21.listed("user2", archived=True)) is archived
    await four.easemob.send("user1", mine, "four")
    for name, speaker in four.speakers.items():
        assert theirs in await speaker.listed("user2"), name


async def newest_key(four: Four, viewer: str, other: Place) -> str:
    key: str = (await four.applozic.rows(viewer, other))[-1]["key"]
    return key


async def delete_one_in_applozic(four: Four, viewer: str, other: Place) -> None:
    await four.applozic.call("GET", viewer, "message/delete", params={"key": await newest_key(four, viewer, other)})


async def delete_one_in_easemob(four: Four, viewer: str, other: Place) -> None:
    newest = (await four.easemob.records(viewer, other))[-1]["msg_id"]
    kind, name = ("group", "groupId") if isinstance(other, int) else ("chat", "userId")
    query = {name: four.easemob.group(other) if isinstance(other, int) else other, "msgIdList": newest}
    await four.easemob.call("DELETE", f"/rest/message/roaming/{kind}/user/{viewer}", params=query)


async def clear_in_applozic(four: Four, viewer: str, other: Place) -> None:
    params = four.applozic.other(other)
    await four.applozic.call("GET", viewer, "message/delete/conversation", params=params)


async def clear_in_chat21(four: Four, viewer: str, other: Place) -> None:
    await four.chat21.call("DELETE", viewer, f"/conversations/{four.chat21.other(other)}?delete=true")


async def clear_in_easemob(four: Four, viewer: str, other: Place) -> None:
    kind = "groupchat" if isinstance(other, int) else "chat"
    channel = four.easemob.group(other) if isinstance(other, int) else other
    body = {"channel": channel, "type": kind, "delete_roam": True}
    await four.easemob.call("DELETE", f"/users/{viewer}/user_channel", json=body)


FOR_ONESELF: Mapping[str, tuple[Act, list[str]]] = {
    "applozic, one message": (delete_one_in_applozic, ["one", "two"]),
    "easemob, one message": (delete_one_in_easemob, ["one", "two"]),
    "applozic, all": (clear_in_applozic, []),
    "chat21, all": (clear_in_chat21, []),
    "easemob, all": (clear_in_easemob, []),
}


@pytest.mark.parametrize("kind", ["direct", "group"])
@pytest.mark.parametrize("case", FOR_ONESELF)
async def test_what_a_user_deletes_in_one_the_user_is_shown_in_none(four: Four, case: str, kind: str) -> None:
    mine, theirs = await talk(four, kind)
    act, left = FOR_ONESELF[case]
    await act(four, "user2", theirs)
    # Easemob's history is the application's, in which nobody's own deletions count.
    for name in ("chat21", "applozic", "ozeki"):
        speaker = four.speakers[name]
        assert [seen.text for seen in await speaker.read("user2", theirs)] == left, name
        assert [seen.text for seen in await speaker.read("user1", mine)] == TEXTS
    assert await four.applozic.unread("user2", theirs) == len(left)


async def recall_in_easemob(four: Four, other: Place) -> None:
    newest = (await four.easemob.records("user1", other))[-1]["msg_id"]
    kind = "groupchat" if isinstance(other, int) else "chat"
    to = four.easemob.group(other) if isinstance(other, int) else other
    body = {"msg_id": newest, "to": to, "from": "user1", "chat_type": kind, "force": True}
    await four.easemob.call("POST", "/messages/msg_recall", json=body)


async def recall_in_applozic(four: Four, other: Place) -> None:
    params = {"key": await newest_key(four, "user1", other), "deleteForAll": "true"}
    await four.applozic.call("GET", "user1", "message/v2/delete", params=params)


async def clear_for_all_in_ozeki(four: Four, other: Place) -> None:
    client, row = await four.ozeki.client("user1"), await four.ozeki.conversation("user1", other)
    await client.ask("conversation", "clear", conversationid=row["id"], instance=row["instance"])


async def clear_for_all_in_chat21(four: Four, other: Place) -> None:
    await four.chat21.call("DELETE", "user1", f"/{four.chat21.other(other)}/messages/timelines")


ForAll = Callable[[Four, Place], Awaitable[None]]
FOR_ALL: Mapping[str, tuple[ForAll, tuple[str, ...], list[str]]] = {
    "easemob": (recall_in_easemob, ("direct", "group"), ["one", "two"]),
    "applozic": (recall_in_applozic, ("direct", "group"), ["one", "two"]),
    "ozeki": (clear_for_all_in_ozeki, ("direct", "group"), []),
    "chat21": (clear_for_all_in_chat21, ("group",), []),
}
"""How something is deleted for everybody, where, and what is left."""


@pytest.mark.parametrize(
    ("dialect", "kind"), [(dialect, kind) for dialect, (_, kinds, _) in FOR_ALL.items() for kind in kinds]
)
async def test_what_is_deleted_for_all_in_one_is_shown_to_nobody_in_any(four: Four, dialect: str, kind: str) -> None:
    mine, theirs = await talk(four, kind)
    act, _, left = FOR_ALL[dialect]
    await act(four, mine)
    for name, speaker in four.speakers.items():
        for viewer, other in (("user1", mine), ("user2", theirs)):
            assert [seen.text for seen in await speaker.read(viewer, other)] == left, (name, viewer)
    assert await four.applozic.unread("user2", theirs) == len(left)
