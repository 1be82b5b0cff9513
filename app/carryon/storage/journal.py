"""The journal: edits that are durable and not yet in a change, in the order in which their author made them.

1. Rows are added, never put, and leave in the transaction that folds them (`log.Log.fold`), which expects them byte for byte.
2. A number is never given twice, whoever wrote as an author before, and whatever has left the journal since. Each journal that is open
   numbers in a turn of its own: it takes the next turn with its first rows of an author, in their transaction, and counts within it.
   So two cores that write as one author, against its lock, never take each other's rows for their own.
3. A row that does not open stays where it is, is named in quarantine, and hides no other.
4. Rows whose outcome was not known may be added again, and are then there once.
5. The nonce of an act is kept with the last of its rows: a page that was not told may give the act again, whatever was done since.
"""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from carryon.storage import layouts
from carryon.storage.errors import Busy, Exists, Moved
from carryon.storage.generation import COMMIT_TRIES_MAX, Generation
from carryon.storage.keys import Key, beneath
from carryon.storage.layouts import JournalRow
from carryon.storage.quarantine import DamagedRecord, Quarantine
from carryon.storage.store import Add, Entry, Expect, Operation, Put

JournalKey: TypeAlias = tuple[bytes, int]

TURN_ROWS: Final = 2**32
ACTS_MAX: Final = 4096
# A turn that does not read may be any: so far on the count of starts has not come.
TURN_UNREADABLE: Final = 2**20


@dataclass(frozen=True, slots=True)
class Journalled:
    """A row, its key, and the very bytes that are kept of it."""

    key: JournalKey
    row: JournalRow
    value: bytes


@dataclass(frozen=True, slots=True)
class JournalRead:
    """The rows in order, and what did not open."""

    rows: tuple[Journalled, ...]
    damaged: tuple[DamagedRecord, ...]


@dataclass(frozen=True, slots=True)
class _Batch:
    """Rows numbered and sealed, what takes the turns that they begin, and the next numbers after them by author."""

    rows: Sequence[Journalled]
    turns: Sequence[Operation]
    next_by_author: Mapping[bytes, int]
    acts: Sequence[str]

    def is_of(self, rows: Sequence[JournalRow], acts: Sequence[str]) -> bool:
        return ([one.row for one in self.rows], self.acts) == (list(rows), acts)

    def operations(self) -> list[Operation]:
        taken = (Put("meta", _place_of_act(act), layouts.plain(act.encode())) for act in self.acts)
        return [*self.turns, *(Add("journal", one.value, one.key) for one in self.rows), *taken]


class Journal:
    """The store `journal`."""

    def __init__(self, generation: Generation, quarantine: Quarantine) -> None:
        self._generation = generation
        self._quarantine = quarantine
        self._next_by_author: dict[bytes, int] = {}
        self._unanswered: _Batch | None = None

    async def add(self, rows: Sequence[JournalRow], acts: Sequence[str] = ()) -> Sequence[Journalled]:
        """Keep edits durably, in one commit, and give them as they are kept; after an error give the same again.

        `acts` are the nonces of acts that are taken with these rows (`has_taken`).
        """
        batch = self._unanswered
        for _ in range(COMMIT_TRIES_MAX):
            if batch is None or not batch.is_of(rows, acts):
                batch = await self._numbered(rows, acts)
            self._unanswered = batch
            try:
                await self._generation.commit(batch.operations())
            except (Exists, Moved):
                # It was made before and nobody was told, or another core has taken the turn.
                if not await self._holds(batch.rows):
                    self._next_by_author.clear()
                    batch = None
                    continue
            self._unanswered = None
            self._next_by_author |= batch.next_by_author
            return batch.rows
        raise Busy(f"{len(rows)} edits could not be kept, {COMMIT_TRIES_MAX} tries: close other windows of Carryon")

    async def read(self, author: bytes | None = None) -> JournalRead:
        """Give the rows of one author or of all, by author and in order."""
        lower, upper = beneath() if author is None else beneath(author)
        entries = await self._generation.store.read("journal", lower=lower, upper=upper)
        opened = await asyncio.gather(*(self._opened(entry) for entry in entries))
        damaged = tuple(one for one in opened if isinstance(one, DamagedRecord))
        await self._quarantine.add(damaged)
        return JournalRead(tuple(one for one in opened if isinstance(one, Journalled)), damaged)

    async def still_held(self, rows: Sequence[Journalled]) -> list[Journalled]:
        """Give those of the rows that have not left the journal; of one that does not open any more, the bytes are those there now."""
        found = await self._generation.store.find("journal", [one.key for one in rows])
        held = []
        for one in rows:
            entry = found.get(one.key)
            if entry is not None and entry.value == one.value:
                held.append(one)
            elif entry is not None and isinstance(await self._opened(entry), DamagedRecord):
                held.append(Journalled(one.key, one.row, entry.value))
        return held

    async def has_taken(self, act: str) -> bool:
        """Tell whether an act is known to have been taken: of `ACTS_MAX` acts at most, of which a newer one displaces an older."""
        record = await self._generation.record("meta", _place_of_act(act))
        return record == layouts.plain(act.encode())

    async def _numbered(self, rows: Sequence[JournalRow], acts: Sequence[str]) -> _Batch:
        turns: list[Operation] = []
        following = dict(self._next_by_author)
        for author in {row.author for row in rows} - following.keys():
            record = await self._generation.record("meta", ("journal", author))
            before = 0 if record is None else layouts.number_in(record)
            turn = TURN_UNREADABLE if before is None else before + 1
            turns += (
                Expect("meta", ("journal", author), record),
                Put("meta", ("journal", author), layouts.number_value(turn)),
            )
            following[author] = turn * TURN_ROWS
        keys: list[JournalKey] = []
        for row in rows:
            keys.append((row.author, following[row.author]))
            following[row.author] += 1
        values = await asyncio.gather(
            *(
                self._generation.seal(_place(key), layouts.journal_payload(row))
                for key, row in zip(keys, rows, strict=True)
            )
        )
        return _Batch([Journalled(*one) for one in zip(keys, rows, values, strict=True)], turns, following, acts)

    async def _holds(self, rows: Sequence[Journalled]) -> bool:
        found = await self._generation.store.find("journal", [one.key for one in rows])
        return all(one.key in found and found[one.key].value == one.value for one in rows)

    async def _opened(self, entry: Entry) -> Journalled | DamagedRecord:
        key = _key_of(entry)
        payload = await self._generation.unseal(_place(key), entry.value)
        row = None if payload is None else layouts.journal_in(payload, key[0])
        return DamagedRecord("journal", entry.key) if row is None else Journalled(key, row, entry.value)


def _place_of_act(act: str) -> Key:
    return "act", int.from_bytes(hashlib.sha256(act.encode()).digest()[:8], "big") % ACTS_MAX


def _place(key: JournalKey) -> str:
    return f"journal/{key[0].hex()}/{key[1]}"


def _key_of(entry: Entry) -> JournalKey:
    match entry.key:
        case (bytes() as author, int() as number):
            return author, number
        case _:
            raise AssertionError(f"{entry.key!r} is no key of the journal")
