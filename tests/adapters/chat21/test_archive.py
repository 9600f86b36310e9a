"""What takes conversations out of the lists: archiving, deleting for oneself, and for everybody."""

import pytest

from core.ids import GROUP
from tests.adapters.chat21.conftest import as_user, conversations, history, said, send
from tests.adapters.chat21.test_groups import create
from tests.harness import NOON, House, Row

DONE = {"success": True}
EMPTY = {"success": True, "result": []}
ARCHIVED = "archived_conversations"


def delete(path: str, caller: str, status: int = 201, **row: object) -> Row:
    body = DONE if status in (200, 201) else ""
    return Row(path, "DELETE", "/api/{app}/" + path, status, body, headers=as_user(caller), **row)  # type: ignore[arg-type]


async def test_archive_and_back(house: House) -> None:
    await send(house, "user2", "user1", text="hi")
    (active,) = await conversations(house, "user1")
    await delete("conversations/user2", "user1").check(house)
    archived = [{**active, "archived": True}]
    for path in (ARCHIVED, "conversations/archived", ARCHIVED + "/user2"):
        assert await conversations(house, "user1", path) == archived
    for path in ("conversations", "conversations/user2"):
        assert await conversations(house, "user1", path) == []
    # It is archived for one of the two alone, and nothing is lost.
    assert len(await conversations(house, "user2")) == 1
    assert await conversations(house, "user2", ARCHIVED) == []
    assert await said(house, "user1", "user2") == ["hi"]
    await delete("conversations/user2", "user1").check(house)
    house.manual_clock.move(1)
    await send(house, "user2", "user1", text="again")
    (row,) = await conversations(house, "user1")
    assert (row["archived"], row["last_message_text"]) == (False, "again")
    for path in (ARCHIVED, "conversations/archived", ARCHIVED + "/user2"):
        assert await conversations(house, "user1", path) == []


async def test_archived_rows_are_the_newest_first_and_at_most_200(house: House) -> None:
    tenant, core = house.tenant, house.core
    for number in range(203):
        house.manual_clock.move(1)
        await send(house, "user1", f"peer{number}", text=str(number))
        if number % 2:
            await delete(f"conversations/peer{number}", "user1").check(house)
    rows = await conversations(house, "user1", ARCHIVED)
    assert [row["text"] for row in rows] == [str(number) for number in range(201, 0, -2)]
    assert [row["text"] for row in await conversations(house, "user1")][:2] == ["202", "200"]
    assert await core.users.known_key(tenant, "peer1") is not None


async def test_groups_are_archived_by_their_ids(house: House) -> None:
    for chosen in ({}, {"group_id": "team"}):
        uid = await create(house, "user1", "user2", **chosen)
        await delete(f"conversations/{uid}", "user2").check(house)
        assert await conversations(house, "user2") == []
        (row,) = await conversations(house, "user2", f"{ARCHIVED}/{uid}")
        assert (row["conversWith"], row["archived"]) == (uid, True)
        assert [row["conversWith"] for row in await conversations(house, "user1", f"conversations/{uid}")] == [uid]


@pytest.mark.parametrize("other", ["nobody", "group-nothing", "a%0A", "a" * 300, "user2"])
async def test_the_unknown_is_archived_without_a_trace(house: House, other: str) -> None:
    status = 400 if "%" in other else 201
    row = delete(f"conversations/{other}", "user1")
    await Row("", "DELETE", row.path, status, ..., headers=as_user("user1")).check(house)
    for path in ("conversations", ARCHIVED):
        assert await conversations(house, "user1", path) == []
    assert await house.core.users.known_key(house.tenant, "nobody") is None


@pytest.mark.parametrize("word", ["true", "TRUE"])
async def test_delete_removes_it_for_one_user(house: House, word: str) -> None:
    await send(house, "user2", "user1", text="hi")
    await delete("conversations/user2", "user1", query={"delete": word}).check(house)
    for path in ("conversations", ARCHIVED, "conversations/user2", ARCHIVED + "/user2"):
        assert await conversations(house, "user1", path) == []
    assert await history(house, "user1", "user2") == []
    assert await said(house, "user2", "user1") == ["hi"]
    house.manual_clock.move(1)
    await send(house, "user2", "user1", text="again")
    assert await said(house, "user1", "user2") == ["again"]
    assert len(await conversations(house, "user1")) == 1


@pytest.mark.parametrize("word", ["false", "", "0", "1", "no"])
async def test_any_other_word_archives(house: House, word: str) -> None:
    await send(house, "user2", "user1", text="hi")
    await delete("conversations/user2", "user1", query={"delete": word}).check(house)
    assert len(await conversations(house, "user1", ARCHIVED)) == 1
    assert await said(house, "user1", "user2") == ["hi"]


async def test_only_an_administrator_archives_for_another(house: House) -> None:
    await send(house, "user2", "user1", text="hi")
    await delete("conversations/user1", "user3", json={"user_id": "user2"}).check(house)
    assert await conversations(house, "user2", ARCHIVED) == []
    await delete("conversations/user1", "admin", json={"user_id": "user2"}).check(house)
    assert len(await conversations(house, "user2", ARCHIVED)) == 1
    assert await conversations(house, "user1", ARCHIVED) == []
    odd = Row("", "DELETE", "/api/{app}/conversations/user1", 405, "user_id is not valid", {"user_id": []})
    await Row(odd.label, odd.method, odd.path, 405, odd.body, odd.json, headers=as_user("admin")).check(house)


async def test_archived_lists_are_the_users_own_or_an_administrators_to_see(house: House) -> None:
    await send(house, "user2", "user1", text="hi")
    await delete("conversations/user2", "user1").check(house)
    for path in (ARCHIVED, "conversations/archived", ARCHIVED + "/user2"):
        where = f"/api/{{app}}/user1/{path}"
        for caller in ("user2", "user3"):
            await Row(caller, "GET", where, 401, "", headers=as_user(caller)).check(house)
        response = await Row("admin", "GET", where, 200, headers=as_user("admin")).check(house)
        assert len(response.json()["result"]) == 1
    for path in (ARCHIVED, ARCHIVED + "/x"):
        await Row("nobody", "GET", f"/api/{{app}}/nobody/{path}", 200, EMPTY, headers=as_user("admin")).check(house)


@pytest.mark.parametrize("caller", ["user1", "admin"])
async def test_a_groups_rows_go_for_everybody_and_its_messages_stay(house: House, caller: str) -> None:
    uid = await create(house, "user1", "user2", "user3")
    await send(house, "user3", uid, text="hi")
    await delete(f"conversations/{uid}", "user3").check(house)
    await delete(f"{uid}/conversations/timelines", caller, 200).check(house)
    for user in ("user1", "user2", "user3"):
        for path in ("conversations", ARCHIVED, f"conversations/{uid}", f"{ARCHIVED}/{uid}"):
            assert await conversations(house, user, path) == []
        assert await said(house, user, uid) == ["hi"]
    house.manual_clock.move(9)
    await send(house, "user2", uid, text="again")
    for user in ("user1", "user2", "user3"):
        assert [row["timestamp"] for row in await conversations(house, user)] == [NOON + 9]


@pytest.mark.parametrize("caller", ["user1", "admin"])
async def test_a_groups_messages_go_for_everybody(house: House, caller: str) -> None:
    uid = await create(house, "user1", "user2", group_id="team")
    await send(house, "user2", uid, text="hi", channel_type="group")
    await delete(f"{uid}/messages/timelines", caller, 200).check(house)
    for user in ("user1", "user2"):
        assert await history(house, user, uid) == []
        assert await conversations(house, user) == []
    await send(house, "user2", uid, text="again", channel_type="group")
    assert await said(house, "user1", uid) == ["again"]


@pytest.mark.parametrize("what", ["conversations", "messages"])
async def test_what_is_everybodys_is_for_owner_and_administrators(house: House, what: str) -> None:
    uid = await create(house, "user1", "user2")
    await send(house, "user2", uid, text="hi")
    await send(house, "user2", "user1", text="hi")
    await send(house, "user2", "group-unmade", text="hi")
    own_form = "group-" + house.core.ids(house.tenant).uuid(GROUP | 77)
    gone = {"success": False, "err": "Group doesn't exist"}
    for group, caller, status, body in (
        (uid, "user2", 401, ""),
        (uid, "user3", 401, ""),
        ("user1", "user1", 401, ""),
        ("user1", "user2", 401, ""),
        ("nothing", "user2", 401, ""),
        ("group-unmade", "user2", 401, ""),
        ("a" * 300, "user1", 401, ""),
        ("user1", "admin", 404, gone),
        ("nothing", "admin", 404, gone),
        ("group-unmade", "admin", 200, DONE),
        (own_form, "admin", 200, DONE),
    ):
        path = f"/api/{{app}}/{group}/{what}/timelines"
        await Row(f"{group} {caller}", "DELETE", path, status, body, headers=as_user(caller)).check(house)
    assert await said(house, "user2", uid) == ["hi"]
    assert await said(house, "user2", "user1") == ["hi"]
    assert [row["conversWith"] for row in await conversations(house, "user2")] == [uid, "user1"]
    assert await said(house, "user2", "group-unmade") == ([] if what == "messages" else ["hi"])
