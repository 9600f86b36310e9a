"""Groups of very many members: no script does more than a step of what was asked for, and repeats answer as one whole."""

from collections.abc import Callable
from typing import Any

import pytest

from core.clock import ManualClock
from core.core import Core
from core.errors import Kind, store_unavailable
from core.model import Audience, Tenant, UserKey
from core.store.groups import MEMBERS_AT_ONCE, ROWS_AT_ONCE
from core.store.scripts import Script
from tests.core.groups.support import refused, roles, seen, send
from tests.core.support import text

Called = list[tuple[str, int, Any]]
"""What was called, with how many arguments, and the answer."""


@pytest.fixture
async def many(core: Core, tenant: Tenant) -> list[UserKey]:
    return await core.users.keys(tenant, [f"user {number}" for number in range(250)])


def watch(core: Core, monkeypatch: pytest.MonkeyPatch, fails: Callable[[Called], bool] = lambda _: False) -> Called:
    """Notes every call; those of which `fails` says so are done, and their answer is lost."""
    called: Called = []
    call = core.store.call

    async def noted(tenant: Tenant, script: Script, partition: int, *arguments: Any, **options: Any) -> Any:
        reply = await call(tenant, script, partition, *arguments, **options)
        called.append((script.name, len(arguments), reply))
        if fails(called):
            raise store_unavailable()
        return reply

    monkeypatch.setattr(core.store, "call", noted)
    return called


async def test_a_group_is_created_with_many_and_read_in_pieces(
    core: Core, tenant: Tenant, many: list[UserKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    called = watch(core, monkeypatch)
    group = await core.groups.create(
        tenant, name="", owner=many[3], members=many, dialect="plain", maximum_members=250, reference="client:1"
    )
    assert max(arguments for _, arguments, _ in called) < 2 * MEMBERS_AT_ONCE + 20
    called.clear()
    found = await core.groups.detail(tenant, group.number)
    assert found is not None
    assert [(member.id, member.role) for member in found[1]] == [
        (user.id, "owner" if user == many[3] else "member") for user in many
    ]
    assert [len(reply) // 4 for _, _, reply in called] == [ROWS_AT_ONCE, 50]
    called.clear()
    for newest_first in (False, True):
        page = await core.members.page(tenant, group.number, newest_first=newest_first, limit=240)
        rest = await core.members.page(tenant, group.number, newest_first=newest_first, limit=240, cursor=page.cursor)
        ids = [member.id for member in page.members + rest.members]
        assert ids == [user.id for user in (reversed(many) if newest_first else many)]
        assert (len(page.members), rest.cursor, rest.total) == (240, 0, 250)
    assert max(len(reply) // 4 for _, _, reply in called) <= ROWS_AT_ONCE
    await refused(
        core.groups.add(tenant, group.number, [await core.users.key(tenant, "late")]), Kind.CONFLICT, "members"
    )


async def test_those_who_come_with_a_group_see_what_was_there_before(
    core: Core, tenant: Tenant, many: list[UserKey]
) -> None:
    number = await core.groups.place(tenant, "plain", "lobby")
    await send(core, tenant, many[0], number)
    await core.groups.create(tenant, name="", owner=many[0], members=many, dialect="plain", alias="lobby")
    for user in (many[0], many[99], many[100], many[249]):
        assert await seen(core, tenant, user, number) == [1]
        assert [row.group_number for row in await core.conversations.list(tenant, user, 10)] == [number]


@pytest.mark.parametrize("lost", [1, 2, 3])
async def test_what_was_broken_off_is_completed_by_a_repeat(
    core: Core, tenant: Tenant, many: list[UserKey], monkeypatch: pytest.MonkeyPatch, lost: int
) -> None:
    steps = ("create_group", "add_members", "remove_members")

    async def create() -> int:
        group = await core.groups.create(
            tenant, name="", owner=many[0], members=many, dialect="plain", alias="lobby", reference="client:1"
        )
        return group.number

    with monkeypatch.context() as patched:
        watch(core, patched, lambda called: sum(name in steps for name, _, _ in called) == lost)
        await refused(create(), Kind.STORE_UNAVAILABLE, "")
    number = await create()
    assert list(await roles(core, tenant, number)) == [user.id for user in many]

    again = [*many, many[0]]
    for act in (core.groups.remove, core.groups.add):
        with monkeypatch.context() as patched:
            watch(core, patched, lambda called: sum(name in steps for name, _, _ in called) == lost)
            await refused(act(tenant, number, again, reference="client:2"), Kind.STORE_UNAVAILABLE, "")
        assert await act(tenant, number, again, reference="client:2") == [*[True] * 250, False]
        assert await act(tenant, number, again, reference="client:2") == [*[True] * 250, False]
    assert len(await roles(core, tenant, number)) == 250


async def test_why_nobody_of_a_step_was_changed(core: Core, tenant: Tenant, many: list[UserKey]) -> None:
    group = (await core.groups.create(tenant, name="", owner=many[0], members=many[:1], dialect="plain")).number
    await core.groups.add(tenant, group, [many[120]])
    assert await core.members.block(tenant, group, [many[120]]) == [True]
    failure = await refused(core.groups.add(tenant, group, many), Kind.FORBIDDEN, "blocked")
    assert failure.subject == many[120].id
    assert len(await roles(core, tenant, group)) == 100
    await refused(core.groups.remove(tenant, group, many[:50], spare_owner=True), Kind.FORBIDDEN, "owner")
    assert len(await roles(core, tenant, group)) == 100
    await refused(core.groups.add(tenant, 999, []), Kind.NOT_FOUND, "group")


async def test_many_leave_who_were_shown_nothing_for_long(
    core: Core, tenant: Tenant, many: list[UserKey], clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, *others = many[:101]
    group = (await core.groups.create(tenant, name="", owner=ada, members=[ada, *others], dialect="plain")).number
    await send(core, tenant, ada, group)
    for number in range(1_200):
        clock.move(1)
        await core.messages.send_group(tenant, ada, [group], text("ada"), f"client:{number}", Audience(to=(ada,)))
    called = watch(core, monkeypatch)
    for _ in range(2):
        assert await core.groups.remove(tenant, group, [*others, ada], reference="client:leave") == [True] * 101
    steps = [len(reply) for name, _, reply in called if name == "remove_members"]
    assert sum(steps) == 202
    assert max(steps) < 10
    row = (await core.conversations.list(tenant, others[-1], 10))[0]
    assert row.last is not None
    assert (row.last.sequence, row.unread) == (1, 1)
    assert await seen(core, tenant, others[0], group) == [1]
