"""Keeps the rows in the order and counts that the places show, so that no render sorts or counts 10,000 notes.

1. A changed row costs a search by halving in its place's order, and the counts it moves; nothing is recomputed as a
   whole.
2. Without words in the query the order is: pinned first, then the newest change. With words: where they hit
   (search.py), then the newest.
3. A list that was asked for is kept (the last `lists_max`); rows that changed since are matched again, one by one. A
   list that nothing changed is the same object. A longer query is matched against what the shorter one has found.
4. A folder's list and count include the folders in it, and a tag's the tags in it; tags and folders are compared
   folded.
5. Until a note's text is there (`put_text`), words find it by its title only.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from carryon.notebook.search import Hit, Query, Searchable, fold, hit_of, parse_query, row_matches, searchable
from carryon.notes.row import Row

lists_max = 8
_folded = lru_cache(maxsize=16_384)(fold)  # titles and tags, which come again and again

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


@dataclass(slots=True)
class _Ordered:
    """The notes of a place in their order, beside the keys by which halving finds where one stands."""

    keys: list[_Order] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, keys: Iterable[_Order]) -> _Ordered:
        ordered = sorted(keys)
        return cls(ordered, [note for _, _, note in ordered])

    def put(self, key: _Order) -> None:
        at = bisect_left(self.keys, key)
        self.keys.insert(at, key)
        self.notes.insert(at, key[-1])

    def take_out(self, key: _Order) -> None:
        at = bisect_left(self.keys, key)
        del self.keys[at]
        del self.notes[at]


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
        self._titles: dict[str, str] = {}
        self._heads: dict[str, str] = {}
        self._texts: dict[str, str] = {}
        self._places: dict[Place, _Ordered] = {"notes": _Ordered(), "trash": _Ordered()}
        self._folders: Counter[str] = Counter()
        self._tags: dict[str, Counter[str]] = {}
        self._tags_shown: dict[str, int] | None = None
        self._named: dict[str, set[str]] = {}
        self._lists: OrderedDict[tuple[str, str, str, str], _List] = OrderedDict()

    def put_rows(self, rows: Iterable[Row]) -> None:
        """Take many rows at once, as after a start: the orders are sorted once."""
        for row in rows:
            old = self.rows.get(row.note)
            if old is not None:
                self._count(old, -1)
            self.rows[row.note] = row
            self._count(row, 1)
            self._put_searchable(row.note)
        for place in self._places:
            self._places[place] = _Ordered.of(_order(row) for row in self.rows.values() if _place(row) == place)
        self._lists.clear()

    def put_row(self, row: Row) -> None:
        """Take one row, new or changed."""
        old = self.rows.get(row.note)
        if old is not None:
            self._places[_place(old)].take_out(_order(old))
        self.rows[row.note] = row
        self._places[_place(row)].put(_order(row))
        if old is None or _counted(old) != _counted(row):
            if old is not None:
                self._count(old, -1)
            self._count(row, 1)
            self._put_searchable(row.note)
        self._touch(row.note)

    def put_text(self, note: str, body: str) -> bool:
        """Take the text of a note whose row is here; say whether it is another one."""
        if self.bodies.get(note) == body:
            return False
        self.bodies[note] = body
        self._put_searchable(note)
        self._touch(note)
        return True

    def put(self, note: str, row: Row | None, body: str | None) -> None:
        """Have row and text of a note be these; without a row it is not listed, without a text that is not known."""
        if row is not None:
            self.put_row(row)
        if row is not None and body is not None:
            self.put_text(note, body)
        elif note in self.rows:
            self._forget(note, row)

    def _forget(self, note: str, row: Row | None) -> None:
        self.bodies.pop(note, None)
        if row is not None:
            self._put_searchable(note)
        else:
            old = self.rows.pop(note)
            self._places[_place(old)].take_out(_order(old))
            self._count(old, -1)
            del self._titles[note], self._heads[note], self._texts[note]
        self._touch(note)

    def searchable(self, note: str) -> Searchable:
        """Return what the words of a query are looked for in."""
        return Searchable(self._titles[note], self._heads[note], self._texts[note])

    def listed(self, place: Place, folder: str, tag: str, query: str) -> Listing:
        """Return the notes of a place that lie in a folder, have a tag, and are what a query asks for."""
        key = (place, folder, tag, query)
        kept = self._lists.get(key)
        if kept is None:
            kept = _List(place, fold(folder), fold(tag), parse_query(query))
            self._match(kept, self._candidates(kept))
            self._lists[key] = kept
            if len(self._lists) > lists_max:
                self._lists.popitem(last=False)
        elif kept.stale:
            self._match(kept, kept.stale)
        self._lists.move_to_end(key)
        if kept.listing is None:
            kept.listing = self._list(kept)
        return kept.listing

    def folders(self) -> Mapping[str, int]:
        """Return how many notes each folder holds, with the folders in it, trash apart."""
        return dict(self._folders)

    def tags(self) -> Mapping[str, int]:
        """Return how many notes have each tag, trash apart; a tag is written as most notes write it."""
        if self._tags_shown is None:
            self._tags_shown = {
                max(forms, key=lambda form: (forms[form], form)): forms.total() for forms in self._tags.values()
            }
        return self._tags_shown

    def counts(self) -> Mapping[Place, int]:
        """Return how many notes each place holds."""
        return {place: len(ordered.notes) for place, ordered in self._places.items()}

    def linked(self, target: str) -> tuple[str, ...]:
        """Return the notes that a link means, by title or by folder and title, in the same order everywhere."""
        wanted = fold(target.strip())
        found = self._named.get(wanted, set())
        folder, slash, title = wanted.rpartition("/")
        if not found and slash:
            found = {note for note in self._named.get(title, ()) if fold(self.rows[note].folder) == folder}
        return tuple(sorted(found, key=lambda note: (self.rows[note].folder, self.rows[note].created, note)))

    def _candidates(self, wanted: _List) -> Iterable[str]:
        """Return the notes among which those of a list are: what the narrowest of the wider lists holds, or all."""
        scope = (wanted.place, wanted.folder, wanted.tag)
        wider = [
            kept.ranks
            for kept in self._lists.values()
            if (kept.place, kept.folder, kept.tag) == scope and not kept.stale and wanted.query.narrows(kept.query)
        ]
        if wider:
            return min(wider, key=len)
        return self._places[wanted.place].notes

    def _match(self, kept: _List, notes: Iterable[str]) -> None:
        """Match notes against a list, one condition after the other, and mark the list as changed."""
        rows, query = self.rows, kept.query
        found: Sequence[str] = list(notes)
        for note in kept.ranks.keys() & kept.stale:
            del kept.ranks[note]
        if kept.stale:
            found = [note for note in found if note in rows and _place(rows[note]) == kept.place]
        if kept.folder:
            found = [note for note in found if (fold(rows[note].folder) + "/").startswith(kept.folder + "/")]
        if kept.tag:
            found = [note for note in found if any((fold(t) + "/").startswith(kept.tag + "/") for t in rows[note].tags)]
        if query.beyond_words:
            found = [note for note in found if row_matches(query, rows[note])]
        words = sorted(query.words, key=len, reverse=True)
        found = _holding(words, self._texts, found)
        for word in query.words_not:
            found = [note for note in found if word not in self._texts[note]]
        kept.ranks.update(self._ranks(query, words, found))
        kept.stale.clear()
        kept.listing = None

    def _ranks(self, query: Query, words: Sequence[str], found: Sequence[str]) -> dict[str, int]:
        """Return where the words hit the notes that hold them: the narrowest place counts."""
        ranks = dict.fromkeys(found, 4 if words else 0)
        if words:
            in_heads = _holding(words, self._heads, found)
            in_title = _holding(words, self._titles, in_heads)
            whole = " ".join(query.words)
            ranks.update(dict.fromkeys(in_heads, 3))
            ranks.update(dict.fromkeys(in_title, 2))
            ranks.update({note: 1 for note in in_title if self._titles[note].startswith(whole)})
            ranks.update({note: 0 for note in in_title if self._titles[note] == whole})
        return ranks

    def _list(self, kept: _List) -> Listing:
        rows, ranks = self.rows, kept.ranks
        ids = self._places[kept.place].notes
        ids = ids.copy() if len(ranks) == len(ids) else [note for note in ids if note in ranks]
        if not kept.query.words:
            return Listing(ids, {}, len(ids))
        by_rank: list[list[str]] = [[] for _ in range(5)]
        for note in ids:
            by_rank[ranks[note]].append(note)
        for found in by_rank:
            if found and rows[found[0]].pinned:  # the pinned ones stand first; all others are in order already
                found.sort(key=lambda note: -rows[note].modified)
        ids = [note for found in by_rank for note in found]
        return Listing(ids, _Hits(kept.query, ids, self), len(ids))

    def _put_searchable(self, note: str) -> None:
        title, body = self.rows[note].title, self.bodies.get(note)
        name = _folded(title)
        # At a start ten thousand rows come, and no text yet.
        texts = searchable(title, body) if body else Searchable(name, name, f"{name}\n")
        self._titles[note], self._heads[note], self._texts[note] = texts

    def _touch(self, note: str) -> None:
        for kept in self._lists.values():
            kept.stale.add(note)

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
        self._tags_shown = None
        for tag in row.tags:
            forms = self._tags.setdefault(_folded(tag), Counter())
            forms[tag] += by
            if not forms[tag]:
                del forms[tag]
            if not forms:
                del self._tags[_folded(tag)]
        named = self._named.setdefault(_folded(row.title), set())
        (named.add if by > 0 else named.discard)(row.note)
        if not named:
            del self._named[_folded(row.title)]


def _counted(row: Row) -> tuple[object, ...]:
    return (row.trashed, row.folder, row.tags, row.title)


def _holding(words: Sequence[str], texts: Mapping[str, str], notes: Sequence[str]) -> Sequence[str]:
    for word in words:
        notes = [note for note in notes if word in texts[note]]
    return notes


def _place(row: Row) -> Place:
    return "trash" if row.trashed else "notes"


def _order(row: Row) -> _Order:
    return (not row.pinned, -row.modified, row.note)
