"""A ledger in memory: for the simulation, and as the plain statement of what every ledger does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from carryon_sync.change import Change, Header, decode_change
from carryon_sync.frames import ITEMS_MAX, Want
from carryon_sync.ledger import Batch, Committed, FoundPage, Opened, Page, Place
from carryon_sync.running import RUNNING_START, run


@dataclass
class _Notebook:
    log: bytes
    records: dict[bytes, bytes] = field(default_factory=dict)
    receipts: dict[bytes, bytes] = field(default_factory=dict)
    changes: list[bytes] = field(default_factory=list)
    headers: list[Header] = field(default_factory=list)
    ids: list[bytes] = field(default_factory=list)
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
        return Opened(kept.log, len(kept.ids), kept.running[-1], tuple(kept.records.values()), dict(kept.receipts))

    def commit(self, batches: Mapping[bytes, Batch]) -> dict[bytes, Committed]:
        """Keep the batches of several notebooks."""
        return {
            notebook: _keep(self._notebooks.setdefault(notebook, _Notebook(batch.log)), batch)
            for notebook, batch in batches.items()
        }

    def page(self, notebook: bytes, after: int, bytes_max: int) -> Page:
        """Read on after `after`."""
        kept = self._notebooks.get(notebook) or _Notebook(b"")
        if after > len(kept.ids):
            return Page(after, None, ())
        changes = _bounded(kept.changes[after : after + ITEMS_MAX], bytes_max)
        return Page(after, kept.running[after], tuple(zip(kept.ids[after:], changes, strict=False)))

    def find(self, notebook: bytes, want: Want, bytes_max: int) -> FoundPage:
        """Read what is wanted, in the log's order."""
        kept = self._notebooks.get(notebook) or _Notebook(b"")
        wanted = [
            sequence
            for sequence in range(want.after + 1, len(kept.ids) + 1)
            if _is_wanted(kept.ids[sequence - 1], kept.headers[sequence - 1], want)
        ]
        changes = _bounded([kept.changes[sequence - 1] for sequence in wanted[:ITEMS_MAX]], bytes_max)
        more = len(changes) < len(wanted)
        return FoundPage(changes, wanted[len(changes) - 1] if more else len(kept.ids), more)

    def close(self) -> None:
        """Keep everything: a simulated disk outlives the process."""


def _keep(kept: _Notebook, batch: Batch) -> Committed:
    for id, record in (*batch.records, *batch.forgotten):
        kept.records[id] = record
    kept.receipts.update(batch.receipts)
    places = []
    for data in batch.changes:
        change = decode_change(data)
        assert isinstance(change, Change), "the room lets in changes only"
        places.append(_place(kept, change, data))
    return Committed(tuple(places), len(kept.ids), kept.running[-1])


def _place(kept: _Notebook, change: Change, data: bytes) -> Place:
    sequence = kept.sequences.get(change.id)
    if sequence is not None:
        return Place(change.id, sequence, new=False, fork=False)
    header = change.header
    kept.ids.append(change.id)
    kept.headers.append(header)
    kept.changes.append(data)
    kept.running.append(run(kept.running[-1], (change.id,)))
    kept.sequences[change.id] = len(kept.ids)
    first = kept.chains.setdefault((header.tag, header.author, header.n), change.id)
    return Place(change.id, len(kept.ids), new=True, fork=first != change.id)


def _is_wanted(id: bytes, header: Header, want: Want) -> bool:
    in_range = (
        one.tag == header.tag and one.author == header.author and one.first <= header.n <= one.last
        for one in want.ranges
    )
    return header.tag in want.tags or id in want.ids or any(in_range)


def _bounded(changes: list[bytes], bytes_max: int) -> tuple[bytes, ...]:
    taken, size = 0, 0
    for change in changes:
        size += len(change)
        if taken and size > bytes_max:
            break
        taken += 1
    return tuple(changes[:taken])
