"""Run seeds: `python -m tests.simulation --seeds 200 --from 5000`, or one again: `python -m tests.simulation --seed 17`."""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import sys
import time
import traceback
from collections.abc import Collection, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import count
from typing import Final

from tests.simulation.marks import BEYOND, lacking, members_share, reached
from tests.simulation.simulation import Outcome, simulate
from tests.simulation.tally import FAMILIES

ROUND_SEEDS: Final = 100
"""After so many seeds a run that lasts for a time looks at the clock."""
WORDS_MAX: Final = 1500


def main() -> int:
    """Run what the arguments ask for; 0 when everything held."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many seeds to run")
    parser.add_argument("--from", type=int, default=0, dest="first", help="the first of them")
    parser.add_argument("--minutes", type=float, help="run on from the first, for so long, instead of so many")
    parser.add_argument("--seed", type=int, help="run this seed alone")
    parser.add_argument("--on", action="append", default=[], help="a fault or habit that is off, to be tried")
    asked = parser.parse_args()
    if os.environ.get("PYTHONHASHSEED") != "0":
        # Sets of texts have another order in each process: with a fixed one, a seed is the same run everywhere.
        os.execve(
            sys.executable,
            [sys.executable, "-m", "tests.simulation", *sys.argv[1:]],
            {**os.environ, "PYTHONHASHSEED": "0"},
        )
    begun = time.perf_counter()
    if asked.seed is not None:
        results = [_run(asked.seed, asked.on, with_traceback=True)]
    else:
        results = []
        # A seed is the same run in any process.
        with ProcessPoolExecutor(os.cpu_count()) as processes:
            for seeds in _rounds(asked.first, asked.seeds, asked.minutes, begun):
                results += processes.map(partial(_run, on=asked.on), seeds)
    outcomes = [outcome for outcome in results if outcome is not None]
    failed = len(results) - len(outcomes)
    _report(outcomes, time.perf_counter() - begun)
    short = lacking(outcomes)
    for words in short:
        print(f"FAILED {words}")
    print(f"{len(outcomes)} passed, {failed + len(short)} failed")
    return 1 if failed or short else 0


def _rounds(first: int, seeds: int, minutes: float | None, begun: float) -> Iterator[range]:
    if minutes is None:
        yield range(first, first + seeds)
        return
    for start in count(first, ROUND_SEEDS):
        if time.perf_counter() - begun > minutes * 60:
            return
        yield range(start, start + ROUND_SEEDS)


def _run(seed: int, on: Collection[str] = (), *, with_traceback: bool = False) -> Outcome | None:
    try:
        return simulate(seed, on)
    except Exception as fault:
        if with_traceback:
            traceback.print_exc()
        words = str(fault)[:WORDS_MAX]
        print(f"FAILED seed {seed}: {words}\n       replay: python -m tests.simulation --seed {seed}", flush=True)
        return None
    finally:
        # Processes that died leave cycles behind; collecting between seeds keeps their last moments out of the next one.
        gc.collect()


def _report(outcomes: list[Outcome], seconds: float) -> None:
    if not outcomes:
        return
    events = [outcome.events for outcome in outcomes]
    print(
        f"{len(outcomes)} seeds, {sum(events)} events ({statistics.median(events):.0f} in the median), "
        f"{sum(outcome.frames for outcome in outcomes)} frames, {sum(outcome.seconds for outcome in outcomes) / 3600:.1f} h "
        f"simulated in {seconds:.0f} s: {sum(events) / seconds:.0f} events per second on {os.cpu_count()} cores; "
        f"{members_share(outcomes):.0%} with two members or more"
    )
    counts = reached(outcomes)
    for family in FAMILIES:
        named = {name.removeprefix(f"{family}: "): n for name, n in counts.items() if name.startswith(f"{family}: ")}
        print(f"{family}: " + ", ".join(f"{name} {n}" for name, n in sorted(named.items())))
    for name, why in BEYOND.items():
        print(f"not yet: {name}: {why}")


if __name__ == "__main__":
    sys.exit(main())
