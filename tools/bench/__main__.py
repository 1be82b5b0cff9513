"""Measure Carryon on real input beside its baselines: `make bench`, or some parts of it: `python -m tools.bench opening relay`.

Prints one table, writes `build/bench.json`, and, when every part was run, puts the table into `docs/performance.md`.
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from playwright.sync_api import Playwright, sync_playwright

from e2e.device import CHROMIUM
from tools.bench import editor, notes, opening, relay
from tools.bench.figure import Figure, table
from tools.system import ROOT, say

SHARED: Final = ROOT.parent / "shared" / "data"
VAULT: Final = SHARED / "vault"
TRACE: Final = SHARED / "traces" / "automerge-paper.json.gz"
DOCUMENT: Final = ROOT / "docs" / "performance.md"
WRITTEN: Final = ROOT / "build" / "bench.json"

Part = Callable[[Playwright, Path], Iterator[Figure]]
PARTS: Final[dict[str, Part]] = {
    "opening": lambda playwright, folder: opening.warm(playwright, folder, VAULT),
    "first": opening.first_visit,
    "keys": editor.durable,
    "long": lambda playwright, folder: notes.long_note(playwright, folder, TRACE),
    "many": lambda playwright, folder: notes.many_notes(playwright, folder, VAULT),
    "relay": lambda _playwright, folder: relay.relay(folder),
}


def main() -> int:
    """Run the parts that are named, or all."""
    named = sys.argv[1:] or list(PARTS)
    unknown = [name for name in named if name not in PARTS]
    if unknown or not VAULT.is_dir():
        print(
            f"No such part: {', '.join(unknown)}. There are {', '.join(PARTS)}."
            if unknown
            else f"The benchmark needs real input in {VAULT}.",
            file=sys.stderr,
        )
        return 2
    figures: list[Figure] = []
    with sync_playwright() as playwright:
        for name in named:
            say(f"bench: {name}")
            with tempfile.TemporaryDirectory(prefix="carryon-bench-", ignore_cleanup_errors=True) as folder:
                for one in PARTS[name](playwright, Path(folder)):
                    figures.append(one)
                    print(table([one]).splitlines()[-1], flush=True)
    figures.sort(key=lambda one: int(one.no[1:]))
    print(table(figures))
    WRITTEN.parent.mkdir(exist_ok=True)
    WRITTEN.write_text(json.dumps([one.entry() for one in figures], indent=1, ensure_ascii=False))
    if set(named) == set(PARTS):
        _write_document(figures)
    return 0


def _write_document(figures: list[Figure]) -> None:
    text = f"{machine()}\n\n{table(figures)}"
    whole = DOCUMENT.read_text()
    DOCUMENT.write_text(
        re.sub(
            r"(<!-- bench -->\n).*(\n<!-- /bench -->)",
            lambda found: f"{found[1]}{text}{found[2]}",
            whole,
            flags=re.DOTALL,
        )
    )


def machine() -> str:
    """Describe the machine in a line."""
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())
    chromium = subprocess.run([CHROMIUM, "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    gigabytes = int(memory[1]) / 1024**2 if memory else 0
    return (
        f"{datetime.now(UTC):%Y-%m-%d}: {os.cpu_count()} cores ({model[1] if model else platform.machine()}), {gigabytes:.0f} GiB, "
        f"{platform.system()} {platform.release()}, Chromium {chromium} headless without GPU, Python {platform.python_version()}; "
        f"load at the end {os.getloadavg()[2]:.1f}."
    )


if __name__ == "__main__":
    sys.exit(main())
