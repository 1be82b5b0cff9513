"""Builds the pycrdt wheel for Pyodide, because nobody publishes one, and keeps it in the user's cache.

1. Source: the archive that browser.txt names by version and hash.
2. Compiler: Debian's Rust by its own path, never another one on the PATH, with its own CARGO_HOME in the cache. Std is
   compiled along, since no prebuilt one for `wasm32-unknown-emscripten` is packaged; that needs RUSTC_BOOTSTRAP.
3. No Emscripten SDK: the module is linked as a dynamic library by Debian's LLD (`linker.py`), and everything that it
   does not define itself is imported from Pyodide's main module when it is loaded.
4. Position-independent code, because it is loaded at any address. Symbols are hidden by default: a visible one is
   exported, an exported one is never collected, and the library would be three times as large.
5. The wheel is kept under the hash of this recipe and of the source: another clone on this machine does not build it.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import tarfile
import tempfile
import zipfile
from pathlib import Path

from tools import cache
from tools.locks import Pin, fetch, pins
from tools.system import ROOT, Missing, run, say

HERE = Path(__file__).resolve().parent
RECIPE = ("recipe.py", "linker.py", "pyo3.cfg")
LOCK = ROOT / "browser.txt"
CARGO = Path("/usr/bin/cargo")
RUSTC = Path("/usr/bin/rustc")
LLD = Path("/usr/lib/llvm-22/bin/lld")
STD_SOURCE_NEEDED = "rust-web-src"
DEBIAN_PACKAGES = ["cargo-web", "rustc-web", STD_SOURCE_NEEDED, "lld-22"]
TARGET = "wasm32-unknown-emscripten"
TAG = "cp311-abi3-pyemscripten_2026_0_wasm32"
# How this machine reaches the registry.
PASSED_ON = re.compile(r"(SSL_CERT|CARGO_HTTP|CARGO_NET)_|.*_proxy$", re.IGNORECASE)
RUSTFLAGS = [
    "-Crelocation-model=pic",
    "-Copt-level=3",
    "-Clto=fat",
    "-Cembed-bitcode=yes",
    "-Ccodegen-units=1",
    "-Zdefault-visibility=hidden",
    # Debian ships no linker inside its toolchain; the one named by the target's setting is used.
    "-Zunstable-options",
    "-Clink-self-contained=-linker",
]


def pin() -> Pin:
    """Return pycrdt's line of the browser's lock."""
    return pins(LOCK)["pycrdt"]


def cached() -> Path | None:
    """Return the wheel if this user's cache has it."""
    path = wheel_path()
    return path if path.exists() else None


def wheel_path() -> Path:
    """Return where the wheel of this recipe and source is kept."""
    source = pin()
    key = cache.key("pycrdt wheel", *(HERE / name for name in RECIPE), source.version, *source.hashes)
    return cache.folder("wheels") / key / f"pycrdt-{source.version}-{TAG}.whl"


def compiler_is_there() -> bool:
    """Tell whether Debian's Rust with the sources of std and the linker are installed."""
    std = run([RUSTC, "--print", "sysroot"], quiet=True).strip() if RUSTC.exists() else ""
    std_source = Path(std) / "lib/rustlib/src/rust/library/std/Cargo.toml"
    return CARGO.exists() and LLD.exists() and std_source.exists()


def wheel() -> Path:
    """Return the wheel, built now if the cache does not have it."""
    target = wheel_path()
    if target.exists():
        return target
    if not compiler_is_there():
        raise Missing(f"the pycrdt wheel needs Debian's packages {' '.join(DEBIAN_PACKAGES)}: run `make setup`")
    with cache.building(target) as is_missing, tempfile.TemporaryDirectory(prefix="carryon-pycrdt-") as scratch:
        if is_missing:
            source = unpacked_source(Path(scratch))
            say(f"compiling pycrdt {pin().version} for Pyodide (a few minutes, once for this user)")
            module = compile_module(source, Path(scratch) / "target")
            cache.put(pack(source, module, Path(scratch) / target.name), target)
    return target


def unpacked_source(scratch: Path) -> Path:
    """Fetch and unpack the source archive."""
    version = pin().version
    fetch(LOCK, ["pycrdt"], scratch, source=True)
    with tarfile.open(scratch / f"pycrdt-{version}.tar.gz") as archive:
        archive.extractall(scratch, filter="data")
    return scratch / f"pycrdt-{version}"


def compile_module(source: Path, target: Path) -> Path:
    """Compile the extension module and return the wasm file."""
    cargo_home = cache.folder("cargo")
    env = {
        "PATH": f"{CARGO.parent}{os.pathsep}/bin",
        "HOME": str(Path.home()),
        "CARGO_HOME": str(cargo_home),
        "CARGO_TARGET_DIR": str(target),
        "CARGO_TARGET_WASM32_UNKNOWN_EMSCRIPTEN_LINKER": str(HERE / "linker.py"),
        "CARRYON_LLD": str(LLD),
        "PYO3_CONFIG_FILE": str(HERE / "pyo3.cfg"),
        "RUSTC": str(RUSTC),
        "RUSTC_BOOTSTRAP": "1",
        # Paths of this machine do not get into the panic messages of the module.
        "RUSTFLAGS": " ".join(
            [*RUSTFLAGS, f"--remap-path-prefix={cargo_home}=cargo", f"--remap-path-prefix={source}=pycrdt"]
        ),
        **{name: value for name, value in os.environ.items() if PASSED_ON.match(name)},
    }
    run(
        [
            CARGO,
            "build",
            "--release",
            "--lib",
            "--locked",
            "--target",
            TARGET,
            "-Zbuild-std=std,panic_unwind",
            "--features",
            "pyo3/extension-module,pyo3/abi3-py311",
        ],
        env=env,
        cwd=source,
        quiet=True,
    )
    return target / TARGET / "release" / "pycrdt.wasm"


def pack(source: Path, module: Path, wheel: Path) -> Path:
    """Write the wheel: upstream's Python files, its metadata and the module, every time the same bytes."""
    python = source / "python"
    version = pin().version
    info = f"pycrdt-{version}.dist-info"
    files = {
        path.relative_to(python).as_posix(): path.read_bytes()
        for path in sorted((python / "pycrdt").rglob("*"))
        if path.suffix in (".py", ".pyi") or path.name == "py.typed"
    }
    files["pycrdt/_pycrdt.abi3.so"] = module.read_bytes()
    files[f"{info}/METADATA"] = (source / "PKG-INFO").read_bytes()
    files[f"{info}/licenses/LICENSE"] = (source / "LICENSE").read_bytes()
    files[f"{info}/WHEEL"] = wheel_header(TAG, pure=False)
    write_wheel(wheel, files, info)
    return wheel


def wheel_header(tag: str, *, pure: bool) -> bytes:
    """Return the WHEEL file (binary distribution format, PEP 427)."""
    lines = ["Wheel-Version: 1.0", "Generator: carryon", f"Root-Is-Purelib: {str(pure).lower()}", f"Tag: {tag}"]
    return ("\n".join(lines) + "\n").encode()


def write_wheel(wheel: Path, files: dict[str, bytes], info: str) -> None:
    """Zip the files in order with their RECORD, with a fixed time stamp."""
    record = [f"{name},sha256={urlsafe_sha256(data)},{len(data)}" for name, data in files.items()]
    record.append(f"{info}/RECORD,,")
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in {**files, f"{info}/RECORD": ("\n".join(record) + "\n").encode()}.items():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)


def urlsafe_sha256(data: bytes) -> str:
    """Return a hash as RECORD writes it."""
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
