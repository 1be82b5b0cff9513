"""What dataclasses generate is compiled at build time: nothing of the app's is left to compile, and a class is what it would be."""

import json
from pathlib import Path

from tests.tools.running import printed


def test_importing_the_app_compiles_nothing(site: Path) -> None:
    """Every text that a dataclass of the app or of pycrdt executes at a start is in the table, and it is that text's code."""
    assert json.loads(printed(site, "precompiled.mjs")) == {"executed": True, "compiled": [], "same": True}
