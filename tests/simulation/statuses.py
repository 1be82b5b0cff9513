"""Statuses are held against what has happened, whenever a core says one, and again while it stands on the screen.

1. "On the relay": everything of this core that was said to be saved is in a change, and the relay has had every change of
   it. "Seen by Bert": besides, a device of that name has held every one. (That the relay lost its disk since is not
   known to the device: a status is evidence that it holds.)
2. What a core says is true in the moment in which it says it. What stands on a screen may be older than the words that
   were saved since, by `RENDERED_S`; unless the core stood still.
3. The same holds for the open note alone.
4. What is found false is kept until somebody asks: an assertion in the midst of a core would be the core's own failure.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from carryon.core.log.received import Receiving
from carryon.core.open_notebook import OpenNotebook
from carryon.core.tabs.messages import Regions, Saved, ToTab
from carryon.storage.layouts import JournalRow

from tests.simulation.holdings import Holdings
from tests.simulation.process import Process
from tests.simulation.tab import Tab, words_in
from tests.simulation.witness import Witness

RENDERED_S: Final = 1.0
ANOTHER: Final = "another device"
UNNAMED: Final = "Device "
_NOTE_STATUS: Final = re.compile(r'aria-label="Note status"[^>]*>([^<]*)<')
_EDITOR: Final = re.compile(r'<carryon-editor [^>]*data-note="([^"]*)"')


@dataclass
class Spoken:
    """What one core has said to be saved, of one notebook: rows of its journal by their bytes on the disk; its authors."""

    rows: dict[bytes, float] = field(default_factory=dict)
    authors: set[bytes] = field(default_factory=set)


class Statuses:
    """What cores say of how far words have come."""

    def __init__(self, witnesses: Mapping[str, Witness]) -> None:
        self.false: list[str] = []
        # Whether "Seen by" is held against the disks of who is named.
        self.seen_by = True
        self._witnesses = witnesses
        self._spoken: dict[tuple[Process, str], Spoken] = {}

    def heard(self, tab: Tab, message: ToTab) -> None:
        """A core says something to a tab, in this moment."""
        match message:
            case Saved():
                self._saved(tab)
            case Regions(notebook=notebook, regions=regions):
                self._claimed(tab, notebook, regions, since=None)

    def look(self, tab: Tab) -> None:
        """Hold what stands on a tab's screen against what has happened up to a moment ago."""
        process = tab.worker.process
        if tab.ready == "ready" and process is not None and not process.frozen:
            self._claimed(tab, tab.notebook, tab.regions, since=asyncio.get_running_loop().time() - RENDERED_S)

    def check(self) -> None:
        """Raise what was found false."""
        assert not self.false, self.false[0]

    def _saved(self, tab: Tab) -> None:
        now = asyncio.get_running_loop().time()
        for opened, witness in self._notebooks(tab):
            spoken = self._of(tab, opened)
            unknown = self._unknown(tab, opened)
            for value, row in witness.holdings[tab.worker.device.name].rows_by_value().items():
                if row.author == opened.author.id and not unknown(row):
                    spoken.rows.setdefault(value, now)

    def _unknown(self, tab: Tab, opened: OpenNotebook) -> Callable[[JournalRow], bool]:
        """Which rows on the disk this core has not said to be saved: it has not heard that they are there, or another wrote them.

        Two cores write as one author only where a lock has lied; there a core's own rows are those that it is to fold.
        """
        has_lied = tab.worker.device.local.has_lied

        def unknown(row: JournalRow) -> bool:
            if any(one.update == row.update for one in opened.writer.waiting(row.note)):
                return True
            return has_lied and all(one.update != row.update for one in opened.outgoing.unfolded(row.note))

        return unknown

    def _claimed(self, tab: Tab, notebook: str, regions: Mapping[str, str], since: float | None) -> None:
        shown = [(opened, witness) for opened, witness in self._notebooks(tab) if opened.notebook.id == notebook]
        for opened, witness in shown:
            words = words_in(regions.get("status", ""))
            self._hold(tab, opened, witness, words, None, since)
            page = regions.get("note", "")
            status, editor = _NOTE_STATUS.search(page), _EDITOR.search(page)
            if status is not None and editor is not None:
                self._hold(tab, opened, witness, words_in(status[1]), editor[1], since)

    def _hold(
        self, tab: Tab, opened: OpenNotebook, witness: Witness, words: str, note: str | None, since: float | None
    ) -> None:
        """Hold words about the notebook, or one note of it, against what was said up to `since`."""
        if not words.startswith(("On the relay", "Seen by ")):
            return
        holdings = witness.holdings[tab.worker.device.name]
        until = asyncio.get_running_loop().time() if since is None else since
        spoken = self._of(tab, opened)
        unfolded = _unfolded(holdings, spoken, note, until)
        # What lies beyond was not answered yet as written, and not said to be saved; or another core has written it as the same
        # author, where a lock has lied.
        receiving = opened.receiving
        own = _own(holdings, spoken, None if note is None else opened.identity.tag(note), until, receiving)
        where = f"{tab.worker.device.name} says {words!r}" + ("" if note is None else f" of note {note}")
        if unfolded:
            self.false.append(f"{where}, and {unfolded} edits lie in its journal")
            return
        witness.look_at_relay()
        if own - witness.acked and witness.trusts_relay:
            self.false.append(f"{where}, and {len(own - witness.acked)} changes never reached it")
        elif self.seen_by and words.startswith("Seen by "):
            for name in words.partition(" · ")[0].removeprefix("Seen by ").split(", "):
                unnamed = name == ANOTHER or name.startswith(UNNAMED)
                lacks = set() if unnamed or name in witness.coming else own - witness.held_once(name)
                if lacks:
                    self.false.append(f"{where}, and {name} never held {len(lacks)} changes")

    def _of(self, tab: Tab, opened: OpenNotebook) -> Spoken:
        assert tab.worker.process is not None, "a core that speaks lives"
        spoken = self._spoken.setdefault((tab.worker.process, opened.notebook.id), Spoken())
        spoken.authors.add(opened.author.id)
        return spoken

    def _notebooks(self, tab: Tab) -> list[tuple[OpenNotebook, Witness]]:
        core, name = tab.worker.core, tab.worker.device.name
        opened = () if core is None else core.notebooks.opened()
        pairs = ((one, self._witnesses.get(one.notebook.id)) for one in opened)
        return [(one, witness) for one, witness in pairs if witness is not None and name in witness.holdings]


def notebook_of(tab: Tab) -> str | None:
    """The notebook that a tab shows, as its core knows it."""
    core = tab.worker.core
    sessions = [] if core is None else [one for one in core.tabs if one.hello is not None and one.hello.tab == tab.name]
    states = [one.state for one in sessions]
    return next((state.notebook for state in states if state is not None), None)


def _unfolded(holdings: Holdings, spoken: Spoken, note: str | None, until: float) -> int:
    """How many rows that were said to be saved up to a time are in no change."""
    rows = holdings.rows_by_value()
    return sum(
        told <= until and value in rows and note in (None, rows[value].note) for value, told in spoken.rows.items()
    )


def _own(holdings: Holdings, spoken: Spoken, tag: bytes | None, until: float, receiving: Receiving) -> set[bytes]:
    """The changes of a core that were in the log at a time, and that it knows to be there, of one note or of all."""
    holdings.read_on()
    return {
        id
        for author in spoken.authors
        for id, (of, seen, position) in holdings.ids_by_author.get(author, {}).items()
        if seen <= until
        and (position <= receiving.absorbed or position in receiving._own_positions)
        and tag in (None, of)
    }
