"""Dates and numbers as people read them: one place, so that every view says them alike.

Times are milliseconds since 1970; `offset` is how many minutes local time is ahead of UTC. No clock is read here.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

_days: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_months: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_epoch: Final = datetime(1970, 1, 1, tzinfo=UTC)
_time_max: Final = 253_402_128_000_000
"""Near the end of the year 9999; a device whose clock is beyond it is shown as being there."""
_offset_max: Final = 24 * 60


def day_words(time: int, now: int, offset: int) -> str:
    """Return the time of day for today, else the nearest word for the day."""
    at, today = _local(time, offset), _local(now, offset)
    days = (today.date() - at.date()).days
    if days == 0:
        return f"{at.hour:02}:{at.minute:02}"
    if days == 1:
        return "Yesterday"
    if 1 < days < 7:
        return _days[at.weekday()]
    date = f"{at.day} {_months[at.month - 1]}"
    return date if at.year == today.year else f"{date} {at.year}"


def machine_time(time: int) -> str:
    """Return a time for `<time datetime>`."""
    return _local(time, 0).strftime("%Y-%m-%dT%H:%M:%SZ")


def counted(number: int, one: str, many: str) -> str:
    """Return a number with its noun, its thousands apart."""
    return f"{number:,} {one if number == 1 else many}"


def _local(time: int, offset: int) -> datetime:
    bounded = timedelta(milliseconds=min(max(time, 0), _time_max))
    return _epoch + bounded + timedelta(minutes=min(max(offset, -_offset_max), _offset_max))
