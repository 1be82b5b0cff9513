"""Writes the bill of materials: which packages are in the site, from where and under which licence, and every file's hash.

`bom.json`: {"release", "runtime", "packages": [{"name", "version", "licence", "hash", "origin"}], "files": {path: hash}}
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from tools.runtime.packages import Package
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


def write(target: Path, release: str, runtime: str, packages: Iterable[Package], files: dict[str, str]) -> None:
    """Write bom.json."""
    listed = [
        {
            "name": package.name,
            "version": package.version,
            "licence": package.licence,
            "hash": package.hash,
            "origin": package.origin,
        }
        for package in packages
    ]
    bill = {"release": release, "runtime": runtime, "packages": listed, "files": files}
    target.write_text(json.dumps(bill, indent=1, sort_keys=True) + "\n")
