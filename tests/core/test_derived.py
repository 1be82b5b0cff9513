"""What is stored of rows and texts never claims what it does not reflect: a start at any moment lists, finds and exports what the log says."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import Callable
from typing import Final

import pytest
from carryon.core.log.derived import REST_S, SEGMENT_NOTES, Marked
from carryon.core.log.documents import IDLE_MAX
from carryon.notes.note import Note
from carryon.notes.row import Row, row_of
from carryon.storage.derived import Front
from carryon.storage.memory_store import Commit, Fault, Step
from carryon.storage.store import Put

from tests.core.home import Home, at_step, holdings, mend, opened, rule
from tests.simulation.device import Device
from tests.simulation.holdings import READER
from tests.simulation.tab import Tab
from tests.simulation.virtual_loop import until

NOTES: Final = SEGMENT_NOTES + 6
CHANGED: Final = range(0, NOTES, 9)


def files(words: str, numbers: range) -> dict[str, bytes]:
    """Files to import, a note each."""
    return {f"vault/n{number:02d}.md": f"{words} {number}\n".encode() for number in numbers}


def replayed(tab: Tab) -> dict[str, tuple[Row, str]]:
    """Rows, without times, and texts of all notes, made of nothing but the log and the journal of a tab's device."""
    here = holdings(tab)
    here.read_on()
    documents = {note: Note.load(note, READER, document.state()) for note, document in here.documents.items()}
    for row in here.journal():
        documents.setdefault(row.note, Note(row.note, READER)).apply(row.update)
    return {note: (row_of(document, 0, 0, {}), document.body) for note, document in documents.items()}


def listed(tab: Tab) -> dict[str, tuple[Row, str | None]]:
    """Rows, without times, and texts as the core of a tab lists and searches them."""
    notebook = opened(tab).notebook
    return {note: (row._replace(created=0, modified=0), notebook.text(note)) for note, row in notebook.rows.items()}


async def exported(tab: Tab) -> list[str]:
    """The texts that a tab exports, sorted."""
    asked = len(tab.calls)
    tab.act("notebook.export")
    await until(lambda: any(call.name == "download" for call in tab.calls[asked:]), "exported", 20.0)
    [call] = [call for call in tab.calls[asked:] if call.name == "download"]
    data = call.args["bytes"]
    assert isinstance(data, bytes)
    archive = zipfile.ZipFile(io.BytesIO(data))
    return sorted(archive.read(name).decode() for name in archive.namelist())


async def starts_with_what_the_log_says(home: Home, tab: Tab) -> None:
    """The core of a tab dies; the next one lists, finds and exports what a replay says."""
    tab.crash()
    again = await home.tab(tab.worker.device.worker())
    await until(lambda: opened(again).notebook.texts_ready, "its texts are read", 30.0)

    said = replayed(again)
    assert listed(again) == said
    for words in ("old", "new", "typed", "elsewhere"):
        found = opened(again).notebook.listed("notes", "", "", words).ids
        assert set(found) == {note for note, (_, body) in said.items() if words in body}
    assert await exported(again) == sorted(body for _, body in said.values())


async def two_devices_with_many_notes(home: Home) -> tuple[Tab, Tab]:
    """Anna and Bert have the same notes, more than one segment of them; Bert's rows and texts are stored."""
    one = await home.begin()
    one.act("import.files", files=files("old words", range(NOTES)))
    await until(lambda: len(opened(one).notebook.rows) == NOTES + 1, "imported", 60.0)
    other = await home.join(one, "Bert")
    await asyncio.sleep(5 * REST_S)
    return one, other


async def change_everything(home: Home, one: Tab, other: Tab) -> None:
    """Bert types, creates, imports over notes of both segments, and takes in what Anna has changed, and all of it comes to rest."""
    one.act("import.files", files=files("words from elsewhere", CHANGED))
    note = other.act("note.create")
    await until(lambda: other.note == note or other.worker.process is None, "a new note is open", 10.0)
    if other.note == note:
        other.type("typed here")
    other.act("import.files", files=files("new words", range(1, NOTES, 9)))
    await asyncio.sleep(8 * REST_S)


@pytest.mark.parametrize("fault", [Fault.CRASH_BEFORE, Fault.CRASH_AFTER, Fault.FULL, Fault.LOST_AFTER])
@pytest.mark.parametrize("number", range(0, 40, 3))
@rule
async def test_a_start_after_any_write_lists_finds_and_exports_what_the_log_says(
    home: Home, number: int, fault: Fault
) -> None:
    """J3: the core dies at, or goes on after, each write of a busy moment, and is started again when all is at rest."""
    home.may_fail = True
    one, other = await two_devices_with_many_notes(home)
    at_step(other.worker.device, Commit, number, fault)

    await change_everything(home, one, other)
    mend(other.worker.device)

    await starts_with_what_the_log_says(home, other)


@pytest.mark.parametrize("seconds", [0.01, 0.1, 0.5, 1.2, 2.5, 4.0])
@rule
async def test_a_start_at_any_moment_lists_finds_and_exports_what_the_log_says(home: Home, seconds: float) -> None:
    """J3: the core is killed while it types, imports, receives and writes its rows."""
    one, other = await two_devices_with_many_notes(home)
    changing = asyncio.ensure_future(change_everything(home, one, other))
    await asyncio.sleep(seconds)
    home.network.go_offline("Bert", told=True)

    await starts_with_what_the_log_says(home, other)
    changing.cancel()


def full(device: Device, store: str) -> Callable[[], int]:
    """A device has no room for writes of a store, until `mend`; tells how many were tried."""
    tried: list[Step] = []

    def strike(_: str, step: Step) -> Fault | None:
        if isinstance(step, Commit) and any(isinstance(one, Put) and one.store == store for one in step.operations):
            tried.append(step)
            return Fault.FULL
        return None

    device.faults = strike
    return lambda: len(tried)


@pytest.mark.parametrize("store", ["rows", "texts"])
@rule
async def test_a_mark_goes_only_with_the_commit_that_wrote_it(home: Home, store: str) -> None:
    """J3: rows or texts of one segment could not be written once; those of another segment are written after."""
    _, tab = await two_devices_with_many_notes(home)
    first, *_, last = opened(tab).notebook.rows
    await home.show(tab, first)
    tried = full(tab.worker.device, store)
    tab.type("typed first")
    await asyncio.sleep(5 * REST_S)
    assert tried()
    mend(tab.worker.device)

    await home.show(tab, last)
    tab.type("typed last")
    await asyncio.sleep(5 * REST_S)

    await starts_with_what_the_log_says(home, tab)


@rule
async def test_what_changes_while_it_is_written_stays_marked(home: Home) -> None:
    """J3: the mark of a change that came between the encoding and the end of the commit is for the next write."""
    tab = await home.begin()
    stored = opened(tab).log.rows
    marked = Marked(stored, lambda notes: "".join(notes).encode())
    marked.mark([1, 2])
    encoded = marked.encode({1: ["a"], 2: ["b"]})

    marked.mark([2])
    assert await marked.write(Front(1, 2, b""), encoded)

    assert marked.encode({1: ["a"], 2: ["b"]}).segments.keys() == {2}


@rule
async def test_rows_of_documents_that_left_memory_are_written(home: Home) -> None:
    """J3: a catch-up of more notes than stay in memory marks the segment of each."""
    one, other = await two_devices_with_many_notes(home)
    home.network.go_offline("Bert", told=True)
    one.act("import.files", files=files("new words", range(NOTES)))
    await asyncio.sleep(5.0)
    await home.quiet(one)
    assert NOTES > IDLE_MAX
    home.network.go_online("Bert")
    other.look()
    await home.together(one, other)
    await asyncio.sleep(5 * REST_S)

    await starts_with_what_the_log_says(home, other)


@rule
async def test_a_text_that_changed_beneath_its_row_is_written(home: Home) -> None:
    """J3: with a clock that stands, an edit far down in a note leaves its row as it was, and the text is written all the same."""
    _, tab = await two_devices_with_many_notes(home)
    note, *_, last = opened(tab).notebook.rows
    await home.show(tab, note)
    tab.worker.device.skew_ms = -10_000_000
    tab.type("\nx" * 300)
    await asyncio.sleep(5 * REST_S)
    row = opened(tab).notebook.rows[note]
    tab.erase(len(tab.text) - 1, len(tab.text))
    tab.type("y")
    await asyncio.sleep(5 * REST_S)
    assert opened(tab).notebook.rows[note] == row

    await home.show(tab, last)
    tab.type("typed in another segment")
    await asyncio.sleep(5 * REST_S)

    await starts_with_what_the_log_says(home, tab)


@rule
async def test_texts_that_another_core_stored_otherwise_leave_no_old_one_behind(home: Home) -> None:
    """J3: it came to know the notes in another order, and wrote the texts last, this one the rows."""
    _, tab = await two_devices_with_many_notes(home)
    texts = opened(tab).log.texts
    front, segments = await texts.read_front(), await texts.read_segments()
    assert front is not None and segments is not None and len(segments) == 2
    await texts.write(front, {1: segments[1], 2: segments[0]})
    tab.crash()

    again = await home.tab(tab.worker.device.worker())
    for note in list(opened(again).notebook.rows)[-2:]:
        await home.show(again, note)
        again.type("typed in the second segment, whose old texts lie in the first")
        await asyncio.sleep(5 * REST_S)

    await starts_with_what_the_log_says(home, again)
