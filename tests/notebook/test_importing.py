"""Import: a file becomes a note once, and what cannot is told by name."""

import io
import json
import stat
import struct
import zipfile

import pytest
from carryon.notebook.commands import CreateNote, MoveNote, RenameNote, ReplaceBody, TrashNote
from carryon.notebook.exporting import Export, paths_of
from carryon.notebook.importing import (
    LeftOut,
    NoteFile,
    Refused,
    Tally,
    archive_comment,
    file_bytes_max,
    read_file,
    zip_bytes_max,
    zip_entries_max,
)
from carryon.notebook.notebook import Notebook
from hypothesis import given
from hypothesis import strategies as st

from tests.notebook.files import brought_in, import_files
from tests.notebook.world import a_notebook, id_of

COMMENTS = st.dictionaries(
    st.sampled_from(["note", "title", "folder", "pinned", "created", "x"]),
    st.text(max_size=9) | st.booleans() | st.integers() | st.just(id_of(1)) | st.lists(st.text(max_size=2)),
)
# 2001-09-09 01:46:40 UTC, as Info-ZIP and macOS write it.
UNIX_TIME = struct.pack("<HHBi", 0x5455, 5, 1, 1_000_000_000)
VAULT = {"vault/One.md": b"one\r\n", "vault/deep/er/Two.md": "\ufeff# zwei 😀".encode()}


class TestReading:
    """From a path and bytes to what a note would be."""

    def test_a_chosen_folder_is_the_notebook(self) -> None:
        """Its own name is left out; those inside are the folder; the name without .md is the title."""
        files = _read(VAULT)

        assert [(file.folder, file.title) for file in files if isinstance(file, NoteFile)] == [
            ("", "One"),
            ("deep/er", "Two"),
        ]

    @pytest.mark.parametrize(
        ("path", "data", "reason"),
        [
            ("a.md", b"caf\xe9", "not UTF-8 text (byte 3)"),
            ("a.md", "text".encode("utf-16"), "not UTF-8"),
            ("a.md", b"x" * (file_bytes_max + 1), "10.0 MB, the limit is 10 MB"),
            ("vault/../../a.md", b"", "leaves the folder"),
            ("/etc/a.md", b"", "leaves the folder"),
            ("C:/a.md", b"", "leaves the folder"),
            ("vault//a.md", b"", "leaves the folder"),
            ("vault/a\n.md", b"", "leaves the folder"),
            ("x" * 501 + ".md", b"", "name is too long"),
            ("bad.zip", b"PK no zip", "cannot be read as a zip"),
        ],
    )
    def test_what_cannot_be_a_note_is_refused_by_name(self, path: str, data: bytes, reason: str) -> None:
        """With the reason in words."""
        (refused,) = read_file(path, data)

        assert isinstance(refused, Refused)
        assert refused.path == path
        assert reason in refused.reason

    @pytest.mark.parametrize(
        ("path", "reason"),
        [
            ("vault/image.png", "attachments"),
            ("vault/no extension", "attachments"),
            ("vault/.obsidian/plugins.md", "hidden"),
            (".md", "hidden"),
            ("vault/inner.zip", "attachments"),
        ],
    )
    def test_what_is_no_note_is_left_out_by_name(self, path: str, reason: str) -> None:
        """Attachments come later; hidden files are another program's."""
        (left,) = read_file(path, b"")

        assert isinstance(left, LeftOut)
        assert (left.path, reason in left.reason) == (path, True)

    @given(st.text() | st.text(alphabet="./\\ab.md:\0zip"), st.binary(max_size=40))
    def test_any_path_and_bytes_are_read_or_refused(self, path: str, data: bytes) -> None:
        """And a note never gets a folder that leads out of the notebook."""
        for found in read_file(path, data):
            assert isinstance(found, NoteFile | Refused | LeftOut)
            if isinstance(found, NoteFile):
                assert ".." not in found.folder.split("/")
                assert found.title
                assert found.body.encode() == data

    def test_a_zip_gives_its_files(self) -> None:
        """One outermost folder is the notebook, as a chosen folder is; otherwise all folders count."""
        whole = _read(
            {"v.zip": _zip({"vault/One.md": b"1", "vault/deep/Two.md": b"2", "__MACOSX/vault/._One.md": b"x"})}
        )
        parts = _read({"v.zip": _zip({"a/One.md": b"1", "b/Two.md": b"2"})})

        assert [(file.folder, file.title) for file in whole if isinstance(file, NoteFile)] == [
            ("", "One"),
            ("deep", "Two"),
        ]
        assert [(file.folder, file.title) for file in parts if isinstance(file, NoteFile)] == [
            ("a", "One"),
            ("b", "Two"),
        ]
        assert [type(file) for file in whole] == [NoteFile, NoteFile, LeftOut]

    def test_a_zip_that_leaves_its_folder_is_refused_by_entry(self) -> None:
        """Parents, absolute paths, other systems' separators and links; the rest of the zip is taken."""
        link = zipfile.ZipInfo("link.md")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        bad = ["../up.md", "/root.md", "a/../../b.md", "..\\up.md", "D:\\x.md"]

        entries: dict[str | zipfile.ZipInfo, bytes] = dict.fromkeys(bad, b"x")

        found = _read({"v.zip": _zip({**entries, link: b"/etc/passwd", "fine.md": b"fine"})})

        assert [type(file) for file in found] == [Refused] * 6 + [NoteFile]

    def test_a_zip_bomb_is_not_unpacked(self) -> None:
        """An entry is read up to the limit of a note, all of them up to the limit of a zip."""
        whole = zip_bytes_max // file_bytes_max
        zeros = b"0" * file_bytes_max
        bomb = _zip({"large.md": zeros + b"0", **{f"{number}.md": zeros for number in range(whole)}, "last.md": b"0"})

        assert [type(file) for file in read_file("v.zip", bomb)] == [Refused, *[NoteFile] * whole, Refused]

    def test_a_zip_of_very_many_files_is_refused(self) -> None:
        """A directory that names one entry over and over costs its reader more than its writer."""
        one = _zip({"a.md": b""})
        size, start = struct.unpack("<II", one[-10:-2])
        directory = one[start : start + size] * (zip_entries_max + 1)
        many = one[:start] + directory + one[start + size : -10] + struct.pack("<II", len(directory), start) + one[-2:]

        (refused,) = read_file("v.zip", many)

        assert isinstance(refused, Refused)
        assert "100,001 files, the limit is 100,000" in refused.reason

    @pytest.mark.parametrize(
        ("ours", "date", "extra", "expected"),
        [
            (False, (2009, 6, 1, 12, 0, 0), b"", 1_243_850_400_000),
            (True, (2009, 6, 1, 12, 0, 0), b"", 1_243_857_600_000),
            (False, (2009, 6, 1, 12, 0, 0), UNIX_TIME, 1_000_000_000_000),
            (False, (1980, 1, 1, 0, 0, 0), b"", None),
            (False, (2009, 0, 31, 12, 0, 0), b"", None),
        ],
    )
    def test_a_zip_tells_the_time_of_a_file(
        self, ours: bool, date: tuple[int, int, int, int, int, int], extra: bytes, expected: int | None
    ) -> None:
        """In local time, two hours ahead here; in UTC in ours, and where it says so; or not at all."""
        packed, entry = io.BytesIO(), zipfile.ZipInfo("a/One.md")
        entry.date_time, entry.extra = date, extra
        with zipfile.ZipFile(packed, "w") as archive:
            archive.comment = archive_comment if ours else b""
            archive.writestr(entry, b"one")

        (found,) = read_file("v.zip", packed.getvalue(), time=5, offset=120)

        assert isinstance(found, NoteFile)
        assert found.time == expected

    def test_an_exported_note_comes_back_with_its_time(self) -> None:
        """To the two seconds that a zip can say."""
        notebook = a_notebook()
        notebook.act(CreateNote(id_of(1), "Old", "words"), now=1_243_857_601_000)

        (found,) = read_file("v.zip", _exported(notebook), offset=-300)

        assert isinstance(found, NoteFile)
        assert found.time == 1_243_857_600_000

    def test_a_damaged_zip_is_refused_by_entry(self) -> None:
        """A checksum that is wrong is told; what is whole is taken."""
        data = bytearray(_zip({"a.md": b"first text", "b.md": b"second"}, zipfile.ZIP_STORED))
        data[data.index(b"first")] ^= 1

        found = _read({"v.zip": bytes(data)})

        assert [type(file) for file in found] == [Refused, NoteFile]
        assert isinstance(found[0], Refused)
        assert "damaged" in found[0].reason

    @pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
    def test_an_entry_whose_packed_bytes_are_damaged_is_refused_in_words(self, method: int) -> None:
        """Every codec has errors of its own; what is whole is taken."""
        data = bytearray(_zip({"a.md": b"words " * 200, "b.md": b"second " * 200}, method))
        start = data.index(b"a.md") + len("a.md") + (12 if method == zipfile.ZIP_LZMA else 4)
        data[start : start + 8] = b"\xff" * 8

        found = _read({"v.zip": bytes(data)})

        assert [type(file) for file in found] == [Refused, NoteFile]
        assert isinstance(found[0], Refused)
        assert "damaged" in found[0].reason

    @given(st.binary(max_size=40) | COMMENTS.map(lambda said: json.dumps(said).encode()) | st.just(b"[" * 65_535))
    def test_any_comment_in_a_zip_is_a_name_or_passed_over(self, comment: bytes) -> None:
        """Anybody can say that a zip is an export of ours; its notes come, under the names of their paths at worst."""
        packed, entry = io.BytesIO(), zipfile.ZipInfo("a/One.md")
        entry.comment = comment
        with zipfile.ZipFile(packed, "w") as archive:
            archive.comment = archive_comment
            archive.writestr(entry, b"one")

        (found,) = read_file("v.zip", packed.getvalue())

        assert isinstance(found, NoteFile) and found.body == "one"

    @given(st.data())
    def test_any_bytes_for_a_zip_are_read_or_refused(self, data: st.DataObject) -> None:
        """Flipped bits and cut ends give words, never a fault, however it is packed."""
        method = data.draw(st.sampled_from([zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]))
        whole = bytearray(_zip({"a/One.md": b"one " * 20, "b/Two.md": b"two"}, method))
        for place in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=4)):
            whole[place] ^= data.draw(st.integers(1, 255))
        cut = data.draw(st.integers(0, len(whole)))

        for found in read_file("v.zip", bytes(whole[:cut])):
            assert isinstance(found, NoteFile | Refused | LeftOut)


class TestIdentity:
    """Importing again changes nothing, and no text ever gets a second history (B5, B6)."""

    def test_b5_importing_twice_changes_nothing(self) -> None:
        """B5: no edit at all, however often, whether the notes were renamed and moved here or not."""
        notebook = a_notebook()
        import_files(notebook, VAULT)
        note = notebook.listed("notes", "", "", "two").ids[0]
        notebook.act(RenameNote(note, "Deux"), 9)
        notebook.act(MoveNote(note, "elsewhere"), 9)
        before = _states(notebook)

        tally = import_files(notebook, VAULT)

        assert tally == Tally(unchanged=2)
        assert _states(notebook) == before

    def test_b5_files_without_a_folder_that_share_a_name_stay_separate(self) -> None:
        """B5: two notes at first, the same two the second time, of equal text or not."""
        notebook = a_notebook()
        chosen = [("index.md", b"one"), ("index.md", b"two"), ("index.md", b"two")]

        assert import_files(notebook, chosen) == Tally(created=3)
        assert import_files(notebook, chosen) == Tally(unchanged=3)
        assert import_files(notebook, [("index.md", b"three")]) == Tally(created=1)

    def test_b5_a_file_of_a_known_text_is_known_without_its_folder(self) -> None:
        """B5: chosen as single files after the folder was: same name, same text, no second note."""
        notebook = a_notebook()
        import_files(notebook, VAULT)

        assert import_files(notebook, {"One.md": b"one\r\n", "Two.md": VAULT["vault/deep/er/Two.md"]}) == Tally(
            unchanged=2
        )

    def test_a_file_that_changed_becomes_a_new_version(self) -> None:
        """The note that came from it gets its text by a small edit, and remembers the new bytes."""
        notebook = a_notebook()
        import_files(notebook, VAULT)
        changed = VAULT | {"vault/One.md": b"one and more\r\n"}

        assert import_files(notebook, changed) == Tally(updated=1, unchanged=1)
        assert import_files(notebook, changed) == Tally(unchanged=2)
        assert import_files(notebook, VAULT) == Tally(updated=1, unchanged=1)

    def test_b6_a_file_over_an_edited_note_loses_nothing(self) -> None:
        """B6: the same bytes again leave the edit; other bytes become a note beside it, which later ones bring up to date."""
        notebook = a_notebook()
        import_files(notebook, {"vault/One.md": b"first\nsecond\n"})
        note = notebook.listed("notes", "", "", "").ids[0]
        notebook.act(ReplaceBody(note, "first\nsecond, edited here\n"), 9)

        assert import_files(notebook, {"vault/One.md": b"first\nsecond\n"}) == Tally(unchanged=1)
        assert notebook.text(note) == "first\nsecond, edited here\n"
        assert import_files(notebook, {"vault/One.md": b"new first\nsecond\n"}) == Tally(created=1, beside=1)
        assert import_files(notebook, {"vault/One.md": b"new first\nsecond\n"}) == Tally(unchanged=1)
        assert import_files(notebook, {"vault/One.md": b"newer first\nsecond\n"}) == Tally(updated=1)
        assert _texts(notebook) == ["first\nsecond, edited here\n", "newer first\nsecond\n"]

    @pytest.mark.parametrize("command", [RenameNote, MoveNote])
    def test_a_changed_file_leaves_a_note_that_is_called_otherwise_by_now(
        self, command: type[RenameNote] | type[MoveNote]
    ) -> None:
        """Its path alone does not say that it is of this note: both are kept."""
        notebook = a_notebook()
        import_files(notebook, {"vault/One.md": b"first"})
        notebook.act(command(notebook.listed("notes", "", "", "").ids[0], "Eins"), 9)

        assert import_files(notebook, {"vault/One.md": b"second"}) == Tally(created=1, beside=1)
        assert _texts(notebook) == ["first", "second"]

    @pytest.mark.parametrize("date", [(2009, 6, 1, 12, 0, 0), (2012, 6, 1, 12, 0, 0)])
    def test_a_file_that_is_older_than_the_note_does_not_take_its_place(
        self, date: tuple[int, int, int, int, int, int]
    ) -> None:
        """One that is newer does."""
        notebook = a_notebook()
        import_files(notebook, {"v.zip": _zip({zipfile.ZipInfo("a/One.md", (2010, 6, 1, 12, 0, 0)): b"first"})})

        tally = import_files(notebook, {"v.zip": _zip({zipfile.ZipInfo("a/One.md", date): b"second"})})

        assert tally == (Tally(created=1, beside=1) if date[0] == 2009 else Tally(updated=1))

    def test_a_file_edited_to_what_the_note_says_is_unchanged(self) -> None:
        """The same edit made here and there is no edit."""
        notebook = a_notebook()
        import_files(notebook, {"vault/One.md": b"first"})
        note = notebook.listed("notes", "", "", "").ids[0]
        notebook.act(ReplaceBody(note, "second"), 9)

        assert import_files(notebook, {"vault/One.md": b"second"}) == Tally(unchanged=1)

    def test_a_note_of_the_same_name_and_another_text_stays(self) -> None:
        """A note made here is never overwritten by a file that happens to have its name."""
        notebook = a_notebook()
        import_files(notebook, {"One.md": b"made here"})

        assert import_files(notebook, {"vault/One.md": b"from there"}) == Tally(created=1)
        assert sorted(notebook.text(note) or "" for note in notebook.rows) == ["from there", "made here"]

    def test_what_was_trashed_comes_out_of_the_trash(self) -> None:
        """Importing it is asking for it; it is not made a second time."""
        notebook = a_notebook()
        import_files(notebook, VAULT)
        for note in list(notebook.rows):
            notebook.act(TrashNote(note), 9)

        assert import_files(notebook, VAULT | {"vault/One.md": b"changed"}) == Tally(restored=2)
        assert notebook.counts() == {"notes": 2, "trash": 0}
        assert import_files(notebook, VAULT | {"vault/One.md": b"changed"}) == Tally(unchanged=2)

    def test_b5_an_export_brought_back_changes_nothing(self) -> None:
        """B5: under whatever name the zip has; notes made here and imported ones alike."""
        notebook = a_notebook()
        import_files(notebook, VAULT)
        import_files(notebook, {"made.md": b"flat", "twin/a/T.md": b"1", "other/a/T.md": b"2"})
        before = _states(notebook)

        tally = import_files(notebook, {"export.zip": _exported(notebook)})

        assert tally == Tally(unchanged=5)
        assert _states(notebook) == before

    def test_an_export_brought_back_writes_over_no_newer_words(self) -> None:
        """What was written since is kept, and what the export holds stands beside it; a second time changes nothing."""
        notebook = a_notebook()
        notebook.act(CreateNote(id_of(1), "Plan", "the plan"), 1)
        backup = _exported(notebook)
        notebook.act(ReplaceBody(id_of(1), "the plan, and how it went"), 2)

        assert import_files(notebook, {"Carryon.zip": backup}) == Tally(created=1, beside=1)
        assert import_files(notebook, {"Carryon (1).zip": backup}) == Tally(unchanged=1)
        assert _texts(notebook) == ["the plan", "the plan, and how it went"]

    def test_an_export_brought_back_writes_no_note_over_another_one(self) -> None:
        """A note that came from an export is called otherwise since, and a new one has its old name and path."""
        first, notebook = a_notebook(), a_notebook()
        first.act(CreateNote(id_of(1), "Plan", "the plan of 2025"), 1)
        import_files(notebook, {"Carryon.zip": _exported(first)})
        [old] = notebook.rows
        notebook.act(RenameNote(old, "Plan of 2025"), 2)
        notebook.act(CreateNote(id_of(2), "Plan", "the plan of 2026"), 3)
        backup = _exported(notebook)
        notebook.act(ReplaceBody(id_of(2), "the plan of 2026, and more"), 5)

        assert import_files(notebook, {"Carryon.zip": backup}) == Tally(created=1, beside=1, unchanged=1)
        assert notebook.text(old) == "the plan of 2025"
        assert notebook.text(id_of(2)) == "the plan of 2026, and more"

    def test_a_later_export_of_another_notebook_brings_its_notes_up_to_date(self) -> None:
        """Each the note that came from it, whatever its path is by now; an earlier export takes nothing back."""
        first, notebook = a_notebook(), a_notebook()
        first.act(CreateNote(id_of(1), "A", "one"), 1_000_000_000_000)
        first.act(CreateNote(id_of(2), "A", "two"), 1_100_000_000_000)
        earlier = _exported(first)
        import_files(notebook, {"Carryon.zip": earlier})
        one, two = sorted(notebook.rows, key=lambda note: notebook.text(note) or "")
        first.act(RenameNote(id_of(1), "B"), 1_200_000_000_000)
        first.act(ReplaceBody(id_of(1), "one, newer"), 1_200_000_000_000)
        first.act(ReplaceBody(id_of(2), "two, newer"), 1_200_000_000_000)

        assert import_files(notebook, {"Carryon (1).zip": _exported(first)}) == Tally(updated=2)
        assert (notebook.text(one), notebook.text(two)) == ("one, newer", "two, newer")
        assert import_files(notebook, {"Carryon.zip": earlier}) == Tally(created=2, beside=2)
        assert (notebook.text(one), notebook.text(two)) == ("one, newer", "two, newer")

    def test_the_exports_of_two_notebooks_lose_no_note(self) -> None:
        """Every export is called Carryon.zip: a path in it says nothing of which notebook's it was, in old ones neither."""
        for note in (None, id_of(1)):
            notebook = a_notebook()
            for number, body in enumerate(("at work", "at home"), 1):
                other = a_notebook()
                other.act(CreateNote(id_of(number), "To do", body), number)
                exported = _exported(other) if note else _exported_before(body)
                assert import_files(notebook, {"Carryon.zip": exported}) == Tally(created=1)

            assert _texts(notebook) == ["at home", "at work"]

    def test_a_source_of_another_form_is_no_source(self) -> None:
        """What another program or release wrote there does not break an import."""
        notebook = a_notebook()
        import_files(notebook, VAULT)
        for number, source in enumerate(("[]", "{}", "no json", json.dumps({"path": 1}), "[" * 200_000)):
            note = next(iter(notebook.rows))
            notebook.act(ReplaceBody(note, f"text {number}", source), 9)
            assert import_files(notebook, VAULT).created <= 1


def _read(files: dict[str, bytes]) -> list[NoteFile | Refused | LeftOut]:
    return [found for path, data in files.items() for found in read_file(path, data)]


def _zip(files: dict[str | zipfile.ZipInfo, bytes] | dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return packed.getvalue()


def _exported(notebook: Notebook) -> bytes:
    export = Export()
    for note, path in paths_of(notebook.rows.values()).items():
        export.add(path, notebook.rows[note], brought_in(notebook, note).body)
    return export.finish()


def _exported_before(body: str) -> bytes:
    """Return an export as it was before entries told the ids of their notes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.comment = archive_comment
        archive.writestr("To do.md", body)
    return packed.getvalue()


def _texts(notebook: Notebook) -> list[str]:
    return sorted(notebook.text(note) or "" for note in notebook.rows)


def _states(notebook: Notebook) -> dict[str, bytes]:
    return {note: brought_in(notebook, note).state() for note in notebook.rows}
