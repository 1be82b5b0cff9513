"""Everything that is checked without running the program: `python -m tools.check`.

1. Formatting and lint (ruff), types of Python (mypy strict) and of JavaScript (tsc), the layers.
2. All of them run, two at a time, so that one run shows everything that is wrong.
"""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tools.site.build import write_messages
from tools.system import ENVIRONMENT, ROOT, node

PYTHON = str(ENVIRONMENT / "bin" / "python")
CHECKS = {
    "types of Python": [PYTHON, "-m", "mypy"],
    "types of JavaScript": [str(node()), str(ROOT / "node_modules" / "typescript" / "bin" / "tsc")],
    "layers": [PYTHON, "-m", "pytest", "-q", "tests/test_layers.py"],
    "lint": [PYTHON, "-m", "ruff", "check", "--quiet", "--output-format", "concise"],
    "formatting": [PYTHON, "-m", "ruff", "format", "--check", "--quiet", "--output-format", "concise"],
}


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check said."""

    name: str
    is_clean: bool
    words: str
    seconds: float


def main() -> int:
    """Run every check and print what is wrong."""
    write_messages()
    with ThreadPoolExecutor(max_workers=2) as pool:
        checked = list(pool.map(check, CHECKS))
    for one in checked:
        if not one.is_clean:
            print(f"\n{one.name}:\n{one.words.rstrip()}")
    print()
    for one in checked:
        print(f"{'ok   ' if one.is_clean else 'WRONG'}  {one.name} ({one.seconds:.1f} s)")
    return 0 if all(one.is_clean for one in checked) else 1


def check(name: str) -> Checked:
    """Run one check."""
    started = time.monotonic()
    done = subprocess.run(CHECKS[name], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return Checked(name, done.returncode == 0, done.stdout, time.monotonic() - started)


if __name__ == "__main__":
    sys.exit(main())
