"""Runs in Pyodide: installs the browser's packages with micropip, packs them as byte code and returns the lock.

1. micropip resolves, so that a package whose needs are not met fails the build and not the page.
2. Modules are shipped as unchecked byte code in the place of their source: nothing is compiled in the browser.
3. A package that reads its own source when it is imported (anyio, to import lazily) keeps that source.
4. Archives are stored, not deflated: they are read at every start, and compressed on the wire.
"""

import glob
import json
import os
import sys
import zipfile
from importlib.util import cache_from_source

from bytecode import byte_code

WHEELS = "/wheels"
SITE_PACKAGES = "/lib/python3.14/site-packages"
ARCHIVE = "/site-packages.zip"
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
        return {} if f"/{name}".endswith(NOT_SHIPPED) else {name: data}
    if READS_ITS_SOURCE in data:
        return {name: data, os.path.relpath(cache_from_source(name)): byte_code(data, path)}
    return {f"{name}c": byte_code(data, path)}


def shipped(lock: dict[str, dict[str, dict[str, str]]]) -> str:
    """Return the lock with wheels named by their file alone, wherever the build kept them."""
    for package in lock["packages"].values():
        package["file_name"] = os.path.basename(package["file_name"])
    return json.dumps(lock, indent=1, sort_keys=True)
