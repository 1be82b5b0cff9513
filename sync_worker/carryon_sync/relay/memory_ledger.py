"""A ledger in memory: for the simulation, and as the plain statement of what every ledger does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from carryon_sync.formats.running import RUNNING_START, run
from carryon_sync.protocol.frames import ITEMS_MAX, Want
from carryon_sync.relay.ledger import Batch, Committed, Entry, FoundPage, Opened, Page, Place


@dataclass
class _Notebook:
    log: bytes
    records: dict[bytes, bytes] = field(default_factory=dict)
    receipts: dict[bytes, bytes] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    running: list[bytes] = field(default_factory=lambda: [RUNNING_START])
    sequences: dict[bytes, int] = field(default_factory=dict)
    chains: dict[tuple[bytes, bytes, int], bytes] = field(default_factory=dict)


class MemoryLedger:
    """Keep notebooks until it is dropped; `new_log` gives the 16 random bytes of a new log's id."""

    def __init__(self, new_log: Callable[[], bytes]) -> None:
        self._new_log = new_log
        self._notebooks: dict[bytes, _Notebook] = {}

    def open(self, notebook: bytes) -> Opened:
        """Return a notebook's state; one that was not known has the id of a new log."""
        kept = self._notebooks.get(notebook) or _Notebook(self._new_log())
        return Opened(kept.log, len(kept.entries), kept.running[-1], tuple(kept.records.values()), dict(kept.receipts))

    def commit(self, batches: Mapping[bytes, Batch]) -> dict[bytes, Committed]:
        """Keep the batches of several notebooks."""
        return {
            notebook: _keep(self._notebooks.setdefault(notebook, _Notebook(batch.log)), batch)
            for notebook, batch in batches.items()
        }

    def page(self, notebook: bytes, after: int, bytes_max: int) -> Page:
        """Read on after `after`."""
        kept = self._notebooks.get(notebook) or _Notebook(b"")
        if after > len(kept.entries):
            return Page(after, None, ())
        entries = _bounded(kept.entries[after : after + ITEMS_MAX], bytes_max)
        return Page(after, kept.running[after], tuple((entry.id, entry.data) for entry in entries))

    def find(self, notebook: bytes, want: Want, bytes_max: int) -> FoundPage:
        """Read what is wanted, in the log's order."""
        kept = self._notebooks.get(notebook) or _Notebook(b"")
        wanted = [
            place for place, entry in enumerate(kept.entries, 1) if place > want.after and _is_wanted(entry, want)
        ]
        entries = _bounded([kept.entries[place - 1] for place in wanted[:ITEMS_MAX]], bytes_max)
        more = len(entries) < len(wanted)
        reached = wanted[len(entries) - 1] if more else len(kept.entries)
        return FoundPage(tuple(entry.data for entry in entries), reached, more)

    def close(self) -> None:
        """Keep everything: a simulated disk outlives the process."""


def _keep(kept: _Notebook, batch: Batch) -> Committed:
    for id, record in (*batch.records, *batch.forgotten):
        kept.records[id] = record
    kept.receipts.update(batch.receipts)
    places = tuple(_place(kept, entry) for entry in batch.changes)
    return Committed(places, len(kept.entries), kept.running[-1])


def _place(kept: _Notebook, entry: Entry) -> Place:
    sequence = kept.sequences.get(entry.id)
    if sequence is not None:
        return Place(entry.id, sequence, new=False, fork=False)
    kept.entries.append(entry)
    kept.running.append(run(kept.running[-1], (entry.id,)))
    kept.sequences[entry.id] = len(kept.entries)
    first = kept.chains.setdefault((entry.tag, entry.author, entry.n), entry.id)
    return Place(entry.id, len(kept.entries), new=True, fork=first != entry.id)


def _is_wanted(entry: Entry, want: Want) -> bool:
    in_range = (
        one.tag == entry.tag and one.author == entry.author and one.first <= entry.n <= one.last for one in want.ranges
    )
    return entry.tag in want.tags or entry.id in want.ids or any(in_range)


def _bounded(entries: list[Entry], bytes_max: int) -> list[Entry]:
    taken, size = 0, 0
    for entry in entries:
        size += len(entry.data)
        if taken and size > bytes_max:
            break
        taken += 1
    return entries[:taken]
