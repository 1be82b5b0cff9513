"""Runs pycrdt's own tests on the wheel, in Pyodide, in Node.

1. All of upstream's tests run but those named here with the reason; a name that matches no test is an error.
2. How many must pass is written down: a test that silently does not run is an error too.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from tools.locks import fetch, pins
from tools.pycrdt_wheel import recipe
from tools.runtime.build import runtime
from tools.system import ROOT, node, run

HERE = Path(__file__).resolve().parent
LOCK = ROOT / "browser-tests.txt"
PASSED = 0
NOT_RUN: dict[str, str] = {}


def run_suite() -> dict[str, str]:
    """Run the tests and return the outcome of each by its name."""
    with tempfile.TemporaryDirectory(prefix="carryon-suite-") as scratch:
        wheels = Path(scratch) / "wheels"
        fetch(LOCK, [name for name in pins(LOCK) if name not in pins(recipe.LOCK)], wheels)
        order = {
            "runtime": str(runtime()),
            "wheels": str(wheels),
            "source": str(recipe.unpacked_source(Path(scratch))),
            "arguments": [argument for name in NOT_RUN for argument in ("--deselect", name)],
        }
        path = Path(scratch) / "order.json"
        path.write_text(json.dumps(order))
        printed = run([node(), HERE / "suite.mjs", path], quiet=True)
    *report, last = printed.splitlines()
    print("\n".join(report))
    outcomes: dict[str, str] = json.loads(last)["outcomes"]
    return outcomes
