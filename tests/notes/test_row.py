"""Rows: what is derived from a note for the list."""

import json
from itertools import count

import pytest
from carryon.notes.note import Note
from carryon.notes.row import (
    Row,
    clean_folder,
    decode_rows,
    encode_rows,
    row_of,
    split_front_matter,
    trashed_holds,
    trashed_value,
)
from hypothesis import given
from hypothesis import strategies as st

from tests.notes.histories import ID

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


def test_a_row_tells_what_the_note_holds() -> None:
    """Fields, tags, tasks, words, times: one row of a small note."""
    body = "---\ntags: [trip, 'Big Plan']\n---\n# Norway\n\nPack *light* for #summer\n- [ ] call\n- [x] book\n"

    row = _row(body, title="Norway", folder=" a / b ", pinned="1", source="{}")

    assert row == Row(
        note=ID,
        title="Norway",
        folder="a/b",
        snippet="Pack light for #summer call book",
        tags=("trip", "Big", "Plan", "summer"),
        words=13,
        tasks_open=1,
        tasks_done=1,
        pinned=True,
        trashed=False,
        created=1,
        modified=2,
        source="{}",
    )


@pytest.mark.parametrize(
    ("body", "title", "snippet"),
    [
        ("", "", ""),
        ("# A plan\nfirst\nsecond", "A plan", "first second"),
        ("\ufeff---\na: b\n---\n\n> quoted **words**", "quoted words", ""),
        ("[[Home|my home]] and [a link](https://x.y)\nnext", "my home and a link", "next"),
        ("```\ncode\n```\nwords", "words", ""),
        ("- [ ] a task\n1. first", "a task", "first"),
    ],
)
def test_a_note_without_a_title_is_called_by_its_first_line(body: str, title: str, snippet: str) -> None:
    """The first heading or line of text, without marks; the snippet is what follows."""
    row = _row(body)

    assert (row.title, row.snippet) == (title, snippet)


@pytest.mark.parametrize(
    ("body", "tags"),
    [
        ("#one and (#two), #Three/four. #five-six", ("one", "two", "Three/four", "five-six")),
        ("# heading #12 a#b http://x/#frag \\#no ##no", ()),
        ("`#code` and `a #code` but #this", ("this",)),
        ("```\n#fenced\n```\n#after\n~~~ x\n#fenced\n~~~", ("after",)),
        ("````\n```\n#in\n````\n#out\n```\n#never closed", ("out",)),
        ("#Same #same #SAME", ("Same",)),
        ("#été #日本 #a_b", ("été", "日本", "a_b")),
        ("---\ntags:\n  - one\n  - two\n---\n", ("one", "two")),
        ("---\r\ntag: solo\r\n---\r\n#body", ("solo", "body")),
        ("---\ntags: [a, b]\n---\n", ("a", "b")),
        ("---\ntags: [\n  a,\n  b\n]\ntitle: c\n---\n", ("a", "b")),
        ("---\nTags:\n\n- a # the first\n- '#b'\ntitle: c\n---\n", ("a", "b")),
        ("---\ntags: # none yet\n  - tags: ~\n---\n", ()),
        ("---\ntags: #a #b\n---\n", ("a", "b")),
        ("---\naliases:\n  - tags: x\n---\n", ()),
        ("---\nnotags: x\n---\n", ()),
        ("not first\n---\ntags: x\n---\n", ()),
    ],
)
def test_tags_stand_in_text_and_front_matter(body: str, tags: tuple[str, ...]) -> None:
    """Not in code, addresses or headings; each once, as it was first written."""
    assert _row(body).tags == tags


@pytest.mark.parametrize(
    ("body", "tasks"),
    [
        ("- [ ] a\n* [x] b\n+ [X] c\n1. [ ] d\n2) [ ] e\n  - [ ] nested\r\n> - [ ] quoted\n", (5, 2)),
        ("[ ] no item\ntext - [ ] no\n-[ ] no\n- [ ]no\n- [y] no", (0, 0)),
        ("```\n- [ ] code\n```\n- [ ] a", (1, 0)),
    ],
)
def test_tasks_are_list_items(body: str, tasks: tuple[int, int]) -> None:
    """Of any kind of list, nested or quoted, but not in code."""
    row = _row(body)

    assert (row.tasks_open, row.tasks_done) == tasks


@given(st.text(alphabet="-\n\r \ufeffab:`~#[]x", max_size=80))
def test_any_text_has_a_row(body: str) -> None:
    """And front matter with the rest is the text without the dashes: nothing of the rest is lost."""
    row = _row(body)
    front, rest = split_front_matter(body)

    assert row.words == len(rest.split())
    assert body.endswith(rest)
    assert not front or body.removeprefix("\ufeff").startswith("---")


@given(st.text(alphabet="ab/ ", max_size=20))
def test_a_folder_has_one_form(folder: str) -> None:
    """Cleaning twice is cleaning once, and leaves no empty part."""
    clean = clean_folder(folder)

    assert clean_folder(clean) == clean
    assert all(part and part == part.strip() for part in clean.split("/")) or clean == ""


def test_rows_are_stored_and_read() -> None:
    """As they were; bytes of another form are no rows."""
    rows = [_row("# a 😀 #tag"), _row("", folder="x")]

    assert decode_rows(encode_rows(rows)) == rows
    for bad in (b"", b"[1]", b"[[1,2]]", b"\xff", encode_rows(rows)[:-3]):
        with pytest.raises(ValueError):
            decode_rows(bad)


@given(JSON, st.lists(JSON, min_size=len(Row._fields), max_size=len(Row._fields)), st.binary())
def test_no_stored_form_of_rows_upsets_the_start(any_form: object, near: list[object], data: bytes) -> None:
    """Rows, or ValueError: they are made again then, and nothing else may come out."""
    for stored in (data, json.dumps(any_form).encode(), json.dumps([near]).encode()):
        try:
            assert all(isinstance(row, Row) for row in decode_rows(stored))
        except ValueError:
            continue


class TestTrash:
    """A note is in the trash only while nobody but those who put it there has written beyond what they had seen."""

    def test_it_holds_while_the_others_are_where_they_were(self) -> None:
        value = trashed_value("aa", {"aa": 7, "bb": 3})

        assert trashed_holds([value], {"aa": 7, "bb": 3})
        assert trashed_holds([value], {"aa": 9, "bb": 3}), "the change that trashes is the author's own"
        assert trashed_holds([value], {"bb": 2})

    def test_an_edit_wins_over_a_deletion(self) -> None:
        value = trashed_value("aa", {"aa": 7, "bb": 3})

        assert not trashed_holds([value], {"aa": 8, "bb": 4})
        assert not trashed_holds([value], {"aa": 8, "bb": 3, "cc": 1})

    def test_two_deletions_do_not_undo_each_other(self) -> None:
        one, other = trashed_value("aa", {"bb": 3}), trashed_value("bb", {"aa": 7})

        assert trashed_holds([one, other], {"aa": 8, "bb": 4})
        assert not trashed_holds([one, other], {"aa": 8, "bb": 4, "cc": 1})

    def test_a_restored_note_is_restored_whoever_else_trashes_it(self) -> None:
        assert not trashed_holds([trashed_value("aa", {}), ""], {"aa": 1})
        assert not trashed_holds([""], {})
        assert not trashed_holds([], {})

    @given(st.text() | JSON.map(json.dumps))
    def test_a_value_of_another_form_trashes_nothing(self, value: str) -> None:
        assert not trashed_holds([value, "[]"], {})

    @pytest.mark.parametrize("value", ["[" * 200_000, '{"by":"aa","heads":{"bb":Infinity}}'], ids=["deep", "endless"])
    def test_a_value_that_is_made_to_upset_trashes_nothing(self, value: str) -> None:
        assert not trashed_holds([value], {})

    @given(JSON, st.dictionaries(st.text(max_size=4), JSON, max_size=3))
    def test_no_value_of_nearly_the_form_upsets_anybody(self, by: object, heads: dict[str, object]) -> None:
        """It was written by another device, perhaps of another release."""
        value = json.dumps({"by": by, "heads": heads})

        assert trashed_holds([value], {"cc": 1}) in (True, False)


_counter = count()


def _row(body: str, **fields: str) -> Row:
    note = Note(ID, 1)
    note.write(next(_counter), body=body, fields=fields)
    return row_of(note, 1, 2, {})
