"""Addresses lead to tabs and back, and nothing in one can do harm."""

from dataclasses import replace

import pytest
from carryon.views.page import title_of, view
from carryon.views.route import is_step, query_of, route
from carryon.views.tab import Place, Tab, is_id
from hypothesis import given
from hypothesis import strategies as st

from tests.views.samples import DEVICE, NOTEBOOK, OTHER_NOTEBOOK, PACKING, TAB, sample_notebook, unhurried

IDS = st.text("0123456789ABCDEFGHJKMNPQRSTVWXYZ", min_size=26, max_size=26).filter(is_id)
NAMES = st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=500))
PLACES: st.SearchStrategy[Place] = st.sampled_from(["notes", "trash", "settings"])
TABS = st.builds(
    Tab,
    notebook=IDS,
    place=PLACES,
    note=st.one_of(st.none(), IDS),
    folder=NAMES,
    tag=NAMES,
    query=st.text(st.characters(exclude_categories=["Cs"]), max_size=500),
)


@unhurried
@given(TABS)
def test_the_address_of_a_tab_leads_to_it(tab: Tab) -> None:
    """A reload, a link and the browser's back show what was shown."""
    assert route(query_of(tab, several=True), TAB) == tab
    assert route(query_of(tab), Tab(tab.notebook)) == tab


@unhurried
@given(st.text())
def test_every_address_leads_somewhere(query: str) -> None:
    """An address comes from outside: it never raises, and what it leads to can be shown."""
    notebook = sample_notebook()

    tab = route(query, TAB)

    assert view(notebook, tab, DEVICE)["list"] or tab.place in ("settings", "join")
    assert title_of(notebook, tab).endswith("Carryon")


@pytest.mark.parametrize(
    ("query", "tab"),
    [
        ("", TAB),
        ("?", TAB),
        (f"?note={PACKING}", replace(TAB, note=PACKING)),
        (f"?note={PACKING.lower()}", replace(TAB, note=PACKING)),
        ("?note=../../etc", TAB),
        ("?at=trash", replace(TAB, place="trash")),
        ("?at=console", TAB),
        ("?join", replace(TAB, place="join")),
        (f"?in={OTHER_NOTEBOOK}&folder=A%2FB&tag=x", Tab(OTHER_NOTEBOOK, folder="A/B", tag="x")),
        ("?in=nowhere", TAB),
        ("?q=two+words", replace(TAB, query="two words")),
        ("?a=1" + "&a=1" * 30, TAB),
    ],
)
def test_an_address_is_read(query: str, tab: Tab) -> None:
    """What has not the form it should have is left out."""
    assert route(query, TAB) == tab


def test_an_address_keeps_the_window_and_closes_what_was_open() -> None:
    """Going back does not change how many rows fit."""
    tab = replace(TAB, rows=77, first=30, dialog="import", copied=True)

    assert route("?at=trash", tab) == replace(TAB, rows=77, place="trash")


def test_back_from_a_note_the_list_stands_where_it_stood_and_another_one_at_its_beginning() -> None:
    """The address does not say how far a list was scrolled."""
    tab = replace(TAB, folder="Travel", first=30)

    assert route("?folder=Travel", tab).first == 30
    assert route("?folder=Work", tab).first == 0


def test_the_home_of_a_notebook_has_no_query() -> None:
    """The shortest address is the one that is opened most."""
    assert query_of(TAB) == ""
    assert query_of(TAB, several=True) == f"?in={NOTEBOOK}"


def test_a_search_as_it_is_typed_is_no_step_back() -> None:
    """The browser's back leads to other places and notes, not to fewer letters."""
    assert not is_step(TAB, replace(TAB, query="a", first=3, dialog="browse"))
    for other in (
        replace(TAB, note=PACKING),
        replace(TAB, place="trash"),
        replace(TAB, folder="A"),
        replace(TAB, tag="a"),
    ):
        assert is_step(TAB, other)
