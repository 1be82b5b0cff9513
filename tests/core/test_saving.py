"""What a person types is said to be saved when it is, and what was not said to be saved is not lost either."""

from __future__ import annotations

import asyncio
from random import Random

from carryon.core.log.derived import REST_S, SEGMENT_NOTES
from carryon.core.log.documents import IDLE_MAX
from carryon.core.tabs.messages import Call, Regions, Released, Saved, ToTab, Update
from carryon.core.tabs.sessions import MESSAGES_MAX
from carryon.storage.memory_store import Fault, Step

from tests.core.home import Home, adds_to, fail_writes, holdings, listen, mend, opened, rule
from tests.simulation.holdings import contains
from tests.simulation.tab import Tab
from tests.simulation.virtual_loop import until


@rule
async def test_saved_is_said_after_the_commit_only(home: Home) -> None:
    """A5: in the moment in which a tab is told of it, the edit is in the journal or in the log."""
    tab = await home.begin()
    kept: list[bool] = []
    here = holdings(tab)

    def watch(message: ToTab) -> None:
        if isinstance(message, Saved):
            told = [edit for edit in tab.kept if edit["seq"] == message.seq]
            kept.extend(here.holds(edit["note"], edit["update"]) for edit in told)

    listen(tab, watch)
    for letter in "saved":
        tab.type(letter)
    await until(lambda: tab.saved, "it is saved")

    assert kept and all(kept)


@rule
async def test_a_failing_write_is_said_within_a_second_and_tried_again(home: Home) -> None:
    """A5, E1: a full disk says Not saved; the edit stays in memory, and is saved when there is room."""
    tab = await home.begin()
    fail_writes(tab.worker.device)
    begun = asyncio.get_running_loop().time()

    tab.type("kept in memory")
    await until(lambda: tab.status.startswith("Not saved"), "it is said", 1.0)

    assert asyncio.get_running_loop().time() - begun <= 1.0
    assert not tab.saved
    mend(tab.worker.device)
    await until(lambda: tab.saved and not tab.status.startswith("Not saved"), "it is saved", 10.0)
    assert tab.note is not None
    assert b"kept in memory" in b"".join(row.update for row in holdings(tab).journal())


@rule
async def test_what_waits_longer_than_a_core_can_queue_is_saved_when_there_is_room(home: Home) -> None:
    """A5, E1: a tab that says more at once than a core can queue, with a full disk, loses the port, not the words; another one brings them."""
    tab = await home.begin()
    fail_writes(tab.worker.device)
    released: list[ToTab] = []
    listen(tab, lambda message: released.append(message) if isinstance(message, Released) else None)

    for _ in range(2 * MESSAGES_MAX):
        tab.type("x")
    await until(lambda: released, "the port is let go", 10.0)
    tab.type("the end")
    mend(tab.worker.device)

    await until(lambda: tab.saved, "all is saved", 60.0)
    again = await home.tab(tab.worker, tab.query)
    await until(lambda: again.text == tab.text, "another tab has it all")
    assert "the end" in again.text


def named(tab: Tab, note: str) -> tuple[str, str]:
    """How a tab's core lists a note: its title and folder."""
    row = opened(tab).notebook.rows[note]
    return row.title, row.folder


@rule
async def test_what_waits_to_be_saved_keeps_its_document_in_memory(home: Home) -> None:
    """J6: with a full disk, more notes are written in than stay in memory idle; each reaches the other device as it was pressed."""
    one = await home.begin()
    first, *others = [one.act("note.create") for _ in range(IDLE_MAX + 3)]
    await home.quiet(one)
    other = await home.join(one, "Bert")
    fail_writes(one.worker.device)

    one.act("note.rename", note=first, value="A title")
    for note in others:
        one.act("note.pin", note=note, pinned="true")
    one.act("note.move", note=first, value="Folder")
    await asyncio.sleep(5.0)
    mend(one.worker.device)
    await until(lambda: one.saved, "all is saved", 60.0)
    await home.together(one, other)

    for tab in (one, other):
        await until(lambda tab=tab: named(tab, first) == ("A title", "Folder"), "it is listed so", 5.0)  # type: ignore[misc]


@rule
async def test_a_document_that_was_torn_is_loaded_again_with_what_waits_to_be_saved(home: Home) -> None:
    """J6: no number of this core's client is given twice, whatever has the document loaded anew."""
    one = await home.begin()
    other = await home.join(one, "Bert")
    note = one.note
    assert note is not None
    fail_writes(one.worker.device)
    one.act("note.rename", note=note, value="A title")
    await until(lambda: one.status.startswith("Not saved"), "it waits")

    opened(one).documents.forget(note)
    one.act("note.move", note=note, value="Folder")
    await asyncio.sleep(1.0)
    mend(one.worker.device)
    await until(lambda: one.saved, "all is saved", 60.0)
    await home.together(one, other)

    await until(lambda: named(other, note) == ("A title", "Folder"), "it is listed so", 5.0)


@rule
async def test_another_tab_is_shown_an_edit_after_the_commit_only(home: Home) -> None:
    """DATA 2, rule 2: an answer on top of an edit that dies with its tab would be lost."""
    one = await home.begin()
    other = await home.tab(one.worker, one.query)
    await until(lambda: other.note == one.note, "both have it open")
    fail_writes(one.worker.device)

    one.type("not yet durable")
    await until(lambda: one.status.startswith("Not saved"), "the write fails")

    assert "not yet durable" not in other.text
    mend(one.worker.device)
    await until(lambda: "not yet durable" in other.text, "the other tab is shown it", 10.0)


@rule
async def test_two_tabs_come_together_and_every_edit_is_journalled_once(home: Home) -> None:
    """C12: no echo; as many updates reach the disk as people made edits."""
    one = await home.begin()
    other = await home.tab(one.worker, one.query)
    await until(lambda: other.note == one.note, "both have it open")
    rows = 0

    def count(_: str, step: Step) -> Fault | None:
        nonlocal rows
        rows += adds_to(step, "journal")
        return None

    one.worker.device.faults = count
    for letter in "from both of them":
        one.type(letter)
        other.type(letter.upper(), 0)
        await asyncio.sleep(0.003)
    await until(lambda: one.saved and other.saved and one.text == other.text, "both have the same")
    await asyncio.sleep(5.0)

    assert rows == 2 * len("from both of them")
    assert one.updates == other.updates == len("from both of them")


@rule
async def test_two_cores_come_together_and_every_edit_is_journalled_once(home: Home) -> None:
    """C12, D1: two cores of one device (no SharedWorker) on one note."""
    one = await home.begin()
    other = await home.tab(one.worker.device.worker(), one.query)
    await until(lambda: other.note == one.note, "both have it open")
    journalled = 0

    def count(_: str, step: Step) -> Fault | None:
        nonlocal journalled
        journalled += adds_to(step, "journal")
        return None

    one.worker.device.faults = count
    for letter in "both":
        one.type(letter)
        other.type(letter.upper(), 0)
        await asyncio.sleep(0.5)
    await until(lambda: one.saved and other.saved and one.text == other.text, "both have the same")

    assert journalled == 2 * len("both")


@rule
async def test_a_restarted_core_is_given_what_was_not_saved(home: Home) -> None:
    """A4, D4: the core is killed right after a key; the tab has it, and gives it to the next core."""
    tab = await home.begin()
    tab.type("typed and ")
    tab.worker.kill()
    tab.type("typed while no core lived")

    await until(lambda: tab.ready == "ready" and tab.saved, "the next core has it")

    assert tab.worker.starts == 2
    assert tab.note is not None
    document = opened(tab).notebook.note(tab.note)
    assert document is not None
    assert document.body == tab.text
    assert tab.text.endswith("typed and typed while no core lived")


@rule
async def test_what_is_typed_and_pressed_before_the_core_is_ready_is_kept(home: Home) -> None:
    """A8: New note works at once."""
    tab = Tab(home.device("Anna").worker(), Random("early")).open()
    note = tab.act("note.create")

    await until(lambda: tab.ready == "ready" and tab.note == note and tab.saved, "the note is there")

    assert holdings(tab).mentions(note, b"title") is True


@rule
async def test_a_tab_is_called_after_it_was_shown_what_the_call_is_about(home: Home) -> None:
    """A8: the title of a note that was asked for before the core was ready gets the focus, and the keys kept for it."""
    tab = Tab(home.device("Anna").worker(), Random("early"))
    heard: list[ToTab] = []
    take = tab.take

    def both(message: ToTab) -> None:
        heard.append(message)
        take(message)

    tab.take = both  # type: ignore[method-assign]
    tab.open()
    note = tab.act("note.create")
    await until(lambda: tab.note == note, "the note is open")

    [at] = [at for at, message in enumerate(heard) if isinstance(message, Call)]
    regions = [message.regions for message in heard[:at] if isinstance(message, Regions)]
    assert any(f"title-{note}" in shown.get("note", "") for shown in regions)


@rule
async def test_a_reloaded_tab_gives_what_was_not_saved_to_the_core(home: Home) -> None:
    """A4: the session storage of the tab carries it over."""
    tab = await home.begin()
    fail_writes(tab.worker.device)
    tab.type("before the reload")
    tab.reload()
    await until(lambda: tab.ready == "ready", "it is loaded again")

    mend(tab.worker.device)
    await until(lambda: tab.saved, "it is saved", 10.0)

    await until(lambda: tab.note and tab.text.endswith("before the reload"), "it is shown")


@rule
async def test_a_reloaded_tab_gets_its_own_last_edit_back(home: Home) -> None:
    """A4: what it typed before and after it pressed something, a deletion too, is in the editor that it is given."""
    tab = await home.begin()
    assert tab.note is not None
    fail_writes(tab.worker.device)
    tab.type("kept")
    tab.act("note.pin", note=tab.note)
    tab.erase(0, 6)
    before = tab.text
    tab.reload()
    mend(tab.worker.device)

    await until(lambda: tab.ready == "ready" and tab.saved and tab.note, "it is loaded again", 30.0)

    assert tab.text == before


@rule
async def test_sending_an_edit_and_an_act_twice_does_once(home: Home) -> None:
    """Rule 3 of the messages: what a tab does not know to be saved it says again."""
    tab = await home.begin()
    tab.type("once")
    [edit] = tab.kept
    tab.act("note.create")
    created = tab.kept[-1]
    await until(lambda: tab.saved, "both are saved")
    rows = dict(opened(tab).notebook.rows)

    for message in (edit, created):
        tab._send({name: value for name, value in message.items() if name != "seq"})
    await until(lambda: tab.saved, "both are saved again")

    assert opened(tab).notebook.rows.keys() == rows.keys()
    document = opened(tab).notebook.note(edit["note"])
    assert document is not None
    assert document.body.count("once") == 1
    assert contains(document, edit["update"])


@rule
async def test_a_clock_that_jumps_changes_neither_order_nor_survival(home: Home) -> None:
    """A1: ten years ahead, ten years back."""
    tab = await home.begin()
    other = await home.join(tab, "Bert")
    note = next(iter(opened(tab).notebook.rows))
    await home.show(other, note)
    await home.show(tab, note)
    before = tab.text
    for years in (10, -10, 0):
        tab.worker.device.skew_ms = years * 365 * 86_400_000
        tab.type(f" {years}")
        await until(lambda: tab.saved, "it is saved")
    await home.together(tab, other)

    await until(lambda: other.text == tab.text, "both show the same")

    assert tab.text == f"{before} 10 -10 0"


@rule
async def test_updates_go_to_the_tabs_that_have_the_note_open(home: Home) -> None:
    """A tab that shows another note is not told of every key."""
    one = await home.begin()
    other = await home.tab(one.worker, one.query)
    other.act("note.create")
    await until(lambda: other.saved and other.note not in (None, one.note), "it has another note open")
    heard: list[ToTab] = []
    listen(other, heard.append)

    one.type("not for the other")
    await until(lambda: one.saved, "it is saved")

    assert not any(isinstance(message, Update) for message in heard)


@rule
async def test_a_new_note_that_nobody_touches_is_in_the_list_of_the_next_start(home: Home) -> None:
    """B1: the rows are written before the note is in the log, and once more when it is, whatever else changes after."""
    tab = await home.begin()
    first = tab.note
    assert first is not None
    notes = [tab.act("note.create") for _ in range(SEGMENT_NOTES)]
    await home.quiet(tab)
    await asyncio.sleep(2 * REST_S)
    await home.show(tab, first)
    tab.type("in another segment")
    await asyncio.sleep(5 * REST_S)

    tab.crash()

    rows = opened(await home.tab(tab.worker.device.worker())).notebook.rows
    assert rows.keys() == {first, *notes}
