"""The journeys in other engines are asked for by name only: they need what set-up does not provide."""

from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def test_nothing_of_the_other_engines_is_collected_with_e2e() -> None:
    """`pytest e2e` finds no test there and loads no conftest."""
    folder = ROOT / "e2e" / "engines"
    names = [path.name for path in folder.glob("*.py")]

    assert "journeys.py" in names
    assert [name for name in names if name.startswith("test_") or name.endswith(("_test.py", "conftest.py"))] == []


def test_what_the_other_engines_need_is_not_part_of_the_environment() -> None:
    """Its lock is nobody's input but its own set-up's."""
    assert "selenium" in (ROOT / "requirements-engines.txt").read_text()
    assert "selenium" not in (ROOT / "requirements.txt").read_text()
    assert "engines" not in (ROOT / "tools" / "setup.py").read_text()
