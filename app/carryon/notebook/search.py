"""Finds notes by their words: a query is parsed, matched against folded text, and what it hit is shown marked.

Query: words and "phrases", all of which must occur in title or body; `tag:x` and `folder:x` (with what is nested in
them), `is:task`; each with `-` before it must not. A quote that is not closed reaches to the end.

1. Folding makes case and accents equal: casefold, decompose (compatibility), drop the combining marks U+0300 to
   U+036F, compose. Accents always count as optional; marks of other scripts, which make other letters, are kept. Any
   part of a word matches, so texts without spaces between words need nothing else.
2. A note is searched in three folded strings: its title, its heads (title, line feed, headings) and its text (heads,
   line feed, body). A scan is `in`, at the speed of memory.
3. The rank says where a query hit: 0 it is the title, 1 the title begins with it, 2 all in the title, 3 all in title
   or headings, 4 somewhere in the body. Equal ranks are ordered by time, elsewhere.
4. Marks are found in the one line that is shown, by folding it character by character.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from carryon.notes.row import Row

snippet_before = 40  # characters shown before the first mark of a snippet
snippet_characters = 160
_window = 400  # characters before and after a place that are looked at for marks

Marked = tuple[tuple[str, bool], ...]
"""A text in pieces, each with whether it is marked."""


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query. All texts are folded; each pair is what must and what must not be."""

    words: tuple[str, ...] = ()
    words_not: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    tags_not: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    folders_not: tuple[str, ...] = ()
    tasks: bool = False
    tasks_not: bool = False

    @property
    def beyond_words(self) -> bool:
        """Whether the query asks for something that the row tells, not the text."""
        return bool(self.tags or self.tags_not or self.folders or self.folders_not or self.tasks or self.tasks_not)

    def narrows(self, wider: Query) -> bool:
        """Whether the wider query finds all that this one finds, as the one does that a person was typing a letter ago."""
        kept = ("words_not", "tags", "tags_not", "folders", "folders_not")
        return (
            all(any(word in longer for longer in self.words) for word in wider.words)
            and all(set(getattr(wider, name)) <= set(getattr(self, name)) for name in kept)
            and self.tasks >= wider.tasks
            and self.tasks_not >= wider.tasks_not
        )


class Searchable(NamedTuple):
    """What the words of a query are looked for in, all of it folded."""

    title: str
    heads: str
    text: str


@dataclass(frozen=True, slots=True)
class Hit:
    """Title and snippet of a found note, marked."""

    title: Marked
    snippet: Marked


def fold(text: str) -> str:
    """Return a text with case and accents made equal. Folding twice is folding once."""
    if text.isascii():
        return text.lower()
    # Bytes lower only ASCII and take a tenth of the time of str.lower; then most texts hold nothing else that folds.
    lower = text.encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")
    if all(_folded_run(run) == run for run in set(_other.findall(lower))):
        return lower
    return _other.sub(lambda run: _folded_run(run[0]), lower)


def parse_query(text: str) -> Query:
    """Return the query that a person typed; every text is one."""
    found: dict[str, list[str]] = {}
    tasks = [False, False]
    for match in _term.finditer(text):
        minus, key, phrase, word = match.groups()
        value = " ".join(fold(phrase if phrase is not None else word).split())
        key = (key or "").lower()
        if key == "is:" and value in ("task", "tasks"):
            tasks[bool(minus)] = True
            continue
        if key == "is:":
            key, value = "", "is:" + value
        if value:
            name = {"tag:": "tags", "folder:": "folders"}.get(key, "words")
            value = value.strip("#/") if key else value
            found.setdefault(name + ("_not" if minus else ""), []).append(value)
    return Query(**{name: tuple(values) for name, values in found.items()}, tasks=tasks[0], tasks_not=tasks[1])


def searchable(title: str, body: str) -> Searchable:
    """Return what the words of a query are looked for in."""
    name = fold(title)
    folded = fold(body)
    heads = "\n".join([name, *_heading.findall("\n" + folded)]) if "#" in folded else name
    return Searchable(name, heads, f"{heads}\n{folded}")


def row_matches(query: Query, row: Row) -> bool:
    """Tell whether a row is what the query asks for, its words apart."""
    if query.tasks or query.tasks_not:
        tasks = row.tasks_open + row.tasks_done > 0
        if (query.tasks and not tasks) or (query.tasks_not and tasks):
            return False
    if query.tags or query.tags_not:
        tags = [fold(tag) for tag in row.tags]
        if not all(_within_any(tags, tag) for tag in query.tags) or any(_within_any(tags, t) for t in query.tags_not):
            return False
    if query.folders or query.folders_not:
        folder = [fold(row.folder)]
        return all(_within_any(folder, f) for f in query.folders) and not any(
            _within_any(folder, f) for f in query.folders_not
        )
    return True


def hit_of(query: Query, row: Row, body: str, found: Searchable) -> Hit:
    """Return the marked title and snippet of a found note."""
    title = _mark(row.title, query.words)
    text, start = found.text, len(found.heads) + 1
    places = [place for word in query.words if (place := text.find(word, start)) >= 0]
    if not places:
        return Hit(title, _mark(row.snippet, query.words))
    place = min(places)
    number, column = text.count("\n", start, place), place - text.rfind("\n", 0, place) - 1
    begin = 0
    for _ in range(number):
        begin = body.index("\n", begin) + 1
    end = body.find("\n", begin)
    # A line may be a whole note: only what lies around the place is marked. Folding moves it by a few characters at
    # most.
    begin = max(begin, begin + column - _window)
    line = body[begin : begin + 2 * _window if end < 0 else min(end, begin + 2 * _window)].strip()
    return Hit(title, _cut(_mark(line, query.words)))


_other = re.compile(r"[^\x00-\x7f]+")
_accents = re.compile("[\u0300-\u036f]+")
_heading = re.compile(r"\n#{1,6}[ \t]+(.*)")  # begins with a literal, which re finds fast
_term = re.compile(r'(-)?(tag:|folder:|is:)?(?:"([^"]*)(?:"|\Z)|(\S+))', re.IGNORECASE)


def _within_any(paths: list[str], path: str) -> bool:
    return any(held == path or held.startswith(path + "/") for held in paths)


@lru_cache(maxsize=10_000)
def _folded_run(run: str) -> str:
    """Fold characters outside of ASCII. Twice, because a compatibility form may decompose into capitals (㎒)."""
    for _ in range(2):
        run = _accents.sub("", unicodedata.normalize("NFKD", run.casefold()))
    return unicodedata.normalize("NFC", run)


def _mark(text: str, words: tuple[str, ...]) -> Marked:
    """Return a text in pieces, with every occurrence of the words marked."""
    folded, places = _folded_places(text)
    spans: list[tuple[int, int]] = []
    for word in words:
        start = folded.find(word)
        while start >= 0:
            end = start + len(word)
            spans.append((places[start], max(places[end], places[start] + 1)))
            start = folded.find(word, end)
    pieces: list[tuple[str, bool]] = []
    done = 0
    for start, end in sorted(spans):
        if end <= done:
            continue
        start = max(start, done)
        pieces += [(text[done:start], False), (text[start:end], True)]
        done = end
    pieces.append((text[done:], False))
    return tuple(piece for piece in pieces if piece[0])


def _folded_places(text: str) -> tuple[str, list[int] | range]:
    """Return a folded text and, for each of its characters and its end, the place it came from."""
    if text.isascii():
        return text.lower(), range(len(text) + 1)
    parts: list[str] = []
    places: list[int] = []
    done = 0
    for run in _other.finditer(text):
        parts.append(text[done : run.start()].lower())
        places += range(done, run.start())
        start, done = run.span()
        while start < done:
            end = start + 1
            while end < done and unicodedata.combining(text[end]):
                end += 1
            part = _folded_run(text[start:end])
            parts.append(part)
            places += [start] * len(part)
            start = end
    return "".join(parts) + text[done:].lower(), [*places, *range(done, len(text) + 1)]


def _cut(pieces: Marked) -> Marked:
    """Cut a marked line to the length of a snippet, with its first mark in view."""
    before = len(pieces[0][0]) if pieces and not pieces[0][1] and len(pieces) > 1 else 0
    skipped = max(0, before - snippet_before)
    left = snippet_characters
    shown: list[tuple[str, bool]] = []
    for text, marked in pieces:
        piece = text[skipped:][:left]
        if skipped and shown == []:
            piece = "…" + piece
        skipped = max(0, skipped - len(text))
        left -= len(piece)
        if piece:
            shown.append((piece, marked))
    return tuple(shown)
