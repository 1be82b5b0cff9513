"""Dates as people read them, in the tab's own time."""

import pytest
from carryon.views.dates import counted, day_of, day_words, machine_time
from hypothesis import given
from hypothesis import strategies as st

from tests.views.samples import unhurried

HOUR = 3_600_000
DAY = 24 * HOUR
NOW = 1_732_300_000_000  # Friday, 22 November 2024, 18:26:40 UTC


@pytest.mark.parametrize(
    ("ago", "offset", "words"),
    [
        (0, 0, "18:26"),
        (0, 330, "23:56"),
        (0, -8 * 60, "10:26"),
        (19 * HOUR, 0, "Yesterday"),
        (19 * HOUR, -60, "Yesterday"),
        (18 * HOUR, 6 * 60, "Yesterday"),
        (17 * HOUR, -60, "00:26"),
        (2 * DAY, 0, "Wednesday"),
        (6 * DAY, 0, "Saturday"),
        (7 * DAY, 0, "15 Nov"),
        (365 * DAY, 0, "23 Nov 2023"),
        (-DAY, 0, "23 Nov"),
    ],
)
def test_a_day_is_said_as_near_as_it_is(ago: int, offset: int, words: str) -> None:
    """Today by the clock, then yesterday, the weekday, the date; A1: also from a clock that is ahead."""
    assert day_words(NOW - ago, day_of(NOW, offset), offset) == words


@unhurried
@given(st.integers(), st.integers(), st.integers())
def test_every_time_has_words(time: int, now: int, offset: int) -> None:
    """A1: clocks are wrong by any amount; nothing fails for it."""
    assert day_words(time, day_of(now, offset), offset)
    assert machine_time(time).endswith("+00:00")


def test_numbers_have_their_noun() -> None:
    """One note, two notes, thousands apart."""
    assert [counted(number, "note", "notes") for number in (0, 1, 12_345)] == ["0 notes", "1 note", "12,345 notes"]
