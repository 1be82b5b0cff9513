"""An import as a whole: what becomes of the chosen files beside one that cannot be read."""

from __future__ import annotations

import io
import zipfile

from carryon.notebook.exporting import Export
from carryon.notes.row import Row

from tests.core.home import Home, opened, rule
from tests.simulation.tab import Tab
from tests.simulation.virtual_loop import until


@rule
async def test_a_damaged_zip_ends_no_core_and_takes_no_other_file_with_it(home: Home) -> None:
    """The person is told of it, and the files that were chosen beside it are imported."""
    tab = await home.begin()

    tab.act("import.files", files={"v/One.md": b"words of one", "n.zip": _damaged(), "v/Two.md": b"words of two"})
    await until(lambda: "n.zip" in "".join(tab.regions.values()), "it is told", 60.0)

    opened(tab).notebook.refresh()
    assert {"One", "Two", "b"} <= {row.title for row in opened(tab).notebook.rows.values()}


@rule
async def test_b6_a_changed_file_of_an_edited_note_is_told_to_stand_beside_it(home: Home) -> None:
    """B6: both are here, and the report says so."""
    tab = await home.begin()
    tab.act("import.files", files={"v/One.md": b"first"})
    await until(lambda: _texts(tab) == ["first"], "it is imported", 60.0)
    [note] = [row.note for row in opened(tab).notebook.rows.values() if row.title == "One"]
    await home.show(tab, note)
    tab.type("edited: ")
    await until(lambda: _texts(tab) != ["first"], "it is edited", 60.0)

    tab.act("import.files", files={"v/One.md": b"second"})
    await until(lambda: "stands beside a note" in "".join(tab.regions.values()), "it is told", 60.0)

    assert len(_texts(tab)) == 2 and "second" in _texts(tab)


def _texts(tab: Tab) -> list[str]:
    notebook = opened(tab).notebook
    notebook.refresh()
    return sorted(notebook.text(row.note) or "" for row in notebook.rows.values() if row.title == "One")


@rule
async def test_what_an_export_says_of_a_note_is_so_on_every_device(home: Home) -> None:
    """When it was created, when its words are from, and that it is pinned."""
    export = Export()
    before = Row("0" * 26, "Plan", "", "", (), 0, 0, 0, True, False, 1_000_000_000_000, 1_200_000_000_000, "")
    export.add("Plan.md", before, "text")
    one = await home.begin()
    other = await home.join(one, "Bert")

    one.act("import.files", files={"Carryon.zip": export.finish()})
    await until(lambda: _plans(one), "it is imported", 60.0)
    await home.together(one, other)
    await until(lambda: _plans(other), "it has come", 60.0)

    for tab in (one, other):
        assert _plans(tab) == [(True, 1_000_000_000_000, 1_200_000_000_000)]


def _plans(tab: Tab) -> list[tuple[bool, int, int]]:
    notebook = opened(tab).notebook
    notebook.refresh()
    return [(row.pinned, row.created, row.modified) for row in notebook.rows.values() if row.title == "Plan"]


def _damaged() -> bytes:
    """Return a zip in whose first entry some packed bytes are others."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("v/a.md", "words " * 200)
        archive.writestr("v/b.md", "other words " * 200)
    data = bytearray(packed.getvalue())
    start = data.index(b"v/a.md") + len("v/a.md") + 12
    data[start : start + 8] = b"\xff" * 8
    return bytes(data)
