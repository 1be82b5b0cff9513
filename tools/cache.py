"""Keeps what is costly to build in the user's cache folder, under the hash of everything it was made from.

1. An entry is never changed: other inputs make another key.
2. An entry appears whole or not at all (rename), so that two clones may build at once.
3. Nothing in it is needed: an empty cache only costs time.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

KEY_LENGTH = 20


def folder(name: str) -> Path:
    """Return a folder of Carryon's own in the user's cache, made if it is missing."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    path = Path(base) / "carryon" / name
    path.mkdir(parents=True, exist_ok=True)
    return path


def key(*parts: str | bytes | Path) -> str:
    """Hash texts, bytes and the contents of files, in order, into one key."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.read_bytes() if isinstance(part, Path) else part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()[:KEY_LENGTH]


def put(made: Path, target: Path) -> None:
    """Copy a finished file or folder into the cache, whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".part-") as part:
        copy = Path(part) / target.name
        if made.is_dir():
            shutil.copytree(made, copy)
        else:
            shutil.copyfile(made, copy)
        try:
            copy.rename(target)
        except OSError:
            # Another clone was first with the same entry: a folder cannot be renamed over a full one.
            if not target.exists():
                raise
