"""Blocks, mutes, and who of those one talks with is online."""

import pytest

from core.model import UserKey
from tests.adapters.applozic.conftest import USERS, as_bot, as_user, ask, ask_as_bot, envelope, failed
from tests.core.support import text
from tests.harness import NOON, House, Row

SYNC = NOON - 2_000
BLOCK, UNBLOCK = "/rest/ws/user/block", "/rest/ws/user/unblock"
ALICE = as_user("alice")


@pytest.mark.parametrize(
    "row",
    [
        Row("block", "GET", BLOCK + "?userId=bob", 200, envelope(True), headers=ALICE),
        Row("block, as the web client has it", "GET", BLOCK + "?userId=bob&block=true", 200, envelope(True), headers=ALICE),
        Row("block, in a body", "POST", BLOCK, 200, envelope(True), json={"userId": "bob"}, headers=ALICE),
        Row("block a stranger", "GET", BLOCK + "?userId=stranger", 200, envelope(True), headers=ALICE),
        Row("unblock", "GET", UNBLOCK + "?userId=bob", 200, envelope(True), headers=ALICE),
        Row("block on behalf", "GET", BLOCK + "?userId=bob", 200, envelope(True), headers=as_bot("alice")),
        Row("block for nobody", "GET", BLOCK + "?userId=bob", 200, failed("AL-UN-01"), headers={"Apz-AppId": "{app}", "Apz-Token": "{bot}"}),
        Row("block oneself", "GET", BLOCK + "?userId=alice", 200, failed("AL-M-01"), headers=ALICE),
        Row("block whom?", "GET", BLOCK, 200, failed("AL-M-01"), headers=ALICE),
        Row("block a name that nobody has", "GET", BLOCK + "?userId=%00", 200, failed("AL-M-01"), headers=ALICE),
        Row("blocks, of none", "GET", "/rest/ws/user/blocked/sync?lastSyncTime=10000", 200, envelope({"blockedByUserList": [], "blockedToUserList": []}) | {"generatedAt": SYNC}, headers=ALICE),
        Row("blocks since what is no time", "GET", "/rest/ws/user/blocked/sync?lastSyncTime=x", 200, failed("AL-M-01"), headers=ALICE),
        Row("mute whom?", "POST", "/rest/ws/user/chat/mute?notificationAfterTime=1", 200, failed("AL-M-01"), headers=ALICE),
        Row("mute until when?", "POST", "/rest/ws/user/chat/mute?userId=bob", 200, failed("AL-M-01"), headers=ALICE),
        Row("mute a stranger", "POST", "/rest/ws/user/chat/mute?userId=bob&notificationAfterTime=1", 200, failed("AL-U-01"), headers=ALICE),
        Row("mute until never", "POST", "/rest/ws/user/chat/mute?userId=bob&notificationAfterTime=-5", 200, failed("AL-M-01"), headers=ALICE),
        Row("nobody is muted", "GET", "/rest/ws/user/chat/mute/list", 200, [], headers=ALICE),
        Row("nobody is online", "GET", "/rest/ws/user/ol/list?startIndex=0&pageSize=10", 200, {}, headers=ALICE),
        Row("no partners", "GET", "/rest/ws/user/chat/status", 200, {"users": []}, headers=ALICE),
        Row("nobody was seen", "GET", "/rest/ws/user/status?lastSeenAt=0", 200, envelope([]) | {"generatedAt": SYNC}, headers=ALICE),
        Row("nothing to read", "GET", "/rest/ws/user/read", 200, envelope(), headers=ALICE),
    ],
    ids=str,
)  # fmt: skip
async def test_answers(house: House, row: Row) -> None:
    await row.check(house)


async def test_blocks_are_followed_by_their_changes(house: House) -> None:
    await ask(house, "alice", "GET", "user/block?userId=bob")
    house.manual_clock.move(10_000)
    await ask(house, "alice", "GET", "user/block?userId=carol&block=true")
    row = {"createdAtTime": NOON, "updatedAtTime": NOON, "userBlocked": True}
    later = {"createdAtTime": NOON + 10_000, "updatedAtTime": NOON + 10_000, "userBlocked": True}
    found = await ask(house, "alice", "GET", "user/blocked/sync?lastSyncTime=10000")
    assert found["response"] == {
        "blockedToUserList": [{"blockedTo": "bob", **row}, {"blockedTo": "carol", **later}],
        "blockedByUserList": [],
    }
    since = found["generatedAt"]
    assert since < NOON + 10_000
    found = await ask(house, "bob", "GET", "user/blocked/sync")
    assert found["response"] == {"blockedToUserList": [], "blockedByUserList": [{"blockedBy": "alice", **row}]}
    house.manual_clock.move(10_000)
    await ask(house, "alice", "GET", "user/block?userId=bob&block=false")
    ended = {"createdAtTime": NOON, "updatedAtTime": NOON + 20_000, "userBlocked": False}
    found = await ask(house, "alice", "GET", f"user/blocked/sync?lastSyncTime={since}")
    assert found["response"]["blockedToUserList"] == [{"blockedTo": "carol", **later}, {"blockedTo": "bob", **ended}]
    found = await ask(house, "alice", "GET", f"user/blocked/sync?lastSyncTime={found['generatedAt'] + 3_000}")
    assert found["response"] == {"blockedToUserList": [], "blockedByUserList": []}
    assert found["generatedAt"] == NOON + 21_000  # the clock never goes back


async def _talk(house: House) -> list[UserKey]:
    """Alice talks with Bob, then with Carol, who both answer."""
    core, tenant = house.core, house.tenant
    alice, bob, carol = await core.users.keys(tenant, USERS)
    for number, other in enumerate((bob, carol)):
        for one, (sender, receiver) in enumerate(((alice, other), (other, alice))):
            house.manual_clock.move(10)
            await core.messages.send_direct(tenant, sender, [receiver], text(sender.id), f"client:{number}-{one}")
    return [alice, bob, carol]


async def test_who_is_muted(house: House) -> None:
    await _talk(house)
    until = NOON + 60_000
    assert (await ask(house, "alice", "POST", f"user/chat/mute?userId=bob&notificationAfterTime={until}"))[
        "status"
    ] == "success"
    await ask(house, "alice", "POST", "user/chat/mute", json={"userId": "carol", "notificationAfterTime": NOON - 1})
    (muted,) = await ask(house, "alice", "GET", "user/chat/mute/list")
    assert (muted["userId"], muted["notificationAfterTime"]) == ("bob", until)
    house.manual_clock.move(60_000)
    assert await ask(house, "alice", "GET", "user/chat/mute/list") == []


async def test_who_is_online(house: House) -> None:
    _, bob, carol = await _talk(house)
    await house.core.presence.set(house.tenant, bob, "phone", 60_000)
    assert await ask(house, "alice", "GET", "user/ol/list") == {"carol": "false", "bob": "true"}
    assert await ask(house, "alice", "GET", "user/ol/list?startIndex=1&pageSize=1") == {"bob": "true"}
    assert await ask(house, "bob", "GET", "user/ol/list") == {"alice": "false"}
    users = (await ask(house, "alice", "GET", "user/chat/status"))["users"]
    assert {user["userId"]: user["connected"] for user in users} == {"carol": False, "bob": True}
    seen = await ask(house, "alice", "GET", f"user/status?lastSeenAt={NOON}")
    assert [user["userId"] for user in seen["response"]] == ["bob"]
    house.manual_clock.move(5_000)
    await house.core.presence.set(house.tenant, carol, "phone", 60_000)
    seen = await ask(house, "alice", "GET", f"user/status?lastSeenAt={seen['generatedAt'] + 4_000}")
    assert [user["userId"] for user in seen["response"]] == ["carol"]


async def test_everything_is_read(house: House) -> None:
    alice, *_ = await _talk(house)
    assert await house.core.conversations.unread(house.tenant, alice) == 2
    await ask_as_bot(house, "alice", "GET", "user/read")
    assert await house.core.conversations.unread(house.tenant, alice) == 0
