"""docs/security.md names what is there: every word under which something is derived, signed or sealed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from carryon.crypto.wrapping import EPOCH_WRAP, INVITE_WRAP

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "security.md").read_text()


def _labels(path: Path) -> Iterator[str]:
    """Go through the words that a module gives to `labelled`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "labelled":
            word = node.args[0]
            if isinstance(word, ast.Constant):
                yield str(word.value)


def test_every_label_stands_on_the_page_and_no_other() -> None:
    """A reviewer sees all purposes in one table."""
    modules = [*(ROOT / "app/carryon").rglob("*.py"), *(ROOT / "sync_worker/carryon_sync").rglob("*.py")]
    used = {EPOCH_WRAP, INVITE_WRAP} | {label for path in modules for label in _labels(path)}
    rows = [line for line in PAGE.partition("| word | covers |")[2].splitlines() if line.startswith("| `")]

    named = {word for row in rows for word in row.split("|")[1].replace("`", " ").split()}

    assert used == named


def test_every_module_that_the_page_names_is_there() -> None:
    """A renamed module shows here."""
    named = {word.strip("`(),;:.") for word in PAGE.split() if word.strip("`(),;:.").endswith(".py")}
    paths = {
        path.relative_to(ROOT).as_posix()
        for part in ("app", "sync_worker", "tests")
        for path in (ROOT / part).rglob("*.py")
    }

    assert named
    assert {
        name for name in named if not any(path.endswith(f"/{name}") for path in (f"/{one}" for one in paths))
    } == set()
