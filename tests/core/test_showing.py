"""What a tab is shown, and in which order."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections import Counter
from typing import Final

from carryon.core.open_notebook import STALE_MAX_S, STALE_S
from carryon.core.tabs.messages import Regions, ToTab

from tests.core.home import Home, fail_writes, listen, mend, opened, rule
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


@rule
async def test_another_tab_is_shown_nothing_that_is_not_durable(home: Home) -> None:
    """J15: with a full disk a tab goes on with what it makes; the other lists, finds, shows and exports what is saved."""
    one = await home.begin()
    note = one.note
    assert note is not None
    other = await home.tab(one.worker, f"?note={note}")
    await until(lambda: other.note == note, "both have it open")
    other.act("note.preview", shown="true")
    await until(lambda: 'class="preview"' in other.regions["note"], "it shows the preview")
    pictures: list[str] = []
    listen(other, lambda message: pictures.append(str(message)) if isinstance(message, Regions) else None)
    fail_writes(one.worker.device)

    one.type("unsaved text ")
    one.act("note.rename", note=note, value="unsaved title")
    new = one.act("note.create")
    await until(lambda: f'data-note="{new}"' in one.regions["note"], "the new note is there for who made it", 5.0)
    await until(lambda: "unsaved title" in one.regions["list"], "so is the title", 5.0)
    for shown in ("false", "true"):
        other.act("note.preview", shown=shown)
        await asyncio.sleep(2.0)
    other.act("notebook.export")
    await until(lambda: any(call.name == "download" for call in other.calls), "exported", 5.0)

    assert pictures
    assert not any(word in picture for picture in pictures for word in ("unsaved t", new))
    [call] = [call for call in other.calls if call.name == "download"]
    assert b"unsaved" not in zip_text(call.args["bytes"])

    mend(one.worker.device)
    await until(lambda: new in opened(other).notebook.rows, "it is saved", 10.0)
    await until(lambda: "unsaved title" in other.regions["list"], "the other one lists it", 5.0)


@rule
async def test_what_a_tab_could_not_save_it_exports(home: Home) -> None:
    """J15, E1: the way out of a full disk has the newest words of the tab that asks for it."""
    tab = await home.begin()
    fail_writes(tab.worker.device)
    tab.type("unsaved text")
    await until(lambda: tab.status.startswith("Not saved"), "it is not saved")

    tab.act("notebook.export")
    await until(lambda: any(call.name == "download" for call in tab.calls), "exported", 5.0)

    [call] = [call for call in tab.calls if call.name == "download"]
    assert b"unsaved text" in zip_text(call.args["bytes"])


@rule
async def test_a_tab_that_was_loaded_again_goes_on_with_what_it_could_not_save(home: Home) -> None:
    """J15: with a full disk it names a note and makes one, and is loaded again; both are still its own, to be written in."""
    tab = await home.begin()
    named = tab.note
    assert named is not None
    await home.tab(tab.worker)
    fail_writes(tab.worker.device)
    tab.act("note.rename", note=named, value="unsaved title")
    note = tab.act("note.create")
    await until(lambda: note in tab.regions["list"] and "unsaved title" in tab.regions["list"], "listed", 5.0)

    tab.reload()
    await until(lambda: tab.ready == "ready", "it is loaded again", 10.0)
    await until(lambda: note in tab.regions["list"] and "unsaved title" in tab.regions["list"], "listed again", 5.0)
    tab.act("note.move", note=note, value="a folder")
    mend(tab.worker.device)
    await until(lambda: tab.saved, "it is saved", 10.0)

    assert opened(tab).notebook.rows[note].folder == "a folder"


def zip_text(data: object) -> bytes:
    """All that stands in an archive, names and contents."""
    assert isinstance(data, bytes)
    archive = zipfile.ZipFile(io.BytesIO(data))
    return b"".join(name.encode() + archive.read(name) for name in archive.namelist())
