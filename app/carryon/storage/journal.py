"""The journal: edits that are durable and not yet in a change, in the order in which their author made them.

1. Rows are added, never put, and leave in the transaction that folds them (`log.Log.fold`).
2. A row that does not open stays where it is, is named in quarantine, and hides no other.
3. An add whose outcome was not known (`Lost`) may be made again: a row that is there twice changes nothing, since
   absorbing an update twice is absorbing it once.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from carryon.storage import layouts
from carryon.storage.errors import Busy, Exists
from carryon.storage.generation import COMMIT_TRIES_MAX, Generation
from carryon.storage.keys import beneath
from carryon.storage.layouts import JournalRow
from carryon.storage.quarantine import DamagedRecord, Quarantine
from carryon.storage.store import Add, Entry

JournalKey: TypeAlias = tuple[bytes, int]


@dataclass(frozen=True, slots=True)
class Journalled:
    """A row and its key."""

    key: JournalKey
    row: JournalRow


@dataclass(frozen=True, slots=True)
class JournalRead:
    """The rows in order, and what did not open."""

    rows: tuple[Journalled, ...]
    damaged: tuple[DamagedRecord, ...]


class Journal:
    """The store `journal`."""

    def __init__(self, generation: Generation, quarantine: Quarantine) -> None:
        self._generation = generation
        self._quarantine = quarantine
        self._next_by_author: dict[bytes, int] = {}

    async def add(self, rows: Sequence[JournalRow]) -> list[JournalKey]:
        """Keep edits durably, in one commit; give their keys in order."""
        for _ in range(COMMIT_TRIES_MAX):
            keys = await self._numbered(rows)
            values = await asyncio.gather(
                *(
                    self._generation.seal(_place(key), layouts.journal_payload(row))
                    for key, row in zip(keys, rows, strict=True)
                )
            )
            try:
                await self._generation.commit(
                    [Add("journal", value, key) for key, value in zip(keys, values, strict=True)]
                )
            except Exists:  # Another core writes as this author, against its lock: number behind its rows.
                self._next_by_author.clear()
                continue
            return keys
        raise Busy(f"{len(rows)} edits could not be kept, {COMMIT_TRIES_MAX} tries: close other windows of Carryon")

    async def read(self, author: bytes | None = None) -> JournalRead:
        """Give the rows of one author or of all, by author and in order."""
        lower, upper = beneath() if author is None else beneath(author)
        entries = await self._generation.store.read("journal", lower=lower, upper=upper)
        opened = await asyncio.gather(*(self._opened(entry) for entry in entries))
        damaged = tuple(one for one in opened if isinstance(one, DamagedRecord))
        await self._quarantine.add(damaged)
        return JournalRead(tuple(one for one in opened if isinstance(one, Journalled)), damaged)

    async def _numbered(self, rows: Sequence[JournalRow]) -> list[JournalKey]:
        for author in {row.author for row in rows} - self._next_by_author.keys():
            lower, upper = beneath(author)
            last = await self._generation.store.read("journal", lower=lower, upper=upper, limit=1, reverse=True)
            self._next_by_author[author] = _key_of(last[0])[1] + 1 if last else 1
        keys = []
        for row in rows:
            number = self._next_by_author[row.author]
            self._next_by_author[row.author] = number + 1
            keys.append((row.author, number))
        return keys

    async def _opened(self, entry: Entry) -> Journalled | DamagedRecord:
        key = _key_of(entry)
        payload = await self._generation.unseal(_place(key), entry.value)
        row = None if payload is None else layouts.journal_in(payload, key[0])
        return DamagedRecord("journal", entry.key) if row is None else Journalled(key, row)


def _place(key: JournalKey) -> str:
    return f"journal/{key[0].hex()}/{key[1]}"


def _key_of(entry: Entry) -> JournalKey:
    match entry.key:
        case (bytes() as author, int() as number):
            return author, number
        case _:
            raise AssertionError(f"{entry.key!r} is no key of the journal")
