import asyncio
import logging
from collections.abc import Callable

import pytest

from core import housekeeping
from core.clock import ManualClock
from core.errors import Failure, Kind, StaleTenant, store_unavailable
from core.housekeeping import Housekeeping
from core.messages import Query
from core.store.embedded import server_binary
from tests.core.support import START, new_name, opened, text
from tests.servers import ServerProcess

DEADLINE = 10


class Counting:
    """A chore that counts its rounds; `act` says what becomes of each."""

    def __init__(self, act: Callable[[int], bool] = lambda _: False) -> None:
        self.act = act
        self.rounds = 0
        self.done = asyncio.Event()

    async def round(self) -> bool:
        self.rounds += 1
        self.done.set()
        return self.act(self.rounds)


class Slow:
    """A chore that never comes to an end by itself."""

    def __init__(self) -> None:
        self.cut_off = 0

    async def round(self) -> bool:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cut_off += 1
            raise
        return True


def failing(problem: Exception) -> Callable[[int], bool]:
    def act(_: int) -> bool:
        raise problem

    return act


async def test_a_round_is_one_of_each_chore() -> None:
    chores = [Counting(), Counting(lambda number: number < 3), Counting()]
    keeping = Housekeeping(chores)
    assert [await keeping.round() for _ in range(4)] == [True, True, False, False]
    assert [chore.rounds for chore in chores] == [4, 4, 4]
    assert await Housekeeping([]).round() is False


async def test_a_chore_that_fails_does_not_end_the_others(caplog: pytest.LogCaptureFixture) -> None:
    broken = Counting(failing(ValueError("broken")))
    refused = Counting(failing(Failure(Kind.STORE_UNAVAILABLE, "full", reason="full")))
    stale = Counting(failing(StaleTenant(1)))
    last = Counting(lambda _: True)
    assert await Housekeeping([broken, refused, stale, last]).round() is True
    assert [chore.rounds for chore in (broken, refused, stale, last)] == [1, 1, 1, 1]
    assert [record.getMessage() for record in caplog.records] == ["chore Counting failed"] * 2


async def test_a_slow_chore_is_cut_off(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(housekeeping, "CHORE_SECONDS", 0.01)
    slow, quick = Slow(), Counting()
    async with asyncio.timeout(DEADLINE):
        await Housekeeping([slow, quick]).round()
    assert (slow.cut_off, quick.rounds) == (1, 1)
    assert [record.getMessage() for record in caplog.records] == ["chore Slow failed"]


async def test_while_the_store_is_away_nothing_more_is_tried_and_nobody_waits_for_ever(
    caplog: pytest.LogCaptureFixture,
) -> None:
    away = Counting(failing(store_unavailable()))
    well = Counting()
    keeping = Housekeeping([away, well])
    # Every round begins with another chore, so that one whose server alone is away does not stop the rest.
    assert [await keeping.round() for _ in range(4)] == [False] * 4
    assert (away.rounds, well.rounds) == (4, 3)
    assert caplog.records == []


async def test_it_goes_on_until_it_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "INTERVAL_SECONDS", 0.01)
    chore = Counting(lambda number: number % 3 == 0)
    running = asyncio.create_task(Housekeeping([chore]).run())
    async with asyncio.timeout(DEADLINE):
        for _ in range(7):
            chore.done.clear()
            await chore.done.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert chore.rounds >= 7


async def test_what_is_due_waits_for_the_store(caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock(START)
    options = {"appendonly": "yes", "appendfsync": "always"}
    with (
        caplog.at_level(logging.WARNING),
        ServerProcess(server_binary(), options=options) as server,
    ):
        async with opened(server.url, clock) as core:
            tenant = await core.tenants.add(new_name())
            ada, bob = await core.users.keys(tenant, ["ada", "bob"])
            await core.due.send_direct(tenant, ada, [bob], text("ada"), "client:1", START + 1)
            server.kill()
            clock.move(1)
            assert await core.housekeeping.round() is False
            server.start()
            async with asyncio.timeout(DEADLINE):
                while not await core.housekeeping.round():
                    pass
            page = await core.messages.direct_page(tenant, "ada", "bob", Query(10))
            assert [one.time for one in page.messages] == [START + 1]
    assert [record.getMessage() for record in caplog.records if record.name.startswith("core.")] == []
