"""How many unread messages a user has in all: what the lists say, added up."""

import pytest

from core.clock import ManualClock
from core.core import Core
from core.model import Box, Tenant
from core.store import inbox
from tests.core.lives import Life
from tests.core.support import text


async def test_it_is_the_sum_of_all_lists(core: Core, tenant: Tenant, clock: ManualClock) -> None:
    life = Life(core, tenant, clock, 9)
    await life.begin()
    room = await core.groups.create(
        tenant, name="room", owner=life.users[0], members=life.users, dialect="plain", room=True
    )
    counted = boxed = 0
    for _ in range(8):
        await life.live(40, pause_ms=60_000)
        await core.messages.send_group(tenant, life.users[1], [room.number], text("bob"), f"client:{clock.now()}")
        for user in life.users:
            lists = await life.lists(user)
            expected = sum(row.unread for rows in lists.values() for row in rows)
            assert await core.conversations.unread(tenant, user) == expected
            counted += expected
            boxed += sum(row.unread for box in (Box.ARCHIVED, Box.HIDDEN) for row in lists[box])
    assert counted > 100
    assert boxed > 0
    nobody = await core.users.key(tenant, "nobody")
    assert await core.conversations.unread(tenant, nobody) == 0


async def test_only_the_latest_of_very_many_conversations_are_counted(
    core: Core, tenant: Tenant, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "COUNTED_CONVERSATIONS", 1)
    ada, *others = await core.users.keys(tenant, ["ada", *(f"user {number}" for number in range(200))])
    for other in others:
        clock.move(1)
        await core.messages.send_direct(tenant, other, [ada], text(other.id), "client:1")
    assert 0 < await core.conversations.unread(tenant, ada) <= 64
    monkeypatch.setattr(inbox, "COUNTED_CONVERSATIONS", 200)
    assert await core.conversations.unread(tenant, ada) == 200
