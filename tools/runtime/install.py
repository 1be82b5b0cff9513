"""Runs in Pyodide: installs the browser's packages with micropip, packs them as byte code and returns the lock.

1. micropip resolves, so that a package whose needs are not met fails the build and not the page.
2. Modules are shipped as unchecked byte code in the place of their source: nothing is compiled in the browser.
3. They stay in the archive, which lies on `sys.path` as it is: to unpack it takes longer than all imports together. It
   is stored, not deflated, and compressed on the wire. Only an extension module cannot be loaded from it.
4. A package that reads its own source when it is imported (anyio, to import lazily) keeps that source.
5. pycrdt looks its version up in every archive of the path when it is imported; it is packed with the answer.
"""

import glob
import json
import os
import sys
import zipfile
from importlib.metadata import version

from tools.runtime.bytecode import byte_code

SHIPPED_TO = "/lib/site-packages.zip"
WHEELS = "/wheels"
SITE_PACKAGES = "/lib/python3.14/site-packages"
ARCHIVE = "/site-packages.zip"
EXTENSION_MODULE = "pycrdt/_pycrdt.abi3.so"
VERSION_MODULE = "pycrdt/_version.py"
EPOCH = (1980, 1, 1, 0, 0, 0)
READS_ITS_SOURCE = b"install_lazy_importer"
NOT_SHIPPED = (".pyi", "/RECORD", "/INSTALLER", "/REQUESTED", "/direct_url.json", "/entry_points.txt", "/py.typed")


async def install() -> str:
    """Install every wheel, write the archive, and return the lock."""
    bootstrap = "/tmp/micropip"
    for wheel in glob.glob(f"{WHEELS}/micropip-*.whl") + glob.glob(f"{WHEELS}/packaging-*.whl"):
        zipfile.ZipFile(wheel).extractall(bootstrap)
    sys.path.insert(0, bootstrap)
    import micropip

    await micropip.install([f"emfs:{wheel}" for wheel in sorted(glob.glob(f"{WHEELS}/*.whl"))])
    pack()
    return shipped(json.loads(micropip.freeze()))


def pack() -> None:
    """Write what was installed as one stored zip."""
    with zipfile.ZipFile(ARCHIVE, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(glob.glob(f"{SITE_PACKAGES}/**/*", recursive=True, include_hidden=True)):
            name = os.path.relpath(path, SITE_PACKAGES)
            if os.path.isfile(path) and "__pycache__" not in name:
                for packed_name, data in packed(path, name).items():
                    archive.writestr(zipfile.ZipInfo(packed_name, EPOCH), data)


def packed(path: str, name: str) -> dict[str, bytes]:
    """Return what is shipped of one file, as names and bytes."""
    with open(path, "rb") as file:
        data = file.read()
    if not name.endswith(".py"):
        return {} if name == EXTENSION_MODULE or f"/{name}".endswith(NOT_SHIPPED) else {name: data}
    if name == VERSION_MODULE:
        data = f"__version__ = {version('pycrdt')!r}\n".encode()
    source = {name: data} if READS_ITS_SOURCE in data else {}
    return {**source, f"{name}c": byte_code(data, f"{SHIPPED_TO}/{name}")}


def shipped(lock: dict[str, dict[str, dict[str, str]]]) -> str:
    """Return the lock with wheels named by their file alone, wherever the build kept them."""
    for package in lock["packages"].values():
        package["file_name"] = os.path.basename(package["file_name"])
    return json.dumps(lock, indent=1, sort_keys=True)
