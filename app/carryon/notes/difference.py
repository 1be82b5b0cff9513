"""Finds a small edit between two texts, so that replacing a text keeps what other people write at the same time.

1. What is equal at both ends is never touched; between them lines are compared, and inside a changed run of lines the
   words.
2. The number of hunks is bounded: one transaction with very many operations is super-linear in the CRDT. Beyond it
   the text between the equal ends is replaced as a whole.

It finds an edit, not the least one: popular lines are skipped by difflib, which bounds its time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

hunks_max = 1_000
lines_max = (
    3_000  # lines compared between the equal ends; more are replaced as a whole (shuffled lines take quadratic time)
)
words_max = 2_000  # words compared inside one run of lines; more are replaced as a whole

_word = re.compile(r"\w+|\s|[^\w\s]")
_line = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


@dataclass(frozen=True, slots=True)
class Hunk:
    """Replace the code points from `start` to `end` of the old text by `text`."""

    start: int
    end: int
    text: str


def hunks_between(old: str, new: str) -> list[Hunk]:
    """Return the hunks, in ascending order and apart from each other, that turn `old` into `new`."""
    if old == new:
        return []
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    whole = Hunk(head, len(old) - tail, new[head : len(new) - tail])
    if whole.start == whole.end or not whole.text:
        return [whole]
    found = _by_line(old[whole.start : whole.end], whole.text, whole.start)
    return found if len(found) <= hunks_max else [whole]


def _common(one: str, other: str) -> int:
    """Return how many first code points are equal, by halving: slices compare far faster than characters."""
    low, high = 0, min(len(one), len(other))
    if one[:high] == other[:high]:
        return high
    while high - low > 1:
        middle = (low + high) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle
    return low


def _by_line(old: str, new: str, offset: int) -> list[Hunk]:
    old_lines, new_lines = _line.findall(old), _line.findall(new)
    if len(old_lines) > lines_max or len(new_lines) > lines_max:
        return [Hunk(offset, offset + len(old), new)]
    starts = _starts(old_lines, offset)
    hunks: list[Hunk] = []
    for tag, a, b, c, d in SequenceMatcher(None, old_lines, new_lines).get_opcodes():
        if tag != "equal":
            hunks += _by_word("".join(old_lines[a:b]), "".join(new_lines[c:d]), starts[a])
    return hunks


def _by_word(old: str, new: str, offset: int) -> list[Hunk]:
    old_words, new_words = _word.findall(old), _word.findall(new)
    if not old or not new or len(old_words) > words_max or len(new_words) > words_max:
        return [Hunk(offset, offset + len(old), new)]
    starts = _starts(old_words, offset)
    return [
        Hunk(starts[a], starts[b], "".join(new_words[c:d]))
        for tag, a, b, c, d in SequenceMatcher(None, old_words, new_words).get_opcodes()
        if tag != "equal"
    ]


def _starts(parts: list[str], offset: int) -> list[int]:
    starts = [offset]
    for part in parts:
        starts.append(starts[-1] + len(part))
    return starts
