"""What the docs say is there is there."""

import re
from pathlib import Path
from typing import Final

import pytest

REPOSITORY: Final = Path(__file__).parent.parent
SCENARIOS: Final = (REPOSITORY / "docs" / "scenarios.md").read_text()
# The numbers that the foundation promises; later work adds to the list, never takes away.
PROMISED: Final = ["A4", "A5", "A7", "A8", "A9", "B1", "B5", "C2", "C5", "C12", "D1", "D4", "D5", "E5", "G6"]
LINES: Final = re.findall(r"^- (.+?) → `(.+?)::(.+?)`$", SCENARIOS, re.MULTILINE)


@pytest.mark.parametrize("number", PROMISED)
def test_every_promised_scenario_has_a_line(number: str) -> None:
    """The list is complete."""
    assert any(re.search(rf"\b{number}\b", name) for name, _, _ in LINES)


@pytest.mark.parametrize(("path", "test"), [(path, test) for _, path, test in LINES])
def test_every_line_of_the_scenarios_names_a_test_that_exists(path: str, test: str) -> None:
    """A line whose test was renamed is a false line."""
    assert re.search(rf"^\s*(?:async )?def {re.escape(test)}\(", (REPOSITORY / path).read_text(), re.MULTILINE)


def test_no_line_of_the_scenarios_is_overlooked() -> None:
    """Each list item has the form that the tests above read."""
    assert len(re.findall(r"^- ", SCENARIOS, re.MULTILINE)) == len(LINES) > len(PROMISED)


def test_every_make_target_that_the_docs_name_exists() -> None:
    """`make …` in README and docs is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z0-9-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    pages = [REPOSITORY / "README.md", *(REPOSITORY / "docs").rglob("*.md")]
    named = {
        target
        for page in pages
        for target in re.findall(r"`?make ([a-z0-9]+(?:-[a-z0-9]+)*)\b", page.read_text())
        if "`make" in page.read_text()
    }

    assert "run" in named
    assert named - {"sure", "it", "a", "the"} <= targets


@pytest.mark.parametrize("page", ["README.md", "docs/architecture.md", "docs/security.md", "docs/protocol.md"])
def test_every_file_that_a_page_links_or_names_exists(page: str) -> None:
    """Relative links, and paths in code marks that look like files of ours."""
    text = (REPOSITORY / page).read_text()
    linked = [(REPOSITORY / page).parent / target for target in re.findall(r"\]\(([^)#:]+)\)", text)]
    named = [
        REPOSITORY / path for path in re.findall(r"`((?:app|static|tests|tools|sync_worker|e2e|docs)/[\w./-]+)`", text)
    ]

    assert [str(path) for path in [*linked, *named] if not path.exists()] == []


def test_decisions_are_numbered_without_gaps() -> None:
    """One page each, 0001 on."""
    numbers = sorted(int(page.name[:4]) for page in (REPOSITORY / "docs" / "decisions").glob("*.md"))
    assert numbers == list(range(1, len(numbers) + 1)) != []
