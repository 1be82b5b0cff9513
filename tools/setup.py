"""Makes the environment that every other command needs, from a system Python and nothing else.

1. Standard library only, and the system's python3: this is the first thing that runs on a fresh machine.
2. Each step remembers the hash of what it was made from, so that a second run does only what has changed.
3. Everything that is fetched is named by a lock with hashes; nothing is taken from the machine but Node.js.
4. Without root or apt, the words say what to install.

The pycrdt wheel and the site are built by `tools.site`; this only provides the compiler for them.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import sys
import venv
from collections.abc import Callable
from pathlib import Path

from tools.pycrdt_wheel import recipe
from tools.system import ENVIRONMENT, ROOT, Missing, apt_install, chromium, node_on_path, run, say

STAMP = ENVIRONMENT / "setup.json"
PYTHON = ENVIRONMENT / "bin" / "python"
PYTHON_MIN = (3, 11)


def main() -> int:
    """Run every step that is not done yet, and say what is missing in words."""
    try:
        make_environment()
        step("Python packages", [ROOT / "requirements.txt"], install_python_packages)
        step("the project itself", [ROOT / "pyproject.toml"], install_project)
        if node_on_path() is None:
            step("Node.js", [ROOT / "requirements-node.txt"], install_node)
        if not (ROOT / "node_modules").is_dir():
            forget("npm packages")
        step("npm packages", [ROOT / "package-lock.json"], install_npm_packages)
        provide_compiler()
        provide_browser()
    except Missing as missing:
        print(f"\nSet-up stopped: {missing}", file=sys.stderr)
        return 1
    STAMP.touch()
    return 0


def make_environment() -> None:
    """Create `.venv`, with Debian's python3-venv where the system's Python came without it."""
    if sys.version_info < PYTHON_MIN:
        raise Missing(f"Python is {sys.version.split()[0]}, Carryon needs 3.11 or newer: install python3.11")
    if PYTHON.exists():
        return
    if importlib.util.find_spec("ensurepip") is None:
        apt_install(["python3-venv"], "Python environments")
        importlib.invalidate_caches()
    say(f"making .venv with Python {sys.version.split()[0]}")
    venv.create(ENVIRONMENT, with_pip=True, symlinks=True)


def step(name: str, inputs: list[Path], act: Callable[[], None]) -> None:
    """Run `act` unless it already ran for the same inputs in this environment."""
    done = stamps()
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in inputs)).hexdigest()
    if done.get(name) == digest:
        return
    say(f"installing {name}")
    act()
    STAMP.write_text(json.dumps({**stamps(), name: digest}, indent=1))


def forget(name: str) -> None:
    """Let a step run again whose result was removed."""
    left = {key: digest for key, digest in stamps().items() if key != name}
    STAMP.write_text(json.dumps(left, indent=1))


def stamps() -> dict[str, str]:
    """Return the steps done in this environment, by name, with the hash of their inputs."""
    if not STAMP.exists():
        return {}
    done: dict[str, str] = json.loads(STAMP.read_text())
    return done


def install_python_packages() -> None:
    """Install what the lock names, every archive checked by its hash."""
    pip("install", "--require-hashes", "-r", ROOT / "requirements.txt")


def install_project() -> None:
    """Put app/ and sync_worker/ on the path, and the commands into .venv/bin."""
    pip("install", "--no-deps", "--no-build-isolation", "--editable", ROOT)


def install_node() -> None:
    """Install Node.js into the environment, from the Python registry."""
    pip("install", "--require-hashes", "-r", ROOT / "requirements-node.txt")


def install_npm_packages() -> None:
    """Install what package-lock.json names; no package runs a script of its own."""
    path = f"{ENVIRONMENT / 'bin'}{os.pathsep}{os.environ['PATH']}"
    found = node_on_path()
    npm = "npm" if found else ENVIRONMENT / "bin" / "npm"
    run([npm, "ci", "--no-progress"], env=dict(os.environ, PATH=os.environ["PATH"] if found else path), quiet=True)


def provide_compiler() -> None:
    """Install Rust for the pycrdt wheel, unless this user's cache already has the wheel."""
    if recipe.cached() is None and not recipe.compiler_is_there():
        apt_install(recipe.DEBIAN_PACKAGES, "Compiler for the pycrdt wheel")


def provide_browser() -> None:
    """Install Chromium, which only the end-to-end tests need: without it everything else works."""
    if chromium() is not None:
        return
    try:
        apt_install(["chromium"], "Browser for the end-to-end tests")
    except Missing as missing:
        say(f"`make e2e` will not work yet. {missing}")


def pip(*arguments: str | Path) -> None:
    """Run the environment's pip."""
    run([PYTHON, "-m", "pip", "--disable-pip-version-check", *arguments], quiet=True)


if __name__ == "__main__":
    sys.exit(main())
