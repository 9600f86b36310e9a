"""Comparing side by side: rounds in which each candidate is measured once, medians, and how far they spread."""

from collections.abc import Callable, Sequence
from statistics import median
from typing import TypeVar

import msgspec

Sample = TypeVar("Sample")


class Spread(msgspec.Struct, frozen=True):
    """The median of some values, the lowest and the highest."""

    median: float
    low: float
    high: float

    def text(self, form: str = ".2f") -> str:
        """For a table."""
        return f"{self.median:{form}} ({self.low:{form}}–{self.high:{form}})"


def spread(values: Sequence[float]) -> Spread:
    """What values have in common."""
    return Spread(median(values), min(values), max(values))


def ratio(values: Sequence[float], others: Sequence[float]) -> Spread:
    """How values compare with others that were taken in the same rounds: each ratio is of one round."""
    return spread([value / other for value, other in zip(values, others, strict=True)])


def in_turns(names: Sequence[str], rounds: int, measure: Callable[[str], Sample]) -> dict[str, list[Sample]]:
    """Measure each once a round, the order turned round after round, so that a machine that gets slower or faster
    favours nobody."""
    found: dict[str, list[Sample]] = {name: [] for name in names}
    order = list(names)
    for _ in range(rounds):
        for name in order:
            found[name].append(measure(name))
        order.reverse()
    return found
