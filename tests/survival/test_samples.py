"""What a soak calls flat."""

import os
from pathlib import Path

import pytest

from tests.gateway.program import running
from tests.survival.samples import Process, Sample, Trend, held_problems, memory_problems, trend

IDLE = Sample(100 << 20, 20, 7, 5)


def samples(growth: int) -> list[Sample]:
    """A minute's worth: a warm-up that does not count, then memory that grows by so many bytes a sample."""
    cold = [Sample(1 << 20, 500, 500, 500)] * 20
    return cold + [IDLE._replace(memory_bytes=(100 << 20) + growth * number) for number in range(80)]


@pytest.mark.parametrize(
    ("growth", "found"), [(0, []), (-10_000, []), (50_000, []), (100_000, ["it: memory grew by 6.1%"])]
)
def test_memory(growth: int, found: list[str]) -> None:
    assert memory_problems("it", trend(samples(growth))) == found


def test_a_single_peak_is_no_growth() -> None:
    rows = samples(0)
    rows[-1] = Sample(900 << 20, 900, 900, 900)
    assert trend(rows) == (IDLE, IDLE)


@pytest.mark.parametrize(("what", "place"), [("files", 1), ("threads", 2), ("tasks", 3)])
def test_what_is_held(what: str, place: int) -> None:
    busy = IDLE._replace(**{what: IDLE[place] + 16})
    more = IDLE._replace(**{what: IDLE[place] + 17})
    assert held_problems("it", Trend(IDLE, busy), IDLE, IDLE, 16) == []
    assert held_problems("it", Trend(IDLE, more), IDLE, IDLE, 16) == [
        f"it: {what} grew from {IDLE[place]} to {more[place]}"
    ]
    assert held_problems("it", Trend(IDLE, IDLE), IDLE, busy, 16) == [
        f"it: {what} were {IDLE[place]} before the load and are {busy[place]} after it"
    ]


def test_a_process_from_outside(tmp_path: Path) -> None:
    own = Process("tests", os.getpid())
    before = own.sample()
    with (tmp_path / "file").open("w"):
        held, taken = own.sample(), bytearray(os.urandom(1 << 20) * 64)
    assert (before.files, held.files, own.sample().files) == (before.files, before.files + 1, before.files)
    assert own.sample().memory_bytes > held.memory_bytes + len(taken) // 2
    with running(tmp_path) as program:
        worker = Process("worker", program.worker, worker=True)
        assert worker.sample().tasks > 0
        worker.close()
