"""Knows what of a notebook is not durable yet, and shows it to nobody but the tab that has made it.

1. The index holds what is durable. What is made of a note becomes durable in the order in which it was made; until all of it is, the
   note's row and text stay what they were.
2. Who has made all that is not durable of a note may be shown the note as it is in memory (`seen_by`): for as long as that lasts, the
   index holds it. Where two have written, each is shown what is durable.
3. A tab that was loaded again has another name, and gives again what it does not know to be saved: who does has made it too.
4. A title that is set anew is hidden like the rest, although it is read from the document.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from carryon.notebook.commands import Command
from carryon.notebook.listing import Index
from carryon.notes.fields import Field
from carryon.notes.row import Row

NOBODY: Final = ""
"""A maker that is no tab: what it has made is shown when it is durable."""


Asked: TypeAlias = Command | bytes
"""What a tab gave: a command, or the update of its editor."""


@dataclass(slots=True)
class _Made:
    """What is not durable of a note: what was asked in order and by whom, its title before, its row and text as derived for its maker."""

    title: Field | None = None
    asked: deque[tuple[Asked, set[str]]] = field(default_factory=deque)
    derived: tuple[Row, str] | None = None
    is_awaited: bool = False


class Unsaved:
    """What is not durable yet of the notes of an index."""

    def __init__(self, index: Index, derive: Callable[[str], tuple[Row, str] | None]) -> None:
        """`derive` gives a note's row and text as it is in memory, None when it is not there."""
        self._index = index
        self._derive = derive
        self._made: dict[str, _Made] = {}
        self._viewer: str | None = None

    def __contains__(self, note: str) -> bool:
        """Whether something of a note is not durable."""
        return note in self._made

    def made(self, note: str, asked: Asked, maker: str, title: Field | None = None) -> None:
        """Somebody has made an edit of a note; `title` is the one before, where it may have become another."""
        made = self._made.setdefault(note, _Made())
        made.asked.append((asked, {maker}))
        made.title = made.title or title
        # Who pressed something waits for the answer; a typist's own editor has given it.
        made.is_awaited |= title is not None
        made.derived = None

    def given_again(self, note: str, asked: Asked, maker: str) -> None:
        """Somebody has asked for what was so already."""
        for waiting, makers in self._made[note].asked if note in self._made else ():
            if waiting == asked:
                makers.add(maker)

    def saved(self, note: str) -> bool:
        """The first edit of those that were made is durable; tells whether the note's row is awaited now."""
        made = self._made[note]
        made.asked.popleft()
        if made.asked:
            return False
        del self._made[note]
        return made.is_awaited

    def changed(self, note: str) -> None:
        """The note in memory has become another one."""
        if note in self._made:
            self._made[note].derived = None

    def hides(self, note: str, viewer: str | None = None) -> bool:
        """Whether somebody, or who is shown the index now, may not see the note as it is in memory."""
        made, shown_to = self._made.get(note), self._viewer if viewer is None else viewer
        return made is not None and any(shown_to not in makers for _, makers in made.asked)

    def title(self, note: str) -> Field | None:
        """The title before what is hidden, where it was another one perhaps."""
        return self._made[note].title if self.hides(note) else None

    @contextmanager
    def seen_by(self, viewer: str) -> Iterator[None]:
        """Have the index hold what a viewer may see; nothing may be changed until this ends."""
        kept = []
        for note in [note for note in self._made if not self.hides(note, viewer)]:
            derived = self._derived(note)
            if derived is not None:
                kept.append((note, self._index.rows.get(note), self._index.bodies.get(note)))
                self._index.put(note, *derived)
        self._viewer = viewer
        try:
            yield
        finally:
            self._viewer = None
            for before in kept:
                self._index.put(*before)

    def _derived(self, note: str) -> tuple[Row, str] | None:
        made = self._made[note]
        made.derived = made.derived or self._derive(note)
        # It was shown to its maker, whom an older row would puzzle.
        made.is_awaited = True
        return made.derived
