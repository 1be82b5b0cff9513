"""What dataclasses generate is compiled at build time: nothing of the app's is left to compile, and a class is what it would be."""

import json
import subprocess
from pathlib import Path

from tools.system import node

HERE = Path(__file__).parent


def test_importing_the_app_compiles_nothing(site: Path) -> None:
    """Every text that a dataclass of the app or of pycrdt executes at a start is in the table, and it is that text's code."""
    archive = next(site.glob("v/*/app.zip"))
    runtime = next(site.glob("r/*"))

    printed = subprocess.run(
        [str(node()), str(HERE / "precompiled.mjs"), str(runtime), str(archive)],
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(printed.stdout) == {"executed": True, "compiled": [], "same": True}
