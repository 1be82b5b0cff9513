"""Peace: the faults have ended and nobody acts; what everything has to come to, and whether it is equal everywhere.

1. `lacking` names what is still to come: all changes on the relay and on every device, nothing waiting in any store,
   every core up to date, every tab saved, and every status line saying so.
2. `compare` holds every core and tab of every device against one, and against all that was ever said to be saved.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from carryon.notes.note import Note
from carryon.notes.row import Row
from carryon.storage.quarantine import Kind

from tests.simulation.device import Device
from tests.simulation.statuses import notebook_of
from tests.simulation.tab import Tab
from tests.simulation.virtual_loop import check_unhandled
from tests.simulation.witness import Witness
from tests.simulation.world import World

LOST: Final = "the connection to the database in memory was lost: try again"
"""What a core may fail of, to be replaced by one that has the connection again."""
NOT_SAVED: Final = 'aria-label="Words that are not saved"'
EMPTY_AT_PEACE: Final = ("journal", "outbox", "waiting")


def lacking(world: World) -> str:
    """What is still to come before everything is together, in words; empty when nothing is."""
    check_unhandled(asyncio.get_running_loop())
    for notebook, witness in world.watch.witnesses.items():
        words = _lacking_in(world, notebook, witness)
        if words:
            return words
    for tab in world.tabs:
        words = _lacking_of(world, tab)
        if words:
            return f"a tab of {tab.worker.device.name} {words}"
    return ""


def _lacking_in(world: World, notebook: str, witness: Witness) -> str:
    on_relay = world.relay.ids(witness.notebook)
    for device in _devices(world, witness):
        holdings = witness.holdings[device.name]
        # The log is read through after a start: until then nobody may have met what has rotted in it. What has rotted and was lost by
        # the relay besides is nowhere.
        ids = holdings.ids if world.started_again else holdings.entered
        if not holdings.ids <= on_relay <= ids:
            return f"{device.name} has {len(ids)} changes, the relay {len(on_relay)}"
        for store in EMPTY_AT_PEACE:
            if holdings.entries(store):
                return f"{len(holdings.entries(store))} wait in the {store} of {device.name}"
        for opened in world.opened(device, notebook):
            if opened.receiving.absorbed < len(on_relay):
                return f"a core of {device.name} has absorbed {opened.receiving.absorbed} of {len(on_relay)}"
            if opened.receiving._untold:
                return f"a core of {device.name} has absorbed what it has not told its tabs"
            if not opened.texts_read.done():
                return f"a core of {device.name} reads texts"
            if any(item.kind in (Kind.DAMAGED, Kind.UNREAD) for item in opened.attention.items):
                return f"a core of {device.name} has met what has rotted"
    return ""


def _lacking_of(world: World, tab: Tab) -> str:
    if tab.ready != "ready":
        return f"is {tab.ready}"
    if not tab.is_quiet:
        return "has messages on their way"
    if tab.kept:
        # What cannot be saved stands on the screen, to be copied or discarded: nothing more is to come of it.
        is_said = NOT_SAVED in tab.regions.get("toast", "") and tab.status.startswith("Not saved")
        return "" if is_said and _all_refused(tab) else f"waits for {len(tab.kept)} to be saved"
    witness = world.watch.witnesses[notebook_of(tab) or world.notebook]
    others = len({holdings.device.profile for holdings in witness.holdings.values()}) - 1
    expected = "Seen by" if others else "On the relay"
    if world.hostile and tab.status.startswith(("Seen by", "On the relay")):
        # What was lied stays lied: who was shown another log is not said to have seen anything, and that is right.
        return ""
    if not tab.status.startswith(expected) or tab.status.count(",") + 1 < others:
        return f"says {tab.status!r}"
    return ""


def _all_refused(tab: Tab) -> bool:
    core = tab.worker.core
    sessions = [] if core is None else [one for one in core.tabs if one.hello is not None and one.hello.tab == tab.name]
    return any({message["seq"] for message in tab.kept} <= one.not_kept.keys() for one in sessions)


def compare(world: World) -> None:
    """Hold everything against everything."""
    failures = [failure for device in world.devices for failure in device.failures if failure != LOST]
    assert not failures, f"cores failed: {failures}"
    world.watch.look()
    documents: dict[str, Note] = {}
    for notebook, witness in world.watch.witnesses.items():
        devices = _devices(world, witness)
        first = witness.holdings[devices[0].name].documents
        lost = witness.lost()
        assert not lost, f"what {lost[0].device} had saved is lost: {len(lost)} of {len(witness.written)} rows"
        documents |= first
        _compare_cores(world, notebook, devices, first)
        for tab in world.tabs:
            if tab.note is not None and notebook_of(tab) == notebook:
                text, body = tab.text, first[tab.note].body
                assert text == body, f"a tab of {tab.worker.device.name} shows {text!r} as {tab.note}: it is {body!r}"
    undone = world.watch.deeds.lost(documents)
    assert not undone, f"{len(undone)} deeds are lost: {undone[0]}"


def _compare_cores(world: World, notebook: str, devices: list[Device], first: Mapping[str, Note]) -> None:
    rows = None
    for device in devices:
        for opened in world.opened(device, notebook):
            opened.notebook.refresh()
            theirs = dict(opened.notebook.rows)
            rows = theirs if rows is None else rows
            assert theirs == rows, f"rows differ on {device.name}: {difference(rows, theirs)}"
            for note, document in first.items():
                held = opened.notebook.note(note)
                text = opened.notebook.text(note) if held is None else held.body
                assert text == document.body, f"{device.name} shows {text!r} as {note}: it is {document.body!r}"
                for name in ("title", "folder", "pinned", "trashed") if held else ():
                    assert held.field(name) == document.field(name), f"{device.name} has another {name} of {note}"


def _devices(world: World, witness: Witness) -> list[Device]:
    return [device for device in world.devices if device.name in witness.holdings]


def difference(one: Mapping[str, Row], other: Mapping[str, Row]) -> str:
    """What differs between the rows of two cores, in words."""
    found = [note for note in {**one, **other} if one.get(note) != other.get(note)]
    note, row, theirs = found[0], one.get(found[0]), other.get(found[0])
    if row is None or theirs is None:
        return f"{note} is listed in one of them only"
    fields = [name for name in row._fields if getattr(row, name) != getattr(theirs, name)]
    return f"{note}: " + ", ".join(f"{name} {getattr(row, name)!r} and {getattr(theirs, name)!r}" for name in fields)
