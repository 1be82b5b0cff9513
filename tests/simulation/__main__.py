"""Run seeds: `python -m tests.simulation --seeds 200`, or one again: `python -m tests.simulation --seed 17`."""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import sys
import time
import traceback
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from typing import Final

from tests.simulation.faults import KINDS, LATE_JOINER
from tests.simulation.simulation import Outcome, simulate

COUNTED_SEEDS: Final = 50
"""From this many seeds on, every kind of fault must have struck."""
EVENTS_MEDIAN_MIN: Final = 200


def main() -> int:
    """Run what the arguments ask for; 0 when everything held."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="run the seeds from 0 up to this many")
    parser.add_argument("--seed", type=int, help="run this seed alone")
    asked = parser.parse_args()
    if os.environ.get("PYTHONHASHSEED") != "0":
        # Sets of texts have another order in each process: with a fixed one, a seed is the same run everywhere.
        os.execve(
            sys.executable,
            [sys.executable, "-m", "tests.simulation", *sys.argv[1:]],
            {**os.environ, "PYTHONHASHSEED": "0"},
        )
    seeds = range(asked.seeds) if asked.seed is None else range(asked.seed, asked.seed + 1)
    begun = time.perf_counter()
    if asked.seed is not None:
        results = [_run(asked.seed, with_traceback=True)]
    else:
        # A seed is the same run in any process.
        with ProcessPoolExecutor(os.cpu_count()) as processes:
            results = list(processes.map(_run, seeds))
    outcomes = [outcome for outcome in results if outcome is not None]
    failed = len(results) - len(outcomes)
    _report(outcomes, time.perf_counter() - begun)
    lacking = _lacking(outcomes) if len(seeds) >= COUNTED_SEEDS else []
    for words in lacking:
        print(f"FAILED {words}")
    print(f"{len(outcomes)} passed, {failed + len(lacking)} failed")
    return 1 if failed or lacking else 0


def _run(seed: int, *, with_traceback: bool = False) -> Outcome | None:
    try:
        return simulate(seed)
    except Exception as fault:
        if with_traceback:
            traceback.print_exc()
        print(f"FAILED seed {seed}: {fault}\n       replay: python -m tests.simulation --seed {seed}", flush=True)
        return None
    finally:
        # Processes that died leave cycles behind; collecting between seeds keeps their last moments out of the next one.
        gc.collect()


def _report(outcomes: list[Outcome], seconds: float) -> None:
    if not outcomes:
        return
    events = [outcome.events for outcome in outcomes]
    faults: Counter[str] = sum((outcome.faults for outcome in outcomes), Counter())
    print(
        f"{len(outcomes)} seeds, {sum(events)} events ({statistics.median(events):.0f} in the median), "
        f"{sum(outcome.frames for outcome in outcomes)} frames, {sum(outcome.seconds for outcome in outcomes) / 3600:.1f} h "
        f"simulated in {seconds:.0f} s: {sum(events) / seconds:.0f} events per second on {os.cpu_count()} cores"
    )
    print("faults: " + ", ".join(f"{kind} {count}" for kind, count in sorted(faults.items())))


def _lacking(outcomes: list[Outcome]) -> list[str]:
    """What a run of many seeds must have had and had not, in words."""
    faults: Counter[str] = sum((outcome.faults for outcome in outcomes), Counter())
    lacking = [f"no {kind} in {len(outcomes)} seeds" for kind in (*dict(KINDS), LATE_JOINER) if not faults[kind]]
    median = statistics.median(outcome.events for outcome in outcomes) if outcomes else 0
    if median < EVENTS_MEDIAN_MIN:
        lacking.append(f"{median:.0f} events a seed in the median, the least is {EVENTS_MEDIAN_MIN}")
    return lacking


if __name__ == "__main__":
    sys.exit(main())
