"""A handful of seeds of the simulation, and what makes it worth believing: a seed is one run, and broken promises show.

The many seeds run by `make sim`.
"""

from __future__ import annotations

import pytest

from tests.simulation.simulation import simulate

SEEDS = range(1000, 1006)


@pytest.mark.parametrize("seed", SEEDS)
def test_devices_keep_what_is_saved_and_come_together_after_any_faults(seed: int) -> None:
    """A2, A5, B1, C2, C11, C12, D1, D3, E5: nothing saved is lost while faults strike, and all are equal when they end."""
    outcome = simulate(seed)

    assert outcome.events >= 200


def test_one_seed_is_the_same_run_every_time() -> None:
    """Otherwise a seed that failed could not be looked into."""
    assert simulate(1001).digest == simulate(1001).digest
