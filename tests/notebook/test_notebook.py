"""The open notebook: commands in, facts out."""

from carryon.notebook.commands import CreateNote, RenameNote
from carryon.notebook.facts import NoteEdited, RowChanged
from carryon.notebook.notebook import Notebook

NOTE = "0" * 26


def test_a_created_note_is_listed_at_once() -> None:
    """A command's row changes with it, without a refresh."""
    notebook = Notebook("1" * 26, 7, "Mine")

    facts = notebook.act(CreateNote(NOTE, title="Trip", body="to #Norway"), now=5)

    assert [type(fact) for fact in facts] == [NoteEdited, RowChanged]
    assert notebook.listed("notes", "", "", "trip").ids == [NOTE]
    assert notebook.tags() == {"Norway": 1}
    notebook.act(RenameNote(NOTE, "Flight"), now=6)
    assert notebook.listed("notes", "", "", "trip").ids == []
