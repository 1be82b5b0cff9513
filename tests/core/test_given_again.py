"""What a page gives again because nobody has told it that it is saved: done once, said to be saved when it is, and refused never."""

from __future__ import annotations

import asyncio

import pytest
from carryon.core.tabs.messages import Released, Saved, ToTab

from tests.core.home import Home, fail_writes, holdings, listen, mend, opened, rule
from tests.simulation.tab import Tab
from tests.simulation.virtual_loop import until

A_WHILE_S = 3.0


async def made_on_a_full_disk(home: Home) -> tuple[Tab, str]:
    """A tab has made a note, named it and put it into a folder, and nothing of it is durable; another tab keeps the core alive."""
    tab = await home.begin()
    await home.quiet(tab)
    await home.tab(tab.worker)
    fail_writes(tab.worker.device)
    note = tab.act("note.create")
    await until(lambda: tab.note == note, "it is shown to its tab")
    tab.act("note.rename", note=note, value="A title")
    tab.act("note.move", note=note, value="A folder")
    await asyncio.sleep(A_WHILE_S)
    return tab, note


async def come_back(tab: Tab) -> None:
    """The same page greets the same core by another port: it was frozen, or its port was let go of."""
    tab._say({"type": "bye"})
    tab.take(Released())
    await until(lambda: tab.ready == "ready", "it is greeted")


async def load_again(tab: Tab) -> None:
    """The page is loaded again, under another name."""
    tab.reload()
    await until(lambda: tab.ready == "ready", "it is greeted")


@pytest.mark.parametrize("again", [come_back, load_again])
@rule
async def test_nothing_is_said_to_be_saved_or_refused_before_it_is_durable(home: Home, again: object) -> None:
    """All three are kept by the page until there is room, and then saved."""
    tab, note = await made_on_a_full_disk(home)

    await again(tab)  # type: ignore[operator]
    await asyncio.sleep(A_WHILE_S)
    assert not holdings(tab).entries("journal")
    assert [one["name"] for one in tab.kept] == ["note.create", "note.rename", "note.move"]
    assert "Not saved:" not in tab.regions["toast"]

    mend(tab.worker.device)
    await until(lambda: tab.saved, "all is saved", 30.0)
    row = opened(tab).notebook.rows[note]
    assert (row.title, row.folder) == ("A title", "A folder")
    await until(lambda: not tab.status.startswith("Not saved"), "it says so")


@pytest.mark.parametrize("again", [come_back, load_again])
@rule
async def test_what_was_given_again_outlives_the_core(home: Home, again: object) -> None:
    """The core dies before there is room: the page has all that was in its memory only, with what was typed since."""
    tab, note = await made_on_a_full_disk(home)
    tab.type("words in a new note")
    await again(tab)  # type: ignore[operator]
    await asyncio.sleep(A_WHILE_S)

    tab.ready = "dead"
    tab.worker.kill()
    mend(tab.worker.device)

    await until(lambda: tab.ready == "ready" and tab.saved, "the next core has all of it", 60.0)
    await until(lambda: opened(tab).notebook.rows[note].title == "A title", "it has its title")
    assert opened(tab).notebook.rows[note].folder == "A folder"
    await until(lambda: tab.text == "words in a new note", "and its words")


@rule
async def test_a_new_note_is_trashed_pinned_and_restored_again_before_it_is_shown(home: Home) -> None:
    """Whatever its page gives again before there is room, the core lives, and does it."""
    tab, note = await made_on_a_full_disk(home)
    for act in ("note.pin", "note.trash", "note.restore", "note.trash"):
        tab.act(act, note=note, pinned="true")
    await asyncio.sleep(A_WHILE_S)
    core = tab.worker.core

    await load_again(tab)
    await asyncio.sleep(A_WHILE_S)
    assert tab.worker.core is core
    mend(tab.worker.device)

    await until(lambda: tab.saved, "all is saved", 30.0)
    row = opened(tab).notebook.rows[note]
    assert row.pinned and row.trashed


@pytest.mark.parametrize("act", ["note.rename", "note.move"])
@rule
async def test_what_was_done_since_is_not_taken_back(home: Home, act: str) -> None:
    """A window dies between the commit and its word of it; another one changes the same since; the browser restores the first."""
    one = await home.begin()
    await home.quiet(one)
    note = one.note
    assert note is not None
    other = await home.tab(one.worker.device.worker(), one.query)
    await until(lambda: other.note == note, "both have it open")
    died: list[bool] = []

    def die(message: ToTab) -> None:
        if isinstance(message, Saved) and not died:
            died.append(True)
            assert one._port is not None
            one._port.hang_up()
            one.crash()

    def value() -> str:
        row = opened(other).notebook.rows[note]
        return row.title if act == "note.rename" else row.folder

    listen(one, die)
    one.act(act, note=note, value="Alpha")
    await until(lambda: bool(died) and value() == "Alpha", "it was done, and the window does not know", 20.0)
    other.act(act, note=note, value="Beta")
    await until(lambda: other.saved and value() == "Beta", "another value is saved")

    one.open()
    await until(lambda: one.ready == "ready" and one.saved, "the first window is back, and has its answer", 20.0)
    await home.quiet(other)
    await asyncio.sleep(A_WHILE_S)

    assert value() == "Beta"
    assert opened(one).notebook.rows[note] == opened(other).notebook.rows[note]


@rule
async def test_what_another_tab_of_the_core_did_since_is_not_taken_back_before_it_is_durable(home: Home) -> None:
    """Both titles wait for room when the page of the first one is loaded again."""
    tab = await home.begin()
    await home.quiet(tab)
    note = tab.note
    assert note is not None
    other = await home.tab(tab.worker, tab.query)
    await until(lambda: other.note == note, "both have it open")
    fail_writes(tab.worker.device)
    tab.act("note.rename", note=note, value="Alpha")
    await asyncio.sleep(A_WHILE_S)
    other.act("note.rename", note=note, value="Beta")
    await asyncio.sleep(A_WHILE_S)

    await load_again(tab)
    await asyncio.sleep(A_WHILE_S)
    mend(tab.worker.device)

    await until(lambda: tab.saved and other.saved, "both are saved", 30.0)
    await until(lambda: opened(tab).notebook.rows[note].title == "Beta", "the later title stands")
