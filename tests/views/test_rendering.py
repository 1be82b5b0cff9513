"""Templates: a name that is missing is an error, what is unchanged is kept, and a built site carries them compiled."""

import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from carryon.views import listing, page, rendering
from jinja2 import UndefinedError

from tests.views.samples import DEVICE, NOTEBOOK, TAB, many_notes
from tests.views.tree import tree_of

VIEWS = Path(rendering.__file__).parent


def test_a_name_that_the_model_lacks_is_an_error() -> None:
    """A template and its model cannot drift apart unseen."""

    @dataclass(frozen=True)
    class Wrong:
        level: str = "saved"

    with pytest.raises(UndefinedError):
        rendering.render("status", Wrong())


def test_after_an_edit_only_its_row_is_rendered() -> None:
    """The list costs what changed, not what is in view."""
    notebook = many_notes(200)
    tab = replace(TAB, rows=40)
    page.view(notebook, tab, DEVICE)
    before = listing._row.cache_info().misses
    row = notebook.rows[f"{7:026}"]
    notebook.put_rows([row._replace(snippet="Other words.")])

    regions = page.view(notebook, tab, DEVICE)

    assert "Other words." in regions["list"]
    assert listing._row.cache_info().misses == before + 1


@pytest.mark.parametrize(
    ("first", "rows", "window"), [(0, 12, (0, 42)), (4, 12, (0, 42)), (25, 12, (10, 52)), (990, 12, (970, 1000))]
)
def test_the_window_holds_what_is_in_view_and_some_around_it(first: int, rows: int, window: tuple[int, int]) -> None:
    """Before and after are counted, so that the tab gives them their room; positions are told to those who listen."""
    notebook = many_notes(1_000)

    html = page.view(notebook, replace(TAB, first=first, rows=rows), DEVICE)["list"]

    shown = tree_of(html).one("list", "Notes")
    items = shown.all("listitem")
    assert (shown.attributes["data-before"], shown.attributes["data-after"]) == (str(window[0]), str(1000 - window[1]))
    assert [items[0].attributes["aria-posinset"], items[-1].attributes["aria-posinset"]] == [
        str(window[0] + 1),
        str(window[1]),
    ]
    assert items[0].attributes["aria-setsize"] == shown.attributes["data-total"] == "1000"


def test_a_short_scroll_changes_nothing() -> None:
    """Where the window begins is rounded."""
    notebook = many_notes(300)

    views = {page.view(notebook, replace(TAB, first=first), DEVICE)["list"] for first in range(20, 30)}

    assert len(views) == 1


def test_a_window_beyond_the_end_shows_the_end() -> None:
    """The list has become shorter than where it was scrolled to."""
    html = page.view(many_notes(30), replace(TAB, first=10_000, rows=10), DEVICE)["list"]

    assert tree_of(html).all("listitem")[-1].attributes["aria-posinset"] == "30"


def test_a_copy_with_compiled_templates_renders_the_same(tmp_path: Path) -> None:
    """A built site carries no template sources and compiles nothing in the browser."""
    program = (
        "from carryon.notebook.notebook import Notebook\n"
        "from tests.views.samples import SCENES, sample_notebook\n"
        "from carryon.views.page import view\n"
        "notebook = sample_notebook()\n"
        "print([view(notebook, *SCENES[scene]) for scene in SCENES])\n"
    )
    app = tmp_path / "app"
    shutil.copytree(VIEWS.parent, app / "carryon", ignore=shutil.ignore_patterns("__pycache__"))
    copy = app / "carryon" / "views"

    def printed() -> str:
        command = [sys.executable, "-c", f"import sys; sys.path[:0] = [{str(app)!r}]\n{program}"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    from_sources = printed()
    command = [sys.executable, "-m", "carryon.views.rendering", str(copy / "templates_compiled")]
    subprocess.run(command, check=True)
    shutil.rmtree(copy / "templates")

    assert printed() == from_sources
    assert NOTEBOOK not in (copy / "templates_compiled").name
