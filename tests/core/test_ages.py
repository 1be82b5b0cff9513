"""How old a note is: when its words were changed last, on this device and on every other one."""

from __future__ import annotations

import asyncio
import io
import zipfile
from typing import Final

from tests.core.home import Home, opened, rule
from tests.simulation.device import PickedFile
from tests.simulation.relay import EPOCH_MS
from tests.simulation.tab import Tab
from tests.simulation.virtual_loop import until

DAY_MS: Final = 24 * 60 * 60 * 1000


def ages(tab: Tab) -> dict[str, tuple[int, int]]:
    """When each note was created and edited, as its row says, by title."""
    notebook = opened(tab).notebook
    notebook.refresh()
    return {row.title: (row.created, row.modified) for row in notebook.rows.values()}


def order(tab: Tab) -> list[str]:
    """The titles in the order of the list."""
    notebook = opened(tab).notebook
    return [notebook.rows[note].title for note in notebook.listed("notes", "", "", "").ids]


async def meet(home: Home, acting: Tab, other: Tab) -> None:
    """Wait until both devices have what was done in one of them."""
    await until(lambda: acting.saved, "it is saved", 30.0)
    await home.together(acting, other)


@rule
async def test_a_note_that_is_pinned_moved_and_restored_is_as_old_as_its_words(home: Home) -> None:
    """Also beside words that are on their way, on a device that was away, and after a start."""
    one = await home.begin()
    first = str(one.note)
    other = await home.join(one, "Bert")
    one.type("the last words")
    one.act("note.pin", note=first, pinned="true")
    await meet(home, one, other)
    before = ages(one)
    assert before["Welcome"][1] > before["Welcome"][0]
    assert ages(other) == before

    await asyncio.sleep(3600.0)
    one.act("note.move", note=first, value="Travel")
    one.act("note.trash", note=first)
    await meet(home, one, other)
    other.act("note.restore", note=first)
    other.act("note.pin", note=first, pinned="false")
    await meet(home, other, one)

    assert (ages(one), ages(other)) == (before, before)
    again = await home.tab(one.worker.device.worker(), f"?note={first}")
    await until(lambda: again.note == first, "the note is open in another core", 30.0)
    assert ages(again) == before


@rule
async def test_imported_notes_keep_their_files_times_on_every_device(home: Home) -> None:
    """A file's, that of an entry of a zip, none of the future; and so their order in the list."""
    one = await home.begin()
    other = await home.join(one, "Bert")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(zipfile.ZipInfo("Zipped.md", (2009, 6, 1, 12, 0, 0)), b"in a zip")
    old, future = EPOCH_MS - 900 * DAY_MS, EPOCH_MS + 900 * DAY_MS
    files = [
        PickedFile("vault/Old.md", b"old", old),
        PickedFile("vault/Older.md", b"older", old - DAY_MS),
        PickedFile("vault/Future.md", b"future", future),
        PickedFile("vault/Unknown.md", b"unknown"),
        PickedFile("v.zip", packed.getvalue(), old),
    ]
    one.act("import.files", files={file.path: file for file in files})
    await until(lambda: "5 notes imported" in str(one.regions), "the import is done", 30.0)
    await home.together(one, other)

    for tab in (one, other):
        notes = ages(tab)
        assert (notes["Old"], notes["Older"]) == ((old, old), (old - DAY_MS, old - DAY_MS))
        assert notes["Zipped"] == (1_243_857_600_000, 1_243_857_600_000)
        assert EPOCH_MS < notes["Future"][1] == notes["Unknown"][1] < EPOCH_MS + DAY_MS
        assert order(tab)[-3:] == ["Old", "Older", "Zipped"]

    changed = PickedFile("vault/Older.md", b"older, and changed since", old + DAY_MS)
    one.act("import.files", files={changed.path: changed})
    await until(lambda: ages(one)["Older"] == (old - DAY_MS, old + DAY_MS), "it is brought up to date", 30.0)
    await home.together(one, other)
    assert ages(other) == ages(one)


@rule
async def test_what_is_typed_while_a_clock_stands_before_1970_is_saved(home: Home) -> None:
    """The time of a journal's row is signed, as that of a change is."""
    one = await home.begin()
    one.worker.device.skew_ms = -60 * 365 * DAY_MS

    one.type("typed long ago")

    await until(lambda: one.saved, "it is saved", 30.0)
    assert home.failures == []
