"""Keeps what is costly to build in the user's cache folder, under the hash of everything it was made from.

1. An entry is never changed: other inputs make another key.
2. An entry appears whole or not at all (rename), and while one process builds it another waits for it (`building`).
3. Nothing in it is needed: an empty cache only costs time.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def building(target: Path) -> Iterator[bool]:
    """Hold the right to build an entry; says whether it is still missing, for somebody else may just have built it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with (target.parent / f".{target.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield not target.exists()


def put(made: Path, target: Path) -> None:
    """Copy a finished file or folder into the cache, whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".part-") as part:
        copy = Path(part) / target.name
        if made.is_dir():
            shutil.copytree(made, copy)
        else:
            shutil.copyfile(made, copy)
        copy.rename(target)
