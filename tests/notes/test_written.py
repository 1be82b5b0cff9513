"""The words of an update can be read though the update cannot be applied."""

from carryon.notes.note import Note
from carryon.notes.written import text_written
from hypothesis import given
from hypothesis import strategies as st

NOTE = "0" * 26
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@given(st.lists(st.tuples(st.integers(0, 200), TEXT), max_size=12))
def test_every_insertion_is_read_from_its_own_update(insertions: list[tuple[int, str]]) -> None:
    """Wherever it stands in the text, beside deletions and fields, without what it builds on."""
    note = Note(NOTE, 7)
    note.write(1, body="begin", fields={"title": "Title"})

    for at, text in insertions:
        place = at % (len(note.body) + 1)
        assert text_written(note.splice(place, min(place + 1, len(note.body)), text)) == text


def test_fields_are_no_words_of_the_note() -> None:
    """A title is set by an action, which is refused in words of its own."""
    note = Note(NOTE, 7)

    assert text_written(note.write(1, body="Words", fields={"title": "Title"})) == "Words"
    assert text_written(note.set_field("title", "Other", 2)) == ""


@given(st.binary(max_size=60), st.integers(0, 60))
def test_bytes_that_are_no_update_end_the_words(garbage: bytes, cut: int) -> None:
    """Anything may come from a tab: it neither raises nor runs on for ever."""
    update = Note(NOTE, 7).replace_body("Words")

    assert isinstance(text_written(garbage), str)
    assert "Words".startswith(text_written(update[:cut]))


def test_a_number_without_end_is_refused_before_it_is_made() -> None:
    """A million bytes of it would cost minutes."""
    assert text_written(b"\x01\x01" + b"\xff" * 1_000_000) == ""
