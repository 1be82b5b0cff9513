"""Keeps the rows in the order and counts that the places show, so that no render sorts or counts 10,000 notes.

1. A changed row costs a search by halving in its place's order, and the counts it moves; nothing is recomputed as a
   whole.
2. Without words in the query the order is: pinned first, then the newest change. With words: where they hit
   (search.py), then the newest.
3. A list that was asked for is kept (the last `lists_max`); rows that changed since are matched again, one by one. A
   list that nothing changed is the same object.
4. A folder's list and count include the folders in it, and a tag's the tags in it; tags and folders are compared
   folded.
5. Until a note's text is there (`put_text`), words find it by its title only.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from carryon.notebook.search import Hit, Query, fold, hit_of, parse_query, rank_of, row_matches, searchable_text
from carryon.notes.row import Row

lists_max = 8

Place = Literal["notes", "trash"]
_Order = tuple[bool, int, str]  # not pinned, minus the time of the last change, note


@dataclass(frozen=True, slots=True)
class Listing:
    """The notes of a place, in order; `hits` is empty where the query has no words, else made when asked for."""

    ids: Sequence[str]
    hits: Mapping[str, Hit]
    total: int


@dataclass(slots=True)
class _List:
    place: Place
    folder: str
    tag: str
    query: Query
    ranks: dict[str, int] = field(default_factory=dict)
    stale: set[str] = field(default_factory=set)
    listing: Listing | None = None


class _Hits(Mapping[str, Hit]):
    def __init__(self, query: Query, ids: Sequence[str], index: Index) -> None:
        self._query, self._ids, self._index = query, ids, index

    def __getitem__(self, note: str) -> Hit:
        index = self._index
        return hit_of(self._query, index.rows[note], index.bodies.get(note, ""), index.searchable(note))

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)


class Index:
    """The rows and texts of a notebook, ordered, counted and searched."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.bodies: dict[str, str] = {}
        self._searchable: dict[str, str] = {}
        self._orders: dict[Place, list[_Order]] = {"notes": [], "trash": []}
        self._folders: Counter[str] = Counter()
        self._tags: dict[str, Counter[str]] = {}
        self._titles: dict[str, set[str]] = {}
        self._lists: OrderedDict[tuple[str, str, str, str], _List] = OrderedDict()

    def put_rows(self, rows: Iterable[Row]) -> None:
        """Take many rows at once, as after a start: the orders are sorted once."""
        for row in rows:
            self._forget(self.rows.get(row.note))
            self.rows[row.note] = row
            self._count(row, 1)
        for place in self._orders:
            self._orders[place] = sorted(_order(row) for row in self.rows.values() if _place(row) == place)
        self._lists.clear()

    def put_row(self, row: Row) -> None:
        """Take one row, new or changed."""
        old = self.rows.get(row.note)
        if old is not None:
            order = self._orders[_place(old)]
            del order[bisect_left(order, _order(old))]
            self._forget(old)
            if old.title != row.title and row.note in self._searchable:
                self._searchable[row.note] = searchable_text(row.title, self.bodies.get(row.note, ""))
        self.rows[row.note] = row
        insort(self._orders[_place(row)], _order(row))
        self._count(row, 1)
        self._touch(row.note)

    def put_text(self, note: str, body: str) -> None:
        """Take the text of a note whose row is here."""
        if self.bodies.get(note) != body:
            self.bodies[note] = body
            self._searchable[note] = searchable_text(self.rows[note].title, body)
            self._touch(note)

    def searchable(self, note: str) -> str:
        """Return the searchable text of a note: its title alone while its body is not here."""
        text = self._searchable.get(note)
        if text is None:
            text = self._searchable[note] = searchable_text(self.rows[note].title, "")
        return text

    def listed(self, place: Place, folder: str, tag: str, query: str) -> Listing:
        """Return the notes of a place that lie in a folder, have a tag, and are what a query asks for."""
        key = (place, folder, tag, query)
        kept = self._lists.get(key)
        if kept is None:
            kept = self._lists[key] = _List(place, fold(folder), fold(tag), parse_query(query))
            if len(self._lists) > lists_max:
                self._lists.popitem(last=False)
            self._match(kept, [note for _, _, note in self._orders[place]])
        elif kept.stale:
            self._match(kept, kept.stale)
        self._lists.move_to_end(key)
        if kept.listing is None:
            kept.listing = self._list(kept)
        return kept.listing

    def folders(self) -> Mapping[str, int]:
        """Return how many notes each folder holds, with the folders in it, trash apart."""
        return self._folders

    def tags(self) -> Mapping[str, int]:
        """Return how many notes have each tag, trash apart; a tag is written as most notes write it."""
        return {max(forms, key=lambda form: (forms[form], form)): forms.total() for forms in self._tags.values()}

    def counts(self) -> Mapping[Place, int]:
        """Return how many notes each place holds."""
        return {place: len(order) for place, order in self._orders.items()}

    def linked(self, target: str) -> tuple[str, ...]:
        """Return the notes that a link means, by title or by folder and title, in the same order everywhere."""
        wanted = fold(target.strip())
        found = self._titles.get(wanted, set())
        folder, slash, title = wanted.rpartition("/")
        if not found and slash:
            found = {note for note in self._titles.get(title, ()) if fold(self.rows[note].folder) == folder}
        return tuple(sorted(found, key=lambda note: (self.rows[note].folder, self.rows[note].created, note)))

    def _match(self, kept: _List, notes: Iterable[str]) -> None:
        """Match notes against a list, and mark the list as changed."""
        words = bool(kept.query.words or kept.query.words_not)
        for note in notes:
            kept.ranks.pop(note, None)
            if self._shown(kept, self.rows[note]):
                rank = rank_of(kept.query, self.searchable(note)) if words else 0
                if rank is not None:
                    kept.ranks[note] = rank
        kept.stale.clear()
        kept.listing = None

    def _shown(self, kept: _List, row: Row) -> bool:
        return (
            _place(row) == kept.place
            and (not kept.folder or (fold(row.folder) + "/").startswith(kept.folder + "/"))
            and (not kept.tag or any((fold(tag) + "/").startswith(kept.tag + "/") for tag in row.tags))
            and row_matches(kept.query, row)
        )

    def _list(self, kept: _List) -> Listing:
        rows, ranks = self.rows, kept.ranks
        if kept.query.words:
            ids = sorted(ranks, key=lambda note: (ranks[note], -rows[note].modified, note))
            return Listing(ids, _Hits(kept.query, ids, self), len(ids))
        order = self._orders[kept.place]
        ids = [note for _, _, note in order if note in ranks] if len(ranks) < len(order) else [o[2] for o in order]
        return Listing(ids, {}, len(ids))

    def _touch(self, note: str) -> None:
        for kept in self._lists.values():
            kept.stale.add(note)

    def _forget(self, row: Row | None) -> None:
        if row is not None:
            self._count(row, -1)

    def _count(self, row: Row, by: int) -> None:
        """Add a row to the counts and to the titles that links find, or take it out."""
        if row.trashed:
            return
        folder = row.folder
        while folder:
            self._folders[folder] += by
            if not self._folders[folder]:
                del self._folders[folder]
            folder = folder.rpartition("/")[0]
        for tag in row.tags:
            forms = self._tags.setdefault(fold(tag), Counter())
            forms[tag] += by
            if not forms[tag]:
                del forms[tag]
            if not forms:
                del self._tags[fold(tag)]
        named = self._titles.setdefault(fold(row.title), set())
        (named.add if by > 0 else named.discard)(row.note)
        if not named:
            del self._titles[fold(row.title)]


def _place(row: Row) -> Place:
    return "trash" if row.trashed else "notes"


def _order(row: Row) -> _Order:
    return (not row.pinned, -row.modified, row.note)
