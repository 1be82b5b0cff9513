"""Names, hashes and writes the files of a site.

1. A hash is that of contents only, so that the same inputs give the same site anywhere.
2. Integrity is written as browsers read it: `sha256-` and base 64.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path

HASH_LENGTH = 16
SIBLINGS = (".br", ".gz")


def integrity(data: bytes) -> str:
    """Return the integrity value of a file."""
    return f"sha256-{base64.b64encode(hashlib.sha256(data).digest()).decode()}"


def table(folder: Path) -> dict[str, str]:
    """Return the integrity of every file under a folder by its path in it, compressed siblings left out."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix not in SIBLINGS)
    return {path.relative_to(folder).as_posix(): integrity(path.read_bytes()) for path in paths}


def hash_of(contents: Mapping[str, str]) -> str:
    """Return the name of a folder with these contents (integrity by path)."""
    lines = "".join(f"{path} {value}\n" for path, value in sorted(contents.items()))
    return hashlib.sha256(lines.encode()).hexdigest()[:HASH_LENGTH]
