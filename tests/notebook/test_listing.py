"""The index: whatever happened to the rows, lists and counts are those of the rows as they are."""

from collections import Counter

from carryon.notebook.listing import Index, lists_max
from carryon.notebook.search import fold, parse_query, row_matches
from carryon.notes.row import Row
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.notebook.world import id_of

IDS = [id_of(number) for number in range(1, 9)]
FOLDERS = ["", "a", "a/b", "A/c", "ab"]
TAGS = st.lists(st.sampled_from(["x", "X", "x/y", "z", "été"]), max_size=2, unique=True).map(tuple)
TITLES = ["One", "Two words", "one", "", "Eté"]
BODIES = ["", "one two", "# two\nthree", "Été\nwords", "# one\n# two three"]
QUERIES = ["", "one", "two three", "-one", "ete", "tag:x", "-tag:z one", "folder:a", "is:task", '"two three"']
# As they are typed, and what narrows none of the others though it looks like it.
QUERIES += [
    "o",
    "on",
    "one t",
    "t",
    "tw",
    "two",
    '"two',
    "-one two",
    "-on two",
    "tag:x one",
    "-tag:x one",
    "-is:task one",
    "folder:a o",
]

ROWS = st.builds(
    Row,
    note=st.sampled_from(IDS),
    title=st.sampled_from(TITLES),
    folder=st.sampled_from(FOLDERS),
    snippet=st.just(""),
    tags=TAGS,
    words=st.just(0),
    tasks_open=st.integers(0, 1),
    tasks_done=st.integers(0, 1),
    pinned=st.booleans(),
    trashed=st.booleans(),
    created=st.integers(0, 3),
    modified=st.integers(0, 3),
    source=st.just(""),
)


class IndexMachine(RuleBasedStateMachine):
    """Puts rows and texts, asks for lists in between, and compares with what is computed from scratch."""

    def __init__(self) -> None:
        super().__init__()
        self.index = Index()

    @initialize(rows=st.lists(ROWS, max_size=6, unique_by=lambda row: row.note))
    def start(self, rows: list[Row]) -> None:
        self.index.put_rows(rows)

    @rule(rows=st.lists(ROWS, max_size=3, unique_by=lambda row: row.note))
    def put_rows(self, rows: list[Row]) -> None:
        self.index.put_rows(rows)

    @rule(row=ROWS)
    def put_row(self, row: Row) -> None:
        self.index.put_row(row)

    @rule(note=st.sampled_from(IDS), body=st.sampled_from(BODIES))
    def put_text(self, note: str, body: str) -> None:
        if note in self.index.rows:
            self.index.put_text(note, body)

    @rule(
        place=st.sampled_from(["notes", "trash"]),
        folder=st.sampled_from(["", "a", "A", "a/b"]),
        tag=st.sampled_from(["", "x", "ete"]),
        query=st.sampled_from(QUERIES),
    )
    def list_notes(self, place: str, folder: str, tag: str, query: str) -> None:
        assert place in ("notes", "trash")
        listing = self.index.listed(place, folder, tag, query)  # type: ignore[arg-type]

        expected = self._expected(place, folder, tag, query)
        assert sorted(listing.ids) == sorted(expected)
        if not parse_query(query).words:
            assert listing.ids == sorted(expected, key=self._order)
        assert listing.total == len(listing.ids)
        assert self.index.listed(place, folder, tag, query) is listing  # type: ignore[arg-type]
        for note in listing.hits:
            row = self.index.rows[note]
            assert "".join(text for text, _ in listing.hits[note].title) == row.title

    @rule(wanted=st.sampled_from(["One", "a/one", "two words", "nothing", "a/nothing"]))
    def link(self, wanted: str) -> None:
        found = self.index.linked(wanted)

        rows = [row for row in self.index.rows.values() if not row.trashed]
        named = {row.note for row in rows if fold(row.title) == fold(wanted)}
        placed = {row.note for row in rows if fold(f"{row.folder}/{row.title}") == fold(wanted)}
        assert set(found) == (named or placed)

    @invariant()
    def counts_are_those_of_the_rows(self) -> None:
        rows = [row for row in self.index.rows.values() if not row.trashed]
        folders: Counter[str] = Counter()
        for row in rows:
            parts = row.folder.split("/") if row.folder else []
            folders.update("/".join(parts[: depth + 1]) for depth in range(len(parts)))
        assert self.index.folders() == folders
        assert Counter(fold(tag) for row in rows for tag in row.tags) == {
            fold(tag): number for tag, number in self.index.tags().items()
        }
        assert self.index.counts() == {"notes": len(rows), "trash": len(self.index.rows) - len(rows)}

    def _expected(self, place: str, folder: str, tag: str, query: str) -> list[str]:
        parsed = parse_query(query)
        found = []
        for row in self.index.rows.values():
            text = fold(row.title) + "\n" + fold(self.index.bodies.get(row.note, ""))
            if (
                row.trashed == (place == "trash")
                and (not folder or fold(row.folder) == fold(folder) or fold(row.folder).startswith(fold(folder) + "/"))
                and (not tag or any(fold(t) == tag or fold(t).startswith(tag + "/") for t in row.tags))
                and row_matches(parsed, row)
                and all(word in text for word in parsed.words)
                and not any(word in text for word in parsed.words_not)
            ):
                found.append(row.note)
        return found

    def _order(self, note: str) -> tuple[bool, int, str]:
        row = self.index.rows[note]
        return (not row.pinned, -row.modified, note)


TestIndex = IndexMachine.TestCase
TestIndex.settings = settings(max_examples=60, stateful_step_count=25)


def test_of_the_lists_only_the_last_are_kept() -> None:
    """A person who types a long query does not fill the memory."""
    index = Index()
    index.put_rows([_row(1)])
    first = index.listed("notes", "", "", "a")

    for number in range(lists_max):
        index.listed("notes", "", "", f"query {number}")

    assert index.listed("notes", "", "", "a") is not first


def test_a_list_that_nothing_changed_is_the_same_object() -> None:
    """And one that a row changed is another: what was given out is never changed."""
    index = Index()
    index.put_rows([_row(1), _row(2)])
    before = index.listed("notes", "", "", "")

    assert index.listed("notes", "", "", "") is before
    index.put_row(_row(1)._replace(modified=9))

    assert index.listed("notes", "", "", "").ids == [id_of(1), id_of(2)]
    assert before.ids == [id_of(2), id_of(1)]


def _row(number: int) -> Row:
    return Row(id_of(number), f"Note {number}", "", "", (), 0, 0, 0, False, False, 1, number, "")


def test_a_query_finds_the_same_whatever_was_asked_before() -> None:
    """A longer query looks only at what a shorter one has found: it must not take one for shorter that is merely alike."""
    texts = [(title, tags, body) for title in ("One", "Two") for tags in ((), ("x",)) for body in BODIES]
    rows = [
        _row(number)._replace(title=title, tags=tags, folder=FOLDERS[number % 4], tasks_open=number % 2)
        for number, (title, tags, _) in enumerate(texts)
    ]

    def index() -> Index:
        made = Index()
        made.put_rows(rows)
        for row, (_, _, body) in zip(rows, texts, strict=True):
            made.put_text(row.note, body)
        return made

    for before in QUERIES:
        for query in QUERIES:
            asked = index()
            asked.listed("notes", "", "", before)
            assert asked.listed("notes", "", "", query).ids == index().listed("notes", "", "", query).ids, (
                before,
                query,
            )
