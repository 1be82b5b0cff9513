"""C2: updates settle the same everywhere when they come in causal order, and only then."""

import random
from itertools import permutations

import pytest
from carryon.notes.note import Note

from tests.notes.histories import ID, Written, causal_orders, history


@pytest.mark.parametrize("seed", range(12))
def test_c2_every_causal_order_settles_the_same(seed: int) -> None:
    """C2: six updates of three authors, in each of their causal orders."""
    made = history(seed, authors=3, updates=6)

    settled = {_settled(order) for order in causal_orders(made)}

    assert len(settled) == 1


@pytest.mark.parametrize("seed", range(4))
def test_c2_every_delivery_settles_the_same_when_it_is_held_back(seed: int) -> None:
    """C2: five updates of three authors delivered in all 120 orders, each held back until what it needs is there."""
    made = history(seed, authors=3, updates=5)

    settled = {_settled(_held_back(delivered)) for delivered in permutations(made)}

    assert len(settled) == 1


def test_c2_long_histories_settle_the_same() -> None:
    """C2: 80 updates of three authors, in 10 causal orders drawn at random, are the same note."""
    for seed in range(100, 103):
        made = history(seed, authors=3, updates=80)
        draw = random.Random(seed)

        settled = {_settled(_held_back(draw.sample(made, len(made)))) for _ in range(10)}

        assert len(settled) == 1


def _held_back(delivered: tuple[Written, ...] | list[Written]) -> list[Written]:
    """Return the order in which updates are applied when each waits for all that its author had seen."""
    applied: list[Written] = []
    waiting = list(delivered)
    while waiting:
        held = {written.number for written in applied}
        ready = [written for written in waiting if written.needs <= held]
        applied += ready
        waiting = [written for written in waiting if written not in ready]
    return applied


def _settled(order: list[Written]) -> tuple[object, ...]:
    note = Note(ID, 1)
    for written in order:
        note.apply(written.update)
        assert not note.pending
    return (note.body, note.field("title"), note.field("folder"), Note.load(ID, 2, note.state()).body)
