"""A note's document: edits, updates, and the traps of pycrdt, each met by a rule."""

from carryon.notes.note import Note

ID = "0" * 26


def test_a_body_is_kept_byte_for_byte() -> None:
    """Byte order mark, line ends of every kind, NUL and emoji come back as they were."""
    text = "\ufeff---\r\na: b\r\n---\r\nx\ry\n\x00 😀 \u2028 é e\u0301"
    note = Note(ID, 1)

    update = note.replace_body(text)

    other = Note(ID, 2)
    other.apply(update)
    assert other.body.encode() == text.encode()
