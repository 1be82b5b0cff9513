"""Builds the site: `python -m tools.site [--target FOLDER] [--relay-origin ORIGIN …] [--mark WORDS] [--dev]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tools.site.build import build
from tools.site.release import Order, relay_origin
from tools.system import ROOT, Missing


def main() -> int:
    """Read the command line and build."""
    parser = argparse.ArgumentParser(prog="python -m tools.site", description="Build Carryon's site.")
    parser.add_argument("--target", type=Path, default=ROOT / "build" / "site", help="where the site is put")
    parser.add_argument(
        "--relay-origin",
        action="append",
        default=[],
        type=relay_origin,
        help="the origin of another relay that pages may talk to (wss://host)",
    )
    parser.add_argument("--mark", default="", help="words that make this another release of the same sources")
    parser.add_argument("--dev", action="store_true", help="pages reload by themselves, and nothing is kept offline")
    chosen = parser.parse_args()
    try:
        build(chosen.target, Order(tuple(chosen.relay_origin), chosen.mark, chosen.dev))
    except Missing as missing:
        print(f"\nThe site was not built: {missing}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
