"""Search: folding, queries, ranks, marks."""

import unicodedata

import pytest
from carryon.notebook.commands import CreateNote
from carryon.notebook.notebook import Notebook
from carryon.notebook.search import Hit, Query, fold, hit_of, parse_query, searchable, snippet_characters
from carryon.notes.row import Row
from hypothesis import given
from hypothesis import strategies as st

from tests.notebook.world import a_notebook, id_of

TEXTS = st.text() | st.text(alphabet="aÀé\u0301İßﬁΣς한字が\U0001f600\n ㎒")


@given(TEXTS)
def test_folding_twice_is_folding_once(text: str) -> None:
    """And lines stay lines, which marks rely on."""
    assert fold(fold(text)) == fold(text)
    assert fold(text).count("\n") == text.count("\n")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ÉTÉ", "ete"),
        ("Straße", "STRASSE"),
        ("ΣΊΣΥΦΟΣ", "σισυφος"),
        ("İstanbul", "istanbul"),
        ("ﬁne", "FINE"),
        ("Ｗｉｄｅ", "wide"),
        ("e\u0301", "é"),
        ("ё", "Е"),
    ],
)
def test_case_accents_and_forms_are_equal(one: str, other: str) -> None:
    """Precomposed or not, wide or not, final sigma or not."""
    assert fold(one) == fold(other)


@pytest.mark.parametrize(("one", "other"), [("か", "が"), ("כ", "כּ"[:1] + "ב"), ("한", "하")])
def test_letters_of_other_scripts_stay_apart(one: str, other: str) -> None:
    """Only the marks of Latin, Greek and Cyrillic are optional."""
    assert fold(one) != fold(other)


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("", Query()),
        ("  One  tWo ", Query(words=("one", "two"))),
        ('"a  phrase" -"not  this" -word', Query(words=("a phrase",), words_not=("not this", "word"))),
        ('an "open quote', Query(words=("an", "open quote"))),
        ("tag:#X -tag:y folder:A/b is:task", Query(tags=("x",), tags_not=("y",), folders=("a/b",), tasks=True)),
        ('folder:"two words" -folder:z/ -is:task', Query(folders=("two words",), folders_not=("z",), tasks_not=True)),
        ("is:what TAG:É", Query(words=("is:what",), tags=("e",))),
        ("- -- tag: a-b", Query(words=("-", "tag:", "a-b"), words_not=("-",))),
        ('""', Query()),
    ],
)
def test_a_query_is_parsed(text: str, query: Query) -> None:
    """Words, phrases, what must not be, and what the rows tell."""
    assert parse_query(text) == query


@given(st.text(alphabet='ab" -:tagisfolder#/é\u0301') | st.text())
def test_any_text_is_a_query(text: str) -> None:
    """No text that a person types is refused, and no word of it is empty."""
    query = parse_query(text)

    assert all(query.words)
    assert all(query.words_not)


def test_hits_are_ranked_by_where_and_when() -> None:
    """The title itself, its beginning, in the title, in headings, in the body; equal ones by time."""
    notebook = a_notebook()
    for number, (title, body) in enumerate(
        [
            ("Other", "the body says plan"),
            ("Other", "# a plan\nbody"),
            ("The plan", ""),
            ("Plan b", ""),
            ("Plan", ""),
            ("Other", "late body with a plan"),
            ("Other", "nothing"),
        ]
    ):
        notebook.act(CreateNote(id_of(number), title, body), now=number)

    listing = notebook.listed("notes", "", "", "PLAN")

    assert listing.ids == [id_of(number) for number in (4, 3, 2, 1, 5, 0)]


def test_all_words_must_match_and_none_that_must_not() -> None:
    """In any place of the note; words are parts of words too."""
    notebook = _notebook({1: ("Alpha", "beta gamma"), 2: ("Beta", "alphabet"), 3: ("Gamma", "alpha beta delta")})

    assert set(notebook.listed("notes", "", "", "alpha beta -delta").ids) == {id_of(1), id_of(2)}
    assert notebook.listed("notes", "", "", '"alpha beta"').ids == [id_of(3)]
    assert notebook.listed("notes", "", "", "epsilon").ids == []


def test_texts_without_spaces_are_found() -> None:
    """CJK needs no tokeniser, and folding does not tear syllables apart."""
    notebook = _notebook({1: ("会議", "来週の東京出張について"), 2: ("한국어", "검색은 된다")})

    assert notebook.listed("notes", "", "", "東京").ids == [id_of(1)]
    assert notebook.listed("notes", "", "", "검색").ids == [id_of(2)]


def test_a_hit_is_marked_in_title_and_snippet() -> None:
    """As it was written, in the line where it stands."""
    hit = _hit("ete mars", "L’Été à Mars", "first line\nen été 😀, et en MARS\nlast été")

    assert hit.title == (("L’", False), ("Été", True), (" à ", False), ("Mars", True))
    assert hit.snippet == (("en ", False), ("été", True), (" 😀, et en ", False), ("MARS", True))


def test_a_hit_in_the_title_alone_shows_the_usual_snippet() -> None:
    """Nothing else is there to show."""
    assert _hit("plan", "Plan", "Just words").snippet == (("Just words", False),)


def test_a_long_line_is_cut_around_the_hit() -> None:
    """However long the line is: a note may be one line."""
    hit = _hit("needle", "", "x" * 50_000 + " needle " + "y" * 50_000)

    text = "".join(piece for piece, _ in hit.snippet)
    assert text.startswith("…x")
    assert [piece for piece, marked in hit.snippet if marked] == ["needle"]
    assert len(text) <= snippet_characters + 1


@given(TEXTS, TEXTS, TEXTS)
def test_marks_change_no_text(words: str, title: str, body: str) -> None:
    """The pieces of a title are the title, and those of a snippet stand in the body or the row."""
    hit = _hit(words, title, body)

    assert "".join(text for text, _ in hit.title) == title
    snippet = "".join(text for text, _ in hit.snippet).removeprefix("…")
    assert snippet in body or snippet == body[:20]


@given(st.text(min_size=1, max_size=8), st.text(max_size=20), st.text(max_size=20))
def test_what_stands_in_a_text_is_found_and_marked(word: str, before: str, after: str) -> None:
    """A piece of a text, searched for as it stands there, finds it, where folding does not join it with its neighbours."""
    text = f"{before} {word} {after}".replace("\n", " ")
    query = Query(words=(fold(word.replace("\n", " ")).strip(),))
    if not query.words[0] or unicodedata.combining(word[0]):
        return

    assert query.words[0] in searchable("", text).text
    assert any(marked for _, marked in _marked(query, text))


def _marked(query: Query, title: str) -> tuple[tuple[str, bool], ...]:
    return hit_of(query, _row(title), "", searchable(title, "")).title


def _hit(words: str, title: str, body: str) -> Hit:
    return hit_of(parse_query(words), _row(title, body[:20]), body, searchable(title, body))


def _row(title: str, snippet: str = "") -> Row:
    return Row(id_of(1), title, "", snippet, (), 0, 0, 0, False, False, 0, 0, "")


def _notebook(notes: dict[int, tuple[str, str]]) -> Notebook:
    notebook = a_notebook()
    for number, (title, body) in notes.items():
        notebook.act(CreateNote(id_of(number), title, body), now=number)
    return notebook
