"""Provides what drives Firefox ESR and WebKitGTK: `make e2e-engines` asks for it, `make setup` does not.

1. Browsers, WebKit's driver and a display come from Debian; geckodriver is compiled, because it is published as a binary only; selenium
   is unpacked into a folder of its own, so that `.venv` is the same with and without it.
2. Each is named by version and hash: requirements-engines.txt, and below for geckodriver, whose archive holds the lock of all that
   it is compiled from.
3. What cannot be provided is `Missing`, in words, and concerns its engine alone.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools import cache
from tools.system import ROOT, Missing, apt_install, run, say

LOCK: Final = ROOT / "requirements-engines.txt"
GECKODRIVER: Final = "0.37.1"
GECKODRIVER_SHA256: Final = "79f38cf1541aaf57f6f7eb270f691bcb702485a95dbaaefe740141a8ea46f0ef"
COMPILER_PACKAGES: Final = ("cargo-web", "rustc-web")
MINI_BROWSERS: Final = "*/webkit2gtk-4.*/MiniBrowser"


@dataclass(frozen=True, slots=True)
class Programs:
    """An engine's browser and the driver that WebDriver's clients talk to."""

    browser: Path
    driver: Path


def selenium() -> Path:
    """Return the folder that holds selenium, installed now if the cache does not have it."""
    target = cache.folder("engines") / cache.key("selenium", sys.version, LOCK) / "packages"
    with cache.building(target) as is_missing, tempfile.TemporaryDirectory(prefix="carryon-selenium-") as scratch:
        if is_missing:
            say("installing selenium")
            pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
            run([*pip, "--require-hashes", "-r", LOCK, "--target", scratch], quiet=True)
            cache.put(Path(scratch), target)
    return target


def firefox() -> Programs:
    """Return Firefox ESR with geckodriver."""
    return Programs(provided("firefox-esr", ["firefox-esr"]), geckodriver())


def webkit() -> Programs:
    """Return WebKitGTK's small browser with its driver; the library that the driver comes with brings the browser."""
    driver = provided("WebKitWebDriver", ["webkit2gtk-driver"])
    browsers = sorted(Path("/usr/lib").glob(MINI_BROWSERS))
    if not browsers:
        raise Missing(f"WebKitGTK's MiniBrowser is not at /usr/lib/{MINI_BROWSERS}: install libwebkit2gtk-4.1-0")
    return Programs(browsers[-1], driver)


def display() -> Path:
    """Return the program that gives a display to a browser that has no other."""
    return provided("Xvfb", ["xvfb"])


def provided(program: str, packages: list[str]) -> Path:
    """Return a program of the PATH, installed from Debian if it is not there."""
    if shutil.which(program) is None:
        apt_install(packages, "Browsers for `make e2e-engines`")
    found = shutil.which(program)
    if found is None:
        raise Missing(f"{program} is not on the PATH though {' '.join(packages)} is installed")
    return Path(found)


def geckodriver() -> Path:
    """Return geckodriver, compiled now if the cache does not have it."""
    target = cache.folder("engines") / cache.key("geckodriver", GECKODRIVER, GECKODRIVER_SHA256) / "geckodriver"
    with cache.building(target) as is_missing, tempfile.TemporaryDirectory(prefix="carryon-geckodriver-") as scratch:
        if is_missing:
            if shutil.which("cargo") is None:
                apt_install(COMPILER_PACKAGES, "Compiler for geckodriver")
            say(f"compiling geckodriver {GECKODRIVER} (a few minutes, once for this user)")
            compile_geckodriver(Path(scratch))
            cache.put(Path(scratch) / "bin" / "geckodriver", target)
            target.chmod(0o755)
    return target


def compile_geckodriver(scratch: Path) -> None:
    """Compile into `scratch/bin`, from an archive that has the hash we know."""
    home = scratch / "cargo"
    env = dict(os.environ, CARGO_HOME=str(home), CARGO_TARGET_DIR=str(scratch / "target"))
    run(
        ["cargo", "install", "geckodriver", "--version", GECKODRIVER, "--locked", "--root", scratch],
        env=env,
        quiet=True,
    )
    [archive] = home.glob(f"registry/cache/*/geckodriver-{GECKODRIVER}.crate")
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != GECKODRIVER_SHA256:
        raise Missing(f"geckodriver {GECKODRIVER} has the hash {found}, not {GECKODRIVER_SHA256}: it is not used")
