"""Dates and numbers as people read them: one place, so that every view says them alike.

Times are milliseconds since 1970; `offset` is how many minutes local time is ahead of UTC. No clock is read here.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final

_days: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_months: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_epoch: Final = datetime(1970, 1, 1, tzinfo=UTC)
_time_max: Final = 253_402_128_000_000
"""Near the end of the year 9999; a device whose clock is beyond it is shown as being there."""
_offset_max: Final = 24 * 60


def day_of(time: int, offset: int) -> date:
    """Return the day of a time."""
    return _local(time, offset).date()


@lru_cache(maxsize=5_000)
def day_words(time: int, today: date, offset: int) -> str:
    """Return the time of day for today, else the nearest word for the day."""
    at = _local(time, offset)
    days = (today - at.date()).days
    if days == 0:
        return f"{at.hour:02}:{at.minute:02}"
    if days == 1:
        return "Yesterday"
    if 1 < days < 7:
        return _days[at.weekday()]
    words = f"{at.day} {_months[at.month - 1]}"
    return words if at.year == today.year else f"{words} {at.year}"


def machine_time(time: int) -> str:
    """Return a time for `<time datetime>`."""
    return _local(time, 0).isoformat(timespec="seconds")


def counted(number: int, one: str, many: str) -> str:
    """Return a number with its noun, its thousands apart."""
    return f"{number:,} {one if number == 1 else many}"


def _local(time: int, offset: int) -> datetime:
    bounded = timedelta(milliseconds=min(max(time, 0), _time_max))
    return _epoch + bounded + timedelta(minutes=min(max(offset, -_offset_max), _offset_max))
