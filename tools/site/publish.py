"""Puts a built release into the folder that is served.

1. Hash folders first, then the files at the root, `sw.js` last: whoever fetches in between gets the old release or the
   new one, and a service worker that gets neither whole does not install.
2. A file appears whole (rename).
3. Then what is of no release any more goes; pages that still run an older one have it in their caches.
"""

from __future__ import annotations

import shutil
from pathlib import Path

WORKER = "sw.js"


def put_folder(source: Path, place: Path) -> None:
    """Copy a hash folder to its place; what is there already is the same."""
    if place.exists():
        return
    part = place.with_name(f"{place.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(source, part, copy_function=shutil.copyfile)
    part.rename(place)


def put_root(shell: Path, target: Path) -> None:
    """Replace the files at the root."""
    for source in sorted(files(shell), key=lambda path: path.name.startswith(WORKER)):
        place = target / source.relative_to(shell)
        place.parent.mkdir(parents=True, exist_ok=True)
        part = place.with_name(f"{place.name}.part")
        shutil.copyfile(source, part)
        part.rename(place)


def sweep(target: Path, shell: Path, kept: set[Path]) -> None:
    """Remove what neither the shell nor the kept files and folders name."""
    named = kept | {target / path.relative_to(shell) for path in files(shell)}
    for path in [*target.glob("*"), *target.glob("icons/*")]:
        if path.is_file() and path not in named:
            path.unlink()
    for path in [*target.glob("v/*"), *target.glob("r/*")]:
        if path not in named:
            shutil.rmtree(path)


def files(folder: Path) -> list[Path]:
    """Return every file under a folder."""
    return [path for path in folder.rglob("*") if path.is_file()]
