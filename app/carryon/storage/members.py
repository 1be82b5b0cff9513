"""Members' records and this device's own authors: small stores that are never compacted.

1. A record is known by its id, whoever must forget a part of it. It is added once, after those it builds on, and never changed.
2. An author is one of this device's writing chains. A retired one is kept, and written as no more.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from carryon_sync.formats.records import record_id

from carryon.storage import layouts
from carryon.storage.errors import Busy, Exists, Moved
from carryon.storage.generation import COMMIT_TRIES_MAX, Generation
from carryon.storage.keys import beneath
from carryon.storage.quarantine import DamagedRecord, Quarantine
from carryon.storage.store import Add, Delete, Entry, Expect, Operation, Put


@dataclass(frozen=True, slots=True)
class Author:
    """One of this device's writing chains, and whether it is written as no more."""

    id: bytes
    retired: bool


class Members:
    """The store `members`, and the authors in `meta`."""

    def __init__(self, generation: Generation, quarantine: Quarantine) -> None:
        self._generation = generation
        self._quarantine = quarantine

    async def records(self) -> list[bytes]:
        """Give all members' records as sent, in the order in which they were added; what is damaged is quarantined."""
        records = []
        for entry in await self._generation.entries("members"):
            record = _record_in(entry)
            if record is None:
                await self._quarantine.add([_damaged(entry)])
            else:
                records.append(record)
        return records

    async def add(self, records: Sequence[bytes]) -> list[bytes]:
        """Keep records in this order; give those that were new."""
        for _ in range(COMMIT_TRIES_MAX):
            entries = await self._generation.entries("members")
            held = {entry.unique for entry in entries if _record_in(entry) is not None}
            by_id = {record_id(record): record for record in records}
            new = {id: record for id, record in by_id.items() if id is not None and id not in held}
            if not new:
                return []
            operations: list[Operation] = []
            mended = [entry for entry in entries if entry.unique in new]
            for entry in mended:
                operations += (Expect("members", entry.key, entry.value), Delete("members", entry.key))
            operations += await self._quarantine.settling(_damaged(entry).about for entry in mended)
            operations += [Add("members", layouts.plain(record), unique=id) for id, record in new.items()]
            try:
                await self._generation.commit(operations)
            except (Exists, Moved):  # Another core added or mended one meanwhile.
                continue
            if mended:
                self._quarantine.touched()
            return list(new.values())
        raise Busy(f"{len(records)} members' records could not be kept, {COMMIT_TRIES_MAX} tries: close other windows")

    async def begin(self, records: Sequence[bytes]) -> None:
        """Keep exactly these records, in this order: what is here already, a join left behind that got no further."""
        left = await self._generation.entries("members")
        added = [Add("members", layouts.plain(record), unique=record_id(record)) for record in records]
        await self._generation.commit([*(Delete("members", entry.key) for entry in left), *added])

    async def authors(self) -> list[Author]:
        """Give the authors of this device."""
        lower, upper = beneath("author")
        authors = []
        for entry in await self._generation.store.read("meta", lower=lower, upper=upper):
            match entry.key:
                case (str(), bytes() as id):
                    # An author whose record is damaged is written as no more: a new one costs nothing.
                    authors.append(Author(id, layouts.unplain(entry.value) != b"\x00"))
                case _:
                    raise AssertionError(f"{entry.key!r} is no key of an author")
        return authors

    async def keep_author(self, author: Author) -> None:
        """Keep an author, or that it is retired."""
        await self._generation.commit([Put("meta", ("author", author.id), layouts.plain(bytes((author.retired,))))])


def _record_in(entry: Entry) -> bytes | None:
    record = layouts.unplain(entry.value)
    return None if record is None or record_id(record) != entry.unique else record


def _damaged(entry: Entry) -> DamagedRecord:
    return DamagedRecord("members", entry.key, entry.unique)
