"""Runs in Pyodide: installs the browser's packages with micropip, packs them as byte code and returns the lock.

1. micropip resolves, so that a package whose needs are not met fails the build and not the page.
2. Modules are shipped as unchecked byte code in the place of their source: nothing is compiled in the browser.
3. A package that reads its own source when it is imported (anyio, to import lazily) keeps that source.
4. Archives are stored, not deflated: they are unpacked at every start, and compressed on the wire.
"""

import glob
import json
import os
import sys
import sysconfig
import zipfile
from importlib._bootstrap_external import _code_to_hash_pyc
from importlib.util import cache_from_source, source_hash

WHEELS = "/wheels"
EPOCH = (1980, 1, 1, 0, 0, 0)
READS_ITS_SOURCE = b"install_lazy_importer"
NOT_SHIPPED = (".pyi", ".py", "/RECORD", "/INSTALLER", "/REQUESTED", "/direct_url.json", "/entry_points.txt")


def byte_code(source, path):
    """Compile a module into a .pyc that is believed as it is; tracebacks name it as `path`."""
    code = compile(source, path, "exec", dont_inherit=True, optimize=0)
    return bytes(_code_to_hash_pyc(code, source_hash(source), False))


def packed(path, name):
    """Return what is shipped of one file, as names and bytes."""
    with open(path, "rb") as file:
        data = file.read()
    if not name.endswith(".py"):
        return {} if name.endswith(NOT_SHIPPED) else {name: data}
    if READS_ITS_SOURCE in data:
        return {name: data, os.path.relpath(cache_from_source(name)): byte_code(data, path)}
    return {f"{name}c": byte_code(data, path)}


def pack(site, target):
    """Write the tree under `site` as one stored zip."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(glob.glob(f"{site}/**/*", recursive=True, include_hidden=True)):
            name = os.path.relpath(path, site)
            if os.path.isfile(path) and "__pycache__" not in name:
                for shipped_name, data in packed(path, name).items():
                    archive.writestr(zipfile.ZipInfo(shipped_name, EPOCH), data)


def shipped(lock):
    """Return the lock with wheels named by their file alone, wherever the build kept them."""
    for package in lock["packages"].values():
        package["file_name"] = os.path.basename(package["file_name"])
    return json.dumps(lock, indent=1, sort_keys=True)


bootstrap = "/tmp/micropip"
for wheel in glob.glob(f"{WHEELS}/micropip-*.whl") + glob.glob(f"{WHEELS}/packaging-*.whl"):
    zipfile.ZipFile(wheel).extractall(bootstrap)
sys.path.insert(0, bootstrap)

import micropip

await micropip.install([f"emfs:{wheel}" for wheel in sorted(glob.glob(f"{WHEELS}/*.whl"))])
pack(os.path.normpath(sysconfig.get_path("platlib")).replace("//", "/"), "/site-packages.zip")
zipfile.ZipFile("/site-packages.zip").extractall("/packed")
shipped(json.loads(micropip.freeze()))
