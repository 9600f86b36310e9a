"""What came since, single messages by key, and changes of metadata."""

from typing import Any

from core.model import Message, Signal, Text
from tests.adapters.applozic.conftest import ask, envelope, failed
from tests.adapters.applozic.test_lists import group, listed, send
from tests.harness import NOON, House, match

LAG = 2_000


async def sync(house: House, user: str, since: int = 0, more: str = "") -> dict[str, Any]:
    answer: dict[str, Any] = await ask(house, user, "GET", f"message/sync?lastSyncTime={since}{more}")
    shape = {"messages": list, "lastSyncTime": int, "currentSyncTime": int, "regIdInvalid": False}
    match({**shape, "deliveredMessageKeys": []}, answer)
    return answer


async def test_both_directions_and_everything_that_is_for_programs_come_once_the_clock_is_past_them(
    house: House,
) -> None:
    number = await group(house, "bob")
    await send(house, "alice", to="bob", message="sent")
    await send(house, "bob", to="alice", message="received")
    await send(house, "bob", groupId=number, message="ours")
    hidden = await send(house, "carol", to="alice", message="shown")
    house.manual_clock.move(1)
    await send(house, "carol", to="alice", message="hidden", metadata={"category": "HIDDEN"})
    alice, bob = await house.core.users.keys(house.tenant, ["alice", "bob"])
    signal = Message("bob", Signal("typing"), "elsewhere")
    await house.core.messages.send_direct(house.tenant, bob, [alice], signal, "client:1")
    answer = await sync(house, "alice")
    said = [row["message"] for row in answer["messages"]]
    assert sorted(said) == sorted(["alice created group Tea", "sent", "received", "ours", "shown", "hidden", "typing"])
    times = [row["createdAtTime"] for row in answer["messages"]]
    assert times == sorted(times)
    assert answer["lastSyncTime"] == answer["currentSyncTime"] == house.clock.now() - LAG
    assert {row["type"] for row in answer["messages"] if row["message"] == "sent"} == {5}
    row = next(row for row in answer["messages"] if row["message"] == "typing")
    assert (row["contentType"], row["metadata"]) == (11, {"category": "HIDDEN"})
    assert hidden[1:] in {row["key"][1:] for row in answer["messages"]}
    house.manual_clock.move(LAG + 10)
    after = (await sync(house, "alice"))["lastSyncTime"]
    assert (await sync(house, "alice", after))["messages"] == []
    house.manual_clock.move(5)
    await send(house, "bob", to="alice", message="new")
    assert [row["message"] for row in (await sync(house, "alice", after))["messages"]] == ["new"]
    assert (await sync(house, "carol", after))["messages"] == []


async def test_what_is_too_much_at_once_comes_in_turns_and_nothing_is_lost(house: House) -> None:
    core, tenant = house.core, house.tenant
    alice, *peers = await core.users.keys(tenant, ["alice", "user0", "user1", "user2"])
    everything = set()
    for number in range(1_400):
        peer = peers[number % 7 % 3]
        message = Message(peer.id, Signal("x") if number % 5 == 0 else Text(str(number)), "elsewhere")
        (receipt,) = await core.messages.send_direct(tenant, peer, [alice], message, f"client:{number}")
        everything.add(str(receipt.id))
        if number % 3 == 0:
            house.manual_clock.move(1)
    house.manual_clock.move(60_000)
    since, seen = 0, set[str]()
    for _ in range(20):
        answer = await sync(house, "alice", since)
        new = {row["key"].rpartition("-")[2] for row in answer["messages"]}
        if not new:
            break
        assert answer["lastSyncTime"] > since
        seen |= new
        since = answer["lastSyncTime"]
    assert seen == everything


async def test_metadata_is_merged_and_seen_by_both(house: House) -> None:
    key = await send(house, "alice", to="bob", message="hi", metadata={"a": "1", "b": "2"})
    house.manual_clock.move(10)
    body = {"key": "4" + key[1:], "metadata": {"b": 3, "like": "bob"}}
    match(envelope(), await ask(house, "bob", "POST", "message/update/metadata", json=body))
    for user, peer in (("alice", "bob"), ("bob", "alice")):
        (row,) = (await listed(house, user, f"userId={peer}"))["message"]
        assert (row["message"], row["metadata"]) == ("hi", {"a": "1", "b": "3", "like": "bob"})
    bad: list[dict[str, Any]] = [{"key": key}, {"metadata": {}}, {"key": "x", "metadata": {"a": "b"}}]
    for wrong in (*bad, {"key": key, "metadata": []}):
        match(failed("AL-M-01"), await ask(house, "bob", "POST", "message/update/metadata", json=wrong))
    stolen = {"key": key, "metadata": {"a": "stolen"}}
    match(failed("AL-M-01"), await ask(house, "carol", "POST", "message/update/metadata", json=stolen))


async def test_none_but_the_sender_hides_a_message_or_makes_it_large(house: House) -> None:
    key = await send(house, "alice", to="bob", message="hi")
    path = "message/update/metadata"
    for name in ("category", "hide", "show", "AL_DELETE_GROUP_MESSAGE_FOR_ALL"):
        body = {"key": key, "metadata": {name: "true"}}
        match(failed("AL-UN-01"), await ask(house, "bob", "POST", path, json=body))
    for size, answer in ((30_000, envelope()), (3_000, failed("AL-M-01"))):
        body = {"key": key, "metadata": {f"a{size}": "x" * size}}
        match(answer, await ask(house, "bob", "POST", path, json=body))
    (row,) = (await listed(house, "alice", "userId=bob"))["message"]
    assert row["metadata"] == {"a30000": "x" * 30_000}
    body = {"key": key, "metadata": {"AL_DELETE_GROUP_MESSAGE_FOR_ALL": "true", "more": "x" * 3_000}}
    match(envelope(), await ask(house, "alice", "POST", path, json=body))


async def test_sync_tells_whose_metadata_changed(house: House) -> None:
    keys = [await send(house, "alice", to="bob", message=str(number)) for number in range(3)]
    house.manual_clock.move(10_000)
    since = (await sync(house, "alice"))["lastSyncTime"]
    await ask(house, "bob", "POST", "message/update/metadata", json={"key": keys[1], "metadata": {"like": "bob"}})
    answer = await sync(house, "alice", since, "&metadataUpdate=true")
    assert [(row["key"], row["metadata"]) for row in answer["messages"]] == [(keys[1], {"like": "bob"})]
    house.manual_clock.move(10_000)
    since = (await sync(house, "alice", since, "&metadataUpdate=true"))["lastSyncTime"]
    assert (await sync(house, "alice", since, "&metadataUpdate=true"))["messages"] == []


async def test_messages_by_their_keys(house: House) -> None:
    number = await group(house, "bob")
    keys = [
        await send(house, "alice", to="bob", message="one"),
        await send(house, "bob", groupId=number, message="two"),
        await send(house, "carol", to="alice", message="not bob's"),
    ]
    await ask(house, "bob", "GET", "message/read/conversation?userId=alice")
    query = "&".join(f"keys={key}" for key in [*keys, "nonsense", keys[0]])
    rows = await ask(house, "alice", "GET", f"message/detail?{query}")
    assert [(row["message"], row["type"], row["status"]) for row in rows] == [
        ("one", 5, 5),
        ("two", 4, 0),
        ("not bob's", 4, 0),
    ]
    rows = await ask(house, "bob", "GET", "message/detail?keys=" + ",".join(keys))
    assert [row["message"] for row in rows] == ["one", "two"]
    assert rows[1]["groupId"] == number
    assert await ask(house, "bob", "GET", "message/detail") == []
    many = "&".join(f"keys=k{number}" for number in range(201))
    assert await ask(house, "bob", "GET", f"message/detail?{many}") == "error"


async def test_sync_of_nobody_is_empty(house: House) -> None:
    assert (await sync(house, "carol", NOON + 10_000))["messages"] == []
    assert await ask(house, "carol", "GET", "message/sync?lastSyncTime=soon") == "error"
