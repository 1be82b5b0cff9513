"""After peace every device starts again, and exports what a replay of its log says, note for note.

1. Everything that runs ends at once, without a last word; each device starts with one tab.
2. The export of each of its notebooks has the notes that its log makes when it is replayed from the first change: their
   folders, titles and bodies, byte for byte. What is in the trash stays out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import partial
from typing import Final

from carryon.core.tabs.messages import Call
from carryon.notebook.importing import NoteFile, read_file
from carryon.notes.note import Note
from carryon.notes.row import row_of
from carryon.storage.quarantine import Kind
from carryon_sync.formats.ids import text_of

from tests.simulation.holdings import Holdings
from tests.simulation.statuses import notebook_of
from tests.simulation.tab import Tab
from tests.simulation.virtual_loop import until
from tests.simulation.witness import Witness
from tests.simulation.world import World

START_S: Final = 120.0

Exported = Counter[tuple[str, str, str]]
"""How many notes there are of a folder, a title and a body."""


async def start_again(world: World) -> None:
    """End everything, start every device anew, and hold its exports against its logs."""
    world.started_again = True
    for device in world.members:
        world.end(device)
    tabs = [world.open_tab(device.worker()) for device in world.members]
    for tab in tabs:
        await until(partial(_is_ready, tab), "a device starts again", START_S)
        for notebook, witness in world.watch.witnesses.items():
            if world.opened(tab.worker.device, notebook):
                await until(
                    partial(_is_whole, world, witness, tab), "the log is read through, and whole again", START_S
                )
                await _compare(world, tab, notebook)


def _is_whole(world: World, witness: Witness, tab: Tab) -> bool:
    """Whether a device has again what has rotted there, where the relay has it, and shows it."""
    device = tab.worker.device
    holdings, notebook = witness.holdings[device.name], text_of(witness.notebook)
    rotten = (holdings.entered - holdings.ids) & world.relay.ids(witness.notebook)
    items = [item for opened in world.opened(device, notebook) for item in opened.attention.items]
    return not rotten and not any(item.kind in (Kind.DAMAGED, Kind.UNREAD) for item in items)


async def _compare(world: World, tab: Tab, notebook: str) -> None:
    if notebook_of(tab) != notebook:
        tab.act("notebook.switch", notebook=notebook)
        await until(lambda: tab.saved and notebook_of(tab) == notebook, "another notebook is shown", START_S)
    exported = await _export(tab)
    replayed = _replayed(world.watch.witnesses[notebook].holdings[tab.worker.device.name])
    assert exported == replayed, f"{tab.worker.device.name} exports {_difference(exported, replayed)}"


async def _export(tab: Tab) -> Exported:
    """What a person gets who exports the notebook that a tab shows."""
    calls = len(tab.calls)
    tab.act("notebook.export")
    await until(lambda: _download(tab, calls), "the notebook is exported", START_S)
    call = _download(tab, calls)
    assert call is not None, "it was there a moment ago"
    data = call.args["bytes"]
    assert isinstance(data, bytes), "a download is bytes"
    notes = list(read_file("export.zip", data))
    assert all(isinstance(note, NoteFile) for note in notes), f"an export cannot be imported again: {notes}"
    return Counter((note.folder, note.title, note.body) for note in notes if isinstance(note, NoteFile))


def _is_ready(tab: Tab) -> bool:
    return tab.ready == "ready"


def _download(tab: Tab, after: int) -> Call | None:
    return next((call for call in tab.calls[after:] if call.name == "download"), None)


def _replayed(holdings: Holdings) -> Exported:
    holdings.read_on()
    rows = {note: row_of(document, 0, 0, holdings.heads[note]) for note, document in holdings.documents.items()}
    documents: Mapping[str, Note] = holdings.documents
    return Counter((row.folder, row.title, documents[note].body) for note, row in rows.items() if not row.trashed)


def _difference(exported: Exported, replayed: Exported) -> str:
    beyond, lacking = exported - replayed, replayed - exported
    first = [f"{folder}/{title}: {body[:80]!r}" for folder, title, body in (*beyond, *lacking)][:2]
    return f"{beyond.total()} notes that its log does not say, and lacks {lacking.total()}: {first}"
