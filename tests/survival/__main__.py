"""Kills, and a soak, of real gateways: `make kills`, `make soak`, or `python -m tests.survival`. See docs/survival.md."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

import uvloop

from tests.survival.kills import WAYS, kill_rounds, table


def kills(options: argparse.Namespace) -> bool:
    """All ways of killing; whether what must hold did."""
    outcomes = []
    for name, way in WAYS.items():
        if options.only in (None, name):
            print(f"{way.name} …", flush=True)
            acknowledged = round(options.acknowledged * way.share)
            with (
                tempfile.TemporaryDirectory(prefix="survival-") as folder,
                asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
            ):
                outcomes.append(
                    runner.run(
                        kill_rounds(
                            way, Path(folder), rounds=options.rounds, acknowledged=acknowledged, seed=options.seed
                        )
                    )
                )
    print(table(outcomes))
    return all(outcome.held for outcome in outcomes)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.survival", description=__doc__)
    parts = parser.add_subparsers(required=True)
    part = parts.add_parser("kills")
    part.add_argument("--rounds", type=int, default=20)
    part.add_argument("--acknowledged", type=int, default=100_000)
    part.add_argument("--seed", type=int, default=1)
    part.add_argument("--only", choices=WAYS)
    part.set_defaults(run=kills)
    options = parser.parse_args()
    sys.exit(0 if options.run(options) else 1)


if __name__ == "__main__":
    main()
