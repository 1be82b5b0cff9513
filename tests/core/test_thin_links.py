"""J10: whole devices on thin and far links get live and get everything through; a dead link is noticed on them too."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from random import Random
from typing import Final

import pytest

from tests.core.home import Home, opened, rule
from tests.simulation.tab import Tab
from tests.simulation.virtual_loop import until

THIN: Final = 16_000
"""128 kbit/s, in bytes a second."""
MEGABIT: Final = 125_000
ONE_WAY_S: Final = 20 * 60.0
SIZES = [(9_000_000, MEGABIT), (1_500_000, THIN)]


def text(size: int) -> bytes:
    """Words that no compression makes smaller than three quarters."""
    return base64.b64encode(Random(1).randbytes(size * 3 // 4))


def has_everything(home: Home, tab: Tab) -> bool:
    """Whether a device and the relay hold equally many changes."""
    return opened(tab).log.changes.position == len(home.ids(tab)) and not opened(tab).outgoing.waiting


async def import_large(tab: Tab, size: int) -> None:
    tab.act("import.files", files={"vault/large.md": text(size)})
    await until(lambda: any(row.title == "large" for row in opened(tab).notebook.rows.values()), "imported", 60.0)
    await until(lambda: not opened(tab).outgoing.waiting, "it is in the log", 60.0)


async def within_hours(reached: Callable[[], object], hours: int) -> None:
    """Wait for a state on a link where nothing is a matter of seconds."""
    for _ in range(hours * 60):
        if reached():
            return
        await asyncio.sleep(60.0)
    raise AssertionError(f"not within {hours} hours")


@pytest.mark.parametrize(("size", "rate"), SIZES)
@rule
async def test_a_large_note_goes_up_a_thin_link_on_one_connection(home: Home, size: int, rate: int) -> None:
    """Its parts are answered on the way; nobody hangs up on a connection that makes progress."""
    tab = await home.begin()
    await home.quiet(tab)
    home.network.thin["Anna"] = rate
    wires = home.network.of("Anna")

    await import_large(tab, size)
    await until(lambda: has_everything(home, tab), "it is on the relay", 3 * size / rate)

    assert home.network.of("Anna") == wires


@pytest.mark.parametrize(("size", "rate"), SIZES)
@rule
async def test_a_large_note_comes_down_a_thin_link_on_one_connection(home: Home, size: int, rate: int) -> None:
    """The device hears part after part, and the relay pong after pong."""
    anna = await home.begin()
    bert = await home.join(anna, "Bert")
    home.network.thin["Bert"] = rate
    wires = home.network.of("Bert")

    await import_large(anna, size)
    await home.quiet(anna)
    await until(lambda: has_everything(home, bert), "it has come", 3 * size / rate)

    assert home.network.of("Bert") == wires


@rule
async def test_a_relay_twenty_minutes_away_is_live_and_gets_everything(home: Home) -> None:
    """No first try can tell it from a dead one; each is given twice the time."""
    home.network.slow["Anna"] = ONE_WAY_S
    tab = await home.tab(home.device("Anna").worker())

    await within_hours(lambda: opened(tab).syncing.standing().live, 8)
    wires = home.network.of("Anna")
    note = tab.act("note.create")
    await until(lambda: tab.note == note, "a note is written")
    tab.type("from far away")
    await within_hours(lambda: has_everything(home, tab) and tab.saved, 1)
    await asyncio.sleep(12 * 3600.0)

    assert home.network.of("Anna") == wires
    assert tab.status.startswith("On the relay")
    assert opened(tab).syncing.standing().words == ""


@rule
async def test_a_device_looked_at_on_a_far_link_stays_connected(home: Home) -> None:
    """The little patience of a hint is more than the link has shown to need."""
    home.network.slow["Anna"] = 16.0
    tab = await home.tab(home.device("Anna").worker())
    await until(lambda: opened(tab).syncing.standing().live, "it is live", 600.0)
    wires = home.network.of("Anna")

    for _ in range(20):
        tab.look()
        await asyncio.sleep(11.0)

    assert home.network.of("Anna") == wires


@rule
async def test_a_thin_link_that_dies_is_noticed(home: Home) -> None:
    """Nobody is told that it is cut; the silence tells."""
    tab = await home.begin()
    await home.quiet(tab)
    home.network.thin["Anna"] = THIN
    await import_large(tab, 1_500_000)
    await asyncio.sleep(20.0)

    [wire] = home.network.of("Anna")
    wire.cut(told=False)

    await until(lambda: wire not in home.network.wires and home.network.of("Anna"), "it connects again", 120.0)
    await until(lambda: has_everything(home, tab), "it is on the relay", 400.0)


@rule
async def test_a_device_joins_over_a_thin_link(home: Home) -> None:
    """Five hundred members' records take as long as they take: what would end it is silence."""
    anna = await home.begin()
    secret = await home.link(anna)
    home.network.thin["Bert"] = THIN / 32
    bert = await home.tab(home.device("Bert").worker(), "?join", secret)
    notebook = opened(anna).notebook.id

    bert.act("join.accept")

    await until(lambda: opened(bert).notebook.id == notebook, "joined", 600.0)
    await until(lambda: opened(bert).syncing.standing().live, "it is live", 600.0)
