"""What a tab says is answered for itself: what is saved, what is refused, and for which note and notebook it was."""

from __future__ import annotations

import asyncio
from random import Random

import pytest
from carryon.core.notebooks import NotOpened
from carryon.core.open_notebook import OpenNotebook
from carryon.core.tabs.messages import Bind, Dropped, Saved, ToTab
from carryon.core.tabs.sessions import SHOWN_MAX
from carryon.crypto.cryptography_primitives import CryptographyPrimitives
from carryon.notebook.limits import body_bytes_max, update_bytes_max
from carryon.storage.device import DeviceStore
from carryon.storage.errors import Lost
from carryon.storage.memory_store import Fault, Read, Step

from tests.core.home import Home, fail_writes, holdings, listen, mend, opened, rule
from tests.simulation.holdings import Bodies, Holdings
from tests.simulation.port import Port
from tests.simulation.tab import Tab
from tests.simulation.virtual_loop import until

NOT_SAVED = "Words that are not saved"


def answers(tab: Tab) -> list[Saved | Dropped]:
    """What the core answers a tab from now on."""
    heard: list[Saved | Dropped] = []
    listen(tab, lambda message: heard.append(message) if isinstance(message, Saved | Dropped) else None)
    return heard


async def two_notebooks(home: Home) -> tuple[Tab, str, str]:
    """A device with a notebook of its own, in which somebody has written, and one that it has joined, which its tab shows."""
    anna = await home.begin("Anna")
    tab = await home.begin("Bert")
    own = opened(tab).notebook.id
    tab.type("its own ")
    await home.quiet(tab)
    tab.close()
    tab = await home.tab(tab.worker.device.worker(), "?join", await home.link(anna))
    tab.act("join.accept")
    joined = opened(anna).notebook.id
    await until(lambda: tab.saved and opened(tab).notebook.id == joined, "joined", 60.0)
    return tab, own, joined


async def switch(tab: Tab, notebook: str) -> None:
    """Show another notebook of the device."""
    tab.act("notebook.switch", notebook=notebook)
    await until(lambda: opened(tab).notebook.id == notebook, "it is shown")


async def next_core(tab: Tab) -> None:
    """The tab's core dies, and the next one has greeted the tab."""
    tab.regions.clear()
    tab.ready = "dead"
    tab.worker.kill()
    await until(lambda: tab.ready == "ready", "the next core greets it", 20.0)


def fail_writes_in(tab: Tab, notebook: str) -> None:
    """No room in the database of one notebook."""

    def faults(database: str, step: Step) -> Fault | None:
        return Fault.FULL if notebook in database and not isinstance(step, Read) else None

    tab.worker.device.faults = faults


@rule
async def test_what_waits_in_one_notebook_is_not_saved_by_what_is_done_in_another(home: Home) -> None:
    """J2: every message is answered for itself, and goes to the notebook in which it was made, by whichever core."""
    tab, own, joined = await two_notebooks(home)
    await switch(tab, own)
    [note] = opened(tab).notebook.rows
    await home.show(tab, note)
    own_notebook = opened(tab)
    disk = Holdings(tab.worker.device, Bodies(own_notebook.secrets.keyring(CryptographyPrimitives())))
    fail_writes_in(tab, own)
    tab.type("waiting for room ")

    await switch(tab, joined)
    await until(lambda: opened(tab).notebook.rows, "its notes have come", 30.0)
    await home.show(tab, next(iter(opened(tab).notebook.rows)))
    tab.type("here there is room ")
    await until(lambda: len(tab.kept) == 1, "what was done here is answered")
    assert tab.kept[0]["note"] == note and not disk.mentions(note, b"waiting for room")
    await next_core(tab)
    await asyncio.sleep(2.0)
    assert [edit["note"] for edit in tab.kept] == [note]

    mend(tab.worker.device)
    await until(lambda: tab.saved, "it is saved", 20.0)
    await switch(tab, own)
    await home.show(tab, note)
    assert "waiting for room" in tab.text


@rule
async def test_another_notebook_is_shown_once_it_is_open_and_not_before(home: Home) -> None:
    """While it opens, and when it cannot be opened, the tab shows the one that it has."""
    tab, own, joined = await two_notebooks(home)
    core = tab.worker.core
    assert core is not None
    before, tried = core.notebooks.open, []

    async def cannot(notebook: str) -> OpenNotebook:
        if notebook == own:
            tried.append(notebook)
            core.tabs.dirty()
            await asyncio.sleep(2)
            raise NotOpened("Notes", "it is damaged", lasting=True)
        return await before(notebook)

    core.notebooks.open = cannot  # type: ignore[method-assign]
    core.notebooks._opened.pop(own)
    tab.act("notebook.switch", notebook=own)
    await until(lambda: tab.saved and tried, "it is answered", 30.0)

    assert opened(tab).notebook.id == joined
    await until(lambda: "it is damaged" in tab.regions["toast"], "it is said why", 5.0)


@rule
async def test_an_edit_that_is_refused_stays_with_its_tab_its_words_shown(home: Home) -> None:
    """J2: neither it nor a later message is taken for it; its words can be copied; the person lets go of it."""
    tab = await home.begin()
    assert tab.replica is not None and tab.note is not None
    before = tab.text
    heard = answers(tab)

    tab.type("y" * (body_bytes_max + 1))
    refused = tab.kept[0]["seq"]
    tab.type(" typed on")
    await until(lambda: NOT_SAVED in tab.regions["toast"], "it is shown")
    await until(lambda: tab.text == before, "the editor begins anew")
    tab.type(" and saved")
    await until(lambda: Saved(refused + 2) in heard, "what is typed after it is saved")

    assert [edit["seq"] for edit in tab.kept] == [refused, refused + 1]
    assert "10.0 MB, the limit is 10 MB" in tab.regions["toast"]
    assert tab.status.startswith("Not saved")
    tab.act("unsaved.copy")
    await until(lambda: tab.calls and tab.calls[-1].name == "copy", "it can be copied")
    assert tab.calls[-1].args["text"] == "y" * (body_bytes_max + 1) + " typed on"
    await next_core(tab)
    await until(lambda: NOT_SAVED in tab.regions["toast"], "the next core shows it", 20.0)
    assert tab.text == before + " and saved" and not tab.saved
    tab.act("unsaved.discard")
    await until(lambda: tab.saved and NOT_SAVED not in tab.regions["toast"], "it is let go")
    tab.type(" again")
    await until(lambda: tab.saved, "its editor writes on")
    assert tab.text == before + " and saved again"
    assert not tab.status.startswith("Not saved")


@rule
async def test_an_action_that_is_refused_is_dropped_and_not_saved(home: Home) -> None:
    """J2: it holds nothing to be kept; the words of why are shown."""
    tab = await home.begin()
    assert tab.note is not None
    heard = answers(tab)

    tab.act("note.move", note=tab.note, value="x" * 5001)
    [sent] = tab.kept
    await until(lambda: tab.saved, "it is answered")

    assert heard == [Dropped(sent["seq"])]
    await until(lambda: "5,001 characters" in tab.regions["toast"], "it is said")


@rule
async def test_a_title_that_is_refused_stays_with_its_words(home: Home) -> None:
    """Whatever it is refused for: it is too long, or its note was never made."""
    tab = await home.begin()
    assert tab.note is not None

    tab.act("note.rename", note=tab.note, value="x" * 501)
    tab.act("note.rename", note="0" * 26, value="of no note")

    await until(lambda: "of no note" in tab.regions["toast"], "both are shown")
    assert "x" * 100 in tab.regions["toast"] and len(tab.kept) == 2
    tab.act("unsaved.discard")
    await until(lambda: tab.saved, "they are let go")


@rule
async def test_a_press_is_answered_even_where_it_makes_nothing_to_write_in(home: Home) -> None:
    """What is typed after it waits for the answer, which names the press."""
    tab, own, _ = await two_notebooks(home)
    pressed = tab.act("note.create")
    await until(lambda: tab.saved, "it is made")
    assert (tab.calls[-1].name, tab.calls[-1].args["note"]) == ("focus", pressed)

    for notebook in (own, "0" * 26):
        tab.notebook = notebook
        before = len(tab.calls)
        pressed = tab.act("note.create")
        await until(lambda more=before: len(tab.calls) > more, "it is answered")
        assert (tab.calls[-1].name, tab.calls[-1].args["note"]) == ("stay", pressed)


@rule
async def test_an_action_that_cannot_be_read_keeps_no_tab_from_being_greeted(home: Home) -> None:
    """J12: it would be said again with every hello."""
    tab = await home.begin()

    tab._send({"type": "act", "nonce": "", "name": "note.create", "args": {"value": 1}, "files": []})
    await until(lambda: tab.saved, "it is dropped")

    await next_core(tab)


@rule
async def test_a_number_of_one_note_says_nothing_of_another(home: Home) -> None:
    """J4: a key that is typed into a note while a new core starts, after another one was pressed, arrives everywhere."""
    one = await home.begin()
    other = await home.join(one, "Bert")
    notes = []
    for _ in range(2):
        note = one.act("note.create")
        await until(lambda note=note: one.note == note, "it is open")
        one.type("from Anna ")
        await home.quiet(one)
        await home.show(other, note)
        other.type("from Bert ")
        await until(lambda: "from Bert" in one.text, "it comes back", 30.0)
        notes.append(note)
    first, second = notes
    await home.show(other, first)
    await home.show(one, first)
    await home.together(one, other)
    connected = one.connected

    def greeted(port: Port) -> None:
        one.connected = connected  # type: ignore[method-assign]
        connected(port)
        one.act("note.open", note=second)
        one.type("typed in that moment ")

    one.connected = greeted  # type: ignore[method-assign]
    await next_core(one)
    await until(lambda: one.saved, "it is saved", 30.0)
    await home.show(one, first)

    await until(lambda: other.text == one.text, "both have it", 300.0)
    assert "typed in that moment" in other.text
    assert not holdings(other).entries("waiting")


@rule
async def test_no_connection_takes_a_number_of_another_one(home: Home) -> None:
    """J4: each counts from a random number, and knows its own only."""
    tab = await home.begin()
    other = await home.tab(tab.worker, tab.query)
    await until(lambda: other.note == tab.note, "both have it open")
    assert tab.replica is not None and other.replica is not None and tab.worker.core is not None
    shown = {tab.replica.shown, other.replica.shown}

    for session in tab.worker.core.tabs:
        assert sum(session.heads_shown(tab.note or "", number) is not None for number in shown) == 1
        assert not any(session.heads_shown("0" * 26, number) for number in shown)
    assert abs(tab.replica.shown - other.replica.shown) > SHOWN_MAX


@pytest.mark.parametrize("what", ["one letter over and over", "noise"])
@rule
async def test_the_longest_note_is_saved_and_read_again_and_gets_shorter(home: Home, what: str) -> None:
    """J12: all that is said to be saved is there after a restart; at its limit a note takes nothing more and gives."""
    tab = await home.begin()
    assert tab.note is not None
    tab.act("note.create")
    await until(lambda: tab.saved and tab.note and tab.text == "", "an empty note is open")
    note = tab.note
    alphabet = [chr(point) for point in range(0x4E00, 0x9000)]
    noise = "".join(Random(1).choices(alphabet, k=body_bytes_max // 3))
    tab.type(noise if what == "noise" else "x" * body_bytes_max)
    await until(lambda: tab.saved, "it is saved", 60.0)
    await home.quiet(tab)
    long = tab.text

    tab.type("漢")
    await until(lambda: NOT_SAVED in tab.regions["toast"] and tab.text == long, "no more is taken", 60.0)
    tab.act("unsaved.discard")
    tab.erase(0, 5)
    await until(lambda: tab.saved, "it gets shorter", 60.0)
    await home.quiet(tab)
    tab.crash()

    again = await home.tab(tab.worker.device.worker(), f"?note={note}")
    await until(lambda: again.note == note, "it is open", 60.0)
    assert again.text == long[5:]


@rule
async def test_an_edit_too_long_for_a_change_is_refused_whatever_it_does(home: Home) -> None:
    """J12: with its number and the way out, before anything is written."""
    tab = await home.begin()
    await home.quiet(tab)
    before = tab.text
    heard: list[ToTab] = []
    listen(tab, heard.append)

    tab._splice(0, 0, "z" * (update_bytes_max + 1))
    await until(lambda: "this edit alone has 12.6 MB, the limit is 12.6 MB" in tab.regions["toast"], "it is said", 30.0)
    await until(lambda: tab.text == before, "the editor begins anew")

    assert [message.anew for message in heard if isinstance(message, Bind)] == [True]
    assert not holdings(tab).entries("journal")


@rule
async def test_words_refused_on_a_full_disk_harm_nothing_that_waits(home: Home) -> None:
    """J2: the document is loaded again with what waits to be written; the editor that begins anew has it."""
    tab = await home.begin()
    fail_writes(tab.worker.device)
    tab.type("waits; ")
    await until(lambda: tab.status.startswith("Not saved"), "the write fails")
    waiting = tab.text

    tab.type("w" * (body_bytes_max + 1))
    tab.type(" lost with it")
    await until(lambda: tab.text == waiting, "the editor begins anew", 30.0)
    tab.type("waits too")
    mend(tab.worker.device)

    await until(lambda: len(tab.kept) == 2, "what waited is saved", 20.0)
    again = await home.tab(tab.worker, tab.query)
    await until(lambda: again.note and again.text == waiting + "waits too", "another tab shows it", 20.0)


@rule
async def test_a_notebook_that_was_not_quite_opened_holds_no_author(home: Home) -> None:
    """J11: what was saved as that author waits for no core to end: whoever opens next goes on as it."""
    tab, own, _ = await two_notebooks(home)
    device = tab.worker.device
    tab.crash()
    setting, failed = DeviceStore.setting, []

    async def fails_once(self: DeviceStore, name: str) -> bytes | None:
        if name == f"relay/{own}" and not failed:
            failed.append(name)
            raise Lost("memory")
        return await setting(self, name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DeviceStore, "setting", fails_once)
        again = await home.tab(device.worker())
        await until(lambda: failed, "it does not open", 30.0)
        await asyncio.sleep(1)
        await switch(again, own)

    authors = [name for name in device.local.held if name.startswith("author-")]
    assert len(authors) == 2
