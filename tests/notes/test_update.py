"""What an update says of itself is read before the library is given it; what could hurt is refused, in words."""

from __future__ import annotations

import pytest
from carryon.notes.note import BadUpdate, Note
from carryon.notes.row import row_of
from carryon.notes.update import Reading, Unfit, read_update, structs_max
from hypothesis import given
from hypothesis import strategies as st

from tests.notes import updates as made
from tests.notes.updates import CLIENT, FIT, UNFIT, WORDS, behind, deletion, text

ID = "0" * 26


@pytest.mark.parametrize("name", FIT)
def test_what_notes_hold_is_taken(name: str) -> None:
    """The document takes it in whole, and its row is derived."""
    note = Note(ID, 1)

    note.apply(FIT[name])

    assert not note.pending
    assert row_of(note, 0, 0, {}).note == ID


@pytest.mark.parametrize("name", UNFIT)
def test_i14_i13_what_no_note_holds_changes_nothing(name: str) -> None:
    """I13, I14: it is refused in words before the library sees it, the note is as it was and can be written."""
    note = Note(ID, 1)
    note.replace_body("before")
    before = note.state()

    with pytest.raises(BadUpdate) as refused:
        note.apply(UNFIT[name])

    assert not refused.value.torn
    assert len(refused.value.reason) < 200
    assert (note.body, note.state(), note.pending) == ("before", before, False)
    note.splice(0, 0, "still ")
    assert note.body == "still before"


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Nothing but Unfit comes out."""
    try:
        read_update(data)
    except Unfit as fault:
        assert str(fault)


def test_a_reading_says_what_comes_and_what_must_be_here() -> None:
    """Clocks count UTF-16 units; what stands beside something, and what is deleted, needs it."""
    update = made.update(behind(9, 3, 4, text("a😀")), client=7, clock=2, deleted=deletion(8, 4, 2))

    reading = read_update(update)

    assert reading == Reading({7: (2, 5)}, {9: 4, 8: 6})
    assert reading.lacks({7: 2, 9: 4, 8: 5})
    assert reading.lacks({7: 1, 9: 4, 8: 6})
    assert not reading.lacks({7: 2, 9: 4, 8: 6})
    assert reading.advances({7: 4}) == (7,)
    assert reading.advances({7: 5}) == ()


def test_what_an_update_brings_itself_need_not_be_here() -> None:
    """One client stands behind another of the same update."""
    both = (
        made.number(2) + made.update(WORDS)[1:-1] + made.update(behind(CLIENT, 4, 4, text("!")), client=7)[1:-1] + b"\0"
    )

    assert not read_update(both).lacks({})
    note = Note(ID, 1)
    note.apply(both)
    assert note.body == "words!"


def test_the_number_of_parts_is_bounded() -> None:
    """I16: a part takes far more room in memory than its two bytes."""
    update = (
        made.number(1) + made.number(structs_max + 1) + made.number(7) + b"\0" + b"\0\1" * (structs_max + 1) + b"\0"
    )

    with pytest.raises(Unfit, match=r"500,000 parts"):
        read_update(update)


def test_what_no_reading_foresees_tears_the_document_and_is_said() -> None:
    """Two parts that wait for each other: the library takes neither, and the document is to be made again without."""
    circle = (
        made.number(2)
        + made.update(behind(8, 0, 4, text("a")), client=7)[1:-1]
        + made.update(behind(7, 0, 4, text("b")), client=8)[1:-1]
        + b"\0"
    )

    with pytest.raises(BadUpdate) as refused:
        Note(ID, 1).apply(circle)

    assert refused.value.torn


class TestWriters:
    """A client number is the number of the device that used it first in this note (I11)."""

    def test_i11_what_another_device_writes_under_a_number_is_refused_and_named(self) -> None:
        """I11: whatever clocks it names, beyond those held or from the beginning; the first device's own go on."""
        author, thief = Note(ID, 7), Note(ID, 7)
        note = Note(ID, 1, "here")
        note.absorb(b"one", "anna", [author.replace_body("Anna's words")])
        thief.replace_body("Eve's words, which are longer than Anna's")

        assert note.absorb(b"two", "eve", [thief.state()]) == []
        assert note.absorb(b"three", "anna", [author.splice(0, 0, "All of ")]) != []

        assert note.body == "All of Anna's words"
        assert list(note.unread) == [b"two"]
        assert "number 7" in note.unread[b"two"].reason
        assert not note.unread[b"two"].early

    def test_what_a_device_brings_again_is_no_theft(self) -> None:
        """Its own, and beside its own what it holds of others, as a tab does that meets a new core: nothing of that is written by it."""
        author, other = Note(ID, 7), Note(ID, 8)
        update = author.replace_body("Anna's words")
        other.apply(update)
        other.splice(0, 0, "Bert on ")
        note = Note(ID, 1, "here")
        note.absorb(b"one", "anna", [update])

        assert note.absorb(b"two", "anna", [update]) == []
        assert note.apply(update) == b""
        note.absorb(b"three", "bert", [other.state()])

        assert note.body == "Bert on Anna's words"
        assert note.unread == {}

    def test_new_words_under_another_device_s_number_are_refused_beside_its_own(self) -> None:
        """Words of its own make nobody else's number its own."""
        author, thief, other = Note(ID, 7), Note(ID, 7), Note(ID, 8)
        first = author.replace_body("Anna's")
        other.apply(first)
        thief.apply(first)
        other.apply(Note.load(ID, 7, thief.state()).splice(6, 6, " forged"))
        other.splice(0, 0, "Bert on ")
        note = Note(ID, 1, "here")
        note.absorb(b"one", "anna", [first])

        note.absorb(b"two", "bert", [other.state()])

        assert note.body == "Anna's"
        assert "number 7" in note.unread[b"two"].reason

    def test_what_is_written_under_a_taken_number_is_named_though_its_clocks_are_held(self) -> None:
        """Who took the number has made as many clocks as the words have, or more: they are refused, not passed over."""
        victim, thief = Note(ID, 7), Note(ID, 7)
        note = Note(ID, 1, "here")
        note.absorb(b"theft", "eve", [thief.replace_body("Eve's longer words")])

        note.absorb(b"words", "anna", [victim.replace_body("Anna's")])

        assert note.body == "Eve's longer words"
        assert list(note.unread) == [b"words"]
        assert "number 7" in note.unread[b"words"].reason

    def test_what_waits_and_turns_out_to_be_under_a_taken_number_is_named(self) -> None:
        """It came before what it builds on, and another device took its number meanwhile."""
        base = Note(ID, 5)
        first = base.replace_body("one")
        victim, thief = Note(ID, 7), Note(ID, 7)
        victim.apply(first)
        note = Note(ID, 1, "here")
        note.absorb(b"words", "anna", [victim.splice(3, 3, "!")])
        note.absorb(b"theft", "eve", [thief.replace_body("Eve's")])

        note.absorb(b"first", "carl", [first])

        assert "!" not in note.body
        assert list(note.unread) == [b"words"]
        assert not note.pending

    def test_an_edit_takes_nothing_along_that_waited_for_it(self) -> None:
        """It is signed by this device: with another one's words in it, all others would refuse it. The next change lets them in."""
        tab, other = Note(ID, 7), Note(ID, 8)
        edit = tab.replace_body("Anna's")
        other.apply(edit)
        note = Note(ID, 1, "anna")
        note.absorb(b"early", "bert", [other.splice(6, 6, " and Bert's")])

        assert note.apply(edit, wait=False) == edit
        assert (note.body, note.pending) == ("Anna's", True)
        note.absorb(b"next", "carl", [Note(ID, 9).set_field("folder", "a", 1)])

        assert (note.body, note.pending) == ("Anna's and Bert's", False)
        assert note.writers[8] == "bert"

    def test_a_taken_number_of_its_own_is_not_written_under(self) -> None:
        """Another device came first: the document says so, and goes on under another number with all that it holds."""
        note, thief = Note(ID, 1, "here"), Note(ID, 1)
        note.absorb(b"one", "eve", [thief.replace_body("Eve's words")])
        assert note.is_number_taken

        note = note.renumbered(2)
        note.splice(0, 0, "Not ")

        assert not note.is_number_taken
        assert note.body == "Not Eve's words"
        assert dict(note.writers) == {1: "eve", 2: "here"}

    def test_whose_numbers_are_is_kept_with_a_state(self) -> None:
        """After a start the same is refused as before."""
        author, thief = Note(ID, 7), Note(ID, 7)
        note = Note(ID, 1, "here")
        note.absorb(b"one", "anna", [author.replace_body("Anna's")])
        thief.replace_body("Eve's words")

        again = Note.load(ID, 2, note.state(), "here", note.writers)
        again.absorb(b"two", "eve", [thief.state()])

        assert (again.body, list(again.unread)) == ("Anna's", [b"two"])


class TestAbsorbing:
    """A change is taken in as far as it can be read."""

    def test_one_edit_that_is_unfit_costs_no_other(self) -> None:
        """What stands before and behind it in the same change is taken."""
        author = Note(ID, 7)
        updates = [author.replace_body("one"), UNFIT["a nested map"], author.splice(3, 3, " two")]

        note = Note(ID, 1)
        note.absorb(b"change", "anna", updates)

        assert note.body == "one two"
        assert list(note.unread) == [b"change"]

    def test_what_came_too_early_is_taken_in_as_soon_as_it_can_be(self) -> None:
        """Whatever order they come in, all orders end the same; until then the change is named as early."""
        author = Note(ID, 7)
        first, second, third = author.replace_body("one"), author.splice(3, 3, " two"), author.splice(0, 3, "1")
        note = Note(ID, 1)

        assert note.absorb(b"third", "anna", [third]) == []
        assert note.absorb(b"second", "anna", [second]) == []
        assert {name: unread.early for name, unread in note.unread.items()} == {b"third": True, b"second": True}
        note.absorb(b"first", "anna", [first])

        assert note.body == author.body
        assert note.unread == {}
        assert not note.pending
