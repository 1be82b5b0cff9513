"""The edit between two texts."""

from itertools import pairwise

from carryon.notes.difference import Hunk, hunks_between, hunks_max
from hypothesis import given
from hypothesis import strategies as st

LINES = st.lists(st.sampled_from(["", "one", "two words", "drei", "é 😀", "a b c"]), max_size=12)
ENDS = st.sampled_from(["\n", "\r\n", "\r"])
TEXTS = st.text() | st.builds(lambda lines, end: end.join(lines), LINES, ENDS)


@given(TEXTS, TEXTS)
def test_the_hunks_turn_the_old_text_into_the_new(old: str, new: str) -> None:
    """Applied in order they give the new text; they are ascending, apart, and none is empty."""
    hunks = hunks_between(old, new)

    assert _applied(old, hunks) == new
    assert all(one.end < other.start for one, other in pairwise(hunks))
    assert all(hunk.start < hunk.end or hunk.text for hunk in hunks)
    assert bool(hunks) == (old != new)


def test_an_edit_is_as_small_as_the_word_that_changed() -> None:
    """What stands between two changed words is left alone."""
    old = "one fine day\r\nthe second line\r\nand a last one\r\n"

    hunks = hunks_between(old, old.replace("fine", "rainy").replace("last", "new"))

    assert [(old[hunk.start : hunk.end], hunk.text) for hunk in hunks] == [("fine", "rainy"), ("last", "new")]


def test_the_number_of_hunks_is_bounded() -> None:
    """Trap 10: one transaction with very many operations is super-linear, so a very torn difference is one hunk."""
    old = "\n".join(f"change {number}\nkeep {number}" for number in range(hunks_max + 1))

    hunks = hunks_between(old, old.replace("change", "changed"))

    assert len(hunks) == 1
    assert _applied(old, hunks) == old.replace("change", "changed")


def test_reversed_long_texts_are_one_hunk() -> None:
    """Texts of very many changed lines are not compared line by line, which would take quadratic time."""
    lines = [f"line {number}" for number in range(20_000)]

    assert len(hunks_between("\n".join(lines), "\n".join(reversed(lines)))) == 1


def _applied(old: str, hunks: list[Hunk]) -> str:
    parts, done = [], 0
    for hunk in hunks:
        parts += [old[done : hunk.start], hunk.text]
        done = hunk.end
    return "".join([*parts, old[done:]])
