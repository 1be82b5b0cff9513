"""What a tab is shown, and in which order."""

from __future__ import annotations

from carryon.core.messages import Regions, ToTab

from tests.core.home import Home, listen, opened, rule
from tests.simulation.virtual_loop import until

TEXT = "the words of the note"


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
