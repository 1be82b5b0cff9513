"""What one window of a device has saved and no change holds yet is not "On the relay" in any of its windows."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from carryon.core.log.unfolded import Unfolded
from carryon.notebook.facts import NoteEdited
from carryon.storage.memory_store import Fault

from tests.core.home import Home, adds_to, holdings, mend, opened, rule
from tests.simulation.tab import Tab
from tests.simulation.virtual_loop import until

TRIES_S = 20.0
OTHER = bytes([7]) * 16


async def two_windows(home: Home) -> tuple[Tab, Tab]:
    """Two cores of one device, on whose disk no change finds room; the first one has saved words."""
    one = await home.begin()
    await home.quiet(one)
    other = await home.tab(one.worker.device.worker(), one.query)
    await until(lambda: other.status.startswith("On the relay"), "the other window says so")
    one.worker.device.faults = lambda _database, step: Fault.FULL if adds_to(step, "log") else None
    one.type("wait for room ")
    await until(lambda: one.saved, "it is saved")
    return one, other


@rule
async def test_while_the_window_lives_that_wrote(home: Home) -> None:
    """The two say the same of one notebook on one device, at once, and again once there is room."""
    one, other = await two_windows(home)

    await until(lambda: other.status.startswith("Saved on this device"), "the other window says so", 1.0)
    await asyncio.sleep(TRIES_S)
    assert holdings(other).entries("journal")
    assert one.status.startswith("Saved on this device")
    assert other.status.startswith("Saved on this device")

    mend(one.worker.device)
    await until(lambda: all(tab.status.startswith("On the relay") for tab in (one, other)), "both say so", 30.0)


@rule
async def test_after_the_window_that_wrote_has_died(home: Home) -> None:
    """What the dead have left is folded by who lives; until there is room, why not is said."""
    one, other = await two_windows(home)
    one.crash()

    await asyncio.sleep(TRIES_S)
    assert holdings(other).entries("journal")
    assert other.status.startswith("Saved on this device") and "no room left" in other.status

    mend(one.worker.device)
    await until(lambda: "wait for room" in other.text, "the words are shown", 30.0)
    await until(lambda: other.status.startswith("On the relay"), "it says so", 30.0)
    assert "no room left" not in other.status


@rule
async def test_what_is_told_while_the_journal_is_read_is_newer(home: Home) -> None:
    """A core tells that a note waits between the read and its end: it is counted."""
    tab = await home.begin()
    await home.quiet(tab)
    there = opened(tab)
    unfolded = Unfolded(there.author.id, there.log.journal, there._channel, there._is_known)
    read, edited = there.log.journal.read, NoteEdited(tab.note or "", b"\0\0", 0)

    async def told_meanwhile(author: bytes | None = None) -> object:
        rows = await read(author)
        if not unfolded.elsewhere:
            await there.log.journal.add([replace(there.journal_row(edited, {}), author=OTHER)])
            unfolded.heard({"type": "unfolded", "author": OTHER.hex(), "notes": 1})
        return rows

    there.log.journal.read = told_meanwhile  # type: ignore[method-assign, assignment]

    assert await unfolded.count()
    assert unfolded.elsewhere == 1
