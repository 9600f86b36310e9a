"""Many at once, on every engine."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Coroutine
from itertools import pairwise
from typing import Any

import pytest

from core.clock import ManualClock
from core.core import Core
from core.errors import Failure, Kind
from core.messages import Query
from core.model import Group, GroupChanges, Receipt, Stored, Tenant, User
from tests.core.support import opened, text
from tests.servers import Engine

WRITERS = 64
PROCESSES = 4
EACH = 50
DEADLINE = 60


@pytest.fixture
async def workers(engine: Engine, clock: ManualClock, core: Core) -> AsyncIterator[list[Core]]:
    """Two gateway processes as far as the store can tell."""
    async with opened(engine.url, clock) as other:
        yield [core, other]


async def outcomes(*tasks: Coroutine[Any, Any, Any]) -> tuple[list[Any], list[Failure]]:
    """What came of all of them, done at once."""
    found = await asyncio.gather(*tasks, return_exceptions=True)
    failures = [one for one in found if isinstance(one, Failure)]
    results = [one for one in found if not isinstance(one, BaseException)]
    assert len(failures) + len(results) == len(found), found
    return results, failures


async def test_many_writers_in_many_processes_leave_no_gap(engine: Engine, core: Core, tenant: Tenant) -> None:
    owner = await core.users.key(tenant, "owner")
    group = await core.groups.create(tenant, name="busy", owner=owner, members=[owner], dialect="plain")
    share = WRITERS // PROCESSES
    processes = []
    try:
        for first in range(0, WRITERS, share):
            words = (engine.url, tenant.name, group.number, first, share, EACH)
            command = (sys.executable, "-m", "tests.core.writers", *map(str, words))
            processes.append(await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, limit=1 << 24))
        async with asyncio.timeout(DEADLINE):
            for process in processes:
                assert await line_of(process) == b"ready\n"
            for process in processes:
                assert process.stdin is not None
                process.stdin.write(b"go\n")
            rows = [row for process in processes for row in json.loads(await line_of(process))]
            assert [await process.wait() for process in processes] == [0] * PROCESSES
    finally:
        for process in processes:
            if process.returncode is None:
                process.kill()
                await process.wait()

    rows.sort(key=lambda row: row[3])
    assert [row[3] for row in rows] == list(range(1, WRITERS * EACH + 1))
    assert len({row[2] for row in rows}) == len(rows)
    assert all(earlier[4] < later[4] for earlier, later in pairwise(rows))
    acknowledged = [(row[0], str(row[1]), row[2], row[3], row[4]) for row in rows]
    query = Query(500, newest_first=False)
    stored: list[Stored] = []
    for _ in range(len(rows)):
        page = await core.messages.group_page(tenant, owner, group.number, query)
        stored += page.messages
        if not page.cursor:
            break
        query = Query(500, newest_first=False, cursor=page.cursor)
    assert [(one.message.sender, one.message.content.text, one.id, one.sequence, one.time) for one in stored] == (  # type: ignore[union-attr]
        acknowledged
    )


async def line_of(process: Process) -> bytes:
    assert process.stdout is not None
    return await process.stdout.readline()


async def test_one_reference_fifty_times_at_once_is_one_message(workers: list[Core], tenant: Tenant) -> None:
    ada, bob = await workers[0].users.keys(tenant, ["ada", "bob"])

    async def send(worker: Core, number: int) -> list[Receipt]:
        return await worker.messages.send_direct(tenant, ada, [bob], text("ada", str(number)), "client:same")

    receipts = [
        receipt
        for receipts in await asyncio.gather(*(send(workers[number % 2], number) for number in range(50)))
        for receipt in receipts
    ]
    assert len({(one.id, one.conversation, one.sequence, one.time) for one in receipts}) == 1
    assert sorted(one.repeated for one in receipts) == [False] + [True] * 49
    page = await workers[0].messages.direct_page(tenant, "ada", "bob", Query(10))
    assert [one.id for one in page.messages] == [receipts[0].id]


async def test_a_broadcast_reaches_everybody_once(core: Core, tenant: Tenant) -> None:
    ada = await core.users.key(tenant, "ada")
    everybody = await core.users.keys(tenant, [f"user {number}" for number in range(600)])
    first = await core.messages.send_direct(tenant, ada, everybody, text("ada"), "client:all")
    again = await core.messages.send_direct(tenant, ada, everybody, text("ada"), "client:all")
    assert len({one.id for one in first}) == 600
    assert not any(one.repeated for one in first)
    assert [(one.id, one.repeated) for one in again] == [(one.id, True) for one in first]
    for user, receipt in zip(everybody, first, strict=True):
        page = await core.messages.direct_page(tenant, user.id, "ada", Query(10))
        assert [one.id for one in page.messages] == [receipt.id]
        assert [row.last and row.last.id for row in await core.conversations.list(tenant, user, 10)] == [receipt.id]
    # They are all of one time, so they are all on one page.
    rows = await core.conversations.list(tenant, ada, 50)
    assert {row.peer for row in rows} == {user.id for user in everybody}


async def test_of_two_creators_of_one_group_id_one_wins(workers: list[Core], tenant: Tenant) -> None:
    ada, bob = await workers[0].users.keys(tenant, ["ada", "bob"])

    async def create(number: int, alias: str) -> Group:
        owner = (ada, bob)[number]
        return await workers[number].groups.create(
            tenant, name=owner.id, owner=owner, members=[owner], dialect="plain", alias=alias
        )

    for alias in (f"group {number}" for number in range(20)):
        created, failures = await outcomes(create(0, alias), create(1, alias))
        assert [(one.kind, one.reason) for one in failures] == [(Kind.CONFLICT, "group")]
        assert await workers[0].groups.alias(tenant, "plain", alias) == created[0].number
        detail = await workers[0].groups.detail(tenant, created[0].number)
        assert detail is not None
        assert detail[0] == created[0]
        assert [member.id for member in detail[1]] == [created[0].owner]


async def test_of_fifty_registrations_of_one_name_one_succeeds(workers: list[Core], tenant: Tenant) -> None:
    async def register(number: int) -> User:
        return await workers[number % 2].users.register(tenant, "ada", display_name=f"Ada {number}")

    users, failures = await outcomes(*(register(number) for number in range(50)))
    assert len(users) == 1
    assert {(one.kind, one.reason) for one in failures} == {(Kind.CONFLICT, "user")}
    for worker in workers:
        assert await worker.users.find(tenant, "ada") == users[0]
    assert await workers[0].users.page(tenant, 0, 10) == users


async def test_names_placed_at_once_have_one_place_each(workers: list[Core], tenant: Tenant) -> None:
    names = [f"user {number % 20}" for number in range(200)]
    keys = await asyncio.gather(
        *(
            workers[number % 2].users.key(tenant, name.upper() if number % 3 else name, folded=True)
            for number, name in enumerate(names)
        )
    )
    assert [key.id for key in keys] == names
    assert len({(key.id, key.number) for key in keys}) == len({key.number for key in keys}) == 20


async def test_changes_of_a_group_at_once_are_all_kept(workers: list[Core], tenant: Tenant) -> None:
    ada = await workers[0].users.key(tenant, "ada")
    group = await workers[0].groups.create(tenant, name="group", owner=ada, members=[ada], dialect="plain")
    changes: list[GroupChanges] = [
        {"name": "new"},
        {"description": "described"},
        {"public": True},
        {"maximum_members": 7},
        {"attributes": {"a": 1}},
    ]
    await asyncio.gather(
        *(workers[index % 2].groups.update(tenant, group.number, **change) for index, change in enumerate(changes))
    )
    found = await workers[0].groups.find(tenant, group.number)
    assert found is not None
    for change in changes:
        for name, value in change.items():
            assert getattr(found, name) == value


async def test_joining_and_leaving_at_once_is_done_once(workers: list[Core], tenant: Tenant) -> None:
    ada, bob = await workers[0].users.keys(tenant, ["ada", "bob"])
    group = await workers[0].groups.create(tenant, name="group", owner=ada, members=[ada], dialect="plain")
    for _ in range(5):
        added = await asyncio.gather(*(worker.groups.add(tenant, group.number, [bob]) for worker in workers * 5))
        assert sorted(added) == [[False]] * 9 + [[True]]
        removed = await asyncio.gather(*(worker.groups.remove(tenant, group.number, [bob]) for worker in workers * 5))
        assert sorted(removed) == [[False]] * 9 + [[True]]
