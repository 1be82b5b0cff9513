"""A notebook, devices and tabs to look at: real notes through real commands, so that the views meet what they will meet."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from carryon.notebook.commands import CreateNote, PinNote, TrashNote
from carryon.notebook.notebook import Notebook
from carryon.views.device import (
    Device,
    ImportReport,
    Invite,
    Joining,
    Member,
    NotSaved,
    Progress,
    Relay,
    Status,
    Toast,
    Trouble,
)
from carryon.views.tab import Tab
from hypothesis import settings

unhurried: Final = settings(deadline=None)
"""Two cores are shared: how long an example takes says nothing."""
NOTEBOOK: Final = "0" * 26
OTHER_NOTEBOOK: Final = "1" * 26
NOW: Final = 1_732_300_000_000
MINUTE: Final = 60_000
PACKING, MUSEUM, PLAN, EMPTY, OLD = (f"{letter:0>26}" for letter in "ABCDE")
NONCE: Final = "7" + "Z" * 25
UNKNOWN: Final = "6" + "X" * 25

DEVICE: Final = Device(
    now=NOW,
    release="0.1.0",
    status=Status("saved"),
    name="Laptop",
    notebooks=((NOTEBOOK, "Notebook"),),
    devices=(Member("Laptop", "owner", this=True),),
    note_status="Saved on this device",
    persisted=False,
)
TAB: Final = Tab(NOTEBOOK)


def sample_notebook() -> Notebook:
    """Return a notebook of five notes: one pinned, one without a title, one in the trash."""
    notebook = Notebook(NOTEBOOK, 1, "Notebook", "ab")
    notes = (
        CreateNote(PACKING, "Packing", "- [x] passport\n- [ ] book\n\nSee [[Museum]].", "Travel/Lisbon"),
        CreateNote(MUSEUM, "Museum", "Open on Sunday? #travel", "Travel"),
        CreateNote(PLAN, "Plan", "# Plan\n\nWrite, then *rest*. #work", ""),
        CreateNote(EMPTY, "", "", ""),
        CreateNote(OLD, "Old", "No longer wanted.", ""),
    )
    for age, command in enumerate(notes):
        notebook.act(command, NOW - age * MINUTE)
    notebook.act(PinNote(PLAN, True), NOW - 2 * MINUTE)
    notebook.act(TrashNote(OLD), NOW)
    notebook.refresh()
    return notebook


def many_notes(count: int) -> Notebook:
    """Return a notebook of many small notes, the newest first by number."""
    notebook = Notebook(NOTEBOOK, 1, "Notebook", "ab")
    for number in range(count):
        notebook.act(CreateNote(f"{number:026}", f"Note {number}", "Some words.", ""), NOW - number * MINUTE)
    notebook.refresh()
    return notebook


INVITE: Final = Invite("https://notes.example.org/?join#" + "AbCd_-19" * 16, "Works once, until tomorrow.")
JOINING: Final = Joining("Family", "read, write and invite others", "https://notes.example.org")
REPORT: Final = ImportReport(223, 1, 0, (("Old/latin1.md", "is not UTF-8"),), (("map.png", "attachments come later"),))

TROUBLES = (
    Trouble("1 change of it is damaged.", PACKING, "Packing", "damaged:00", can_ask=True),
    Trouble("2 changes wait for others."),
)
SCENES: Final[Mapping[str, tuple[Tab, Device]]] = {
    "list": (TAB, DEVICE),
    "note": (replace(TAB, note=PACKING), replace(DEVICE, status=Status("relay", words="1 change waits"))),
    "preview": (replace(TAB, note=PACKING, preview=True), replace(DEVICE, status=Status("seen", ("Phone", "Desk")))),
    "missing note": (replace(TAB, note=UNKNOWN), DEVICE),
    "folder": (
        replace(TAB, folder="Travel"),
        replace(DEVICE, notebooks=((NOTEBOOK, "Mine"), (OTHER_NOTEBOOK, "Family"))),
    ),
    "tag": (replace(TAB, tag="work"), DEVICE),
    "search": (replace(TAB, query="sun"), DEVICE),
    "nothing found": (replace(TAB, query="xyzzy"), DEVICE),
    "nothing found in a folder": (replace(TAB, folder="Travel", query="rest"), DEVICE),
    "nothing found in a tag": (replace(TAB, tag="work", query="xyzzy"), DEVICE),
    "fetching": (replace(TAB, folder="Elsewhere"), replace(DEVICE, fetching=Progress(1_200, 5_000))),
    "not yet fetching": (TAB, replace(DEVICE, fetching=Progress(0, 0))),
    "browse": (replace(TAB, dialog="browse"), DEVICE),
    "trash": (replace(TAB, place="trash"), DEVICE),
    "trashed note": (replace(TAB, place="trash", note=OLD), DEVICE),
    "settings": (replace(TAB, place="settings"), DEVICE),
    "settings connected": (
        replace(TAB, place="settings"),
        replace(DEVICE, relay=Relay("https://notes.example.org", True, "Connected"), persisted=True, invite=INVITE),
    ),
    "settings copied": (replace(TAB, place="settings", copied=True), replace(DEVICE, invite=INVITE, persisted=None)),
    "settings with troubles": (replace(TAB, place="settings"), replace(DEVICE, troubles=TROUBLES)),
    "note not whole": (replace(TAB, note=PACKING), replace(DEVICE, note_trouble="1 change cannot be read.")),
    "join": (replace(TAB, place="join"), replace(DEVICE, joining=JOINING)),
    "joining": (replace(TAB, place="join"), replace(DEVICE, joining=replace(JOINING, busy=True, words="Fetching"))),
    "join refused": (replace(TAB, place="join"), replace(DEVICE, joining=replace(JOINING, problem="It has expired."))),
    "join without a link": (replace(TAB, place="join"), DEVICE),
    "import": (replace(TAB, dialog="import"), DEVICE),
    "importing": (TAB, replace(DEVICE, importing=Progress(120, 225, "Reading notes"))),
    "import of unknown length": (TAB, replace(DEVICE, importing=Progress(3, 0))),
    "report": (TAB, replace(DEVICE, report=REPORT)),
    "exporting": (TAB, replace(DEVICE, exporting=Progress(1, 5))),
    "toast": (TAB, replace(DEVICE, toast=Toast("Moved “Old” to the trash", restore=OLD))),
    "problem": (TAB, replace(DEVICE, status=Status("unsaved"), problems=("No room left.",), update_waiting=True)),
    "not saved": (
        replace(TAB, note=PLAN),
        replace(
            DEVICE,
            status=Status("unsaved"),
            not_saved=NotSaved(("the note would be too long",), "Pasted words. " * 100),
        ),
    ),
    "not saved and unreadable": (TAB, replace(DEVICE, not_saved=NotSaved(("its note is not in this notebook",), ""))),
    "read only": (replace(TAB, note=PACKING), replace(DEVICE, core="read-only", words="A newer version wrote here.")),
}
"""Everything that the page can look like, by name."""
