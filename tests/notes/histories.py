"""Random histories of several authors who write one note, partly without having seen each other."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from carryon.notes.note import Note

ID = "0" * 26
PIECES = ["a", "b ", "é", "😀", "👩‍👩‍👦", "\r\n", "\n", "中文", "# ", "e\u0301"]


@dataclass(frozen=True)
class Written:
    """An update with what its author had seen before, as numbers of other updates."""

    number: int
    author: int
    update: bytes
    needs: frozenset[int]


def write(note: Note, draw: random.Random, counter: int) -> bytes:
    """Make one random edit that is none of nothing."""
    if draw.random() < 0.2:
        return note.set_field(draw.choice(["title", "folder"]), f"{note.client}.{counter}", counter)
    length = len(note.body)
    start = draw.randint(0, length)
    end = min(length, start + draw.choice([0, 0, 0, 1, 2, 9]))
    text = "".join(draw.choices(PIECES, k=draw.randint(1, 3))) if start == end or draw.random() < 0.5 else ""
    return note.splice(start, end, text)


def history(seed: int, authors: int, updates: int) -> list[Written]:
    """Return updates of authors who now and then take in all that another one holds, in the order they were made."""
    draw = random.Random(seed)
    notes = [Note(ID, draw.getrandbits(32)) for _ in range(authors)]
    held: list[dict[int, Written]] = [{} for _ in range(authors)]
    made: list[Written] = []
    while len(made) < updates:
        author = draw.randrange(authors)
        if draw.random() < 0.4:
            for number, written in held[draw.randrange(authors)].items():
                if number not in held[author]:
                    notes[author].apply(written.update)
                    held[author][number] = written
        else:
            update = write(notes[author], draw, len(made))
            written = Written(len(made), author, update, frozenset(held[author]))
            held[author][written.number] = written
            made.append(written)
    return made


def causal_orders(made: list[Written]) -> Iterator[list[Written]]:
    """Return every order of updates in which each stands behind all that it needs."""
    if not made:
        yield []
    left = {written.number for written in made}
    for written in made:
        if not written.needs & left:
            rest = [other for other in made if other is not written]
            for order in causal_orders(rest):
                yield [written, *order]
