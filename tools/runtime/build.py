"""Makes the runtime that all releases of the app share: Pyodide, the boot image and the packages.

1. The runtime is a folder `r/<hash>/` of the site, named by the hash of its contents; the boot image belongs to
   exactly the Pyodide beside it.
2. It is kept in the user's cache under the hash of its inputs and made again only when one of them changed.
3. The standard library's archive is stored, not deflated: so it costs 1.8 MB on the wire under brotli, not 2.5.

Files: pyodide.mjs, pyodide.asm.mjs, pyodide.asm.wasm (Pyodide's own) · python_stdlib.zip · pyodide-lock.json (what is
installed) · boot.bin (the boot image) · site-packages.zip (byte code) · pycrdt.so · each with `.br` and `.gz`
beside it.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import zipfile
from dataclasses import asdict
from pathlib import Path

from tools import cache
from tools.compression import compress
from tools.pycrdt_wheel import recipe
from tools.runtime.packages import LOCK, Package, gather
from tools.system import ROOT, node, run, say

HERE = Path(__file__).resolve().parent
PYODIDE = ROOT / "node_modules" / "pyodide"
ITS_OWN = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm")
SHIPPED = (*ITS_OWN, "python_stdlib.zip", "pyodide-lock.json", "boot.bin", "site-packages.zip", "pycrdt.so")
PACKAGES = "packages.json"
# A tenth smaller than with 9; 11 takes three times as long for another fiftieth.
QUALITY = 10
# What decides about the bytes of the runtime.
MADE_BY = ("image.mjs", "start.mjs", "install.py", "warm.py", "warm.txt", "bytecode.py", "packages.py")


def runtime() -> Path:
    """Return the runtime's folder in the user's cache, made now if it is not there: its files, and packages.json."""
    kept = cache.folder("runtimes") / key()
    if not kept.exists():
        with cache.building(kept) as is_missing, tempfile.TemporaryDirectory(prefix="carryon-runtime-") as scratch:
            if is_missing:
                made = Path(scratch) / "runtime"
                make(Path(scratch) / "work", made)
                cache.put(made, kept)
    return kept


def files_of(kept: Path) -> Path:
    """Return the folder of the files that are shipped."""
    return kept / "files"


def packages(kept: Path) -> list[Package]:
    """Return the third-party packages of a runtime."""
    return [Package(**fields) for fields in json.loads((kept / PACKAGES).read_text())]


def key() -> str:
    """Hash everything that the runtime is made from."""
    sources = [HERE / name for name in MADE_BY]
    return cache.key(
        f"runtime {SHIPPED} {QUALITY} {run([node(), '--version'], quiet=True)}",
        recipe.wheel_path().parent.name,
        LOCK,
        PYODIDE / "package.json",
        *sources,
        HERE.parent / "compression.py",
    )


def make(work: Path, target: Path) -> None:
    """Build the runtime in `work` and leave what is kept in `target`."""
    found = assemble(work)
    shipped = files_of(target)
    shipped.mkdir(parents=True)
    for name in SHIPPED:
        (work / name).rename(shipped / name)
    (target / PACKAGES).write_text(json.dumps([asdict(package) for package in found], indent=1))
    say("compressing the runtime (once for this user)")
    compress([shipped / name for name in SHIPPED], QUALITY)


def assemble(work: Path) -> list[Package]:
    """Make every shipped file in `work` and return the packages that are in them."""
    found = gather(work / "wheels")
    for name in ITS_OWN:
        shutil.copyfile(PYODIDE / name, work / name)
    shutil.copyfile(PYODIDE / "pyodide-lock.json", work / "distribution-lock.json")
    store(PYODIDE / "python_stdlib.zip", work / "python_stdlib.zip")
    say("making the boot image")
    run([node(), HERE / "image.mjs", work], quiet=True)
    return found


def store(deflated: Path, stored: Path) -> None:
    """Write a zip again without compression, with fixed time stamps."""
    with zipfile.ZipFile(deflated) as source, zipfile.ZipFile(stored, "w", zipfile.ZIP_STORED) as target:
        for entry in sorted(source.infolist(), key=lambda entry: entry.filename):
            if not entry.is_dir():
                target.writestr(zipfile.ZipInfo(entry.filename, (1980, 1, 1, 0, 0, 0)), source.read(entry))
