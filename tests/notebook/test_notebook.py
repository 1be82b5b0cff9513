"""The open notebook: commands and updates in, facts out."""

from collections.abc import Sequence

import pytest
from carryon.notebook.commands import (
    Command,
    CreateNote,
    MoveNote,
    PinNote,
    RenameNote,
    ReplaceBody,
    RestoreNote,
    TrashNote,
)
from carryon.notebook.facts import CommandRefused, Fact, NoteAbsorbed, NoteEdited, RowChanged, UpdateRefused
from carryon.notebook.limits import body_bytes_max, folder_characters_max, title_characters_max, update_bytes_max
from carryon.notebook.notebook import Notebook
from carryon.notes.note import Note
from carryon.notes.row import decode_rows, encode_rows
from hypothesis import given
from hypothesis import strategies as st

from tests.notebook.world import a_notebook, id_of, updates_of

ONE, OTHER = id_of(1), id_of(2)
COMMANDS: list[Command] = [
    RenameNote(ONE, "New"),
    MoveNote(ONE, "a/b"),
    PinNote(ONE, True),
    TrashNote(ONE),
    ReplaceBody(ONE, "new text"),
    ReplaceBody(ONE, "new text", '{"path":"x","sha256":"y"}'),
]


class TestLimits:
    """J12: what is too long is refused before it is kept, and changes nothing; what is at its limit gets shorter."""

    @staticmethod
    def typed(notebook: Notebook, start: int, end: int, text: str) -> list[object]:
        """What an editor's edit of note ONE leads to; its replica is as long as the note."""
        replica = Note.load(ONE, 99, _state(notebook))
        return list(notebook.edit(ONE, replica.splice(start, end, text), now=9))

    def test_a_note_at_its_limit_takes_no_letter_more(self) -> None:
        """Not even where the edit is small, or its letters are few and its bytes are many."""
        notebook = a_notebook()
        notebook.act(CreateNote(ONE, "Long", "x" * (body_bytes_max - 3)), now=5)

        [refused] = self.typed(notebook, 0, 0, "漢字")

        assert refused == UpdateRefused(
            ONE, "the note would have 10.0 MB, the limit is 10 MB: write on in another note", False
        )
        assert [type(fact) for fact in self.typed(notebook, 0, 0, "漢")] == [NoteEdited]
        assert [type(fact) for fact in self.typed(notebook, 0, 0, "x")] == [UpdateRefused]

    def test_a_note_at_its_limit_and_beyond_gets_shorter(self) -> None:
        """Two devices may have made it so long apart; an edit may take more than it brings."""
        notebook = a_notebook()
        notebook.act(CreateNote(ONE, "Long", "x" * body_bytes_max), now=5)
        other = Note.load(ONE, 98, _state(notebook))
        notebook.absorb(ONE, [other.splice(0, 0, "y" * 1000)], 6, {"aa": 1, "bb": 1})

        assert [type(fact) for fact in self.typed(notebook, 0, 20, "shorter")] == [NoteEdited]
        assert [type(fact) for fact in self.typed(notebook, 0, 7, "not shorter")] == [UpdateRefused]

    def test_an_update_beyond_its_limit_is_refused_unread(self) -> None:
        """Its length alone says that no change could hold it."""
        notebook = _with_a_note()
        before = _state(notebook)

        [refused] = notebook.edit(ONE, bytes(update_bytes_max + 1), now=7)

        assert isinstance(refused, UpdateRefused) and not refused.dropped and "12.6 MB" in refused.reason
        assert _state(notebook) == before


class TestCommands:
    """A command makes one edit and the row that follows from it, or nothing."""

    def test_a_created_note_is_listed_at_once(self) -> None:
        """A command's row changes with it, without a refresh."""
        notebook = a_notebook()

        facts = notebook.act(CreateNote(ONE, "Trip", "to #Norway", " a / b"), now=5)

        assert [type(fact) for fact in facts] == [NoteEdited, RowChanged]
        row = notebook.rows[ONE]
        assert (row.title, row.folder, row.tags, row.created, row.modified) == ("Trip", "a/b", ("Norway",), 5, 5)
        assert notebook.listed("notes", "a", "norway", "trip").ids == [ONE]

    def test_an_empty_note_is_an_edit_too(self) -> None:
        """Or its change would carry nothing, and no other device would learn of it."""
        facts = a_notebook().act(CreateNote(ONE), now=5)

        other = a_notebook()
        other.absorb(ONE, updates_of(facts), 5, {"aa": 1})
        other.refresh()

        assert other.listed("notes", "", "", "").ids == [ONE]

    def test_creating_twice_creates_once(self) -> None:
        """A tab that does not know its action to be saved sends it again: also after the document was dropped."""
        notebook = _with_a_note()

        assert notebook.act(CreateNote(ONE, "Other", "other"), now=6) == []
        notebook.drop_note(ONE)
        assert notebook.act(CreateNote(ONE, "Other", "other"), now=6) == []
        assert notebook.rows[ONE].title == "Title"

    @pytest.mark.parametrize("command", COMMANDS, ids=repr)
    def test_a_command_given_again_is_no_edit(self, command: Command) -> None:
        """The first time it is one update and one row, which another device shows the same."""
        notebook = _with_a_note()
        state = _state(notebook)

        facts = notebook.act(command, now=7)

        assert [type(fact) for fact in facts] == [NoteEdited, RowChanged]
        assert notebook.act(command, now=8) == []
        other = a_notebook("bb")
        other.absorb(ONE, [state], 5, {"aa": 1})
        other.absorb(ONE, updates_of(facts), time_of(facts), {"aa": 2})
        other.refresh()
        assert other.rows[ONE] == notebook.rows[ONE]

    @pytest.mark.parametrize("command", COMMANDS, ids=repr)
    def test_only_a_change_of_words_changes_when_a_note_was_edited(self, command: Command) -> None:
        """Neither pin nor folder nor trash, and not the way back; on another device neither."""
        one, other = _with_a_note("aa"), a_notebook("bb")
        other.absorb(ONE, [_state(one)], 5, {"aa": 1})

        for time, order in ((7, command), (8, PinNote(ONE, False)), (9, RestoreNote(ONE)), (10, MoveNote(ONE, ""))):
            facts = one.act(order, now=time)
            if facts:
                other.absorb(ONE, updates_of(facts), time_of(facts), {"aa": time})
        other.refresh()

        edited = 7 if isinstance(command, RenameNote | ReplaceBody) else 5
        assert (one.rows[ONE].modified, other.rows[ONE].modified) == (edited, edited)

    @pytest.mark.parametrize("times", [(7, 4), (4, 7)])
    def test_a_note_was_created_when_the_earliest_of_its_first_changes_was_written(
        self, times: tuple[int, int]
    ) -> None:
        """Two devices that share a copied profile begin it twice: every device takes the same one, in whatever order they come."""
        one, other = _with_a_note("aa"), a_notebook("bb")
        one.put_heads(ONE, {"aa": 1}, times[0], first=True)
        one.put_created(ONE, times[1])
        other.absorb(ONE, [_state(one)], 5, {"aa": 1})
        for time in times:
            other.put_created(ONE, time)
        one.refresh()
        other.refresh()

        assert one.rows[ONE].created == other.rows[ONE].created == 4

    def test_what_changes_no_words_bears_the_time_of_the_words(self) -> None:
        """Every device takes the latest time of a note's changes for its age, in whatever order they come."""
        notebook = _with_a_note()
        notebook.put_heads(ONE, {"aa": 1}, 5, first=True)

        times = [
            fact.time
            for now, order in ((7, PinNote(ONE, True)), (8, ReplaceBody(ONE, "x")), (9, PinNote(ONE, False)))
            for fact in notebook.act(order, now)
            if isinstance(fact, NoteEdited)
        ]

        assert times == [5, 8, 8]
        assert notebook.rows[ONE].modified == 8

    @pytest.mark.parametrize(
        "command", [RenameNote(ONE, "Title"), MoveNote(ONE, ""), PinNote(ONE, False), RestoreNote(ONE)], ids=repr
    )
    def test_what_is_so_already_is_no_edit(self, command: Command) -> None:
        """Nothing is written to say what is the case without saying it."""
        assert _with_a_note().act(command, now=7) == []

    def test_a_note_comes_back_from_the_trash(self) -> None:
        """Trash and back: it leaves the list and its counts, and returns to them."""
        notebook = _with_a_note()

        notebook.act(TrashNote(ONE), now=7)
        assert (notebook.listed("notes", "", "", "").ids, notebook.listed("trash", "", "", "").ids) == ([], [ONE])
        assert (notebook.counts(), notebook.tags()) == ({"notes": 0, "trash": 1}, {})

        notebook.act(RestoreNote(ONE), now=8)
        assert (notebook.listed("notes", "", "", "").ids, notebook.listed("trash", "", "", "").ids) == ([ONE], [])
        assert notebook.tags() == {"tag": 1}

    def test_a_trashed_note_that_is_edited_elsewhere_returns(self) -> None:
        """An edit wins over a deletion, whichever comes first here."""
        one, other = _with_a_note("aa"), a_notebook("bb")
        other.absorb(ONE, [_state(one)], 5, {"aa": 1})
        trashed = updates_of(one.act(TrashNote(ONE), now=7))
        edited = updates_of(other.act(ReplaceBody(ONE, "edited"), now=7))

        one.absorb(ONE, edited, 7, {"aa": 2, "bb": 1})
        other.absorb(ONE, trashed, 7, {"aa": 2, "bb": 1})
        one.refresh()
        other.refresh()

        assert not one.rows[ONE].trashed
        assert not other.rows[ONE].trashed

    def test_a_note_in_the_trash_returns_when_this_device_writes_on_after_another_trashed_it(self) -> None:
        """The heads that follow from numbering our own edits are taken as they come."""
        one, other = _with_a_note("aa"), a_notebook("bb")
        other.absorb(ONE, [_state(one)], 5, {"aa": 1})
        one.absorb(ONE, updates_of(other.act(TrashNote(ONE), now=7)), 7, {"aa": 1, "bb": 1})
        one.refresh()
        assert one.rows[ONE].trashed

        one.put_heads(ONE, {"aa": 2, "bb": 1}, 2, first=False)
        one.refresh()

        assert not one.rows[ONE].trashed

    @pytest.mark.parametrize(
        "command",
        [
            CreateNote("short"),
            CreateNote("8" + "0" * 25),
            CreateNote("U" * 26),
            CreateNote(OTHER, "x" * (title_characters_max + 1)),
            CreateNote(OTHER, folder="x" * (folder_characters_max + 1)),
            CreateNote(OTHER, body="é" * (body_bytes_max // 2 + 1)),
            CreateNote(OTHER, body="\ud83d"),
            RenameNote(ONE, "x\udc00"),
            RenameNote(OTHER, "there is no such note"),
            MoveNote(ONE, "x" * (folder_characters_max + 1)),
            ReplaceBody(ONE, "é" * (body_bytes_max // 2 + 1)),
        ],
        ids=lambda command: repr(command)[:60],
    )
    def test_what_cannot_be_done_is_refused_in_words(self, command: Command) -> None:
        """And changes nothing."""
        notebook = _with_a_note()
        before = (dict(notebook.rows), _state(notebook))

        facts = notebook.act(command, now=7)

        assert [type(fact) for fact in facts] == [CommandRefused]
        assert (dict(notebook.rows), _state(notebook)) == before

    def test_a_limit_is_told_with_its_number(self) -> None:
        """The words name the thing, its size and the limit."""
        refused = a_notebook().act(CreateNote(ONE, "x" * 501), now=5)

        assert refused == [CommandRefused("The title has 501 characters, the limit is 500: make it shorter.")]

    @given(st.text(), st.text(), st.text(), st.text())
    def test_any_text_is_taken_or_refused(self, note: str, title: str, folder: str, body: str) -> None:
        """What a tab sends never breaks the core."""
        notebook = a_notebook()

        for command in (CreateNote(note, title, body, folder), CreateNote(ONE, title, body, folder)):
            assert {type(fact) for fact in notebook.act(command, 5)} <= {NoteEdited, RowChanged, CommandRefused}
        notebook.listed("notes", folder, title, body)


class TestUpdates:
    """Edits of tabs and changes of others."""

    def test_an_edit_is_a_fact_at_once_and_a_row_when_refreshed(self) -> None:
        """A key costs its CRDT; the row follows when the core is at rest."""
        notebook = _with_a_note()
        tab = _replica(notebook)

        facts = notebook.edit(ONE, tab.splice(0, 0, "New words. "), now=9)

        assert [type(fact) for fact in facts] == [NoteEdited]
        assert notebook.rows[ONE].snippet == "body #tag"
        assert notebook.refresh() == [RowChanged(ONE, notebook.rows[ONE])]
        assert (notebook.rows[ONE].snippet, notebook.rows[ONE].modified) == ("New words. body #tag", 9)
        assert notebook.refresh() == []

    def test_an_edit_sent_again_is_no_edit(self) -> None:
        """C12: nothing is journalled twice, nothing is echoed."""
        notebook = _with_a_note()
        update = _replica(notebook).splice(0, 0, "x")

        assert updates_of(notebook.edit(ONE, update, now=9)) == [update]
        assert notebook.edit(ONE, update, now=9) == []
        assert notebook.absorb(ONE, [update], 9, {}) == []

    def test_a_change_is_absorbed_for_the_tabs_only(self) -> None:
        """What others wrote is never journalled here."""
        one, other = _with_a_note(), a_notebook("bb")
        other.absorb(ONE, [_state(one)], 5, {"aa": 1})
        updates = updates_of(other.act(RenameNote(ONE, "Renamed"), now=9))

        facts = one.absorb(ONE, updates, 9, {"aa": 1, "bb": 1})

        assert facts == [NoteAbsorbed(ONE, updates[0])]
        assert [type(fact) for fact in one.refresh()] == [RowChanged]
        assert one.rows[ONE].title == "Renamed"

    @pytest.mark.parametrize("bad", [b"", b"\xff\xff", b"no update"])
    def test_bytes_that_are_no_update_change_nothing(self, bad: bytes) -> None:
        """A broken tab or an author with a fault is told, and the note goes on."""
        notebook = _with_a_note()
        before = _state(notebook)

        [refused] = notebook.edit(ONE, bad, now=9)
        assert isinstance(refused, UpdateRefused)
        assert not refused.dropped
        assert notebook.absorb(ONE, [bad], 9, {}, change=b"bad") == []
        note = notebook.note(ONE)
        assert note is not None
        assert list(note.unread) == [b"bad"]
        assert _state(notebook) == before
        assert notebook.refresh() == []

    def test_an_edit_that_came_too_early_is_refused(self) -> None:
        """A tab that lost an edit is told so; nothing of it waits unseen, and the note goes on."""
        notebook = _with_a_note()
        tab = _replica(notebook)
        first, second = tab.splice(0, 0, "a"), tab.splice(1, 1, "b")

        facts = notebook.edit(ONE, second, now=9)

        assert facts == [UpdateRefused(ONE, "it builds on what is not here", dropped=False)]
        assert updates_of(notebook.edit(ONE, first, now=9)) == [first]
        assert updates_of(notebook.edit(ONE, second, now=9)) == [second]

    def test_an_edit_of_an_unknown_note_is_refused(self) -> None:
        """A tab that shows a note of another notebook is told so."""
        assert [type(fact) for fact in a_notebook().edit(ONE, b"\0\0", now=1)] == [UpdateRefused]

    def test_dropping_a_document_keeps_its_row_and_text(self) -> None:
        """Edits that were not shown yet are derived before it goes."""
        notebook = _with_a_note()
        notebook.edit(ONE, _replica(notebook).splice(0, 0, "Late "), now=9)

        facts = notebook.drop_note(ONE)

        assert [type(fact) for fact in facts] == [RowChanged]
        assert notebook.note(ONE) is None
        assert notebook.listed("notes", "", "", "late").ids == [ONE]

    def test_b5_rows_and_texts_are_rebuilt_from_documents_without_an_edit(self) -> None:
        """B5: after the derived stores are lost, loading documents gives the same rows and texts, and no update."""
        notebook = _with_a_note()
        notebook.act(RenameNote(ONE, "New"), now=8)
        rebuilt = a_notebook()

        rebuilt.put_note(Note.load(ONE, rebuilt.client, _state(notebook)), 5, 8, {"aa": 2})
        facts = rebuilt.refresh()

        assert facts == [RowChanged(ONE, notebook.rows[ONE])]
        assert rebuilt.text(ONE) == notebook.text(ONE)
        assert _state(rebuilt) == _state(notebook)

    def test_stored_rows_are_the_rows(self) -> None:
        """A start from the derived stores shows what was shown, and searches when the texts are there."""
        notebook = _with_a_note()
        started = a_notebook()

        started.put_rows(decode_rows(encode_rows(notebook.rows.values())))

        assert started.rows == notebook.rows
        assert started.listed("notes", "", "", "title").ids == [ONE]
        assert started.listed("notes", "", "", "body").ids == []
        assert not started.texts_ready
        started.put_texts({ONE: "body #tag", OTHER: "of a note that is gone"})
        assert started.texts_ready
        assert started.listed("notes", "", "", "body").ids == [ONE]


def time_of(facts: Sequence[Fact]) -> int:
    """The time that the change of an edit will bear."""
    [time] = [fact.time for fact in facts if isinstance(fact, NoteEdited)]
    return time


def _with_a_note(author: str = "aa") -> Notebook:
    notebook = a_notebook(author)
    notebook.act(CreateNote(ONE, "Title", "body #tag"), now=5)
    return notebook


def _state(notebook: Notebook) -> bytes:
    note = notebook.note(ONE)
    assert note
    return note.state()


def _replica(notebook: Notebook) -> Note:
    """Return what an editor of the note holds."""
    return Note.load(ONE, 4_000_000_000, _state(notebook))
