"""Takes all figures and writes them to docs/bench.md: `make bench`, or `python -m tests.bench`.

With `--quick` in about a minute, to look at and not to keep: it writes nothing. `--only NAME` takes one part.
"""

import argparse
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import msgspec

from tests.bench import http_figures, load, report
from tests.bench.growth_figures import growth_figures
from tests.bench.memory_figures import memory_figures
from tests.bench.report import Section
from tests.bench.store_figures import store_figures
from tests.servers import HOW_TO_GET_REDIS, Engine, embedded_engine, redis_binary, redis_engine

PAGE = Path(__file__).parents[2] / "docs" / "bench.md"


class Effort(msgspec.Struct, frozen=True):
    """How much is measured."""

    rounds: int
    seconds: float
    messages: int
    scale: int


FULL = Effort(rounds=7, seconds=3, messages=20_000, scale=1)
QUICK = Effort(rounds=3, seconds=1, messages=5_000, scale=10)


class Figures(msgspec.Struct, frozen=True):
    """What a part found, and how much of a core others used during each measurement."""

    sections: list[Section]
    foreign: list[float] = []


def over_http(part: Callable[[int, float], tuple[list[Section], list[float]]]) -> Callable[[Effort], Figures]:
    return lambda effort: Figures(*part(effort.rounds, effort.seconds))


def in_store(effort: Effort) -> Figures:
    with embedded_engine() as engine:
        return Figures(store_figures(engine, effort.rounds, effort.messages))


def growing(effort: Effort) -> Figures:
    with embedded_engine() as engine:
        return Figures(growth_figures(engine, effort.rounds, effort.scale))


def in_memory(effort: Effort) -> Figures:
    with ExitStack() as stack:
        engines: list[Engine] = [stack.enter_context(embedded_engine())]
        binary = redis_binary()
        if binary is None:
            print(HOW_TO_GET_REDIS)
        else:
            engines.append(stack.enter_context(redis_engine(binary)))
        return Figures(memory_figures(engines, effort.scale))


PARTS: dict[str, Callable[[Effort], Figures]] = {
    "send": over_http(http_figures.send_figures),
    "page": over_http(http_figures.page_figures),
    "ablation": over_http(http_figures.ablation_figures),
    "store": in_store,
    "growth": growing,
    "memory": in_memory,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", choices=PARTS)
    options = parser.parse_args()
    effort = QUICK if options.quick else FULL
    sections: list[Section] = []
    foreign: list[float] = []
    for name, part in PARTS.items():
        if options.only in (None, name):
            print(f"{name} …", flush=True)
            figures = part(effort)
            sections += figures.sections
            foreign += figures.foreign
    page = report.render(sections, "make bench", load.generator(), foreign)
    print(page)
    if not options.quick and not options.only:
        PAGE.write_text(page)
        print(f"Written to {PAGE}")


if __name__ == "__main__":
    main()
