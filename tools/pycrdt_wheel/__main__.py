"""Builds the pycrdt wheel and runs pycrdt's own tests on it: `python -m tools.pycrdt_wheel`."""

from __future__ import annotations

import sys

from tools.pycrdt_wheel import recipe, suite
from tools.system import Missing


def main() -> int:
    """Build, test, and say where the wheel is."""
    try:
        wheel = recipe.wheel()
        suite.judge(suite.run_suite())
    except (Missing, suite.SuiteFailed) as wrong:
        print(f"\n{wrong}", file=sys.stderr)
        return 1
    print(wheel)
    return 0


if __name__ == "__main__":
    sys.exit(main())
