"""Reading waits for no writing: on a full disk everything can be opened, searched and taken out."""

from __future__ import annotations

import io
import zipfile

from carryon.core.log.documents import IDLE_MAX

from tests.core.home import Home, fail_writes, mend, opened, rule
from tests.simulation.tab import Tab
from tests.simulation.virtual_loop import until

WAITS = "waits for room "


async def full_disk(home: Home) -> tuple[Tab, str, str]:
    """A tab whose disk is full, with an edit that waits in its first note, and a second note."""
    tab = await home.begin()
    first = tab.note
    assert first is not None
    second = tab.act("note.create")
    await until(lambda: tab.note == second, "the second note is open")
    tab.type("words of the second")
    await home.quiet(tab)
    await home.show(tab, first)
    fail_writes(tab.worker.device)
    tab.type(WAITS)
    await until(lambda: tab.status.startswith("Not saved"), "it is said")
    return tab, first, second


def downloaded(tab: Tab, name: str) -> bytes | None:
    """What a tab was given to be downloaded under a name."""
    files = [call.args["bytes"] for call in tab.calls if call.name == "download" and call.args["name"] == name]
    return files[-1] if files and isinstance(files[-1], bytes) else None


@rule
async def test_on_a_full_disk_every_note_is_opened_written_in_and_found(home: Home) -> None:
    """J8: the tab of the edit that waits, and a fresh one; the edit is in its tab's editor when it comes back to it."""
    tab, first, second = await full_disk(home)

    await home.show(tab, second)
    tab.type(" and more")
    await home.show(tab, first)
    assert WAITS in tab.text
    fresh = await home.tab(tab.worker, "")
    fresh.act("list.search", value="words of the second")
    await until(lambda: second in fresh.regions["list"], "it is found", 5.0)
    assert len(tab.kept) == 2

    mend(tab.worker.device)
    await until(lambda: tab.saved, "all is saved", 20.0)


@rule
async def test_on_a_full_disk_everything_is_taken_out_what_waits_too(home: Home) -> None:
    """J8: the export has what its window has written: it may be the only way to keep it. Another window's has all that is durable."""
    tab, first, second = await full_disk(home)
    fresh = await home.tab(tab.worker, f"?note={second}")
    await until(lambda: fresh.note == second, "the second is open in a fresh tab")

    tab.act("note.export", note=first)
    for each in (tab, fresh):
        each.act("notebook.export")

    zips = [lambda each=each: downloaded(each, "Carryon.zip") or b"" for each in (tab, fresh)]
    await until(lambda: downloaded(tab, "Welcome.md") and all(given() for given in zips), "all are given", 30.0)
    assert WAITS.encode() in (downloaded(tab, "Welcome.md") or b"")
    texts = [zipfile.ZipFile(io.BytesIO(given())).read("Welcome.md") for given in zips]
    assert [WAITS.encode() in text for text in texts] == [True, False]


@rule
async def test_a_note_in_which_an_edit_waits_can_be_read_in_another_tab(home: Home) -> None:
    """J8, A5: as far as it is durable, and at once; its editor gets the rest, and is bound, when that cannot be lost any more."""
    tab, first, second = await full_disk(home)
    other = await home.tab(tab.worker, f"?note={first}")
    await until(lambda: f'data-note="{first}"' in other.regions["note"], "it can be read", 5.0)
    assert "A box like this one" in other.regions["note"] and other.replica is None

    await home.show(other, second)
    other.act("note.open", note=first)
    await until(lambda: f'data-note="{first}"' in other.regions["note"], "it can be read again", 5.0)
    assert other.note is None
    mend(tab.worker.device)

    await until(lambda: other.note == first and WAITS in other.text, "it can be written in", 20.0)


@rule
async def test_what_waits_is_there_when_many_other_notes_were_opened(home: Home) -> None:
    """J8, J6: a document with edits that wait to be written stays as long as they do."""
    tab, first, _ = await full_disk(home)
    mend(tab.worker.device)
    await until(lambda: tab.saved, "there is room")
    notes = [tab.act("note.create") for _ in range(IDLE_MAX + 2)]
    await home.quiet(tab)
    await home.show(tab, first)
    fail_writes(tab.worker.device)
    tab.type("and waits again ")

    for note in notes:
        await home.show(tab, note)
    await home.show(tab, first)

    assert "and waits again" in tab.text
    document = opened(tab).notebook.note(first)
    assert document is not None and "and waits again" in document.body
