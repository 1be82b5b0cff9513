"""A row: what the list, the search and the places know of a note without its document, derived in one pass that is
linear in the note.

1. A row is derived and can be thrown away; everything in it comes from the document, the times of its changes, and
   its heads.
2. The title is the field `title`; where that is empty, the first heading or line of text. The snippet is the first
   text after it.
3. Tags are `#words` outside of code (a letter somewhere, `/` nests), and `tags:` of the front matter, as written,
   each once.
4. Tasks are list items that begin with `[ ]` or `[x]`, outside of code blocks.
5. `trashed` holds only while nobody but those who trashed it has written beyond the heads they had seen: an edit wins
   over a deletion, and two deletions do not undo each other. Its value, JSON: {"by": author, "heads": {other author:
   n}}; the empty string is a note restored.
6. `created` is the time of the first change, or an earlier one that the field `created` tells: decimal, ms since 1970, as an
   export said it of a note that was imported.

Stored form (encode_rows): JSON, a list of rows, each a list of the fields in the order of the class. The store puts a
format byte before it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from carryon.notes.note import Note
from carryon.notes.shallow import read_shallow

Heads = Mapping[str, int]
"""How far a device holds each author's chain of this note: author in hexadecimal → number of its last change."""

snippet_characters = 160
title_shown_max = 500  # of a field, whatever another device has put there
folder_shown_max = 1_000
title_characters_max = 100
_opening_characters = 2_000  # how much of a body is looked at for title and snippet


class Row(NamedTuple):
    """A note as the list shows it. Times are milliseconds since 1970; `source` is where it was imported from (JSON),
    or empty.

    A named tuple and no dataclass: ten thousand of them are made at each start, three times as fast.
    """

    note: str
    title: str
    folder: str
    snippet: str
    tags: tuple[str, ...]
    words: int
    tasks_open: int
    tasks_done: int
    pinned: bool
    trashed: bool
    created: int
    modified: int
    source: str


def row_of(note: Note, created: int, modified: int, heads: Heads) -> Row:
    """Derive the row of a note."""
    body = note.body
    front, text = split_front_matter(body)
    visible = _without_fences(text)
    title = " ".join((note.field("title").value or "")[:title_shown_max].splitlines())
    shown, snippet = _opening(visible, title)
    tasks_open, tasks_done = _tasks(visible)
    return Row(
        note=note.id,
        title=shown,
        folder=clean_folder((note.field("folder").value or "")[:folder_shown_max]),
        snippet=snippet,
        tags=_tags(front, visible),
        words=len(text.split()),
        tasks_open=tasks_open,
        tasks_done=tasks_done,
        pinned=note.field("pinned").value == "1",
        trashed=trashed_holds([value for _, value in note.field("trashed").values], heads),
        created=_created(note.field("created").value or "", created),
        modified=modified,
        source=note.field("source").value or "",
    )


def trashed_value(author: str, heads: Heads) -> str:
    """Return what `trashed` is set to when `author` (hexadecimal) moves a note to the trash and holds `heads`."""
    others = {other: heads[other] for other in sorted(heads) if other != author}
    return json.dumps({"by": author, "heads": others}, separators=(",", ":"))


def trashed_holds(values: Sequence[str], heads: Heads) -> bool:
    """Tell whether a note is in the trash whose field `trashed` holds `values` and whose authors reach to `heads`."""
    seen: dict[str, int] = {}
    by: set[str] = set()
    for value in values:
        trashed = _trashed(value)
        if trashed is None:
            return False
        by.add(trashed[0])
        for author, n in trashed[1].items():
            seen[author] = max(n, seen.get(author, 0))
    return bool(values) and all(author in by or n <= seen.get(author, 0) for author, n in heads.items())


def clean_folder(folder: str) -> str:
    """Return a folder's path in its one form: parts without surrounding space, joined by single slashes."""
    if "/" not in folder:
        return folder.strip()
    return "/".join(part for part in map(str.strip, folder.split("/")) if part)


def split_front_matter(body: str) -> tuple[str, str]:
    """Split a body into its front matter, without the dashes, and the rest; a byte order mark is in neither."""
    start = 1 if body.startswith("\ufeff") else 0
    if not body.startswith("---", start):
        return "", body[start:]
    found = _front_matter.match(body, start)
    return (found[1], body[found.end() :]) if found else ("", body[start:])


def encode_rows(rows: Iterable[Row]) -> bytes:
    """Return rows in their stored form."""
    return json.dumps(list(rows), ensure_ascii=False, separators=(",", ":")).encode()


def decode_rows(data: bytes) -> list[Row]:
    """Return the rows of a stored form, or raise ValueError: rows are derived, so the caller throws them away."""
    stored = json.loads(data)
    if not isinstance(stored, list):
        raise ValueError("rows are stored in another form")
    rows = []
    for fields in stored:
        if not isinstance(fields, list) or len(fields) != len(Row._fields):
            raise ValueError("rows are stored in another form")
        if not isinstance(fields[4], list):
            raise ValueError("rows are stored in another form")
        fields[4] = tuple(fields[4])
        rows.append(Row._make(fields))
    return rows


_front_matter = re.compile(r"---[ \t]*\r?\n(?:(.*?)\r?\n)??---[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_time = re.compile(r"[0-9]{1,15}")
# Each pattern begins with a literal, which re searches for at the speed of memory; one that begins with ^ or a
# lookbehind is tried at every character.
_fence = re.compile(r"\n {0,3}(`{3,}|~{3,})(.*)")
_task = re.compile(r"\[([ xX])\](?=\s)")
_item = re.compile(r"[ \t>]*(?:[-*+]|\d{1,9}[.)])[ \t]+")
_tag = re.compile(r"#(?<![^\s(,;>]#)([\w/-]*[^\W\d_][\w/-]*)")
# The key's line and what belongs to it: lines that are indented, or that go on or end a list.
_yaml_tags = re.compile(
    r"^[\"']?tags?[\"']?[ \t]*:(.*(?:\r?\n[ \t\]-].*|\r?\n(?=\r?\n))*)", re.MULTILINE | re.IGNORECASE
)
_yaml_comment = re.compile(r"(?<=\s)#(?:\s.*)?$", re.MULTILINE)
_marks = re.compile(
    r"^[#>\s]+|^(?:[-*+]|\d{1,9}[.)])\s+(?:\[[ xX]\]\s+)?"  # headings, quotes, items, tasks
    r"|[*_`~]{1,3}(?=\S)|(?<=\S)[*_`~]{1,3}"  # emphasis
    r"|!?\[\[(?:[^\]|]*\|)?|\]\]|!?\[(?=[^\]]*\]\()|\]\([^)]*\)"  # links
)


def _without_fences(text: str) -> str:
    """Return a text without its fenced code blocks; one that is never closed reaches to the end."""
    if "```" not in text and "~~~" not in text:
        return text
    text = "\n" + text
    kept, start, fence = [], 0, ""
    for match in _fence.finditer(text):
        if not fence:
            fence = match[1]
            kept.append(text[start : match.start()])
        elif match[1].startswith(fence) and not match[2].strip():
            fence, start = "", match.end()
    return "".join(kept) if fence else "".join(kept) + text[start:]


def _tasks(text: str) -> tuple[int, int]:
    """Return how many tasks are open and how many are done."""
    opened = done = 0
    for match in _task.finditer(text):
        line = text.rfind("\n", 0, match.start()) + 1
        if _item.fullmatch(text, line, match.start()):
            opened += match[1] == " "
            done += match[1] != " "
    return opened, done


def _opening(text: str, title: str) -> tuple[str, str]:
    """Return the title, or the first line in its stead, and the snippet: what follows, unmarked and on one line."""
    parts: list[str] = []
    shown, length = title if title.strip() else "", 0
    for line in text[:_opening_characters].splitlines():
        plain = _marks.sub("", line).strip()
        if not plain or (plain == shown.strip() and not parts):
            continue
        if not shown:
            shown = plain[:title_characters_max].rstrip()
            continue
        parts.append(plain)
        length += len(plain) + 1
        if length > snippet_characters:
            break
    return shown, " ".join(parts)[:snippet_characters].rstrip()


def _tags(front: str, text: str) -> tuple[str, ...]:
    found: dict[str, str] = {}
    if front:
        for match in _yaml_tags.finditer(front):
            for item in re.split(r"[,\s\[\]{}]+", _yaml_comment.sub("", match[1])):
                tag = item.strip("\"'#")
                # Neither a dash or another sign of YAML, nor the key of something within.
                if any(map(str.isalnum, tag)) and not tag.endswith(":"):
                    found.setdefault(tag.casefold(), tag)
    if "#" in text:
        for match in _tag.finditer(text):
            tag = match[1].strip("/-")
            line = text.rfind("\n", 0, match.start()) + 1
            if tag and text.count("`", line, match.start()) % 2 == 0:
                found.setdefault(tag.casefold(), tag)
    return tuple(found.values())


def _created(said: str, created: int) -> int:
    return min(int(said), created) if _time.fullmatch(said) else created


def _trashed(value: str) -> tuple[str, dict[str, int]] | None:
    try:
        match read_shallow(value):
            case {"by": by, "heads": dict(heads)}:
                return str(by), {author: int(n) for author, n in heads.items()}
            case _:
                return None
    except (ValueError, TypeError, OverflowError):
        return None
