"""That no script looks at more than it can in a few milliseconds: counted in commands, since times depend on the machine."""

import io
from typing import Any

import msgspec
import pytest

from core.clock import ManualClock
from core.core import Core
from core.errors import Failure, store_unavailable
from core.messages import Query
from core.model import Audience, Tenant
from core.store import groups as groups_store
from core.store import retired
from core.store.scripts import Script
from tests.core.support import old, text
from tests.servers import Engine


async def test_who_left_a_large_group_is_looked_at_some_at_a_time(
    engine: Engine, core: Core, clock: ManualClock, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, *others = await core.users.keys(tenant, [f"user {number}" for number in range(700)])
    group = (await core.groups.create(tenant, name="", owner=ada, members=[ada, *others], dialect="plain")).number
    await core.messages.send_group(tenant, ada, [group], text("first"), "client:first")
    for number in range(100):
        clock.move(1)
        audience = Audience(to=tuple(others[:50]))
        await core.messages.send_group(tenant, ada, [group], text("some"), f"client:{number}", audience)
    clock.move(1_000)
    last = (await core.messages.send_group(tenant, ada, [group], text("last"), "client:last"))[0]
    await core.groups.remove(tenant, group, others[50:])
    clock.move(1_000)
    later = (await core.messages.send_group(tenant, ada, [group], text("later"), "client:later"))[0]
    calls = watch(engine, core, monkeypatch)

    async def latest() -> set[str]:
        found = set()
        for user in (others[50], others[200], others[-1]):
            (row,) = await core.conversations.list(tenant, user, 5)
            assert row.last is not None
            found.add(row.last.message.sender)
            assert row.time == row.last.time
        return found

    assert await latest() == {"last"}
    calls.clear()
    assert await core.messages.recall(tenant, later.id)
    assert [name for name, _ in calls] == ["recall"]  # nobody who left was shown that
    assert await core.messages.recall(tenant, last.id)
    assert max(count for _, count in calls) < 700
    assert await latest() == {"first"}
    calls.clear()
    imports = [old(f"old {number}", last.time - 500 + number, ada, "import") for number in range(40)]
    assert len(await core.imports.group(tenant, group, imports)) == 40
    assert max(count for _, count in calls) < 700
    assert len(calls) > 5
    for user in (others[50], others[200], others[-1]):
        (row,) = await core.conversations.list(tenant, user, 5)
        assert row.last is not None
        assert row.last.time == row.time == last.time - 461


async def test_lists_of_who_left_follow_a_repeat_of_what_was_broken_off(
    core: Core, clock: ManualClock, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, *others = await core.users.keys(tenant, [f"user {number}" for number in range(150)])
    group = (await core.groups.create(tenant, name="", owner=ada, members=[ada, *others], dialect="plain")).number
    clock.move(1_000)
    await core.messages.send_group(tenant, ada, [group], text("first"), "client:first")
    clock.move(1_000)
    last = (await core.messages.send_group(tenant, ada, [group], text("last"), "client:last"))[0]
    await core.groups.remove(tenant, group, others)
    call = core.store.call

    async def breaking(tenant: Tenant, script: Script, *arguments: Any, **options: Any) -> Any:
        if script.name in ("rewrite_rows", "raise_rows"):
            raise store_unavailable()
        return await call(tenant, script, *arguments, **options)

    imports = [old("old", last.time - 500, ada)]
    for act, repeated in (
        (lambda: core.messages.recall(tenant, last.id), False),
        (lambda: core.imports.group(tenant, group, imports), None),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(core.store, "call", breaking)
            with pytest.raises(Failure, match="not available"):
                await act()
        assert repeated in (await act(), None)
        for user in others:
            (row,) = await core.conversations.list(tenant, user, 5)
            assert row.last is not None
            assert row.last.time == row.time


async def test_a_page_of_large_messages_is_a_megabyte_or_two_and_goes_on(
    core: Core, clock: ManualClock, tenant: Tenant
) -> None:
    ada, bob = await core.users.keys(tenant, ["ada", "bob"])
    topic, _ = await core.topics.create(tenant, ("ada", "bob"), creator=ada, dialect="plain")
    small, large = (msgspec.structs.replace(text("ada", "x" * size), topic=topic.number) for size in (1, 300_000))
    imports = [old(f"old {number}", clock.now() - 50 + number, ada) for number in range(20)]
    await core.imports.direct(tenant, ada, bob, [msgspec.structs.replace(each, message=large) for each in imports])
    for number in range(40):
        clock.move(1)
        await core.messages.send_direct(tenant, ada, [bob], large if number % 8 else small, f"client:{number}")
    for newest_first in (True, False):
        for of_topic in (0, topic.number):
            times: list[int] = []
            query = Query(50, newest_first=newest_first, topic=of_topic)
            for _ in range(60):
                page = await core.messages.direct_page(tenant, "ada", "bob", query, bob)
                assert len(page.messages) <= 10  # a megabyte of each lane
                times += [one.time for one in page.messages]
                if not page.cursor:
                    break
                query = msgspec.structs.replace(query, cursor=page.cursor)
            assert len(times) == 60
            assert times == sorted(set(times), reverse=newest_first)


async def test_what_is_almost_empty_is_not_searched_at_random(
    engine: Engine, core: Core, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = await core.users.keys(tenant, [f"user {number}" for number in range(2_000)])
    names = ("hrandfield", "srandmember", "hscan", "sscan")
    groups = [await core.groups.create(tenant, name="", owner=users[0], members=users, dialect="plain") for _ in "12"]
    sent = (await core.messages.send_group(tenant, users[0], [groups[0].number], text("user 0"), "client:1"))[0]
    for user in users[:600]:
        assert await core.messages.hide(tenant, user, [sent.id]) == [True]
    monkeypatch.setattr(groups_store, "_USERS_AT_ONCE", 20)
    before = [commands(engine, name) for name in names]
    await core.groups.delete(tenant, groups[1].number)
    at_random, _, scanned, _ = (commands(engine, name) - known for name, known in zip(names, before, strict=True))
    assert at_random == 0
    assert 100 <= scanned < 220  # about two of a call: it goes on where it was
    await core.tenants.reset(tenant.name)
    monkeypatch.setattr(retired, "KEYS_AT_ONCE", 200)
    before = [commands(engine, name) for name in names]
    rounds = 1
    while await core.reclaim.round():
        rounds += 1
        assert rounds < 1_000
    assert commands(engine, "srandmember") == before[1]
    assert commands(engine, "hrandfield") - before[0] <= rounds  # whose turn it is


async def test_topics_are_listed_and_erased_without_a_look_at_all_of_them(
    engine: Engine, core: Core, tenant: Tenant
) -> None:
    ada, bob = await core.users.keys(tenant, ["ada", "bob"])
    parties = ("ada", "eve")
    topics = [await core.topics.create(tenant, parties, creator=bob, dialect="plain") for _ in range(120)]
    numbers = [topic.number for topic, _ in topics]
    names = ("hkeys", "hvals", "hgetall")
    before = [commands(engine, name) for name in names]
    assert [one.number for one in await core.topics.list(tenant, parties, 0, 50)] == numbers[:50]
    assert [one.number for one in await core.topics.list(tenant, parties, numbers[99], 50)] == numbers[100:]
    assert await core.topics.list(tenant, ("no", "body")) == []
    assert [commands(engine, name) for name in names] == before
    for user in (ada, bob):
        assert await core.erase.user(tenant, user.id)
        tenant = (await core.tenants.numbered([tenant.number]))[tenant.number]
    for _ in range(1_000):
        if not await core.erase.round():
            break
    assert [commands(engine, name) for name in names[1:]] == before[1:]
    assert {one.creator for one in await core.topics.list(tenant, parties, 0, 200)} == {""}


async def test_an_erasure_moves_the_lists_of_many_some_at_a_time(
    engine: Engine, core: Core, clock: ManualClock, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob, *others = await core.users.keys(tenant, [f"user {number}" for number in range(260)])
    members = [ada, bob, *others]
    group = (await core.groups.create(tenant, name="", owner=bob, members=members, dialect="plain")).number
    await core.messages.send_group(tenant, bob, [group], text("first"), "client:first")
    for number in range(100):
        clock.move(1)
        await core.messages.send_group(tenant, bob, [group], text("some"), f"client:{number}", Audience(to=(ada,)))
    clock.move(1)
    await core.messages.send_group(tenant, ada, [group], text("last"), "client:last")
    await core.groups.remove(tenant, group, others)
    assert await core.erase.user(tenant, ada.id)
    calls = watch(engine, core, monkeypatch, "hmget")
    for _ in range(1_000):
        if not await core.erase.round():
            break
    assert max(count for _, count in calls) < 1_200
    tenant = (await core.tenants.numbered([tenant.number]))[tenant.number]
    for user in (others[0], others[-1]):
        (row,) = await core.conversations.list(tenant, user, 5)
        assert row.last is not None
        assert row.last.message.sender == "first"


async def test_a_backup_reads_what_users_have_of_a_large_group_some_at_a_time(
    engine: Engine, core: Core, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.flush()
    tenant = await core.tenants.add(tenant.name)
    users = await core.users.keys(tenant, [f"user {number}" for number in range(1_200)])
    group = (await core.groups.create(tenant, name="", owner=users[0], members=users, dialect="plain")).number
    await core.messages.send_group(tenant, users[0], [group], text("user 0"), "client:1")
    await core.groups.remove(tenant, group, users[600:])
    calls = watch(engine, core, monkeypatch, "zscore")
    assert (await core.backup.write(io.BytesIO())).messages == 1
    assert sum(count for _, count in calls) >= 2_400
    assert max(count for _, count in calls) < 500


def watch(engine: Engine, core: Core, monkeypatch: pytest.MonkeyPatch, command: str = "hget") -> list[tuple[str, int]]:
    """Notes every call, and how many of these commands it took."""
    calls: list[tuple[str, int]] = []
    call = core.store.call

    async def noted(tenant: Tenant, script: Script, *arguments: Any, **options: Any) -> Any:
        before = commands(engine, command)
        reply = await call(tenant, script, *arguments, **options)
        calls.append((script.name, commands(engine, command) - before))
        return reply

    monkeypatch.setattr(core.store, "call", noted)
    return calls


def commands(engine: Engine, name: str) -> int:
    """How many of these commands the servers have carried out, those of scripts too."""
    count = 0
    for server in engine.servers:
        with server.client() as client:
            count += int(client.info("commandstats").get(f"cmdstat_{name}", {"calls": 0})["calls"])
    return count


async def test_large_messages_that_the_viewer_is_not_shown_count_too(
    core: Core, clock: ManualClock, tenant: Tenant
) -> None:
    ada, bob, eve = await core.users.keys(tenant, ["ada", "bob", "eve"])
    group = (await core.groups.create(tenant, name="", owner=ada, members=[ada, bob, eve], dialect="plain")).number
    topic, _ = await core.topics.create(tenant, group, creator=ada, dialect="plain")
    large = msgspec.structs.replace(text("ada", "x" * 300_000), topic=topic.number)
    await core.messages.send_group(tenant, ada, [group], msgspec.structs.replace(text("ada"), topic=topic.number), "")
    for number in range(20):
        clock.move(1)
        await core.messages.send_group(tenant, ada, [group], large, f"client:{number}", Audience(to=(bob,)))
    for of_topic in (0, topic.number):
        query, pages = Query(50, topic=of_topic), 0
        for _ in range(20):
            page = await core.messages.group_page(tenant, eve, group, query)
            pages += 1
            if not page.cursor:
                break
            query = msgspec.structs.replace(query, cursor=page.cursor)
        assert len(page.messages) == 1
        assert 5 <= pages <= 7  # four make a megabyte
    row = await core.conversations.group(tenant, eve, group)
    assert row is not None
    assert row.last is not None
    assert row.last.sequence == 1


async def test_an_erasure_reads_large_messages_a_few_at_a_time(
    engine: Engine, core: Core, clock: ManualClock, tenant: Tenant
) -> None:
    ada, bob = await core.users.keys(tenant, ["ada", "bob"])
    for number in range(25):
        clock.move(1)
        await core.messages.send_direct(tenant, ada, [bob], text("ada", "x" * 300_000), f"client:{number}")
    assert await core.erase.user(tenant, "ada")
    before = commands(engine, "hstrlen")
    while await core.erase.round():
        pass
    assert commands(engine, "hstrlen") - before >= 8
    now = (await core.tenants.numbered([tenant.number]))[tenant.number]
    assert not (await core.messages.direct_page(now, "ada", "bob", Query(50), bob)).messages


async def test_a_recall_looks_at_nobody_from_whom_something_is_hidden(
    engine: Engine, core: Core, clock: ManualClock, tenant: Tenant
) -> None:
    ada, *others = await core.users.keys(tenant, [f"user {number}" for number in range(101)])
    group = (await core.groups.create(tenant, name="", owner=ada, members=[ada, *others], dialect="plain")).number
    sent = []
    for number in range(3):
        clock.move(1)
        sent += await core.messages.send_group(tenant, ada, [group], text("ada"), f"client:{number}")
    for other in others:
        assert await core.messages.hide(tenant, other, [sent[0].id, sent[1].id]) == [True, True]
    before = commands(engine, "getbit")
    assert await core.messages.recall(tenant, sent[1].id)
    assert await core.messages.recall(tenant, sent[2].id)
    assert commands(engine, "getbit") == before
    # One hidden, one hidden and recalled, one recalled; who comes last hid nothing.
    late = await core.users.key(tenant, "late")
    await core.groups.add(tenant, group, [late])
    await core.messages.send_group(tenant, ada, [group], text("ada"), "client:last")
    for user, unread in ((others[0], 1), (others[-1], 1), (late, 1), (ada, 0)):
        row = await core.conversations.group(tenant, user, group)
        assert row is not None
        assert row.unread == unread
