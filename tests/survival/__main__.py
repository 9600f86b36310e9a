"""Kills, and a soak, of real gateways: `make kills`, `make soak`, or `python -m tests.survival`. See docs/survival.md."""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvloop

from tests.survival import kills, soak
from tests.survival.victim import COMPILER


def run_kills(options: argparse.Namespace) -> bool:
    """All ways of killing; whether what must hold did."""
    outcomes = []
    for name, way in kills.WAYS.items():
        if options.only in (None, name):
            if way.stalled and not COMPILER:
                print(f"{way.name}: left out, there is no C compiler (cc)")
                continue
            print(f"{way.name} …", flush=True)
            wanted = round(options.acknowledged * way.share)
            with _folder_and_runner() as (folder, runner):
                rounds = kills.kill_rounds(way, folder, rounds=options.rounds, acknowledged=wanted, seed=options.seed)
                outcomes.append(runner.run(rounds))
    print(kills.render(outcomes))
    return all(outcome.held for outcome in outcomes)


def run_soak(options: argparse.Namespace) -> bool:
    """A soak; whether it passed."""
    with _folder_and_runner() as (folder, runner):
        report = runner.run(soak.soak(folder, options.minutes, options.seed))
    print(soak.render(report))
    return not report.problems


@contextmanager
def _folder_and_runner() -> Iterator[tuple[Path, asyncio.Runner]]:
    with (
        tempfile.TemporaryDirectory(prefix="survival-") as folder,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        yield Path(folder), runner


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.survival", description=__doc__)
    parts = parser.add_subparsers(required=True)
    part = parts.add_parser("kills")
    part.add_argument("--rounds", type=int, default=20)
    part.add_argument("--acknowledged", type=int, default=100_000)
    part.add_argument("--only", choices=kills.WAYS)
    part.add_argument("--seed", type=int, default=1)
    part.set_defaults(run=run_kills)
    part = parts.add_parser("soak")
    part.add_argument("--minutes", type=float, default=10)
    part.add_argument("--seed", type=int, default=1)
    part.set_defaults(run=run_soak)
    options = parser.parse_args()
    sys.exit(0 if options.run(options) else 1)


if __name__ == "__main__":
    main()
