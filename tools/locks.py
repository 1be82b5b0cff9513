"""Reads the pip locks and fetches what they name, every archive checked by its hash.

1. A lock is `name==version` lines with `--hash=` continuations and names no host: where packages come from is the
   machine's own pip configuration.
2. Wheels of the browser are chosen for its Python, not for the one that runs this.
3. A source archive is fetched without running any of its code: pip asks its build backend for metadata, so a stand-in
   answers from the archive's own PKG-INFO.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tools.system import ENVIRONMENT, Missing, run

BROWSER_PYTHON = "3.14"
BROWSER_TAGS = (
    "--python-version",
    BROWSER_PYTHON,
    "--implementation",
    "cp",
    "--platform",
    "pyemscripten_2026_0_wasm32",
)
PIN = re.compile(r"^(?P<name>[a-z0-9-]+)==(?P<version>[^ ;\\]+)(?P<rest>.*(?:\n[ ]+--hash=.*)*)", re.MULTILINE)
HASH = re.compile(r"--hash=(sha256:[0-9a-f]{64})")
STAND_IN_BACKEND = """
import email, pathlib

def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    text = pathlib.Path("PKG-INFO").read_text(encoding="utf-8")
    fields = email.message_from_string(text)
    info = pathlib.Path(metadata_directory, f"{fields['Name']}-{fields['Version']}.dist-info")
    info.mkdir()
    (info / "METADATA").write_text(text, encoding="utf-8")
    return info.name
"""


@dataclass(frozen=True, slots=True)
class Pin:
    """One package of a lock."""

    name: str
    version: str
    hashes: tuple[str, ...]
    line: str


def pins(lock: Path) -> dict[str, Pin]:
    """Return the packages of a lock by name."""
    found = {}
    for match in PIN.finditer(lock.read_text()):
        hashes = tuple(HASH.findall(match["rest"]))
        found[match["name"]] = Pin(match["name"], match["version"], hashes, match[0])
    if not found:
        raise Missing(f"{lock.name} names no package: run `make lock`")
    return found


def fetch(lock: Path, names: Iterable[str], target: Path, *, source: bool = False) -> None:
    """Download packages of a lock into a folder: wheels for the browser's Python, or source archives."""
    locked = pins(lock)
    with tempfile.TemporaryDirectory(prefix="carryon-fetch-") as scratch:
        part = Path(scratch) / "part.txt"
        part.write_text("\n".join(locked[name].line for name in names) + "\n")
        command: list[str | Path] = [
            ENVIRONMENT / "bin" / "python",
            "-m",
            "pip",
            "--disable-pip-version-check",
            "download",
            "--no-deps",
            "--require-hashes",
            "--dest",
            target,
            "-r",
            part,
        ]
        if source:
            env = dict(os.environ, PYTHONPATH=stand_in(Path(scratch)))
            run([*command, "--no-binary", ":all:", "--no-build-isolation"], env=env, quiet=True)
        else:
            run([*command, "--only-binary", ":all:", *BROWSER_TAGS], quiet=True)


def stand_in(scratch: Path) -> str:
    """Write the stand-in for the build backends of our source packages and return its place on the path."""
    (scratch / "maturin.py").write_text(STAND_IN_BACKEND)
    (scratch / "setuptools").mkdir()
    (scratch / "setuptools" / "__init__.py").touch()
    (scratch / "setuptools" / "build_meta.py").write_text(STAND_IN_BACKEND)
    return str(scratch)
