"""Gathers the browser's Python packages as one folder of wheels, from the browser's lock.

1. Pure wheels are fetched as they are. Two packages are made here from their source archives: pycrdt
   (`tools.pycrdt_wheel`) and MarkupSafe, whose C part is left out because it brings its own Python one.
2. Each package carries what the bill of materials needs: version, licence, and the hash of what was fetched.
"""

from __future__ import annotations

import email
import hashlib
import shutil
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from tools.locks import fetch, pins
from tools.pycrdt_wheel import recipe
from tools.system import ROOT

LOCK = ROOT / "browser.txt"
FROM_SOURCE = ("markupsafe", "pycrdt")


@dataclass(frozen=True, slots=True)
class Package:
    """A third-party package that is part of the site."""

    name: str
    version: str
    licence: str
    hash: str
    origin: str


def gather(folder: Path) -> list[Package]:
    """Fill a folder with one wheel per package of the browser's lock."""
    folder.mkdir(parents=True, exist_ok=True)
    fetch(LOCK, [name for name in pins(LOCK) if name not in FROM_SOURCE], folder)
    markupsafe(folder)
    shutil.copy(recipe.wheel(), folder)
    return [package_of(wheel) for wheel in sorted(folder.glob("*.whl"))]


def markupsafe(folder: Path) -> None:
    """Pack MarkupSafe's source archive as a pure wheel, without its C part."""
    version = pins(LOCK)["markupsafe"].version
    fetch(LOCK, ["markupsafe"], folder, source=True)
    archive = folder / f"markupsafe-{version}.tar.gz"
    top, info = f"markupsafe-{version}", f"markupsafe-{version}.dist-info"
    with tarfile.open(archive) as packed:
        files = {
            f"markupsafe/{Path(member.name).name}": read(packed, member)
            for member in sorted(packed.getmembers(), key=lambda member: member.name)
            if member.name.startswith(f"{top}/src/markupsafe/") and member.name.endswith((".py", "py.typed"))
        }
        files[f"{info}/METADATA"] = read(packed, packed.getmember(f"{top}/PKG-INFO"))
        files[f"{info}/licenses/LICENSE.txt"] = read(packed, packed.getmember(f"{top}/LICENSE.txt"))
    files[f"{info}/WHEEL"] = recipe.wheel_header("py3-none-any", pure=True)
    recipe.write_wheel(folder / f"{top}-py3-none-any.whl", files, info)
    archive.unlink()


def read(packed: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    """Return the contents of a regular file of an archive."""
    file = packed.extractfile(member)
    assert file is not None, f"{member.name} is not a regular file"
    return file.read()


def package_of(wheel: Path) -> Package:
    """Read a wheel's own metadata."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        fields = email.message_from_bytes(archive.read(name))
    digest = f"sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}"
    return Package(fields["Name"], fields["Version"], licence_of(fields), digest, "Python registry")


def licence_of(fields: email.message.Message) -> str:
    """Return the licence a package declares, by any of the three ways there have been."""
    if fields["License-Expression"]:
        return str(fields["License-Expression"])
    classifiers = [text for text in fields.get_all("Classifier", []) if text.startswith("License ::")]
    if classifiers:
        return "; ".join(text.rsplit(" :: ", 1)[1] for text in classifiers)
    return str(fields["License"] or "").splitlines()[0]
