"""Writes the bill of materials: which packages are in the site, from where and under which licence, and every file's hash.

`bom.json`: {"release", "runtime", "packages": [{"name", "version", "licence", "hash", "origin"}], "files": {path: hash}}
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from tools.runtime.packages import Package
from tools.site.files import table
from tools.site.release import Release
from tools.system import ROOT

LOCK = ROOT / "package-lock.json"


def npm_packages(names: Iterable[str]) -> list[Package]:
    """Return what the npm lock says of packages."""
    locked = json.loads(LOCK.read_text())["packages"]
    return [
        Package(name, entry["version"], entry["license"], entry["integrity"], "npm registry")
        for name in sorted(names)
        for entry in [locked[f"node_modules/{name}"]]
    ]


def write(folder: Path, release: Release, packages: Iterable[Package]) -> None:
    """Write bom.json into the folder of the site's root, which holds everything else at the root already."""
    bill = {
        "release": release.release,
        "runtime": release.runtime,
        "packages": [asdict(package) for package in packages],
        "files": {**release.all_files(), **table(folder)},
    }
    (folder / "bom.json").write_text(json.dumps(bill, indent=1, sort_keys=True) + "\n")
