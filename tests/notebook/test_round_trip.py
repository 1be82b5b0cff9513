"""H7: what is imported and exported again is what it was, byte for byte."""

import io
import zipfile

import pytest
from carryon.notebook.commands import CreateNote, PinNote, ReplaceBody, TrashNote
from carryon.notebook.exporting import Export, file_name, name_bytes_max, not_readable, paths_of, report_name
from carryon.notebook.importing import LeftOut, NoteFile, Tally, archive_comment, read_file
from carryon.notebook.limits import body_bytes_max
from carryon.notebook.notebook import Notebook
from carryon.notes.row import Row
from hypothesis import example, given
from hypothesis import strategies as st

from tests.notebook.files import brought_in, import_files, vault
from tests.notebook.world import a_notebook, id_of

PARTS = st.text(alphabet='aB é日.:?*"<>|\\_-()😀#', min_size=1, max_size=6) | st.sampled_from(
    [
        "CON",
        "nul",
        "lpt1",
        "x.md",
        "..",
        ".hidden",
        "end.",
        " space ",
        "a" * 300,
        "é" * 150,
        "Untitled",
        "A",
        "a",
        "T (2)",
    ]
)
TITLES = PARTS | st.just("") | st.text(alphabet="a/b", max_size=4)
FOLDERS = st.lists(PARTS.filter(str.strip), max_size=3).map("/".join)
BODIES = st.text(max_size=30) | st.text(alphabet="\ufeff\r\n-# ab\0😀", max_size=20)
NOTES = st.lists(st.tuples(FOLDERS, TITLES, BODIES), max_size=8)


def test_h7_the_sample_vault_comes_out_as_it_went_in() -> None:
    """H7: the same paths with the same bytes; what is no Markdown was left out by name."""
    files = vault()

    notebook = a_notebook()
    tally = import_files(notebook, {f"vault/{path}": data for path, data in files.items()})
    exported = _unzipped(_exported(notebook))

    notes = {path: data for path, data in files.items() if path.endswith(".md")}
    assert tally == Tally(created=225)
    assert exported == notes


def test_h7_the_sample_vault_comes_back_into_an_empty_notebook() -> None:
    """H7: titles, folders and bytes; and a second round gives the same zip."""
    notebook, again = a_notebook(), a_notebook()
    import_files(notebook, {f"vault/{path}": data for path, data in vault().items()})
    exported = _exported(notebook)

    import_files(again, {"notebook.zip": exported})

    assert _notes(again) == _notes(notebook)
    assert _unzipped(_exported(again)) == _unzipped(exported)


@given(NOTES)
@example([("", " .hidden", ""), ("", "", ""), (" .b", ":", "")])
def test_h7_any_notebook_comes_back_as_it_was(notes: list[tuple[str, str, str]]) -> None:
    """H7: whatever titles and folders hold: forbidden signs, equal names, nothing at all."""
    notebook, again = a_notebook(), a_notebook()
    for number, (folder, title, body) in enumerate(notes):
        notebook.act(CreateNote(id_of(number), title, body, folder), now=number)

    import_files(again, {"notebook.zip": _exported(notebook)})

    assert _notes(again) == _notes(notebook)


@given(NOTES)
def test_every_exported_path_is_safe_on_every_system(notes: list[tuple[str, str, str]]) -> None:
    """No sign or name that a system forbids, nothing hidden, no two that differ in case only, no folder named like a note."""
    rows = [_row(number, folder, title) for number, (folder, title, _) in enumerate(notes)]

    paths = list(paths_of(rows).values())

    assert len({path.casefold() for path in paths}) == len(rows)
    folders = {"/".join(path.split("/")[:depth]) for path in paths for depth in range(1, path.count("/") + 1)}
    assert not {folder.casefold() for folder in folders} & {path.casefold() for path in paths}
    for part in {part for path in paths for part in path.split("/")}:
        assert not set(part) & set('<>:"/\\|?*\0')
        assert part.strip(" ") == part
        assert not part.startswith(".")
        assert not part.endswith(".")
        assert part.split(".")[0].casefold() not in ("con", "prn", "aux", "nul", "lpt1")
        assert len(part.encode()) <= name_bytes_max + 10


def test_an_export_does_not_depend_on_the_order_of_the_rows() -> None:
    """The same notes give the same paths, so that a second export differs only where notes do."""
    rows = [_row(number, "", "Same") for number in range(3)]

    assert paths_of(rows) == paths_of(reversed(rows))
    assert list(paths_of(rows).values()) == ["Same.md", "Same (2).md", "Same (3).md"]


def test_h7_what_was_pinned_and_when_it_was_created_come_back() -> None:
    """H7: a note is as old as it was, and its words too; a note that says it is younger than its words is not."""
    notebook, again = a_notebook(), a_notebook()
    notebook.act(CreateNote(id_of(1), "Plan", "text"), 1_000_000_000_000)
    notebook.act(PinNote(id_of(1), pinned=True), 1_000_000_000_000)
    notebook.act(ReplaceBody(id_of(1), "text, and more"), 1_200_000_000_000)
    notebook.act(CreateNote(id_of(2), "New", "text"), 1_200_000_000_000)

    import_files(again, {"Carryon.zip": _exported(notebook)})

    assert {row.title: (row.pinned, row.created, row.modified) for row in again.rows.values()} == {
        "Plan": (True, 1_000_000_000_000, 1_200_000_000_000),
        "New": (False, 1_200_000_000_000, 1_200_000_000_000),
    }


def test_the_trash_stays_out() -> None:
    """What a person threw away is not carried along."""
    notebook = a_notebook()
    notebook.act(CreateNote(id_of(1), "Kept"), now=1)
    notebook.act(CreateNote(id_of(2), "Gone"), now=1)
    notebook.act(TrashNote(id_of(2)), now=2)

    assert list(_unzipped(_exported(notebook))) == ["Kept.md"]


@pytest.mark.parametrize("modified", [-(10**13), 0, 1_700_000_000_123, 10**16])
def test_any_time_is_one_that_a_zip_can_say(modified: int) -> None:
    """A clock that is years off does not break an export."""
    export = Export()
    export.add("a.md", _row(1, "", "a")._replace(modified=modified), "text")

    with zipfile.ZipFile(io.BytesIO(export.finish())) as archive:
        assert 1980 <= archive.infolist()[0].date_time[0] <= 2107


def test_a_single_note_is_saved_under_its_title() -> None:
    """With the signs that systems forbid replaced."""
    assert file_name(_row(1, "a", "What? Now")) == "What- Now.md"


def test_a_folder_that_looks_like_a_note_is_imported_as_a_folder() -> None:
    """Its mark is only in the path: the entry says the name."""
    notebook = a_notebook()
    notebook.act(CreateNote(id_of(1), "T", "", "x.md"), now=1)

    (file,) = read_file("n.zip", _exported(notebook))

    assert isinstance(file, NoteFile)
    assert (file.path, file.folder) == ("n.zip/x.md_/T.md", "x.md")


def test_j14_a_note_beyond_the_limit_is_in_the_export_which_says_so() -> None:
    """J14: two devices that wrote apart may have made it; what one may be is what an import takes."""
    export = Export()
    export.add("T.md", _row(1, "", "T"), "x" * (body_bytes_max + 1))

    [(path, words)] = export.report

    assert path == "T.md" and "split it" in words
    assert isinstance(next(read_file("Carryon.zip", export.finish())), NoteFile)


def test_j14_a_note_of_ten_megabytes_comes_back() -> None:
    """J14: the longest that a notebook takes."""
    body = "苔" * (body_bytes_max // 3)
    export = Export()
    export.add("T.md", _row(1, "", "T"), body)

    [read] = read_file("Carryon.zip", export.finish())

    assert isinstance(read, NoteFile)
    assert read.body == body
    assert export.report == []


def test_j14_a_notebook_of_more_than_200_megabytes_comes_back() -> None:
    """J14: all of it, from one zip."""
    export = Export()
    for place in range(23):
        export.add(f"{place}.md", _row(place, "", str(place)), "x" * 9_000_000)

    reads = read_file("Carryon.zip", export.finish())

    assert [type(read) for read in reads] == [NoteFile] * 23
    assert export.report == []


def test_j14_what_an_import_would_not_take_back_is_named_in_the_export() -> None:
    """J14: it is in the zip, and the report in the zip says what to do; an import leaves the report out by name."""
    export = Export()
    export.add("Long.md", _row(1, "", "Long"), "x" * 10_000_001)
    export.say("Gone.md", not_readable)

    data = export.finish()

    files = _unzipped(data)
    assert len(files["Long.md"]) == 10_000_001
    assert files[report_name].decode().splitlines() == [
        "Long.md: in this export, but of 10.0 MB, which an import refuses: split it first",
        f"Gone.md: {not_readable}",
    ]
    assert [read.path for read in read_file("n.zip", data) if isinstance(read, LeftOut)] == [f"n.zip/{report_name}"]


@pytest.mark.parametrize("comment", [b'{"title":' + b"[" * 60_000, b"\xff\xfe[[", b'{"title": 5, "folder": ""}'])
def test_i13_an_entry_whose_comment_says_nothing_is_imported_by_its_path(comment: bytes) -> None:
    """I13: brackets by the thousand are not parsed: in Pyodide they would end the core."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.comment = archive_comment
        entry = zipfile.ZipInfo("a/T.md")
        entry.comment = comment
        archive.writestr(entry, b"text")

    [read] = read_file("n.zip", packed.getvalue())

    assert isinstance(read, NoteFile)
    assert (read.folder, read.title) == ("a", "T")


def _exported(notebook: Notebook) -> bytes:
    export = Export()
    for note, path in paths_of(notebook.rows.values()).items():
        export.add(path, notebook.rows[note], brought_in(notebook, note).body)
    return export.finish()


def _unzipped(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {entry.filename: archive.read(entry) for entry in archive.infolist()}


def _notes(notebook: Notebook) -> list[tuple[str, str, str]]:
    return sorted((row.folder, row.title, notebook.text(row.note) or "") for row in notebook.rows.values())


def _row(number: int, folder: str, title: str) -> Row:
    return Row(id_of(number), title, folder, "", (), 0, 0, 0, False, False, 0, 0, "")
