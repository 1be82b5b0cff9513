"""What Carryon is measured beside: pages and a relay with nothing of ours in them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from tools.system import ROOT, run

HERE: Final = Path(__file__).parent


def bundled(name: str, folder: Path) -> Path:
    """Bundle one of the pages with what it is made of, into a folder that can be served."""
    folder.mkdir(parents=True)
    esbuild = ROOT / "node_modules" / ".bin" / "esbuild"
    run(
        [
            esbuild,
            HERE / f"{name}.js",
            "--bundle",
            "--minify",
            "--format=esm",
            f"--outfile={folder / 'page.js'}",
            "--log-level=warning",
        ]
    )
    shutil.copyfile(HERE / "page.html", folder / "index.html")
    return folder
