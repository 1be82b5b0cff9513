"""The locks: everything by version and hash, from wherever this machine gets its packages."""

import json
import re
from pathlib import Path

import pytest

from tools.locks import pins

ROOT = Path(__file__).parent.parent.parent
PIP_LOCKS = [
    ROOT / f"{name}.txt"
    for name in ("requirements", "requirements-node", "requirements-engines", "browser", "browser-tests")
]


@pytest.mark.parametrize("lock", PIP_LOCKS, ids=lambda lock: lock.name)
def test_every_python_package_is_locked_by_version_and_hash(lock: Path) -> None:
    """A lock is pins with hashes and nothing else: no host, no option, no package without a hash."""
    rest = lock.read_text()
    for pin in pins(lock).values():
        rest = rest.replace(pin.line, "")
        assert pin.hashes, f"{pin.name} has no hash"

    assert rest.strip() == ""


def test_every_npm_package_is_locked_by_version_and_hash() -> None:
    """package-lock.json has the integrity of each package and no address to fetch it from."""
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]

    for name, package in packages.items():
        assert "resolved" not in package, f"{name} names a host"
        assert name == "" or package["integrity"].startswith("sha512-"), f"{name} has no hash"


def test_package_json_asks_for_exact_versions() -> None:
    """A package of ours never changes because a newer one was published."""
    asked = json.loads((ROOT / "package.json").read_text())
    versions = asked["dependencies"] | asked["devDependencies"]

    assert [name for name, version in versions.items() if not re.fullmatch(r"\d+\.\d+\.\d+", version)] == []


def test_the_machine_and_the_browser_have_the_same_versions() -> None:
    """What tests on CPython say about a package is true of the one in the browser."""
    machine = {name: pin.version for name, pin in pins(ROOT / "requirements.txt").items()}
    browser = {name: pin.version for name, pin in pins(ROOT / "browser.txt").items()}

    shared = machine.keys() & browser.keys()

    assert {"pycrdt", "jinja2", "markdown-it-py", "anyio"} <= shared
    assert {name: machine[name] for name in shared} == {name: browser[name] for name in shared}
