import time

from core.clock import ManualClock, SystemClock


def test_the_system_clock_tells_epoch_milliseconds() -> None:
    before = time.time() * 1000
    now = SystemClock().now()
    assert int(before) <= now <= time.time() * 1000


def test_a_manual_clock_stands_still_until_it_is_moved() -> None:
    clock = ManualClock(1_000)
    assert [clock.now(), clock.now()] == [1_000, 1_000]
    clock.move(5)
    assert clock.now() == 1_005
    clock.move(-10)
    assert clock.now() == 995
