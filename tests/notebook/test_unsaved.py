"""What is not durable yet is shown to the tab that has made it, and to nobody else."""

from __future__ import annotations

from typing import Any

from carryon.notebook.commands import Command, CreateNote, MoveNote, PinNote, RenameNote, ReplaceBody, TrashNote
from carryon.notebook.notebook import Notebook
from carryon.notes.note import Note
from hypothesis import given
from hypothesis import strategies as st

from tests.notebook.world import a_notebook, id_of

ONE, NEW = id_of(1), id_of(2)


def a_notebook_with_a_note() -> Notebook:
    """A notebook with one note that is durable."""
    notebook = a_notebook()
    notebook.act(CreateNote(ONE, "Title", "old words #old", "here"), now=5)
    return notebook


def looks(notebook: Notebook) -> tuple[Any, ...]:
    """All that the list, the search and the places show."""
    found = [list(notebook.listed(place, "", "", query).ids) for place in ("notes", "trash") for query in ("", "new")]  # type: ignore[arg-type]
    texts = {note: notebook.text(note) for note in notebook.rows}
    return (
        dict(notebook.rows),
        texts,
        found,
        notebook.folders(),
        dict(notebook.tags()),
        notebook.counts(),
        notebook.linked("New"),
    )


def test_what_a_tab_makes_is_shown_to_it_and_hidden_from_others() -> None:
    """J15: a new note, a title, a folder, a text: in list, search, places and links."""
    notebook = a_notebook_with_a_note()
    before = looks(notebook)

    notebook.act(CreateNote(NEW, "New", "new words", "there"), 6, "a tab")
    notebook.act(RenameNote(ONE, "New too"), 6, "a tab")
    notebook.act(ReplaceBody(ONE, "new words #new"), 7, "a tab")
    notebook.refresh()

    assert looks(notebook) == before
    with notebook.seen_by("another tab"):
        assert looks(notebook) == before
        assert notebook.title(ONE).value == "Title"
        assert notebook.body(ONE) == "old words #old"
    with notebook.seen_by("a tab"):
        assert {row.title for row in notebook.rows.values()} == {"New", "New too"}
        assert set(notebook.listed("notes", "", "", "new words").ids) == {ONE, NEW}
        assert notebook.title(ONE).value == "New too"
        assert notebook.body(ONE) == "new words #new"
    assert (notebook.sees("a tab", NEW), notebook.sees("another tab", NEW)) == (True, False)
    assert looks(notebook) == before


def test_it_is_shown_to_everybody_when_all_of_it_is_durable() -> None:
    """J15: one saved edit of two shows nothing yet; the row of what was pressed needs no refresh."""
    notebook = a_notebook_with_a_note()
    notebook.act(RenameNote(ONE, "New"), 6, "a tab")
    notebook.act(PinNote(ONE, True), 6, "a tab")

    notebook.saved(ONE)
    assert notebook.rows[ONE].title == "Title"
    notebook.saved(ONE)

    assert (notebook.rows[ONE].title, notebook.rows[ONE].pinned) == ("New", True)


def test_of_what_two_tabs_have_made_each_is_shown_what_is_durable() -> None:
    """J15: neither may answer to what the other one could still lose."""
    notebook = a_notebook_with_a_note()
    notebook.act(RenameNote(ONE, "New"), 6, "a tab")
    notebook.act(MoveNote(ONE, "there"), 6, "another tab")

    for tab in ("a tab", "another tab"):
        with notebook.seen_by(tab):
            assert (notebook.rows[ONE].title, notebook.rows[ONE].folder) == ("Title", "here")


def test_what_is_typed_is_durable_before_its_row_is_derived() -> None:
    """J15: a refresh while an edit is on its way to the disk leaves the row; one after it does not."""
    notebook = a_notebook_with_a_note()
    document = notebook.note(ONE)
    assert document is not None
    replica = Note.load(ONE, 77, document.state())

    notebook.edit(ONE, replica.splice(0, 0, "new "), 9, "a tab")
    notebook.refresh()
    assert notebook.text(ONE) == "old words #old"
    notebook.saved(ONE)
    notebook.refresh()

    assert notebook.text(ONE) == "new old words #old"


commands: st.SearchStrategy[Command] = st.one_of(
    st.builds(
        CreateNote, st.sampled_from([id_of(n) for n in range(3)]), st.sampled_from(["", "New"]), st.text(max_size=9)
    ),
    st.builds(RenameNote, st.sampled_from([id_of(n) for n in range(3)]), st.sampled_from(["New", "Other"])),
    st.builds(PinNote, st.sampled_from([id_of(n) for n in range(3)]), st.booleans()),
    st.builds(TrashNote, st.sampled_from([id_of(n) for n in range(3)])),
)


@given(st.lists(st.tuples(commands, st.sampled_from(["a tab", "another tab", None])), max_size=12))
def test_looking_changes_nothing_and_the_end_is_what_it_would_have_been(
    made: list[tuple[Command, str | None]],
) -> None:
    """J15: whoever looks at whatever moment, what others see stays; when all is saved, all is as if nobody had waited."""
    notebook, at_once = a_notebook(), a_notebook()
    waiting: list[str] = []
    for now, (command, maker) in enumerate(made):
        present = notebook.note(command.note) is not None
        if not present and not isinstance(command, CreateNote):
            continue
        at_once.act(command, now)
        if notebook.act(command, now, maker) and maker is not None:
            waiting.append(command.note)
        before = looks(notebook)
        for tab in ("a tab", "another tab"):
            with notebook.seen_by(tab):
                looks(notebook)
        assert looks(notebook) == before

    for note in waiting:
        notebook.saved(note)
    notebook.refresh()

    assert looks(notebook) == looks(at_once)
