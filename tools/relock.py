"""Resolves the locks again from what is asked for: `*.in` and package.json.

1. Every package is pinned by version and by hash, and no host is named.
2. A package that both CPython and the browser have has one version: CPython's lock decides.
3. The lock that this is done with is the present one (uv is in it), so that a second run changes nothing.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tools.locks import BROWSER_PYTHON, pins
from tools.system import ENVIRONMENT, ROOT, Missing, run

MACHINE_PYTHON = "3.11"


def main() -> int:
    """Write every lock."""
    try:
        resolve("requirements", MACHINE_PYTHON)
        resolve("requirements-node", MACHINE_PYTHON)
        decided = {name: pin.version for name, pin in pins(ROOT / "requirements.txt").items()}
        resolve("requirements-engines", MACHINE_PYTHON, decided)
        resolve("browser", BROWSER_PYTHON, decided)
        decided |= {name: pin.version for name, pin in pins(ROOT / "browser.txt").items()}
        resolve("browser-tests", BROWSER_PYTHON, decided)
        run(["npm", "install", "--package-lock-only", "--no-progress"], quiet=True)
    except Missing as missing:
        print(f"\nThe locks were not all resolved: {missing}", file=sys.stderr)
        return 1
    return 0


def resolve(name: str, python: str, decided: dict[str, str] | None = None) -> None:
    """Resolve NAME.in into NAME.txt, with the versions that are decided already."""
    with tempfile.TemporaryDirectory(prefix="carryon-relock-") as scratch:
        constraints = Path(scratch) / "constraints.txt"
        constraints.write_text("".join(f"{package}=={version}\n" for package, version in (decided or {}).items()))
        run(
            [
                ENVIRONMENT / "bin" / "uv",
                "pip",
                "compile",
                "--quiet",
                "--generate-hashes",
                "--no-annotate",
                "--no-header",
                "--universal",
                "--python-version",
                python,
                "--constraint",
                constraints,
                f"{name}.in",
                "--output-file",
                f"{name}.txt",
            ],
            quiet=True,
        )


if __name__ == "__main__":
    sys.exit(main())
