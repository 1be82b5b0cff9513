"""Bits of the log rot: what can be read is shown, what cannot is said, and everything else goes on."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import Sequence

import pytest
from carryon.core.log.documents import UNREADABLE
from carryon.notebook.exporting import not_whole, report_name
from carryon.storage import layouts
from carryon.storage.quarantine import Kind
from carryon_sync.formats.change import Change
from carryon_sync.formats.rejected import Rejected

from tests.core.home import Home, fail_writes, holdings, mend, opened, rule
from tests.simulation.tab import Tab
from tests.simulation.virtual_loop import until


async def two_changes(home: Home) -> tuple[Tab, str]:
    """A device with a note that is two changes of the log, and a welcome note."""
    tab = await home.begin()
    note = tab.act("note.create")
    await until(lambda: tab.note == note, "the note is open")
    for words in ("first words", " second words"):
        tab.type(words)
        await home.quiet(tab)
    return tab, note


def damage(tab: Tab, note: str, first: int, end: int | None = None) -> None:
    """Damage the changes of a note on the tab's device, from the `first` on up to the `end`."""
    here, tag = holdings(tab), opened(tab).identity.tag(note)
    entries = [(entry, layouts.change_in(entry.value, entry.unique)) for entry in here.entries("log")]
    damaged = [entry for entry, change in entries if change is not None and change.header.tag == tag][first:end]
    assert damaged and here.disk is not None
    for entry in damaged:
        middle = len(entry.value) // 2
        here.disk.rot(
            "log", entry.key, entry.value[:middle] + bytes([entry.value[middle] ^ 1]) + entry.value[middle + 1 :]
        )


async def start_again(home: Home, tab: Tab) -> Tab:
    """A new core on the same device, and a tab of it."""
    tab.crash()
    return await home.tab(tab.worker.device.worker())


@rule
async def test_a_note_is_shown_as_far_as_it_can_be_read(home: Home) -> None:
    """E7: its last change is damaged, its first is shown, and can be gone on with."""
    tab, note = await two_changes(home)
    damage(tab, note, 1)
    tab = await start_again(home, tab)

    await home.show(tab, note)
    tab.type("; third words", 11)
    await until(lambda: tab.saved, "it is saved")

    assert tab.text == "first words; third words"


@rule
async def test_a_note_of_which_nothing_can_be_read_is_said(home: Home) -> None:
    """E7: opening it and acting on it give words; the other notes and the core go on."""
    tab, note = await two_changes(home)
    welcome = next(each for each in opened(tab).notebook.rows if each != note)
    damage(tab, note, 0)
    tab = await start_again(home, tab)

    tab.act("note.open", note=note)
    await until(lambda: UNREADABLE in tab.regions["toast"], "opening it is refused in words", 5.0)
    tab.act("note.trash", note=note)
    await until(lambda: tab.saved, "the action is answered")
    assert not opened(tab).notebook.rows[note].trashed

    await home.show(tab, welcome)
    tab.type("goes on ")
    await until(lambda: tab.saved, "another note is written in")


async def without_its_beginning(home: Home, tab: Tab, note: str) -> Tab:
    """A core that has made rows and texts anew without a note, because the first of its two changes is damaged."""
    damage(tab, note, 0, 1)
    here = holdings(tab)
    assert here.disk is not None
    for store in ("rows", "texts"):
        here.disk.clear(store)
    home.relay.crash()
    tab = await start_again(home, tab)
    await until(lambda: len(here.entries("rows")) == 2 == len(here.entries("texts")), "both are made anew", 10.0)
    assert note not in opened(tab).notebook.rows
    home.relay.start()
    await until(
        lambda: all(layouts.change_in(one.value, one.unique) for one in here.entries("log")), "it is mended", 120.0
    )
    return tab


@rule
async def test_what_is_mended_is_there_with_all_that_followed_on_it(home: Home) -> None:
    """E7: the change that comes again begins a note of which the log holds more."""
    tab, note = await two_changes(home)
    tab = await without_its_beginning(home, tab, note)

    await home.show(tab, note)
    await until(lambda: tab.text == "first words second words", "the note is whole", 5.0)


@rule
async def test_what_is_mended_is_there_though_the_core_ends_before_it_has_written_its_rows(home: Home) -> None:
    """E7: the stored rows name a place of the log behind the change that was mended, and were made without it."""
    tab, note = await two_changes(home)
    tab = await without_its_beginning(home, tab, note)
    home.relay.crash()
    tab = await start_again(home, tab)

    await home.show(tab, note)
    await until(lambda: tab.text == "first words second words", "the note is whole", 5.0)
    await asyncio.sleep(5)
    rows = holdings(tab).entries("rows")
    tab = await start_again(home, tab)
    await asyncio.sleep(5)
    assert holdings(tab).entries("rows") == rows, "what was made anew once is not again"


@rule
async def test_what_another_core_could_read_is_read_again(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A core could not open a change of the log; another one, which could, takes its name out of quarantine."""
    tab, note = await two_changes(home)
    other = await home.tab(tab.worker.device.worker(), tab.query)
    identity = opened(other).identity

    async def unopened(changes: Sequence[Change]) -> list[Rejected]:
        return [Rejected("its key is not here")] * len(changes)

    with monkeypatch.context() as patch:
        patch.setattr(identity, "_opened", unopened)
        tab.type(" more words")
        await until(lambda: any(item.kind is Kind.UNREAD for item in opened(other).attention.items), "it is named")
        await until(lambda: opened(tab).log.quarantine.known, "both know of it")
    assert opened(other).notebook.rows[note].words == 4
    async with opened(tab).documents.gate(note):
        await opened(tab).documents.reloaded(note)

    await until(lambda: opened(other).notebook.rows[note].words == 6, "the other core has it", 5.0)


@rule
async def test_the_search_works_beside_a_note_of_which_nothing_can_be_read(home: Home) -> None:
    """E6, E7: rows and texts are gone too, and are made of what the log still says."""
    tab, note = await two_changes(home)
    damage(tab, note, 0)
    here = holdings(tab)
    assert here.disk is not None
    here.disk.clear("texts")
    tab = await start_again(home, tab)

    await until(lambda: opened(tab).notebook.texts_ready, "all texts are read", 10.0)
    tab.act("list.search", value="first words")
    await until(lambda: note in tab.regions["list"], "it is found by its title", 5.0)


@rule
async def test_j14_the_export_names_what_it_cannot_read(home: Home) -> None:
    """J14: no empty file stands for a note that cannot be read; the zip and the tab say so, and the rest is there. After a start too."""
    tab, note = await two_changes(home)
    device = tab.worker.device
    damage(tab, note, 0)
    here = holdings(tab)
    assert here.disk is not None
    here.disk.clear("texts")
    home.relay.crash()
    tab.crash()

    for _ in range(2):
        tab = await home.tab(device.worker())
        await until(lambda: opened(tab).notebook.texts_ready, "all texts are read", 10.0)  # noqa: B023
        files = await exported(tab)

        assert [path for path in files if path.endswith(".md")] == ["Welcome.md"]
        assert files[report_name].decode().startswith("first words second words.md: not in this export")
        words = "The export is not whole. first words second words.md is not in this export"
        await until(lambda: words in tab.regions["toast"], "the tab says so")  # noqa: B023
        await asyncio.sleep(5)
        tab.crash()


@rule
async def test_j14_the_export_names_what_is_not_whole(home: Home) -> None:
    """J14: what can be read is in it, and both the zip and the tab say that a part is missing; so does the export of one note."""
    tab, note = await two_changes(home)
    device = tab.worker.device
    damage(tab, note, 1)
    home.relay.crash()
    tab.crash()
    tab = await home.tab(device.worker())
    await home.show(tab, note)
    await until(lambda: "cannot be read" in tab.regions["note"], "the note says so")

    files = await exported(tab)
    assert files["first words second words.md"].startswith(b"first words")
    assert files[report_name].decode() == f"first words second words.md: {not_whole}\n"

    tab.act("note.export", note=note)
    await until(lambda: f"first words second words: {not_whole}" in tab.regions["toast"], "it is said")


async def exported(tab: Tab) -> dict[str, bytes]:
    """Export the notebook: its files by path."""
    tab.calls.clear()
    tab.act("notebook.export")
    await until(lambda: any(call.name == "download" for call in tab.calls), "exported", 20.0)
    [call] = [call for call in tab.calls if call.name == "download"]
    data = call.args["bytes"]
    assert isinstance(data, bytes)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@rule
async def test_a_full_disk_keeps_no_core_from_starting_where_a_head_has_rotted(home: Home) -> None:
    """It is known from the log, and mended where there is room."""
    tab, note = await two_changes(home)
    here = holdings(tab)
    assert here.disk is not None
    for entry in here.entries("heads"):
        here.disk.rot("heads", entry.key, entry.value[:-1] + bytes([entry.value[-1] ^ 1]))
    fail_writes(tab.worker.device)

    tab = await start_again(home, tab)
    await home.show(tab, note)

    assert "first words second words" in tab.text
    mend(tab.worker.device)
    tab.type("third ")
    await home.quiet(tab)


@rule
async def test_a_core_that_cannot_read_its_own_words_writes_nothing_under_their_clocks(home: Home) -> None:
    """E7: a note that was loaded without them is written on; they come back, and all that was written is there."""
    tab, note = await two_changes(home)
    core = opened(tab)

    def folder() -> str | None:
        document = core.notebook.note(note)
        return document and document.field("folder").value

    tab.act("note.move", note=note, value="Garden")
    await home.quiet(tab)
    damage(tab, note, -1)
    home.relay.crash()
    async with core.documents.gate(note):
        await core.documents.reloaded(note)
    assert folder() is None

    tab.act("note.rename", note=note, value="Seeds")
    await until(lambda: tab.saved, "it is saved")
    home.relay.start()
    await until(lambda: folder() == "Garden", "the note is whole", 60.0)

    tab = await start_again(home, tab)
    row = opened(tab).notebook.rows[note]
    assert (row.title, row.folder) == ("Seeds", "Garden")
