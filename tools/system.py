"""Finds the programs that the machine provides, and installs Debian's packages where that is allowed.

1. Standard library only: this runs before the environment exists.
2. What is missing and cannot be installed is named together with what to install by hand; nothing is guessed.

It does not choose versions: locks and recipes do.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
NODE_MAJOR_MIN = 20


class Missing(Exception):
    """Something that the machine lacks and that only a person can provide."""


def say(words: str) -> None:
    """Print one line of progress at once, also into a pipe."""
    print(f"· {words}", flush=True)


def run(
    command: Sequence[str | Path], *, env: dict[str, str] | None = None, cwd: Path = ROOT, quiet: bool = False
) -> str:
    """Run a command to its end and return what it printed; raise `Missing` with its last lines when it fails."""
    words = [str(part) for part in command]
    output, faults = (subprocess.PIPE, subprocess.STDOUT) if quiet else (None, None)
    # Whoever reads from a terminal in the background is stopped for good.
    done = subprocess.run(
        words, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=faults, text=True, check=False
    )
    if done.returncode != 0:
        tail = "\n".join((done.stdout or "").splitlines()[-40:])
        raise Missing(f"`{' '.join(words)}` ended with {done.returncode}\n{tail}".rstrip())
    return done.stdout or ""


def apt_install(packages: Sequence[str], what_for: str) -> None:
    """Install Debian packages, or say which ones a person has to install."""
    by_hand = f"{what_for}: install the Debian packages {' '.join(packages)} (as root: apt-get install)"
    if shutil.which("apt-get") is None:
        raise Missing(f"{by_hand}; this machine has no apt-get, so install their equivalents")
    if os.geteuid() != 0:
        raise Missing(f"{by_hand}; this user is not root")
    say(f"installing {' '.join(packages)} ({what_for.lower()})")
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    run(["apt-get", "update", "-q"], env=env, quiet=True)
    run(["apt-get", "install", "-q", "-y", "--no-remove", "--no-install-recommends", *packages], env=env, quiet=True)


def node_on_path() -> Path | None:
    """Return the Node.js of the PATH if it is new enough."""
    found = shutil.which("node")
    if found is None or shutil.which("npm") is None:
        return None
    version = subprocess.run([found, "--version"], capture_output=True, text=True).stdout
    match = re.match(r"v(\d+)\.", version)
    return Path(found) if match and int(match[1]) >= NODE_MAJOR_MIN else None


def node() -> Path:
    """Return the Node.js to use: the PATH's, else the one that set-up put into the environment."""
    found = node_on_path() or ENVIRONMENT / "bin" / "node"
    if not found.exists():
        raise Missing(f"Node.js {NODE_MAJOR_MIN} or newer is missing: run `make setup`")
    return found


def chromium() -> Path | None:
    """Return the browser that the end-to-end tests drive."""
    found = shutil.which("chromium")
    return Path(found) if found else None
