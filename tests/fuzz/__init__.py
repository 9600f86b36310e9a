"""Whatever is sent: no failure of the gateway's own, and refusals in the vendor's form. `make fuzz CASES=10000 SEED=1`."""

import os
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, seed, settings

_CASES = int(os.environ.get("FUZZ_CASES", "0"))
_SEED = int(os.environ.get("FUZZ_SEED", "1"))


def cases(few: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """So many cases of a test, or as many as `FUZZ_CASES` says; the same ones for the same `FUZZ_SEED`. What fails is shown
    as it was sent: a case may rest on the ones before it, so none is made smaller."""

    def decorate(test: Callable[..., Any]) -> Callable[..., Any]:
        limited = settings(
            max_examples=_CASES or few,
            phases=[Phase.generate],
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        return seed(_SEED)(limited(test))

    return decorate
