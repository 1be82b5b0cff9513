"""Names that anybody may have given: among other words they move none of them, and none is invisible."""

import unicodedata
from dataclasses import replace

import pytest
from carryon.notebook.commands import CreateNote
from carryon.notebook.notebook import Notebook
from carryon.views.action import Action, Outcome
from carryon.views.legible import legible, visible
from carryon.views.orders import ShowToast
from carryon.views.page import act, title_of, view
from hypothesis import given
from hypothesis import strategies as st

from tests.views.samples import DEVICE, NONCE, NOW, PACKING, TAB
from tests.views.tree import tree_of

TURNING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


@given(st.text())
def test_a_name_in_a_sentence_turns_nothing_and_breaks_nothing(name: str) -> None:
    """No direction is opened or closed in it, and no line ended; what else is in it stays."""
    shown = legible(name)

    assert not any(unicodedata.bidirectional(sign) in TURNING or unicodedata.category(sign) == "Cc" for sign in shown)
    assert [sign for sign in shown if sign.isalnum()] == [sign for sign in name if sign.isalnum()]


def test_joined_emoji_stay_joined() -> None:
    assert legible("👩‍👩‍👧‍👦") == "👩‍👩‍👧‍👦"


@pytest.mark.parametrize("name", ["\u202eevil", "two\nlines"])
def test_neither_the_page_s_title_nor_a_passing_word_is_turned_by_a_note_s_title(name: str) -> None:
    notebook = Notebook("0" * 26, 1, "", "aa")
    notebook.act(CreateNote(PACKING, name, ""), NOW)
    tab = replace(TAB, note=PACKING)

    outcome = act(notebook, tab, DEVICE, Action("note.trash", {"note": PACKING}, NONCE))

    assert title_of(notebook, tab) == f"{legible(name)} · Carryon"
    assert isinstance(outcome, Outcome)
    [toast] = [each.toast for each in outcome.commands if isinstance(each, ShowToast)]
    assert toast.words == f"Moved “{legible(name)}” to the trash"


@pytest.mark.parametrize("folder", ["\u200b\u200d", "Travel/\u202e"])
def test_a_folder_without_a_sign_to_be_seen_has_a_name(folder: str) -> None:
    """In the sidebar, where it could not be pressed, and over its list."""
    notebook = Notebook("0" * 26, 1, "", "aa")
    notebook.act(CreateNote(PACKING, "Packing", "", folder), NOW)

    regions = view(notebook, replace(TAB, folder=folder), DEVICE)

    assert tree_of(regions["nav"]).one("link", "Unnamed").attributes["data-folder"] == folder
    assert "Unnamed" in tree_of(regions["list"]).text
    assert visible("Z\u0301", "Unnamed") == "Z\u0301"
