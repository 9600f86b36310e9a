"""A user's conversations: listed, deleted, cleared."""

from collections.abc import Sequence
from typing import Any

import orjson
import pytest

from core.messages import Query
from core.model import Box, Text
from tests.adapters.easemob.sending import direct, in_group, key, new_group, send, send_group
from tests.adapters.easemob.shapes import AUTHORIZED, each, error, illegal, success
from tests.harness import House, Row, match

ANN = {"Authorization": "Bearer {ann_token}"}
UNKNOWN_USER = error("service_resource_not_found", "UserNotFoundException", "Service resource not found")


def words(messages: Sequence[Any]) -> list[str]:
    """The texts of messages, oldest first."""
    return [one.message.content.text for one in reversed(messages) if isinstance(one.message.content, Text)]


async def listed(house: House, user: str = "bob", path: str = "/users/{user}") -> list[dict[str, Any]]:
    where = path.replace("{user}", user) + "/user_channels"
    body = success("get", where, path="/users/user_channels", entities=[], data={"channel_infos": list})
    row = Row("list", "GET", "{base}" + where, 200, body, headers=AUTHORIZED)
    found: list[dict[str, Any]] = (await row.check(house)).json()["data"]["channel_infos"]
    return found


async def channels(house: House, user: str = "bob") -> list[str]:
    """What the listed conversations are with."""
    return [row["channel_id"].partition("_")[2].partition("@")[0] for row in await listed(house, user)]


@pytest.mark.parametrize("path", ["/users/{user}", "/user/{user}"])
async def test_the_list(path: str, house: House) -> None:
    group, _ = await new_group(house, "ann", "bob")
    first = await send(house, "ann", "bob", {"type": "img", "url": "u", "filename": "f"}, ext={"a": 1})
    house.manual_clock.move(10)
    second = await send(house, "bob", "cy")
    house.manual_clock.move(10)
    third = await send_group(house, "ann", group)
    application = house.application("easemob").name

    def row(name: str, sender: str, receiver: str, unread: int, message: str, **payload: Any) -> dict[str, Any]:
        in_group = receiver == group

        def address(text: str) -> str:
            return f"{application}_{text}@{'conference.' if text == group else ''}easemob.com"

        said = {
            "bodies": [{"type": "txt", "msg": "hi"}], "ext": {}, "from": sender, "to": receiver,
            "type": "groupchat" if in_group else "chat", **payload,
        }  # fmt: skip
        meta = {
            "id": message, "from": address(sender), "to": address(receiver), "timestamp": int,
            "payload": lambda text: orjson.loads(text) == said,
        }  # fmt: skip
        return {"channel_id": address(name), "unread_num": unread, "meta": meta}

    picture = {"bodies": [{"type": "img", "url": "u", "filename": "f"}], "ext": {"a": 1}}
    expected = [
        row(group, "ann", group, 1, third),
        row("cy", "bob", "cy", 0, second),
        row("ann", "ann", "bob", 1, first, **picture),
    ]
    match(expected, await listed(house, path=path))


async def test_a_user_sees_the_own_list_and_no_other(house: House) -> None:
    await send(house, "bob", "ann")
    await Row("own", "GET", "{base}/users/Ann/user_channels", 200, headers=ANN).check(house)
    for path in ("users/bob/user_channels", "users/nobody/user_channels"):
        await Row(path, "GET", "{base}/" + path, 401, headers=ANN).check(house)
    await Row("unknown", "GET", "{base}/users/nobody/user_channels", 404, UNKNOWN_USER, headers=AUTHORIZED).check(house)


def delete(label: str, status: int, body: Any, json: Any, user: str = "bob", **more: Any) -> Row:
    where = f"/users/{user}/user_channel"
    expected = success("delete", where, path="/users/user_channel", entities=[], data=body) if status == 200 else body
    return Row(label, "DELETE", "{base}" + where, status, expected, json, **{"headers": AUTHORIZED, **more})


OK = {"result": "ok"}
WITH_ANN = {"channel": "ann", "type": "chat", "delete_roam": True}


async def test_deleting_a_conversation_with_what_lies_in_it(house: House) -> None:
    await send(house, "ann", "bob", "old")
    await delete("all", 200, OK, WITH_ANN).check(house)
    assert await channels(house) == []
    assert await direct(house, "ann", "bob", "bob") == []
    assert words(await direct(house, "ann", "bob", "ann")) == ["old"], "the other keeps everything"
    await send(house, "ann", "bob", "new")
    assert await channels(house) == ["ann"]
    assert words(await direct(house, "ann", "bob", "bob")) == ["new"]


async def test_deleting_it_from_the_list_alone(house: House) -> None:
    await send(house, "ann", "bob", "old")
    await delete("list", 200, OK, {**WITH_ANN, "delete_roam": "false"}).check(house)
    assert await channels(house) == []
    assert words(await direct(house, "ann", "bob", "bob")) == ["old"]
    await send(house, "ann", "bob", "new")
    assert await channels(house) == ["ann"]


@pytest.mark.parametrize(("room", "chat_type"), [(False, "groupchat"), (True, "chatroom")])
async def test_deleting_groups_and_rooms(room: bool, chat_type: str, house: House) -> None:
    group, number = await new_group(house, "ann", "bob", room=room)
    await send_group(house, "ann", group)
    body = {"channel": group, "type": chat_type, "delete_roam": True}
    await delete("group", 200, OK, body).check(house)
    assert await in_group(house, number, "bob") == []
    assert len(await in_group(house, number, "ann")) == 1


async def test_by_the_user_and_at_the_other_path(house: House) -> None:
    await send(house, "bob", "ann")
    body = {"channel": "BOB", "type": "chat", "delete_roam": True}
    await delete("own", 200, OK, body, "ann", headers=ANN).check(house)
    assert await channels(house, "ann") == []
    await delete("another's", 401, ..., body, "cy", headers=ANN).check(house)
    row = Row(
        "other path", "DELETE", "{base}/user/ann/user_channel", 200, json=body, headers=ANN, query={"resource": "web"}
    )
    await row.check(house)


UNREADABLE = error("invalid_request_body", str, "Request body is invalid. Please check body is correct.")
DELETIONS = [
    *(
        delete(f"{field} {value!r}", 400, illegal(f"field {field} cannot be null or empty"), {**WITH_ANN, field: value})
        for field in ("channel", "type")
        for value in each(None, "")
    ),
    delete("no delete_roam", 400, illegal("field delete_roam cannot be null"), {**WITH_ANN, "delete_roam": None}),
    delete("another type", 400, illegal("field type is not legal"), {**WITH_ANN, "type": "users"}),
    *(
        delete(f"{field} of a wrong type", 400, UNREADABLE, {**WITH_ANN, field: []})
        for field in ("channel", "type", "delete_roam")
    ),
    delete("no JSON", 400, UNREADABLE, None, content=b"{"),
    delete("nothing", 400, UNREADABLE, None),
    delete("an unknown user", 404, UNKNOWN_USER, WITH_ANN, "nobody"),
    delete("an unknown channel", 200, OK, {**WITH_ANN, "channel": "nobody"}),
    delete("an unknown group", 200, OK, {**WITH_ANN, "channel": "g", "type": "groupchat"}),
]


@pytest.mark.parametrize("row", DELETIONS, ids=str)
async def test_deletions(row: Row, house: House) -> None:
    await send(house, "ann", "bob", "old")
    await row.check(house)
    assert await channels(house) == ["ann"]


DONE = {"requestStatusCode": "ok", "timestamp": int}
BAD = error("Bad Request", "BadRequestException", "Bad Request")


def roaming(label: str, status: int, body: Any, path: str, method: str = "DELETE", **query: str) -> Row:
    where = "{base}/rest/message/roaming/" + path
    return Row(label, method, where, status, body, query=query, headers=AUTHORIZED)


@pytest.mark.parametrize("in_a_group", [False, True])
async def test_clearing_up_to_a_time(in_a_group: bool, house: House) -> None:
    group, number = await new_group(house, "ann", "bob")
    times = []
    for word in ("one", "two", "three"):
        house.manual_clock.move(10)
        times.append(house.clock.now())
        await (send_group(house, "ann", group, word) if in_a_group else send(house, "ann", "bob", word))
    house.manual_clock.move(10)

    async def seen(viewer: str) -> list[str]:
        return words(await (in_group(house, number, viewer) if in_a_group else direct(house, "ann", "bob", viewer)))

    async def clear(time: int) -> None:
        kind, name, target = ("group", "groupId", group) if in_a_group else ("chat", "userId", "ANN")
        path = f"{kind}/user/bob/time"
        await roaming("clear", 200, DONE, path, **{name: target, "delTime": str(time), "isNotify": "false"}).check(
            house
        )

    await clear(times[0] - 1)
    assert await seen("bob") == ["one", "two", "three"]
    await clear(times[1])
    assert await seen("bob") == ["three"]
    bob = await key(house, "bob")
    target = number if in_a_group else "ann"
    find = house.core.conversations.group if in_a_group else house.core.conversations.direct
    row = await find(house.tenant, bob, target)  # type: ignore[arg-type]  # each with its own
    assert row is not None
    assert row.unread == 1
    await clear(house.clock.now())
    assert await seen("bob") == []
    assert await channels(house) == []
    assert await seen("ann") == ["one", "two", "three"]


async def test_clearing_a_long_conversation_keeps_what_came_later(house: House) -> None:
    for number in range(450):
        await send(house, "ann", "bob", str(number))
    (last,) = (await house.core.messages.direct_page(house.tenant, "ann", "bob", Query(1))).messages
    house.manual_clock.move(60_000)
    await send(house, "ann", "bob", "later")
    house.manual_clock.move(1)
    await roaming("clear", 200, DONE, "chat/user/bob/time", userId="ann", delTime=str(last.time)).check(house)
    assert words(await direct(house, "ann", "bob", "bob")) == ["later"]


async def test_clearing_everything(house: House) -> None:
    group, number = await new_group(house, "ann", "bob")
    await send(house, "ann", "bob")
    await send(house, "bob", "cy")
    await send_group(house, "ann", group)
    bob = await key(house, "bob")
    await house.core.conversations.put(house.tenant, bob, "ann", Box.ARCHIVED)
    for prefix in ("rest", "sdk"):
        path = f"{{base}}/{prefix}/message/roaming/user/bob/delete/all"
        await Row(prefix, "POST", path, 200, DONE, headers=AUTHORIZED).check(house)
    assert await direct(house, "ann", "bob", "bob") == await direct(house, "bob", "cy", "bob") == []
    assert await in_group(house, number, "bob") == []
    for box in Box:
        assert await house.core.conversations.list(house.tenant, bob, 10, box=box) == []
    assert len(await direct(house, "ann", "bob", "ann")) == len(await in_group(house, number, "ann")) == 1


async def test_deleting_messages_by_their_ids(house: House) -> None:
    ids = [await send(house, "ann", "bob", word) for word in ("one", "two", "three")]
    group, number = await new_group(house, "ann", "bob")
    in_the_group = await send_group(house, "ann", group)
    of_others = await send(house, "ann", "cy", "theirs")
    given = ",".join([ids[0], ids[2], "unknown", of_others, "4611686018427387999"])
    await roaming("direct", 200, DONE, "chat/user/bob", userId="ann", msgIdList=given).check(house)
    assert words(await direct(house, "ann", "bob", "bob")) == ["two"]
    assert len(await direct(house, "ann", "bob", "ann")) == 3
    await roaming("group", 200, DONE, "group/user/bob", groupId=group, msgIdList=in_the_group).check(house)
    assert await in_group(house, number, "bob") == []
    assert words(await direct(house, "ann", "Cy", "Cy")) == ["theirs"]


MANY = ",".join(["1"] * 51)
REFUSALS = [
    roaming("no peer", 400, BAD, "chat/user/bob/time", delTime="1"),
    roaming("no time", 400, BAD, "chat/user/bob/time", userId="ann"),
    roaming("a time that is none", 400, BAD, "chat/user/bob/time", userId="ann", delTime="now"),
    roaming("no group", 400, BAD, "group/user/bob/time", delTime="1"),
    roaming("an unknown user", 404, UNKNOWN_USER, "chat/user/nobody/time", userId="ann", delTime="1"),
    roaming("an unknown peer", 200, DONE, "chat/user/bob/time", userId="nobody", delTime="1"),
    roaming("an unknown group", 200, DONE, "group/user/bob/time", groupId="g", delTime="1"),
    roaming("no ids", 400, BAD, "chat/user/bob", userId="ann"),
    roaming("no peer of ids", 400, BAD, "chat/user/bob", msgIdList="1"),
    roaming(
        "too many ids",
        400,
        error("param exception", "ParamException", "delete msg list limit can not greater than 50"),
        "chat/user/bob",
        userId="ann",
        msgIdList=MANY,
    ),
    roaming("everything of an unknown user", 404, UNKNOWN_USER, "user/nobody/delete/all", "POST"),
    Row(
        "everything of another user's",
        "POST",
        "{base}/sdk/message/roaming/user/bob/delete/all",
        401,
        headers={"Authorization": "Bearer {ann_token}"},
    ),
]


@pytest.mark.parametrize("row", REFUSALS, ids=str)
async def test_what_clears_nothing(row: Row, house: House) -> None:
    await send(house, "ann", "bob", "old")
    await row.check(house)
    assert words(await direct(house, "ann", "bob", "bob")) == ["old"]


async def sessions(house: House, **query: str) -> dict[str, Any]:
    path = "/sdk/user/bob/user_channels/list"
    body = success("get", path, path="/users/user_channels", entities=[], data=dict)
    row = Row("page", "GET", "{base}" + path, 200, body, query=query, headers=AUTHORIZED)
    data: dict[str, Any] = (await row.check(house)).json()["data"]
    return data


async def test_the_list_in_pages(house: House) -> None:
    """As the vendor's browser client asks for it."""
    group, _ = await new_group(house, "ann", "bob")
    names = [f"user{number}" for number in range(4)]
    for name in names:
        house.manual_clock.move(10)
        await send(house, name, "bob")
    house.manual_clock.move(10)
    message = await send_group(house, "ann", group)
    found: list[dict[str, Any]] = []
    query = {"limit": "2", "cursor": "", "need_mark": "true", "needEmptySession": "false"}
    for _ in range(4):
        page = await sessions(house, **query)
        found += page["channel_infos"]
        if "cursor" not in page:
            break
        assert len(page["channel_infos"]) == 2
        query["cursor"] = page["cursor"]
    assert [row["session_to"] for row in found] == [group, *reversed(names)]
    first = found[0]
    assert (first["session_type"], first["meta"]["id"], first["unread_num"]) == ("groupchat", message, 1)
    assert {row["session_type"] for row in found[1:]} == {"chat"}
    assert all((row["is_top"], row["marks"]) == (False, []) for row in found)
    assert orjson.loads(first["meta"]["payload"])["bodies"] == [{"type": "txt", "msg": "hi"}]
    # Nothing is pinned here.
    assert await sessions(house, is_top="true") == {"channel_infos": []}
