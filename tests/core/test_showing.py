"""What a tab is shown, and in which order."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Final

from carryon.core.open_notebook import STALE_MAX_S, STALE_S
from carryon.core.tabs.messages import Regions, ToTab

from tests.core.home import Home, listen, opened, rule
from tests.simulation.virtual_loop import until

PAUSE_S: Final = 0.06
TEXT: Final = "the words of the note"


@rule
async def test_the_first_picture_of_a_note_has_its_text(home: Home) -> None:
    """An editor shows the text before it has the document, which takes longer, most of all with a long note."""
    tab = await home.begin()
    note = tab.note
    assert note is not None
    tab.type(TEXT)
    tab.act("note.create")
    await until(lambda: tab.saved and tab.note != note, "another note is open")
    await home.quiet(tab)
    opened(tab).documents.forget(note)
    pictures: list[str] = []

    def heard(message: ToTab) -> None:
        if isinstance(message, Regions) and "note" in message.regions:
            pictures.append(message.regions["note"])

    listen(tab, heard)
    tab.act("note.open", note=note)

    await until(lambda: tab.note == note and tab.text, "it is bound")
    first = next(picture for picture in pictures if f'data-note="{note}"' in picture)
    assert TEXT in first


@rule
async def test_a_page_that_is_typed_in_is_rendered_twice_a_second(home: Home) -> None:
    """P5: a key costs its own paint; the rows come when nobody types, or half a second after the first key that they lack."""
    tab = await home.begin()
    note = tab.act("note.create")
    await until(lambda: tab.note == note, "a new note is open")
    await home.quiet(tab)
    pictures: Counter[str] = Counter()

    def heard(message: ToTab) -> None:
        if isinstance(message, Regions):
            pictures.update(message.regions.keys())

    listen(tab, heard)
    letters = "a line as a fast typist writes it, without a pause"
    for letter in letters:
        tab.type(letter)
        await asyncio.sleep(PAUSE_S)
    typed_s = PAUSE_S * len(letters)

    for region in ("list", "note"):
        assert typed_s / STALE_MAX_S - 2 <= pictures[region] <= typed_s / STALE_MAX_S + 1
    await asyncio.sleep(2 * STALE_S)
    assert letters in tab.regions["list"]
